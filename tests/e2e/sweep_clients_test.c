/* `vdifault sweep` over every client of tests/clients: a correct one survives every fault at every place, in any order
 * and number of workers; of a buggy one its bug is found, by its own rule.
 *
 * A round sweeps a part of each correct client's runs: as many rounds as PARTS (E2E_ROUNDS) sweep all of them. E2E_ONLY
 * names the client or bug to sweep. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "bug_list.h"

enum {
    PARTS = 32, /* a round is about a minute */
    TRIES = 3,
    WORD_MAX = 512
};

#define FAMILY(name, more) \
    name "|backup-restore|--database|sales|--dir|{run}|--timeout|10000|--devices|{devices}" more
#define SINK(name) "sinks|backup|--database|sales|--dir|{run}|--timeout|10000|--sink|" name
#define WORKER(action, more) \
    "worker|" action         \
    "|--database|sales|--dir|{run}|--timeout|10000|--devices|{devices}|--sql-result|{run}/result" more
#define SQL_OF(statement) "|--sql|" statement "|--sql-result|{run}/result"
#define VOLUMES(size)     "|--volume-size|" size

/* Words are separated by '|'. */
struct client {
    const char *command;
    const char *options; /* of the sweep; each begins with '|' */
    int devices[2];      /* each in turn; 0 none */
};

static const struct client clients[] = {
    {FAMILY("correct_c", ""), "", {1, 4}},
    {FAMILY("correct_cpp", ""), "", {1, 4}},
    {FAMILY("complete_c", ""), "", {1, 4}},
    {FAMILY("async", ""), "", {1, 4}},
    {FAMILY("watchdog", ""), "", {1, 4}},
    {FAMILY("compressing", ""), "", {1, 4}},
    {FAMILY("prefixed", ""), "", {1, 4}},
    {FAMILY("mapped", ""), "", {1, 4}},
    {FAMILY("disk", ""), "", {1, 4}},
    {FAMILY("disk", "|--removable" VOLUMES("200000")), "", {1, 4}},
    {FAMILY("tape", ""), "", {1, 4}},
    {FAMILY("tape", VOLUMES("200000")), "", {1, 4}},
    {FAMILY("log_chain", ""), "", {1, 4}},
    {FAMILY("multiprocess", ""), "", {2, 4}},
    {FAMILY("snapshot", "|--data-file|{run}/database"),
     "|--before|head -c 100000 /dev/zero > {run}/database",
     {1}},
    {SINK("fsync"), "", {1}},
    {SINK("dsync"), "", {1}},
    {SINK("syncfs"), "", {1}},
    {SINK("thread"), "", {1}},
    {SINK("child"), "", {1}},
    {SINK("log"), "", {1}},
    {SINK("spool"), "", {1}},
    {SINK("mapped"), "", {1}},
    {SINK("pipe"), "", {1}},
    {SINK("socket"), "", {1}},
    {WORKER("backup", ""), SQL_OF("BACKUP DATABASE [sales] TO %DEVICES:%s-%d% WITH FORMAT"), {1, 4}},
    {WORKER("restore", "|--set|stored"),
     "|--before|" E2E_CLIENTS
     "/correct_c backup --database sales --set stored --devices {devices} --dir {run}" SQL_OF(
         "RESTORE DATABASE [sales] FROM %DEVICES:%s-%d% WITH REPLACE"),
     {1, 4}},
    {"sdk_style|backup|sales|{run}/file", "", {1}},
    {"sdk_style|restore|sales|{run}/file",
     "|--before|" E2E_CLIENTS "/sdk_style backup sales {run}/file",
     {1}},
};

static void add_words(struct e2e_args *args, const char *words, int devices)
{
    while (*words != '\0') {
        size_t length = strcspn(words, "|");
        char word[WORD_MAX];
        assert_true(length < sizeof word);
        snprintf(word, sizeof word, "%.*s", (int)length, words);
        char *blank = strstr(word, "{devices}");
        if (blank != NULL) {
            e2e_arg(args, "%.*s%d%s", (int)(blank - word), word, devices, blank + strlen("{devices}"));
        } else {
            e2e_arg(args, "%s", word);
        }
        words += length + (words[length] == '|');
    }
}

static void sweep(struct e2e_run *run, struct e2e_args *args, const struct client *client, int devices,
                  int part, bool at_once)
{
    *args = (struct e2e_args){0};
    e2e_arg(args, "sweep");
    e2e_arg(args, "--size=300K");
    e2e_arg(args, "--per-stack=1");
    e2e_arg(args, "--shard=%d/%d", part, PARTS);
    e2e_arg(args, at_once ? "--jobs=8" : "--jobs=1");
    if (at_once) {
        e2e_arg(args, "--shuffle");
    }
    if (client->options[0] == '|') {
        add_words(args, client->options + 1, devices);
    }
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/%.*s", (int)strcspn(client->command, "|"), client->command);
    add_words(args, client->command + strcspn(client->command, "|") + 1, devices);
    e2e_run(run, args->list);
}

static json_int_t summary(const struct e2e_run *run, const char *key)
{
    return json_integer_value(json_object_get(json_object_get(run->report, "summary"), key));
}

static void expect_survived(const struct e2e_run *run, const struct e2e_args *args)
{
    if (run->status != 0 || run->report == NULL || summary(run, "runs") == 0 || e2e_finding_count(run) != 0 ||
        summary(run, "vacuous") != 0 || summary(run, "clean") != summary(run, "runs")) {
        e2e_fail(run, args, "a correct client does not survive the sweep");
    }
}

static bool is_same(const struct e2e_run *run, const struct e2e_run *as)
{
    json_t *mine = json_object_get(run->report, "runs"), *theirs = json_object_get(as->report, "runs");
    size_t count = json_array_size(mine);
    bool same = count == json_array_size(theirs);
    for (size_t i = 0; same && i < count; i++) {
        static const char *const keys[] = {"id", "key", "outcome"};
        for (size_t k = 0; k < sizeof keys / sizeof keys[0]; k++) {
            same = same && json_equal(json_object_get(json_array_get(mine, i), keys[k]),
                                      json_object_get(json_array_get(theirs, i), keys[k]));
        }
    }
    return same;
}

/* Its clean runs were not alike, it says: so it has chosen other calls to try than another sweep will. */
static bool is_unsteady(const struct e2e_run *run)
{
    json_t *site;
    size_t i;
    bool unsteady = false;
    json_array_foreach(json_object_get(run->report, "sites"), i, site)
    {
        unsteady = unsteady || json_is_true(json_object_get(site, "unsteady"));
    }
    return unsteady;
}

/* Where several threads share a device's data, as with volumes that end, a machine with much else to do can make a
 * clean run another one; not each time. */
static void check_client(const struct client *client, int devices, int part)
{
    struct e2e_args args;
    struct e2e_run first, second;
    bool same = false;
    for (int tries = 1; !same; tries++) {
        sweep(&first, &args, client, devices, part, false);
        expect_survived(&first, &args);
        sweep(&second, &args, client, devices, part, true);
        expect_survived(&second, &args);
        same = is_same(&second, &first);
        if (!same && (tries == TRIES || (!is_unsteady(&first) && !is_unsteady(&second)))) {
            e2e_fail(&second, &args, "eight at once and shuffled, the runs or their outcomes are others");
        }
        e2e_free(&first);
        e2e_free(&second);
    }
}

static void every_correct_client_survives(void **state)
{
    (void)state;
    const char *only = getenv("E2E_ONLY");
    int sweeps = 0;
    for (int round = 0; round < e2e_rounds(); round++) {
        for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
            size_t length = strcspn(clients[i].command, "|");
            bool chosen =
                only == NULL || (strlen(only) == length && strncmp(clients[i].command, only, length) == 0);
            for (size_t d = 0; chosen && d < 2 && clients[i].devices[d] != 0; d++) {
                sweeps++;
                if (e2e_case()) { /* another part for each, so that every kind meets some client in every round */
                    check_client(&clients[i], clients[i].devices[d], 1 + (round + (int)(2 * i + d)) % PARTS);
                    e2e_case_end();
                }
            }
        }
    }
    e2e_cases_end();
    print_message("%d sweeps\n", 2 * sweeps);
}

/* A bug that shows without a fault ends the sweep after its clean run; for the others the kind of fault that makes them
 * show is the shortest way. */
static void check_bug(const char *client, char *const *bug, void *context)
{
    const char *only = getenv("E2E_ONLY");
    bool by_fault = strcmp(bug[BUG_FAULT], "-") != 0;
    int *bugs = context;
    struct e2e_args args = {0};
    struct e2e_run run;
    if (only != NULL && strcmp(only, bug[BUG_NAME]) != 0) {
        return;
    }
    ++*bugs;
    if (!e2e_case()) {
        return;
    }
    e2e_arg(&args, "sweep");
    e2e_arg(&args, "--jobs=2");
    e2e_arg(&args, "--per-stack=1");
    e2e_arg(&args, "--size=1M");
    e2e_arg(&args, "--patience=4");
    e2e_arg(&args, "--fail-on=info");
    e2e_arg(&args, "--no-minimize"); /* ten runs of each finding, and more, are another test's */
    if (by_fault) {
        e2e_arg(&args, "--anyway"); /* a bug that is a race may well show something else of itself before */
        e2e_arg(&args, "--only=%.*s", (int)strcspn(bug[BUG_FAULT], "(@"), bug[BUG_FAULT]);
    }
    bugs_add_client(&args, client, bug);
    e2e_run(&run, args.list);
    const char *function = json_string_value(json_object_get(e2e_finding(&run, bug[BUG_RULE]), "function"));
    bool at_function =
        strcmp(bug[BUG_FUNCTION], "-") == 0 || (function != NULL && strcmp(function, bug[BUG_FUNCTION]) == 0);
    if (run.status != 1 || e2e_finding(&run, bug[BUG_RULE]) == NULL || !at_function) {
        e2e_fail(&run, &args, "a sweep does not find %s by %s at %s", bug[BUG_NAME], bug[BUG_RULE],
                 bug[BUG_FUNCTION]);
    }
    e2e_free(&run);
    e2e_case_end();
}

static void every_bug_is_found(void **state)
{
    (void)state;
    int bugs = 0;
    bugs_each(check_bug, &bugs);
    e2e_cases_end();
    print_message("%d bugs\n", bugs);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_bug_is_found),
        cmocka_unit_test(every_correct_client_survives),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
