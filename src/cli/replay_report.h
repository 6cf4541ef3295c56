/* replay_report.h - a replay for a person, and as JSON.
 *
 * Both say the same: each line with its time and its result, or why it has none, then the findings, then the hash of the
 * trace. Lines are those of the first world; of the others only what is different is told, as findings. Errors: of the stream for text; NULL, no memory, for JSON. One thread.
 */
#ifndef VDIFAULT_REPLAY_REPORT_H
#define VDIFAULT_REPLAY_REPORT_H

#include <jansson.h>
#include <stdio.h>

#include "replay_findings.h"

enum {
    REPLAY_REFUSAL_MAX = 120
};

/* A world that was asked for. */
struct replay_world {
    enum player_world world;
    bool played;
    char refusal[REPLAY_REFUSAL_MAX]; /* why not */
    uint32_t no_room_line;            /* as replay_compare has it; 0: none */
};

struct replay_report {
    const char *path;            /* of the scenario */
    const char *form;            /* "text", "binary", "trace" */
    const struct player *player; /* of the first world */
    const struct replay_finding *findings;
    uint32_t finding_count;
    const struct replay_world *worlds;
    uint32_t world_count;
};

void replay_print(FILE *out, const struct replay_report *report);
json_t *replay_json(const struct replay_report *report);

#endif
