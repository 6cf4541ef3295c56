#include "perfetto.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum {
    OPEN_MAX = 64,
    THREADS_MAX = 512,
    IDS_MAX = 20000
};

struct thread {
    json_int_t process, number;
    size_t depth;
    const char *open[OPEN_MAX];
    double last;
};

struct id {
    char text[160];
    int state; /* 1: begun, 2: ended */
};

struct checker {
    struct thread threads[THREADS_MAX];
    size_t thread_count;
    struct id ids[IDS_MAX];
    size_t id_count;
    struct perfetto *seen;
};

static const char *text_of(const json_t *event, const char *key)
{
    const char *text = json_string_value(json_object_get(event, key));
    if (text == NULL) {
        fail_msg("no text '%s' in %s", key, json_dumps(event, 0));
    }
    return text;
}

static struct thread *thread_of(struct checker *checker, const json_t *event)
{
    json_t *process = json_object_get(event, "pid"), *number = json_object_get(event, "tid");
    assert_true(json_is_integer(process) && json_is_integer(number));
    for (size_t i = 0; i < checker->thread_count; i++) {
        struct thread *thread = &checker->threads[i];
        if (thread->process == json_integer_value(process) && thread->number == json_integer_value(number)) {
            return thread;
        }
    }
    assert_true(checker->thread_count < THREADS_MAX);
    struct thread *thread = &checker->threads[checker->thread_count++];
    *thread = (struct thread){json_integer_value(process), json_integer_value(number), 0, {0}, 0};
    return thread;
}

/* An asynchronous slice or a flow: by category, id and, for slices, process. */
static struct id *id_of(struct checker *checker, const json_t *event, const char *group)
{
    char *id = json_dumps(json_object_get(event, "id"), JSON_ENCODE_ANY);
    char text[160];
    assert_non_null(id);
    snprintf(text, sizeof text, "%s %s %s", group, text_of(event, "cat"), id);
    free(id);
    for (size_t i = checker->id_count; i-- > 0;) {
        if (strcmp(checker->ids[i].text, text) == 0) {
            return &checker->ids[i];
        }
    }
    assert_true(checker->id_count < IDS_MAX);
    struct id *fresh = &checker->ids[checker->id_count++];
    *fresh = (struct id){0};
    memcpy(fresh->text, text, sizeof text);
    return fresh;
}

static void take_slice(struct checker *checker, struct thread *thread, const char *name, char phase)
{
    if (phase == 'B') {
        assert_true(thread->depth < OPEN_MAX);
        thread->open[thread->depth++] = name;
        return;
    }
    assert_true(thread->depth > 0);
    assert_string_equal(thread->open[--thread->depth], name);
    checker->seen->slices++;
}

static void take_pair(struct checker *checker, const json_t *event, char phase, const struct thread *thread)
{
    bool is_flow = phase == 's' || phase == 'f';
    bool begins = phase == 'b' || phase == 's';
    char group[32];
    snprintf(group, sizeof group, "%lld", is_flow ? -1LL : (long long)thread->process);
    struct id *id = id_of(checker, event, group);
    if (begins ? id->state == 1 : id->state != 1) {
        fail_msg("%c of %s out of turn", phase, id->text);
    }
    id->state = begins ? 1 : 2;
    assert_true(!is_flow || thread->depth > 0);
    checker->seen->flows += phase == 'f';
    checker->seen->commands += phase == 'e';
}

static void take(struct checker *checker, const json_t *event, double *last)
{
    const char *phase = text_of(event, "ph");
    const char *name = text_of(event, "name");
    struct thread *thread = thread_of(checker, event);
    assert_int_equal(strlen(phase), 1);
    assert_non_null(strchr("MBEbesfi", phase[0]));
    if (phase[0] == 'M') {
        assert_non_null(json_string_value(json_object_get(json_object_get(event, "args"), "name")));
        return;
    }
    json_t *time = json_object_get(event, "ts");
    assert_true(json_is_number(time));
    assert_true(json_number_value(time) >= *last);
    *last = json_number_value(time);
    if (phase[0] == 'B' || phase[0] == 'E') {
        take_slice(checker, thread, name, phase[0]);
    } else if (phase[0] == 'i') {
        assert_non_null(strchr("tg", text_of(event, "s")[0]));
        checker->seen->instants++;
    } else {
        take_pair(checker, event, phase[0], thread);
    }
}

void perfetto_check(const char *text, struct perfetto *seen)
{
    json_error_t error;
    json_t *root = json_loads(text, JSON_REJECT_DUPLICATES, &error);
    struct checker *checker = calloc(1, sizeof *checker);
    size_t i;
    json_t *event;
    double last = 0;
    if (root == NULL) {
        fail_msg("no JSON: %s at %d", error.text, error.position);
    }
    *seen = (struct perfetto){0};
    checker->seen = seen;
    assert_true(json_is_array(json_object_get(root, "traceEvents")));
    json_array_foreach(json_object_get(root, "traceEvents"), i, event)
    {
        take(checker, event, &last);
    }
    for (i = 0; i < checker->thread_count; i++) {
        assert_int_equal(checker->threads[i].depth, 0);
    }
    for (i = 0; i < checker->id_count; i++) { /* a flow may stay open: its command was never completed */
        assert_true(checker->ids[i].state == 2 || strncmp(checker->ids[i].text, "-1 ", 3) == 0);
    }
    free(checker);
    json_decref(root);
}
