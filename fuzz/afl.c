/* afl.c - the main function of a fuzz target under AFL++: many inputs in one process, out of shared memory.
 *
 * Started by hand it runs the input on stdin once. AFL++ counts a process's end as the end of its inputs, so the loop
 * ends now and then: what a target gathers in a long life is not to be mistaken for what one input does.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h> /* the macros read stdin by themselves */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    INPUTS_OF_A_PROCESS = 100000
};

__AFL_FUZZ_INIT();

int main(void)
{
    static const uint8_t nothing[1];
    LLVMFuzzerTestOneInput(nothing, 0); /* what the first input sets up is then no input's doing */
    __AFL_INIT();
    const uint8_t *shared = __AFL_FUZZ_TESTCASE_BUF;
    while (__AFL_LOOP(INPUTS_OF_A_PROCESS)) {
        size_t size = (size_t)__AFL_FUZZ_TESTCASE_LEN;
        uint8_t *exact = malloc(size != 0 ? size : 1); /* so that a byte read too far is seen */
        if (exact == NULL) {
            return 1;
        }
        memcpy(exact, shared, size);
        LLVMFuzzerTestOneInput(exact, size);
        free(exact);
    }
    return 0;
}
