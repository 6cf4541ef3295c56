/* verdict.h - from a session's events to findings, reports and the exit status (design 4.3, 4.5).
 *
 * Responsible for: feeding src/rules, dropping ignored findings, saying why a run showed nothing.
 */
#ifndef VDIFAULT_VERDICT_H
#define VDIFAULT_VERDICT_H

#include <jansson.h>
#include <stdio.h>

#include "session.h"

struct verdict_input {
    const struct run_options *options;
    const struct session *session;
    const struct plan *plan;
    const char *repeat;
    struct symbols *symbols; /* of the client's modules, to share them between passes; NULL: its own */
};

/* A session judged. It borrows all that its input names, and must stay where it was made. */
struct verdict {
    struct checker *checker;
    struct judgement judgement; /* without the findings that are to be ignored */
    size_t ignored;             /* how many those were */
    struct symbols *symbols;
    bool owns_symbols;
    int status;                        /* the exit status of a run */
    char why[SESSION_MESSAGE_MAX * 2]; /* why the run shows nothing; "" it does */
    struct report_input report;        /* what src/report prints */
};

/* 0 or errno; free it in either case. */
int verdict_make(struct verdict *verdict, const struct verdict_input *input);
void verdict_free(struct verdict *verdict);

/* The run as the JSON object of its report, with the calls around faults and findings: the caller's. 0 or errno. */
int verdict_value(const struct verdict *verdict, json_t **value);

/* Either may be NULL. 0 or errno. */
int verdict_write(const struct verdict *verdict, FILE *text, FILE *json);

/* All of it: the exit status, after a message if something fails. */
int verdict_report(const struct verdict_input *input, FILE *text, FILE *json);

/* The session's events under this plan's judgement; it lives as long as the checker. 0 or errno. */
int verdict_judge(const struct plan *plan, const struct session *session, struct checker **checker,
                  const struct judgement **judgement);

/* Why a run without findings of the asked severity is no proof of anything; "" if it is one. `fired` per
 * fault; `lost` events could not be recorded. */
void verdict_nothing_shown(const struct record *record, const struct plan *plan, const uint32_t *fired,
                           uint64_t vdi_calls, uint64_t lost, char *why, size_t size);

#endif
