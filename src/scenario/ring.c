/* ring.c - recording events: a ring file per thread; see runstate.h.
 *
 * The writer of a ring is one thread, but a signal handler of that thread may record an event in the middle
 * of another. Places are therefore reserved first, filled, and published together by the outermost record.
 */
#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "event_time.h"
#include "runstate_internal.h"

enum {
    TEXT_BYTES = sizeof(((struct event *)0)->text),
    TEXT_RECORDS_MAX = EVENT_TEXT_MAX / TEXT_BYTES,
    POOL_MAX = 256,
    SLICE_MS = 100,
    PATIENCE_SLICES = 20, /* 2 s: longer than any pause of a collector that still runs */
};

/* What a thread knows about its ring. Zero at its first event. */
struct writer {
    struct event_ring *ring;
    uint32_t process; /* the ring is this process's; another one after a fork */
    uint32_t thread;
    bool failed;            /* no ring could be made */
    bool stalled;           /* the collector did not move within the patience ... */
    uint32_t stalled_space; /* ... since `space` had this value: not waited for again */
    _Atomic uint32_t depth; /* records under way: 2 and more in signal handlers */
    _Atomic uint64_t next;  /* the next free place */
    uint64_t tail; /* of the ring when last looked at: the line is the collector's, and seldom needed */
};

/* Initial-exec: access needs no allocation, not even in a library that was loaded late. */
static _Thread_local struct writer self __attribute__((tls_model("initial-exec")));

/* Rings whose threads have ended, still mapped. */
static _Atomic(struct event_ring *) pool[POOL_MAX];

static pthread_key_t exit_key;
static bool exit_key_works;
static pthread_once_t exit_once = PTHREAD_ONCE_INIT;

static void release_ring(void *writer)
{
    struct writer *w = writer;
    struct event_ring *ring = w->ring;
    w->ring = NULL;
    for (size_t i = 0; ring != NULL && i < POOL_MAX; i++) {
        struct event_ring *none = NULL;
        if (atomic_compare_exchange_strong(&pool[i], &none, ring)) {
            return;
        }
    }
}

static void make_exit_key(void)
{
    exit_key_works = pthread_key_create(&exit_key, release_ring) == 0;
}

static struct event_ring *pooled_ring(uint32_t process)
{
    for (size_t i = 0; i < POOL_MAX; i++) {
        struct event_ring *ring = atomic_load_explicit(&pool[i], memory_order_relaxed);
        if (ring == NULL || !atomic_compare_exchange_strong(&pool[i], &ring, NULL)) {
            continue;
        }
        if (ring->process == process) {
            return ring;
        }
        /* A parent's: it goes on using it, we forget it. */
    }
    return NULL;
}

static struct event_ring *new_ring(struct run_state *state, uint32_t process, uint32_t thread)
{
    uint32_t number = atomic_load(&state->ring_count);
    do {
        if (number >= RUN_RINGS_MAX) {
            return NULL;
        }
    } while (!atomic_compare_exchange_weak(&state->ring_count, &number, number + 1));
    struct event_ring *ring = run_new_ring(number);
    if (ring != NULL) {
        ring->version = EVENT_VERSION;
        ring->process = process;
        ring->thread = thread;
        ring->capacity = EVENT_RING_CAPACITY;
        atomic_thread_fence(memory_order_release);
        ring->magic = RUN_STATE_MAGIC;
    }
    return ring;
}

/* The thread's first event, or the first in a child, or there is no ring. */
__attribute__((noinline)) static void begin(struct run_state *state, uint32_t process)
{
    int saved = errno;
    int cancel;
    /* A thread whose end has been asked for makes its call first, as without us: opening a file would end it here. */
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, &cancel);
    run_own_work++;
    if (self.process != process) {
        memset(&self, 0, sizeof(self));
        self.process = process;
        self.thread = (uint32_t)syscall(SYS_gettid);
    }
    if (!self.failed && run_state_is_recorded()) {
        run_once(&exit_once, make_exit_key);
        struct event_ring *ring = pooled_ring(process);
        if (ring == NULL) {
            ring = new_ring(state, process, self.thread);
        }
        self.failed = ring == NULL;
        if (ring != NULL) {
            ring->thread = self.thread;
            self.tail = atomic_load(&ring->tail);
            atomic_store(&self.next, atomic_load(&ring->head));
            self.ring = ring;
        }
        if (exit_key_works) {
            pthread_setspecific(exit_key, &self);
        }
    }
    run_own_work--;
    pthread_setcancelstate(cancel, NULL);
    errno = saved;
}

static bool has_room(struct writer *w, uint64_t place, uint32_t records)
{
    if (place + records - w->tail <= EVENT_RING_CAPACITY) {
        return true;
    }
    w->tail = atomic_load_explicit(&w->ring->tail, memory_order_acquire);
    return place + records - w->tail <= EVENT_RING_CAPACITY;
}

/* A collector is at work: waits for it, within reason. */
static bool wait_for_room(struct run_state *state, struct writer *w, uint64_t place, uint32_t records)
{
    struct event_ring *ring = w->ring;
    const struct timespec slice = {.tv_nsec = SLICE_MS * 1000000L};
    int saved = errno;
    for (int i = 0; i < PATIENCE_SLICES; i++) {
        uint32_t space = atomic_load(&ring->space);
        if (has_room(w, place, records) || (w->stalled && w->stalled_space == space) ||
            atomic_load(&state->collected) == 0) {
            break;
        }
        atomic_store(&ring->waiting, 1);
        run_futex_wait(&ring->space, space, &slice);
        w->stalled = i == PATIENCE_SLICES - 1;
        w->stalled_space = space;
    }
    errno = saved;
    return has_room(w, place, records);
}

/* Nobody collects: the oldest events make room, each with its text. */
static void overwrite_oldest(struct event_ring *ring, uint64_t place, uint32_t records)
{
    uint64_t tail = atomic_load(&ring->tail);
    while (place + records - tail > EVENT_RING_CAPACITY) {
        const struct event *oldest = &ring->events[tail % EVENT_RING_CAPACITY];
        uint32_t texts = oldest->text_records <= TEXT_RECORDS_MAX ? oldest->text_records : 0;
        /* Fails when a collector took it just now: then it is not lost. */
        if (atomic_compare_exchange_strong(&ring->tail, &tail, tail + 1 + texts)) {
            tail += 1 + texts;
            atomic_fetch_add(&ring->dropped, 1);
        }
    }
}

/* A compare-exchange between a thread and its own signal handlers. One instruction is whole to them; the lock against
 * other processors, which an atomic one has, costs several times what the exchange does. */
static bool own_exchange(_Atomic uint64_t *word, uint64_t *expected, uint64_t wanted)
{
#if defined(__x86_64__)
    bool done;
    __asm__ __volatile__("cmpxchgq %3, %1"
                         : "=@ccz"(done), "+m"(*(uint64_t *)word), "+a"(*expected)
                         : "r"(wanted)
                         : "memory");
    return done;
#else
    return atomic_compare_exchange_weak(word, expected, wanted);
#endif
}

/* Reserves places for one event and its text. */
static bool reserve(struct run_state *state, struct writer *w, uint32_t records, uint64_t *place)
{
    *place = atomic_load_explicit(&w->next, memory_order_relaxed);
    do {
        if (has_room(w, *place, records)) {
            continue;
        }
        if (atomic_load(&state->collected) == 0) {
            overwrite_oldest(w->ring, *place, records);
        } else if (!wait_for_room(state, w, *place, records)) {
            return false;
        }
    } while (!own_exchange(&w->next, place, *place + records));
    return true;
}

/* What only the recorder knows of an event. */
struct stamp {
    uint64_t sequence, time_ns;
    uint32_t text_records;
};

static void fill_text(struct event_ring *ring, uint64_t place, const struct stamp *stamp, const char *text,
                      size_t text_length)
{
    for (uint32_t i = 0; i < stamp->text_records; i++) {
        struct event *record = &ring->events[(place + 1 + i) % EVENT_RING_CAPACITY];
        size_t left = text_length - (size_t)i * TEXT_BYTES;
        memset(record, 0, sizeof(*record));
        record->sequence = stamp->sequence;
        record->version = EVENT_VERSION;
        record->kind = EVENT_TEXT;
        memcpy(record->text, text + (size_t)i * TEXT_BYTES, left < TEXT_BYTES ? left : TEXT_BYTES);
    }
}

/* Publishes everything below `next`: by the outermost record, which alone knows that all of it has been filled. As
 * long as depth is not 0, handlers that record leave the publishing to us; one that came between our look at `next`
 * and the 0 is seen by the second look. Plain loads and stores: a thread and its own handlers see each other's in
 * order, and an atomic exchange costs as much as a quarter of a clock's reading. */
static void publish(struct writer *w)
{
    uint64_t next;
    do {
        atomic_store_explicit(&w->depth, 1, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst);
        next = atomic_load_explicit(&w->next, memory_order_relaxed);
        atomic_store_explicit(&w->ring->head, next, memory_order_release);
        atomic_signal_fence(memory_order_seq_cst);
        atomic_store_explicit(&w->depth, 0, memory_order_relaxed);
        atomic_signal_fence(memory_order_seq_cst);
    } while (atomic_load_explicit(&w->next, memory_order_relaxed) != next);
}

static void fill(struct writer *w, uint64_t place, const struct event *event, const struct stamp *stamp)
{
    struct event *record = &w->ring->events[place % EVENT_RING_CAPACITY];
    *record = *event;
    record->sequence = stamp->sequence;
    record->time_ns = stamp->time_ns;
    record->version = EVENT_VERSION;
    if (event->kind != EVENT_PROCESS_EXIT) { /* which tells of another process */
        record->process = w->process;
    }
    record->thread = w->thread;
    record->text_records = stamp->text_records;
}

static void put(struct run_state *state, struct writer *w, const struct event *event,
                const struct stamp *stamp, const char *text, size_t length)
{
    uint64_t place = 0;
    uint32_t depth = atomic_load_explicit(&w->depth, memory_order_relaxed);
    atomic_store_explicit(&w->depth, depth + 1, memory_order_relaxed);
    atomic_signal_fence(memory_order_seq_cst);
    if (reserve(state, w, 1 + stamp->text_records, &place)) {
        fill(w, place, event, stamp);
        fill_text(w->ring, place, stamp, text, length);
    } else {
        atomic_fetch_add(&w->ring->dropped, 1);
    }
    atomic_signal_fence(memory_order_seq_cst);
    if (depth == 0) {
        publish(w);
    } else {
        atomic_store_explicit(&w->depth, depth, memory_order_relaxed);
    }
}

static struct run_state *prepare(void)
{
    struct run_state *state = run_state_attach();
    uint32_t process = run_process();
    if (self.process != process || self.ring == NULL) {
        begin(state, process);
    }
    return state;
}

void event_prepare(void)
{
    (void)prepare();
}

uint64_t event_record(const struct event *event, const char *text)
{
    struct run_state *state = prepare();
    size_t length = text == NULL ? 0 : strnlen(text, EVENT_TEXT_MAX);
    struct stamp stamp = {.text_records = (uint32_t)((length + TEXT_BYTES - 1) / TEXT_BYTES)};
    /* First: the processor reads its ticks only when what came before is done. */
    stamp.time_ns = event_time_ns() + (uint64_t)run_clock_ahead(state);
    stamp.sequence = atomic_fetch_add_explicit(&state->sequence, 1, memory_order_relaxed) + 1;
    if (self.ring == NULL) {
        atomic_fetch_add(&state->lost, run_state_is_recorded() ? 1 : 0);
    } else {
        put(state, &self, event, &stamp, text, length);
    }
    return stamp.sequence;
}
