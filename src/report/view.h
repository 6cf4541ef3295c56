/* view.h - a run's events made ready for reporting: calls paired with their ends, small numbers for
 * processes, threads and calls.
 *
 * Internal to src/report. Borrows the input's events; owns the rest.
 */
#ifndef VDIFAULT_REPORT_VIEW_H
#define VDIFAULT_REPORT_VIEW_H

#include "frames.h"
#include "report.h"
#include "symbols.h"

struct view_call {
    const struct report_event *begin;
    const struct report_event *end; /* NULL: did not return */
    uint64_t ordinal;               /* n-th call of the client, from 1; 0: a fault made it */
    uint64_t repeated;              /* further identical calls folded into it */
};

struct view_thread {
    uint32_t process, thread;
};

struct view {
    const struct report_input *input;
    struct symbols *symbols;
    bool owns_symbols;
    size_t call_count;
    struct view_call *calls; /* in run order */
    size_t process_count;
    uint32_t *processes; /* number n is processes[n - 1] */
    size_t thread_count;
    struct view_thread *threads;
    uint64_t start_ns;
};

int view_new(const struct report_input *input, struct view **view); /* 0 or errno */
void view_free(struct view *view);

/* 0: unknown. */
uint32_t view_process_number(const struct view *view, uint32_t process);
uint32_t view_thread_number(const struct view *view, uint32_t process, uint32_t thread);
const struct view_call *view_find_call(const struct view *view, uint64_t sequence); /* NULL: none */

/* Where in the client, see frames.h; stack: NULL gives none. */
void view_frames(const struct view *view, const struct stack *stack, struct frames *frames);
/* Hash of rule, function and place, the same from run to run. */
uint64_t view_fingerprint(const struct view *view, const struct finding *finding);

const char *severity_name(enum severity severity);
const char *outcome_name(enum operation_outcome outcome);
const char *durable_name(enum durable durable);
const char *note_name(int64_t kind); /* what an EVENT_NOTE is about */
/* The event at `index` is a note that says what none before it said, and nothing that the jobs of a run tell. */
bool view_is_note(const struct report_input *input, size_t index);
const char *issuer_name(enum process_role role);
const char *claim_name(enum claim claim); /* NULL: nothing is known */

#endif
