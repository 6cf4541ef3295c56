/* sweep_steady.h - which of the places that a clean run reached any other run reaches alike.
 *
 * A client that asks without waiting, or whose threads come to one place in any order, goes two ways by chance, and a
 * sweep is to make the same runs each time. So where a client may do otherwise by its very calls, without regard to
 * whether it did this time, arrivals are not told apart by their stacks (struct sweep_site, unsteady), and of each
 * counts only what holds for all. Two runs that differ say the same. Ownership: the caller's. Threads: one.
 */
#ifndef VDIFAULT_SWEEP_STEADY_H
#define VDIFAULT_SWEEP_STEADY_H

#include "sweep_sites.h"

/* After all of a run's events: what one unsteady site says of others. */
void sweep_steady_spread(struct sweep_sites *sites);
/* What is known of each arrival, and which one of its stack it is. */
void sweep_steady_settle(struct sweep_sites *sites);

#endif
