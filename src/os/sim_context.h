/* sim_context.h - the stacks of fibers and the switch between them, and what sanitizers have to be told of it.
 *
 * Stacks are made once, with a page below that nobody may touch, and are used again by the next world's fibers: to
 * start a fiber and to switch makes no system call.
 *
 * One thread.
 */
#ifndef VDIFAULT_OS_SIM_CONTEXT_H
#define VDIFAULT_OS_SIM_CONTEXT_H

#include <stdint.h>

#include "sim.h"

enum {
    SIM_CONTEXT_CALLER = SIM_FIBERS_MAX /* the stack that sim_run is called on */
};

/* The caller goes on, whoever did: fibers that stand somewhere are given up. */
void sim_context_reset(void);

/* Prepares the index-th stack to begin in `entry`, which calls sim_context_entered first and never returns. */
void sim_context_start(uint32_t index, void (*entry)(void));
void sim_context_entered(void);

/* Goes on with `to`; returns when somebody switches back. */
void sim_context_switch(uint32_t to);

#endif
