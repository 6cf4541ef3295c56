/* call_events.h - the events of clients' calls that somebody in this process makes on the core, as the interposer
 * records them of a program (event.h is the contract; inject/wrap_set.c, wrap_device.c and shadow.c the other witness),
 * and of the server's statement around them.
 *
 * Responsible for: which numbers sets, operations, devices and fetches have. Not responsible for making the calls, nor
 * for what becomes of events: they go to a sink, in their order.
 *
 * Where the interposer records an address there is a stand-in, the same for the same object and another for each other
 * one: so the same calls give the same events, to the byte. Stacks are unknown.
 *
 * Of the server's functions only what a statement is has a counterpart among the events: that it attaches to a set, and
 * how it ends. A process that somebody kills has its end, as a supervisor records it. What else a server does shows in what the client's calls give.
 *
 * Plain memory, of whom it belongs to, no allocation. Errors: none; beyond CALL_EVENTS_BLOCKS command blocks, or as many
 * buffers, of one life of the sets a further one is 0. One thread at a time.
 */
#ifndef VDIFAULT_CALL_EVENTS_H
#define VDIFAULT_CALL_EVENTS_H

#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "vdi.h"

enum {
    CALL_EVENTS_PROCESSES = 3, /* of clients, each with one set object at a time */
    CALL_EVENTS_DEVICES = 9,   /* of a process, by numbers that its caller chooses */
    CALL_EVENTS_BLOCKS = 256,
    CALL_EVENTS_OPERATIONS = 256,
    CALL_EVENTS_CODES = 20 /* of commands; 0 for every other */
};

/* Where events go. `text` is "" where there is none. */
struct event_sink {
    void (*take)(void *context, const struct event *event, const char *text);
    void *context;
    int64_t (*now)(void); /* in ns; NULL: it is always 0 */
};

/* A device object, once it was opened. */
struct call_events_device {
    uint64_t number; /* 0: never opened */
    uint64_t set;
    int32_t operation;
    int32_t index;
    uint32_t delivered[CALL_EVENTS_CODES];
};

struct call_events_process {
    uint64_t set; /* number of its set object; 0: it has none yet */
    bool open;
    int32_t operation;
    struct call_events_device devices[CALL_EVENTS_DEVICES];
};

/* A place that commands, or their data, were seen at. Those of an object's last life are nobody's. */
struct call_events_place {
    const void *address;
    uint32_t process;
    /* of a command block: its last fetch */
    const void *buffer;
    uint64_t fetch;
    int32_t code;
    bool outstanding;
};
struct call_events_places {
    uint32_t count;
    struct call_events_place list[CALL_EVENTS_BLOCKS];
};

struct call_events {
    struct event_sink sink;
    uint64_t sequence;
    uint64_t set_count, device_count;
    uint32_t operation_count;
    const char *operations[CALL_EVENTS_OPERATIONS]; /* names of their sets */
    struct call_events_process processes[CALL_EVENTS_PROCESSES];
    struct call_events_places blocks, buffers;
    struct {
        int64_t number;
        int32_t operation;
        uint32_t process, thread;
        uint64_t bytes; /* that the client has answered for */
        bool failed;    /* it has answered with an error */
    } statement;
};

/* A call of a client's. Filled by who makes it: what the function takes before the begin, what it gives before the
 * end. */
struct made_call {
    enum vdi_function function;
    uint32_t process; /* 0 to CALL_EVENTS_PROCESSES - 1 */
    uint32_t process_number, thread_number;
    uint32_t device;  /* as its caller numbers the process's devices: OpenDevice and calls on devices */
    const char *name; /* lives as long as the events */
    int64_t timeout;
    const struct VDConfig *config; /* Create, GetConfiguration */
    const struct VDC_Command *block;
    int32_t completion;
    uint64_t bytes;
    int64_t position;
    const uint8_t *buffer;
    uint32_t handle;
    int32_t index;  /* OpenDevice: of the device in the set */
    bool shortened; /* it was not given the time that `timeout` says, for nothing could have come */
    /* The events' own. */
    uint64_t sequence, set;
    int32_t operation;
    bool starts;
};

void call_events_start(struct call_events *events, const struct event_sink *sink);
void call_events_begin(struct call_events *events, struct made_call *call);
/* On the thread that made it, before it does anything else. */
void call_events_end(struct call_events *events, struct made_call *call, int32_t result);

/* The server has opened the newest set of this name. */
void call_events_attach(struct call_events *events, uint32_t process_number, uint32_t thread_number,
                        const char *name, uint32_t devices, bool restores);
/* It has left; `complete`: not before every device was closed, and not for an abort. */
void call_events_leave(struct call_events *events, bool aborted, bool complete);

/* Somebody has killed the process. */
void call_events_killed(struct call_events *events, uint32_t process_number, enum process_role role);

#endif
