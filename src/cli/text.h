/* text.h - small text work of the command: {run} expansion, shell quoting, numbers.
 *
 * Results are malloc'd and the caller's; NULL: no memory.
 */
#ifndef VDIFAULT_TEXT_H
#define VDIFAULT_TEXT_H

#include <stddef.h>
#include <stdint.h>

struct text_mark {
    const char *mark; /* "{run}" */
    const char *value;
};
/* `text` with every mark replaced by its value. */
char *text_expand(const char *text, const struct text_mark *marks, size_t count);
/* ... "{run}" alone, by the folder. */
char *text_expand_run(const char *text, const char *folder);

/* The arguments as one line a shell reads back as the same arguments; passwords are redacted. */
char *text_command_line(int argc, char *const *argv);

/* The same, after the dialect that the environment sets, if it sets one. */
char *text_repeat_line(int argc, char *const *argv);

/* Seconds with an optional fraction, above 0 and at most 1e6. 0 or -1. */
int text_seconds(const char *text, int64_t *milliseconds);

#endif
