/* stack_explain.h - tells the run about a call stack: its modules and its frames. Internal to stack.c; the same
 * rules as in stack.h. */
#ifndef VDIFAULT_STACK_EXPLAIN_H
#define VDIFAULT_STACK_EXPLAIN_H

#include <stdint.h>

enum {
    STACK_FRAMES_MAX = 64
};

/* Records EVENT_STACK, after an EVENT_MODULE for each module this process has not told yet. Returns its number.
 * frames: as EVENT_STACK has them, innermost first; at most STACK_FRAMES_MAX. */
uint32_t stack_explain(const uint64_t *frames, uint32_t count);

#endif
