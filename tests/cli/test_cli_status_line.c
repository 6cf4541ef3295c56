/* A status line: redrawn where a terminal can, plain lines elsewhere, neither too often. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

#include <cmocka.h>

#include "status_line.h"

#define SECOND_NS INT64_C(1000000000)

static int own_stderr;

static int keep_stderr(void **state)
{
    (void)state;
    own_stderr = dup(STDERR_FILENO);
    return own_stderr < 0;
}

static int restore_stderr(void **state)
{
    (void)state;
    int error = dup2(own_stderr, STDERR_FILENO) < 0;
    close(own_stderr);
    return error;
}

/* stderr becomes a terminal that passes all on as it is; returns its other side. */
static int become_terminal(void)
{
    struct termios raw;
    int master = posix_openpt(O_RDWR | O_NOCTTY);
    assert_true(master >= 0 && grantpt(master) == 0 && unlockpt(master) == 0);
    int slave = open(ptsname(master), O_RDWR | O_NOCTTY);
    assert_true(slave >= 0 && tcgetattr(slave, &raw) == 0);
    cfmakeraw(&raw);
    assert_int_equal(tcsetattr(slave, TCSANOW, &raw), 0);
    assert_int_equal(dup2(slave, STDERR_FILENO), STDERR_FILENO);
    close(slave);
    return master;
}

/* All that was shown; "|" ends it. */
static void shows(int file, const char *expected)
{
    char text[128];
    size_t length = 0;
    fputc('|', stderr);
    do {
        assert_true(length + 1 < sizeof text);
        assert_int_equal(read(file, text + length, 1), 1);
    } while (text[length++] != '|');
    text[length - 1] = '\0';
    assert_string_equal(text, expected);
}

static void a_terminal_has_one_line(void **state)
{
    (void)state;
    struct status_line line;
    int terminal = become_terminal();
    setenv("TERM", "xterm", 1);
    status_line_start(&line);
    status_line_end(&line);
    line.last_ns -= SECOND_NS;
    status_line_show(&line, "%d of %d", 1, 4);
    status_line_show(&line, "%d of %d", 2, 4); /* too soon */
    line.last_ns -= SECOND_NS;
    status_line_show(&line, "%d of %d", 3, 4);
    shows(terminal, "\r\033[K1 of 4\r\033[K3 of 4");
    status_line_end(&line);
    status_line_end(&line);
    shows(terminal, "\r\033[K");
    close(terminal);
}

static void a_terminal_that_cannot_redraw_has_lines(void **state)
{
    (void)state;
    struct status_line line;
    int terminal = become_terminal();
    setenv("TERM", "dumb", 1);
    status_line_start(&line);
    line.last_ns -= SECOND_NS;
    status_line_show(&line, "%d of %d", 1, 4);
    line.last_ns -= 4 * SECOND_NS;
    status_line_show(&line, "%d of %d", 2, 4);
    status_line_end(&line);
    shows(terminal, "2 of 4\n");
    close(terminal);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_terminal_has_one_line, keep_stderr, restore_stderr),
        cmocka_unit_test_setup_teardown(a_terminal_that_cannot_redraw_has_lines, keep_stderr, restore_stderr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
