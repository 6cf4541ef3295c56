/* swept_run.h - a recorded run, told call after call, and what a sweep makes of it. Fixture of the sweep's tests.
 *
 * One at a time: swept_setup and swept_teardown go around each test. */
#ifndef SWEPT_RUN_H
#define SWEPT_RUN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sweep_plan.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    EVENTS_MAX = 512,
    DRAIN = 1, /* call stacks */
    SERVE = 2,
    LOOP = 3,
    ASK = 4,
};

extern struct report_event events[EVENTS_MAX];
extern size_t count;
extern struct checker *checker;
extern struct plan no_faults;
extern struct sweep_sites sites;
extern struct sweep_plan plan;
extern const struct sweep_choice usual;

int swept_setup(void **state);
int swept_teardown(void **state);

/* Its sequence number. */
uint64_t record(struct event event, const char *text);
struct event call(int function, int device, int operation);
/* A call from a stack; `code` is what GetCommand delivers. */
void make(int function, int device, int stack, int32_t result, int64_t code, uint32_t repeat);
void add_stack(int number, const char *frames);
/* One device: six Writes, the first from a stack of its own, a busy loop of GetCommand, a Flush, VD_E_CLOSE. */
void a_backup(void);

struct sweep_site *site_of(int function, int command);
bool has(const char *key);

#endif
