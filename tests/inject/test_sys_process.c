/* test_sys_process.c - libvdifault-sys.so in processes that are hard on wrappers, sanitized ones among them. */
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
#include "sys_words.h"

/* What one way to run ends with: so many events of each kind at least, for a file of this name. */
struct expectation {
    const char *verb;
    int writes;
    int syncs; /* that succeeded */
    int exits;
};

static const struct expectation expectations[] = {
    {"early", 0, 1, 0},  {"threads", SYS_THREADS *SYS_WRITES, SYS_THREADS, 0},
    {"fork", 2, 1, 1},   {"vfork", 2, 1, 1},
    {"shell", 2, 0, 2},  {"jump", 1, 1, 0},
    {"cancel", 1, 1, 0}, {"signals", 20 * SYS_WRITES, 1, 0},
};

static int count(const struct harness *harness, int action)
{
    int found = 0;
    for (size_t i = 0; i < harness->count; i++) {
        const struct event *event = &harness->events[i].event;
        found += action == 0 ? event->kind == EVENT_PROCESS_EXIT
                             : event->kind == EVENT_FILE && event->arg[0] == action && event->arg[5] >= 0;
    }
    return found;
}

/* Not so where the sanitizer fails of itself: LLVM's AddressSanitizer of some versions does in a thread that was
 * cancelled. */
static bool works_without_us(const char *client, const char *verb)
{
    char command[512];
    snprintf(command, sizeof command, "mkdir without && cd without && '%s' %s >/dev/null 2>&1", client, verb);
    bool works = system(command) == 0;
    if (!works) {
        print_message("%s %s fails without us\n", client, verb);
    }
    return works;
}

static void check(const char *client, const struct expectation *expected)
{
    struct harness harness;
    char folder[] = "/tmp/vdifault-sys-XXXXXX", command[64];
    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    if (!works_without_us(client, expected->verb)) {
        goto done;
    }
    harness_run(&harness, client, NULL, expected->verb);
    int writes = count(&harness, FILE_WRITE), syncs = count(&harness, FILE_SYNC_END),
        exits = count(&harness, 0);
    if (harness.exit_status != 0 || writes < expected->writes || syncs < expected->syncs ||
        exits < expected->exits) {
        fail_msg("%s %s: status %d, %d writes, %d syncs, %d ends of children", client, expected->verb,
                 harness.exit_status, writes, syncs, exits);
    }
    harness_end(&harness);
done:
    assert_int_equal(chdir("/"), 0);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    assert_int_equal(system(command), 0);
}

static void check_all(const char *client)
{
    for (size_t i = 0; i < sizeof expectations / sizeof expectations[0]; i++) {
        check(client, &expectations[i]);
    }
}

static void test_plain(void **state)
{
    (void)state;
    check_all(SYS_PROCESS);
}

/* The sanitizers' own interceptors stand before or behind the wrappers, by how their runtime is linked. */
static void test_sanitized(void **state)
{
    char clients[] = SYS_SANITIZED;
    char *rest = clients;
    (void)state;
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0", 1);
    for (char *client; (client = strsep(&rest, ",")) != NULL && client[0] != '\0';) {
        check_all(client);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_plain), cmocka_unit_test(test_sanitized)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
