/* trace_file.c - see trace_file.h. */
#include "trace_file.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>

#include "dialect.h"
#include "redact.h"
#include "trace.h"

/* ---- saving ---- */

/* Strings "KEY=VALUE" of the START block. */
struct strings {
    char **list;
    size_t count;
    bool failed;
};

static void add(struct strings *strings, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void add(struct strings *strings, const char *format, ...)
{
    char **list = realloc(strings->list, (strings->count + 1) * sizeof *list);
    va_list arguments;
    if (list == NULL) {
        strings->failed = true;
        return;
    }
    strings->list = list;
    va_start(arguments, format);
    if (vasprintf(&list[strings->count], format, arguments) < 0) {
        strings->failed = true;
    } else {
        strings->count++;
    }
    va_end(arguments);
}

static void add_redacted(struct strings *strings, const char *key, char *value)
{
    strings->failed = strings->failed || value == NULL;
    add(strings, "%s=%s", key, value != NULL ? value : "");
    free(value);
}

static void add_plan(struct strings *strings, const struct plan *plan)
{
    char *text = plan_text(plan);
    strings->failed = strings->failed || text == NULL;
    add(strings, "plan=%s", text != NULL ? text : "");
    free(text);
}

static void add_all(struct strings *strings, const struct trace_save *save)
{
    static const char *const severities[] = {
        [SEVERITY_INFO] = "info", [SEVERITY_WARNING] = "warning", [SEVERITY_ERROR] = "error"};
    const struct run_options *options = save->options;
    const char *dialect = getenv(DIALECT_VARIABLE);
    for (int i = 0; i < options->client_argc; i++) {
        add_redacted(strings, "argument", redact_argument(options->client_argc, options->client_argv, i));
    }
    for (size_t i = 0; options->suppressions != NULL && i < options->suppressions->count; i++) {
        add(strings, "ignore=%s", options->suppressions->list[i].text);
    }
    add_plan(strings, save->plan);
    add(strings, "fail-on=%s", severities[options->fail_on]);
    if (save->repeat != NULL) {
        add_redacted(strings, "repeat", redact_text(save->repeat));
    }
    if (dialect != NULL && dialect[0] != '\0') {
        add(strings, "dialect=%s", dialect);
    }
    if (save->session->error[0] != '\0') {
        add(strings, "error=%s", save->session->error);
    }
}

int trace_save(FILE *out, const struct trace_save *save)
{
    const struct record *record = &save->session->record;
    struct trace_numbers numbers = {.events = record->count,
                                    .dropped = save->session->lost,
                                    .started = save->started,
                                    .wall_ms = (uint64_t)save->session->wall_ms,
                                    .out_of_memory = record->out_of_memory};
    struct strings strings = {0};
    struct trace_writer *writer = NULL;
    add_all(&strings, save);
    int error = strings.failed ? ENOMEM
                               : trace_write_start(out, &numbers, (const char *const *)strings.list,
                                                   strings.count, &writer);
    for (size_t i = 0; i < record->count && error == 0; i++) {
        error = trace_write_event(writer, &record->events[i].event, record->events[i].text);
    }
    if (writer != NULL) {
        int end_error = trace_write_end(writer);
        error = error != 0 ? error : end_error;
    }
    for (size_t i = 0; i < strings.count; i++) {
        free(strings.list[i]);
    }
    free(strings.list);
    return error;
}

/* ---- loading ---- */

static int fail(struct trace_loaded *loaded, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int fail(struct trace_loaded *loaded, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(loaded->error, sizeof loaded->error, format, arguments);
    va_end(arguments);
    return -1;
}

static char *copy_of(const char *text)
{
    return text != NULL ? strdup(text) : NULL;
}

static int load_arguments(const struct trace_reader *reader, struct trace_loaded *loaded)
{
    size_t count = 0;
    while (trace_string(reader, "argument", count) != NULL) {
        count++;
    }
    loaded->argv = calloc(count + 1, sizeof *loaded->argv);
    for (size_t i = 0; loaded->argv != NULL && i < count; i++) {
        loaded->argv[i] = strdup(trace_string(reader, "argument", i));
        if (loaded->argv[i] == NULL) {
            return fail(loaded, "no memory");
        }
    }
    loaded->options.client_argc = loaded->argv != NULL ? (int)count : 0;
    loaded->options.client_argv = loaded->argv;
    return loaded->argv != NULL ? 0 : fail(loaded, "no memory");
}

/* Settings that are options of `run` go through its option table. */
static int load_options(const struct trace_reader *reader, struct trace_loaded *loaded)
{
    static const char *const names[] = {"fail-on", "ignore"};
    for (size_t n = 0; n < sizeof names / sizeof names[0]; n++) {
        const char *value;
        const struct option_row *row = run_option_rows;
        while (strcmp(row->name, names[n]) != 0) {
            row++;
        }
        for (size_t i = 0; (value = trace_string(reader, names[n], i)) != NULL; i++) {
            if (row->set(&loaded->options, value) != 0) {
                return fail(loaded, "its setting %s=%.100s is not one of this version", names[n], value);
            }
        }
    }
    return 0;
}

static int load_start(const struct trace_reader *reader, struct trace_loaded *loaded)
{
    const struct trace_numbers *numbers = trace_numbers(reader);
    const char *plan = trace_string(reader, "plan", 0);
    const char *error = trace_string(reader, "error", 0);
    struct fault_error plan_error;
    uint32_t line = 0;
    loaded->repeat = copy_of(trace_string(reader, "repeat", 0));
    loaded->dialect = copy_of(trace_string(reader, "dialect", 0));
    loaded->started = numbers->started;
    loaded->session.lost = numbers->dropped;
    loaded->session.wall_ms = (int64_t)(numbers->wall_ms & INT64_MAX);
    loaded->session.record.out_of_memory = numbers->out_of_memory != 0;
    snprintf(loaded->session.error, sizeof loaded->session.error, "%s", error != NULL ? error : "");
    if (plan != NULL && plan_parse(plan, strlen(plan), &loaded->plan, &plan_error, &line) != 0) {
        return fail(loaded, "its plan, line %" PRIu32 ": %s", line, plan_error.message);
    }
    int failed = load_arguments(reader, loaded);
    return failed != 0 ? failed : load_options(reader, loaded);
}

static int load_events(struct trace_reader *reader, struct trace_loaded *loaded)
{
    struct record *record = &loaded->session.record;
    bool incomplete = record->out_of_memory; /* the run's own, not ours */
    struct event event;
    const char *text;
    enum trace_result result;
    record->out_of_memory = false;
    while ((result = trace_read_event(reader, &event, &text)) == TRACE_EVENT && !record->out_of_memory) {
        record_keep(record, &event, text);
    }
    if (record->out_of_memory) {
        return fail(loaded, "no room for its events in %s (TMPDIR)", rundir_base());
    }
    record->out_of_memory = incomplete;
    if (result == TRACE_BAD) {
        loaded->session.lost++; /* what else there was, nobody knows */
        return fail(loaded, "%s", trace_error(reader));
    }
    return 0;
}

static int load_file(const char *path, struct trace_loaded *loaded)
{
    struct trace_reader *reader = NULL;
    FILE *in = fopen(path, "re");
    int result = -1;
    if (in == NULL) {
        return fail(loaded, "%s", strerror(errno));
    }
    int error = trace_read_start(in, &reader);
    if (error != 0) {
        fail(loaded, "%s", error == ENOMEM ? "no memory" : trace_error(reader));
        goto out;
    }
    result = load_start(reader, loaded);
    if (result == 0) {
        result = load_events(reader, loaded);
    }
out:
    trace_read_end(reader);
    fclose(in);
    return result;
}

static int load_folder(const char *path, struct trace_loaded *loaded)
{
    struct collector *collector = NULL;
    int error = collector_open_copy(path, &collector);
    loaded->is_folder = true;
    if (error != 0) {
        return fail(loaded, "%s",
                    error == ENOENT   ? "no file 'state' in it: expected the folder that VDIFAULT_TRACE named"
                    : error == EPROTO ? "its file 'state' is not one of this version"
                                      : strerror(error));
    }
    collector_drain(collector, record_take, &loaded->session.record);
    loaded->session.lost = collector_dropped(collector);
    collector_close(collector);
    record_finish(&loaded->session.record);
    return loaded->session.record.out_of_memory
               ? fail(loaded, "no room for its events in %s (TMPDIR)", rundir_base())
               : 0;
}

int trace_load(const char *path, struct trace_loaded *loaded)
{
    struct stat info;
    memset(loaded, 0, sizeof *loaded);
    run_options_init(&loaded->options, "trace");
    plan_init(&loaded->plan);
    record_init(&loaded->session.record, rundir_base());
    if (stat(path, &info) != 0) {
        return fail(loaded, "%s", strerror(errno));
    }
    return S_ISDIR(info.st_mode) ? load_folder(path, loaded) : load_file(path, loaded);
}

void trace_unload(struct trace_loaded *loaded)
{
    for (int i = 0; i < loaded->options.client_argc; i++) {
        free(loaded->argv[i]);
    }
    free(loaded->argv);
    free(loaded->repeat);
    free(loaded->dialect);
    record_free(&loaded->session.record);
}
