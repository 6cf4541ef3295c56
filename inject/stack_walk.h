/* stack_walk.h - a stack as just unwound, and which words of it tell that it is the same again. Internal to
 * stack.c; the same rules as in stack.h. */
#ifndef VDIFAULT_STACK_WALK_H
#define VDIFAULT_STACK_WALK_H

#include <stdbool.h>
#include <stdint.h>

#include "stack_explain.h"

enum {
    STACK_CHECKS_MAX = 2 * STACK_FRAMES_MAX + 32 /* of our own frames, too */
};

typedef uint64_t stack_word __attribute__((may_alias));

/* A word on the stack that is what it was. */
struct stack_check {
    uint64_t value;
    int32_t distance; /* from base, in words */
    bool relative;    /* it is an address on the stack: value is what it is more than base */
};

static inline bool stack_check_holds(const struct stack_check *check, const char *base)
{
    uint64_t word = ((const stack_word *)(uintptr_t)base)[check->distance];
    return word - (check->relative ? (uint64_t)(uintptr_t)base : 0) == check->value;
}

struct stack_walk {
    /* Given. */
    const char *base; /* where the return address of stack_of_call lies; NULL: nothing will be compared */
    uint64_t wanted;  /* the client's innermost frame: return address, or interrupted instruction */
    bool interrupted; /* ... the latter */
    /* Found. */
    uint32_t frame_count;
    uint64_t frames[STACK_FRAMES_MAX]; /* as EVENT_STACK has them, at least one */
    bool comparable;                   /* if all checks hold, it is this stack */
    uint32_t check_count;
    struct stack_check checks[STACK_CHECKS_MAX]; /* each may be looked at only if those before it hold */
    /* The frame visited last. */
    uint64_t slot, pointer;
};

void stack_walk(struct stack_walk *walk);

#endif
