/* variables.c - the run's variables as the process found them when it started; see runstate.h.
 *
 * A client may clear its environment before its first VDI call; it is still part of the run.
 */
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "runstate.h"

static struct {
    const char *name;
    char at_start[PATH_MAX];
} variables[] = {{.name = "VDIFAULT_TRACE"},
                 {.name = "VDIFAULT_PLAN"},
                 {.name = "VDIFAULT_SQLCMD"},
                 {.name = "VDIFAULT_GUARD"},
                 {.name = "VDIFAULT_ON_FINDING"}};

enum {
    VARIABLE_COUNT = sizeof variables / sizeof variables[0]
};

__attribute__((constructor)) static void keep_variables(void)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        const char *value = getenv(variables[i].name);
        if (value != NULL && strlen(value) < sizeof variables[i].at_start) {
            strcpy(variables[i].at_start, value);
        }
    }
}

const char *run_variable(const char *name)
{
    const char *value = getenv(name);
    for (size_t i = 0; value == NULL && i < VARIABLE_COUNT; i++) {
        if (strcmp(variables[i].name, name) == 0 && variables[i].at_start[0] != '\0') {
            value = variables[i].at_start;
        }
    }
    return value;
}
