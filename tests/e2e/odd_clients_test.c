/* Correct clients that do what few do (odd_client.c) do it just as well with us on board. */
#include <stdlib.h>
#include <string.h>

#include "e2e.h"

static void run_client(struct e2e_run *run, struct e2e_args *args, const char *const *options,
                       const char *word)
{
    for (size_t i = 0; options[i] != NULL; i++) {
        e2e_arg(args, "%s", options[i]);
    }
    e2e_arg(args, "--size");
    e2e_arg(args, "1M");
    e2e_arg(args, "--");
    e2e_arg(args, "%s", E2E_ODD_CLIENT);
    e2e_arg(args, "%s", word);
    e2e_arg(args, "{run}");
    e2e_run(run, args->list);
}

static const char *claim(const struct e2e_run *run)
{
    json_t *operation = json_array_get(json_object_get(run->report, "operations"), 0);
    const char *says = json_string_value(json_object_get(operation, "client_says"));
    return says != NULL ? says : "nothing";
}

static void expect_silence(const char *const *options, const char *word, const char *says)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    run_client(&run, &args, options, word);
    if (run.status != 0 || e2e_finding_count(&run) != 0 || strcmp(claim(&run), says) != 0) {
        e2e_fail(&run, &args, "no finding expected, and a client that says %s", says);
    }
    e2e_free(&run);
}

static void test_they_stay_silent(void **unused)
{
    (void)unused;
    static const char *const words[] = {"closes-descriptors", "clears-environment", "cancels-threads",
                                        "little-stack",       "masks-threads",      "few-addresses"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        expect_silence((const char *const[]){"run", NULL}, words[i], "success");
    }
}

/* The first touch of the buffer is one that SIGSEGV tells of. */
static void test_a_touch_with_all_signals_blocked(void **unused)
{
    (void)unused;
    expect_silence((const char *const[]){"run", "--fault", "abort(at=touch)@Write#3", NULL}, "masks-threads",
                   "failure");
}

/* A client under a dialect starts a worker with an environment that it has cleaned. */
static void test_a_worker_under_a_dialect(void **unused)
{
    (void)unused;
    static const char *const words[] = {"run",          "--size",        "1M",   "--", "env", "-i",
                                        E2E_ODD_CLIENT, "knows-dialect", "{run}"};
    struct e2e_args args = {0};
    struct e2e_run run;
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
        e2e_arg(&args, "%s", words[i]);
    }
    setenv("VDI_DIALECT", "close-open:noerror", 1);
    e2e_run(&run, args.list);
    unsetenv("VDI_DIALECT");
    if (run.status != 0 || strcmp(claim(&run), "success") != 0) {
        e2e_fail(&run, &args, "a client that knows of the dialect expected");
    }
    e2e_free(&run);
}

/* A sweep gives the client a socket more, which it closes, and whose number it uses for a file of its own. */
static void test_a_closed_socket_of_the_fork_server(void **unused)
{
    (void)unused;
    struct e2e_args args = {0};
    struct e2e_run run;
    run_client(&run, &args,
               (const char *const[]){"sweep", "--only", "delay", "--jobs", "2", "--per-stack", "1", NULL},
               "closes-descriptors");
    if (run.status != 0 || e2e_finding_count(&run) != 0) {
        e2e_fail(&run, &args, "a sweep without findings expected");
    }
    e2e_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_they_stay_silent),
        cmocka_unit_test(test_a_touch_with_all_signals_blocked),
        cmocka_unit_test(test_a_worker_under_a_dialect),
        cmocka_unit_test(test_a_closed_socket_of_the_fork_server),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
