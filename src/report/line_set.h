/* line_set.h - a set of line numbers of one file, in reports as "3-7,12".
 *
 * Ownership: the set's memory is its holder's, until line_set_free; {0} is the empty set. Errors: 0 or errno.
 * Threads: one at a time per set.
 */
#ifndef VDIFAULT_LINE_SET_H
#define VDIFAULT_LINE_SET_H

#include <stdbool.h>
#include <stdint.h>

enum {
    LINE_MAX_NUMBER = 1 << 22 /* no file that people read has more */
};

struct line_set {
    uint8_t *has; /* by line number */
    uint32_t size;
};

/* EINVAL: line 0, or beyond LINE_MAX_NUMBER. */
int line_set_add(struct line_set *set, uint32_t line);
bool line_set_has(const struct line_set *set, uint32_t line);
uint32_t line_set_count(const struct line_set *set);
void line_set_free(struct line_set *set);

/* Adds what the text lists. EINVAL: it is no list. */
int line_set_parse(struct line_set *set, const char *text);
/* The list; malloc'd, NULL: no memory. */
char *line_set_format(const struct line_set *set);

#endif
