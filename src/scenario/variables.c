/* variables.c - the run's variables as the process found them when it started; see runstate.h.
 *
 * A client may clear its environment before its first VDI call; it is still part of the run, and so is what it starts.
 */
#include <stdlib.h>
#include <string.h>

#include "runstate.h"

static struct {
    const char *name;
    const char *at_start; /* in `kept`; NULL: there was none */
} variables[] = {{.name = "VDIFAULT_TRACE"},   {.name = "VDIFAULT_PLAN"},       {.name = "VDIFAULT_SQLCMD"},
                 {.name = "VDIFAULT_GUARD"},   {.name = "VDIFAULT_ON_FINDING"}, {.name = "VDIFAULT_LIBRARY"},
                 {.name = "VDIFAULT_TDS"},     {.name = "VDIFAULT_SERVER"},     {.name = "VDI_NAMESPACE"},
                 {.name = "VDIFAULT_ANSWERS"}, {.name = "VDI_DIALECT"},         {.name = "LD_PRELOAD"},
                 {.name = "LD_LIBRARY_PATH"},  {.name = "ASAN_OPTIONS"},        {.name = "UBSAN_OPTIONS"},
                 {.name = "TSAN_OPTIONS"},     {.name = "LSAN_OPTIONS"},        {.name = "PATH"}};

enum {
    VARIABLE_COUNT = sizeof variables / sizeof variables[0],
    KEPT_MAX = 32 << 10 /* one behind another: a process touches a page or two of it */
};

static char kept[KEPT_MAX];

__attribute__((constructor)) static void keep_variables(void)
{
    size_t used = 0;
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        const char *value = getenv(variables[i].name);
        size_t size = value != NULL ? strlen(value) + 1 : 0;
        if (size > 1 && size <= sizeof kept - used) {
            variables[i].at_start = memcpy(kept + used, value, size);
            used += size;
        }
    }
}

const char *run_variable_at_start(const char *name)
{
    for (size_t i = 0; i < VARIABLE_COUNT; i++) {
        if (strcmp(variables[i].name, name) == 0) {
            return variables[i].at_start;
        }
    }
    return NULL;
}

const char *run_variable(const char *name)
{
    const char *value = getenv(name);
    return value != NULL ? value : run_variable_at_start(name);
}
