/* `vdifault conform` on our own library in each dialect, on libraries that are wrong on purpose, and on files
 * that are none. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>
#include <jansson.h>

#include "model.h"

struct outcome {
    int status;
    json_t *report; /* NULL: none was written */
    char text[65536];
};

/* Whatever a library did, nothing of the run is left. */
static void check_nothing_is_left(pid_t pid)
{
    char prefix[32];
    snprintf(prefix, sizeof prefix, "vdifault-%d-", (int)pid);
    DIR *folder = opendir("/dev/shm");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
            fail_msg("left behind: %s", entry->d_name);
        }
    }
    closedir(folder);
}

/* Runs the command with standard output and error in `text`; arguments end with NULL. */
static void conform(struct outcome *outcome, const char *const *arguments)
{
    char json[] = "/tmp/conform-test-XXXXXX";
    const char *argv[16] = {"vdifault", "conform", "--json", json};
    int ends[2], status, count = 4;
    close(mkstemp(json));
    while (*arguments != NULL) {
        argv[count++] = *arguments++;
    }
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    if (pid == 0) {
        dup2(ends[1], 1);
        dup2(ends[1], 2);
        close(ends[0]);
        close(ends[1]);
        execv(COMMAND, (char *const *)argv);
        _exit(127);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], outcome->text + length, sizeof outcome->text - 1 - length)) > 0;) {
        length += (size_t)got;
    }
    outcome->text[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    outcome->status = WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
    outcome->report = json_load_file(json, 0, NULL);
    check_nothing_is_left(pid);
    unlink(json);
}

static const char *text_of(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));
    return text != NULL ? text : "";
}

/* How many cases are not ok; the last such one in *last. */
static size_t not_ok(json_t *report, json_t **last)
{
    size_t count = 0, i;
    json_t *one;
    json_array_foreach(json_object_get(report, "cases"), i, one)
    {
        if (strcmp(text_of(one, "verdict"), "ok") != 0) {
            count++;
            *last = one;
        }
    }
    return count;
}

static void check_dialect(enum model_dialect taken)
{
    struct outcome outcome;
    json_t *last = NULL;
    if (taken != MODEL_NO_DIALECT) {
        setenv("VDI_DIALECT", model_dialect_word(taken), 1);
    }
    conform(&outcome, (const char *const[]){LIBRARY, NULL});
    unsetenv("VDI_DIALECT");
    if (outcome.status != 0) {
        fail_msg("exit %d\n%s", outcome.status, outcome.text);
    }
    assert_int_equal(not_ok(outcome.report, &last), 0);
    for (enum model_dialect d = MODEL_NO_DIALECT + 1; d < MODEL_DIALECT_UNOFFERED; d++) {
        json_t *reading = json_array_get(json_object_get(outcome.report, "readings"), (size_t)d - 1);
        const char *word = d == taken ? model_dialect_word(d) : model_dialect_usual(d);
        assert_string_equal(text_of(reading, "reading"), word);
        assert_non_null(strstr(outcome.text, word));
    }
    json_decref(outcome.report);
}

static void test_our_library_takes_the_defaults(void **unused)
{
    (void)unused;
    check_dialect(MODEL_NO_DIALECT);
}

static void test_each_dialect_is_reported(void **unused)
{
    (void)unused;
    for (enum model_dialect d = MODEL_NO_DIALECT + 1; d < MODEL_DIALECT_UNOFFERED; d++) {
        check_dialect(d);
    }
}

static void check_wrong(const char *library, const char *function, const char *state, const char *verdict,
                        const char *got, int status)
{
    struct outcome outcome;
    json_t *wrong = NULL;
    conform(&outcome, (const char *const[]){"--timeout", "4", library, NULL});
    if (outcome.report == NULL || not_ok(outcome.report, &wrong) != 1) {
        fail_msg("expected one wrong case, exit %d:\n%s", outcome.status, outcome.text);
    }
    assert_string_equal(text_of(wrong, "function"), function);
    assert_string_equal(text_of(wrong, "state"), state);
    assert_string_equal(text_of(wrong, "verdict"), verdict);
    assert_non_null(strstr(text_of(wrong, "got"), got));
    assert_non_null(strstr(outcome.text, function));
    assert_int_equal(outcome.status, status);
    json_decref(outcome.report);
}

static void test_a_wrong_result_is_named(void **unused)
{
    (void)unused;
    check_wrong(WRONG_RESULT, "GetConfiguration", "Normally Terminated", "DIFFERS", "VD_E_PROTOCOL", 1);
}

static void test_a_crash_is_named(void **unused)
{
    (void)unused;
    check_wrong(WRONG_CRASH, "CompleteCommand", "Normally Terminated", "DIFFERS", "signal 6", 1);
}

/* The documents say nothing about this cell: it is reported, and nothing differs from them. */
static void test_a_hang_is_named(void **unused)
{
    (void)unused;
    check_wrong(WRONG_HANG, "MapBufferHandle", "Configurable", "open", "did not return in time", 0);
}

/* Cells of Abort cannot be reached: that is said of each, and why, and is no difference. */
static void test_what_cannot_be_reached_is_told(void **unused)
{
    (void)unused;
    struct outcome outcome;
    size_t i, unknown = 0;
    json_t *one;
    conform(&outcome, (const char *const[]){WRONG_ABORT, NULL});
    assert_int_equal(outcome.status, 1);
    json_array_foreach(json_object_get(outcome.report, "cases"), i, one)
    {
        const char *verdict = text_of(one, "verdict");
        if (strcmp(verdict, "DIFFERS") == 0) {
            assert_string_equal(text_of(one, "function"), "SignalAbort");
            assert_string_not_equal(text_of(one, "state"), "Abort");
        } else if (strcmp(verdict, "ok") != 0) {
            assert_string_equal(verdict, "not determined");
            assert_non_null(strstr(text_of(one, "got"), "SignalAbort gave VD_E_BUSY"));
            unknown++;
        } else {
            assert_string_not_equal(text_of(one, "state"), "Abort");
        }
    }
    assert_true(unknown > 11);
    json_decref(outcome.report);
}

/* Calls that no document covers may crash: not determined, and everything else fits. */
static void test_a_crash_beyond_the_documents_is_no_difference(void **unused)
{
    (void)unused;
    struct outcome outcome;
    json_t *last = NULL;
    conform(&outcome, (const char *const[]){WRONG_STALE, NULL});
    assert_int_equal(outcome.status, 0);
    assert_int_equal(not_ok(outcome.report, &last), 3); /* Does Not Exist, Configurable, Initializing */
    assert_string_equal(text_of(last, "verdict"), "not determined");
    assert_string_equal(text_of(last, "function"), "GetCommand");
    assert_non_null(strstr(text_of(last, "got"), "no document covers"));
    json_decref(outcome.report);
}

static void check_refused(const char *const *arguments, int status, const char *message)
{
    struct outcome outcome;
    conform(&outcome, arguments);
    assert_null(outcome.report);
    if (outcome.status != status || strstr(outcome.text, message) == NULL) {
        fail_msg("exit %d, expected %d and '%s':\n%s", outcome.status, status, message, outcome.text);
    }
}

static void test_what_is_no_library_is_refused(void **unused)
{
    (void)unused;
    check_refused((const char *const[]){"/no/such/libsqlvdi.so", NULL}, 3, "No such file");
    check_refused((const char *const[]){"/etc/passwd", NULL}, 3, "/etc/passwd");
    check_refused((const char *const[]){NO_VDI_LIBRARY, NULL}, 3, "no VDI library: it does not export");
    check_refused((const char *const[]){NULL}, 2, "expected one library");
    check_refused((const char *const[]){LIBRARY, "other", NULL}, 2, "other");
    check_refused((const char *const[]){"--timeout", "soon", LIBRARY, NULL}, 2, "soon");
    setenv("VDI_DIALECT", "close-open:maybe", 1);
    check_refused((const char *const[]){LIBRARY, NULL}, 2, "close-open:maybe");
    unsetenv("VDI_DIALECT");
}

static void test_a_server_that_fails_is_told(void **unused)
{
    (void)unused;
    check_refused(
        (const char *const[]){"--timeout", "2", "--sqlcmd", "echo login failed; false", LIBRARY, NULL}, 3,
        "ordinary backup");
}

static void test_a_sqlcmd_of_ones_own(void **unused)
{
    (void)unused;
    struct outcome outcome;
    json_t *last = NULL;
    conform(&outcome, (const char *const[]){"--sqlcmd", "exec '" STAND_IN "' -W", LIBRARY, NULL});
    assert_int_equal(outcome.status, 0);
    assert_int_equal(not_ok(outcome.report, &last), 0);
    json_decref(outcome.report);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_our_library_takes_the_defaults),
        cmocka_unit_test(test_each_dialect_is_reported),
        cmocka_unit_test(test_a_wrong_result_is_named),
        cmocka_unit_test(test_a_crash_is_named),
        cmocka_unit_test(test_a_hang_is_named),
        cmocka_unit_test(test_what_is_no_library_is_refused),
        cmocka_unit_test(test_what_cannot_be_reached_is_told),
        cmocka_unit_test(test_a_crash_beyond_the_documents_is_no_difference),
        cmocka_unit_test(test_a_server_that_fails_is_told),
        cmocka_unit_test(test_a_sqlcmd_of_ones_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
