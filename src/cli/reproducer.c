/* reproducer.c - see reproducer.h. */
#include "reproducer.h"

#include <errno.h>
#include <string.h>

#include "cli.h"

const struct replay_finding *reproducer_finding(const struct reproducer *reproducer, uint32_t line)
{
    for (uint32_t i = 0; i < reproducer->finding_count; i++) {
        if (reproducer->findings[i].line == line) {
            return &reproducer->findings[i];
        }
    }
    return NULL;
}

const char *reproducer_what(const struct replay_finding *finding)
{
    const char *colon = strstr(finding->text, ": ");
    return colon != NULL ? colon + 2 : finding->text;
}

static int write_file(const struct reproducer *reproducer, const char *option, const char *path,
                      int (*put)(const struct reproducer *reproducer, FILE *out))
{
    if (path == NULL) {
        return CLI_CLEAN;
    }
    FILE *out = fopen(path, "we");
    int error = out != NULL ? put(reproducer, out) : errno;
    if (out != NULL && fclose(out) != 0 && error == 0) {
        error = errno;
    }
    if (error != 0) {
        cli_error("%s: --%s: cannot write '%s': %s", reproducer->verb, option, path, strerror(error));
        return CLI_SETUP;
    }
    return CLI_CLEAN;
}

int reproducer_write(const struct reproducer *reproducer)
{
    int status = write_file(reproducer, "to-c", reproducer->to_c, reproducer_to_c);
    int gdb_status = write_file(reproducer, "gdb", reproducer->gdb, reproducer_to_gdb);
    return status != CLI_CLEAN ? status : gdb_status;
}
