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
#include "trace.h"

enum {
    TEXT_BYTES = sizeof(((struct event *)0)->text)
};

struct collector {
    struct run_state *state;
    char *folder;
    uint64_t refused; /* events that no witness can have written, and rings cut short */
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

/* Whoever cuts a ring's file short, the client for one, would fell us with SIGBUS at the next look at it. A
 * file that was only unlinked is still whole behind our mapping. */
static bool is_whole(const struct collector *collector, uint32_t number)
{
    char path[PATH_MAX];
    struct stat info;
    int length = snprintf(path, sizeof(path), "%s/ring.%u", collector->folder, number);
    return length < 0 || (size_t)length >= sizeof(path) || stat(path, &info) != 0 ||
           (size_t)info.st_size >= RUN_RING_BYTES;
}

/* Copies the event at `tail` and its text and says how many places they take. False: no event that a witness
 * can have written. */
static bool copy_event(const struct event_ring *ring, uint64_t tail, uint64_t head, struct event *event,
                       char text[static EVENT_TEXT_MAX + 1], uint64_t *places)
{
    *event = ring->events[tail % EVENT_RING_CAPACITY];
    uint32_t records = event->text_records;
    text[0] = '\0';
    *places = 1;
    if (event->kind == EVENT_TEXT || records > EVENT_TEXT_MAX / TEXT_BYTES ||
        head - tail < 1 + (uint64_t)records) {
        return false;
    }
    *places = 1 + (uint64_t)records;
    if (event_defect(event) != NULL) {
        return false;
    }
    event->repeat = 0; /* the reader's */
    for (uint32_t i = 0; i < records; i++) {
        const struct event *record = &ring->events[(tail + 1 + i) % EVENT_RING_CAPACITY];
        memcpy(text + (size_t)i * TEXT_BYTES, record->text, TEXT_BYTES);
    }
    text[(size_t)records * TEXT_BYTES] = '\0';
    return true;
}

/* Returns how many events were refused. */
static uint64_t drain_ring(struct event_ring *ring, collector_take *take, void *context)
{
    uint64_t refused = 0;
    struct event event;
    char text[EVENT_TEXT_MAX + 1];
    bool moved = false;
    uint64_t head = atomic_load_explicit(&ring->head, memory_order_acquire);
    uint64_t tail = atomic_load_explicit(&ring->tail, memory_order_acquire);
    while (tail != head && head - tail <= EVENT_RING_CAPACITY) {
        uint64_t places = 0;
        bool usable = copy_event(ring, tail, head, &event, text, &places);
        uint64_t next = tail + places;
        /* Fails when the writer gave this event up to make room: what we copied may be half of another one.
         */
        if (!atomic_compare_exchange_strong(&ring->tail, &tail, next)) {
            head = atomic_load_explicit(&ring->head, memory_order_acquire);
            continue;
        }
        tail = next;
        moved = true;
        if (usable) {
            take(context, &event, text);
        } else {
            refused++;
        }
    }
    if (moved) {
        atomic_fetch_add(&ring->space, 1);
        if (atomic_exchange(&ring->waiting, 0) != 0) {
            run_futex_wake(&ring->space);
        }
    }
    return refused;
}

void collector_drain(struct collector *collector, collector_take *take, void *context)
{
    uint32_t count = atomic_load(&collector->state->ring_count);
    for (uint32_t i = 0; i < count && i < RUN_RINGS_MAX; i++) {
        if (collector->rings[i] == NULL) {
            collector->rings[i] = map_ring(collector->folder, i);
        }
        if (collector->rings[i] == NULL) {
            continue;
        }
        if (is_whole(collector, i)) {
            collector->refused += drain_ring(collector->rings[i], take, context);
        } else {
            munmap(collector->rings[i], RUN_RING_BYTES);
            collector->rings[i] = NULL;
            collector->refused++; /* how many were in it, nobody knows */
        }
    }
}

uint64_t collector_dropped(const struct collector *collector)
{
    uint64_t dropped = atomic_load(&collector->state->lost) + collector->refused;
    for (uint32_t i = 0; i < RUN_RINGS_MAX; i++) {
        if (collector->rings[i] != NULL) {
            dropped += is_whole(collector, i) ? atomic_load(&collector->rings[i]->dropped) : 1;
        }
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
