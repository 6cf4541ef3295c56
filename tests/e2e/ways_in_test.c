/* Ways from a client to its VDI library and its server that lead past PATH, LD_PRELOAD and LD_LIBRARY_PATH: those that
 * lead to us all the same, and those that are told. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "e2e.h"

#define CORRECT E2E_CLIENTS "/correct_c"
#define BACKUP  "backup", "--database", "sales", "--dir", "{run}"

enum {
    WORDS_MAX = 16
};

static void run_client(struct e2e_run *run, struct e2e_args *args, const char *const *words)
{
    static const char *const options[] = {"run", "--size", "1M", "--"};
    for (size_t i = 0; i < sizeof options / sizeof options[0]; i++) {
        e2e_arg(args, "%s", options[i]);
    }
    for (size_t i = 0; words[i] != NULL; i++) {
        e2e_arg(args, "%s", words[i]);
    }
    e2e_run(run, args->list);
}

static const char *outcome(const struct e2e_run *run)
{
    json_t *operation = json_array_get(json_object_get(run->report, "operations"), 0);
    const char *text = json_string_value(json_object_get(operation, "outcome"));
    return text != NULL ? text : "none";
}

/* ---- those that lead to us ---- */

static void test_ways_that_lead_to_us(void **unused)
{
    (void)unused;
    static const char *const clients[][WORDS_MAX] = {
        {CORRECT, BACKUP, "--sqlcmd", "/opt/mssql-tools18/bin/sqlcmd"},
        {CORRECT, BACKUP, "--sqlcmd", "/usr/bin/osql"},
        {CORRECT, BACKUP, "--sqlcmd", "osql"},
        {E2E_LATE_LIBRARY, "sales", "{run}/out.bak"},
        {"env", "LATE_LIBRARY=/opt/none/libsqlvdi.so", E2E_LATE_LIBRARY, "sales", "{run}/out.bak"},
        {"env", "-i", CORRECT, BACKUP},
        {"env", "-i", E2E_LATE_LIBRARY, "sales", "{run}/out.bak"},
        {"env", "-u", "LD_PRELOAD", "sh", "-c", "unset LD_LIBRARY_PATH; exec env -i " CORRECT " \"$@\"", "sh",
         BACKUP},
        {"env", "LD_PRELOAD=libm.so.6", CORRECT, BACKUP},
    };
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        struct e2e_args args = {0};
        struct e2e_run run;
        run_client(&run, &args, clients[i]);
        if (run.status != 0 || strcmp(outcome(&run), "success") != 0) {
            e2e_fail(&run, &args, "a backup that succeeds expected");
        }
        e2e_free(&run);
    }
}

/* ---- those that are told ---- */

static void expect_told(const char *const *words, const char *says)
{
    struct e2e_args args = {0};
    struct e2e_run run;
    run_client(&run, &args, words);
    json_t *note = json_array_get(json_object_get(run.report, "notes"), 0);
    const char *text = json_string_value(json_object_get(note, "text"));
    const char *error = strstr(run.output, "error: the client made no VDI call; ");
    if (run.status != 3 || text == NULL || strstr(text, says) == NULL || error == NULL ||
        strstr(error, says) == NULL) {
        e2e_fail(&run, &args, "exit status 3 and '%s' expected", says);
    }
    e2e_free(&run);
}

static void test_a_static_worker(void **unused)
{
    (void)unused;
    expect_told((const char *[]){"sh", "-c", E2E_STATIC_PROGRAM "; true", NULL},
                "'" E2E_STATIC_PROGRAM "', which the client starts, is a static program");
}

/* Only root can make what belongs to somebody else. */
static void test_a_worker_with_rights_of_its_own(void **unused)
{
    (void)unused;
    char folder[] = "/tmp/vdifault-ways-XXXXXX";
    char command[256], program[64];
    if (geteuid() != 0) {
        skip();
    }
    assert_non_null(mkdtemp(folder));
    snprintf(program, sizeof program, "%s/worker", folder);
    snprintf(command, sizeof command, "cp /bin/true %s && chown 65534 %s && chmod 4755 %s && chmod 755 %s",
             program, program, program, folder);
    assert_int_equal(system(command), 0);
    snprintf(command, sizeof command, "%s; true", program);
    expect_told((const char *[]){"sh", "-c", command, NULL}, "has rights of its own (set-user-ID");
    unlink(program);
    rmdir(folder);
}

/* A client that can be seen is not told about, and nor is what it starts beside. */
static void test_nothing_is_told_of_others(void **unused)
{
    (void)unused;
    struct e2e_args args = {0};
    struct e2e_run run;
    run_client(&run, &args,
               (const char *[]){"sh", "-c", "/bin/true; exec " CORRECT " \"$@\"", "sh", BACKUP, NULL});
    if (run.status != 0 || json_object_get(run.report, "notes") != NULL) {
        e2e_fail(&run, &args, "no note expected");
    }
    e2e_free(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ways_that_lead_to_us),
        cmocka_unit_test(test_a_static_worker),
        cmocka_unit_test(test_a_worker_with_rights_of_its_own),
        cmocka_unit_test(test_nothing_is_told_of_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
