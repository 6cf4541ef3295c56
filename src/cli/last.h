/* last.h - "#last" in a plan: the arrival it stands for, learnt from a pass without faults. Threads: one. */
#ifndef VDIFAULT_LAST_H
#define VDIFAULT_LAST_H

#include "trial.h"

/* Makes a pass if a fault of the plan asks for it; `trial` is for that, and ended again. An exit status: CLI_CLEAN, or
 * another one after a message. */
int last_resolve(struct trial *trial, struct trial_bench *bench, struct plan *plan);

#endif
