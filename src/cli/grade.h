/* grade.h - a plan run again and again: how often the same finding comes, "7/10".
 *
 * The same finding is one of the same rule and fingerprint: function and place in the client, as src/report makes it
 * of names and not of addresses, so that it is the same from run to run, machine to machine.
 *
 * Ownership: the caller's; the bench is borrowed. Threads: one.
 */
#ifndef VDIFAULT_GRADE_H
#define VDIFAULT_GRADE_H

#include <jansson.h>

#include "trial.h"

enum {
    GRADE_RUNS = 10,
    GRADE_TEXT_MAX = 24
};

struct grade {
    uint32_t seen;
    uint32_t runs;
};

/* Who makes the runs. */
struct grader {
    struct trial_bench *bench;
    int64_t deadline_ns;                             /* no run but the first begins later (os_now) */
    void (*made)(void *context, uint32_t run_count); /* after each run; NULL: nobody wants to know */
    void *context;
    uint32_t run_count; /* that were made */
    int interrupted;    /* the signal that ended a run; 0: none did */
    int error;          /* ENOMEM; 0: none */
};

/* One run: its report, the caller's. NULL: none can be made any more; grader says why, or the deadline is over. */
json_t *grader_run(struct grader *grader, const struct plan *plan);

/* The finding of this rule and fingerprint in a run's report, borrowed; NULL: none. */
json_t *grade_find(const json_t *report, const char *rule, const char *fingerprint);

/* So many runs, or as many as can be made. `tally` gets the different findings, in the order they came: an array of
 * {"finding", "report": of the first run with it, "seen": in how many}; the caller's. Returns how many runs. */
uint32_t grade_plan(struct grader *grader, const struct plan *plan, uint32_t runs, json_t *tally);

const char *grade_text(const struct grade *grade, char text[GRADE_TEXT_MAX]);

#endif
