/* {run}, quoting, seconds, --sql expansion, environments. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "environment.h"
#include "sql.h"
#include "text.h"

static void takes(char *got, const char *expected)
{
    assert_non_null(got);
    assert_string_equal(got, expected);
    free(got);
}

static void run_expands_everywhere(void **state)
{
    (void)state;
    takes(text_expand_run("{run}/a:{run}", "/tmp/x"), "/tmp/x/a:/tmp/x");
    takes(text_expand_run("{ru}{runn}", "/tmp/x"), "{ru}{runn}");
    takes(text_expand_run("", "/tmp/x"), "");
    takes(text_expand_run("{{run}}", "/tmp/x"), "{/tmp/x}");
    struct rundir with = {.path = "/tmp/r", .tds = "127.0.0.1:4000"};
    takes(rundir_expand(&with, "{tds}|{tds-port}|{run}|{tds-}"), "127.0.0.1:4000|4000|/tmp/r/client|{tds-}");
    with.tds[0] = '\0';
    takes(rundir_expand(&with, "{tds}|{tds-port}"), "{tds}|{tds-port}");
}

static void command_lines_read_back(void **state)
{
    (void)state;
    char *argv[] = {(char *)"vdifault",   (char *)"run", (char *)"--sql",
                    (char *)"it's $HOME", (char *)"",    (char *)"abort@Write#3:1"};
    takes(text_command_line(6, argv), "vdifault run --sql 'it'\\''s $HOME' '' 'abort@Write#3:1'");
}

static void passwords_do_not_show(void **state)
{
    (void)state;
    char *argv[] = {(char *)"client", (char *)"-P", (char *)"secret1", (char *)"WITH PASSWORD = 'secret2'"};
    char *line = text_command_line(4, argv);
    assert_non_null(line);
    assert_null(strstr(line, "secret"));
    free(line);
}

static void seconds(void **state)
{
    (void)state;
    int64_t ms = 0;
    assert_int_equal(text_seconds("30", &ms), 0);
    assert_int_equal(ms, 30000);
    assert_int_equal(text_seconds("0.25", &ms), 0);
    assert_int_equal(ms, 250);
    const char *const bad[] = {"", "0", "-1", "1s", "inf", "nan", "0x10", "1e3", " 1", "1000001", "."};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(text_seconds(bad[i], &ms), -1);
    }
}

static void statements_name_the_devices(void **state)
{
    (void)state;
    takes(sql_expand("BACKUP DATABASE d TO %DEVICES:%s-%d% WITH STATS", "s", 3),
          "BACKUP DATABASE d TO VIRTUAL_DEVICE='s', VIRTUAL_DEVICE='s-1', VIRTUAL_DEVICE='s-2' WITH STATS");
    takes(sql_expand("TO VIRTUAL_DEVICE='%SET%'", "o'k", 1), "TO VIRTUAL_DEVICE='o''k'");
    takes(sql_expand("%DEVICES:x%", "s", 2), "VIRTUAL_DEVICE='s', VIRTUAL_DEVICE='x'");
    takes(sql_expand("%DEVICES:a%%b%d% LIKE '50%'", "s", 2),
          "VIRTUAL_DEVICE='s', VIRTUAL_DEVICE='a%b1' LIKE '50%'");
    takes(sql_expand("100% %set%", "s", 2), "100% %set%");
    errno = 0;
    assert_null(sql_expand("%DEVICES:%s", "s", 2)); /* no end */
    assert_int_equal(errno, EINVAL);
}

static const struct parts parts = {
    .library_folder = "/p/lib",
    .interposer = "/p/lib/libvdifault.so",
    .files = "/p/lib/libvdifault-sys.so",
    .vdi_library = "/p/lib/libsqlvdi.so",
    .stand_in = "/p/libexec/vdifault/sqlcmd",
};
static const struct rundir dir = {.path = "/tmp/r", .token = "12-34"};

static const char *value_of(char **environment, const char *name)
{
    size_t length = strlen(name);
    for (size_t i = 0; environment[i] != NULL; i++) {
        if (strncmp(environment[i], name, length) == 0 && environment[i][length] == '=') {
            return environment[i] + length + 1;
        }
    }
    return "(unset)";
}

static const struct environment_choice finds_none = {0};
static const struct environment_choice finds_its_own = {.library = "/v/lib/libsqlvdi.so"};

static void client_environment(void **state)
{
    (void)state;
    char *base[] = {(char *)"PATH=/bin",         (char *)"LD_PRELOAD=/x.so",   (char *)"OUT={run}/o",
                    (char *)"VDIFAULT_ROLE=old", (char *)"LD_LIBRARY_PATH=/y", NULL};
    char **made = environment_make(ENVIRONMENT_CLIENT, &dir, &parts, &finds_none, base);
    assert_non_null(made);
    assert_string_equal(value_of(made, "PATH"), "/tmp/r/bin:/bin");
    assert_string_equal(value_of(made, "LD_PRELOAD"),
                        "/p/lib/libvdifault.so:/p/lib/libvdifault-sys.so:/x.so");
    assert_string_equal(value_of(made, "LD_LIBRARY_PATH"), "/y:/p/lib");
    assert_string_equal(value_of(made, "OUT"), "/tmp/r/client/o");
    assert_string_equal(value_of(made, "TMPDIR"), "/tmp/r/tmp");
    assert_string_equal(value_of(made, "VDI_NAMESPACE"), "12-34");
    assert_string_equal(value_of(made, "VDIFAULT_ROLE"), "(unset)");
    assert_string_equal(value_of(made, "VDIFAULT_SQLCMD"), "/p/libexec/vdifault/sqlcmd");
    assert_string_equal(value_of(made, "VDIFAULT_LIBRARY"), "/p/lib/libsqlvdi.so");
    environment_free(made);
}

static void guard_is_asked_for(void **state)
{
    (void)state;
    const struct environment_choice choice = {.guard = "copy"};
    char *base[] = {(char *)"VDIFAULT_GUARD=off", (char *)"VDIFAULT_ON_FINDING=stop", NULL};
    char **made = environment_make(ENVIRONMENT_VERIFY, &dir, &parts, &choice, base);
    assert_string_equal(value_of(made, "VDIFAULT_GUARD"), "copy");
    assert_string_equal(value_of(made, "VDIFAULT_ON_FINDING"), "stop");
    environment_free(made);
}

/* Where nobody asked for counters, none of many runs leaves them where others do; what the user says is done. */
static void counters_go_with_the_run(void **state)
{
    (void)state;
    const struct environment_choice discard = {.discard_counters = true};
    const struct environment_choice profiled = {.discard_counters = true, .is_profiled = true};
    const struct environment_choice counted = {.discard_counters = true, .coverage = true};
    char *own[] = {(char *)"GCOV_PREFIX=/own/{run}", NULL};
    char *none[] = {NULL};
    char **made = environment_make(ENVIRONMENT_CLIENT, &dir, &parts, &discard, none);
    assert_string_equal(value_of(made, "GCOV_PREFIX"), "/tmp/r/counters");
    assert_string_equal(value_of(made, "LLVM_PROFILE_FILE"), "(unset)"); /* the fork server would refuse */
    environment_free(made);
    made = environment_make(ENVIRONMENT_CLIENT, &dir, &parts, &profiled, none);
    assert_string_equal(value_of(made, "LLVM_PROFILE_FILE"), "/tmp/r/counters/%p.profraw");
    environment_free(made);
    made = environment_make(ENVIRONMENT_HELPER, &dir, &parts, &discard, own);
    assert_string_equal(value_of(made, "GCOV_PREFIX"), "/own//tmp/r/client");
    environment_free(made);
    made = environment_make(ENVIRONMENT_CLIENT, &dir, &parts, &finds_its_own, none);
    assert_string_equal(value_of(made, "GCOV_PREFIX"), "(unset)");
    environment_free(made);
    made = environment_make(ENVIRONMENT_CLIENT, &dir, &parts, &counted, own);
    assert_string_equal(value_of(made, "GCOV_PREFIX"), "/tmp/r/coverage/gcov");
    environment_free(made);
}

static void library_path_stays_when_the_client_finds_its_own(void **state)
{
    (void)state;
    char *base[] = {(char *)"LD_LIBRARY_PATH=/y", NULL};
    char **made = environment_make(ENVIRONMENT_CLIENT, &dir, &parts, &finds_its_own, base);
    assert_string_equal(value_of(made, "LD_LIBRARY_PATH"), "/y");
    environment_free(made);
}

static void other_environments_differ(void **state)
{
    (void)state;
    char *base[] = {(char *)"LD_PRELOAD=/x.so", NULL};
    char **sql = environment_make(ENVIRONMENT_SQL, &dir, &parts, &finds_none, base);
    assert_string_equal(value_of(sql, "LD_PRELOAD"), "(unset)");
    assert_string_equal(value_of(sql, "VDIFAULT_ROLE"), "sql");
    assert_string_equal(value_of(sql, "VDIFAULT_PLAN"), "/tmp/r/plan");
    environment_free(sql);
    char **verify = environment_make(ENVIRONMENT_VERIFY, &dir, &parts, &finds_none, base);
    assert_string_equal(value_of(verify, "VDIFAULT_PLAN"), "/tmp/r/plan-verify");
    assert_string_equal(value_of(verify, "VDIFAULT_ROLE"), "verify");
    environment_free(verify);
    char **helper = environment_make(ENVIRONMENT_HELPER, &dir, &parts, &finds_none, base);
    assert_string_equal(value_of(helper, "LD_PRELOAD"), "/x.so");
    /* Its sets are neither the client's nor another run's. */
    assert_string_equal(value_of(helper, "VDI_NAMESPACE"), "12-34-helper");
    environment_free(helper);
}

static void sanitizer_options_respect_the_users(void **state)
{
    (void)state;
    char *base[] = {(char *)"ASAN_OPTIONS=detect_leaks=0", (char *)"UBSAN_OPTIONS=log_path=/mine", NULL};
    char **made = environment_make(ENVIRONMENT_CLIENT, &dir, &parts, &finds_its_own, base);
    assert_string_equal(value_of(made, "ASAN_OPTIONS"),
                        "detect_leaks=0:verify_asan_link_order=0:log_path=/tmp/r/sanitizer/report");
    assert_string_equal(value_of(made, "UBSAN_OPTIONS"), "log_path=/mine");
    environment_free(made);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(run_expands_everywhere),
        cmocka_unit_test(command_lines_read_back),
        cmocka_unit_test(passwords_do_not_show),
        cmocka_unit_test(seconds),
        cmocka_unit_test(statements_name_the_devices),
        cmocka_unit_test(client_environment),
        cmocka_unit_test(guard_is_asked_for),
        cmocka_unit_test(counters_go_with_the_run),
        cmocka_unit_test(library_path_stays_when_the_client_finds_its_own),
        cmocka_unit_test(other_environments_differ),
        cmocka_unit_test(sanitizer_options_respect_the_users),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
