/* fault_deeds.h - what each kind of fault_commands.h does. Not for others. */
#ifndef VDIFAULT_ENGINE_FAULT_DEEDS_H
#define VDIFAULT_ENGINE_FAULT_DEEDS_H

#include "engine_state.h"

/* What came of a fault that has arrived at its site. Who does it at once records it, before the client can notice. */
enum deed_result {
    DEED_IMPOSSIBLE, /* here, or now */
    DEED_DONE,
    DEED_LATER,   /* its moment is still to come */
    DEED_INSTEAD, /* done, and the command is not sent */
};

struct fault_arrival {
    struct engine_device *device;
    const struct device_command *command; /* about to be sent */
    struct fault_orders *orders;          /* for it */
    const struct fault *fault;
    uint32_t index; /* of the fault, in the plan */
};

typedef enum deed_result fault_deed(const struct fault_arrival *arrival);
/* To a command that has come back. False: impossible. */
typedef bool fault_completion_deed(struct engine_device *device, struct engine_slot *slot);

struct fault_deeds {
    fault_deed *arrives; /* NULL: no fault of this file */
    fault_completion_deed *completes;
    bool sizes; /* a Read of the stream is counted before it is sent, when its size is chosen */
};
extern const struct fault_deeds fault_deeds[FAULT_KIND_COUNT];

/* resized: bytes of a Read. */
uint32_t fault_size(const struct engine *engine, const struct fault *fault);
/* reordered: a RESTORE closes each device as soon as all of it has come, but for the last. */
void faults_close_done(struct engine *engine);

/* fault_peers.c: server-slow, chatty */
fault_deed fault_deed_slow, fault_deed_chatter;

void fault_record(const struct engine_device *device, uint32_t index); /* EVENT_FAULT */

#endif
