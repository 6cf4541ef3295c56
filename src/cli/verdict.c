/* verdict.c - judging a session. */
#include "verdict.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "dialect.h"
#include "recorded.h"
#include "site.h"

/* "GetCommand#9 was reached 3 times at most on one device" */
static void explain_site(const struct record *record, const struct fault *fault, char *why, size_t size)
{
    struct site_count count;
    char text[FAULT_TEXT_MAX];
    fault_format(fault, text, sizeof text);
    site_count(record, &fault->site, &count);
    const char *name = fault->site.function != 0 ? vdi_function_names[fault->site.function]
                                                 : vdi_command_name(fault->site.command);
    if (count.total == 0) {
        snprintf(why, size, "fault %s never fired: %s was never reached in operation %d", text, name,
                 fault->site.operation);
        return;
    }
    int used = snprintf(why, size, "fault %s never fired: %s was reached %" PRIu64 " times in operation %d",
                        text, name, count.total, fault->site.operation);
    for (int i = 0; i < 64 && used > 0 && (size_t)used < size; i++) {
        if (count.device[i] > 0) {
            used +=
                snprintf(why + used, size - (size_t)used, ", %" PRIu64 " on device %d", count.device[i], i);
        }
    }
    const char *unless = fault_table[fault->kind].unless;
    if (unless != NULL && used > 0 && (size_t)used < size) {
        snprintf(why + used, size - (size_t)used, "; it fires there unless %s", unless);
    }
}

/* What the interposer says about itself in this run; NULL: nothing. */
static const char *find_note(const struct record *record)
{
    for (size_t i = 0; i < record->count; i++) {
        const struct event *event = &record->events[i].event;
        if (event->kind == EVENT_NOTE && event->arg[0] == NOTE_INTERPOSER) {
            return record->events[i].text;
        }
    }
    return NULL;
}

static void explain_silence(const struct record *record, char *why, size_t size)
{
    const char *note = find_note(record);
    if (note != NULL) {
        snprintf(why, size, "the client made no VDI call; %s", note);
        return;
    }
    snprintf(why, size,
             "the client made no VDI call: it ended before, it is not the program that uses "
             "libsqlvdi.so, or it"
             " loads the library in a way that hides it (RTLD_DEEPBIND)%s",
             geteuid() == 0 ? "; or what uses it becomes another user, who may not enter the run's folder: "
                              "--as USER starts all of the client as that one"
                            : "");
}

void verdict_nothing_shown(const struct record *record, const struct plan *plan, const uint32_t *fired,
                           uint64_t vdi_calls, uint64_t lost, char *why, size_t size)
{
    why[0] = '\0';
    if (vdi_calls == 0 && lost > 0) {
        snprintf(why, size,
                 "none of the client's VDI calls could be recorded, %" PRIu64
                 " events were lost: is the file system of the scratch folder (TMPDIR) full?",
                 lost);
        return;
    }
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if (fired[i] == 0) {
            explain_site(record, &plan->faults[i], why, size);
            if (vdi_calls == 0) {
                size_t used = strlen(why);
                const char *note = find_note(record);
                snprintf(why + used, size - used, "; the client made no VDI call at all%s%s",
                         note != NULL ? "; " : "", note != NULL ? note : "");
            }
            return;
        }
    }
    if (plan->fault_count == 0 && vdi_calls == 0) {
        explain_silence(record, why, size);
    }
}

int verdict_value(const struct verdict *verdict, json_t **value)
{
    json_t *calls = NULL;
    int error = report_value(&verdict->report, value);
    if (error == 0) {
        error = report_sequence(&verdict->report, &calls);
    }
    if (error == 0 && json_object_set_new(*value, "calls", calls) != 0) {
        error = ENOMEM;
    }
    if (error != 0) {
        json_decref(*value);
        *value = NULL;
    }
    return error;
}

static int write_json(const struct verdict *verdict, FILE *out)
{
    json_t *value = NULL;
    int error = verdict_value(verdict, &value);
    errno = 0;
    if (error == 0 &&
        (json_dumpf(value, out, JSON_INDENT(2)) != 0 || fputc('\n', out) == EOF || fflush(out) != 0)) {
        error = errno != 0 ? errno : EIO;
    }
    json_decref(value);
    return error;
}

int verdict_write(const struct verdict *verdict, FILE *text, FILE *json)
{
    struct report_input report = verdict->report;
    int error = json != NULL ? write_json(verdict, json) : 0;
    if (text == NULL) {
        return error;
    }
    report.color = isatty(fileno(text)) != 0 && getenv("NO_COLOR") == NULL;
    int text_error = report_text(text, &report);
    if (text_error == 0 && fflush(text) != 0) {
        text_error = errno;
    }
    return error != 0 ? error : text_error;
}

static bool has_finding(const struct judgement *judgement, enum severity fail_on)
{
    for (size_t i = 0; i < judgement->finding_count; i++) {
        if (judgement->findings[i].severity >= fail_on) {
            return true;
        }
    }
    return false;
}

static int feed(struct checker *checker, const struct record *record)
{
    int error = 0;
    for (size_t i = 0; i < record->count && error == 0; i++) {
        error = checker_feed(checker, &record->events[i].event, record->events[i].text);
    }
    return error;
}

/* The exit status; the reason why a run shows nothing goes into the report as its error. */
static int conclude(const struct verdict_input *input, struct judgement *judgement, char *why, size_t size)
{
    const struct session *session = input->session;
    bool found = has_finding(judgement, input->options->fail_on);
    why[0] = '\0';
    if (session->error[0] != '\0') {
        snprintf(why, size, "%s", session->error);
    } else if (session->record.out_of_memory) {
        snprintf(why, size, "no memory for the events of the run");
    } else if (!found && session->doubt[0] != '\0') {
        snprintf(why, size, "%s", session->doubt);
    } else if (!found || (input->plan->fault_count == 0 && judgement->vdi_calls == 0)) {
        verdict_nothing_shown(&session->record, input->plan, judgement->fired, judgement->vdi_calls,
                              session->lost, why, size);
    }
    return why[0] != '\0' ? CLI_SETUP : found ? CLI_FINDINGS : CLI_CLEAN;
}

/* Without what is to be ignored, and with paths as the command has them. 0 or ENOMEM. */
static int take_findings(struct verdict *verdict, const struct verdict_input *input,
                         const struct judgement *judged)
{
    struct suppressions *suppressions = input->options->suppressions;
    verdict->judgement = *judged;
    verdict->judgement.findings = calloc(judged->finding_count + 1, sizeof *judged->findings);
    if (verdict->judgement.findings == NULL) {
        return ENOMEM;
    }
    memcpy(verdict->judgement.findings, judged->findings, judged->finding_count * sizeof *judged->findings);
    if (suppressions != NULL) {
        verdict->judgement.finding_count = suppressions_apply(
            suppressions, verdict->symbols, verdict->judgement.findings, judged->finding_count);
    }
    verdict->ignored = judged->finding_count - verdict->judgement.finding_count;
    for (size_t i = 0; i < verdict->judgement.finding_count; i++) {
        rundir_contract(verdict->judgement.findings[i].message);
    }
    return 0;
}

static struct report_input to_report(const struct verdict *verdict, const struct verdict_input *input)
{
    const struct session *session = input->session;
    return (struct report_input){
        .judgement = &verdict->judgement,
        .plan = input->plan,
        .events = session->record.events,
        .event_count = session->record.count,
        .events_dropped = session->lost,
        .client_argc = input->options->client_argc,
        .client_argv = input->options->client_argv,
        .wall_ms = session->wall_ms,
        .error = verdict->why[0] != '\0' ? verdict->why : NULL,
        .repeat = input->repeat,
        .fail_on = input->options->fail_on,
        .verbose = input->options->verbose,
        .symbols = verdict->symbols,
        .suppressions = input->options->suppressions,
        .ignored = verdict->ignored,
        .recorded = recorded_points(&input->plan->profile, getenv(DIALECT_VARIABLE)),
    };
}

int verdict_make(struct verdict *verdict, const struct verdict_input *input)
{
    const struct judgement *judged = NULL;
    *verdict = (struct verdict){.symbols = input->symbols, .owns_symbols = input->symbols == NULL};
    int error = verdict_judge(input->plan, input->session, &verdict->checker, &judged);
    if (error == 0 && verdict->owns_symbols) {
        error = symbols_new(&verdict->symbols);
    }
    if (error == 0) {
        error = take_findings(verdict, input, judged);
    }
    if (error == 0) {
        verdict->status = conclude(input, &verdict->judgement, verdict->why, sizeof verdict->why);
        verdict->report = to_report(verdict, input);
    }
    return error;
}

void verdict_free(struct verdict *verdict)
{
    free(verdict->judgement.findings);
    if (verdict->owns_symbols) {
        symbols_free(verdict->symbols);
    }
    checker_free(verdict->checker);
    *verdict = (struct verdict){0};
}

int verdict_judge(const struct plan *plan, const struct session *session, struct checker **checker,
                  const struct judgement **judgement)
{
    int error = checker_new(plan, checker);
    if (error == 0 && session->lost > 0) {
        checker_gap(*checker);
    }
    if (error == 0) {
        error = feed(*checker, &session->record);
    }
    *judgement = error == 0 ? checker_finish(*checker) : NULL;
    return error == 0 && *judgement == NULL ? ENOMEM : error;
}

int verdict_report(const struct verdict_input *input, FILE *text, FILE *json)
{
    struct verdict verdict;
    int error = verdict_make(&verdict, input);
    int status = verdict.status;
    if (error != 0) {
        cli_error("run: cannot judge the run: %s", strerror(error));
        status = CLI_SETUP;
    } else if ((error = verdict_write(&verdict, text, json)) != 0) {
        cli_error("run: cannot write the report: %s", strerror(error));
        status = CLI_SETUP;
    }
    verdict_free(&verdict);
    return status;
}
