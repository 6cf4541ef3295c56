/* text.c - the report a person reads: the verdict first, then what was injected, what happened, and what to
 * do. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "plain.h"
#include "redact.h"
#include "text_print.h"

enum {
    WIDTH = 100
};

const char *text_color(const struct report_input *input, const char *code)
{
    return input->color ? code : "";
}

void text_labelled(FILE *out, const char *label, const char *text)
{
    wrap_labelled(out, WIDTH, label, text);
}

void text_heading(FILE *out, const struct report_input *input, const char *heading)
{
    fprintf(out, "\n%s%s%s\n", text_color(input, TEXT_BOLD), heading, text_color(input, TEXT_PLAIN));
}

/* ---- the verdict ---- */

static void print_verdict(FILE *out, const struct report_input *input)
{
    const struct judgement *judgement = input->judgement;
    const char *outcome = report_outcome(input);
    const struct finding *worst = judgement->finding_count ? &judgement->findings[0] : NULL;
    const char *tint = strcmp(outcome, "clean") == 0 ? TEXT_GREEN : TEXT_RED;

    fprintf(out, "%s%s%s%s", text_color(input, TEXT_BOLD), text_color(input, tint), outcome,
            text_color(input, TEXT_PLAIN));
    if (input->error) {
        fprintf(out, ": %s", input->error);
    } else if (worst) {
        bool minor = worst->severity < input->fail_on;

        fprintf(out, "%s %zu finding%s", minor ? " but for" : ":", judgement->finding_count,
                judgement->finding_count == 1 ? "" : "s");
        if (minor) {
            fprintf(out, " below --fail-on %s", severity_name(input->fail_on));
        }
        fprintf(out, ", the worst: %s (%s)", worst->rule->id, severity_name(worst->severity));
    } else {
        fprintf(out, input->ignored ? ": nothing that is not ignored" : ": the client broke no rule");
    }
    if (input->ignored) {
        fprintf(out, "; %zu finding%s ignored", input->ignored, input->ignored == 1 ? "" : "s");
    }
    fputc('\n', out);
}

static void print_client(FILE *out, const struct report_input *input)
{
    const struct judgement *judgement = input->judgement;
    char *text = NULL;
    size_t size = 0;
    FILE *line = open_memstream(&text, &size);

    if (!line) {
        return;
    }
    for (int i = 0; i < input->client_argc; i++) {
        char *argument = redact_argument(input->client_argc, input->client_argv, i);

        fprintf(line, "%s%s", i ? " " : "", argument ? argument : "?");
        free(argument);
    }
    if (judgement->client_timed_out) {
        fprintf(line, ": hung and was ended");
    } else if (!judgement->client_ran) {
        fprintf(line, ": did not run to an end");
    } else if (judgement->client_has_jobs && judgement->client_exit >= 0) {
        fprintf(line, ": ended with exit status %d", judgement->client_exit);
    } else if (judgement->client_stopped) {
        fprintf(line, ": ended by signal %d, as it was asked to", judgement->client_signal);
    } else if (judgement->client_exit >= 0) {
        const char *word = judgement->job_count > 0 ? claim_name(judgement->jobs[0].says)
                           : judgement->client_exit ? "failure"
                                                    : "success";

        fprintf(line, ": says %s (exit status %d)", word ? word : "nothing", judgement->client_exit);
    } else {
        fprintf(line, ": died of signal %d", judgement->client_signal);
    }
    fprintf(line, ", %" PRIu64 " VDI calls, %" PRId64 " ms", judgement->vdi_calls, input->wall_ms);
    if (fclose(line) == 0) {
        text_labelled(out, "client", text);
    }
    free(text);
}

/* Of a client that runs on until it is stopped. */
static void print_jobs(FILE *out, const struct judgement *judgement)
{
    char label[16], line[1024];

    for (uint32_t i = 0; i < judgement->job_count && judgement->client_has_jobs; i++) {
        const struct job *job = &judgement->jobs[i];
        const char *says = claim_name(job->says);

        snprintf(label, sizeof label, "job %u", i);
        snprintf(line, sizeof line, "%s: %s%s", job->trigger ? job->trigger : "",
                 job->too_late ? "the client had ended" : "says ",
                 job->too_late ? ""
                 : says        ? says
                               : "nothing of it");
        text_labelled(out, label, line);
    }
}

/* ---- what was injected ---- */

/* The next firing of a fault of the plan among the events from *at on; NULL: no more. */
static const struct event *next_firing(const struct report_input *input, uint32_t fault, size_t *at)
{
    for (; *at < input->event_count; ++*at) {
        const struct event *event = &input->events[*at].event;

        if (event->kind == EVENT_FAULT && event->arg[0] == fault) {
            ++*at;
            return event;
        }
    }
    return NULL;
}

static void print_fault(FILE *out, const struct view *view, uint32_t index)
{
    const struct report_input *input = view->input;
    const struct fault *fault = &input->plan->faults[index];
    size_t at = 0;
    const struct event *firing = next_firing(input, index, &at);
    const struct view_call *call = firing ? view_find_call(view, firing->call) : NULL;
    char text[FAULT_TEXT_MAX], line[512], described[256] = "";

    fault_format(fault, text, sizeof text);
    if (call) {
        calls_describe(call, described, sizeof described);
        snprintf(line, sizeof line, "%s, fired %u; first in call %" PRIu64 " of thread %u on device %d: %s",
                 text, input->judgement->fired[index], call->ordinal,
                 view_thread_number(view, firing->process, firing->thread), firing->device, described);
    } else {
        snprintf(line, sizeof line, input->judgement->fired[index] ? "%s, fired %u" : "%s, never fired", text,
                 input->judgement->fired[index]);
    }
    text_labelled(out, "injected", line);
    text_labelled(out, "", fault_table[fault->kind].what);
    if (firing) {
        snprintf(line, sizeof line, "a correct client then %s", fault_table[fault->kind].correct_client);
        text_labelled(out, "", line);
    }
}

/* ---- operations ---- */

static void print_messages(FILE *out, const struct operation *operation)
{
    const char *label = "server";
    char line[1024];

    snprintf(line, sizeof line, "%s, %" PRIu64 " bytes", outcome_name(operation->outcome), operation->bytes);
    if (operation->outcome == OUTCOME_NOT_REACHED) {
        snprintf(line, sizeof line, "no statement reached this set");
    }
    text_labelled(out, label, line);
    for (uint32_t i = 0; i < operation->message_count; i++) {
        const struct operation_message *message = &operation->messages[i];

        snprintf(line, sizeof line, "%d (severity %d) %s", (int)message->number, (int)message->severity,
                 message->text ? message->text : "");
        text_labelled(out, "", line);
    }
}

/* Two questions: whether it was on disk when the client said so, and whether it comes back. */
static void print_stored(FILE *out, const struct operation *operation)
{
    static const char *const restores[] = {
        [DURABLE_NOT_OBSERVABLE] = "not verified (--verify CMD would tell)",
        [DURABLE_YES] = "restores, byte for byte",
        [DURABLE_NO] = "does NOT restore",
    };
    bool late = operation->sink_count > 0; /* only then are they told */
    bool safe = operation->durable == DURABLE_YES && operation->restored == DURABLE_NOT_OBSERVABLE;

    if (operation->disproved) {
        text_labelled(out, "stored", "does NOT restore from what was on disk when the client said so");
        return;
    }
    text_labelled(out, "stored", restores[operation->restored]);
    if (late) {
        text_labelled(out, "", "was NOT on disk when the client said so");
    } else if (safe) {
        text_labelled(out, "", "was on disk when the client said so");
    }
}

static void print_operation(FILE *out, const struct report_input *input, const struct operation *operation)
{
    char line[1024], heading[512], job[24];

    snprintf(job, sizeof job, ", job %d", (int)operation->job);
    snprintf(heading, sizeof heading, "Operation %d%s: set %s, database %s", (int)operation->id,
             input->judgement->client_has_jobs && operation->job >= 0 ? job : "",
             operation->set ? operation->set : "none", operation->database ? operation->database : "none");
    text_heading(out, input, heading);
    if (operation->statement) {
        snprintf(line, sizeof line, "%s (from %s%s)", operation->statement, issuer_name(operation->issued_by),
                 operation->again ? ", run again" : "");
        text_labelled(out, "statement", line);
    }
    print_messages(out, operation);
    if (input->judgement->client_ran) {
        const char *says = claim_name(operation->client_says);

        snprintf(line, sizeof line, "says %s", says ? says : "nothing of it");
        text_labelled(out, "client", line);
    }
    if (operation->is_backup && operation->outcome == OUTCOME_SUCCESS) {
        print_stored(out, operation);
    }
}

/* ---- what is not in the findings ---- */

static void print_note(FILE *out, const struct report_input *input, bool *any, const char *label,
                       const char *text)
{
    if (!*any) {
        text_heading(out, input, "Notes");
        *any = true;
    }
    text_labelled(out, label, text);
}

static void print_notes(FILE *out, const struct report_input *input)
{
    const struct suppressions *suppressions = input->suppressions;
    char line[1024];
    bool any = false;

    for (size_t i = 0; i < input->event_count; i++) {
        const struct event *event = &input->events[i].event;

        if (view_is_note(input, i)) {
            print_note(out, input, &any, note_name(event->arg[0]), input->events[i].text);
        }
    }
    if (input->events_dropped) {
        snprintf(line, sizeof line,
                 "%" PRIu64
                 " events were lost: this verdict may miss something, and "
                 "what rests on a complete record is only info",
                 input->events_dropped);
        print_note(out, input, &any, "events", line);
    }
    for (size_t i = 0; suppressions && i < suppressions->count; i++) {
        const struct suppression *entry = &suppressions->list[i];

        if (entry->used == 0 && entry->file) {
            snprintf(line, sizeof line, "%s:%u: %s fits no finding", entry->file, entry->line, entry->text);
        } else {
            snprintf(line, sizeof line, "--ignore %s fits no finding", entry->text);
        }
        if (entry->used == 0) {
            print_note(out, input, &any, "unused", line);
        }
    }
}

static void print_all(FILE *out, const struct view *view)
{
    const struct report_input *input = view->input;
    const struct judgement *judgement = input->judgement;
    char *repeat = input->repeat ? redact_text(input->repeat) : NULL;

    print_verdict(out, input);
    print_client(out, input);
    print_jobs(out, judgement);
    for (uint32_t i = 0; i < input->plan->fault_count; i++) {
        print_fault(out, view, i);
    }
    text_findings(out, view);
    for (size_t i = 0; i < judgement->operation_count; i++) {
        print_operation(out, input, &judgement->operations[i]);
    }
    print_notes(out, input);
    if (repeat) {
        fprintf(out, "\nRepeat with\n  %s\n", repeat);
    }
    free(repeat);
}

const char *report_outcome(const struct report_input *input)
{
    if (input->error) {
        return "error";
    }
    for (size_t i = 0; i < input->judgement->finding_count; i++) {
        if (input->judgement->findings[i].severity >= input->fail_on) {
            return "findings";
        }
    }
    return "clean";
}

int report_text(FILE *out, const struct report_input *input)
{
    struct view *view = NULL;
    FILE *plain = plain_open(out);
    int result = plain ? view_new(input, &view) : ENOMEM;
    int closed;

    if (!result) {
        print_all(plain, view);
    }
    closed = plain ? plain_close(plain) : 0;
    view_free(view);
    return result ? result : closed;
}
