/* See event_log.h. */
#include "event_log.h"

#include <string.h>

#include "trace.h"

enum {
    TEXT_BYTES = sizeof(((struct event *)0)->text)
};

static uint32_t records_of(const char *text)
{
    return (uint32_t)((strnlen(text, EVENT_TEXT_MAX) + TEXT_BYTES - 1) / TEXT_BYTES);
}

void event_log_clear(struct event_log *log)
{
    atomic_store_explicit(&log->used, 0, memory_order_relaxed);
    atomic_store_explicit(&log->lost, 0, memory_order_relaxed);
}

void event_log_add(void *context, const struct event *event, const char *text)
{
    struct event_log *log = context;
    uint32_t used = atomic_load_explicit(&log->used, memory_order_relaxed);
    uint32_t records = records_of(text);
    size_t size = sizeof *event + (size_t)records * TEXT_BYTES;
    if (used > EVENT_LOG_BYTES || size > EVENT_LOG_BYTES - used) {
        atomic_fetch_add_explicit(&log->lost, 1, memory_order_relaxed);
        return;
    }
    struct event copy = *event;
    copy.text_records = records;
    memcpy(log->bytes + used, &copy, sizeof copy);
    memset(log->bytes + used + sizeof copy, 0, size - sizeof copy);
    memcpy(log->bytes + used + sizeof copy, text, strnlen(text, EVENT_TEXT_MAX));
    atomic_store_explicit(&log->used, used + (uint32_t)size, memory_order_release);
}

/* ---- reading ---- */

uint64_t event_log_read(const struct event_log *log,
                        void (*take)(void *context, const struct event *event, const char *text),
                        void *context)
{
    char text[EVENT_TEXT_MAX + 1];
    uint64_t sequence = 0;
    uint64_t lost = atomic_load_explicit(&log->lost, memory_order_relaxed);
    size_t used = atomic_load_explicit(&log->used, memory_order_acquire);
    if (used > EVENT_LOG_BYTES) {
        return lost + 1;
    }
    for (size_t at = 0; at < used;) {
        struct event event;
        size_t left = used - at;
        if (left < sizeof event) {
            return lost + 1;
        }
        memcpy(&event, log->bytes + at, sizeof event);
        size_t length = (size_t)event.text_records * TEXT_BYTES;
        if (event_defect(&event) != NULL || event.sequence < sequence || length > EVENT_TEXT_MAX ||
            length > left - sizeof event) {
            return lost + 1;
        }
        memcpy(text, log->bytes + at + sizeof event, length);
        text[length] = '\0';
        take(context, &event, text);
        sequence = event.sequence;
        at += sizeof event + length;
    }
    return lost;
}

/* ---- the trace ---- */

static void count(void *context, const struct event *event, const char *text)
{
    (void)event;
    (void)text;
    ++*(uint64_t *)context;
}

/* The writer remembers its first error. */
static void write_one(void *context, const struct event *event, const char *text)
{
    (void)trace_write_event(context, event, text);
}

int event_log_write(const struct event_log *log, FILE *out, const char *const *strings, size_t string_count)
{
    struct trace_numbers numbers = {0};
    struct trace_writer *writer = NULL;
    numbers.dropped = event_log_read(log, count, &numbers.events);
    int error = trace_write_start(out, &numbers, strings, string_count, &writer);
    if (error != 0) {
        return error;
    }
    (void)event_log_read(log, write_one, writer);
    return trace_write_end(writer);
}
