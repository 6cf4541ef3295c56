/* shrink_scenario.h - a scenario made as small as it can be while it still shows what it shows.
 *
 * Smaller is: fewer lines, a simpler setting, nothing expected, fewer threads, arguments nearer to 0 at which something
 * changes (scenario_types.h). Lines go in halves, quarters, ... and one by one. At the end no single step makes the
 * scenario smaller, unless the search was ended before: then `minimal` is false and it is the smallest so far. What a plan
 * is to shrink.h is too little for this: a plan has a few faults, and after each that goes all others are asked for again.
 *
 * Not responsible for: what a scenario shows (the caller answers that). Ownership: the caller's. Threads: one.
 */
#ifndef VDIFAULT_SHRINK_SCENARIO_H
#define VDIFAULT_SHRINK_SCENARIO_H

#include "scenario.h"
#include "shrink.h"

struct shrink_scenario {
    enum shrink_answer (*ask)(void *context, const struct scenario *scenario);
    void *context;
    /* what came of it */
    uint32_t candidates; /* that were asked for */
    bool minimal;
};

/* `scenario` shows it, as the caller knows; it becomes the smallest. */
void shrink_scenario(struct shrink_scenario *shrink, struct scenario *scenario);

#endif
