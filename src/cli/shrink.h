/* shrink.h - a plan made as small as it can be while it still shows what it shows.
 *
 * Smaller is: fewer faults, an earlier site, once instead of from there on, the first operation, any device or the
 * first, arguments as their rows have them, fewer settings of the server, a smaller database. Candidates come in a
 * fixed order and none twice; each is a plan that can be written down and read again. At the end no single step makes
 * the plan smaller, unless the search was ended before: then `minimal` is false and the plan is the smallest so far.
 *
 * Not responsible for: what a plan shows (the caller answers that). Ownership: the caller's. Threads: one.
 */
#ifndef VDIFAULT_SHRINK_H
#define VDIFAULT_SHRINK_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

enum {
    SHRINK_CANDIDATES_MAX = 1000
};

enum shrink_answer {
    SHRINK_SHOWN,
    SHRINK_NOT_SHOWN,
    SHRINK_STOP /* no more questions, please */
};
typedef enum shrink_answer shrink_ask(void *context, const struct plan *plan);

struct shrink {
    shrink_ask *ask;
    void *context;
    bool faults_and_size; /* the server's other settings stay as they are */
    uint32_t most;        /* candidates to ask for, up to SHRINK_CANDIDATES_MAX */
    /* what came of it */
    uint32_t candidates; /* that were asked for */
    bool smaller;        /* than it was */
    bool minimal;
};

/* `plan` shows it, as the caller knows; it becomes the smallest. */
void shrink_plan(struct shrink *shrink, struct plan *plan);

#endif
