/* replay_report.h - a replay for a person, and as JSON.
 *
 * Both say the same: each line with its virtual time and its result, or why it has none, then the findings, then the
 * hash of the trace. Errors: of the stream for text; NULL, no memory, for JSON. One thread.
 */
#ifndef VDIFAULT_REPLAY_REPORT_H
#define VDIFAULT_REPLAY_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "replay_findings.h"

struct replay_report {
    const char *path; /* of the scenario */
    bool binary;
    const struct player *player;
    const struct replay_finding *findings;
    uint32_t finding_count;
};

void replay_print(FILE *out, const struct replay_report *report);
json_t *replay_json(const struct replay_report *report);

#endif
