/* verdict.h - from a session's events to findings, reports and the exit status (design 4.3, 4.5).
 *
 * Responsible for: feeding src/rules, dropping ignored findings, saying why a run showed nothing.
 */
#ifndef VDIFAULT_VERDICT_H
#define VDIFAULT_VERDICT_H

#include <stdio.h>

#include "session.h"

struct verdict_input {
    const struct run_options *options;
    const struct session *session;
    const struct plan *plan;
    FILE *text; /* NULL: no text */
    FILE *json; /* NULL: no JSON */
    const char *repeat;
};

/* Writes the reports; returns the exit status. */
int verdict_report(const struct verdict_input *input);

/* The session's events under this plan's judgement; it lives as long as the checker. 0 or errno. */
int verdict_judge(const struct plan *plan, const struct session *session, struct checker **checker,
                  const struct judgement **judgement);

/* Why a run without findings of the asked severity is no proof of anything; "" if it is one. `fired` per
 * fault; `lost` events could not be recorded. */
void verdict_nothing_shown(const struct record *record, const struct plan *plan, const uint32_t *fired,
                           uint64_t vdi_calls, uint64_t lost, char *why, size_t size);

#endif
