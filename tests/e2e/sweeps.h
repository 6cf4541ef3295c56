/* sweeps.h - `vdifault sweep` over the reference client, for the end-to-end tests that look at its report. */
#ifndef SWEEPS_H
#define SWEEPS_H

#include "e2e.h"

json_int_t sweeps_summary(const struct e2e_run *run, const char *key);
json_t *sweeps_runs(const struct e2e_run *run);

/* sweep OPTIONS... -- correct_c ACTION; the options end with NULL. It gives up soon, for the sake of the test. */
void sweeps_build(struct e2e_args *args, const char *const *options, const char *action, int devices);
/* The same, one device backed up, done. */
void sweeps_make(struct e2e_run *run, struct e2e_args *args, const char *const *options);

void sweeps_expect_survived(const struct e2e_run *run, const struct e2e_args *args);
/* The same runs with the same outcomes and findings. */
void sweeps_expect_same(const struct e2e_run *run, const struct e2e_args *args, const struct e2e_run *as);

#endif
