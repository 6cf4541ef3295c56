/* profile_make.h - from the events of a recorded client to what its server did (scenario/profile.h).
 *
 * Only what the client itself saw is read: its calls, their results and their times. So a recording with a real server,
 * of which there are no events, says as much as one with ours. Of each kind of operation the best one counts: the first
 * whose devices all got VD_E_CLOSE, else the first. An operation under `vdifault run` counts like any other.
 *
 * What is exact: sizes and their order, as far as they fit (profile.h), Flushes, Completes, buffers. What is bounded:
 * how many commands were out at once is known only where the client took all there were; what it says else is "at least".
 * Times are the client's: a silence is what it waited for a command with none in its hands.
 *
 * Ownership: the caller's, freed with free(). Pure: no I/O but to the given file; any thread.
 */
#ifndef VDIFAULT_PROFILE_MAKE_H
#define VDIFAULT_PROFILE_MAKE_H

#include <stdio.h>

#include "plan.h"
#include "profile.h"
#include "report.h"

enum {
    PROFILE_MAKE_SILENCE_MS = 50, /* shorter ones are no silence */
    PROFILE_MAKE_CALLS_MAX = 8,   /* of an abort that are told */
};

/* A call that gave VD_E_ABORT, the first of its device. */
struct profile_aborted {
    int16_t device; /* -1: a call on the set */
    uint16_t function;
    uint64_t commands; /* fetched on the device before */
    int32_t in_hand;   /* VDC_ of a command the client held then; 0 none */
    uint64_t nth;      /* of such commands, else of the calls of this function; 0 unknown */
    int64_t after_ms;  /* the first of all */
};

struct profile_made {
    struct profile profile;
    uint64_t operations[PROFILE_KINDS]; /* how many there were */
    bool whole[PROFILE_KINDS];          /* the one that counts came to its end */
    uint64_t commands[PROFILE_KINDS];   /* of it */
    uint64_t
        size; /* of a database that takes as many Writes, or twice as many if they were cut off; 0: unknown */
    enum plan_choice complete;
    enum plan_choice clear_error;
    char ends[PROFILE_KINDS][128]; /* the commands after the last transfer of device 0 */
    bool aborted;                  /* VD_E_ABORT came, and the client had not asked for it */
    struct fault abort;            /* what brings that about again; kind FAULT_KIND_COUNT: nothing does */
    uint32_t abort_count;
    struct profile_aborted aborts[PROFILE_MAKE_CALLS_MAX];
};

/* 0, ENOENT (no operation of which a command was fetched), or ENOMEM. */
int profile_make(const struct report_event *events, size_t count, struct profile_made **made);
/* A plan: its lines, and as comments what no line can say. `from`: what it was made of. 0 or errno. */
int profile_write(FILE *out, const struct profile_made *made, const char *from);
/* The recorded readings as VDI_DIALECT takes them, "" if none; as snprintf. */
int profile_dialect(const struct profile_made *made, char *text, size_t size);

#endif
