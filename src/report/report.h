/* report.h - a judged run as text (a person reads it) and as JSON (contract: design 4.3).
 *
 * Responsible for: layout, the calls around a fault or finding, source lines of callers, redaction of
 * passwords. Not responsible for: verdicts (rules/).
 */
#ifndef VDIFAULT_REPORT_H
#define VDIFAULT_REPORT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "rules.h"
#include "suppress.h"
#include "symbols.h"

struct json_t; /* jansson.h */

/* An event with its text, in run order. */
struct report_event {
    struct event event;
    const char *text;
};

struct report_input {
    const struct judgement *judgement;
    const struct plan *plan;
    const struct report_event *events; /* sorted by sequence */
    size_t event_count;
    uint64_t events_dropped;
    int client_argc;
    char *const *client_argv;
    int64_t wall_ms;
    const char *error;  /* the run could not be set up, or NULL: outcome "error" */
    const char *repeat; /* command line that repeats the run */
    enum severity fail_on;
    bool color;
    bool verbose;            /* text: whole backtraces, the calls around every finding */
    struct symbols *symbols; /* of the client's modules, to share them; NULL: the report makes its own */
    const struct suppressions *suppressions; /* NULL: none; what they dropped is not in the judgement */
    size_t ignored;                          /* how many findings that were */
    uint32_t recorded; /* open points that the run read as a recording did: bits of enum profile_point */
};

/* "clean", "findings" (one of at least fail_on) or "error". */
const char *report_outcome(const struct report_input *input);
int report_text(FILE *out, const struct report_input *input); /* 0 or errno */
/* The run as a JSON object (design 4.3): the caller's. 0, or errno and NULL. */
int report_value(const struct report_input *input, struct json_t **value);
/* The calls around the first fault and the first finding, an array: the caller's. 0, or errno and NULL. */
int report_sequence(const struct report_input *input, struct json_t **value);

#endif
