/* `vdifault unit`: what it prints is a drop-in that systemd takes, and its environment wraps a client. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "e2e.h"

enum {
    TEXT_MAX = 1 << 16
};

static int shell(char text[TEXT_MAX], const char *format, ...) __attribute__((format(printf, 2, 3)));
static int shell(char text[TEXT_MAX], const char *format, ...)
{
    char command[4096];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(command, sizeof command, format, arguments);
    va_end(arguments);
    FILE *out = popen(command, "re");
    assert_non_null(out);
    text[fread(text, 1, TEXT_MAX - 1, out)] = '\0';
    int status = pclose(out);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void assert_has(const char *text, const char *words)
{
    if (strstr(text, words) == NULL) {
        fail_msg("expected '%s' in:\n%s", words, text);
    }
}

static void names_and_paths_are_checked(void **state)
{
    static const struct {
        const char *arguments, *said;
    } wrong[] = {
        {"", "unit: expected one NAME of a service, got 0"},
        {"a/b", "'a/b' is no name of a service"},
        {".service", "'.service' is no name of a service"},
        {"--plan here.plan a", "--plan 'here.plan': expected an absolute path"},
    };
    static char text[TEXT_MAX];
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(shell(text, "%s unit %s 2>&1", E2E_VDIFAULT, wrong[i].arguments), 2);
        assert_has(text, wrong[i].said);
    }
}

static void the_text_is_a_drop_in(void **state)
{
    static char text[TEXT_MAX];
    (void)state;
    assert_int_equal(shell(text, "%s unit --plan '/a \"%%b' agent.service", E2E_VDIFAULT), 0);
    assert_has(text, "# /etc/systemd/system/agent.service.d/vdifault.conf\n");
    assert_has(text, "\n[Service]\nStateDirectory=vdifault/agent\nEnvironment=\"LD_PRELOAD=/");
    assert_has(text, "Environment=\"VDIFAULT_TRACE=/var/lib/vdifault/agent\"\n");
    assert_has(text, "Environment=\"VDIFAULT_PLAN=/a \\\"%%b\"\n");
    assert_has(text, "Environment=\"PATH=/");
    assert_int_equal(shell(text, "%s unit --real-server agent", E2E_VDIFAULT), 0);
    assert_null(strstr(text, "PATH=/"));
    assert_has(text, "/libvdifault.so:/");
}

static void systemd_takes_it(void **state)
{
    static char text[TEXT_MAX];
    char folder[] = "/tmp/vdifault-unit-XXXXXX";
    (void)state;
    if (shell(text, "command -v systemd-analyze") != 0) {
        print_message("not tested here: there is no systemd-analyze\n");
        return;
    }
    assert_non_null(mkdtemp(folder));
    int status =
        shell(text,
              "mkdir %s/agent.service.d && printf '[Service]\\nExecStart=/bin/true\\n' >%s/agent.service && "
              "%s unit agent >%s/agent.service.d/vdifault.conf && "
              "SYSTEMD_UNIT_PATH=%s: systemd-analyze verify --man=no %s/agent.service 2>&1",
              folder, folder, E2E_VDIFAULT, folder, folder, folder);
    if (status != 0 || strstr(text, "vdifault.conf") != NULL) {
        fail_msg("exit status %d:\n%s", status, text);
    }
    (void)shell(text, "rm -r %s", folder);
}

static void its_environment_wraps_a_client(void **state)
{
    static char text[TEXT_MAX];
    char folder[] = "/tmp/vdifault-unit-XXXXXX";
    (void)state;
    assert_non_null(mkdtemp(folder));
    int status = shell(text,
                       "cd %s && echo 'fault abort@Write#2' >plan && %s unit --plan %s/plan agent | "
                       "sed -n 's/^Environment=//p' | sed 's,/var/lib/vdifault/agent,%s/seen,' >words && "
                       "xargs -a words sh -c 'env -i \"$@\" %s backup --database sales' sh 2>&1",
                       folder, E2E_VDIFAULT, folder, folder, E2E_CLIENTS "/correct_c");
    assert_has(text, "VD_E_ABORT");
    assert_int_not_equal(status, 0);
    assert_int_equal(shell(text, "%s trace %s/seen", E2E_VDIFAULT, folder), 0);
    assert_has(text, "VD_E_ABORT");
    (void)shell(text, "rm -r %s", folder);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_and_paths_are_checked),
        cmocka_unit_test(the_text_is_a_drop_in),
        cmocka_unit_test(systemd_takes_it),
        cmocka_unit_test(its_environment_wraps_a_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
