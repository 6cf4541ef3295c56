/* near.h - finds the known word a mistyped one was probably meant to be.
 *
 * Used by the parsers of this folder for "did you mean" in their messages. No allocation; any thread.
 */
#ifndef VDIFAULT_NEAR_H
#define VDIFAULT_NEAR_H

#include <stddef.h>

enum {
    NEAR_WORD_MAX = 31
};

struct near_word {
    const char *word; /* what was typed, not NUL-terminated */
    size_t length;
    size_t best_distance;
    const char *best; /* NULL: nothing is near */
};

void near_start(struct near_word *near, const char *word, size_t length);
/* Offers a known word; the nearest offered stays in near->best. NULL is ignored. */
void near_offer(struct near_word *near, const char *candidate);
/* ": did you mean 'X'?" or "" into `text`; returns text. */
const char *near_text(const struct near_word *near, char *text, size_t size);

#endif
