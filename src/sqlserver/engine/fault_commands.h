/* fault_commands.h - faults in the commands that the server sends (design 4.4, scenario/faults/commands.def).
 *
 * Responsible for: counting arrivals at the commands of a plan's faults, and the deed of each kind: a command that is
 * sent besides, withheld, held back, asked for in another size, or whose completion is another than the client's.
 * How often a fault fires is run_fault_arrive's. Not responsible for what follows: messages, ends and closes are the
 * engine's own, as if the cause had been real.
 *
 * A held command waits in its slot, as one of the device's outstanding ones that the client does not know of yet;
 * those behind it wait, too, so that the order of a device stays what it was.
 *
 * Threads: the engine's one. Owns nothing.
 */
#ifndef VDIFAULT_ENGINE_FAULT_COMMANDS_H
#define VDIFAULT_ENGINE_FAULT_COMMANDS_H

#include <stdbool.h>
#include <stdint.h>

#include "plan.h"

struct engine;
struct engine_device;
struct engine_slot;
struct device_command;

/* What faults have in store for a command: sets of the plan's faults, a bit each. */
struct fault_orders {
    uint64_t flush;     /* when nothing else of the device is out, a Flush comes first */
    uint64_t completed; /* the completion will be another */
    bool last;          /* no other device may have anything out */
};

/* Of a device. */
struct fault_device {
    struct fault_orders put_off; /* to the next command */
    uint64_t resize;             /* the next Read of the stream is of another size */
    uint32_t held;               /* of the outstanding commands, those not sent yet */
    uint64_t next_held;
    bool flushing;       /* a Flush of ours is out */
    bool header_written; /* the last Write was the header's, a second time */
    bool closed;         /* before the others */
};

/* A command is about to be sent. False: it is not to be, as none is once a fault has ended the statement. */
bool faults_before(struct engine_device *device, const struct device_command *command,
                   struct fault_orders *orders);
/* The command is in its slot. True: it is held, and faults_step sends it. */
bool faults_hold(struct engine_device *device, struct engine_slot *slot);
/* A command with orders.completed is back, and nobody has looked at it yet. */
void faults_completed(struct engine_device *device, struct engine_slot *slot);
/* A command that a fault has added is back. */
void faults_answered(struct engine_device *device, const struct engine_slot *slot);
/* The size of the stream's next Read, of which `size` bytes were to be. */
uint32_t faults_resize(struct engine_device *device, uint32_t size);

/* Whether devices in IO-ERROR get ClearError, as the plan or its io-error says. */
enum plan_choice faults_clear_error(const struct engine *engine);

/* At the end of each step: sends what has been held long enough. */
void faults_step(struct engine *engine);
/* The statement is over: what is held comes back undone. */
void faults_give_up(struct engine *engine);

#endif
