/* trace_fuzzer.c - trace files: the reader, then all that a run's events go through: the checker and the printers.
 *
 * An input is a trace file as it may have been damaged or made up, but for the blocks' hashes, which are put right:
 * a fuzzer does not find hashes, and what lies behind them is what it is to find.
 *
 * Promises: what is refused is refused with a place inside the file, and is refused again; what was read before is
 * judged and printed without an error; a finding has a rule and a message; what is for scripts is JSON; what is for a
 * terminal cannot steer it; nothing grows out of proportion.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdint.h>
#include <string.h>

#include "promise.h"
#include "trace_internal.h"
#include "trace_print.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    ARGUMENTS_MAX = 16,
    OUTPUT_LEAST = 1 << 20, /* what a small file may make of itself */
    OUTPUT_TIMES = 256      /* and a large one, times its size */
};

/* A run as it was read. */
struct run {
    struct plan plan;
    struct report_event *events;
    size_t count;
    char *arguments[ARGUMENTS_MAX];
    int argument_count;
    uint64_t lost;
    int64_t wall_ms;
    uint64_t started;
    size_t file_size;
};

static void repair_hashes(uint8_t *bytes, size_t size)
{
    size_t at = sizeof(struct trace_prologue);
    while (at <= size && size - at >= sizeof(struct trace_block)) {
        struct trace_block block;
        memcpy(&block, bytes + at, sizeof block);
        size_t left = size - at - sizeof block;
        if (block.length > left) {
            return;
        }
        block.hash = trace_hash(block.kind, block.length, bytes + at + sizeof block);
        memcpy(bytes + at, &block, sizeof block);
        at += sizeof block + block.length;
    }
}

/* ---- reading ---- */

static void check_refusal(struct trace_reader *reader, size_t size)
{
    struct event event;
    const char *text, *error = trace_error(reader);
    uint64_t offset = UINT64_MAX;
    PROMISE(sscanf(error, "byte %" SCNu64 ": ", &offset) == 1 && offset <= size);
    PROMISE(trace_read_event(reader, &event, &text) == TRACE_BAD);
}

static void keep_event(struct run *run, const struct event *event, const char *text)
{
    PROMISE(event_defect(event) == NULL);
    PROMISE(run->count < run->file_size / sizeof *event && strlen(text) <= EVENT_TEXT_MAX);
    char *copy = strdup(text);
    PROMISE(copy != NULL);
    run->events[run->count++] = (struct report_event){*event, copy};
}

static void read_start(struct run *run, const struct trace_reader *reader)
{
    const struct trace_numbers *numbers = trace_numbers(reader);
    const char *plan = trace_string(reader, "plan", 0), *argument;
    struct fault_error error;
    uint32_t line;
    run->lost = numbers->dropped;
    run->wall_ms = (int64_t)numbers->wall_ms;
    run->started = numbers->started;
    if (plan != NULL && plan_parse(plan, strlen(plan), &run->plan, &error, &line) != 0) {
        plan_init(&run->plan);
    }
    while (run->argument_count < ARGUMENTS_MAX &&
           (argument = trace_string(reader, "argument", (size_t)run->argument_count)) != NULL) {
        run->arguments[run->argument_count] = strdup(argument);
        PROMISE(run->arguments[run->argument_count++] != NULL);
    }
}

/* Whether there is a run to look at: as much of it as could be read. */
static bool read_run(uint8_t *bytes, size_t size, struct run *run)
{
    struct trace_reader *reader = NULL;
    struct event event;
    const char *text;
    enum trace_result result = TRACE_BAD;
    FILE *in = fmemopen(bytes, size, "rb");
    PROMISE(in != NULL);
    bool started = trace_read_start(in, &reader) == 0;
    if (started) {
        read_start(run, reader);
        while ((result = trace_read_event(reader, &event, &text)) == TRACE_EVENT) {
            keep_event(run, &event, text);
        }
    }
    if (result == TRACE_BAD) {
        check_refusal(reader, size);
    }
    trace_read_end(reader);
    fclose(in);
    return started;
}

/* ---- printing ---- */

/* What a printer wrote; the caller's. */
static char *printed(const struct trace_print *print, int (*printer)(FILE *, const struct trace_print *),
                     size_t file_size)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);
    PROMISE(out != NULL && printer(out, print) == 0 && fclose(out) == 0);
    PROMISE(length <= OUTPUT_LEAST + OUTPUT_TIMES * file_size);
    return text;
}

static int print_report(FILE *out, const struct trace_print *print)
{
    return report_text(out, print->input);
}

static int print_report_value(FILE *out, const struct trace_print *print)
{
    json_t *value = NULL, *calls = NULL;
    PROMISE(report_value(print->input, &value) == 0 && report_sequence(print->input, &calls) == 0);
    PROMISE(json_dumpf(value, out, JSON_COMPACT) == 0 && json_dumpf(calls, out, JSON_COMPACT) == 0);
    json_decref(value);
    json_decref(calls);
    return 0;
}

static void check_json(const char *text)
{
    json_error_t error;
    json_t *value = json_loads(text, 0, &error);
    PROMISE(value != NULL);
    json_decref(value);
}

/* No control character but the end of a line and a tabulator: a terminal obeys them. */
static void check_text(const char *text)
{
    for (; *text != '\0'; text++) {
        unsigned char byte = (unsigned char)*text;
        PROMISE((byte >= ' ' && byte != 0x7f) || byte == '\n' || byte == '\t');
    }
}

/* By one of the printers: the file says which, by a number that means nothing else. */
static void print(const struct run *run, const struct judgement *judgement)
{
    static const struct {
        int (*print)(FILE *, const struct trace_print *);
        void (*check)(const char *text); /* NULL: it is the JSON library's own output */
    } printers[] = {
        {trace_print_text, check_text}, {trace_print_json, NULL},   {trace_print_perfetto, check_json},
        {print_report, check_text},     {print_report_value, NULL},
    };
    struct report_input input = {
        .judgement = judgement,
        .plan = &run->plan,
        .events = run->events,
        .event_count = run->count,
        .events_dropped = run->lost,
        .client_argc = run->argument_count,
        .client_argv = run->arguments,
        .wall_ms = run->wall_ms,
        .fail_on = SEVERITY_ERROR,
        .verbose = true,
    };
    struct trace_print to_print = {.input = &input, .filter = {.device = -1}, .started = run->started};
    size_t i = (size_t)run->wall_ms % (sizeof printers / sizeof printers[0]);
    char *text = printed(&to_print, printers[i].print, run->file_size);
    if (printers[i].check != NULL) {
        printers[i].check(text);
    }
    free(text);
}

/* ---- judging ---- */

static void check_findings(const struct judgement *judgement)
{
    for (size_t i = 0; i < judgement->finding_count; i++) {
        const struct finding *finding = &judgement->findings[i];
        PROMISE(finding->rule != NULL && finding->count > 0);
        PROMISE(finding->severity >= SEVERITY_INFO && finding->severity <= SEVERITY_ERROR);
        PROMISE(finding->message[0] != '\0' &&
                memchr(finding->message, '\0', sizeof finding->message) != NULL);
    }
}

static void judge(const struct run *run)
{
    struct checker *checker = NULL;
    PROMISE(checker_new(&run->plan, &checker) == 0);
    if (run->lost > 0) {
        checker_gap(checker);
    }
    for (size_t i = 0; i < run->count; i++) {
        PROMISE(checker_feed(checker, &run->events[i].event, run->events[i].text) == 0);
    }
    const struct judgement *judgement = checker_finish(checker);
    check_findings(judgement);
    print(run, judgement);
    checker_free(checker);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct run run;
    uint8_t *bytes = malloc(size + 1); /* no FILE has no bytes */
    if (bytes == NULL || size == 0) {
        free(bytes);
        return 0;
    }
    memcpy(bytes, data, size);
    repair_hashes(bytes, size);
    run = (struct run){.file_size = size,
                       .events = calloc(size / sizeof(struct event) + 1, sizeof *run.events)};
    plan_init(&run.plan);
    if (run.events != NULL && read_run(bytes, size, &run)) {
        judge(&run);
    }
    for (size_t i = 0; i < run.count; i++) {
        free((char *)run.events[i].text);
    }
    for (int i = 0; i < run.argument_count; i++) {
        free(run.arguments[i]);
    }
    free(run.events);
    free(bytes);
    return 0;
}
