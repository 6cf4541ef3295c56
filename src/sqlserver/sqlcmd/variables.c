/* variables.c - see variables.h. */
#include "variables.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    VARIABLE_NAME_MAX = 128
};

struct variable {
    struct variable *next;
    char *name;
    char *value;
};

static void variable_free(struct variable *variable)
{
    if (variable == NULL)
        return;
    free(variable->name);
    free(variable->value);
    free(variable);
}

int variables_set(struct variables *variables, const char *name, const char *value)
{
    struct variable **at = &variables->first;
    while (*at != NULL && strcasecmp((*at)->name, name) != 0)
        at = &(*at)->next;
    struct variable *fresh = NULL;
    if (value != NULL) {
        fresh = calloc(1, sizeof(*fresh));
        if (fresh == NULL)
            return ENOMEM;
        fresh->name = strdup(name);
        fresh->value = strdup(value);
        if (fresh->name == NULL || fresh->value == NULL) {
            variable_free(fresh);
            return ENOMEM;
        }
    }
    struct variable *old = *at;
    struct variable *rest = old != NULL ? old->next : NULL;
    if (fresh != NULL)
        fresh->next = rest;
    *at = fresh != NULL ? fresh : rest;
    variable_free(old);
    return 0;
}

const char *variables_get(const struct variables *variables, const char *name)
{
    for (const struct variable *v = variables->first; v != NULL; v = v->next) {
        if (strcasecmp(v->name, name) == 0)
            return v->value;
    }
    return getenv(name);
}

void variables_free(struct variables *variables)
{
    while (variables->first != NULL) {
        struct variable *next = variables->first->next;
        variable_free(variables->first);
        variables->first = next;
    }
}

/* Bytes of "$(NAME)" at `at`, with NAME copied out; 0: none here. */
static size_t match_reference(const char *at, const char *end, char name[VARIABLE_NAME_MAX])
{
    if (end - at < 4 || at[0] != '$' || at[1] != '(')
        return 0;
    size_t length = strcspn(at + 2, ") \t'\"");
    if (length == 0 || length >= VARIABLE_NAME_MAX || at + 2 + length >= end || at[2 + length] != ')')
        return 0;
    memcpy(name, at + 2, length);
    name[length] = '\0';
    return length + 3;
}

int variables_expand(const struct variables *variables, const char *line, size_t length, char **expanded,
                     size_t *expanded_length, char *missing, size_t missing_size)
{
    int rc = 0;
    char *copy = strndup(line, length); /* terminated, so that the scan stops by itself */
    FILE *out = open_memstream(expanded, expanded_length);
    if (copy == NULL || out == NULL) {
        rc = ENOMEM;
        goto done;
    }
    const char *at = copy, *end = copy + strlen(copy);
    while (at < end && rc == 0) {
        char name[VARIABLE_NAME_MAX];
        size_t reference = match_reference(at, end, name);
        const char *value = reference > 0 ? variables_get(variables, name) : NULL;
        if (reference == 0) {
            fputc(*at++, out);
        } else if (value != NULL) {
            fputs(value, out);
            at += reference;
        } else {
            snprintf(missing, missing_size, "%s", name);
            rc = EINVAL;
        }
    }
done:
    free(copy);
    if (out == NULL || fclose(out) != 0)
        rc = ENOMEM;
    if (rc != 0 && out != NULL) {
        free(*expanded);
        *expanded = NULL;
    }
    return rc;
}
