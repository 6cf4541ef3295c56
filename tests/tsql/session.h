/* session.h - runs sqlcmd from its arguments to its output and exit status, with an engine of the tests' own
 * (fake_engine.h), and says what must come out. */
#ifndef VDIFAULT_TESTS_TSQL_SESSION_H
#define VDIFAULT_TESTS_TSQL_SESSION_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fake_engine.h"
#include "run.h"

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))
#define BACKUP       "BACKUP DATABASE db TO VIRTUAL_DEVICE='s'"
#define SUCCESS                                                        \
    {                                                                  \
        3014, 10, 1, "BACKUP DATABASE successfully processed 1 pages." \
    }
#define FAILURE                                                   \
    {3204, 16, 1, "The backup or restore was aborted."},          \
    {                                                             \
        3013, 16, 1, "BACKUP DATABASE is terminating abnormally." \
    }
#define FAILURE_TEXT                                                                      \
    "Msg 3204, Level 16, State 1, Server H, Line 1\nThe backup or restore was aborted.\n" \
    "Msg 3013, Level 16, State 1, Server H, Line 1\nBACKUP DATABASE is terminating abnormally.\n"

extern struct plan plan;
extern struct catalog *catalog; /* NULL unless a test makes one */
extern atomic_bool interrupted;

struct outcome {
    int status;
    char *out, *err;
};

/* Runs it; the caller frees both texts, as `expect` does. */
struct outcome run_as(enum process_role role, const char *input, int argc, char *const *argv);
#define RUN(input, ...)                                                                   \
    run_as(PROCESS_CLIENT, input, (int)COUNT(((char *[]){"sqlcmd", "-SH", __VA_ARGS__})), \
           (char *[]){"sqlcmd", "-SH", __VA_ARGS__})

void expect(struct outcome outcome, int status, const char *out, const char *err);

/* What the engine's next statements tell. */
void engine_says(const struct sql_message *messages, size_t count);
#define ENGINE_SAYS(...) \
    engine_says((const struct sql_message[]){__VA_ARGS__}, COUNT(((const struct sql_message[]){__VA_ARGS__})))

/* Of each test: the engine as new, no interrupt. */
int setup(void **state);

#endif
