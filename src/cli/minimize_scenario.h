/* minimize_scenario.h - the smallest scenario that still gives the same finding, and `vdifault minimize SCENARIO`.
 *
 * Responsible for: which finding is kept (the first, which is the one that ended the scenario, if one did) and what it
 * takes to be the same: the same kind, function and sentence, whatever the line, its arguments and the numbers in the
 * sentence are (replay_findings.h). Not responsible for: how scenarios become smaller (shrink_scenario.h).
 */
#ifndef VDIFAULT_MINIMIZE_SCENARIO_H
#define VDIFAULT_MINIMIZE_SCENARIO_H

#include "replay_findings.h"

struct minimum {
    /* given */
    struct player *player;
    int64_t deadline_ns; /* of os_now: no candidate is begun after it */
    /* given, and what came of it */
    struct scenario scenario;
    /* what came of it */
    struct replay_finding finding; /* in the smallest scenario */
    uint32_t candidates;
    bool minimal;
    int error;
};

/* 0; ENOENT: it gives no finding; or the errno with which no scenario could be played. */
int minimum_find(struct minimum *minimum);

struct minimize_options {
    const char *path;
    const char *output; /* NULL: stdout */
    const char *to_c;   /* reproducer.h; NULL: not asked for */
    const char *gdb;    /* likewise; it plays the output */
    const char *command;
    int64_t within_ms;
};

/* The verb, for a scenario and not a plan: an exit status. */
int minimize_scenario(const struct minimize_options *options);

#endif
