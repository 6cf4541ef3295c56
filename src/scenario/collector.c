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

#include "cut.h"
#include "runstate_internal.h"
#include "trace.h"

enum {
    TEXT_BYTES = sizeof(((struct event *)0)->text)
};

struct collector {
    struct run_state *state;
    char *folder;
    bool copies;      /* state and rings are ours: nobody else writes them */
    uint64_t refused; /* events that no witness can have written, and rings cut short */
    int state_watch;
    struct event_ring *rings[RUN_RINGS_MAX]; /* NULL: not there yet, or given up */
    int watches[RUN_RINGS_MAX];              /* of the rings there are, unless they are copies */
};

static int make(const char *folder, struct collector **out)
{
    struct collector *collector = calloc(1, sizeof(*collector));
    *out = NULL;
    if (collector == NULL) {
        return ENOMEM;
    }
    collector->folder = strdup(folder);
    if (collector->folder == NULL) {
        free(collector);
        return ENOMEM;
    }
    *out = collector;
    return 0;
}

int collector_open(const char *folder, struct run_state *state, struct collector **out)
{
    int error = make(folder, out);
    if (error == 0) {
        (*out)->state = state;
        (*out)->state_watch = cut_watch(state, sizeof(*state));
    }
    return error;
}

/* Opens FOLDER/NAME if it has exactly `size` bytes; -1: errno. */
static int open_sized(const char *folder, const char *name, size_t size, int flags)
{
    char path[PATH_MAX];
    struct stat info;
    if (!run_path(folder, name, path)) {
        errno = ENAMETOOLONG;
        return -1;
    }
    int file = open(path, flags | O_CLOEXEC);
    if (file >= 0 && (fstat(file, &info) != 0 || (size_t)info.st_size != size)) {
        close(file);
        errno = EPROTO;
        return -1;
    }
    return file;
}

/* FOLDER/NAME, `size` bytes of it, in memory of our own; NULL: errno. */
static void *copy_file(const char *folder, const char *name, size_t size)
{
    int file = open_sized(folder, name, size, O_RDONLY);
    uint8_t *copy = file >= 0 ? malloc(size) : NULL;
    if (copy != NULL && pread(file, copy, size, 0) != (ssize_t)size) {
        free(copy);
        copy = NULL;
        errno = EPROTO;
    }
    if (file >= 0) {
        close(file);
    }
    return copy;
}

int collector_open_copy(const char *folder, struct collector **out)
{
    struct run_state *state = copy_file(folder, "state", sizeof(*state));
    *out = NULL;
    if (state == NULL) {
        return errno;
    }
    int error =
        state->magic == RUN_STATE_MAGIC && state->version == RUN_STATE_VERSION ? make(folder, out) : EPROTO;
    if (error != 0) {
        free(state);
        return error;
    }
    (*out)->state = state;
    (*out)->copies = true;
    (*out)->state_watch = CUT_NONE;
    return 0;
}

/* Its writer may still be at work and give up old events for new ones meanwhile: what it gave up before the second
 * look may be half of another event. */
static struct event_ring *copy_ring(const char *folder, const char *name)
{
    struct event_ring *ring = copy_file(folder, name, RUN_RING_BYTES);
    struct event_ring *later = ring != NULL ? copy_file(folder, name, RUN_RING_BYTES) : NULL;
    if (later != NULL) {
        atomic_store(&ring->tail, atomic_load(&later->tail));
        atomic_store(&ring->dropped, atomic_load(&later->dropped));
    }
    free(later);
    return ring;
}

static struct event_ring *map_ring(const char *folder, const char *name, int *watch)
{
    int file = open_sized(folder, name, RUN_RING_BYTES, O_RDWR);
    if (file < 0) {
        return NULL; /* its writer has announced it and is about to make it, or could not */
    }
    struct event_ring *ring = run_map_file(file, RUN_RING_BYTES);
    close(file);
    if (ring == NULL) {
        return NULL;
    }
    *watch = cut_watch(ring, RUN_RING_BYTES);
    return ring;
}

static void drop_ring(struct collector *collector, uint32_t number)
{
    struct event_ring *ring = collector->rings[number];
    collector->rings[number] = NULL;
    if (ring == NULL || collector->copies) {
        free(ring);
        return;
    }
    cut_forget(collector->watches[number]);
    munmap(ring, RUN_RING_BYTES);
}

static void take_ring(struct collector *collector, uint32_t number)
{
    char name[32];
    snprintf(name, sizeof(name), "ring.%u", number);
    int *watch = &collector->watches[number];
    *watch = CUT_NONE;
    struct event_ring *ring =
        collector->copies ? copy_ring(collector->folder, name) : map_ring(collector->folder, name, watch);
    collector->rings[number] = ring;
    if (ring == NULL) {
        return;
    }
    bool usable = ring->magic == RUN_STATE_MAGIC;
    atomic_thread_fence(memory_order_acquire);
    if (!usable || ring->version != EVENT_VERSION || ring->capacity != EVENT_RING_CAPACITY) {
        drop_ring(collector, number);
    }
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
            take_ring(collector, i);
        }
        if (collector->rings[i] == NULL) {
            continue;
        }
        collector->refused += drain_ring(collector->rings[i], take, context);
        if (cut_noticed(collector->watches[i])) {
            drop_ring(collector, i);
            collector->refused++; /* how many were in it, nobody knows */
        }
    }
}

uint64_t collector_dropped(const struct collector *collector)
{
    uint64_t dropped = atomic_load(&collector->state->lost) + collector->refused;
    for (uint32_t i = 0; i < RUN_RINGS_MAX; i++) {
        if (collector->rings[i] != NULL) {
            dropped += atomic_load(&collector->rings[i]->dropped);
        }
    }
    return dropped + cut_noticed(collector->state_watch);
}

void collector_close(struct collector *collector)
{
    if (collector == NULL) {
        return;
    }
    for (uint32_t i = 0; i < RUN_RINGS_MAX; i++) {
        drop_ring(collector, i);
    }
    cut_forget(collector->state_watch);
    if (collector->copies) {
        free(collector->state);
    }
    free(collector->folder);
    free(collector);
}
