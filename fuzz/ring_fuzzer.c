/* ring_fuzzer - ring files as clients leave them that crashed in the middle of anything, or write into them on purpose:
 * the collector must make of them what it can, and nothing else.
 *
 * An input is what two looks of the collector find: first a byte for how (enum how), then for each look the ring's head,
 * tail and count of lost events, how many events follow, and those, from the tail on. Where the byte says so, the head of
 * the file is the input's, too, or the file is cut short at the second look.
 *
 * Promises: what the collector takes is within the tables and its text ends; it takes and refuses no more than there is
 * room for in a ring, each event once; a folder that is only read stays as it is.
 */
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "promise.h"
#include "runstate_internal.h"
#include "trace.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum how {
    COPIES = 1,   /* the folder is read as it lies */
    SCRIBBLE = 2, /* magic, version and capacity are the input's */
    CUT = 4,      /* the file, at the second look */
};
enum {
    LOOKS = 2,
    REFUSED_MAX = LOOKS * EVENT_RING_CAPACITY,
    FOLDER_BYTES = 64,
};

static char folder[FOLDER_BYTES];
static struct run_state *state;
static int file;
static struct event_ring *ring; /* the file */

struct input {
    const uint8_t *bytes;
    size_t left;
};

/* What is missing is 0. */
static void take_bytes(struct input *input, void *to, size_t size)
{
    size_t length = size < input->left ? size : input->left;
    memset(to, 0, size);
    memcpy(to, input->bytes, length);
    input->bytes += length;
    input->left -= length;
}

static uint32_t take_number(struct input *input, size_t bytes)
{
    uint32_t number = 0;
    take_bytes(input, &number, bytes);
    return number;
}

/* ---- the folder: one of this process's, for all inputs ---- */

static void path_of(const char *name, char path[2 * FOLDER_BYTES])
{
    snprintf(path, 2 * FOLDER_BYTES, "%s/%s", folder, name);
}

static void remove_folder(void)
{
    static const char *const names[] = {"ring.0", "state"};
    char path[2 * FOLDER_BYTES];
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        path_of(names[i], path);
        unlink(path);
    }
    rmdir(folder);
}

static void make_folder(void)
{
    char path[2 * FOLDER_BYTES];
    strcpy(folder, "/tmp/ring-fuzzer-XXXXXX");
    PROMISE(mkdtemp(folder) != NULL && atexit(remove_folder) == 0);
    PROMISE(run_state_create(folder) == 0 && run_state_map(folder, &state) == 0);
    atomic_store(&state->ring_count, 1);
    path_of("ring.0", path);
    file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    PROMISE(file >= 0 && ftruncate(file, RUN_RING_BYTES) == 0);
    ring = mmap(NULL, RUN_RING_BYTES, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
    PROMISE(ring != MAP_FAILED);
}

/* Without going through all of it. */
static void empty_file(void)
{
    PROMISE(ftruncate(file, 0) == 0 && ftruncate(file, RUN_RING_BYTES) == 0);
}

/* ---- what a client wrote ---- */

static void write_header(struct input *input, uint8_t how)
{
    ring->magic = RUN_STATE_MAGIC;
    ring->version = EVENT_VERSION;
    ring->capacity = EVENT_RING_CAPACITY;
    if ((how & SCRIBBLE) != 0) {
        take_bytes(input, &ring->magic, sizeof ring->magic);
        take_bytes(input, &ring->version, sizeof ring->version);
        take_bytes(input, &ring->capacity, sizeof ring->capacity);
    }
}

static void write_events(struct input *input)
{
    uint64_t counts[3];
    take_bytes(input, counts, sizeof counts);
    atomic_store(&ring->head, counts[0]);
    atomic_store(&ring->tail, counts[1]);
    atomic_store(&ring->dropped, counts[2]);
    uint32_t events = take_number(input, 1);
    for (uint64_t i = 0; i < events; i++) {
        take_bytes(input, &ring->events[(counts[1] + i) % EVENT_RING_CAPACITY], sizeof ring->events[0]);
    }
}

/* ---- what the collector makes of it ---- */

static void note(void *context, const struct event *event, const char *text)
{
    PROMISE(event_defect(event) == NULL && event->kind != EVENT_TEXT && event->repeat == 0);
    PROMISE(strnlen(text, EVENT_TEXT_MAX + 1) <= EVENT_TEXT_MAX);
    ++*(uint64_t *)context;
}

/* A whole file: the ring is empty afterwards, unless it says that it holds more than it can. */
static void look(struct collector *collector, bool copies)
{
    uint64_t head = atomic_load(&ring->head), tail = atomic_load(&ring->tail);
    uint64_t taken = 0, again = 0;
    collector_drain(collector, note, &taken);
    uint64_t after = atomic_load(&ring->tail), dropped = collector_dropped(collector);
    PROMISE(taken <= head - tail && (head - tail <= EVENT_RING_CAPACITY || taken == 0));
    PROMISE(copies ? after == tail : after == head || (after == tail && taken == 0));
    PROMISE(dropped <= REFUSED_MAX || dropped - atomic_load(&ring->dropped) <= REFUSED_MAX);
    collector_drain(collector, note, &again);
    PROMISE(again == 0);
}

static void look_at_cut_file(struct collector *collector, uint32_t length)
{
    uint64_t taken = 0;
    PROMISE(ftruncate(file, length % RUN_RING_BYTES) == 0);
    collector_drain(collector, note, &taken);
    PROMISE(taken <= EVENT_RING_CAPACITY);
    collector_drain(collector, note, &taken);
    PROMISE(taken <= EVENT_RING_CAPACITY);
    empty_file();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, size};
    uint8_t how = (uint8_t)take_number(&input, 1);
    bool copies = (how & COPIES) != 0;
    if (ring == NULL) {
        make_folder();
    }
    write_header(&input, how);
    struct collector *collector = NULL;
    int error = copies ? collector_open_copy(folder, &collector) : collector_open(folder, state, &collector);
    PROMISE(error == 0);
    for (uint32_t i = 0; i < LOOKS && !(copies && i > 0); i++) {
        write_events(&input);
        if (i > 0 && (how & CUT) != 0) {
            look_at_cut_file(collector, take_number(&input, 3));
        } else {
            look(collector, copies);
        }
    }
    collector_close(collector);
    empty_file();
    return 0;
}
