/* trace.c - `vdifault trace`: prints, converts or judges again what a run or a wrapped client recorded. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "near.h"
#include "trace_file.h"
#include "trace_print.h"
#include "trace_show.h"
#include "verdict.h"

enum trace_format {
    FORMAT_TEXT,
    FORMAT_JSON,
    FORMAT_PERFETTO,
    FORMAT_COUNT
};

struct trace_options {
    enum trace_format format;
    struct trace_filter filter;
    bool check;
    const char *output;
    const char *plan;    /* NULL: the trace's own */
    const char *fail_on; /* likewise */
};

/* ---- options ---- */

/* A whole number from `least` to `most`. 0, or -1 after a message. */
static int read_number(const char *option, const char *value, uint64_t least, uint64_t most, uint64_t *number)
{
    char *end = NULL;
    errno = 0;
    unsigned long long read = strtoull(value, &end, 10);
    if (value[0] < '0' || value[0] > '9' || *end != '\0' || errno != 0 || read < least || read > most) {
        cli_error("trace: --%s '%s': expected a number from %" PRIu64 " to %" PRIu64, option, value, least,
                  most);
        return -1;
    }
    *number = read;
    return 0;
}

/* Index of the word, or -1 after a message. */
static int read_word(const char *option, const char *value, const char *const *words, int first, int count)
{
    struct near_word near;
    char hint[96], expected[256] = "";
    near_start(&near, value, strlen(value));
    for (int i = first; i < count; i++) {
        size_t used = strlen(expected);
        if (strcmp(value, words[i]) == 0) {
            return i;
        }
        near_offer(&near, words[i]);
        snprintf(expected + used, sizeof expected - used, "%s%s", i > first ? ", " : "", words[i]);
    }
    cli_error("trace: --%s '%s': expected one of %s%s", option, value, expected,
              near_text(&near, hint, sizeof hint));
    return -1;
}

static int set_format(void *context, const char *value)
{
    static const char *const words[FORMAT_COUNT] = {"text", "json", "perfetto"};
    int index = read_word("format", value, words, 0, FORMAT_COUNT);
    if (index >= 0) {
        ((struct trace_options *)context)->format = (enum trace_format)index;
    }
    return index < 0 ? -1 : 0;
}

static int set_thread(void *context, const char *value)
{
    uint64_t number = 0;
    int error = read_number("thread", value, 1, UINT32_MAX, &number);
    ((struct trace_options *)context)->filter.thread = (uint32_t)number;
    return error;
}

static int set_process(void *context, const char *value)
{
    uint64_t number = 0;
    int error = read_number("process", value, 1, UINT32_MAX, &number);
    ((struct trace_options *)context)->filter.process = (uint32_t)number;
    return error;
}

static int set_device(void *context, const char *value)
{
    uint64_t number = 0;
    int error = read_number("device", value, 0, RUN_DEVICES_MAX - 1, &number);
    ((struct trace_options *)context)->filter.device = (int32_t)number;
    return error;
}

static int set_function(void *context, const char *value)
{
    int index = read_word("function", value, vdi_function_names, VDI_FN_NONE + 1, VDI_FN_COUNT);
    if (index > 0) {
        ((struct trace_options *)context)->filter.function = (uint16_t)index;
    }
    return index > 0 ? 0 : -1;
}

/* "A..B", "A.." or "A". */
static int set_calls(void *context, const char *value)
{
    struct trace_filter *filter = &((struct trace_options *)context)->filter;
    const char *dots = strstr(value, "..");
    char first[24];
    int length = dots != NULL ? (int)(dots - value) : (int)strlen(value);
    snprintf(first, sizeof first, "%.*s", length, value);
    if (read_number("calls", first, 1, INT64_MAX, &filter->first_call) != 0) {
        return -1;
    }
    filter->last_call = dots == NULL ? filter->first_call : INT64_MAX;
    if (dots == NULL || dots[2] == '\0') {
        return 0;
    }
    return read_number("calls", dots + 2, filter->first_call, INT64_MAX, &filter->last_call);
}

OPTION_FLAG(set_check, struct trace_options, check)
OPTION_TEXT(set_output, struct trace_options, output)
OPTION_TEXT(set_plan, struct trace_options, plan)
OPTION_TEXT(set_fail_on, struct trace_options, fail_on)

static const struct option_row rows[] = {
    {"format", "FORMAT",
     "text: a line a call; json: an object an event, a line each; perfetto: a timeline for\nui.perfetto.dev "
     "and chrome://tracing (default text)",
     set_format},
    {"thread", "N", "only this thread, by its number in reports", set_thread},
    {"process", "N", "only this process, by its number in reports", set_process},
    {"device", "N", "only calls on this device and what belongs to them", set_device},
    {"calls", "A..B", "only these calls, by their numbers in reports; A.. from A on", set_calls},
    {"function", "NAME", "only calls of this function, for example GetCommand", set_function},
    {"check", NULL,
     "judge it again: the report and the exit status that run gave (text or json);\nfilters do not apply",
     set_check},
    {"fail-on", "SEVERITY", "for --check: least severity for exit status 1 (default: as in the run)",
     set_fail_on},
    {"plan", "FILE", "the plan of a FOLDER, where it is not recorded", set_plan},
    {"output", "FILE", "write there instead of stdout", set_output},
    {NULL, NULL, NULL, NULL},
};

/* ---- work ---- */

static int apply(struct trace_loaded *loaded, const struct trace_options *options)
{
    if (options->plan != NULL) {
        if (!loaded->is_folder) {
            cli_error("trace: --plan: the trace holds the plan of its run; expected only for a FOLDER");
            return -1;
        }
        if (run_options_set(&loaded->options, "plan", options->plan) != 0) {
            return -1;
        }
        loaded->plan = loaded->options.plan;
    }
    return options->fail_on != NULL ? run_options_set(&loaded->options, "fail-on", options->fail_on) : 0;
}

static int check(const struct trace_loaded *loaded, const struct trace_options *options, FILE *out)
{
    struct verdict_input input = {
        .options = &loaded->options,
        .session = &loaded->session,
        .plan = &loaded->plan,
        .repeat = loaded->repeat,
    };
    return verdict_report(&input, options->format == FORMAT_TEXT ? out : NULL,
                          options->format == FORMAT_JSON ? out : NULL);
}

static int print(const struct trace_loaded *loaded, const struct trace_options *options, FILE *out)
{
    static int (*const printers[FORMAT_COUNT])(FILE *, const struct trace_print *) = {
        [FORMAT_TEXT] = trace_print_text,
        [FORMAT_JSON] = trace_print_json,
        [FORMAT_PERFETTO] = trace_print_perfetto,
    };
    int error = trace_show(out, loaded, &options->filter, printers[options->format],
                           options->format == FORMAT_PERFETTO);
    if (error != 0) {
        cli_error("trace: cannot write the trace: %s", strerror(error));
    }
    return error != 0 ? CLI_SETUP : CLI_CLEAN;
}

/* What can be read of a damaged trace is shown all the same; the exit status tells that it is not whole. */
static int show(const char *path, const struct trace_options *options, FILE *out)
{
    struct trace_loaded *loaded = malloc(sizeof *loaded);
    int status = CLI_USAGE;
    if (loaded == NULL) {
        cli_error("trace: no memory");
        return CLI_SETUP;
    }
    int damaged = trace_load(path, loaded);
    if (damaged != 0) {
        cli_error("trace '%s': %s", path, loaded->error);
    }
    if ((damaged == 0 || loaded->session.record.count > 0) && apply(loaded, options) == 0) {
        status = options->check ? check(loaded, options, out) : print(loaded, options, out);
    }
    trace_unload(loaded);
    free(loaded);
    return damaged != 0 ? CLI_USAGE : status;
}

static int run_trace(int argc, char **argv)
{
    struct trace_options options = {.filter = {.device = -1}};
    int first = 0;
    int status = CLI_CLEAN;
    if (cli_verb_start(&verb_trace, argc, argv, &options, &first, &status) != 0) {
        return status;
    }
    if (argc - first != 1) {
        cli_error("trace: expected one trace FILE or FOLDER, got %d", argc - first);
        return CLI_USAGE;
    }
    if (options.check && options.format == FORMAT_PERFETTO) {
        cli_error("trace: --check gives a report: expected --format text or json");
        return CLI_USAGE;
    }
    FILE *out = options.output != NULL ? fopen(options.output, "we") : stdout;
    if (out == NULL) {
        cli_error("trace: --output: cannot write '%s': %s", options.output, strerror(errno));
        return CLI_USAGE;
    }
    status = show(argv[first], &options, out);
    if (out != stdout && fclose(out) != 0 && status == CLI_CLEAN) {
        cli_error("trace: --output: cannot write '%s': %s", options.output, strerror(errno));
        status = CLI_SETUP;
    }
    return status;
}

const struct verb verb_trace = {
    .name = "trace",
    .arguments = "[options] FILE|FOLDER",
    .summary = "prints, converts or judges again what a run recorded",
    .options = rows,
    .examples =
        "  vdifault run --trace run.vdt --fault lost-close -- ./backup_client set1 out.bak\n"
        "  vdifault trace run.vdt\n"
        "      every call of the run with its result, statements, faults and files\n\n"
        "  vdifault trace --device 1 --calls 40..60 run.vdt\n"
        "      what happened on device 1 between the calls that the report numbers 40 and 60\n\n"
        "  vdifault trace --format perfetto --output run.json run.vdt\n"
        "      a timeline: open run.json in ui.perfetto.dev\n\n"
        "  vdifault trace --format json run.vdt | jq -c 'select(.result_name == \"VD_E_ABORT\")'\n"
        "      every call that gave VD_E_ABORT\n\n"
        "  vdifault trace --check run.vdt\n"
        "      the same verdict as the run's, with the rules of this version\n\n"
        "  LD_PRELOAD=/usr/local/lib/libvdifault.so VDIFAULT_TRACE=seen ./backup_client set1 out.bak; "
        "vdifault trace seen\n"
        "      what a client did without the runner; also one that was killed: its last call did not "
        "return\n\n"
        "exit status: 0 shown, 2 usage, or the trace is unreadable or damaged (what can be read is shown),\n"
        "3 it could not be written; with --check as vdifault run\n",
    .run = run_trace,
};
