/* Bytes from one process to another: a spin ring, a ring of POSIX semaphores, a pipe; and one plain copy.
 *
 * The producer copies each transfer from its source into a shared buffer and the consumer copies it out; with a
 * pipe the kernel does the same two copies. There are BENCH_DEPTH buffers a device.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <stdalign.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "floors.h"
#include "os.h"

struct ring {
    alignas(64) _Atomic uint32_t head; /* transfers published; the producer's */
    alignas(64) _Atomic uint32_t tail; /* transfers taken; the consumer's */
    alignas(64) sem_t full;            /* semaphores only */
    sem_t empty;
};

/* Shared by both processes; the buffers follow on pages of their own. */
struct floor {
    struct bench_load load;
    uint32_t total;  /* transfers on each device, with those to warm up */
    size_t size;     /* of all this */
    uint8_t *source; /* private to the producer */
    uint8_t *buffers;
    int pipes[BENCH_DEVICES_MAX][2];
    struct ring rings[BENCH_DEVICES_MAX];
};

enum {
    PAGE = 4096,
    PAUSES = 4096 /* then let somebody else run: the peer may need this processor */
};

static void pause_or_yield(uint32_t *pauses)
{
    if (++*pauses % PAUSES == 0) {
        sched_yield();
    } else {
        os_pause();
    }
}

static uint8_t *buffer_of(const struct floor *floor, uint32_t device, uint32_t transfer)
{
    size_t index = (size_t)device * BENCH_DEPTH + transfer % BENCH_DEPTH;
    return floor->buffers + index * floor->load.size;
}

static struct floor *floor_new(const struct bench_load *load)
{
    size_t head = (sizeof(struct floor) + PAGE - 1) / PAGE * PAGE;
    size_t size = head + (size_t)load->devices * BENCH_DEPTH * load->size;
    struct floor *floor = bench_share(size);
    if (floor == NULL) {
        return NULL;
    }
    floor->load = *load;
    floor->total = load->rounds + bench_warm_up(load);
    floor->size = size;
    floor->buffers = (uint8_t *)floor + head;
    floor->source = bench_source(load->size);
    if (floor->source == NULL) {
        bench_unshare(floor, size);
        return NULL;
    }
    return floor;
}

static void floor_free(struct floor *floor)
{
    if (floor != NULL) {
        free(floor->source);
        bench_unshare(floor, floor->size);
    }
}

/* --- consumers of one device each, as threads of the child --- */

struct consumer {
    pthread_t thread;
    struct floor *floor;
    uint32_t device;
    uint8_t *sink;
};

static int run_consumers(struct floor *floor, void *(*body)(void *))
{
    struct consumer consumers[BENCH_DEVICES_MAX];
    uint32_t started = 0;
    for (; started < floor->load.devices; started++) {
        struct consumer *consumer = &consumers[started];
        *consumer = (struct consumer){.floor = floor, .device = started};
        consumer->sink = bench_source(floor->load.size);
        if (consumer->sink == NULL || pthread_create(&consumer->thread, NULL, body, consumer) != 0) {
            return 1; /* the process ends here and takes the threads along */
        }
    }
    for (uint32_t i = 0; i < started; i++) {
        pthread_join(consumers[i].thread, NULL);
        free(consumers[i].sink);
    }
    return 0;
}

/* --- spin ring: one thread looks at all rings in turn, so that no spinner keeps another from running --- */

static int spin_child(void *argument)
{
    struct floor *floor = argument;
    uint32_t taken[BENCH_DEVICES_MAX] = {0};
    uint32_t pauses = 0;
    uint64_t left = (uint64_t)floor->total * floor->load.devices;
    uint8_t *sink = bench_source(floor->load.size);
    while (sink != NULL && left > 0) {
        uint64_t before = left;
        for (uint32_t i = 0; i < floor->load.devices; i++) {
            struct ring *ring = &floor->rings[i];
            if (atomic_load_explicit(&ring->head, memory_order_acquire) != taken[i]) {
                memcpy(sink, buffer_of(floor, i, taken[i]), floor->load.size);
                atomic_store_explicit(&ring->tail, ++taken[i], memory_order_release);
                left--;
            }
        }
        if (left == before) {
            pause_or_yield(&pauses);
        }
    }
    free(sink);
    return left == 0 ? 0 : 1;
}

/* One look at a ring. False: it is full. */
static bool spin_offer(struct floor *floor, uint32_t device, uint32_t upto)
{
    struct ring *ring = &floor->rings[device];
    uint32_t head = atomic_load_explicit(&ring->head, memory_order_relaxed);
    if (head == upto || head - atomic_load_explicit(&ring->tail, memory_order_acquire) == BENCH_DEPTH) {
        return false;
    }
    memcpy(buffer_of(floor, device, head), floor->source, floor->load.size);
    atomic_store_explicit(&ring->head, head + 1, memory_order_release);
    return true;
}

static bool all_taken(const struct floor *floor, uint32_t upto)
{
    bool taken = true;
    for (uint32_t i = 0; i < floor->load.devices; i++) {
        taken = taken && atomic_load_explicit(&floor->rings[i].tail, memory_order_acquire) == upto;
    }
    return taken;
}

static void spin_produce(struct floor *floor, uint32_t upto)
{
    uint32_t pauses = 0;
    while (!all_taken(floor, upto)) {
        bool idle = true;
        for (uint32_t i = 0; i < floor->load.devices; i++) {
            idle = !spin_offer(floor, i, upto) && idle;
        }
        if (idle) {
            pause_or_yield(&pauses);
        }
    }
}

/* --- semaphores and pipes: a thread a device; `tail` tells only when all is over --- */

static void wait_for(sem_t *semaphore)
{
    while (sem_wait(semaphore) != 0) {
        /* EINTR */
    }
}

static void *semaphore_consumer(void *argument)
{
    struct consumer *consumer = argument;
    struct floor *floor = consumer->floor;
    struct ring *ring = &floor->rings[consumer->device];
    for (uint32_t i = 0; i < floor->total; i++) {
        wait_for(&ring->full);
        memcpy(consumer->sink, buffer_of(floor, consumer->device, i), floor->load.size);
        sem_post(&ring->empty);
        atomic_store_explicit(&ring->tail, i + 1, memory_order_release);
    }
    return NULL;
}

static int semaphore_child(void *argument)
{
    return run_consumers(argument, semaphore_consumer);
}

static void semaphore_offer(struct floor *floor, uint32_t device, uint32_t transfer)
{
    wait_for(&floor->rings[device].empty);
    memcpy(buffer_of(floor, device, transfer), floor->source, floor->load.size);
    sem_post(&floor->rings[device].full);
}

/* All bytes, unless the other end is gone. */
static void pipe_move(bool reads, int fd, uint8_t *at, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t now = reads ? read(fd, at + done, size - done) : write(fd, at + done, size - done);
        if (now <= 0 && errno != EINTR) {
            return;
        }
        done += now > 0 ? (size_t)now : 0;
    }
}

static void *pipe_consumer(void *argument)
{
    struct consumer *consumer = argument;
    struct floor *floor = consumer->floor;
    for (uint32_t i = 0; i < floor->total; i++) {
        pipe_move(true, floor->pipes[consumer->device][0], consumer->sink, floor->load.size);
        atomic_store_explicit(&floor->rings[consumer->device].tail, i + 1, memory_order_release);
    }
    return NULL;
}

static int pipe_child(void *argument)
{
    return run_consumers(argument, pipe_consumer);
}

static void pipe_offer(struct floor *floor, uint32_t device, uint32_t transfer)
{
    (void)transfer;
    pipe_move(false, floor->pipes[device][1], floor->source, floor->load.size);
}

static void blocking_produce(struct floor *floor, uint32_t upto,
                             void (*offer)(struct floor *, uint32_t, uint32_t))
{
    uint32_t pauses = 0;
    for (uint32_t at = atomic_load(&floor->rings[0].head); at < upto; at++) {
        for (uint32_t i = 0; i < floor->load.devices; i++) {
            offer(floor, i, at);
        }
    }
    atomic_store(&floor->rings[0].head, upto);
    while (!all_taken(floor, upto)) {
        pause_or_yield(&pauses);
    }
}

static void semaphore_produce(struct floor *floor, uint32_t upto)
{
    blocking_produce(floor, upto, semaphore_offer);
}

static void pipe_produce(struct floor *floor, uint32_t upto)
{
    blocking_produce(floor, upto, pipe_offer);
}

/* --- runs --- */

static int64_t transfer(struct floor *floor, int (*child_body)(void *),
                        void (*produce)(struct floor *, uint32_t))
{
    int64_t elapsed = 0;
    pid_t child = bench_fork(child_body, floor, floor->load.cpus[1]);
    if (child > 0) {
        produce(floor, floor->total - floor->load.rounds);
        int64_t start = bench_now();
        produce(floor, floor->total);
        elapsed = bench_now() - start;
    }
    return bench_join(child) ? elapsed : 0;
}

int64_t floor_spin_ring(const struct bench_load *load)
{
    struct floor *floor = floor_new(load);
    int64_t elapsed = floor != NULL ? transfer(floor, spin_child, spin_produce) : 0;
    floor_free(floor);
    return elapsed;
}

int64_t floor_semaphore_ring(const struct bench_load *load)
{
    struct floor *floor = floor_new(load);
    if (floor == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < load->devices; i++) {
        sem_init(&floor->rings[i].full, 1, 0);
        sem_init(&floor->rings[i].empty, 1, BENCH_DEPTH);
    }
    int64_t elapsed = transfer(floor, semaphore_child, semaphore_produce);
    floor_free(floor);
    return elapsed;
}

int64_t floor_pipe(const struct bench_load *load)
{
    int64_t elapsed = 0;
    uint32_t opened = 0;
    struct floor *floor = floor_new(load);
    if (floor == NULL) {
        return 0;
    }
    for (; opened < load->devices && pipe(floor->pipes[opened]) == 0; opened++) {
        fcntl(floor->pipes[opened][0], F_SETPIPE_SZ, 1 << 20); /* as far as the system lets us */
    }
    if (opened == load->devices) {
        elapsed = transfer(floor, pipe_child, pipe_produce);
    }
    for (uint32_t i = 0; i < opened; i++) {
        close(floor->pipes[i][0]);
        close(floor->pipes[i][1]);
    }
    floor_free(floor);
    return elapsed;
}

int64_t floor_memcpy(const struct bench_load *load)
{
    struct floor *floor = floor_new(load);
    int64_t start = 0;
    for (uint32_t i = 0; floor != NULL && i < floor->total; i++) {
        if (i == floor->total - load->rounds) {
            start = bench_now();
        }
        for (uint32_t j = 0; j < load->devices; j++) {
            memcpy(buffer_of(floor, j, i), floor->source, load->size);
        }
    }
    int64_t elapsed = bench_now() - start;
    elapsed = floor != NULL ? elapsed : 0;
    floor_free(floor);
    return elapsed;
}
