/* recorder.h - a session whose results become a text, a line for each thing it is told:
 *
 *     columns a int, b nvarchar(3)
 *     row 1|NULL
 *     done 1 of SELECT               counted rows; "done", "done failed" without
 *     message 5701 10: Changed ...
 *     database x
 *     parameter 0 = 7
 */
#ifndef VDIFAULT_TESTS_SESSION_RECORDER_H
#define VDIFAULT_TESTS_SESSION_RECORDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "../tsql/fake_engine.h"
#include "answers.h"
#include "session.h"

enum {
    RECORD_MAX = 16384
};

extern struct recorder {
    struct results results; /* first */
    char text[RECORD_MAX];
    size_t length;
    uint32_t looks;         /* how often `gone` was asked */
    bool gone;              /* what it says */
    atomic_bool *attention; /* set when it is asked */
} recorder;

extern struct plan plan;
extern struct session_settings settings; /* of the next session; as new in each test */
extern struct session *session;          /* NULL: made of the settings by the first batch */
extern atomic_bool interrupted;

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

/* What the batch comes to. */
struct session_result expect_batch(const char *batch, const char *told);
struct session_result expect_call(const struct session_call *call, const char *told);
/* The rows alone of a query: "1|NULL\n". */
void expect_rows(const char *query, const char *rows);

int setup(void **state);
int teardown(void **state);

#endif
