/* record.c - events kept, busy loops folded. */
#include "record.h"

#include <stdlib.h>
#include <string.h>

#include "os.h"

#define NS_PER_MS 1000000

enum {
    SORTED_AT_ONCE = 1 << 16 /* events; what sorting takes in memory */
};

void record_init(struct record *record, const char *folder)
{
    *record = (struct record){.progress_ns = os_now()};
    spill_init(&record->rows, folder, RECORD_MEMORY);
    spill_init(&record->texts, folder, RECORD_MEMORY);
}

void record_free(struct record *record)
{
    for (size_t i = 0; i < record->thread_count; i++) {
        free(record->threads[i].text);
    }
    spill_free(&record->rows);
    spill_free(&record->texts);
    free(record->threads);
    free(record->statements);
    *record = (struct record){0};
}

/* A copy of `text` that lives as long as the record; "" where there is no room. */
static const char *store_text(struct record *record, const char *text)
{
    size_t size = strlen(text) + 1;
    if (size == 1) {
        return "";
    }
    if (spill_grow(&record->texts, record->text_bytes + size) != 0) {
        record->out_of_memory = true;
        return "";
    }
    char *kept = (char *)record->texts.base + record->text_bytes;
    record->text_bytes += size;
    return memcpy(kept, text, size);
}

/* The place of the stored event; SIZE_MAX: no room. */
static size_t store(struct record *record, const struct event *event, const char *text)
{
    if (spill_grow(&record->rows, (record->count + 1) * sizeof *record->events) != 0) {
        record->out_of_memory = true;
        return SIZE_MAX;
    }
    record->events = (struct report_event *)(void *)record->rows.base;
    record->events[record->count] = (struct report_event){*event, store_text(record, text)};
    return record->count++;
}

void record_keep(struct record *record, const struct event *event, const char *text)
{
    store(record, event, text);
}

static void note_time(struct record *record)
{
    int64_t ahead = record->state != NULL ? run_clock_ahead(record->state) : 0;
    record->progress_ns = os_now() + ahead;
    record->waits = 0;
}

/* A fault that takes time (delay, late-close, server-slow, busy-database) ends by itself: who waits meanwhile waits for
 * what comes, and need not know how long (design 4.5: what a fault did is never the client's violation). */
static void note_fault(struct record *record, const struct event *event)
{
    const struct plan *plan = record->plan;
    note_time(record);
    if (plan != NULL && event->arg[0] >= 0 && event->arg[0] < (int64_t)plan->fault_count) {
        int64_t ms = plan->faults[event->arg[0]].arg[FAULT_ARG_MS];
        int64_t end = record->progress_ns + ms * NS_PER_MS;
        record->held_ns = end > record->held_ns ? end : record->held_ns;
    }
}

static struct record_thread *find_thread(const struct record *record, uint32_t process, uint32_t thread)
{
    for (size_t i = 0; i < record->thread_count; i++) {
        const struct event *begin = &record->threads[i].begin;
        if (begin->thread == thread && begin->process == process) {
            return &record->threads[i];
        }
    }
    return NULL;
}

static struct record_thread *add_thread(struct record *record, const struct event *begin)
{
    size_t size = (record->thread_count + 1) * sizeof *record->threads;
    struct record_thread *threads = realloc(record->threads, size);
    if (threads == NULL) {
        record->out_of_memory = true;
        return NULL;
    }
    record->threads = threads;
    struct record_thread *thread = &threads[record->thread_count++];
    *thread = (struct record_thread){.begin = *begin};
    return thread;
}

static void flush_held(struct record *record, struct record_thread *thread)
{
    if (thread->held) {
        thread->begin_at = store(record, &thread->begin, thread->text != NULL ? thread->text : "");
        thread->held = false;
    }
    thread->can_fold = false;
}

static bool same_call(const struct event *a, const struct event *b)
{
    return a->function == b->function && a->device == b->device && a->operation == b->operation &&
           a->set == b->set && a->flags == b->flags && a->result == b->result &&
           memcmp(a->arg, b->arg, sizeof a->arg) == 0;
}

static void take_begin(struct record *record, const struct event *event, const char *text)
{
    struct record_thread *thread = find_thread(record, event->process, event->thread);
    if (thread == NULL && (thread = add_thread(record, event)) == NULL) {
        return;
    }
    if (thread->held) {
        flush_held(record, thread); /* its end was lost */
    }
    bool fold = thread->can_fold && same_call(&thread->begin, event) &&
                strcmp(thread->text != NULL ? thread->text : "", text) == 0;
    free(thread->text);
    thread->text = text[0] != '\0' ? strdup(text) : NULL;
    thread->begin = *event;
    thread->open = true;
    thread->held = fold;
    if (!fold) {
        thread->can_fold = false;
        thread->begin_at = store(record, event, text);
    }
    record->calls++;
}

static void note_progress(struct record *record, struct record_thread *thread, const struct event *end)
{
    if (end->result != 0) {
        thread->idle_calls++;
        record->idle_calls++;
        return;
    }
    thread->idle_calls = 0;
    note_time(record);
    if (end->function == VDI_FN_GET_COMMAND && end->arg[2] > 0) {
        record->bytes += (uint64_t)end->arg[2];
    }
    if (end->function == VDI_FN_CREATE && record->on_set != NULL) {
        record->on_set(record->on_set_context, end, thread->text != NULL ? thread->text : "",
                       thread->begin.arg[0]);
    }
}

static void take_end(struct record *record, const struct event *event, const char *text)
{
    struct record_thread *thread = find_thread(record, event->process, event->thread);
    if (thread == NULL || !thread->open || thread->begin.sequence != event->call) {
        store(record, event, text);
        return;
    }
    thread->open = false;
    note_progress(record, thread, event);
    if (thread->held && same_call(&record->events[thread->end_at].event, event)) {
        record->events[thread->end_at].event.repeat++;
        thread->held = false;
        return;
    }
    flush_held(record, thread);
    thread->end_at = store(record, event, text);
    thread->can_fold =
        thread->begin_at != SIZE_MAX && thread->end_at != SIZE_MAX && event->result != 0 && text[0] == '\0';
}

static struct record_statement *find_statement(struct record *record, const struct event *event)
{
    for (size_t i = 0; i < record->statement_count; i++) {
        struct record_statement *statement = &record->statements[i];
        if (statement->process == event->process && statement->number == event->arg[0]) {
            return statement;
        }
    }
    size_t size = (record->statement_count + 1) * sizeof *record->statements;
    struct record_statement *statements = realloc(record->statements, size);
    if (statements == NULL) {
        record->out_of_memory = true;
        return NULL;
    }
    record->statements = statements;
    statements += record->statement_count++;
    *statements =
        (struct record_statement){.process = event->process, .number = event->arg[0], .operation = -1};
    return statements;
}

static void take_server(struct record *record, const struct event *event)
{
    struct record_statement *statement = find_statement(record, event);
    if (statement == NULL) {
        return;
    }
    switch (event->kind) {
    case EVENT_STATEMENT_OPEN:
        statement->operation = event->operation;
        break;
    case EVENT_STATEMENT_END:
        statement->ended = true;
        break;
    case EVENT_SERVER_WAIT:
        statement->waiting = true;
        statement->outstanding = event->arg[1];
        statement->device = event->device;
        return; /* no progress: both sides stand still */
    case EVENT_SERVER_RESUME:
        statement->waiting = false;
        return;
    default:
        break;
    }
    note_time(record);
}

void record_take(void *context, const struct event *event, const char *text)
{
    struct record *record = context;
    record->taken++;
    bool own_call =
        (event->flags & EVENT_FLAG_BY_FAULT) == 0; /* a fault's call lies inside one of the client's */
    if (event->kind == EVENT_CALL_BEGIN && own_call) {
        take_begin(record, event, text);
        return;
    }
    if (event->kind == EVENT_CALL_END && own_call) {
        take_end(record, event, text);
        return;
    }
    struct record_thread *thread = find_thread(record, event->process, event->thread);
    if (thread != NULL) {
        flush_held(record, thread); /* something happened between: what follows is no mere repetition */
    }
    store(record, event, text);
    if (event->kind == EVENT_FAULT) {
        note_fault(record, event);
    }
    if (event->kind == EVENT_ACCESS) {
        record->access = *event;
    }
    if (event->kind >= EVENT_STATEMENT_BEGIN && event->kind <= EVENT_SERVER_RESUME) {
        take_server(record, event);
    }
}

static int by_sequence(const void *left, const void *right)
{
    uint64_t a = ((const struct report_event *)left)->event.sequence;
    uint64_t b = ((const struct report_event *)right)->event.sequence;
    return a < b ? -1 : a > b;
}

/* Merges the sorted events from `middle` to `end` into the sorted ones before them; `spare` has room for the
 * former. Both are nearly in order: little moves. */
static void merge(struct report_event *events, size_t middle, size_t end, struct report_event *spare)
{
    size_t left = middle, right = end - middle;
    memcpy(spare, events + middle, right * sizeof *events);
    while (right > 0 && left > 0) {
        bool take_left = by_sequence(&events[left - 1], &spare[right - 1]) > 0;
        events[--end] = take_left ? events[--left] : spare[--right];
    }
    memcpy(events + left, spare, right * sizeof *events);
}

/* By sequence, with little memory whatever their number. */
static void sort(struct record *record)
{
    struct report_event *spare = malloc(SORTED_AT_ONCE * sizeof *spare);
    if (spare == NULL) {
        record->out_of_memory = true;
        return;
    }
    for (size_t start = 0; start < record->count; start += SORTED_AT_ONCE) {
        size_t left = record->count - start;
        size_t length = left < SORTED_AT_ONCE ? left : SORTED_AT_ONCE;
        qsort(record->events + start, length, sizeof *record->events, by_sequence);
        merge(record->events, start, start + length, spare);
    }
    free(spare);
}

void record_finish(struct record *record)
{
    for (size_t i = 0; i < record->thread_count; i++) {
        flush_held(record, &record->threads[i]);
    }
    sort(record);
}

const struct record_thread *record_open_call(const struct record *record, uint32_t process, uint32_t thread)
{
    const struct record_thread *found = find_thread(record, process, thread);
    return found != NULL && found->open ? found : NULL;
}

int64_t record_last_sign(const struct record *record)
{
    return record->held_ns > record->progress_ns ? record->held_ns : record->progress_ns;
}

uint64_t record_longest_idle(const struct record *record)
{
    uint64_t longest = 0;
    for (size_t i = 0; i < record->thread_count; i++) {
        if (record->threads[i].idle_calls > longest) {
            longest = record->threads[i].idle_calls;
        }
    }
    return longest;
}
