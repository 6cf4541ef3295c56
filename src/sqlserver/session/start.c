/* start.c - see start.h. */
#include "start.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "runstate.h"

enum process_role start_role(void)
{
    const char *role = getenv("VDIFAULT_ROLE");
    if (role != NULL && strcmp(role, "sql") == 0)
        return PROCESS_SQL;
    if (role != NULL && strcmp(role, "verify") == 0)
        return PROCESS_VERIFY;
    return PROCESS_CLIENT;
}

/* In the run's folder, or where the runner says that it is: --before is no part of what is recorded. NULL: nowhere. */
static const char *catalog_path(char path[PATH_MAX])
{
    const char *folder = run_state_is_recorded() ? run_variable("VDIFAULT_TRACE") : NULL;
    const char *file = getenv("VDIFAULT_CATALOG");
    if (file == NULL && folder == NULL)
        return NULL;
    snprintf(path, PATH_MAX, "%s%s", file != NULL ? file : folder, file != NULL ? "" : "/catalog");
    return path;
}

int start_catalog(struct catalog **catalog, char message[START_MESSAGE_MAX])
{
    char path[PATH_MAX];
    const char *file = catalog_path(path);
    int error = catalog_open(file, catalog);
    if (error != 0)
        snprintf(
            message, START_MESSAGE_MAX, "catalog '%s': %s", file != NULL ? file : "",
            error == EPROTO ? "expected one that this version of vdifault has written" : strerror(error));
    return error;
}

int start_activity(struct activity **activity, char message[START_MESSAGE_MAX])
{
    static const char suffix[] = ".sessions";
    char path[PATH_MAX + sizeof(suffix)];
    *activity = NULL;
    if (catalog_path(path) == NULL)
        return 0;
    strcat(path, suffix);
    int error = activity_open(path, activity);
    if (error != 0)
        snprintf(message, START_MESSAGE_MAX, "'%s': %s", path, strerror(error));
    return error;
}

int start_plan(struct plan *plan, char message[START_MESSAGE_MAX])
{
    struct fault_error error = {0};
    uint32_t line = 0;
    int rc = plan_load(plan, &error, &line);
    const char *name = getenv("VDIFAULT_PLAN");
    if (rc == EINVAL)
        snprintf(message, START_MESSAGE_MAX, "plan '%s', line %u: %s", name != NULL ? name : "", line,
                 error.message);
    else if (rc != 0)
        snprintf(message, START_MESSAGE_MAX, "plan '%s' cannot be read: %s", name != NULL ? name : "",
                 strerror(rc));
    return rc;
}
