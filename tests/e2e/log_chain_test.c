/* What failures leave behind, in whole runs: the log chain that a lost backup breaks, what SQL Server then refuses, and
 * --again, the run after the faulted one. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "e2e.h"

#define CHAIN E2E_CLIENTS "/log_chain"
#define OF    "--database sales --set stored --dir {run}"

static void add_words(struct e2e_args *args, const char *text)
{
    char words[512];
    char *rest = words;
    snprintf(words, sizeof words, "%s", text);
    for (char *word; (word = strsep(&rest, " ")) != NULL;) {
        e2e_arg(args, "%s", word);
    }
}

/* `options` of the run, or NULL; then the client. */
static void build(struct e2e_args *args, const char *fault, const char *options, const char *client)
{
    add_words(args, "run --size 1M --patience 4");
    if (fault != NULL) {
        e2e_arg(args, "--fault");
        e2e_arg(args, "%s", fault);
    }
    if (options != NULL) {
        add_words(args, options);
    }
    e2e_arg(args, "--");
    add_words(args, client);
}

static json_t *operation_of(const struct e2e_run *run, size_t index)
{
    return json_array_get(json_object_get(run->report, "operations"), index);
}

static bool has_message(const struct e2e_run *run, size_t operation, int number)
{
    json_t *messages = json_object_get(operation_of(run, operation), "messages"), *message;
    size_t i;
    json_array_foreach(messages, i, message)
    {
        if (json_integer_value(json_object_get(message, "number")) == number) {
            return true;
        }
    }
    return false;
}

static void expect_clean(struct e2e_args *args, int client_exit)
{
    struct e2e_run run;
    e2e_run(&run, args->list);
    int status = (int)json_integer_value(json_object_get(json_object_get(run.report, "client"), "exit"));
    if (run.status != 0 || e2e_finding_count(&run) != 0) {
        e2e_fail(&run, args, "a finding on a correct client, or no run");
    }
    if (client_exit >= 0 && status != client_exit) {
        e2e_fail(&run, args, "the client's exit status is %d instead of %d", status, client_exit);
    }
    e2e_free(&run);
}

/* ---- the chain ---- */

static void verify_chain(struct e2e_args *args)
{
    e2e_arg(args, "--verify");
    e2e_arg(args, "%s", CHAIN " restore " OF);
}

static void build_chain(struct e2e_args *args, const char *fault, const char *more)
{
    add_words(args, "run --size 1M --patience 4 --again");
    if (fault != NULL) {
        e2e_arg(args, "--fault");
        e2e_arg(args, "%s", fault);
    }
    verify_chain(args);
    e2e_arg(args, "--");
    add_words(args, CHAIN " backup " OF " --patience 500");
    if (more != NULL) {
        add_words(args, more);
    }
}

/* Whatever becomes of one of its backups, the rest restores, and the next run goes on. */
static void a_chain_is_resumed(void **unused)
{
    static const char *const faults[] = {NULL,
                                         "abort@Write#3/1",
                                         "abort@Flush#1/1",
                                         "lost-close@GetCommand:0/1",
                                         "early-close@Write#2/2",
                                         "early-close@Flush#1/0",
                                         "lost-close@GetCommand:0/2"};
    (void)unused;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct e2e_args args = {0};
        build_chain(&args, faults[i], NULL);
        expect_clean(&args, faults[i] != NULL);
    }
}

static void a_lost_log_breaks_the_chain(void **unused)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    (void)unused;
    build_chain(&args, NULL, "--lose 1");
    e2e_run(&run, args.list);
    json_t *finding = e2e_finding(&run, "VDI-OUT-007");
    if (run.status != 1 || finding == NULL || json_integer_value(json_object_get(finding, "op")) != 1) {
        e2e_fail(&run, &args, "the lost log backup is not caught by VDI-OUT-007 at operation 1");
    }
    if (!has_message(&run, 4, 4305)) {
        e2e_fail(&run, &args, "RESTORE LOG does not miss the lost log");
    }
    e2e_free(&run);
}

/* ---- what SQL Server refuses ---- */

static void refusals_are_no_findings(void **unused)
{
    static const struct {
        const char *client;
        int number;
        size_t operation;
    } rows[] = {
        {E2E_CLIENTS "/correct_c backup " OF " --with DIFFERENTIAL", 3035, 0},
        {E2E_CLIENTS "/log_chain backup " OF " --with COPY_ONLY", 4214, 1},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        build(&args, NULL, "--plan " E2E_PLAN, rows[i].client);
        e2e_run(&run, args.list);
        if (run.status != 0 || e2e_finding_count(&run) != 0 ||
            !has_message(&run, rows[i].operation, rows[i].number)) {
            e2e_fail(&run, &args, "%d is not told, or something is found", rows[i].number);
        }
        e2e_free(&run);
    }
}

/* Two backups of one database at once: the second waits for the first. */
static void backups_of_one_database_queue_up(void **unused)
{
    struct e2e_args args = {0};
    (void)unused;
    add_words(&args, "run --size 4M -- sh -c");
    e2e_arg(&args, "%s",
            E2E_CLIENTS "/correct_c backup --database sales --set a --dir {run} & " E2E_CLIENTS
                        "/correct_c backup --database sales --set b --dir {run}; first=$?; wait $! && exit "
                        "$first");
    expect_clean(&args, 0);
}

/* ---- --again ---- */

static void correct_clients_run_again(void **unused)
{
    static const char *const clients[] = {"correct_c", "complete_c", "async", "disk", "watchdog"};
    static const char *const faults[] = {NULL, "abort@Write#3", "early-close@Write#3", "lost-close"};
    (void)unused;
    for (size_t c = 0; c < sizeof clients / sizeof clients[0]; c++) {
        for (size_t f = 0; f < sizeof faults / sizeof faults[0]; f++) {
            struct e2e_args args = {0};
            char client[256];
            snprintf(client, sizeof client, E2E_CLIENTS "/%s backup " OF " --patience 500", clients[c]);
            build(&args, faults[f], "--again", client);
            if (e2e_case()) {
                expect_clean(&args, -1);
                e2e_case_end();
            }
        }
    }
    e2e_cases_end();
}

/* The restore that failed left the database in the middle of it: no fault of the client's that a backup then fails. */
static void what_the_server_refuses_again_is_not_the_clients(void **unused)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    (void)unused;
    build(&args, "abort@Read#3/1", "--again", E2E_CLIENTS "/correct_c backup-restore " OF);
    e2e_run(&run, args.list);
    if (run.status != 0 || e2e_finding_count(&run) != 0 || !has_message(&run, 2, 927) ||
        !json_is_true(json_object_get(operation_of(&run, 2), "again"))) {
        e2e_fail(&run, &args,
                 "a backup after the failed restore is not refused with 927, or that is a finding");
    }
    e2e_free(&run);
}

static void again(const char *script, const char *severity)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    add_words(&args, "run --size 1M --again --fault abort@Write#3 -- sh -c");
    e2e_arg(&args, "%s", script);
    e2e_run(&run, args.list);
    const char *found = json_string_value(json_object_get(e2e_finding(&run, "VDI-OUT-009"), "severity"));
    if (found == NULL || strcmp(found, severity) != 0 || run.status != (strcmp(severity, "error") == 0)) {
        e2e_fail(&run, &args, "VDI-OUT-009 is %s instead of %s", found != NULL ? found : "missing", severity);
    }
    e2e_free(&run);
}

static void a_lock_left_behind_is_found(void **unused)
{
    (void)unused;
    again("test -e {run}/lock && exit 3; touch {run}/lock; " E2E_CLIENTS "/correct_c backup " OF
          " && rm {run}/lock",
          "error");
}

static void a_client_that_never_runs_twice_is_not_blamed(void **unused)
{
    (void)unused;
    again("test -e {run}/ran && exit 3; touch {run}/ran; " E2E_CLIENTS "/correct_c backup " OF, "info");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_chain_is_resumed),
        cmocka_unit_test(a_lost_log_breaks_the_chain),
        cmocka_unit_test(refusals_are_no_findings),
        cmocka_unit_test(backups_of_one_database_queue_up),
        cmocka_unit_test(correct_clients_run_again),
        cmocka_unit_test(what_the_server_refuses_again_is_not_the_clients),
        cmocka_unit_test(a_lock_left_behind_is_found),
        cmocka_unit_test(a_client_that_never_runs_twice_is_not_blamed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
