/* See replay_command.h. */
#include "replay_command.h"

#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

char file_path[] = "/tmp/test-cli-replay-XXXXXX";
char said[32768];

int make_file(void)
{
    int fd = mkstemp(file_path);
    return fd < 0 ? -1 : close(fd);
}

void write_file(const void *bytes, size_t length)
{
    FILE *out = fopen(file_path, "wb");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, length, out), length);
    assert_int_equal(fclose(out), 0);
}

int run(const char *verb, const char *options, const char *path)
{
    char command[2 * PATH_MAX];
    snprintf(command, sizeof command, COMMAND " %s %s '%s' 2>&1", verb, options, path);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    said[fread(said, 1, sizeof said - 1, out)] = '\0';
    int status = pclose(out);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

void expect_of(const char *verb, int status, const char *options, const char *text, const char *output)
{
    write_file(text, strlen(text));
    int got = run(verb, options, file_path);
    if (got != status || strstr(said, output) == NULL) {
        fail_msg("expected status %d and '%s', got %d and:\n%s", status, output, got, said);
    }
}

void expect(int status, const char *options, const char *text, const char *output)
{
    expect_of("replay", status, options, text, output);
}
