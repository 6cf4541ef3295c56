/* What a client does when it waits for what cannot come is the same with virtual time and long limits as with real
 * time and short ones, but for how long we wait for it (docs/time.md).
 *
 * E2E_ROUNDS repeats all of it; E2E_ONLY names one test.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "e2e.h"

enum {
    LONG_MS = 120000, /* the client's limits */
    SHORT_MS = 1500,  /* the same in a run with real time */
    UNMOVED_S = 100,  /* of real time: the least that each of these runs takes unless the clock is moved on */
    RAW_S = 2,
    SIGNALLED_TRIES = 8
};

enum limits {
    LIMITS_LONG,
    LIMITS_SHORT
};

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* `client` is one of tests/clients with its own options, in single words. */
static void build(struct e2e_args *args, const char *client, const char *bug, enum limits limits)
{
    *args = (struct e2e_args){0};
    int limit = limits == LIMITS_LONG ? LONG_MS : SHORT_MS;
    e2e_arg(args, "run");
    e2e_arg(args, "--size");
    e2e_arg(args, "%d", 300000);
    e2e_arg(args, "--patience");
    e2e_arg(args, "%d", limits == LIMITS_LONG ? LONG_MS : 20);
    if (limits == LIMITS_SHORT) {
        e2e_arg(args, "--real-time");
    }
    e2e_arg(args, "--fault");
    e2e_arg(args, "lost-close");
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/%s", client);
    e2e_arg(args, "backup");
    e2e_arg(args, "--database");
    e2e_arg(args, "sales");
    e2e_arg(args, "--dir");
    e2e_arg(args, "{run}");
    e2e_arg(args, "--devices");
    e2e_arg(args, bug != NULL ? "1" : "2");
    e2e_arg(args, "--timeout");
    e2e_arg(args, "%d", limit);
    e2e_arg(args, "--patience");
    e2e_arg(args, "%d", limit);
    if (bug != NULL) {
        e2e_arg(args, "--bug");
        e2e_arg(args, "%s", bug);
    }
}

/* The rules of a run's findings, in their order, blanks between; with `only`, no other. */
static void list_rules(const struct e2e_run *run, const char *only, char rules[512])
{
    json_t *findings = json_object_get(run->report, "findings");
    size_t used = 0;
    rules[0] = '\0';
    for (size_t i = 0; i < json_array_size(findings); i++) {
        const char *rule = json_string_value(json_object_get(json_array_get(findings, i), "rule"));
        if (only == NULL || strcmp(rule, only) == 0) {
            used += (size_t)snprintf(rules + used, 512 - used, "%s ", rule);
        }
        assert_true(used < 512);
    }
}

static int client_exit(const struct e2e_run *run)
{
    return (int)json_integer_value(json_object_get(json_object_get(run->report, "client"), "exit"));
}

/* A case. `only`: the rule of a bug that breaks others by chance, as its threads happen to run. */
static void judged_alike(const char *client, const char *bug, const char *only)
{
    struct e2e_args args;
    struct e2e_run short_run, long_run;
    char real[512], virtual[512];
    if (!e2e_case()) {
        return;
    }
    build(&args, client, bug, LIMITS_SHORT);
    e2e_run(&short_run, args.list);
    list_rules(&short_run, only, real);
    build(&args, client, bug, LIMITS_LONG);
    double began = seconds();
    e2e_run(&long_run, args.list);
    double took = seconds() - began;
    list_rules(&long_run, only, virtual);
    if (long_run.status != short_run.status || client_exit(&long_run) != client_exit(&short_run) ||
        strcmp(real, virtual) != 0 || (only != NULL && real[0] == '\0')) {
        e2e_fail(&long_run, &args, "with real time: exit status %d, findings %s", short_run.status, real);
    }
    if (took >= UNMOVED_S) {
        e2e_fail(&long_run, &args, "took %.1f s", took);
    }
    e2e_free(&short_run);
    e2e_free(&long_run);
    e2e_case_end();
}

static void correct_clients_end_as_in_real_time(void **state)
{
    static const char *const clients[] = {"watchdog", "correct_c", "correct_cpp", "multiprocess",
                                          "async",    "disk",      "prefixed"};
    (void)state;
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        judged_alike(clients[i], NULL, NULL);
    }
    if (access(E2E_CLIENTS "/watchdog_tsan", X_OK) == 0) { /* where the compiler has ThreadSanitizer */
        judged_alike("watchdog_tsan", NULL, NULL);
    }
    e2e_cases_end();
}

static void bugs_are_found_as_in_real_time(void **state)
{
    (void)state;
    judged_alike("buggy", "close-on-timeout", NULL);
    judged_alike("buggy", "wait-for-ever", NULL);
    judged_alike("buggy_answers", "timeout-is-end", NULL);
    judged_alike("buggy_ends", "close-under-thread", "VDI-CLOSE-002");
    e2e_cases_end();
}

/* Progress until --timeout is no hang, but a run that could not be made. */
static void the_time_limit_during_progress_is_no_finding(void **state)
{
    struct e2e_args args;
    struct e2e_run run;
    (void)state;
    static const char *const words[] = {"run",     "--size",
                                        "64M",     "--timeout",
                                        "8",       "--real-time",
                                        "--fault", "server-slow(ms=50)@Write#*",
                                        "--",      E2E_CLIENTS "/correct_c",
                                        "backup",  "--database",
                                        "sales",   "--devices",
                                        "1",       "--dir",
                                        "{run}"};
    args = (struct e2e_args){0};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(&args, "%s", words[i]);
    }
    e2e_run(&run, args.list);
    if (run.status != 3 || e2e_finding_count(&run) != 0 || strstr(run.output, "timed out") == NULL) {
        e2e_fail(&run, &args, "expected a run that took too long, and no finding");
    }
    e2e_free(&run);
}

/* A client that goes on asking is told of after --patience, by its own clock: an hour of that is no longer than a
 * minute. */
static void patience_is_the_clients(void **state)
{
    struct e2e_args args;
    struct e2e_run run;
    (void)state;
    build(&args, "correct_c", NULL, LIMITS_LONG);
    snprintf(args.text[4], sizeof args.text[4], "3600");
    e2e_arg(&args, "--timeout");
    e2e_arg(&args, "7200000");
    e2e_arg(&args, "--patience");
    e2e_arg(&args, "7200000");
    double began = seconds();
    e2e_run(&run, args.list);
    double took = seconds() - began;
    if (e2e_finding(&run, "VDI-OUT-002") == NULL || took >= UNMOVED_S) {
        e2e_fail(&run, &args, "no hang after an hour of patience, or after %.1f real seconds", took);
    }
    e2e_free(&run);
}

/* What the server itself waits for: a set that is gone, the fault server-slow, a lock. */
static void a_server_that_lets_time_pass_is_not_waited_for(void **state)
{
    static const struct {
        const char *fault;
        const char
            *outcome; /* NULL: whichever, as the server came to the set before it was given up or after */
    } rows[] = {
        {"error@GetConfiguration", NULL},
        {"server-slow(ms=100000)@Write#3", "success"},
        {"busy-database(ms=100000)", "success"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct e2e_args args;
        struct e2e_run run;
        build(&args, "correct_c", NULL, LIMITS_LONG);
        snprintf(args.text[6], sizeof args.text[6], "%s", rows[i].fault);
        double began = seconds();
        e2e_run(&run, args.list);
        double took = seconds() - began;
        json_t *operation = json_array_get(json_object_get(run.report, "operations"), 0);
        const char *expected = rows[i].outcome;
        const char *outcome = json_string_value(json_object_get(operation, "outcome"));
        bool other = expected != NULL && (outcome == NULL || strcmp(outcome, expected) != 0);
        if (run.status != 0 || other || took >= UNMOVED_S) {
            e2e_fail(&run, &args, "%s: %s expected; took %.1f s", rows[i].fault,
                     expected != NULL ? expected : "an end", took);
        }
        e2e_free(&run);
    }
}

/* A fault that takes longer than --patience ends nevertheless: who waits for that does not hang. */
static void patience_begins_when_a_fault_that_takes_time_is_over(void **state)
{
    static const char *const faults[] = {"server-slow(ms=50000)@Write#3", "busy-database(ms=50000)",
                                         "late-close(ms=50000)", "delay(ms=50000)@CompleteCommand#3",
                                         "delay(ms=50000)@Close"};
    (void)state;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct e2e_args args;
        struct e2e_run run;
        build(&args, i % 2 == 0 ? "correct_c" : "watchdog", NULL, LIMITS_LONG);
        snprintf(args.text[4], sizeof args.text[4], "4");
        snprintf(args.text[6], sizeof args.text[6], "%s", faults[i]);
        e2e_run(&run, args.list);
        if (run.status != 0 || client_exit(&run) != 0) {
            e2e_fail(&run, &args, "%s: a client that waits for what is late", faults[i]);
        }
        e2e_free(&run);
    }
}

/* It does so within a tenth of a second, of which a clock that is moved on must not make the seconds after which the
 * client kills it, or after which the client hangs. */
static void a_server_that_is_told_to_end_may_do_so(void **state)
{
    (void)state;
    for (int i = 0; i < SIGNALLED_TRIES; i++) {
        struct e2e_args args;
        struct e2e_run run;
        build(&args, "correct_c", NULL, LIMITS_LONG);
        snprintf(args.text[4], sizeof args.text[4], "60");
        snprintf(args.text[6], sizeof args.text[6], "busy-database(ms=500000)");
        e2e_arg(&args, "--timeout"); /* then SIGTERM, and two seconds later SIGKILL */
        e2e_arg(&args, "2000");
        e2e_run(&run, args.list);
        json_t *operation = json_array_get(json_object_get(run.report, "operations"), 0);
        if (run.status != 0 || client_exit(&run) != 1 ||
            json_array_size(json_object_get(operation, "messages")) == 0) {
            e2e_fail(&run, &args, "expected a server that still said why it ended");
        }
        e2e_free(&run);
    }
}

/* A library that takes time-outs for seconds (dialect X6) makes a client wait a thousand times as long: nobody else does,
 * and it is no hang. */
static void who_waits_in_seconds_is_not_waited_for(void **state)
{
    struct e2e_args args;
    struct e2e_run run;
    (void)state;
    build(&args, "correct_c", NULL, LIMITS_LONG);
    snprintf(args.text[6], sizeof args.text[6], "no-server");
    assert_int_equal(setenv("VDI_DIALECT", "timeout-unit:s", 1), 0);
    double began = seconds();
    e2e_run(&run, args.list);
    double took = seconds() - began;
    assert_int_equal(unsetenv("VDI_DIALECT"), 0);
    if (run.status != 0 || took >= UNMOVED_S) {
        e2e_fail(&run, &args, "a correct client that waits long; took %.1f s", took);
    }
    e2e_free(&run);
}

/* A shell that runs a client, under whose fault the clock may be moved, and then `after`. */
static double run_and_then(struct e2e_run *run, struct e2e_args *args, const char *after)
{
    *args = (struct e2e_args){0};
    e2e_arg(args, "run");
    e2e_arg(args, "--size");
    e2e_arg(args, "%d", 300000);
    e2e_arg(args, "--fault");
    e2e_arg(args, "lost-close");
    e2e_arg(args, "--patience");
    e2e_arg(args, "%d", LONG_MS);
    e2e_arg(args, "--");
    e2e_arg(args, "sh");
    e2e_arg(args, "-c");
    e2e_arg(
        args, "%s",
        E2E_CLIENTS
        "/watchdog backup --database sales --dir {run} --timeout 1000 --patience 600000; exec " E2E_TIME_TOOL
        " \"$@\"");
    e2e_arg(args, "sh");
    char words[64], *rest = words;
    snprintf(words, sizeof words, "%s", after);
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        e2e_arg(args, "%s", word);
    }
    double began = seconds();
    e2e_run(run, args->list);
    return seconds() - began;
}

static bool has_note_of_time(const struct e2e_run *run)
{
    json_t *notes = json_object_get(run->report, "notes");
    bool found = false;
    for (size_t i = 0; i < json_array_size(notes); i++) {
        const char *about = json_string_value(json_object_get(json_array_get(notes, i), "about"));
        found = found || (about != NULL && strcmp(about, "time") == 0);
    }
    return found;
}

static void nobody_who_works_is_overtaken(void **state)
{
    struct e2e_args args;
    struct e2e_run run;
    (void)state;
    double took = run_and_then(&run, &args, "work");
    if (run.status != 0 || run.report == NULL || client_exit(&run) != 0 || took >= UNMOVED_S ||
        has_note_of_time(&run)) {
        e2e_fail(&run, &args, "took %.1f s", took);
    }
    e2e_free(&run);
}

/* A client that gives up after fifty waits of 100 ms is not made to wait for longer than --patience. */
static void who_counts_waits_is_not_made_late(void **state)
{
    struct e2e_args args;
    struct e2e_run run;
    (void)state;
    double took = run_and_then(&run, &args, "count 50 100");
    if (run.status != 0 || run.report == NULL || client_exit(&run) != 0 || took >= UNMOVED_S) {
        e2e_fail(&run, &args, "took %.1f s", took);
    }
    e2e_free(&run);
}

/* How long it waits nobody knows: time stays real, and the report says so. */
static void an_unknown_wait_is_waited_for(void **state)
{
    struct e2e_args args;
    struct e2e_run run;
    char after[32];
    (void)state;
    snprintf(after, sizeof after, "raw %d", RAW_S);
    double took = run_and_then(&run, &args, after);
    if (run.status != 0 || run.report == NULL || client_exit(&run) != 0 || took < RAW_S ||
        !has_note_of_time(&run)) {
        e2e_fail(&run, &args, "took %.1f s", took);
    }
    e2e_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(correct_clients_end_as_in_real_time),
                                       cmocka_unit_test(bugs_are_found_as_in_real_time),
                                       cmocka_unit_test(the_time_limit_during_progress_is_no_finding),
                                       cmocka_unit_test(patience_is_the_clients),
                                       cmocka_unit_test(a_server_that_lets_time_pass_is_not_waited_for),
                                       cmocka_unit_test(patience_begins_when_a_fault_that_takes_time_is_over),
                                       cmocka_unit_test(a_server_that_is_told_to_end_may_do_so),
                                       cmocka_unit_test(who_waits_in_seconds_is_not_waited_for),
                                       cmocka_unit_test(nobody_who_works_is_overtaken),
                                       cmocka_unit_test(who_counts_waits_is_not_made_late),
                                       cmocka_unit_test(an_unknown_wait_is_waited_for)};
    int failed = 0;
    cmocka_set_test_filter(getenv("E2E_ONLY"));
    for (int round = 0; round < e2e_rounds() && failed == 0; round++) {
        failed = cmocka_run_group_tests(tests, NULL, NULL);
    }
    return failed;
}
