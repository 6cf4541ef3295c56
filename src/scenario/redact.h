/* redact.h - takes passwords out of whatever is recorded or shown (design 4.3). libc only. */
#ifndef VDIFAULT_REDACT_H
#define VDIFAULT_REDACT_H

#include <stdbool.h>

/* A copy of `text` with the values of password options and clauses replaced by ***: -P VALUE, -PVALUE,
 * --password[=| ]VALUE, [MEDIA]PASSWORD = 'VALUE', PWD=VALUE; without regard to case. malloc'd; NULL: no
 * memory. */
char *redact_text(const char *text);

/* The same for one argument of a command line: a malloc'd copy of argv[i], redacted with its neighbours in
 * view. */
char *redact_argument(int argc, char *const *argv, int i);

#endif
