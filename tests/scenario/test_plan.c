/* test_plan.c - plans: parser, printer, sizes, loading by environment. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "plan.h"

static void parses_every_item(void **state)
{
    (void)state;
    static const char text[] =
        "# a comment\n"
        "\n"
        "fault lost-close\n"
        "  fault abort(by=client)@Write#3:1\r\n"
        "server seed 42\n"
        "server size 3M\n"
        "server database Sales=/var/data/sales db=1.bin\n"
        "server database hr=hr.bin\n"
        "server clear-error never\n"
        "server late-buffers yes\n"
        "server complete no\n"
        "server backed-up no";
    struct plan plan;
    struct fault_error error;
    uint32_t line = 0;
    plan_init(&plan);
    if (plan_parse(text, strlen(text), &plan, &error, &line) != 0) {
        fail_msg("line %u: %s", line, error.message);
    }
    assert_int_equal(plan.fault_count, 2);
    assert_int_equal(plan.faults[1].site.device, 1);
    assert_int_equal(plan.seed, 42);
    assert_int_equal(plan.size, 3 << 20);
    assert_int_equal(plan.database_count, 2);
    assert_string_equal(plan.databases[0].name, "Sales");
    assert_string_equal(plan.databases[0].path, "/var/data/sales db=1.bin");
    assert_int_equal(plan.clear_error, PLAN_NO);
    assert_int_equal(plan.late_buffers, PLAN_YES);
    assert_int_equal(plan.complete, PLAN_NO);
    assert_int_equal(plan.backed_up, PLAN_NO);

    char printed[1024], again[1024];
    struct plan copy;
    assert_true(plan_format(&plan, printed, sizeof(printed)) < (int)sizeof(printed));
    plan_init(&copy);
    assert_int_equal(plan_parse(printed, strlen(printed), &copy, &error, &line), 0);
    plan_format(&copy, again, sizeof(again));
    assert_string_equal(printed, again);
    assert_non_null(
        strstr(printed, "server clear-error never\nserver late-buffers yes\nserver complete no\n"));
}

static const struct {
    const char *text;
    uint32_t line;
    size_t offset;
    const char *message;
} bad[] = {
    {"falt lost-close", 1, 0,
     "unknown plan item 'falt': did you mean 'fault'? (expected 'fault', 'server' or 'probe')"},
    {"\n  fault erly-close", 2, 8,
     "unknown fault kind 'erly-close': did you mean 'early-close'? (vdifault faults lists them)"},
    {"server sead 1", 1, 7,
     "unknown server setting 'sead': did you mean 'seed'? (expected 'seed', 'size', 'database', "
     "'clear-error', "
     "'late-buffers', 'complete', 'backed-up', 'profile' or 'recorded')"},
    {"server", 1, 6,
     "unknown server setting '' (expected 'seed', 'size', 'database', 'clear-error', 'late-buffers', "
     "'complete', 'backed-up', 'profile' or 'recorded')"},
    {"server clear-error yes", 1, 19, "bad clear-error 'yes': expected 'always' or 'never'"},
    {"server clear-error", 1, 18, "bad clear-error '': expected 'always' or 'never'"},
    {"server complete maybe", 1, 16, "bad complete 'maybe': expected 'yes' or 'no'"},
    {"server late-buffers 2", 1, 20, "bad late-buffers '2': expected 'yes' or 'no'"},
    {"server seed -1", 1, 12, "bad seed '-1': expected a number"},
    {"server seed 99999999999999999999", 1, 12, "bad seed '99999999999999999999': expected a number"},
    {"server size 1T", 1, 12, "bad size '1T': expected bytes, such as 1048576, 64K, 8M or 1G"},
    {"server size 0", 1, 12, "bad size '0': expected bytes, such as 1048576, 64K, 8M or 1G"},
    {"server database =x", 1, 16, "bad database '=x': expected NAME=FILE"},
    {"server database x=", 1, 16, "bad database 'x=': expected NAME=FILE"},
    {"server database x", 1, 16, "bad database 'x': expected NAME=FILE"},
    {"server database a=1\nserver database A=2", 2, 16, "database 'A' is given twice"},
    {"server seed 1x", 1, 12, "bad seed '1x': expected a number"},
};

static void refuses_with_reason(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        struct plan plan;
        struct fault_error error;
        uint32_t line = 0;
        plan_init(&plan);
        assert_int_equal(plan_parse(bad[i].text, strlen(bad[i].text), &plan, &error, &line), EINVAL);
        assert_string_equal(error.message, bad[i].message);
        assert_int_equal(line, bad[i].line);
        assert_int_equal(error.offset, bad[i].offset);
    }
}

static void limits(void **state)
{
    (void)state;
    struct plan plan;
    struct fault_error error;
    plan_init(&plan);
    for (int i = 0; i < PLAN_FAULTS_MAX; i++) {
        assert_int_equal(plan_parse_line("fault lost-close", &plan, &error), 0);
    }
    assert_int_equal(plan_parse_line("fault lost-close", &plan, &error), EINVAL);
    assert_string_equal(error.message, "too many faults: expected at most 64");
    assert_int_equal(plan_parse_line("fault lost-close\nfault lost-close", &plan, &error), EINVAL);

    plan_init(&plan);
    assert_int_equal(plan_parse_line("fault abort@Write#next", &plan, &error), EINVAL);
    assert_string_equal(error.message, "'#next' needs a fault before it, which must fire first");
    assert_int_equal(plan_parse_line("fault timeout@GetCommand", &plan, &error), 0);
    assert_int_equal(plan_parse_line("fault abort@Write#next", &plan, &error), 0);

    char name[PLAN_NAME_MAX + 40];
    memset(name, 'n', sizeof(name));
    memcpy(name, "server database ", 16);
    memcpy(name + sizeof(name) - 3, "=f", 3);
    assert_int_equal(plan_parse_line(name, &plan, &error), EINVAL);
    assert_non_null(strstr(error.message, "is too long"));
}

static void too_many_databases_and_too_long_files(void **state)
{
    (void)state;
    struct plan plan;
    struct fault_error error;
    char line[PLAN_PATH_MAX + 40];
    plan_init(&plan);
    for (int i = 0; i < PLAN_DATABASES_MAX; i++) {
        snprintf(line, sizeof(line), "server database d%d=f", i);
        assert_int_equal(plan_parse_line(line, &plan, &error), 0);
    }
    assert_int_equal(plan_parse_line("server database more=f", &plan, &error), EINVAL);
    assert_non_null(strstr(error.message, "too many databases"));
    plan_init(&plan);
    int length = snprintf(line, sizeof(line), "server database d=");
    memset(line + length, 'f', PLAN_PATH_MAX);
    line[length + PLAN_PATH_MAX] = '\0';
    assert_int_equal(plan_parse_line(line, &plan, &error), EINVAL);
    assert_non_null(strstr(error.message, "is too long"));
    assert_int_equal(plan.database_count, 0);
}

static void a_nul_byte_is_no_text(void **state)
{
    (void)state;
    static const char text[] = "probe yes\nprobe\0no\n";
    struct plan plan;
    struct fault_error error;
    uint32_t line = 0;
    plan_init(&plan);
    assert_int_equal(plan_parse(text, sizeof(text) - 1, &plan, &error, &line), EINVAL);
    assert_int_equal(line, 2);
    assert_string_equal(error.message, "a NUL byte in the line: expected text");
}

/* A comment may hold a command of any length, an item is short. */
static void only_comments_are_long(void **state)
{
    (void)state;
    struct plan plan;
    struct fault_error error;
    char line[4096];
    plan_init(&plan);
    memset(line, 'x', sizeof(line));
    line[sizeof(line) - 1] = '\0';
    memcpy(line, " \t# ", 4);
    assert_int_equal(plan_parse_line(line, &plan, &error), 0);
    memcpy(line, "fault", 5);
    assert_int_equal(plan_parse_line(line, &plan, &error), EINVAL);
    assert_string_equal(error.message, "line too long: expected at most 1023 bytes");
}

static void sizes(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t bytes; /* 0: refused */
    } table[] = {
        {"1", 1},  {"64k", 64 << 10}, {"2M", 2 << 20}, {"1G", 1ull << 30},  {"", 0}, {"K", 0}, {"1KB", 0},
        {"-1", 0}, {" 1", 0},         {"1.5M", 0},     {"99999999999G", 0},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        uint64_t bytes = 0;
        int status = plan_parse_size(table[i].text, &bytes);
        assert_int_equal(status, table[i].bytes == 0 ? EINVAL : 0);
        assert_int_equal(bytes, table[i].bytes);
    }
}

/* plan_load answers once per process: each case needs one of its own. */
static int load_in_child(const char *path, int expected, uint32_t faults)
{
    pid_t child = fork();
    if (child == 0) {
        struct plan plan;
        struct fault_error error;
        uint32_t line = 0;
        if (path != NULL) {
            setenv("VDIFAULT_PLAN", path, 1);
        } else {
            unsetenv("VDIFAULT_PLAN");
        }
        int status = plan_load(&plan, &error, &line);
        _exit(status == expected && plan.fault_count == faults && (status == 0 || error.message[0] != '\0')
                  ? 0
                  : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    return status;
}

static void loads_by_environment(void **state)
{
    (void)state;
    char path[] = "/tmp/vdifault-plan-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    assert_int_equal(load_in_child(path, 0, 0), 0); /* empty */
    assert_int_equal(write(file, "fault lost-close\n", 17), 17);
    assert_int_equal(load_in_child(path, 0, 1), 0);
    assert_int_equal(write(file, "nonsense\n", 9), 9);
    assert_int_equal(load_in_child(path, EINVAL, 1), 0);
    unlink(path);
    close(file);
    assert_int_equal(load_in_child(path, ENOENT, 0), 0);
    assert_int_equal(load_in_child(NULL, 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parses_every_item),
        cmocka_unit_test(refuses_with_reason),
        cmocka_unit_test(limits),
        cmocka_unit_test(too_many_databases_and_too_long_files),
        cmocka_unit_test(a_nul_byte_is_no_text),
        cmocka_unit_test(only_comments_are_long),
        cmocka_unit_test(sizes),
        cmocka_unit_test(loads_by_environment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
