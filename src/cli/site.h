/* site.h - how often a fault's site was reached in a recorded run; "#last" made a number. */
#ifndef VDIFAULT_SITE_H
#define VDIFAULT_SITE_H

#include <stdint.h>

#include "fault.h"
#include "plan.h"
#include "record.h"

/* Arrivals at the site's function or command, per device; calls of no device count in `none`. */
struct site_count {
    uint64_t none;
    uint64_t device[64];
    uint64_t total;
};
void site_count(const struct record *record, const struct fault_site *site, struct site_count *count);

/* Replaces each FAULT_NTH_LAST by the last arrival of the recorded run; a fault for each device ("*") becomes
 * one fault a device. 0; EINVAL: site *failed was never reached; E2BIG: the plan has no room. */
int site_resolve_last(const struct record *record, struct plan *plan, uint32_t *failed);

#endif
