/* json.c - the JSON report, a contract of the command line (design 4.3). What does not apply is null. */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "json_text.h"
#include "recorded.h"
#include "redact.h"
#include "view.h"

static json_t *taken_text(char *text)
{
    json_t *value = json_text(text);

    free(text);
    return value;
}

/* A number, or null where 0 stands for "none". */
static json_t *number_or_null(uint64_t number)
{
    return number ? json_integer((json_int_t)number) : json_null();
}

static json_t *index_or_null(int32_t index)
{
    return index >= 0 ? json_integer(index) : json_null();
}

static json_t *hex_value(uint64_t number)
{
    char text[17];

    snprintf(text, sizeof text, "%016" PRIx64, number);
    return json_string(text);
}

static json_t *client_value(const struct report_input *input)
{
    const struct judgement *judgement = input->judgement;
    json_t *arguments = json_array();
    bool exited = judgement->client_ran && judgement->client_exit >= 0;
    int failed = !arguments;

    for (int i = 0; i < input->client_argc && !failed; i++) {
        failed = json_array_append_new(
            arguments, taken_text(redact_argument(input->client_argc, input->client_argv, i)));
    }
    return json_pack("{s:o, s:o, s:o, s:b, s:I}", "argv", arguments, "exit",
                     exited ? json_integer(judgement->client_exit) : json_null(), "signal",
                     number_or_null((uint64_t)(judgement->client_signal > 0 ? judgement->client_signal : 0)),
                     "timed_out", judgement->client_timed_out, "wall_ms", (json_int_t)input->wall_ms);
}

static json_t *messages_value(const struct operation *operation)
{
    json_t *messages = json_array();

    for (uint32_t i = 0; i < operation->message_count && messages; i++) {
        const struct operation_message *message = &operation->messages[i];

        json_array_append_new(messages,
                              json_pack("{s:i, s:i, s:o}", "number", (int)message->number, "severity",
                                        (int)message->severity, "text", json_text(message->text)));
    }
    return messages;
}

static json_t *operation_value(const struct report_input *input, const struct operation *operation)
{
    bool reached = operation->outcome != OUTCOME_NOT_REACHED;
    const char *says = !input->judgement->client_ran ? NULL : claim_name(operation->client_says);

    json_t *value =
        json_pack("{s:i, s:o, s:o, s:o, s:o, s:o, s:s, s:o, s:o, s:o, s:s}", "id", (int)operation->id, "set",
                  json_text(operation->set), "database", json_text(operation->database), "statement",
                  json_text(operation->statement), "issued_by",
                  operation->statement ? json_string(issuer_name(operation->issued_by)) : json_null(),
                  "messages", messages_value(operation), "outcome", outcome_name(operation->outcome), "bytes",
                  reached ? json_integer((json_int_t)operation->bytes) : json_null(), "hash",
                  reached ? hex_value(operation->hash) : json_null(), "client_says", json_text(says),
                  "durable", durable_name(operation->durable));
    if (value && operation->again) {
        json_object_set_new(value, "again", json_true());
    }
    if (value && input->judgement->client_has_jobs && operation->job >= 0) {
        json_object_set_new(value, "job", json_integer(operation->job));
    }
    return value;
}

static json_t *operations_value(const struct report_input *input)
{
    json_t *operations = json_array();

    for (size_t i = 0; i < input->judgement->operation_count && operations; i++) {
        json_array_append_new(operations, operation_value(input, &input->judgement->operations[i]));
    }
    return operations;
}

static json_t *faults_value(const struct report_input *input)
{
    json_t *faults = json_array();
    char text[FAULT_TEXT_MAX];

    for (uint32_t i = 0; i < input->plan->fault_count && faults; i++) {
        fault_format(&input->plan->faults[i], text, sizeof text);
        json_array_append_new(
            faults, json_pack("{s:s, s:I}", "fault", text, "fired", (json_int_t)input->judgement->fired[i]));
    }
    return faults;
}

static json_t *backtrace_value(const struct view *view, const struct stack *stack)
{
    json_t *values = stack ? json_array() : json_null();
    struct frames frames;
    char where[512];

    view_frames(view, stack, &frames);
    for (size_t i = 0; i < frames.count; i++) {
        symbols_format(frames.at[i], where, sizeof where);
        json_array_append_new(values, json_text(where));
    }
    return values;
}

/* The other thread's side of a clash; NULL, hence no such key, for findings that have none. */
static json_t *other_value(const struct view *view, const struct finding *finding)
{
    const struct view_call *call = view_find_call(view, finding->other.call);
    uint32_t process = call ? call->begin->event.process : finding->process;

    return finding->other.call == 0
               ? NULL
               : json_pack("{s:o, s:o, s:o}", "call", number_or_null(call ? call->ordinal : 0), "thread",
                           number_or_null(view_thread_number(view, process, finding->other.thread)),
                           "backtrace", backtrace_value(view, finding->other.stack));
}

static json_t *finding_value(const struct view *view, const struct finding *finding)
{
    static const char *const assumptions[] = {"documented", "derived", "ours"};
    const struct view_call *call = view_find_call(view, finding->call);
    const char *function = finding->function > 0 && finding->function < VDI_FN_COUNT
                               ? vdi_function_names[finding->function]
                               : NULL;
    const char *repeat = view->input->repeat;

    bool recorded = recorded_applies(finding->rule->id, view->input->recorded);

    return json_pack(
        "{s:s, s:s, s:o, s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:o, s:s, s:o*, s:o, s:o*, s:o}", "rule",
        finding->rule->id, "severity", severity_name(finding->severity), "message",
        json_text(finding->message), "op", index_or_null(finding->operation), "call",
        number_or_null(call ? call->ordinal : 0), "function", json_text(function), "process",
        number_or_null(view_process_number(view, finding->process)), "device", index_or_null(finding->device),
        "thread", number_or_null(view_thread_number(view, finding->process, finding->thread)), "count",
        (json_int_t)finding->count, "fingerprint", hex_value(view_fingerprint(view, finding)), "assumption",
        assumptions[finding->assumption], "recorded", recorded ? json_true() : NULL, "backtrace",
        backtrace_value(view, finding->stack), "other", other_value(view, finding), "repeat",
        repeat ? taken_text(redact_text(repeat)) : json_null());
}

static json_t *findings_value(const struct view *view)
{
    json_t *findings = json_array();

    for (size_t i = 0; i < view->input->judgement->finding_count && findings; i++) {
        json_array_append_new(findings, finding_value(view, &view->input->judgement->findings[i]));
    }
    return findings;
}

/* Only there when something is wrong with it. */
static json_t *recording_value(const struct report_input *input)
{
    return input->events_dropped ? json_pack("{s:I}", "lost", (json_int_t)input->events_dropped) : NULL;
}

/* Only there when entries were given. */
static json_t *ignored_value(const struct report_input *input)
{
    json_t *unused = json_array();

    if (!input->suppressions || input->suppressions->count == 0) {
        json_decref(unused);
        return NULL;
    }
    for (size_t i = 0; i < input->suppressions->count; i++) {
        if (input->suppressions->list[i].used == 0) {
            json_array_append_new(unused, json_text(input->suppressions->list[i].text));
        }
    }
    return json_pack("{s:I, s:o}", "findings", (json_int_t)input->ignored, "unused", unused);
}

/* Only there for a client that runs on until it is stopped. */
static json_t *jobs_value(const struct judgement *judgement)
{
    json_t *jobs = judgement->client_has_jobs ? json_array() : NULL;

    for (uint32_t i = 0; jobs && i < judgement->job_count; i++) {
        json_array_append_new(jobs, json_pack("{s:o, s:o}", "trigger", json_text(judgement->jobs[i].trigger),
                                              "says", json_text(claim_name(judgement->jobs[i].says))));
    }
    return jobs;
}

/* Only there when a witness could not see something. */
static json_t *notes_value(const struct report_input *input)
{
    json_t *notes = NULL;

    for (size_t i = 0; i < input->event_count; i++) {
        const struct report_event *note = &input->events[i];

        if (view_is_note(input, i)) {
            notes = notes ? notes : json_array();
            json_array_append_new(notes, json_pack("{s:s, s:o}", "about", note_name(note->event.arg[0]),
                                                   "text", json_text(note->text)));
        }
    }
    return notes;
}

int report_value(const struct report_input *input, json_t **value)
{
    struct view *view = NULL;
    int result = view_new(input, &view);

    *value = NULL;
    if (result) {
        return result;
    }
    *value = json_pack(
        "{s:i, s:s, s:o, s:o, s:o, s:o, s:o*, s:o*, s:o*, s:o*}", "schema", 1, "outcome",
        report_outcome(input), "client", client_value(input), "operations", operations_value(input), "faults",
        faults_value(input), "findings", findings_value(view), "recording", recording_value(input), "ignored",
        ignored_value(input), "notes", notes_value(input), "jobs", jobs_value(input->judgement));
    view_free(view);
    return *value ? 0 : ENOMEM;
}
