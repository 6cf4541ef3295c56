/* See trace_out.h. */
#include "trace_out.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "event_log.h"

static struct event_log events;
static const char *path; /* NULL: not asked for */

/* Before the first input, which is to take the way that every other one takes. */
static void __attribute__((constructor)) read_path(void)
{
    path = getenv("VDIFAULT_TRACE");
}

bool trace_out_is_wanted(void)
{
    return path != NULL;
}

void trace_out_begin(void)
{
    event_log_clear(&events);
}

void trace_out_add(void *unused, const struct event *event, const char *text)
{
    char name[128];
    (void)unused;
    event_log_add(&events, event, text);
    const char *strings[] = {name};
    snprintf(name, sizeof name, "argument=%s", program_invocation_short_name);
    FILE *file = fopen(path, "we");
    int error = file == NULL ? errno : event_log_write(&events, file, strings, 1);
    if (file != NULL) {
        fclose(file);
    }
    if (error != 0) {
        fprintf(stderr, "VDIFAULT_TRACE: cannot write '%s': %s\n", path, strerror(error));
        exit(EXIT_FAILURE);
    }
}
