/* schedule_session.h - one valid session of a client and a server in the simulation, as a shape says, every thread a
 * fiber that goes on whenever the schedule lets it.
 *
 * Whatever the schedule: every call gives what the model allows in the order of the returns (schedule_judge.h); every
 * command arrives once with its data and is called back once with its answer; both sides come to their end, neither of
 * them by looking after its peer, so no wake was lost; and nothing of shared memory is left. What is not so ends the
 * process.
 *
 * One at a time, in one thread.
 */
#ifndef VDIFAULT_FUZZ_SCHEDULE_SESSION_H
#define VDIFAULT_FUZZ_SCHEDULE_SESSION_H

#include <stdbool.h>
#include <stdint.h>

#include "sim.h"

enum {
    SCHEDULE_DEVICES_MAX = 3,
    SCHEDULE_COMMANDS_MAX = 7, /* of each device */
    SCHEDULE_HOLD_MAX = 4,
};

enum schedule_completions {
    SCHEDULE_AGENT,       /* a thread of its own, begun when the devices are open */
    SCHEDULE_EARLY_AGENT, /* before they are */
    SCHEDULE_ROUNDS,      /* the server's one thread waits and calls back */
};

enum schedule_abort {
    SCHEDULE_NO_ABORT,
    SCHEDULE_CLIENT_ABORTS,
    SCHEDULE_SERVER_ABORTS,
};

struct schedule_shape {
    uint32_t devices;
    uint32_t commands; /* of each device */
    uint32_t hold;     /* a client's thread has as many in hand, if they are there already */
    bool
        thread_each; /* the client has a thread a device; otherwise one, which serves them one after the other */
    bool chain;      /* each command is sent from inside the callback of the last; otherwise all at once */
    bool close_at_once; /* behind the last command; otherwise when all are called back */
    enum schedule_completions completions;
    enum schedule_abort abort;
    uint32_t abort_after; /* so many calls have returned */
};

void schedule_session_run(const struct schedule_shape *shape, const struct sim_options *options);

#endif
