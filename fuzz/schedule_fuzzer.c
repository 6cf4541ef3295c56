/* schedule_fuzzer.c - a fuzz target: a valid session of a client and a server, under any schedule.
 *
 * The input's first HEADER bytes choose the session's shape (schedule_session.h) and the kind of schedule; the rest is
 * the schedule itself, byte by byte (SIM_BYTES of sim.h), or its seed. Any bytes are an input. */
#include <stddef.h>

#include "schedule_session.h"
#include "shared_event.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__asan_default_options(void);

/* What is freed need not be kept from use for longer than a session (lifecycle_fuzzer.c). */
const char *__asan_default_options(void)
{
    return "quarantine_size_mb=1:malloc_context_size=6";
}

enum {
    BYTE_SHAPE,       /* devices, commands */
    BYTE_CLIENT,      /* hold, threads */
    BYTE_SERVER,      /* completions, chain, close */
    BYTE_ABORT,       /* who */
    BYTE_ABORT_AFTER, /* when */
    BYTE_SCHEDULE,    /* its kind, how many changes */
    HEADER
};

static struct schedule_shape shape_of(const uint8_t header[HEADER])
{
    uint8_t server = header[BYTE_SERVER], abort = header[BYTE_ABORT];
    struct schedule_shape shape = {.devices = header[BYTE_SHAPE] % SCHEDULE_DEVICES_MAX + 1,
                                   .commands = header[BYTE_SHAPE] / 4 % SCHEDULE_COMMANDS_MAX + 1,
                                   .hold = header[BYTE_CLIENT] % SCHEDULE_HOLD_MAX + 1,
                                   .thread_each = (header[BYTE_CLIENT] & 4) != 0,
                                   .chain = (server & 4) != 0,
                                   .close_at_once = (server & 8) != 0,
                                   .completions = (enum schedule_completions)(server % 4 % 3),
                                   .abort = (enum schedule_abort)(abort % 4 % 3),
                                   .abort_after = header[BYTE_ABORT_AFTER] % 64u + 1};
    /* A device must not be closed before its last command is sent, nor while the client has another in hand. */
    shape.close_at_once = shape.close_at_once && !shape.chain && shape.hold == 1;
    return shape;
}

static uint64_t seed_of(const uint8_t *bytes, size_t count)
{
    uint64_t seed = 0;
    for (size_t i = 0; i < count && i < sizeof seed; i++) {
        seed = seed << 8 | bytes[i];
    }
    return seed;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const enum sim_schedule kinds[] = {SIM_BYTES, SIM_PCT, SIM_RANDOM, SIM_BYTES};
    uint8_t header[HEADER] = {0};
    for (size_t i = 0; i < HEADER && i < size; i++) {
        header[i] = data[i];
    }
    const uint8_t *rest = size > HEADER ? data + HEADER : NULL;
    size_t left = size > HEADER ? size - HEADER : 0;
    struct schedule_shape shape = shape_of(header);
    struct sim_options options = {.schedule = kinds[header[BYTE_SCHEDULE] % 4],
                                  .seed = seed_of(rest, left),
                                  .changes = header[BYTE_SCHEDULE] / 4 % 8,
                                  .length = 600,
                                  .bytes = rest,
                                  .byte_count = left,
                                  .apart = (header[BYTE_SCHEDULE] & 64) != 0};
    event_set_spinning(false); /* it learns from one session for the next */
    schedule_session_run(&shape, &options);
    return 0;
}
