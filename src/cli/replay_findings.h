/* replay_findings.h - what is wrong with what came of a scenario: the core crashed or did not come to an end, the model
 * does not allow what happened, or a result is not what the scenario expects.
 *
 * Pure in what the player and the scenario say. The first finding is the one that ended the scenario, if one did.
 */
#ifndef VDIFAULT_REPLAY_FINDINGS_H
#define VDIFAULT_REPLAY_FINDINGS_H

#include "player.h"

enum replay_kind {
    REPLAY_CRASH,
    REPLAY_ENDLESS,
    REPLAY_ORACLE,
    REPLAY_EXPECTED,
    REPLAY_DISAGREES, /* with the same scenario elsewhere (replay_compare.h) */
    REPLAY_KIND_COUNT
};
extern const char *const replay_kind_words[REPLAY_KIND_COUNT];

enum {
    REPLAY_TEXT_MAX = 512,
    REPLAY_FINDINGS_MAX = SCENARIO_LINES_MAX + 1
};

struct replay_finding {
    enum replay_kind kind;
    enum player_world world;
    uint32_t line; /* of the scenario, from 1; 0: of its end */
    int signal;    /* of a crash; 0: none */
    char text[REPLAY_TEXT_MAX];
    /* What is left of the text without what may be otherwise in a smaller scenario with the same bug: the number of the
     * line, its thread and arguments, every number in the sentence, and what it tells behind a colon. */
    char same[REPLAY_TEXT_MAX];
};

/* Returns how many. */
uint32_t replay_findings(const struct player *player, struct replay_finding findings[REPLAY_FINDINGS_MAX]);

/* Makes a finding of it: "line 3, server Close(): what". */
__attribute__((format(printf, 5, 6))) void replay_put_finding(struct replay_finding *finding,
                                                              enum replay_kind kind,
                                                              const struct scenario *scenario, uint32_t line,
                                                              const char *format, ...);

/* How a line stands at the end. */
enum replay_state {
    REPLAY_RETURNED,
    REPLAY_WAITS,       /* its call, or the one that it is to wait for, has not returned */
    REPLAY_KILLED,      /* ... and never will: its process is dead */
    REPLAY_PASSED_OVER, /* there was nothing to call */
    REPLAY_AT_WORK,     /* when the player's process ended */
    REPLAY_NOT_REACHED
};
extern const char *const replay_state_words[];
enum replay_state replay_state(const struct player *player, uint32_t index);

/* "NOERROR", "TRUE", "returned" where the function has no result; NULL: no call has returned. */
const char *replay_result(const struct player *player, uint32_t index, char text[MODEL_RESULT_TEXT]);
/* What the line expects, where that is not what came; NULL: nothing, or the same. */
const char *replay_missed(const struct player *player, uint32_t index);

#endif
