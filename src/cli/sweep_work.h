/* sweep_work.h - one run of a sweep: made, judged, and told as the object that the report of the sweep holds.
 *
 * Ownership: the object is the caller's; the bench and the options are borrowed. Threads: one.
 */
#ifndef VDIFAULT_SWEEP_WORK_H
#define VDIFAULT_SWEEP_WORK_H

#include <jansson.h>

#include "coverage.h"
#include "sweep_plan.h"
#include "trial.h"

struct sweep_work {
    struct trial_bench *bench;
    const struct sweep_choice *choice;
    char *const *command; /* that repeats a run without a fault: vdifault run OPTION... */
    int command_count;
    const json_t *findings;              /* of the sweep, when they are reproduced */
    const char *plans;                   /* folder that gets their plans; NULL: none */
    const char *dialect;                 /* VDI_DIALECT of the sweep itself, or NULL */
    struct coverage *coverage;           /* or NULL */
    bool forks;                          /* clients are continued from a copy */
    uint32_t singles;                    /* runs of one fault */
    uint32_t end;                        /* ids of pairs lie below; 0: none are wanted */
    bool has_sequence[FAULT_KIND_COUNT]; /* the calls of a clean run of this kind were told */
};

/* NULL: a signal has ended it, or there is no memory; work->bench's session is closed in any case. With pairs wanted,
 * "then" names the faults that go second with this one, in their order. */
json_t *sweep_work_do(struct sweep_work *work, const struct sweep_run *run);

/* The object of a judged trial; NULL: no memory. */
json_t *sweep_work_tell(struct sweep_work *work, const struct sweep_run *run, const struct trial *trial);

/* Of a judged trial that survived its one fault: the texts of the faults that go second; NULL: no memory. */
json_t *sweep_work_then(const struct sweep_work *work, const struct sweep_run *run,
                        const struct trial *trial);

/* Clean passes: the environment has the dialect from here on. 0 or errno. */
int sweep_work_set_dialect(const struct sweep_work *work, int32_t dialect);
/* The plan of a run. */
void sweep_work_plan(const struct sweep_work *work, const struct sweep_run *run, struct plan *plan);
/* The command that repeats a run; malloc'd, NULL: no memory. */
char *sweep_work_command(const struct sweep_work *work, const struct sweep_run *run);

/* A run that could not be made. */
json_t *sweep_work_failed(const struct sweep_work *work, const struct sweep_run *run, const char *why);

#endif
