/* view.c - see view.h. */
#include "view.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runstate.h"

const char *severity_name(enum severity severity)
{
    static const char *const names[] = {"info", "info", "warning", "error"};

    return names[severity <= SEVERITY_ERROR ? severity : SEVERITY_ERROR];
}

const char *outcome_name(enum operation_outcome outcome)
{
    static const char *const names[] = {"not-reached", "success", "failed", "aborted"};

    return names[outcome <= OUTCOME_ABORTED ? outcome : OUTCOME_FAILED];
}

const char *durable_name(enum durable durable)
{
    static const char *const names[] = {"not-observable", "yes", "no"};

    return names[durable <= DURABLE_NO ? durable : DURABLE_NOT_OBSERVABLE];
}

const char *claim_name(enum claim claim)
{
    return claim == CLAIM_SUCCESS ? "success" : claim == CLAIM_FAILURE ? "failure" : NULL;
}

const char *issuer_name(enum process_role role)
{
    return role == PROCESS_SQL ? "--sql" : role == PROCESS_VERIFY ? "--verify" : "client";
}

const char *note_name(int64_t kind)
{
    static const char *const names[] = {
        [NOTE_GUARD] = "guard", [NOTE_FILES] = "files", [NOTE_INTERPOSER] = "interposer",
        [NOTE_PROOF] = "proof", [NOTE_AGAIN] = "again", [NOTE_AGAIN_CONTROL] = "again",
        [NOTE_TIME] = "time",   [NOTE_JOB] = "job",     [NOTE_VERDICT] = "verdict",
        [NOTE_STOP] = "stop"};

    return kind >= NOTE_GUARD && kind < NOTE_KIND_END ? names[kind] : "note";
}

bool view_is_note(const struct report_input *input, size_t index)
{
    const struct report_event *note = &input->events[index];
    int64_t kind = note->event.arg[0];

    if (note->event.kind != EVENT_NOTE || kind == NOTE_JOB || kind == NOTE_VERDICT || kind == NOTE_STOP) {
        return false;
    }
    for (size_t i = 0; i < index; i++) {
        if (input->events[i].event.kind == EVENT_NOTE && strcmp(input->events[i].text, note->text) == 0) {
            return false;
        }
    }
    return true;
}

static bool is_clients(const struct event *event)
{
    return event->side == EVENT_SIDE_CLIENT;
}

uint32_t view_process_number(const struct view *view, uint32_t process)
{
    for (size_t i = 0; i < view->process_count; i++) {
        if (view->processes[i] == process) {
            return (uint32_t)i + 1;
        }
    }
    return 0;
}

uint32_t view_thread_number(const struct view *view, uint32_t process, uint32_t thread)
{
    for (size_t i = 0; i < view->thread_count; i++) {
        if (view->threads[i].thread == thread && view->threads[i].process == process) {
            return (uint32_t)i + 1;
        }
    }
    return 0;
}

static int number_process(struct view *view, uint32_t process)
{
    uint32_t *grown;

    if (view_process_number(view, process)) {
        return 0;
    }
    grown = realloc(view->processes, (view->process_count + 1) * sizeof *grown);
    if (!grown) {
        return ENOMEM;
    }
    view->processes = grown;
    view->processes[view->process_count++] = process;
    return 0;
}

static int number_thread(struct view *view, uint32_t process, uint32_t thread)
{
    struct view_thread *grown;

    if (view_thread_number(view, process, thread)) {
        return 0;
    }
    grown = realloc(view->threads, (view->thread_count + 1) * sizeof *grown);
    if (!grown) {
        return ENOMEM;
    }
    view->threads = grown;
    view->threads[view->thread_count++] = (struct view_thread){process, thread};
    return 0;
}

static int compare_sequence(const void *key, const void *element)
{
    uint64_t sequence = *(const uint64_t *)key;
    uint64_t other = ((const struct view_call *)element)->begin->event.sequence;

    return sequence < other ? -1 : sequence > other;
}

const struct view_call *view_find_call(const struct view *view, uint64_t sequence)
{
    if (sequence == 0 || view->call_count == 0) {
        return NULL;
    }
    return bsearch(&sequence, view->calls, view->call_count, sizeof *view->calls, compare_sequence);
}

static void take_begin(struct view *view, const struct report_event *event)
{
    view->calls[view->call_count++] = (struct view_call){.begin = event, .repeated = event->event.repeat};
}

static void take_end(struct view *view, const struct report_event *event)
{
    struct view_call *call = (struct view_call *)view_find_call(view, event->event.call);

    if (call && !call->end && call->begin->event.function == event->event.function) {
        call->end = event;
        call->repeated = event->event.repeat > call->repeated ? event->event.repeat : call->repeated;
    }
}

/* Once the ends have told how many calls each one stands for. */
static void number_calls(struct view *view)
{
    uint64_t ordinal = 0;

    for (size_t i = 0; i < view->call_count; i++) {
        struct view_call *call = &view->calls[i];

        if ((call->begin->event.flags & EVENT_FLAG_BY_FAULT) == 0) {
            call->ordinal = ++ordinal;
            ordinal += call->repeated;
        }
    }
}

static int fill(struct view *view)
{
    const struct report_input *input = view->input;
    int result = 0;

    for (size_t i = 0; i < input->event_count && result == 0; i++) {
        const struct event *event = &input->events[i].event;

        if (event->kind == EVENT_CALL_BEGIN && event->function < VDI_FN_COUNT && is_clients(event)) {
            take_begin(view, &input->events[i]);
        } else if (event->kind == EVENT_CALL_END && event->function < VDI_FN_COUNT && is_clients(event)) {
            take_end(view, &input->events[i]);
        }
        if (is_clients(event)) {
            result = number_process(view, event->process);
            result = result ? result : number_thread(view, event->process, event->thread);
        }
    }
    number_calls(view);
    /* Processes that made no call are known from what the supervisor tells of them: they come after. */
    for (size_t i = 0; i < input->judgement->finding_count && result == 0; i++) {
        const struct finding *finding = &input->judgement->findings[i];

        result = finding->process ? number_process(view, finding->process) : 0;
    }
    return result;
}

int view_new(const struct report_input *input, struct view **out)
{
    struct view *view = calloc(1, sizeof *view);
    int result = view ? 0 : ENOMEM;

    assert(input && input->judgement && input->plan && out);
    *out = NULL;
    if (result) {
        return result;
    }
    view->input = input;
    view->start_ns = input->event_count ? input->events[0].event.time_ns : 0;
    view->calls = calloc(input->event_count + 1, sizeof *view->calls);
    view->symbols = input->symbols;
    view->owns_symbols = !input->symbols;
    result = !view->calls ? ENOMEM : view->symbols ? 0 : symbols_new(&view->symbols);
    result = result ? result : fill(view);
    if (result) {
        view_free(view);
        return result;
    }
    *out = view;
    return 0;
}

void view_free(struct view *view)
{
    if (view) {
        if (view->owns_symbols) {
            symbols_free(view->symbols);
        }
        free(view->calls);
        free(view->processes);
        free(view->threads);
        free(view);
    }
}

void view_frames(const struct view *view, const struct stack *stack, struct frames *frames)
{
    frames_read(view->symbols, stack, frames);
}

uint64_t view_fingerprint(const struct view *view, const struct finding *finding)
{
    char place[512], text[768];
    const char *function = finding->function < VDI_FN_COUNT ? vdi_function_names[finding->function] : "";
    struct frames frames;

    view_frames(view, finding->stack, &frames);
    frames_stable_text(&frames, place, sizeof place);
    snprintf(text, sizeof text, "%s|%s|%s", finding->rule->id, function, place);
    return run_name_hash(text);
}
