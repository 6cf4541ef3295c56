/* record.h - all events of a run, and what they say about the moment.
 *
 * Responsible for: storing events (a thread that repeats one call without progress is folded into one pair,
 * so that a busy loop does not fill the room; beyond RECORD_MEMORY they lie in a file, see spill.h), and the live
 * picture the hang rule asks for: which thread is in which call, how each statement stands, when something last went
 * forward. Not responsible for: verdicts. Events arrive in ring order: in order for one thread, not for the run.
 */
#ifndef VDIFAULT_RECORD_H
#define VDIFAULT_RECORD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "plan.h"
#include "report.h"
#include "runstate.h"
#include "spill.h"

enum {
    RECORD_MEMORY = 64 << 20 /* bytes of events, and of their texts, that are kept in memory */
};

/* A client thread that made a call. */
struct record_thread {
    struct event begin; /* its open call, or its last one */
    char *text;         /* of `begin` */
    bool open;
    bool held;           /* `begin` is not stored yet: it may become one more repetition */
    bool can_fold;       /* the last stored events of this thread are a call without progress: */
    size_t begin_at;     /* ... its begin */
    size_t end_at;       /* ... its end */
    uint64_t idle_calls; /* calls without progress in a row */
};

/* A statement as its server process tells. */
struct record_statement {
    uint32_t process;
    int64_t number;
    bool ended;
    bool waiting; /* the server can only go on when the client acts */
    int64_t outstanding;
    int16_t device;
    int32_t operation;
};

/* A set was created: `text` is its name, `begin` the call. */
typedef void record_set(void *context, const struct event *end, const char *name, int64_t device_count);

struct record {
    struct report_event *events; /* in `rows`; NULL as long as there are none */
    size_t count;
    struct spill rows;
    struct spill texts;
    size_t text_bytes; /* used of `texts` */
    struct record_thread *threads;
    size_t thread_count;
    struct record_statement *statements;
    size_t statement_count;
    uint64_t taken;                /* events seen, folded ones included */
    uint64_t calls;                /* calls of the client, folded ones included */
    uint64_t idle_calls;           /* of them without progress */
    uint64_t bytes;                /* handed out in commands */
    int64_t progress_ns;           /* of the last progress, by the run's clock */
    int64_t held_ns;               /* by that clock: until when a fault holds somebody up who then goes on */
    uint32_t waits;                /* how often that clock was moved on since then */
    const struct run_state *state; /* of that clock; NULL: it is the system's */
    const struct plan *plan;       /* whose faults EVENT_FAULT names; NULL: they take no time */
    struct event access;           /* the last EVENT_ACCESS; kind 0: there was none */
    bool out_of_memory;
    record_set *on_set; /* or NULL */
    void *on_set_context;
};

/* `folder` is where a file is made for what memory is not to hold; it must outlive the record. */
void record_init(struct record *record, const char *folder);
void record_free(struct record *record);

/* A collector_take: stores one event. `context` is the record. */
void record_take(void *context, const struct event *event, const char *text);

/* Stores one event as it is: of a trace, where calls are folded already. */
void record_keep(struct record *record, const struct event *event, const char *text);

/* Stores calls held back, sorts by sequence. */
void record_finish(struct record *record);

/* The call a thread is in, or NULL. */
const struct record_thread *record_open_call(const struct record *record, uint32_t process, uint32_t thread);
/* Since when, by the run's clock, nothing has come: it may be in the future, while what a fault holds up is on its way. */
int64_t record_last_sign(const struct record *record);
/* The longest run of calls without progress that a thread is in. */
uint64_t record_longest_idle(const struct record *record);

#endif
