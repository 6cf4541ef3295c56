/* collector.c - taking events out of the rings; see runstate.h. Runs in the supervisor; the writers may be
 * alive, dead or killed in the middle of anything, and what their files hold is not trusted. */
#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runstate_internal.h"

enum {
    TEXT_BYTES = sizeof(((struct event *)0)->text)
};

struct collector {
    struct run_state *state;
    char *folder;
    struct event_ring *rings[RUN_RINGS_MAX]; /* NULL: not there yet */
};

int collector_open(const char *folder, struct run_state *state, struct collector **out)
{
    struct collector *collector = calloc(1, sizeof(*collector));
    *out = NULL;
    if (collector == NULL) {
        return ENOMEM;
    }
    collector->state = state;
    collector->folder = strdup(folder);
    if (collector->folder == NULL) {
        free(collector);
        return ENOMEM;
    }
    *out = collector;
    return 0;
}

static struct event_ring *map_ring(const char *folder, uint32_t number)
{
    char path[PATH_MAX];
    struct stat info;
    struct event_ring *ring = NULL;
    int length = snprintf(path, sizeof(path), "%s/ring.%u", folder, number);
    int file = length > 0 && (size_t)length < sizeof(path) ? open(path, O_RDWR | O_CLOEXEC) : -1;
    if (file < 0) {
        return NULL; /* its writer has announced it and is about to make it, or could not */
    }
    if (fstat(file, &info) == 0 && (size_t)info.st_size == RUN_RING_BYTES) {
        ring = mmap(NULL, RUN_RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    }
    close(file);
    if (ring == NULL || ring == MAP_FAILED) {
        return NULL;
    }
    bool usable = ring->magic == RUN_STATE_MAGIC;
    atomic_thread_fence(memory_order_acquire);
    if (!usable || ring->version != EVENT_VERSION || ring->capacity != EVENT_RING_CAPACITY) {
        munmap(ring, RUN_RING_BYTES);
        return NULL;
    }
    return ring;
}

/* Copies the event at `tail` and its text. Returns the places it takes, 0 if it is no whole event. */
static uint64_t copy_event(const struct event_ring *ring, uint64_t tail, uint64_t head, struct event *event,
                           char text[static EVENT_TEXT_MAX + 1])
{
    *event = ring->events[tail % EVENT_RING_CAPACITY];
    uint32_t records = event->text_records;
    text[0] = '\0';
    if (event->kind == EVENT_TEXT || records > EVENT_TEXT_MAX / TEXT_BYTES ||
        head - tail < 1 + (uint64_t)records) {
        return 0;
    }
    for (uint32_t i = 0; i < records; i++) {
        const struct event *record = &ring->events[(tail + 1 + i) % EVENT_RING_CAPACITY];
        memcpy(text + (size_t)i * TEXT_BYTES, record->text, TEXT_BYTES);
    }
    text[(size_t)records * TEXT_BYTES] = '\0';
    return 1 + (uint64_t)records;
}

static void drain_ring(struct event_ring *ring, collector_take *take, void *context)
{
    struct event event;
    char text[EVENT_TEXT_MAX + 1];
    bool moved = false;
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    while (tail != head && head - tail <= EVENT_RING_CAPACITY) {
        uint64_t places = copy_event(ring, tail, head, &event, text);
        uint64_t next = tail + (places == 0 ? 1 : places);
        /* Fails when the writer gave this event up to make room: what we copied may be half of another one.
         */
        if (!atomic_compare_exchange_strong(&ring->tail, &tail, next)) {
            head = atomic_load_explicit(&ring->head, memory_order_acquire);
            continue;
        }
        tail = next;
        moved = true;
        if (places != 0) {
            take(context, &event, text);
        }
    }
    if (moved) {
        atomic_fetch_add(&ring->space, 1);
        if (atomic_exchange(&ring->waiting, 0) != 0) {
            run_futex_wake(&ring->space);
        }
    }
}

void collector_drain(struct collector *collector, collector_take *take, void *context)
{
    uint32_t count = atomic_load(&collector->state->ring_count);
    for (uint32_t i = 0; i < count && i < RUN_RINGS_MAX; i++) {
        if (collector->rings[i] == NULL) {
            collector->rings[i] = map_ring(collector->folder, i);
        }
        if (collector->rings[i] != NULL) {
            drain_ring(collector->rings[i], take, context);
        }
    }
}

uint64_t collector_dropped(const struct collector *collector)
{
    uint64_t dropped = atomic_load(&collector->state->lost);
    for (uint32_t i = 0; i < RUN_RINGS_MAX; i++) {
        dropped += collector->rings[i] == NULL ? 0 : atomic_load(&collector->rings[i]->dropped);
    }
    return dropped;
}

void collector_close(struct collector *collector)
{
    for (uint32_t i = 0; collector != NULL && i < RUN_RINGS_MAX; i++) {
        if (collector->rings[i] != NULL) {
            munmap(collector->rings[i], RUN_RING_BYTES);
        }
    }
    if (collector != NULL) {
        free(collector->folder);
        free(collector);
    }
}
