/* Faults in what the server sends (scenario/faults/commands.def): each fires where it was asked for, with the outcome
 * it has in reality, and a correct client of any kind gives no finding: it succeeds where the statement does, and says
 * that it failed where that fails. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "correct.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

enum who {
    EVERYBODY,
    WITH_COMPLETE,
    WITH_VOLUMES,
    WITH_TAPES,
    WITH_SNAPSHOT,
};

struct command_fault {
    const char *fault;
    bool fails; /* the operation it is placed in */
    enum who who;
    int devices; /* at least */
};

static const struct command_fault faults[] = {
    {"premature-close@Write#1", true, EVERYBODY, 1},
    {"premature-close@Write#4", true, EVERYBODY, 1},
    {"premature-close@Flush:0", true, EVERYBODY, 1},
    {"premature-close@Read#1/1", true, EVERYBODY, 1},
    {"premature-close@Read#3/1", true, EVERYBODY, 1},
    {"satisfied-early@Read#2/1", false, EVERYBODY, 1},
    {"satisfied-early@Read#4/1", false, EVERYBODY, 1},
    {"extra-flush@Write#2:0", false, EVERYBODY, 1},
    {"extra-flush@Write#2+:*", false, EVERYBODY, 1},
    {"extra-flush@Flush:*", false, EVERYBODY, 1},
    {"reordered@Write#1:0", false, EVERYBODY, 2},
    {"reordered@Write#3", false, EVERYBODY, 2},
    {"reordered@Flush:0", false, EVERYBODY, 2},
    {"reordered@Write#*:*", false, EVERYBODY, 2},
    {"reordered@Read#1:0/1", false, EVERYBODY, 2},
    {"reordered@Read#2:0/1", false, EVERYBODY, 2},
    {"reordered@Read#*:*/1", false, EVERYBODY, 2},
    {"resized@Read#3/1", false, EVERYBODY, 1},
    {"resized@Read#*:*/1", false, EVERYBODY, 1},
    {"resized(to=full)@Read#*:*/1", false, EVERYBODY, 1},
    {"resized(to=uneven)@Read#2+:*/1", false, EVERYBODY, 1},
    {"corrupt@Read#1/1", true, EVERYBODY, 1},
    {"corrupt@Read#2:0/1", true, EVERYBODY, 1},
    {"corrupt@Read#4/1", true, EVERYBODY, 1},
    {"unknown-command(of=model)@Write#3", false, EVERYBODY, 1},
    {"unknown-command(of=model)@Read#2+/1", false, EVERYBODY, 1},
    {"io-error@Write#3", true, EVERYBODY, 1},
    {"io-error(then=close)@Write#3", true, EVERYBODY, 1},
    {"io-error(code=112)@Flush:0", true, EVERYBODY, 1},
    {"io-error@Write#2+:*", true, EVERYBODY, 1},
    {"io-error@Read#2/1", true, EVERYBODY, 1},
    {"io-error(then=close)@Read#3/1", true, EVERYBODY, 1},
    {"premature-close@Complete:0", true, WITH_COMPLETE, 1},
    {"extra-flush@Complete", false, WITH_COMPLETE, 1},
    {"reordered@Complete:0", false, WITH_COMPLETE, 2},
    {"io-error@Complete:0", true, WITH_COMPLETE, 1},
    {"end-of-media@Write#2", false, WITH_VOLUMES, 1},
    {"end-of-media@Write#3:0", false, WITH_VOLUMES, 1},
    {"end-of-media@WriteMark", false, WITH_TAPES, 1},
    {"premature-close@Rewind", true, WITH_TAPES, 1},
    {"premature-close@WriteMark", true, WITH_TAPES, 1},
    {"premature-close@Load", true, WITH_TAPES, 1},
    {"premature-close@SkipMarks/1", true, WITH_TAPES, 1},
    {"reordered@Rewind:0", false, WITH_TAPES, 2},
    {"reordered@Load", false, WITH_TAPES, 2},
    {"io-error@Rewind/1", true, WITH_TAPES, 1},
    {"io-error@WriteMark", true, WITH_TAPES, 1},
    {"io-error(then=close)@Load", true, WITH_TAPES, 1},
    {"premature-close@Write#1", true, WITH_SNAPSHOT, 1},
    {"premature-close@PrepareToFreeze", true, WITH_SNAPSHOT, 1},
    {"premature-close@Snapshot", true, WITH_SNAPSHOT, 1},
    {"premature-close@MountSnapshot/1", true, WITH_SNAPSHOT, 1},
    {"extra-flush@Write#2", false, WITH_SNAPSHOT, 1},
    {"resized(to=full)@Read#2/1", false, WITH_SNAPSHOT, 1},
    {"corrupt@Read#2/1", true, WITH_SNAPSHOT, 1},
    {"unknown-command(of=model)@Snapshot", false, WITH_SNAPSHOT, 1},
    {"io-error@PrepareToFreeze", true, WITH_SNAPSHOT, 1},
    {"io-error(then=close)@Snapshot", true, WITH_SNAPSHOT, 1},
    {"io-error@MountSnapshot/1", true, WITH_SNAPSHOT, 1},
};

static const char *text_of(const json_t *list, size_t index, const char *field)
{
    const char *text = json_string_value(json_object_get(json_array_get(list, index), field));
    return text != NULL ? text : "nothing";
}

static void check_outcome(const struct e2e_run *run, const struct e2e_args *args,
                          const struct command_fault *fault)
{
    size_t operation = strstr(fault->fault, "/1") != NULL ? 1 : 0;
    const char *expected = fault->fails ? "failed" : "success";
    const char *outcome = text_of(json_object_get(run->report, "operations"), operation, "outcome");
    json_t *exit_status = json_object_get(json_object_get(run->report, "client"), "exit");
    json_t *report = json_array_get(json_object_get(run->report, "faults"), 0);
    if (json_integer_value(json_object_get(report, "fired")) < 1) {
        e2e_fail(run, args, "%s never fired", fault->fault);
    }
    if (run->status != 0 || e2e_finding_count(run) != 0) {
        e2e_fail(run, args, "%s: a finding on a correct client", fault->fault);
    }
    if (strcmp(outcome, expected) != 0 || json_integer_value(exit_status) != fault->fails) {
        e2e_fail(run, args, "%s: operation %zu ended in %s, expected %s, and exit status %d", fault->fault,
                 operation, outcome, expected, fault->fails);
    }
}

static void check(const struct correct_client *client, const struct command_fault *fault, int seed)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    int devices = seed % 2 == 0 ? 4 : fault->devices;
    correct_build(&args, client, "backup-restore", fault->fault, seed);
    e2e_arg(&args, "--devices");
    e2e_arg(&args, "%d", client->devices != 0 ? client->devices : devices);
    e2e_run(&run, args.list);
    check_outcome(&run, &args, fault);
    e2e_free(&run);
}

/* Each client under each fault that `who` meets. */
static void check_all(const struct correct_client *clients, size_t count, enum who who)
{
    const char *only = getenv("E2E_ONLY");
    int runs = 0;
    for (int round = 0; round < e2e_rounds(); round++) {
        for (size_t i = 0; i < count * COUNT_OF(faults); i++) {
            const struct correct_client *client = &clients[i / COUNT_OF(faults)];
            const struct command_fault *fault = &faults[i % COUNT_OF(faults)];
            if (fault->who == who && (only == NULL || strcmp(only, client->name) == 0)) {
                runs++;
                if (e2e_case()) {
                    check(client, fault, 1 + round * 100 + (int)i);
                    e2e_case_end();
                }
            }
        }
    }
    e2e_cases_end();
    print_message("%d runs\n", runs);
}

#define SMALL_VOLUMES "--volume-size", "400000"

static void test_everybody(void **unused)
{
    (void)unused;
    static const struct correct_client clients[] = {
        {.name = "correct_c"},
        {.name = "correct_c", .options = {"--with", "BUFFERCOUNT=40"}}, /* a second buffer area */
        {.name = "correct_cpp"},
        {.name = "async"},
        {.name = "watchdog"},
        {.name = "compressing"},
        {.name = "prefixed"},
        {.name = "mapped"},
        {.name = "multiprocess"},
        {.name = "complete_c"},
        {.name = "disk"},
        {.name = "disk", .options = {"--removable", SMALL_VOLUMES}},
        {.name = "tape"},
        {.name = "tape", .options = {SMALL_VOLUMES}},
    };
    check_all(clients, COUNT_OF(clients), EVERYBODY);
}

static void test_complete(void **unused)
{
    (void)unused;
    static const struct correct_client clients[] = {{.name = "complete_c"}};
    check_all(clients, COUNT_OF(clients), WITH_COMPLETE);
}

static void test_volumes(void **unused)
{
    (void)unused;
    static const struct correct_client clients[] = {
        {.name = "disk", .options = {"--removable", SMALL_VOLUMES}},
        {.name = "tape"},
        {.name = "tape", .options = {SMALL_VOLUMES}},
    };
    check_all(clients, COUNT_OF(clients), WITH_VOLUMES);
}

static void test_tapes(void **unused)
{
    (void)unused;
    static const struct correct_client clients[] = {{.name = "tape", .options = {SMALL_VOLUMES}}};
    check_all(clients, COUNT_OF(clients), WITH_TAPES);
}

static void test_snapshot(void **unused)
{
    (void)unused;
    static const struct correct_client clients[] = {{
        .name = "snapshot",
        .options = {"--data-file", "{run}/database"},
        .devices = 1,
        .before = "head -c 100000 /dev/zero > {run}/database",
    }};
    check_all(clients, COUNT_OF(clients), WITH_SNAPSHOT);
}

/* ---- statements of other kinds, which the worker leaves to --sql ---- */

static void check_statement(const char *action, const char *statement, const struct command_fault *fault)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    e2e_arg(&args, "run");
    e2e_arg(&args, "--before");
    e2e_arg(&args, E2E_CLIENTS "/correct_c backup --database sales --set stored --devices 2 --dir {run}");
    e2e_arg(&args, "--sql");
    e2e_arg(&args, "%s", statement);
    e2e_arg(&args, "--sql-result");
    e2e_arg(&args, "{run}/result");
    if (fault->fault != NULL) {
        e2e_arg(&args, "--fault");
        e2e_arg(&args, "%s", fault->fault);
    }
    e2e_arg(&args, "--");
    e2e_arg(&args, E2E_CLIENTS "/worker");
    e2e_arg(&args, "%s", action);
    static const char *const options[] = {"--set",        "stored",      "--devices",  "2",
                                          "--dir",        "{run}",       "--database", "sales",
                                          "--sql-result", "{run}/result"};
    for (size_t i = 0; i < COUNT_OF(options); i++) {
        e2e_arg(&args, "%s", options[i]);
    }
    e2e_run(&run, args.list);
    if (fault->fault != NULL) {
        check_outcome(&run, &args, fault);
    } else if (run.status != 0 || e2e_finding_count(&run) != 0) {
        e2e_fail(&run, &args, "%s: a finding on a correct client", statement);
    }
    e2e_free(&run);
}

/* What satisfied-early stands for, by the statements that do it: VD_E_CLOSE long before the end of the data. */
static void test_headers(void **unused)
{
    (void)unused;
    static const struct command_fault none = {.fault = NULL};
    static const char *const kinds[] = {"HEADERONLY", "LABELONLY", "FILELISTONLY"};
    for (size_t i = 0; i < COUNT_OF(kinds); i++) {
        char statement[128];
        snprintf(statement, sizeof statement, "RESTORE %s FROM %%DEVICES:%%s-%%d%%", kinds[i]);
        check_statement("restore", statement, &none);
    }
}

static void test_log(void **unused)
{
    (void)unused;
    static const struct command_fault of_backup[] = {
        {"premature-close@Write#3", true, EVERYBODY, 1},
        {"extra-flush@Write#2+:*", false, EVERYBODY, 1},
        {"reordered@Write#2:0", false, EVERYBODY, 1},
        {"io-error@Write#2", true, EVERYBODY, 1},
    };
    static const struct command_fault of_restore[] = {
        {"satisfied-early@Read#3", false, EVERYBODY, 1},
        {"corrupt@Read#3", true, EVERYBODY, 1},
        {"resized(to=uneven)@Read#*:*", false, EVERYBODY, 1},
    };
    for (size_t i = 0; i < COUNT_OF(of_backup); i++) {
        check_statement("backup", "BACKUP LOG [sales] TO %DEVICES:%s-%d%", &of_backup[i]);
    }
    for (size_t i = 0; i < COUNT_OF(of_restore); i++) {
        check_statement("restore", "RESTORE VERIFYONLY FROM %DEVICES:%s-%d%", &of_restore[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_everybody), cmocka_unit_test(test_complete), cmocka_unit_test(test_volumes),
        cmocka_unit_test(test_tapes),     cmocka_unit_test(test_snapshot), cmocka_unit_test(test_headers),
        cmocka_unit_test(test_log),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
