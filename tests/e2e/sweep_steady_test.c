/* Two sweeps of one client make the same runs, with the same outcomes, also where the client asks without waiting and
 * where its processes race each other: what differs between any two of its runs is no part of the plan.
 *
 * A small part of each plan is swept: if a single run came or went, other runs would be that part. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "sweeps.h"

enum {
    TIMES = 4
};

static void sweep(struct e2e_run *run, struct e2e_args *args, const char *client, const char *devices)
{
    const char *const words[] = {"sweep",      "--size=300K", "--per-stack=1", "--shard=3/151",
                                 "--jobs=4",   "--",          client,          "backup-restore",
                                 "--database", "sales",       "--dir",         "{run}",
                                 "--timeout",  "1000",        "--devices",     devices};
    *args = (struct e2e_args){0};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(args, "%s", words[i]);
    }
    e2e_run(run, args->list);
    sweeps_expect_survived(run, args);
}

/* Who reads the report sees where chance has a say. */
static void expect_told(const struct e2e_run *run, const struct e2e_args *args)
{
    json_t *site;
    size_t i;
    bool unsteady = false;
    json_array_foreach(json_object_get(run->report, "sites"), i, site)
    {
        unsteady = unsteady || json_is_true(json_object_get(site, "unsteady"));
    }
    if (!unsteady || strstr(run->output, "unsteady sites: ") == NULL) {
        e2e_fail(run, args, "no site is called unsteady");
    }
}

static void expect_steady(const char *client, const char *devices)
{
    struct e2e_run first, run;
    struct e2e_args args;
    sweep(&first, &args, client, devices);
    expect_told(&first, &args);
    for (int i = 1; i < TIMES; i++) {
        sweep(&run, &args, client, devices);
        sweeps_expect_same(&run, &args, &first);
        e2e_free(&run);
    }
    e2e_free(&first);
}

static void who_asks_without_waiting(void **state)
{
    (void)state;
    expect_steady(E2E_CLIENTS "/async", "1");
    expect_steady(E2E_CLIENTS "/async", "4");
}

static void processes_that_race(void **state)
{
    (void)state;
    expect_steady(E2E_CLIENTS "/multiprocess", "2");
    expect_steady(E2E_CLIENTS "/multiprocess", "4");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_asks_without_waiting),
        cmocka_unit_test(processes_that_race),
    };
    cmocka_set_test_filter(getenv("E2E_ONLY"));
    return cmocka_run_group_tests(tests, NULL, NULL);
}
