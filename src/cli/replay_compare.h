/* replay_compare.h - one scenario in two worlds: where their results are not the same.
 *
 * What is compared is what a line came to: its result, or why it has none, and while which other line it returned.
 * Times, addresses and the order of what happened within a line are each world's own. So is how much memory there is: from
 * the line on in which one of them lacks some, nothing is compared. Pure.
 */
#ifndef VDIFAULT_REPLAY_COMPARE_H
#define VDIFAULT_REPLAY_COMPARE_H

#include "replay_findings.h"

/* Both have played the same scenario. Returns how many findings, one a line that differs. *no_room: the line from which on
 * nothing is compared; 0: all are. */
uint32_t replay_compare(const struct player *one, const struct player *other,
                        struct replay_finding findings[SCENARIO_LINES_MAX], uint32_t *no_room);

#endif
