/* plain_strcmp.c - strcmp for the core in a fuzzer: libFuzzer looks at every comparison of the C library's, which takes
 * more time than the core does, and for nothing, where a mutator knows scenarios. Built like the core, so that
 * AddressSanitizer sees what it reads. */
#include <stdint.h>
#include <string.h>

int plain_strcmp(const char *left, const char *right); /* `strcmp` is defined as this where it is used */

int plain_strcmp(const char *left, const char *right)
{
    while (*left != '\0' && *left == *right) {
        left++;
        right++;
    }
    return (int)(uint8_t)*left - (int)(uint8_t)*right;
}
