/* reproduce.h - one finding: how often its plan brings it out, the smallest plan that does, and that plan as a file.
 *
 * A candidate for a smaller plan must show the finding, with no less severity, twice in a row; where the plan itself
 * does not always show it, twice in as many runs as the plan needs for two on average. The smallest plan is graded: if
 * it shows the finding less often than the plan it came from, candidates must do so five times, and if that does not
 * help the plan stays what it was. Half of the time there is goes to the search.
 *
 * Ownership: the caller's, until reproduction_free; bench and words are borrowed. Threads: one.
 */
#ifndef VDIFAULT_REPRODUCE_H
#define VDIFAULT_REPRODUCE_H

#include "grade.h"

struct reproduction {
    struct grader grader;
    const char *rule; /* which finding; NULL: the most severe, of those the one that comes most often */
    const char *fingerprint; /* NULL: any of the rule */
    bool faults_and_size;    /* other settings of the plan stay as they are */
    struct plan plan;        /* becomes the smallest */
    /* what came of it */
    struct grade grade;
    json_t *report;      /* of a run that showed it; NULL: none did */
    json_t *finding;     /* in that report */
    uint32_t candidates; /* for smaller plans */
    bool minimal; /* else the search was ended by a limit, or the plan does not show it reliably enough */
};

/* 0 or ENOMEM; after a signal grader.interrupted says which. */
int reproduce(struct reproduction *reproduction);
void reproduction_free(struct reproduction *reproduction);

/* "VDI-OUT-001-0123abcd.plan". */
void reproduction_name(const json_t *finding, char *name, size_t size);
/* The plan with what there is to know about it in comments; `command` repeats it. 0 or errno. */
int reproduction_write(const struct reproduction *reproduction, const char *command, FILE *out);
/* "grade", "plan", "minimised" and "repeat" of a finding. `file`: where the plan is; NULL: nowhere. 0 or ENOMEM. */
int reproduction_tell(const struct reproduction *reproduction, const char *command, const char *file,
                      json_t *finding);

#endif
