/* test_stack.c - each recorded call has the stack that the client itself saw there, whether it was unwound or
 * recognised (inject/stack.h). The client unwinds right there, too: that is the oracle. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness.h"

enum {
    FRAMES_MAX = 64,
    STACKS_MAX = 4096,
    LINES_MAX = 4096
};

struct frames {
    uint32_t thread;
    uint32_t count;
    uint64_t at[FRAMES_MAX];
};

/* What the run left behind: every stack by its number, every call in order, every line of the client. */
struct seen {
    struct frames stacks[STACKS_MAX];
    struct {
        uint64_t sequence;
        uint32_t thread, stack;
    } calls[LINES_MAX];
    struct frames lines[LINES_MAX];
    uint32_t stack_count, call_count, line_count, module_count;
};

static void parse(const char *text, struct frames *frames)
{
    char *end;
    for (frames->count = 0; frames->count < FRAMES_MAX; text = end) {
        frames->at[frames->count] = strtoull(text, &end, 16);
        if (end == text) {
            break;
        }
        frames->count++;
    }
}

static void take(void *context, const struct event *event, const char *text)
{
    struct seen *seen = context;
    if (event->kind == EVENT_STACK) {
        assert_in_range(event->stack, 1, STACKS_MAX - 1);
        assert_int_equal(seen->stacks[event->stack].count, 0); /* explained once */
        parse(text, &seen->stacks[event->stack]);
        assert_int_equal(seen->stacks[event->stack].count, event->arg[0]);
        seen->stack_count++;
    } else if (event->kind == EVENT_MODULE) {
        assert_true(text[0] == '/' || strncmp(text, "linux-vdso", 10) == 0);
        seen->module_count++;
    } else if (event->kind == EVENT_CALL_BEGIN && event->function == VDI_FN_SIGNAL_ABORT) {
        assert_true(seen->call_count < LINES_MAX);
        seen->calls[seen->call_count].thread = event->thread;
        seen->calls[seen->call_count].stack = event->stack;
        seen->calls[seen->call_count++].sequence = event->sequence;
    }
}

static void read_lines(const char *path, struct seen *seen)
{
    char line[2048];
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file) != NULL && seen->line_count < LINES_MAX) {
        char *rest;
        struct frames *frames = &seen->lines[seen->line_count++];
        frames->thread = (uint32_t)strtoul(line, &rest, 10);
        parse(rest, frames);
    }
    fclose(file);
}

static void compare(const struct seen *seen, const struct frames *line, uint32_t stack, bool partly)
{
    const struct frames *got = &seen->stacks[stack];
    assert_in_range(stack, 1, STACKS_MAX - 1);
    if (partly ? got->count == 0 : got->count != line->count + 1) {
        fail_msg("stack %u has %u frames, expected %u", stack, got->count, line->count + 1);
    }
    for (uint32_t i = 1; i < got->count; i++) {
        uint64_t expected = line->at[i - 1];
        if (got->at[i] != expected - 1 && got->at[i] != expected) {
            fail_msg("stack %u: frame %u is %llx, expected %llx", stack, i, (unsigned long long)got->at[i],
                     (unsigned long long)expected);
        }
    }
}

/* The n-th call of a thread belongs to its n-th line. */
static void compare_all(struct seen *seen, bool partly)
{
    for (uint32_t i = 0; i < seen->call_count; i++) {
        struct frames *line = NULL;
        for (uint32_t k = 0; k < seen->line_count && line == NULL; k++) {
            line = seen->lines[k].thread == seen->calls[i].thread ? &seen->lines[k] : NULL;
        }
        assert_non_null(line);
        compare(seen, line, seen->calls[i].stack, partly);
        line->thread = 0; /* used */
    }
}

static void play(const char *client, const char *what, uint32_t calls, uint32_t stacks_at_most, bool partly)
{
    static struct harness h;
    char path[96];
    struct seen *seen = calloc(1, sizeof *seen);
    struct collector *collector = NULL;
    assert_non_null(seen);
    harness_start(&h, NULL);
    snprintf(path, sizeof path, "%s/frames", h.folder);
    setenv("STACK_OUT", path, 1);
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1); /* as the runner does */
    harness_client(&h, client, what);
    assert_int_equal(h.exit_status, 0);
    assert_int_equal(collector_open(h.folder, h.state, &collector), 0);
    collector_drain(collector, take, seen);
    assert_int_equal(collector_dropped(collector), 0);
    collector_close(collector);
    read_lines(path, seen);
    assert_int_equal(seen->line_count, calls);
    assert_int_equal(seen->call_count, calls);
    assert_in_range(seen->stack_count, 2, stacks_at_most);
    compare_all(seen, partly);
    assert_in_range(seen->module_count, 1, 40);
    harness_end(&h);
    free(seen);
}

static const char *const clients[] = {STACK_CLIENTS};

/* Two threads may explain the same one at the same time. */
static void in_threads(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        play(clients[i], "walk", 5 * 75, 5 * 75, false);
    }
}

static void in_coroutines(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        play(clients[i], "coroutine", 4 * 75, 75, false);
    }
}

static void in_a_signal_handler(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        play(clients[i], "signal", 40, 40, false);
    }
}

/* The child explains its stacks again: numbers say which process they belong to. */
static void in_a_child(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        play(clients[i], "fork", 2 * 75, 2 * 75, false);
    }
}

static void without_unwind_tables(void **state)
{
    (void)state;
    play(clients[0], "bare", 20, 2, true);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(in_threads),
        cmocka_unit_test(in_coroutines),
        cmocka_unit_test(in_a_signal_handler),
        cmocka_unit_test(in_a_child),
        cmocka_unit_test(without_unwind_tables),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
