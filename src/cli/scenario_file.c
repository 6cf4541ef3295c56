/* scenario_file.c - see scenario_file.h. */
#include "scenario_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plan.h"
#include "trace.h"

enum {
    BYTES_MAX = 1 << 20
};

static bool is_plan(const char *bytes, size_t length)
{
    struct plan plan;
    struct fault_error error;
    uint32_t line;
    plan_init(&plan);
    return plan_parse(bytes, length, &plan, &error, &line) == 0;
}

static int read_bytes(const char *path, char *bytes, size_t *length)
{
    FILE *in = strcmp(path, "-") == 0 ? fdopen(dup(STDIN_FILENO), "rb") : fopen(path, "rbe");
    int error = in != NULL ? 0 : errno;
    if (in != NULL) {
        *length = fread(bytes, 1, BYTES_MAX, in);
        error = ferror(in) ? errno : *length == BYTES_MAX ? EFBIG : 0;
        fclose(in);
    }
    return error;
}

/* 0, or EINVAL. */
static int read_scenario(const char *bytes, size_t length, struct scenario_file *file, struct plan *plan)
{
    struct fault_error error;
    uint32_t line;
    if (length >= strlen(TRACE_MAGIC) && memcmp(bytes, TRACE_MAGIC, strlen(TRACE_MAGIC)) == 0) {
        snprintf(file->error, sizeof file->error,
                 "it is a trace: expected a scenario, as text or as a fuzzer left it (vdifault replay FILE "
                 "plays traces, "
                 "vdifault trace prints and judges them)");
        return EINVAL;
    }
    if (length == 0) {
        snprintf(file->error, sizeof file->error, "it is empty: expected a scenario");
        return EINVAL;
    }
    bool faults_alone = is_plan(bytes, length);
    plan = faults_alone ? NULL : plan;
    file->binary = scenario_parse(bytes, length, &file->scenario, plan, &error, &line) != 0;
    if (file->binary && plan != NULL) {
        plan_init(plan); /* what was taken for its lines */
    }
    if (!file->binary ||
        scenario_read((const uint8_t *)bytes, length, &file->scenario, plan, &error, &line) == 0) {
        return 0;
    }
    file->plan = faults_alone;
    snprintf(file->error, sizeof file->error, "line %u, column %zu: %s", (unsigned)line, error.offset + 1,
             error.message);
    return EINVAL;
}

int scenario_file_read(const char *path, struct scenario_file *file, struct plan *plan)
{
    size_t length = 0;
    char *bytes = malloc(BYTES_MAX);
    memset(file, 0, sizeof *file);
    int error = bytes != NULL ? read_bytes(path, bytes, &length) : ENOMEM;
    if (error != 0) {
        snprintf(file->error, sizeof file->error, "%s", strerror(error));
    } else {
        error = read_scenario(bytes, length, file, plan);
    }
    free(bytes);
    return error;
}
