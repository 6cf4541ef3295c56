/* trace_print.h - a run's events for a person (text), for scripts (JSON lines) and for a timeline viewer (the Trace
 * Event Format that Perfetto and Chrome read).
 *
 * Responsible for: layout, and which events a filter lets through. Numbers of processes, threads and calls are those
 * of the report. Not responsible for: where the events come from (scenario/trace.h, the collector), verdicts.
 * Threads: one at a time. Errors: 0 or errno.
 */
#ifndef VDIFAULT_TRACE_PRINT_H
#define VDIFAULT_TRACE_PRINT_H

#include "report.h"

/* What is shown; an event must meet all that is given. An event that belongs to a call is shown with it; one that
 * belongs to none has neither function nor, from the server, process and thread. */
struct trace_filter {
    uint32_t thread;     /* number in the report, from 1; 0: any */
    uint32_t process;    /* likewise */
    int32_t device;      /* -1: any */
    uint16_t function;   /* 0: any */
    uint64_t first_call; /* ordinals in the report; 0: any */
    uint64_t last_call;
};

struct trace_print {
    const struct report_input *input; /* the judgement may be empty but for Perfetto's findings */
    struct trace_filter filter;
    uint64_t started;    /* microseconds since 1970; 0 unknown */
    const char *dialect; /* readings other than the usual ones; NULL none */
};

/* A line a call, `call -> result`; the begin and the end on lines of their own where another thread's event lies
 * between. */
int trace_print_text(FILE *out, const struct trace_print *print);
/* An object an event, each with the same keys. */
int trace_print_json(FILE *out, const struct trace_print *print);
/* Calls as slices of their threads, commands in the client's hands as slices of their devices, statements,
 * faults and findings. */
int trace_print_perfetto(FILE *out, const struct trace_print *print);

#endif
