/* recorded.h - which findings rest on an open point of the documents that a recording has answered.
 *
 * A rule's assumption says what the documents give. Where they leave a point open that a real library was seen to settle
 * (`server recorded`, scenario/profile.h), and the run was read the same way, its findings are marked as recorded.
 * Pure functions; any thread.
 */
#ifndef VDIFAULT_RECORDED_H
#define VDIFAULT_RECORDED_H

#include <stdbool.h>
#include <stdint.h>

#include "profile.h"

/* Of the profile's points, those that a run under this VDI_DIALECT (NULL: none) reads as the recording did. */
uint32_t recorded_points(const struct profile *profile, const char *dialect);
/* Whether a finding of the rule rests on one of these points. */
bool recorded_applies(const char *rule, uint32_t points);

#endif
