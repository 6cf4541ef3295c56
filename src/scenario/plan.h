/* plan.h - the plan of a run: which faults to inject and how the simulated server is set up.
 *
 * A plan is text, one item a line; blank lines and lines whose first non-blank is '#' are skipped:
 *   fault FAULT                      see fault.h
 *   server seed N                    shapes streams: transfer sizes, stripes, generated content
 *   server size BYTES                size of a generated database (K, M, G suffixes)
 *   server database NAME=FILE        BACKUP reads FILE, RESTORE writes it
 *   server clear-error always|never  whether devices in IO-ERROR get ClearError before they are closed (spec
 *                                    9.4 leaves it to the server; without this line, the seed decides)
 *   server late-buffers yes|no       half of the buffers are requested after EndConfiguration, so that there
 *                                    is a second buffer area (without this line: no, unless BUFFERCOUNT asks
 *                                    for more than the first area has)
 *   server complete yes|no           whether VDC_Complete is sent to who asks for it; a server from before
 *                                    KB3188454 does not (without this line: yes)
 *   server backed-up yes|no          whether a database that no statement has mentioned yet counts as one
 *                                    of which a full backup was taken (without this line: yes); if not, a log
 *                                    or differential backup is refused before the first full one (4214, 3035)
 *   server profile ..., server recorded ...  what a real server was seen to do: profile.h
 *   probe yes|no                     whether to record where faults of the client's own files and memory could be
 *                                    (EVENT_REACH): for who makes plans out of it
 * libc only, no allocation: the same code runs inside the client.
 */
#ifndef VDIFAULT_PLAN_H
#define VDIFAULT_PLAN_H

#include <stddef.h>
#include <stdint.h>

#include "fault.h"
#include "profile.h"

enum {
    PLAN_FAULTS_MAX = 64,
    PLAN_DATABASES_MAX = 16,
    PLAN_NAME_MAX = 129,
    PLAN_PATH_MAX = 512
};

#define PLAN_DEFAULT_SIZE (8ull << 20)
#define PLAN_DEFAULT_SEED 1

struct plan_database {
    char name[PLAN_NAME_MAX]; /* as written; compared without case, as SQL Server does */
    char path[PLAN_PATH_MAX];
};

enum plan_choice {
    PLAN_UNSET,
    PLAN_YES, /* always */
    PLAN_NO,  /* never */
};

struct plan {
    uint32_t fault_count;
    uint32_t database_count;
    uint64_t seed;
    uint64_t size;
    enum plan_choice clear_error;
    enum plan_choice late_buffers;
    enum plan_choice complete;
    enum plan_choice backed_up;
    enum plan_choice probe;
    struct fault faults[PLAN_FAULTS_MAX];
    struct plan_database databases[PLAN_DATABASES_MAX];
    struct profile profile;
};

void plan_init(struct plan *plan); /* defaults, no faults */

/* Parses `text` on top of *plan. 0, or EINVAL with *error (offset within the line) and *line, from 1. */
int plan_parse(const char *text, size_t length, struct plan *plan, struct fault_error *error, uint32_t *line);
/* One item without its line, e.g. "fault lost-close" (for command line options). */
int plan_parse_line(const char *text, struct plan *plan, struct fault_error *error);
/* Whole plan as text that parses back to the same plan. Returns as snprintf. */
int plan_format(const struct plan *plan, char *text, size_t size);
/* The same, malloc'd; NULL: no memory. Not inside the client. */
char *plan_text(const struct plan *plan);

/* The plan named by VDIFAULT_PLAN, read once per process; defaults when unset. 0, or errno/EINVAL with
 * *error. */
int plan_load(struct plan *plan, struct fault_error *error, uint32_t *line);

/* BYTES with an optional K, M or G (powers of 1024). 0 or EINVAL. */
int plan_parse_size(const char *text, uint64_t *bytes);

#endif
