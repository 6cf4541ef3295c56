/* sessions.c - see sessions.h. */
#include "sessions.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "vdifault.h"
#include "world.h"

enum {
    TIMES = 3,
    TEXT_MAX = 1024
};

static int (*client)(const char *folder);

int vdifault_client(const char *folder)
{
    return client(folder);
}

void expect(int (*body)(const char *folder), const char *plan, const char *finding, int status)
{
    char text[TEXT_MAX];
    client = body;
    for (int i = 0; i < TIMES; i++) {
        int errors = vdifault_session(plan, text, sizeof text);
        if (strstr(text, finding) == NULL || errors != (finding[0] != '\0')) {
            fail_msg("session %d: '%s', expected '%s'", i, text, finding);
        }
        assert_int_equal(world.status, status);
    }
}

void expect_refusal(int (*body)(const char *folder), const char *words)
{
    char text[TEXT_MAX];
    int ends[2], status;
    assert_int_equal(pipe(ends), 0);
    pid_t child = fork();
    if (child == 0) {
        dup2(ends[1], STDERR_FILENO);
        client = body;
        vdifault_session("", text, sizeof text);
        _exit(77);
    }
    close(ends[1]);
    size_t length = 0;
    for (ssize_t got; (got = read(ends[0], text + length, sizeof text - 1 - length)) > 0;) {
        length += (size_t)got;
    }
    text[length] = '\0';
    close(ends[0]);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFEXITED(status) || WEXITSTATUS(status) != 3 || strstr(text, words) == NULL) {
        fail_msg("status %x, '%s'; expected '%s'", (unsigned)status, text, words);
    }
}
