/* test_sync.c - syncs of files that go with the run: recorded as ever, made only where they matter (docs/time.md). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness.h"

/* The run's own folder is `folder`/scratch; the client works in `folder`/`where`. */
struct row {
    enum run_clock clock;
    const char *scratch, *where;
    const char *made; /* fsync and fdatasync of the file, fsync of its folder, of a path only */
};

static const struct row rows[] = {
    {RUN_CLOCK_ARMED, "scratch", "scratch", "f"},
    {RUN_CLOCK_VIRTUAL, "scratch", "scratch", "f"},
    {RUN_CLOCK_ARMED, "scratch", "scratch/deep", "f"},
    {RUN_CLOCK_ARMED, "scratch", "scratch-not", "fdff"},
    {RUN_CLOCK_ARMED, "scratch", ".", "fdff"},
    {RUN_CLOCK_ARMED, "", "scratch", "fdff"},       /* nobody said which */
    {RUN_CLOCK_REAL, "scratch", "scratch", "fdff"}, /* --real-time, or no runner */
};

static size_t syncs_recorded(const struct harness *harness)
{
    size_t count = 0;
    for (size_t i = 0; i < harness->count; i++) {
        const struct event *event = &harness->events[i].event;
        count += event->kind == EVENT_FILE && event->arg[0] == FILE_SYNC_END && event->arg[5] == 0;
    }
    return count;
}

static void check(const struct row *row)
{
    static const char *const folders[] = {"scratch", "scratch/deep", "scratch-not"};
    struct harness harness;
    char verbs[256], path[128], made[16] = "";
    harness_start(&harness, NULL);
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        snprintf(path, sizeof path, "%s/%s", harness.folder, folders[i]);
        assert_int_equal(mkdir(path, 0700), 0);
    }
    if (row->scratch[0] != '\0') {
        snprintf(harness.state->scratch, sizeof harness.state->scratch, "%s/%s", harness.folder,
                 row->scratch);
    }
    atomic_store(&harness.state->clock, row->clock);
    snprintf(verbs, sizeof verbs, "%s/%s %s/made", harness.folder, row->where, harness.folder);
    harness_finish(&harness, SYNC_CLIENT, verbs);
    assert_int_equal(harness.exit_status, 0);
    snprintf(path, sizeof path, "%s/made", harness.folder);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    made[fread(made, 1, sizeof made - 1, file)] = '\0';
    fclose(file);
    assert_string_equal(made, row->made);
    assert_int_equal(syncs_recorded(&harness), 4);
    harness_end(&harness);
}

static void what_goes_with_the_run_is_not_synced(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        check(&rows[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(what_goes_with_the_run_is_not_synced)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
