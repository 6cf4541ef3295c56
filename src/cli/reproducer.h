/* reproducer.h - what an engineer takes along of a scenario: a test in C, and a script for gdb.
 *
 *   --to-c  a cmocka test for libvdifault-play (vdifault_play.h): the calls in order, each with the result it gave; the
 *           one that something was wrong with is judged by the model, or expects what the scenario does. It fails as long
 *           as that is wrong, and passes once it is right.
 *   --gdb   gdb -x FILE plays the scenario (player/play_main.c) and stops in the core's function of the deciding call.
 *
 * Responsible for: both files' contents. Ownership: the caller's. One thread.
 */
#ifndef VDIFAULT_REPRODUCER_H
#define VDIFAULT_REPRODUCER_H

#include <stdio.h>

#include "replay_findings.h"

struct reproducer {
    const char *verb;            /* of messages */
    const char *to_c;            /* file; NULL: not asked for */
    const char *gdb;             /* likewise */
    const char *scenario;        /* file of the scenario, for gdb */
    const char *command;         /* that writes this */
    const struct player *player; /* has played it */
    const struct replay_finding *findings;
    uint32_t finding_count; /* 0: nothing is wrong */
};

/* Writes what is asked for; an exit status, after a message. */
int reproducer_write(const struct reproducer *reproducer);

/* The contents; 0 or errno. */
int reproducer_to_c(const struct reproducer *reproducer, FILE *out);
int reproducer_to_gdb(const struct reproducer *reproducer, FILE *out);

/* The finding of a line, from 1; 0: of the end. NULL: none. */
const struct replay_finding *reproducer_finding(const struct reproducer *reproducer, uint32_t line);
/* What is wrong, without where: "it gave NOERROR; ...". */
const char *reproducer_what(const struct replay_finding *finding);

#endif
