/* Clients that run on until they are stopped: each job is judged, whatever says how it went; a fault in one leaves the
 * next one as it was; and what cannot be judged ends with one line that says why. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "e2e.h"

#define DAEMON  E2E_CLIENTS "/daemon"
#define ASK     DAEMON " --ask {run}/s backup"
#define RESTORE DAEMON " --ask {run}/s restore"
#define ABORT   "--fault=abort@Write#3:0"
#define READY   "--ready={run}/s"

enum {
    WORDS = 6,
    SAYS = 3 /* jobs at most */
};

struct daemon_case {
    const char *name; /* for E2E_ONLY */
    const char *options[WORDS];
    const char *daemon[WORDS]; /* its own */
    const char *triggers[SAYS];
    int status;
    const char *rule;       /* that is found; NULL: none */
    const char *said;       /* in the output; NULL: nothing is expected */
    const char *says[SAYS]; /* of each job; "" nothing */
};

static const struct daemon_case cases[] = {
    {"two jobs", {READY}, {0}, {ASK, ASK}, 0, NULL, NULL, {"success", "success"}},
    {"two in processes", {READY}, {"--in", "process"}, {ASK, ASK}, 0, NULL, NULL, {"success", "success"}},
    {"a restore, too", {READY}, {0}, {ASK, RESTORE}, 0, NULL, NULL, {"success", "success"}},
    {"fault", {READY, ABORT}, {0}, {ASK, ASK}, 0, NULL, NULL, {"failure", "success"}},
    {"fault in a process",
     {READY, ABORT},
     {"--in", "process"},
     {ASK, ASK},
     0,
     NULL,
     NULL,
     {"failure", "success"}},
    {"fault in the second", {READY, ABORT "/1"}, {0}, {ASK, ASK}, 0, NULL, NULL, {"success", "failure"}},
    {"fault in each",
     {READY, ABORT, "--rearm"},
     {0},
     {ASK, ASK, ASK},
     0,
     NULL,
     NULL,
     {"failure", "failure", "failure"}},
    {"fault in the second of the second",
     {READY, "--fault=abort@Read#3/1", "--rearm"},
     {0},
     {ASK, ASK "; " RESTORE},
     0,
     NULL,
     NULL,
     {"success", "failure"}},
    {"server faults in each",
     {READY, "--fault=statement-fails@Write#2", "--rearm"},
     {0},
     {ASK, ASK},
     0,
     NULL,
     NULL,
     {"failure", "failure"}},
    {"crash of a worker",
     {READY, "--fault=client-crash@Write#2"},
     {"--in", "process"},
     {ASK, ASK},
     0,
     NULL,
     NULL,
     {"failure", "success"}},
    {"crash of the daemon",
     {READY, "--fault=client-crash@Write#2"},
     {0},
     {ASK, ASK},
     0,
     NULL,
     NULL,
     {"failure", "failure"}},

    /* how it is known to wait for jobs */
    {"ready by a line", {"--ready=stdout:waiting for .*s$"}, {0}, {ASK}, 0, NULL, NULL, {"success"}},
    {"ready by a bare line", {"--ready=waiting"}, {0}, {ASK}, 0, NULL, NULL, {"success"}},
    {"never ready",
     {"--ready=file:{run}/t", "--timeout=1"},
     {0},
     {ASK},
     3,
     NULL,
     "--ready {run}/t: the client was not ready after --timeout of 1 s",
     {0}},
    {"nobody at the port",
     {"--ready=port:1", "--timeout=1"},
     {0},
     {ASK},
     3,
     NULL,
     "--ready 1: the client was not ready after --timeout of 1 s",
     {0}},
    {"ends before it is ready",
     {"--ready=never"},
     {"--devices", "0"},
     {ASK},
     3,
     NULL,
     "--ready never: the client ended before (exit status 2); it printed last: ",
     {0}},

    {"forks away",
     {READY},
     {"--fork"},
     {ASK, ASK},
     3,
     NULL,
     "expected a daemon that stays in the foreground",
     {0}},

    /* what says how it went */
    {"by a file",
     {READY, "--verdict=file:{run}/r"},
     {"--no-wait", "--result", "{run}/r"},
     {ASK, ASK},
     0,
     NULL,
     NULL,
     {"success", "success"}},
    {"failed by a file",
     {READY, ABORT, "--verdict=file:{run}/r"},
     {"--no-wait", "--result", "{run}/r"},
     {ASK, ASK},
     0,
     NULL,
     NULL,
     {"failure", "success"}},
    {"by lines",
     {READY, ABORT, "--verdict=stdout:^job: s", "--verdict=failure:^job: f"},
     {"--no-wait"},
     {ASK, ASK},
     0,
     NULL,
     NULL,
     {"failure", "success"}},
    {"by lines without an end",
     {"--ready=waiting for .*s$", ABORT, "--verdict=stdout:job: s", "--verdict=failure:job: f"},
     {"--no-wait", "--open-lines"},
     {ASK, ASK},
     0,
     NULL,
     NULL,
     {"failure", "success"}},
    {"by no line",
     {READY, ABORT, "--verdict=stdout:^job: s", "--patience=1"},
     {"--no-wait"},
     {ASK, ASK},
     0,
     NULL,
     NULL,
     {"failure", "success"}},
    {"by a command",
     {READY, ABORT, "--verdict=cmd:grep -q success {run}/r"},
     {"--result", "{run}/r"},
     {ASK, ASK},
     0,
     NULL,
     NULL,
     {"failure", "success"}},
    {"by nothing", {READY, ABORT}, {"--no-wait"}, {ASK, ASK}, 0, NULL, NULL, {"", ""}},
    {"a word that nobody knows",
     {READY, "--verdict=file:{run}/r", "--patience=1"},
     {0},
     {ASK "; echo maybe >{run}/r"},
     3,
     NULL,
     "'maybe' stands there; expected 0, success or ok",
     {""}},
    {"a file that never comes",
     {READY, "--verdict=file:{run}/r", "--patience=1"},
     {0},
     {ASK},
     3,
     NULL,
     "--verdict file:{run}/r: it did not come in --patience",
     {""}},

    {"a file that cannot be removed",
     {READY, "--verdict=file:{run}"},
     {0},
     {ASK},
     3,
     NULL,
     "--verdict file:{run}: Is a directory; expected a file",
     {0}},
    {"a trigger that is killed", {READY}, {0}, {ASK "; kill -9 $$", ASK}, 0, NULL, NULL, {"", "success"}},

    /* triggers that start nothing */
    {"no such trigger", {READY}, {0}, {"vdifault-no-such-command"}, 3, NULL, "the shell cannot run it", {""}},
    {"a trigger that fails",
     {READY},
     {0},
     {"exit 7"},
     3,
     NULL,
     "--trigger 'exit 7' ended (exit status 7), and no set came of it",
     {"failure"}},
    {"a trigger of nothing",
     {READY, "--patience=1"},
     {0},
     {"true"},
     3,
     NULL,
     "--trigger 'true' ended (exit status 0), and no set came of it in --patience",
     {"failure"}},
    {"the daemon ends too soon",
     {READY},
     {"--term-in-job"},
     {ASK, ASK},
     3,
     NULL,
     "the client ended (exit status 0) before --trigger ",
     {"success", "failure"}},

    /* how it ends */
    {"no handler", {READY, "--stop=INT"}, {0}, {ASK}, 0, NULL, NULL, {"success"}},
    {"stopped in a job", {READY}, {"--term-in-job"}, {ASK}, 0, NULL, NULL, {"success"}},

    /* bugs */
    {"stuck", {READY, ABORT}, {"--bug", "stuck"}, {ASK, ASK}, 1, "VDI-OUT-009", NULL, {"failure", "failure"}},
    {"denies after a fault",
     {READY, ABORT},
     {"--bug", "denies"},
     {ASK, ASK},
     1,
     "VDI-OUT-009",
     NULL,
     {"failure", "failure"}},
    {"leaves",
     {READY, ABORT},
     {"--bug", "leaves"},
     {ASK, ASK},
     1,
     "VDI-OUT-009",
     NULL,
     {"failure", "failure"}},
    {"claims",
     {READY, ABORT},
     {"--bug", "claims"},
     {ASK, ASK},
     1,
     "VDI-OUT-001",
     NULL,
     {"success", "success"}},
    {"denies", {READY}, {"--bug", "denies"}, {ASK}, 1, "VDI-OUT-006", NULL, {"failure"}},
    {"leaks", {READY}, {"--bug", "leaks"}, {ASK}, 1, "VDI-OUT-004", NULL, {"success"}},
    {"quits", {READY}, {"--bug", "quits", "--term-in-job"}, {ASK}, 1, "VDI-OUT-008", NULL, {"failure"}},
    {"deaf",
     {READY, "--timeout=2"},
     {"--bug", "deaf"},
     {ASK},
     1,
     "VDI-OUT-002",
     "still running 2 s after SIGTERM",
     {"success"}},
    {"silent", {READY, ABORT, "--patience=1"}, {"--bug", "silent"}, {ASK, ASK}, 1, "VDI-OUT-002", NULL, {0}},
};

static void add_words(struct e2e_args *args, const char *const *words)
{
    for (int i = 0; i < WORDS && words[i] != NULL; i++) {
        e2e_arg(args, "%s", words[i]);
    }
}

static void build(struct e2e_args *args, const char *verb, const struct daemon_case *one)
{
    static const char *const rest[WORDS] = {"backup", "--database", "sales", "--dir", "{run}"};
    e2e_arg(args, "%s", verb);
    e2e_arg(args, "--size=1M");
    add_words(args, one->options);
    for (int i = 0; i < SAYS && one->triggers[i] != NULL; i++) {
        e2e_arg(args, "--trigger");
        e2e_arg(args, "%s", one->triggers[i]);
    }
    e2e_arg(args, "--");
    e2e_arg(args, DAEMON);
    e2e_arg(args, "--listen");
    e2e_arg(args, "{run}/s");
    add_words(args, one->daemon);
    add_words(args, rest);
}

static void check_word(const struct e2e_run *run, const struct e2e_args *args, const struct daemon_case *one,
                       size_t i)
{
    json_t *job = json_array_get(json_object_get(run->report, "jobs"), i);
    const char *says = json_string_value(json_object_get(job, "says"));
    if (one->says[i] != NULL && strcmp(says != NULL ? says : "", one->says[i]) != 0) {
        e2e_fail(run, args, "%s: job %zu says '%s', expected '%s'", one->name, i, says != NULL ? says : "",
                 one->says[i]);
    }
}

static void check(const struct daemon_case *one)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    build(&args, "run", one);
    e2e_run(&run, args.list);
    if (run.status != one->status) {
        e2e_fail(&run, &args, "%s: expected exit status %d", one->name, one->status);
    }
    if (one->rule != NULL ? e2e_finding(&run, one->rule) == NULL : e2e_finding_count(&run) != 0) {
        e2e_fail(&run, &args, "%s: expected %s", one->name, one->rule != NULL ? one->rule : "no finding");
    }
    if (one->said != NULL && strstr(run.output, one->said) == NULL) {
        e2e_fail(&run, &args, "%s: expected the words '%s'", one->name, one->said);
    }
    for (size_t i = 0; i < SAYS; i++) {
        check_word(&run, &args, one, i);
    }
    e2e_free(&run);
}

static void each_job_is_judged(void **state)
{
    const char *only = getenv("E2E_ONLY");
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        if ((only == NULL || strcmp(only, cases[i].name) == 0) && e2e_case()) {
            check(&cases[i]);
            e2e_case_end();
        }
    }
    e2e_cases_end();
}

/* The port of another process, this one, does not count. */
static void ready_by_a_port(void **state)
{
    (void)state;
    for (int own = 0; own < 2; own++) {
        struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
        socklen_t length = sizeof address;
        char port[8], option[16];
        int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(listener, (struct sockaddr *)&address, sizeof address), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&address, &length), 0);
        snprintf(port, sizeof port, "%d", ntohs(address.sin_port));
        snprintf(option, sizeof option, "--ready=%s", port);
        if (own != 0) {
            close(listener);
        } else {
            assert_int_equal(listen(listener, 1), 0);
        }
        const struct daemon_case by_port = {
            .name = own != 0 ? "its port" : "another's port",
            .options = {option, "--timeout=2"},
            .daemon = {own != 0 ? "--port" : NULL, port},
            .triggers = {ASK},
            .status = own != 0 ? 0 : 3,
            .says = {own != 0 ? "success" : NULL},
        };
        check(&by_port);
        if (own == 0) {
            close(listener);
        }
    }
}

/* Faults in either job, and none is a finding. */
static void a_daemon_survives_a_sweep(void **state)
{
    static const struct daemon_case swept = {
        .options = {READY, "--only=abort,lost-close,early-close", "--per-stack=1", "--patience=5",
                    "--no-minimize"},
        .triggers = {ASK, ASK},
    };
    struct e2e_args args = {0};
    struct e2e_run run;
    (void)state;
    build(&args, "sweep", &swept);
    e2e_run(&run, args.list);
    json_t *summary = json_object_get(run.report, "summary");
    if (run.status != 0 || json_integer_value(json_object_get(summary, "runs")) < 10) {
        e2e_fail(&run, &args, "a finding on a correct daemon, or no sweep");
    }
    e2e_free(&run);
}

static void a_sweep_finds_what_does_not_recover(void **state)
{
    static const struct daemon_case swept = {
        .options = {READY, "--only=abort", "--per-stack=1", "--patience=5", "--no-minimize"},
        .daemon = {"--bug", "stuck"},
        .triggers = {ASK, ASK},
    };
    struct e2e_args args = {0};
    struct e2e_run run;
    (void)state;
    build(&args, "sweep", &swept);
    e2e_run(&run, args.list);
    json_t *rules = json_object_get(json_object_get(run.report, "summary"), "rules");
    if (run.status != 1 || json_integer_value(json_object_get(rules, "VDI-OUT-009")) < 1) {
        e2e_fail(&run, &args, "expected VDI-OUT-009");
    }
    e2e_free(&run);
}

/* Of a client that ends after its work, and whose exit status says nothing. */
static void a_word_instead_of_the_exit_status(void **state)
{
    static const struct {
        const char *verdict, *fault, *command;
        int status;
    } words[] = {
        {"--verdict=stdout:complete", "--seed=1", "", 0},
        {"--verdict=stdout:complete", ABORT, "; true", 0},
        {"--verdict=exit", ABORT, "; true", 1}, /* the status of "true": VDI-OUT-001 */
        {"--verdict=file:{run}/r", ABORT, "; echo $? >{run}/r", 0},
        {"--verdict=file:{run}/r", ABORT, "; echo 0 >{run}/r", 1},
        {"--verdict=cmd:test -e {run}/good", ABORT, " && touch {run}/good; true", 0},
        {"--verdict=cmd:true", ABORT, "; false", 1},
    };
    (void)state;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        e2e_arg(&args, "run");
        e2e_arg(&args, "--size=1M");
        e2e_arg(&args, "%s", words[i].verdict);
        e2e_arg(&args, "%s", words[i].fault);
        e2e_arg(&args, "--");
        e2e_arg(&args, "sh");
        e2e_arg(&args, "-c");
        e2e_arg(&args, E2E_CLIENTS "/correct_c backup --database sales --dir {run}%s", words[i].command);
        e2e_run(&run, args.list);
        if (run.status != words[i].status || (run.status == 1 && e2e_finding(&run, "VDI-OUT-001") == NULL)) {
            e2e_fail(&run, &args, "expected exit status %d", words[i].status);
        }
        e2e_free(&run);
    }
}

static void options_that_do_not_go_together(void **state)
{
    static const struct {
        const char *options[3];
        const char *said;
    } wrong[] = {
        {{"--ready=8080"}, "--ready: expected --trigger CMD, too"},
        {{"--stop=HUP"}, "--stop: expected --trigger CMD, too"},
        {{"--ready=port:70000"}, "--ready 'port:70000': expected a TCP port from 1 to 65535"},
        {{"--ready=stdout:("}, "--ready: '(' is no extended regular expression: "},
        {{"--ready=file:"}, "--ready 'file:': expected stdout:REGEX, port:N or file:PATH"},
        {{"--stop=SIGNOTHING"}, "--stop 'SIGNOTHING': expected a signal, for example TERM, INT or 15"},
        {{"--verdict=log"}, "--verdict 'log': expected exit, cmd:CMD, file:FILE, stdout:REGEX"},
        {{"--verdict=exit", "--verdict=cmd:true"}, "--verdict 'cmd:true': expected one --verdict"},
        {{"--verdict=failure:x"}, "--verdict failure:x: expected --verdict stdout:REGEX, too"},
        {{"--again", "--trigger=true"}, "--again: expected without --trigger"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        e2e_arg(&args, "run");
        for (int o = 0; o < 3 && wrong[i].options[o] != NULL; o++) {
            e2e_arg(&args, "%s", wrong[i].options[o]);
        }
        e2e_arg(&args, "true");
        e2e_run(&run, args.list);
        if (run.status != 2 || strstr(run.output, wrong[i].said) == NULL) {
            e2e_fail(&run, &args, "expected exit status 2 and '%s'", wrong[i].said);
        }
        e2e_free(&run);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_that_do_not_go_together),
        cmocka_unit_test(each_job_is_judged),
        cmocka_unit_test(ready_by_a_port),
        cmocka_unit_test(a_word_instead_of_the_exit_status),
        cmocka_unit_test(a_daemon_survives_a_sweep),
        cmocka_unit_test(a_sweep_finds_what_does_not_recover),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
