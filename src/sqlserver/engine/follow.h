/* follow.h - the engine does as a recorded server did (scenario/profile.h).
 *
 * Responsible for: how many commands a device has at once, the sizes of Reads, silences and Flushes between transfers,
 * which device is served first, and when each gets VD_E_CLOSE. Sizes of Writes are cut by stripes.h. Without a profile
 * of the operation's kind, and for snapshots and headers alone, nothing is other than it was.
 *
 * What comes of a recording is not: the stream's own content, commands of a device model, and faults.
 *
 * Threads: the engine's one. Silences are by the system's clock: the run's stays, as nobody else can act meanwhile.
 */
#ifndef VDIFAULT_ENGINE_FOLLOW_H
#define VDIFAULT_ENGINE_FOLLOW_H

#include <stdbool.h>
#include <stdint.h>

#include "profile.h"

struct engine;
struct engine_device;

struct follow {
    struct profile_walk walk;
    uint64_t random;
    int64_t due;      /* a silence ends; 0: there is none */
    int64_t answered; /* the last completion came */
    bool flushing;    /* a Flush between transfers is out */
};

/* Of the operation's kind; NULL: none is followed. */
const struct profile_operation *follow_operation(const struct engine *engine);
/* Buffers that the set is to have; 0: nothing is said. */
uint32_t follow_buffers(const struct engine *engine);
/* The set is configured. */
void follow_begin(struct engine *engine);
/* The device that is the i-th to be served. */
struct engine_device *follow_turn(const struct engine *engine, uint32_t i);

/* Whether the next transfer may be sent now; if not, follow_due tells when, or a completion does. */
bool follow_may_send(struct engine_device *device);
/* A Read's size, of which `size` bytes were to be. */
uint32_t follow_size(struct engine_device *device, uint32_t size);
/* A transfer was sent. */
void follow_sent(struct engine_device *device);
/* A Flush has come back: true, it was one between transfers. */
bool follow_flushed(struct engine_device *device);
/* All is done: closes the devices whose time has come. False: of some it has not. */
bool follow_may_close(struct engine *engine);
/* When the next silence ends, by os_now(); INT64_MAX: there is none. */
int64_t follow_due(const struct engine *engine);

#endif
