/* report_fixture.h - a recorded run for the tests of the report: a client that closes after a lost VD_E_CLOSE
 * without having aborted, seen with its server, and what the checker makes of it. The client's module is the test
 * program itself. */
#ifndef VDIFAULT_TESTS_REPORT_FIXTURE_H
#define VDIFAULT_TESTS_REPORT_FIXTURE_H

#include <stddef.h>
#include <stdint.h>

#include "report.h"

enum {
    CLIENT = 4711,
    THREAD_MAIN = 4711,
    THREAD_WORKER = 4712,
    SERVER = 4999,
    OWN_STACK = 1,
    EVENTS_MAX = 64
};

struct fixture {
    struct judgement judgement;
    struct plan plan;
    struct checker *checker;
    struct report_event events[EVENTS_MAX];
    size_t count;
    struct report_input input;
    char *arguments[4];
};

int fixture_set_up(void **state);
int fixture_tear_down(void **state);

/* A further event; returns its sequence. The text stays the caller's. */
uint64_t fixture_add(struct fixture *fixture, struct event event, const char *text);

/* Where this program was loaded, and the path of its file, for the caller to free. */
uint64_t fixture_load_base(char **path);
/* An address in this very function. */
uint64_t own_address(void);

#endif
