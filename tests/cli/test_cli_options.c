/* The option table, the options of run, the verbs that exist and those that do not (design 4.3). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "cli.h"
#include "event.h"
#include "run_options.h"
#include "verbs.h"

enum {
    ARGUMENTS_MAX = 32
};

/* Reads a blank-separated list of options; stderr is caught in `said`. */
static char said[4096];

static int with_stderr(int (*act)(void *), void *context)
{
    FILE *caught = tmpfile();
    assert_non_null(caught);
    fflush(stderr);
    int kept = dup(STDERR_FILENO);
    assert_true(kept >= 0);
    assert_true(dup2(fileno(caught), STDERR_FILENO) >= 0);
    int result = act(context);
    fflush(stderr);
    assert_true(dup2(kept, STDERR_FILENO) >= 0);
    close(kept);
    rewind(caught);
    said[fread(said, 1, sizeof said - 1, caught)] = '\0';
    fclose(caught);
    return result;
}

struct reading {
    struct run_options options;
    char *argv[ARGUMENTS_MAX];
    int argc;
    int first;
};

static int read_now(void *context)
{
    struct reading *reading = context;
    run_options_init(&reading->options, "run");
    return option_read("run", run_option_rows, NULL, reading->argc, reading->argv, &reading->options,
                       &reading->first);
}

static struct reading reading;

static int read_options(const char *const *arguments)
{
    reading = (struct reading){.argv = {(char *)"run"}, .argc = 1};
    for (; *arguments != NULL; arguments++) {
        reading.argv[reading.argc++] = (char *)*arguments;
    }
    return with_stderr(read_now, &reading);
}

#define READ(...) read_options((const char *const[]){__VA_ARGS__, NULL})

static void reads_what_a_run_needs(void **state)
{
    (void)state;
    assert_int_equal(READ("--fault", "lost-close", "--fault=abort@Write#3:1", "--seed", "7", "--size", "2M",
                          "--timeout", "1.5", "--patience=2", "--fail-on", "warning", "--stdin", "hold", "--",
                          "client", "--fault", "its-own"),
                     OPTION_OK);
    assert_int_equal(reading.options.plan.fault_count, 2);
    assert_int_equal(reading.options.plan.faults[0].kind, FAULT_LOST_CLOSE);
    assert_int_equal(reading.options.plan.faults[1].site.nth, 3);
    assert_int_equal(reading.options.plan.seed, 7);
    assert_int_equal(reading.options.plan.size, 2 << 20);
    assert_int_equal(reading.options.timeout_ms, 1500);
    assert_int_equal(reading.options.patience_ms, 2000);
    assert_int_equal(reading.options.fail_on, SEVERITY_WARNING);
    assert_int_equal(reading.options.input, STDIN_HOLD);
    assert_string_equal(reading.argv[reading.first], "client");
}

static void stops_at_the_client_without_dashes(void **state)
{
    (void)state;
    assert_int_equal(READ("--keep", "client", "--seed", "x"), OPTION_OK);
    assert_true(reading.options.keep);
    assert_string_equal(reading.argv[reading.first], "client");
}

static void defaults_are_those_of_the_manual(void **state)
{
    (void)state;
    assert_int_equal(READ("--", "client"), OPTION_OK);
    assert_int_equal(reading.options.timeout_ms, 60000);
    assert_int_equal(reading.options.patience_ms, 30000);
    assert_int_equal(reading.options.fail_on, SEVERITY_ERROR);
    assert_int_equal(reading.options.input, STDIN_INHERIT);
    assert_int_equal(reading.options.plan.seed, PLAN_DEFAULT_SEED);
}

static void ignores_what_it_is_given(void **state)
{
    (void)state;
    assert_int_equal(READ("--ignore", "vdi-close-001@close_set", "--ignore", "VDI-OUT-004"), OPTION_OK);
    assert_int_equal(reading.options.suppressions->count, 2);
    assert_string_equal(reading.options.suppressions->list[0].where, "close_set");
    assert_null(reading.options.suppressions->list[1].where);
    run_options_free(&reading.options);
}

static void refuses_with_the_bad_word_in_the_message(void **state)
{
    (void)state;
    const struct {
        const char *arguments[3];
        const char *message;
    } rows[] = {
        {{"--fault", "lost-cloze"}, "lost-close"},
        {{"--fault", "abort@Write#0"}, "abort@Write#0"},
        {{"--fault", "lost-close\nserver seed 2"}, "lost-close"},
        {{"--falt", "lost-close"}, "did you mean 'fault'"},
        {{"--timeout"}, "needs SEC"},
        {{"--timeout", "0"}, "--timeout '0'"},
        {{"--timeout", "nan"}, "--timeout 'nan'"},
        {{"--patience", "-3"}, "--patience '-3'"},
        {{"--fail-on", "eror"}, "did you mean 'error'"},
        {{"--stdin", "tty"}, "inherit, null, hold"},
        {{"--on-finding", "stopp"}, "did you mean 'stop'"},
        {{"--guard", "page"}, "auto, off, pages, copy: did you mean 'pages'"},
        {{"--hostile"}, "not available in this version"},
        {{"--ignore", "VDI-CLOSE-00"}, "did you mean 'VDI-CLOSE-001'"},
        {{"--ignore", "VDI-CLOSE-001@"}, "expected a function"},
        {{"--suppressions", "/nonexistent/known"}, "/nonexistent/known"},
        {{"--sql", "BACKUP %DEVICES:%s"}, "%DEVICES:FORMAT%"},
        {{"--plan", "/nonexistent/plan"}, "/nonexistent/plan"},
        {{"--size", "12Q"}, "12Q"},
        {{"--keep=yes"}, "--keep=yes' takes no value"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(read_options(rows[i].arguments), OPTION_ERROR);
        if (strstr(said, rows[i].message) == NULL) {
            fail_msg("'%s' does not name '%s'", said, rows[i].message);
        }
        run_options_free(&reading.options);
    }
}

static int call_main(void *context)
{
    char **argv = context;
    int argc = 0;
    while (argv[argc] != NULL) {
        argc++;
    }
    return vdifault_main(argc, argv);
}

static void verbs_that_there_are_not_are_refused(void **state)
{
    (void)state;
    char *typo[] = {(char *)"vdifault", (char *)"explian", NULL};
    char *nothing[] = {(char *)"vdifault", (char *)"run", (char *)"--seed", (char *)"1", NULL};
    assert_int_equal(with_stderr(call_main, typo), CLI_USAGE);
    assert_non_null(strstr(said, "did you mean 'explain'"));
    assert_int_equal(with_stderr(call_main, nothing), CLI_USAGE);
    assert_non_null(strstr(said, "no client given"));
}

static void what_minimize_and_sweep_cannot_do_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *words[8];
        const char *says;
    } cases[] = {
        {{"vdifault", "minimize"}, "no plan given"},
        {{"vdifault", "minimize", "some.plan", "--"}, "no client given"},
        {{"vdifault", "minimize", "--rule", "VDI-OUT-1", "some.plan", "--", "true"}, "--rule 'VDI-OUT-1'"},
        {{"vdifault", "minimize", "--fault", "lost-close", "some.plan", "--", "true"}, "in the PLAN"},
        {{"vdifault", "minimize", "--within", "0", "some.plan", "--", "true"}, "seconds above 0"},
        {{"vdifault", "minimize", "/nonexistent/plan", "--", "true"}, "plan '/nonexistent/plan'"},
        {{"vdifault", "sweep", "--plans", "/nonexistent/folder", "--", "true"}, "cannot make the folder"},
        {{"vdifault", "sweep", "--plans", "/tmp", "--no-minimize", "--", "true"}, "without --no-minimize"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_int_equal(with_stderr(call_main, (void *)cases[i].words), CLI_USAGE);
        if (strstr(said, cases[i].says) == NULL) {
            fail_msg("expected '%s' in: %s", cases[i].says, said);
        }
    }
}

static void help_lists_only_what_works(void **state)
{
    (void)state;
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    assert_non_null(out);
    option_help(out, run_option_rows, NULL);
    assert_int_equal(fclose(out), 0);
    assert_non_null(strstr(text, "--sql-result FILE"));
    assert_non_null(strstr(text, "--guard MODE"));
    assert_non_null(strstr(text, "--sarif FILE"));
    assert_null(strstr(text, "--hostile"));
    for (const char *line = text; *line != '\0'; line += strcspn(line, "\n") + 1) {
        assert_true(strcspn(line, "\n") <= 100); /* no terminal: a page's width */
        assert_true(strncmp(line, "  --", 4) == 0 || strspn(line, " ") == 29);
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_what_a_run_needs),
        cmocka_unit_test(stops_at_the_client_without_dashes),
        cmocka_unit_test(defaults_are_those_of_the_manual),
        cmocka_unit_test(ignores_what_it_is_given),
        cmocka_unit_test(refuses_with_the_bad_word_in_the_message),
        cmocka_unit_test(verbs_that_there_are_not_are_refused),
        cmocka_unit_test(what_minimize_and_sweep_cannot_do_is_refused),
        cmocka_unit_test(help_lists_only_what_works),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
