/* server_internal.h - the server's private state of a set, shared by server_*.c only.
 *
 *   server_set.c           life of the set: Open, SignalAbort, Close
 *   server_configuration.c GetConfiguration, BeginConfiguration, device names, EndConfiguration
 *   server_buffers.c       RequestBuffers, AllocateBuffer, FreeBuffer and the areas behind them
 *   server_device.c        OpenDevice, SendCommand, CloseDevice, completions of one device
 *   server_agent.c         ExecuteCompletionAgent, its rounds, and waiting for the client
 */
#ifndef VDIFAULT_CORE_SERVER_INTERNAL_H
#define VDIFAULT_CORE_SERVER_INTERNAL_H

#include "gate.h"
#include "queue.h"
#include "segment.h"
#include "server.h"
#include "shared_event.h"

/* What server.h promises is what the format holds. */
_Static_assert((int)SERVER_COMMANDS_PER_DEVICE == (int)SHARED_SLOTS, "commands");
_Static_assert((int)SERVER_DEVICES_MAX == (int)SHARED_DEVICES_MAX, "devices");
_Static_assert((int)SERVER_AREAS_MAX == (int)SHARED_AREAS_MAX, "areas");

struct server_device {
    struct server_set *set;
    struct shared_device *shared;
    struct queue_sender sender;
    struct VDS_Command *commands[SHARED_SLOTS]; /* by slot, where sender.outstanding has its bit */
    _Atomic uint32_t io_state; /* the newest the client told of: odd is IO-ERROR (spec 2.2) */
    _Atomic uint32_t state;    /* enum shared_server_device */
    _Atomic uint32_t
        sending; /* enum server_sending: one thread at a time in the sender's half of the queue */
};

enum server_sending {
    SENDING_NOBODY,
    SENDING_ONE,
    SENDING_AWAITED /* as before, and others wait on the word */
};

/* Buffers of one shape, asked for by one RequestBuffers: `count` cells of `stride` bytes from `offset` on,
 * the data of each starting `lead` bytes into its cell so that it is aligned and the prefix zone lies before
 * it. */
struct buffer_class {
    uint32_t size;
    uint32_t alignment;
    uint32_t count;
    uint32_t area;
    uint64_t offset;
    uint64_t lead;
    uint64_t stride;
    uint8_t *used; /* a byte a cell; NULL: not yet allocated */
};

enum {
    BUFFER_CLASSES_MAX = 32,
    BUFFERS_PER_CLASS_MAX = 4096
};

struct server_set {
    struct gate gate;            /* closed: the set does not exist */
    struct lock lock;            /* phases, buffers, opening devices */
    _Atomic uint32_t delivering; /* 1: somebody delivers completions, the agent or a round */
    struct segment segment;
    struct os_memory areas[SHARED_AREAS_MAX];
    _Atomic uint32_t area_count;
    struct VDConfig client_config; /* our copy of what Create was given */
    struct VDConfig config;        /* as settled */
    _Atomic uint32_t phase;        /* enum shared_phase */
    _Atomic uint32_t devices_opened;
    _Atomic uint32_t devices_closed;
    _Atomic int64_t quiet_since; /* last completion, or first command after idleness; for serverTimeOut */
    uint32_t event_seen;         /* sequence of server_event at the last run of completions */
    uint32_t class_count;
    struct buffer_class classes[BUFFER_CLASSES_MAX];
    char names[SHARED_DEVICES_MAX][SHARED_NAME_MAX];
    struct server_device devices[SHARED_DEVICES_MAX];
};

/* Enters the set for one call: 0, VD_E_ABORT, or VD_E_PROTOCOL if it does not exist or its phase lies outside
 * [first, last]; with 0 server_leave must follow. The lock is held inside. */
int server_enter(struct server_set *set, enum shared_phase first, enum shared_phase last);
bool server_enter_any(struct server_set *set); /* in whatever state; false: it does not exist */
void server_leave(struct server_set *set);
bool server_is_terminated(const struct server_set *set); /* every device is closed */
uint32_t server_outstanding(struct server_set *set);     /* commands of all devices */

bool is_power_of_two(uint32_t value);
int server_buffers_allocate(struct server_set *set); /* an area for all that was requested and has none */
void server_buffers_release(struct server_set *set);
/* Area index and offset of a buffer address; false if [address, address + size) is in no area. */
bool server_buffers_find(const struct server_set *set, const uint8_t *address, uint32_t size, uint32_t *area,
                         uint64_t *offset);

/* Deliver what the client has completed, or ERROR_OPERATION_ABORTED for all that is outstanding; by who has begun
 * to deliver. Return the number of callbacks. */
uint32_t server_device_deliver(struct server_device *device);
uint32_t server_device_deliver_aborted(struct server_device *device);
/* One round of both; *aborted says which. */
uint32_t server_deliver(struct server_set *set, bool *aborted);

#endif
