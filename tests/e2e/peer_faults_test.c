/* Faults of the statement, the server and the connection: each fires where it was placed, the statement ends as it
 * would on a real server, and correct clients cope. */
#include <stdio.h>
#include <string.h>

#include "correct.h"

#define COUNT_OF(array) (sizeof(array) / sizeof((array)[0]))

/* ---- how a statement ends ---- */

struct ending {
    const char *fault;
    int devices;
    const char *outcome;
    int messages[3];  /* of the statement, errors and others that matter; ends with 0 */
    const char *says; /* sqlcmd, where the client shows it; NULL: anything */
};

static const struct ending endings[] = {
    {"no-server", 1, "not-reached", {0}, "Login timeout expired."},
    {"no-server@Create", 4, "not-reached", {0}, "Server is not found"},
    {"statement-refused", 1, "not-reached", {3201, 3013}, "Cannot open backup device '"},
    {"statement-refused(number=911)", 1, "not-reached", {911, 3013}, "Database 'sales' does not exist."},
    {"statement-refused(262)",
     1,
     "not-reached",
     {262, 3013},
     "BACKUP DATABASE permission denied in database 'sales'."},
    {"statement-refused(number=15404)", 1, "not-reached", {15404, 3013}, NULL},
    {"statement-refused(number=3023)", 2, "not-reached", {3023, 3013}, NULL},
    {"statement-refused(number=596)", 1, "not-reached", {596}, "Communication link failure."},
    {"statement-refused(number=3204)", 1, "not-reached", {3204, 3013}, "Timeout expired"},
    {"statement-fails@Write#3",
     1,
     "aborted",
     {9002, 3013},
     "The transaction log for database 'sales' is full"},
    {"statement-fails(number=701)@Flush:1", 2, "aborted", {701, 3013}, NULL},
    {"late-failure", 1, "failed", {845, 3013}, NULL},
    {"late-failure(number=3634)", 4, "failed", {3634, 3013}, NULL},
    {"late-failure(number=596)", 2, "failed", {596}, "Communication link failure."},
    {"late-failure(number=3204)", 1, "failed", {3204, 3013}, "Timeout expired"},
    {"late-failure(number=0)", 1, "failed", {0}, "TCP Provider: Error code 0x68."},
    {"error-and-success", 2, "success", {3009, 3014}, "The backup/restore operation was still successful."},
    {"server-crash@Write#3", 1, "failed", {0}, "Communication link failure."},
    {"server-crash@GetConfiguration", 1, "failed", {0}, "Communication link failure."},
    {"server-crash@OpenDevice#2", 2, "failed", {0}, "TCP Provider: Error code 0x68."},
    {"server-crash@CompleteCommand#5:1", 4, "failed", {0}, "Communication link failure."},
    {"server-crash@Flush#last:0", 2, "failed", {0}, "Communication link failure."},
    {"kill-session@Write#2:0", 2, "aborted", {596}, "Communication link failure."},
    {"attention@Write#2", 1, "aborted", {3204, 3013}, "Timeout expired"},
    {"shutdown@Flush", 1, "aborted", {6005}, "SHUTDOWN is in progress."},
    {"failover@Write#4:1", 4, "aborted", {983, 3013}, "replica is not in the PRIMARY or SECONDARY role"},
    {"busy-database(ms=100)", 1, "success", {3014}, NULL},
    {"server-slow(ms=100)@Write#3", 1, "success", {3014}, NULL},
    {"server-slow(ms=20)@Write#2+", 2, "success", {3014}, NULL},
    {"stale-set", 1, "success", {3014}, NULL},
    {"stale-set", 4, "success", {3014}, NULL},
    {"chatty@Write#3", 1, "success", {3014}, NULL},
    {"chatty(kib=2000)@Flush", 2, "success", {3014}, NULL},
};

static void build(struct e2e_args *args, const char *fault, int devices)
{
    e2e_arg(args, "run");
    e2e_arg(args, "--size");
    e2e_arg(args, "3M");
    e2e_arg(args, "--fault");
    e2e_arg(args, "%s", fault);
    e2e_arg(args, "--");
    e2e_arg(args, E2E_CLIENTS "/correct_c");
    e2e_arg(args, "backup");
    e2e_arg(args, "--database");
    e2e_arg(args, "sales");
    e2e_arg(args, "--devices");
    e2e_arg(args, "%d", devices);
    e2e_arg(args, "--patience");
    e2e_arg(args, "300");
    e2e_arg(args, "--dir");
    e2e_arg(args, "{run}");
}

/* Whether the errors, and 3013 and 3014, are exactly those. */
static bool has_messages(json_t *operation, const int *expected)
{
    size_t index;
    size_t found = 0;
    json_t *message;
    json_array_foreach(json_object_get(operation, "messages"), index, message)
    {
        int number = (int)json_integer_value(json_object_get(message, "number"));
        int severity = (int)json_integer_value(json_object_get(message, "severity"));
        if (number != 0 && (severity > 10 || number == 3014 || number == 6005)) {
            if (found == 3 || expected[found] != number) {
                return false;
            }
            found++;
        }
    }
    return found == 3 || expected[found] == 0;
}

static void check_ending(const struct ending *ending)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    build(&args, ending->fault, ending->devices);
    e2e_run(&run, args.list);
    json_t *fault = json_array_get(json_object_get(run.report, "faults"), 0);
    json_t *operation = json_array_get(json_object_get(run.report, "operations"), 0);
    const char *outcome = json_string_value(json_object_get(operation, "outcome"));
    const char *client = json_string_value(json_object_get(operation, "client_says"));
    bool clean = strcmp(ending->outcome, "success") == 0 && ending->messages[0] == 3014;
    if (run.status != 0 || json_integer_value(json_object_get(fault, "fired")) < 1) {
        e2e_fail(&run, &args, "%s: fired, and no finding, expected", ending->fault);
    }
    if (outcome == NULL || strcmp(outcome, ending->outcome) != 0 ||
        !has_messages(operation, ending->messages)) {
        e2e_fail(&run, &args, "%s ended in %s, expected %s, with the messages %d %d", ending->fault,
                 outcome ? outcome : "nothing", ending->outcome, ending->messages[0], ending->messages[1]);
    }
    if (client == NULL || strcmp(client, clean ? "success" : "failure") != 0) {
        e2e_fail(&run, &args, "%s: the client says %s", ending->fault, client ? client : "nothing");
    }
    if (ending->says != NULL && strstr(run.output, ending->says) == NULL) {
        e2e_fail(&run, &args, "%s: sqlcmd was to say '%s'", ending->fault, ending->says);
    }
    e2e_free(&run);
}

static void test_how_a_statement_ends(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < COUNT_OF(endings); i++) {
        if (e2e_case()) {
            check_ending(&endings[i]);
            e2e_case_end();
        }
    }
    e2e_cases_end();
}

/* ---- correct clients ---- */

#define SHORT               \
    {                       \
        "--patience", "300" \
    }

static const struct correct_client clients[] = {
    {.name = "correct_c", .options = SHORT},    {.name = "correct_cpp", .options = SHORT},
    {.name = "watchdog", .options = SHORT},     {.name = "async", .options = SHORT},
    {.name = "compressing", .options = SHORT},  {.name = "complete_c", .options = SHORT},
    {.name = "multiprocess", .options = SHORT}, {.name = "disk", .options = SHORT},
    {.name = "tape", .options = SHORT},
};

static void test_correct_clients(void **unused)
{
    (void)unused;
    static const char *const faults[] = {
        "no-server",
        "statement-refused",
        "no-server@Create/1",
        "statement-fails@Write#2:1",
        "statement-fails@Read#2/1",
        "late-failure",
        "late-failure@Create/1",
        "error-and-success",
        "error-and-success@Create/1",
        "server-crash@GetConfiguration",
        "server-crash@OpenDevice#2",
        "server-crash@Write#3:0",
        "server-crash@Flush",
        "server-crash@CompleteCommand#3:1/1",
        "server-slow(ms=60)@Write#3",
        "server-slow(ms=60)@Read#2/1",
        "kill-session@Write#3",
        "attention@CompleteCommand#2/1",
        "shutdown@Flush#1:0",
        "failover@OpenDevice/1",
        "busy-database(ms=60)",
        "busy-database(ms=60)@Create/1",
        "stale-set",
        "stale-set@Create/1",
        "chatty@Write#2:1",
        "chatty@Read#2/1",
        NULL,
    };
    correct_under_faults(clients, COUNT_OF(clients), faults);
}

/* Nothing but the client's own patience ends these. */
static void test_a_server_that_hangs(void **unused)
{
    (void)unused;
    static const struct correct_client impatient[] = {
        {.name = "correct_c", .options = {"--timeout", "1500", "--patience", "300"}},
        {.name = "watchdog", .options = {"--timeout", "1500", "--patience", "300"}},
        {.name = "multiprocess", .options = {"--timeout", "1500", "--patience", "300"}},
    };
    static const char *const faults[] = {
        "server-hang@GetConfiguration",
        "server-hang@OpenDevice#2",
        "server-hang@Write#3",
        "server-hang@Flush",
        "server-hang@CompleteCommand#2/1",
        NULL,
    };
    correct_under_faults(impatient, COUNT_OF(impatient), faults);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_how_a_statement_ends),
        cmocka_unit_test(test_correct_clients),
        cmocka_unit_test(test_a_server_that_hangs),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
