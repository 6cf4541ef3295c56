/* sweep_options.h - the options of `vdifault sweep`: its own, beside those of run. */
#ifndef VDIFAULT_SWEEP_OPTIONS_H
#define VDIFAULT_SWEEP_OPTIONS_H

#include "fork_server.h"
#include "run_options.h"
#include "sweep_plan.h"

struct sweep_options {
    struct run_options run; /* first: its rows take this, too */
    struct sweep_shard shard;
    uint32_t jobs;
    uint32_t per_stack;
    uint32_t pairs;
    uint64_t kinds; /* of faults, a bit each; 0: all */
    bool hostile;
    bool dialects;
    bool shuffle;
    bool anyway;
    bool coverage;
    enum fork_server_mode fork_server;
    const char *journal; /* NULL: not given */
    const char *plans;   /* NULL: none are saved */
    bool no_minimize;
};

void sweep_options_init(struct sweep_options *options);
/* What no option alone can tell. 0, or -1 after a message. */
int sweep_options_check(const struct sweep_options *options);
extern const struct option_row sweep_option_rows[]; /* context: struct sweep_options */

#endif
