/* frames.h - a call stack as a person reads it: functions, inlined ones too, from the call up to main or to where
 * the thread began.
 *
 * Left out: what is ours (libvdifault*.so), and what every program has above main or a thread's first function.
 * Internal to src/report and to who judges by names (suppress.h).
 */
#ifndef VDIFAULT_REPORT_FRAMES_H
#define VDIFAULT_REPORT_FRAMES_H

#include <stdbool.h>
#include <stddef.h>

#include "rules.h"
#include "symbols.h"

enum {
    FRAMES_MAX = 128
};

struct frames {
    size_t count;
    const struct symbols_place *at[FRAMES_MAX]; /* innermost first; they are the symbols' */
};

/* stack: NULL gives none. */
void frames_read(struct symbols *symbols, const struct stack *stack, struct frames *frames);

/* The innermost function of the client's own with a name; NULL: none has one. */
const struct symbols_place *frames_own(const struct frames *frames);

/* What lasts from run to run and over changes elsewhere: the innermost functions of the client's own, or, without
 * names, module and offset. "" without frames. */
void frames_stable_text(const struct frames *frames, char *text, size_t size);

#endif
