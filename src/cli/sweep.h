/* sweep.h - what one `vdifault sweep` owns, for the files that make it up: sweep.c (before and after), sweep_runs.c. */
#ifndef VDIFAULT_SWEEP_H
#define VDIFAULT_SWEEP_H

#include <stdio.h>

#include "sweep_clean.h"
#include "sweep_journal.h"
#include "sweep_options.h"
#include "sweep_pool.h"
#include "sweep_progress.h"
#include "sweep_result.h"

struct sweep {
    struct sweep_options options;
    struct sweep_choice choice;
    struct trial_bench bench;
    struct sweep_work work;
    struct sweep_clean clean;
    struct coverage coverage;
    struct sweep_plan plan;  /* runs of one fault, and those under a dialect alone */
    struct sweep_plan pairs; /* of this shard */
    struct sweep_pool pool;
    struct sweep_journal journal;
    struct sweep_result result;
    struct sweep_progress progress;
    json_t *noted;  /* runs that the journal had: by sweep_noted_key */
    char **command; /* sweep_work.command */
    char *journal_path;
    size_t all; /* runs this sweep makes, as far as known */
    int64_t start_ns;
    uint32_t jobs;
    int error; /* of the journal, or no memory */
};

/* What a run is looked up by in the journal: its id and its faults. */
enum {
    SWEEP_NOTED_MAX = SWEEP_KEY_MAX + 16
};
void sweep_noted_key(uint32_t id, const char *key, char *text, size_t size);

/* Makes the runs of the plan, then the pairs, as far as the journal does not have them: sweep->result. What ends it
 * early is in sweep->error or pool.interrupted. No worker is left. */
void sweep_make_runs(struct sweep *sweep);

#endif
