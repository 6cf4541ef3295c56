/* recorded.h - numbered events that a child records and a collector brings back. */
#ifndef TEST_SCENARIO_RECORDED_H
#define TEST_SCENARIO_RECORDED_H

#include <errno.h>
#include <string.h>

#include "run_folder.h"

struct taken {
    size_t count;
    uint64_t last_sequence;
    uint64_t processes[8];
    size_t process_count;
    uint64_t first_arg;
    uint64_t last_arg;
    bool bad_text;
    size_t texts;
};

static inline void expected_text(char *text, size_t size, uint64_t number)
{
    size_t length = number % (size - 1);
    for (size_t i = 0; i < length; i++) {
        text[i] = (char)('a' + (number + i) % 26);
    }
    text[length] = '\0';
}

static inline void take(void *context, const struct event *event, const char *text)
{
    struct taken *taken = context;
    char expected[201];
    taken->first_arg = taken->count == 0 ? (uint64_t)event->arg[0] : taken->first_arg;
    taken->last_arg = (uint64_t)event->arg[0];
    taken->count++;
    taken->last_sequence = event->sequence;
    expected_text(expected, sizeof(expected), (uint64_t)event->arg[0]);
    taken->bad_text = taken->bad_text || strcmp(text, expected) != 0;
    taken->texts += text[0] != '\0';
}

static inline void record(uint64_t number)
{
    struct event event = {.kind = EVENT_STATEMENT_BEGIN, .side = EVENT_SIDE_CLIENT, .arg = {(int64_t)number}};
    char text[201];
    expected_text(text, sizeof(text), number);
    errno = 4711;
    event_record(&event, text);
    CHECK(errno == 4711);
}

static inline struct taken drained(struct run *run)
{
    struct taken taken = {0};
    struct collector *collector = NULL;
    assert_int_equal(collector_open(run->folder, run->state, &collector), 0);
    collector_drain(collector, take, &taken);
    collector_close(collector);
    return taken;
}

enum {
    FEW = 500,
    MANY = 20000
};

static inline void record_few(void)
{
    for (uint64_t i = 0; i < FEW; i++) {
        record(i);
    }
}

static inline void record_many(void)
{
    for (uint64_t i = 0; i < MANY; i++) {
        record(i);
    }
}

static inline void record_for_ever(void)
{
    for (uint64_t i = 0;; i++) {
        record(i);
    }
}

#endif
