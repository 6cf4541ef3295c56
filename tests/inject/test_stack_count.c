/* test_stack_count.c - a stack that was seen before is recognised, not unwound again (inject/stack.h): by counting, as
 * a call that is unwound each time is as right as the other. The unwinder is wrapped by the linker. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <alloca.h>
#include <dlfcn.h>
#include <pthread.h>

#include <cmocka.h>

#include "next.h"
#include "runstate.h"
#include "stack.h"
#include "unwind.h"

enum {
    CALLS = 1000,
    FRAMES_OF_ONE_STACK = 8
};

static _Atomic unsigned unwound;

void __real_unwind_stack(unwind_visit *visit, void *context);
void __wrap_unwind_stack(unwind_visit *visit, void *context);
void __wrap_unwind_stack(unwind_visit *visit, void *context)
{
    unwound++;
    __real_unwind_stack(visit, context);
}

/* The interposer's is past its own definition, of which there is none here. */
dlsym_function *next_dlsym(void)
{
    return dlsym;
}

#define APART __attribute__((noinline))

APART static uint32_t call(void)
{
    uint32_t number = stack_of_call(__builtin_return_address(0));
    __asm__ __volatile__("" : "+r"(number)); /* no tail call */
    return number;
}

APART static uint32_t plain(int depth)
{
    uint32_t number = depth == 0 ? call() : plain(depth - 1);
    __asm__ __volatile__("" : "+r"(number));
    return number;
}

APART static uint32_t varying(size_t room)
{
    char *frame = alloca(room);
    __asm__ __volatile__("" : : "r"(frame) : "memory");
    uint32_t number = plain(2);
    __asm__ __volatile__("" : "+r"(number));
    return number;
}

static void *in_thread(void *unused)
{
    (void)unused;
    for (int i = 0; i < CALLS; i++) {
        varying(64);
    }
    return NULL;
}

/* One place, CALLS times: one number, unwound once. */
static void recognises_what_it_saw(void **state)
{
    (void)state;
    unsigned before = unwound;
    uint32_t first = 0;
    for (int i = 0; i < CALLS; i++) {
        uint32_t number = plain(FRAMES_OF_ONE_STACK);
        first = first == 0 ? number : first;
        assert_int_equal(number, first);
    }
    assert_int_not_equal(first, 0);
    assert_int_equal(unwound - before, 1);
}

/* The same frames in other places are remembered, too: one unwinding for each size. */
static void recognises_frames_that_vary(void **state)
{
    (void)state;
    unsigned before = unwound;
    for (int i = 0; i < CALLS; i++) {
        varying(i % 2 == 0 ? 64 : 512);
    }
    assert_int_equal(unwound - before, 2);
}

static void recognises_in_every_thread(void **state)
{
    (void)state;
    unsigned before = unwound;
    for (int i = 0; i < 4; i++) {
        pthread_t thread;
        assert_int_equal(pthread_create(&thread, NULL, in_thread, NULL), 0);
        assert_int_equal(pthread_join(thread, NULL), 0);
    }
    assert_int_equal(unwound - before, 1);
}

int main(void)
{
    char folder[] = "/tmp/vdifault-stack-XXXXXX", command[64];
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(recognises_what_it_saw),
        cmocka_unit_test(recognises_frames_that_vary),
        cmocka_unit_test(recognises_in_every_thread),
    };
    if (mkdtemp(folder) == NULL) {
        return 1;
    }
    setenv("VDIFAULT_TRACE", folder, 1);
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command) == 0 ? failed : 1;
}
