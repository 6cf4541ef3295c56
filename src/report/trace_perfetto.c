/* trace_perfetto.c - a trace in the Trace Event Format, which Perfetto and Chrome show; see trace_print.h.
 *
 * The format's rules that this keeps: every B has its E on the same thread and nothing crosses; times ascend; b and e
 * of an asynchronous slice share category, id and process; a flow begins and ends within slices. A command in the
 * client's hands is a slice of its device, which is shown as a process of its own: commands overlap, and calls of one
 * thread do not.
 */
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "calls.h"
#include "json_text.h"
#include "trace_select.h"
#include "vdi.h"

enum {
    DEVICE_PROCESS = 1000000000, /* above every process number */
    OPEN_CALLS_MAX = 16,         /* of one thread: calls of faults lie within the client's */
    SLICES_MAX = 1 << 20,        /* open at once */
};

/* A thread and the calls that are open on it, outermost first. */
struct track {
    uint32_t process, thread;
    uint32_t open_count;
    const struct view_call *open[OPEN_CALLS_MAX];
};

/* What may overlap others of its kind: a command between its fetch and the CompleteCommand that took it, a
 * statement. */
struct slice {
    const char *category;
    int64_t number;     /* of the fetch, or of the statement in its process */
    json_int_t process; /* it is shown in */
    bool ended;
    char name[48];
};

struct printer {
    FILE *out;
    const struct view *view;
    int error;
    bool any;        /* an object was written */
    uint64_t now_ns; /* of the event at hand; never goes back, see take_event */
    struct track *tracks;
    size_t track_count;
    struct slice *slices;
    size_t slice_count;
};

/* ---- output ---- */

/* Takes the object; NULL: no memory. */
static void put(struct printer *printer, json_t *object)
{
    errno = 0;
    if (printer->error == 0 && object == NULL) {
        printer->error = ENOMEM;
    }
    if (printer->error == 0 &&
        (fputs(printer->any ? ",\n" : "", printer->out) == EOF ||
         json_dumpf(object, printer->out, JSON_COMPACT | JSON_REAL_PRECISION(15)) != 0)) {
        printer->error = errno != 0 ? errno : EIO;
    }
    printer->any = true;
    json_decref(object);
}

/* Microseconds since the first event. */
static double microseconds(const struct printer *printer)
{
    uint64_t start = printer->view->start_ns;
    return printer->now_ns > start ? (double)(printer->now_ns - start) / 1000.0 : 0.0;
}

static json_t *make(const struct printer *printer, const char *phase, const char *category, const char *name,
                    json_int_t process, json_int_t thread)
{
    return json_pack("{s:s, s:s, s:o, s:f, s:I, s:I}", "ph", phase, "cat", category, "name", json_text(name),
                     "ts", microseconds(printer), "pid", process, "tid", thread);
}

static json_t *with(json_t *object, const char *key, json_t *value)
{
    if (object != NULL && json_object_set_new(object, key, value) != 0) {
        json_decref(object);
        return NULL;
    }
    return object;
}

static void put_name(struct printer *printer, const char *what, json_int_t process, json_int_t thread,
                     const char *name)
{
    put(printer, json_pack("{s:s, s:s, s:I, s:I, s:{s:o}}", "ph", "M", "name", what, "pid", process, "tid",
                           thread, "args", "name", json_text(name)));
}

/* ---- threads ---- */

static struct track *find_track(struct printer *printer, uint32_t process, uint32_t thread)
{
    for (size_t i = 0; i < printer->track_count; i++) {
        if (printer->tracks[i].thread == thread && printer->tracks[i].process == process) {
            return &printer->tracks[i];
        }
    }
    return NULL;
}

static void name_track(struct printer *printer, const struct event *event, bool new_process)
{
    uint32_t process = view_process_number(printer->view, event->process);
    uint32_t thread = view_thread_number(printer->view, event->process, event->thread);
    char name[64];
    if (new_process) {
        snprintf(name, sizeof name, "%s", trace_side_name(event->side));
        if (event->side == EVENT_SIDE_CLIENT) {
            snprintf(name, sizeof name, "client process %" PRIu32, process);
        }
        put_name(printer, "process_name", event->process, event->thread, name);
    }
    snprintf(name, sizeof name, thread != 0 ? "thread %" PRIu32 : "thread", thread);
    put_name(printer, "thread_name", event->process, event->thread, name);
}

/* The event's thread, named at its first event; NULL: no memory. */
static struct track *track_of(struct printer *printer, const struct event *event)
{
    struct track *track = find_track(printer, event->process, event->thread);
    bool new_process = true;
    if (track != NULL) {
        return track;
    }
    for (size_t i = 0; i < printer->track_count; i++) {
        new_process = new_process && printer->tracks[i].process != event->process;
    }
    track = realloc(printer->tracks, (printer->track_count + 1) * sizeof *track);
    if (track == NULL) {
        printer->error = ENOMEM;
        return NULL;
    }
    printer->tracks = track;
    track += printer->track_count++;
    *track = (struct track){.process = event->process, .thread = event->thread};
    name_track(printer, event, new_process);
    return track;
}

/* ---- calls ---- */

static void put_call_end(struct printer *printer, struct track *track)
{
    const struct view_call *call = track->open[--track->open_count];
    char text[TRACE_LINE_MAX];
    calls_describe_result(call, text, sizeof text);
    json_t *object = make(printer, "E", "vdi", vdi_function_names[call->begin->event.function],
                          track->process, track->thread);
    put(printer, with(object, "args", json_pack("{s:o}", "result", json_text(text))));
}

static void put_call_begin(struct printer *printer, struct track *track, const struct view_call *call)
{
    char text[TRACE_LINE_MAX];
    calls_describe_begin(call->begin, text, sizeof text);
    json_t *object = make(printer, "B", "vdi", vdi_function_names[call->begin->event.function],
                          track->process, track->thread);
    json_t *arguments =
        json_pack("{s:o, s:I, s:i, s:I}", "what", json_text(text), "call", (json_int_t)call->ordinal,
                  "device", (int)call->begin->event.device, "times", (json_int_t)(1 + call->repeated));
    put(printer, with(object, "args", arguments));
}

/* ---- slices ---- */

static struct slice *find_slice(struct printer *printer, const char *category, int64_t number,
                                json_int_t process)
{
    for (size_t i = printer->slice_count; i-- > 0;) {
        struct slice *slice = &printer->slices[i];
        if (!slice->ended && slice->number == number && slice->process == process &&
            slice->category == category) {
            return slice;
        }
    }
    return NULL;
}

static void put_slice(struct printer *printer, const struct slice *slice, const char *phase)
{
    json_t *object = make(printer, phase, slice->category, slice->name, slice->process, 0);
    put(printer,
        with(object, "id", json_sprintf("%lld:%lld", (long long)slice->process, (long long)slice->number)));
}

/* Ended ones make room: the list is as long as slices were ever open at once. NULL: no room. */
static struct slice *free_slice(struct printer *printer, json_int_t process)
{
    for (size_t i = 0; i < printer->slice_count; i++) {
        if (printer->slices[i].ended && printer->slices[i].process == process) {
            return &printer->slices[i];
        }
    }
    if (printer->slice_count == SLICES_MAX) {
        return NULL;
    }
    struct slice *slices = realloc(printer->slices, (printer->slice_count + 1) * sizeof *slices);
    if (slices == NULL) {
        printer->error = ENOMEM;
        return NULL;
    }
    printer->slices = slices;
    return &slices[printer->slice_count++];
}

/* NULL: no room, or it is open already. */
static struct slice *begin_slice(struct printer *printer, const char *category, int64_t number,
                                 json_int_t process, const char *name)
{
    struct slice *slice =
        find_slice(printer, category, number, process) == NULL ? free_slice(printer, process) : NULL;
    if (slice != NULL) {
        *slice = (struct slice){.category = category, .number = number, .process = process};
        snprintf(slice->name, sizeof slice->name, "%s", name);
        put_slice(printer, slice, "b");
    }
    return slice;
}

static void end_slice(struct printer *printer, struct slice *slice)
{
    put_slice(printer, slice, "e");
    slice->ended = true;
}

/* ---- commands ---- */

static const char command_category[] = "command";

/* A device is a process of its own, so that what overlaps on it is no call of a thread. */
static json_int_t device_process(const struct event *event)
{
    return DEVICE_PROCESS + (json_int_t)(event->set % 1000000) * 64 +
           (event->device >= 0 ? event->device : 0);
}

static void name_device(struct printer *printer, const struct event *event, json_int_t process)
{
    char name[80];
    for (size_t i = 0; i < printer->slice_count; i++) {
        if (printer->slices[i].process == process) {
            return;
        }
    }
    snprintf(name, sizeof name, "set %" PRIu64 " device %d: commands in the client's hands", event->set,
             event->device);
    put_name(printer, "process_name", process, 0, name);
}

static void put_flow(struct printer *printer, const struct track *track, const struct slice *slice,
                     const char *phase)
{
    json_t *object = make(printer, phase, "flow", slice->name, track->process, track->thread);
    object = with(object, "id", json_integer(slice->number));
    put(printer, phase[0] == 'f' ? with(object, "bp", json_string("e")) : object);
}

/* A GetCommand brought a command: its slice and its flow begin while the call is still open. */
static void take_fetch(struct printer *printer, const struct track *track, const struct event *end)
{
    const char *command = vdi_command_name((int32_t)end->arg[1]);
    json_int_t process = device_process(end);
    char name[48];
    snprintf(name, sizeof name, "%s #%" PRId64, command != NULL ? command : "command", end->arg[5]);
    name_device(printer, end, process);
    struct slice *slice = begin_slice(printer, command_category, (int64_t)end->call, process, name);
    if (slice != NULL) {
        put_flow(printer, track, slice, "s");
    }
}

/* A CompleteCommand names the fetch of its command; the second of two takes nothing. The command may have been
 * fetched on another device. */
static void take_completion(struct printer *printer, const struct track *track, const struct event *begin)
{
    for (size_t i = printer->slice_count; i-- > 0 && begin->arg[4] != 0;) {
        struct slice *slice = &printer->slices[i];
        if (!slice->ended && slice->category == command_category && slice->number == begin->arg[4]) {
            put_flow(printer, track, slice, "f");
            end_slice(printer, slice);
            return;
        }
    }
}

/* ---- events ---- */

static void take_begin(struct printer *printer, struct track *track, const struct event *event)
{
    const struct view_call *call = view_find_call(printer->view, event->sequence);
    if (call == NULL || &call->begin->event != event || track->open_count == OPEN_CALLS_MAX) {
        return;
    }
    put_call_begin(printer, track, call);
    track->open[track->open_count++] = call;
    if (event->function == VDI_FN_COMPLETE_COMMAND) {
        take_completion(printer, track, event);
    }
}

static void take_end(struct printer *printer, struct track *track, const struct event *event)
{
    const struct view_call *call = view_find_call(printer->view, event->call);
    bool is_open = false;
    for (uint32_t i = 0; i < track->open_count; i++) {
        is_open = is_open || track->open[i] == call;
    }
    if (call == NULL || !is_open) {
        return; /* its begin was lost */
    }
    while (track->open[track->open_count - 1] != call) {
        put_call_end(printer, track); /* its end was lost */
    }
    if (event->function == VDI_FN_GET_COMMAND && event->result == 0) {
        take_fetch(printer, track, event);
    }
    put_call_end(printer, track);
}

static void put_instant(struct printer *printer, const struct track *track, const char *category,
                        const char *text)
{
    json_t *object = make(printer, "i", category, text, track->process, track->thread);
    put(printer, with(object, "s", json_string("t")));
}

static void take_statement(struct printer *printer, const struct track *track, const struct event *event,
                           const char *text)
{
    static const char category[] = "statement";
    char name[48];
    struct slice *slice = find_slice(printer, category, event->arg[0], event->process);
    snprintf(name, sizeof name, "statement %" PRId64, event->arg[0]);
    put_instant(printer, track, "server", text);
    if (event->kind == EVENT_STATEMENT_BEGIN) {
        begin_slice(printer, category, event->arg[0], event->process, name);
    } else if (slice != NULL) {
        end_slice(printer, slice);
    }
}

static void take_event(struct printer *printer, const struct report_event *report_event)
{
    const struct event *event = &report_event->event;
    struct track *track = track_of(printer, event);
    char text[TRACE_LINE_MAX];
    const char *mark;
    if (track == NULL) {
        return;
    }
    /* An event is numbered after its time was taken: the order of numbers is the true one, so times follow it. */
    if (event->time_ns > printer->now_ns) {
        printer->now_ns = event->time_ns;
    }
    if (event->kind == EVENT_CALL_BEGIN) {
        take_begin(printer, track, event);
    } else if (event->kind == EVENT_CALL_END) {
        take_end(printer, track, event);
    } else if (trace_describe(printer->view, report_event, &mark, text)) {
        if (event->kind == EVENT_STATEMENT_BEGIN || event->kind == EVENT_STATEMENT_END) {
            take_statement(printer, track, event, text);
        } else {
            put_instant(printer, track, mark, text);
        }
    }
}

/* Findings stand where their call begins. */
static void put_findings(struct printer *printer, const struct event *event)
{
    const struct judgement *judgement = printer->view->input->judgement;
    char text[FINDING_MESSAGE_MAX + 64];
    for (size_t i = 0; event->kind == EVENT_CALL_BEGIN && i < judgement->finding_count; i++) {
        const struct finding *finding = &judgement->findings[i];
        struct track *track = finding->call == event->sequence ? track_of(printer, event) : NULL;
        if (track != NULL) {
            snprintf(text, sizeof text, "%s: %s", finding->rule->id, finding->message);
            put_instant(printer, track, "finding", text);
        }
    }
}

/* Findings of the run as a whole. */
static void put_outcomes(struct printer *printer)
{
    const struct judgement *judgement = printer->view->input->judgement;
    char text[FINDING_MESSAGE_MAX + 64];
    for (size_t i = 0; i < judgement->finding_count; i++) {
        const struct finding *finding = &judgement->findings[i];
        if (finding->call == 0) {
            snprintf(text, sizeof text, "%s: %s", finding->rule->id, finding->message);
            json_t *object = make(printer, "i", "finding", text, finding->process, 0);
            put(printer, with(object, "s", json_string("g")));
        }
    }
}

/* What never ended ends with the trace. */
static void end_all(struct printer *printer)
{
    for (size_t i = 0; i < printer->track_count; i++) {
        struct track *track = &printer->tracks[i];
        while (track->open_count > 0) {
            put_call_end(printer, track);
        }
    }
    for (size_t i = 0; i < printer->slice_count; i++) {
        if (!printer->slices[i].ended) {
            end_slice(printer, &printer->slices[i]);
        }
    }
}

int trace_print_perfetto(FILE *out, const struct trace_print *print)
{
    struct trace_selection selection;
    struct printer printer = {.out = out};
    struct view *view = NULL;
    int error = view_new(print->input, &view);
    if (error != 0) {
        return error;
    }
    printer.view = view;
    trace_select(view, &print->filter, &selection);
    fputs("{\"displayTimeUnit\":\"ms\",\"traceEvents\":[\n", out);
    for (size_t i = 0; i < print->input->event_count && printer.error == 0; i++) {
        const struct report_event *event = &print->input->events[i];
        if (trace_selects(&selection, event)) {
            take_event(&printer, event);
            put_findings(&printer, &event->event);
        }
    }
    end_all(&printer);
    put_outcomes(&printer);
    fputs("\n]}\n", out);
    errno = 0;
    if (printer.error == 0 && (fflush(out) != 0 || ferror(out))) {
        printer.error = errno != 0 ? errno : EIO;
    }
    free(printer.tracks);
    free(printer.slices);
    view_free(view);
    return printer.error;
}
