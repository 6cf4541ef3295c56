/* variables.h - sqlcmd's scripting variables: -v, :setvar, and the environment behind them.
 *
 * Ownership: the set owns names and values. Errors: 0, ENOMEM, or EINVAL. One thread.
 */
#ifndef VDIFAULT_SQLCMD_VARIABLES_H
#define VDIFAULT_SQLCMD_VARIABLES_H

#include <stddef.h>

struct variable;
struct variables {
    struct variable *first;
};

int variables_set(struct variables *variables, const char *name,
                  const char *value);                                           /* NULL value: removes it */
const char *variables_get(const struct variables *variables, const char *name); /* NULL: not defined */
void variables_free(struct variables *variables);

/* A copy of the line with each $(NAME) replaced. EINVAL: NAME is not defined; it is in `missing`, cut to
 * size. */
int variables_expand(const struct variables *variables, const char *line, size_t length, char **expanded,
                     size_t *expanded_length, char *missing, size_t missing_size);

#endif
