/* The port of --tds and the process behind it, with fake_server.c in the place of the real one: who is sent there, how
 * it is started, and how it ends. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "e2e.h"

#define BACKUP       E2E_CLIENTS "/correct_c backup --database sales --dir {run}"
#define CONNECT(how) E2E_NET_CLIENT " " how
#define BY_CLIENT    ": role none plan plan answers none preload none options\n"

struct run_case {
    const char *options[10];
    const char *script; /* sh -c, with {tds} and {tds-port} as $1 and $2 */
    int status;
    const char *says[3]; /* in the output */
};

static void add_all(struct e2e_args *args, const char *const *words)
{
    for (size_t i = 0; words[i] != NULL; i++) {
        e2e_arg(args, "%s", words[i]);
    }
}

static void expect(const char *verb, const struct run_case *test)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    add_all(&args, (const char *[]){verb, "--size", "1M", NULL});
    add_all(&args, test->options);
    add_all(&args, (const char *[]){"--", "sh", "-c", test->script, "sh", "{tds}", "{tds-port}", NULL});
    e2e_run(&run, args.list);
    if (run.status != test->status) {
        e2e_fail(&run, &args, "exit status %d expected", test->status);
    }
    for (size_t i = 0; i < 3 && test->says[i] != NULL; i++) {
        if (strstr(run.output, test->says[i]) == NULL) {
            e2e_fail(&run, &args, "'%s' expected", test->says[i]);
        }
    }
    e2e_free(&run);
}

static void test_who_is_sent_there(void **unused)
{
    (void)unused;
    static const struct run_case cases[] = {
        {{"--tds"}, CONNECT("any 192.0.2.1 1433 &&") BACKUP, 0, {BY_CLIENT}},
        {{"--tds", "--server", "sqlhost.invalid"},
         CONNECT("any sqlhost.invalid 50000 &&") BACKUP,
         0,
         {BY_CLIENT}},
        {{"--tds", "--server", "other", "--server", "sqlhost.invalid:1433"},
         CONNECT("host_r-late sqlhost.invalid 1433 &&") BACKUP,
         0,
         {BY_CLIENT}},
        {{"--tds=127.0.0.2:0"},
         "case $1 in 127.0.0.2:$2);; *) exit 9;; esac; test $VDIFAULT_TDS = $1 &&" CONNECT(
             "any 127.0.0.2 $2 &&") BACKUP,
         0,
         {BY_CLIENT}},
        {{"--tds", "--answers", E2E_ANSWERS},
         CONNECT("any 192.0.2.1 1433 &&") BACKUP,
         0,
         {": role none plan plan answers no_answers.json preload none options --answers\n"}},
        {{"--tds"}, "env -i " CONNECT("any 192.0.2.1 1433 &&") BACKUP, 0, {BY_CLIENT}},
        /* nobody answers, or nobody is known by the name: told with the option that helps */
        {{NULL},
         CONNECT("any 127.0.0.1 1433; true"),
         3,
         {"made no VDI call; the client connects to", "with --tds"}},
        {{"--tds"},
         CONNECT("any sqlhost.invalid 1433; true"),
         3,
         {"looks up 'sqlhost.invalid'", "--server says so"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect("run", &cases[i]);
    }
}

/* HOST\\INSTANCE: the port of a named instance is asked for by UDP. */
static void test_named_instances(void **unused)
{
    (void)unused;
    static const char *const hows[] = {"ask", "ask-connected", "ask-msg", "ask-mmsg"};
    for (size_t i = 0; i < sizeof hows / sizeof hows[0]; i++) {
        char script[256];
        snprintf(script, sizeof script, "%s %s 192.0.2.1 ONE && %s", E2E_NET_CLIENT, hows[i], BACKUP);
        const struct run_case any = {{"--tds"}, script, 0, {";InstanceName;ONE;", ";tcp;1433;;\n"}};
        const struct run_case one = {{"--tds", "--server", "192.0.2.1:1500"}, script, 0, {";tcp;1500;;\n"}};
        expect("run", &any);
        expect("run", &one);
    }
}

/* Each phase has a server of its own, with its plan and role. */
static void test_phases(void **unused)
{
    (void)unused;
    static const struct run_case test = {
        {"--tds", "--again", "--fault", "delay(ms=1)@Write", "--verify", CONNECT("any 192.0.2.1 1433")},
        CONNECT("any 192.0.2.1 1433 &&") BACKUP,
        0,
        {BY_CLIENT, ": role verify plan plan-verify answers none preload none options\n",
         ": role none plan plan-verify answers none preload none options\n"}};
    expect("run", &test);
}

/* The client itself, which nobody starts who could look at it. */
static void test_a_go_client(void **unused)
{
    (void)unused;
    static const char *const clients[][6] = {{E2E_NET_CLIENT "_go", "any", "127.0.0.1", "9"},
                                             {E2E_NET_CLIENT "_go", "any", "127.0.0.1", "{tds-port}"}};
    for (size_t i = 0; i < 2; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        add_all(&args, (const char *[]){"run", "--tds", "--", NULL});
        add_all(&args, clients[i]);
        e2e_run(&run, args.list);
        bool told = strstr(run.output, "no VDI call; '" E2E_NET_CLIENT "_go' is a Go program") != NULL;
        if (run.status != 3 || told != (i == 0)) {
            e2e_fail(&run, &args, "exit status 3 and %s note of Go expected", i == 0 ? "a" : "no");
        }
        e2e_free(&run);
    }
}

/* e2e_run looks whether anything is left behind. */
static void test_ends(void **unused)
{
    (void)unused;
    static const struct run_case ends[] = {
        {{"--tds"}, CONNECT("any 192.0.2.1 1433 &&") BACKUP, 0, {BY_CLIENT}},
        {{"--tds"}, BACKUP "; kill -9 $$", 1, {"VDI-OUT"}},
    };
    setenv("FAKE_SERVER", "children", 1);
    expect("run", &ends[0]);
    expect("run", &ends[1]);
    static const struct run_case dies = {
        {"--tds"},
        BACKUP,
        3,
        {"the simulated server ended by itself (exit status 7): nobody answered at 127.0.0.1:"}};
    setenv("FAKE_SERVER", "die", 1);
    expect("run", &dies);
    unsetenv("FAKE_SERVER");
}

static void test_a_port_that_is_taken(void **unused)
{
    (void)unused;
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    char option[48];
    int file = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(file, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(file, 1), 0);
    assert_int_equal(getsockname(file, (struct sockaddr *)&address, &length), 0);
    snprintf(option, sizeof option, "--tds=127.0.0.1:%u", ntohs(address.sin_port));
    const struct run_case test = {{option}, BACKUP, 3, {"--tds: cannot listen at 127.0.0.1:"}};
    expect("run", &test);
    close(file);
}

static void test_wrong_options(void **unused)
{
    (void)unused;
    static const struct run_case cases[] = {
        {{"--tds=here"}, BACKUP, 2, {"--tds 'here': expected ADDRESS:PORT"}},
        {{"--tds=0.0.0.0:0"}, BACKUP, 2, {"that clients can connect to"}},
        {{"--tds=127.0.0.1:70000"}, BACKUP, 2, {"expected ADDRESS:PORT"}},
        {{"--tds=[::1]:0"}, BACKUP, 2, {"IPv4"}},
        {{"--server", "sqlhost"}, BACKUP, 2, {"--server: expected --tds"}},
        {{"--tds", "--server", "sqlhost:0"}, BACKUP, 2, {"'sqlhost:0': expected a host name"}},
        {{"--tds", "--server", "sqlhost\\one"}, BACKUP, 2, {"without \\INSTANCE"}},
        {{"--tds", "--answers", "/no/such"}, BACKUP, 2, {"--answers '/no/such'"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        expect("run", &cases[i]);
    }
}

/* Runs side by side have a port each: who came to a neighbour's would be told of another run. */
static void test_sweep(void **unused)
{
    (void)unused;
    static const struct run_case sweeps[] = {
        {{"--tds", "--jobs", "3", "--only", "lost-close,delay", "--no-minimize"},
         CONNECT("any 192.0.2.1 1433 > {run}/line && grep -q of.$VDI_NAMESPACE: {run}/line &&") BACKUP,
         0,
         {"clean"}},
        {{"--tds", "--jobs", "2", "--only", "lost-close,delay", "--no-minimize"},
         "exec " BACKUP,
         0,
         {"clean"}},
        {{"--tds=127.0.0.1:1433", "--jobs", "2"}, BACKUP, 2, {"expected --jobs 1, or port 0"}},
    };
    for (size_t i = 0; i < sizeof sweeps / sizeof sweeps[0]; i++) {
        expect("sweep", &sweeps[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_who_is_sent_there),
        cmocka_unit_test(test_named_instances),
        cmocka_unit_test(test_phases),
        cmocka_unit_test(test_a_go_client),
        cmocka_unit_test(test_ends),
        cmocka_unit_test(test_a_port_that_is_taken),
        cmocka_unit_test(test_wrong_options),
        cmocka_unit_test(test_sweep),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
