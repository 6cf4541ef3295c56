/* Faults of the client's own files: each fires on the calls that carry its command's bytes, and a correct client copes
 * with it. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "correct.h"
#include "plan.h"

static const struct correct_client clients[] = {
    {.name = "correct_c"},   {.name = "watchdog"}, {.name = "async"},        {.name = "complete_c"},
    {.name = "compressing"}, {.name = "prefixed"}, {.name = "multiprocess"},
};
#define UNDER(faults) correct_under_faults(clients, sizeof clients / sizeof clients[0], faults)

static void test_writes(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "write-error@Write#2",
        "write-error(errno=EIO)@Write#3:1",
        "write-error(errno=EDQUOT,after=1000)@Write#2:0",
        "write-error(errno=EFBIG)@Write#1:*",
        "write-error@Write#2+:0",
        NULL,
    };
    UNDER(faults);
}

/* What stdio, or the client, has kept of the Writes is written when the Flush says so. */
static void test_writes_at_flush(void **unused)
{
    (void)unused;
    static const struct correct_client keepers[] = {{.name = "correct_c"}, {.name = "compressing"}};
    static const char *const faults[] = {
        "write-error@Flush",
        "write-error(errno=EIO)@Flush:1",
        "write-error(after=1000)@Flush:0",
        "write-error@Flush#1+:*",
        NULL,
    };
    correct_under_faults(keepers, sizeof keepers / sizeof keepers[0], faults);
}

static void test_syncs(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "sync-error@Flush",
        "sync-error(errno=ENOSPC)@Flush:1",
        "sync-error@Flush#1+:*",
        "close-error@Flush",
        NULL,
    };
    UNDER(faults);
}

/* stdio writes the rest by itself: these write by system calls. */
static void test_short_writes(void **unused)
{
    (void)unused;
    static const struct correct_client media[] = {{.name = "disk"}, {.name = "tape"}};
    static const char *const faults[] = {
        "short-write@Write#2",
        "short-write(bytes=1)@Write#3:1",
        "short-write@Write#2+:*",
        "write-error(after=700)@Write#2:0",
        "write-error@Write#4+:1",
        "sync-error@Flush",
        NULL,
    };
    correct_under_faults(media, sizeof media / sizeof media[0], faults);
}

static void test_reads(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "read-error@Read#2/1",
        "read-error(errno=ESTALE)@Read#3:1/1",
        "read-error(after=1000)@Read#2:0/1",
        "read-error@Read#3+:*/1",
        NULL,
    };
    UNDER(faults);
}

/* ---- shortages ---- */

static void test_shared_memory(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "shm-full@Create",
        "shm-full(allocation=2)@Create",
        "shm-full(errno=EACCES)@Create/1",
        "shm-full(errno=ENOMEM,allocation=3)@Create",
        "shm-full@Create#1+",
        NULL,
    };
    UNDER(faults);
}

static void test_memory(void **unused)
{
    (void)unused;
    static const char *const faults[] = {"memory-full@Create", "memory-full@Create#1+", NULL};
    UNDER(faults);
}

static void test_opens(void **unused)
{
    (void)unused;
    static const struct correct_client media[] = {{.name = "disk"}, {.name = "tape"}};
    static const char *const faults[] = {
        "open-error@GetConfiguration",
        "open-error(errno=EMFILE)@GetConfiguration/1",
        "open-error(errno=EACCES)@GetConfiguration#1+",
        NULL,
    };
    correct_under_faults(media, sizeof media / sizeof media[0], faults);
}

/* The last fault that a plan has room for is the last one that is looked at. */
static void test_last_of_a_full_plan(void **unused)
{
    (void)unused;
    char path[] = "/tmp/vdifault-plan-XXXXXX";
    struct e2e_args args = {0};
    struct e2e_run run;
    FILE *plan = fdopen(mkstemp(path), "w");
    assert_non_null(plan);
    for (int i = 1; i < PLAN_FAULTS_MAX; i++) {
        fputs("fault delay(ms=1)@GetConfiguration\n", plan);
    }
    fputs("fault write-error(after=1000)@Write#2\n", plan);
    assert_int_equal(fclose(plan), 0);
    correct_build(&args, &(struct correct_client){.name = "compressing", .options = {"--devices", "2"}},
                  "backup", NULL, 1);
    args.list[1] = "--plan"; /* in the place of the seed */
    args.list[2] = path;
    e2e_run(&run, args.list);
    unlink(path);
    if (run.status != 0 || run.report == NULL || e2e_finding_count(&run) != 0) {
        e2e_fail(&run, &args, "the last of %d faults", PLAN_FAULTS_MAX);
    }
    e2e_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_writes),
        cmocka_unit_test(test_writes_at_flush),
        cmocka_unit_test(test_syncs),
        cmocka_unit_test(test_short_writes),
        cmocka_unit_test(test_reads),
        cmocka_unit_test(test_shared_memory),
        cmocka_unit_test(test_memory),
        cmocka_unit_test(test_opens),
        cmocka_unit_test(test_last_of_a_full_plan),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
