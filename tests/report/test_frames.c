/* test_frames.c - a stack as the report shows it: this program's own. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <dlfcn.h>
#include <execinfo.h>
#include <link.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "frames.h"

enum {
    STACK_FRAMES = 64
};

static struct stack *stack;
static char *own_path;

static struct stack_frame frame_at(void *address)
{
    Dl_info info;
    struct link_map *map = NULL;
    int found = dladdr1(address, &info, (void **)&map, RTLD_DL_LINKMAP);

    assert_int_not_equal(found, 0);
    return (struct stack_frame){.module = map->l_name[0] ? map->l_name : own_path,
                                .base = map->l_addr,
                                .address = (uint64_t)(uintptr_t)address - 1};
}

static __attribute__((noinline)) int innermost_function(void)
{
    void *addresses[STACK_FRAMES];
    int count = backtrace(addresses, STACK_FRAMES);
    int own = 0;

    /* A sanitizer that is linked into the program has a frame of its own below. */
    while (own + 1 < count && addresses[own + 1] != __builtin_return_address(0)) {
        own++;
    }
    for (int i = own; i < count; i++) {
        stack->frames[stack->frame_count++] = frame_at(addresses[i]);
    }
    return count;
}

static inline __attribute__((always_inline)) int inlined_function(void)
{
    return innermost_function() + 1;
}

static __attribute__((noinline)) int outer_function(void)
{
    return inlined_function() + 1;
}

static int set_up(void **state)
{
    (void)state;
    stack = calloc(1, sizeof *stack + STACK_FRAMES * sizeof stack->frames[0]);
    own_path = realpath("/proc/self/exe", NULL);
    return stack && own_path ? 0 : -1;
}

static int tear_down(void **state)
{
    (void)state;
    free(stack);
    free(own_path);
    return 0;
}

/* Position of a function among the frames, or -1. */
static int find(const struct frames *frames, const char *function)
{
    for (size_t i = 0; i < frames->count; i++) {
        if (frames->at[i]->function && strcmp(frames->at[i]->function, function) == 0) {
            return (int)i;
        }
    }
    return -1;
}

static void test_inlined_functions_and_main(void **state)
{
    struct symbols *symbols;
    struct frames frames;
    char text[512];

    (void)state;
    assert_true(outer_function() > 0); /* used, or a compiler makes the last call a jump */
    assert_int_equal(symbols_new(&symbols), 0);
    frames_read(symbols, stack, &frames);
    int at = find(&frames, "innermost_function");
    assert_int_equal(at, 0);
    assert_int_equal(find(&frames, "inlined_function"), at + 1);
    assert_int_equal(find(&frames, "outer_function"), at + 2);
    assert_string_equal(frames.at[frames.count - 1]->function, "main"); /* and nothing above */
    symbols_format(frames.at[at + 2], text, sizeof text);
    assert_ptr_equal(strstr(text, "test_frames.c:"), text);
    frames_stable_text(&frames, text, sizeof text);
    assert_non_null(strstr(text, "innermost_function|inlined_function|outer_function"));
    assert_null(strstr(text, "test_frames.c")); /* no lines: they move when anything above is edited */
    assert_ptr_equal(frames_own(&frames), frames.at[at]);
    symbols_free(symbols);
}

static void *in_a_thread(void *unused)
{
    (void)unused;
    assert_true(outer_function() > 0); /* used, or a compiler makes the last call a jump */
    return NULL;
}

static void test_where_a_thread_begins(void **state)
{
    struct symbols *symbols;
    struct frames frames;
    pthread_t thread;

    (void)state;
    assert_int_equal(pthread_create(&thread, NULL, in_a_thread, NULL), 0);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(symbols_new(&symbols), 0);
    frames_read(symbols, stack, &frames);
    assert_string_equal(frames.at[frames.count - 1]->function, "in_a_thread");
    symbols_free(symbols);
}

/* Without names: what lies between the C library and the C library's end is left, and nothing of ours. */
static void test_programs_without_names(void **state)
{
    static const struct stack_frame bare[] = {
        {"/x/libvdifault-sys.so", 0x1000, 0x1010}, {"/x/agent", 0x4000, 0x4100},
        {"/lib/libc.so.6", 0x8000, 0x8100},        {"/x/agent", 0x4000, 0x4200},
        {"/lib/libc.so.6", 0x8000, 0x8200},        {"/x/agent", 0x4000, 0x4300}};
    struct symbols *symbols;
    struct frames frames;
    char text[512];

    (void)state;
    memcpy(stack->frames, bare, sizeof bare);
    stack->frame_count = sizeof bare / sizeof bare[0];
    assert_int_equal(symbols_new(&symbols), 0);
    frames_read(symbols, stack, &frames);
    assert_int_equal(frames.count, 3);
    symbols_format(frames.at[0], text, sizeof text);
    assert_string_equal(text, "agent+0x100");
    symbols_format(frames.at[1], text, sizeof text);
    assert_string_equal(text, "libc.so.6+0x100"); /* qsort, say */
    symbols_format(frames.at[2], text, sizeof text);
    assert_string_equal(text, "agent+0x200");
    frames_stable_text(&frames, text, sizeof text);
    assert_string_equal(text, "agent+0x100");
    assert_null(frames_own(&frames));
    frames_read(symbols, NULL, &frames);
    assert_int_equal(frames.count, 0);
    symbols_free(symbols);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_inlined_functions_and_main, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_where_a_thread_begins, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_programs_without_names, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
