/* client_internal.h - the client's private state of a set, shared by client_*.c only. */
#ifndef VDIFAULT_CORE_CLIENT_INTERNAL_H
#define VDIFAULT_CORE_CLIENT_INTERNAL_H

#include <pthread.h>

#include "client.h"
#include "event.h"
#include "queue.h"
#include "segment.h"
#include "server.h" /* enum server_abort_reason is part of the format */

enum {
    CLIENT_PEER_CHECK_NS = 250000000 /* how often a sleeper looks whether its peer lives */
};

/* Calls inside an object, and whether it is closing: Close refuses new calls, then waits for the old ones. */
struct gate {
    _Atomic uint32_t inside; /* bit 31: closed */
};

struct client_device {
    ClientVirtualDevice *object; /* what the application holds; NULL once it deleted it */
    struct client_set *set;
    struct client_device *next; /* all devices the set object ever had; freed with it */
    struct gate gate;
    struct shared_device *shared;
    struct queue_receiver receiver;
    _Atomic bool close_delivered;
    struct VDC_Command commands[SHARED_SLOTS]; /* by slot: what GetCommand returned a pointer to */
    int32_t sizes[SHARED_SLOTS];               /* of the same, where the client cannot write */
    _Atomic uint32_t fetched[SHARED_SLOTS];    /* 1: in the client's hands */
};

struct client_set {
    pthread_mutex_t lock;  /* Create, OpenInSecondary, OpenDevice and Close among themselves */
    pthread_cond_t closed; /* a Close has ended */
    bool closing;          /* a Close is at work; with the lock */
    struct gate gate;
    struct segment segment;
    struct os_memory buffers;
    struct VDConfig config;          /* as GetConfiguration returned it */
    uint32_t prefix_zone;            /* bytes before each buffer, as the client asked for */
    _Atomic int64_t peer_checked_ns; /* when a poll last looked whether the server lives */
    bool primary;
    _Atomic bool configured;       /* GetConfiguration succeeded here */
    struct client_device *devices; /* newest first, also those of earlier lives of the set */
};

/* Enters unless closed; pairs with gate_leave. */
bool gate_enter(struct gate *gate);
void gate_leave(struct gate *gate);
void gate_open(struct gate *gate);
void gate_close(struct gate *gate); /* refuses new calls */
bool gate_is_closed(const struct gate *gate);
void gate_drain(struct gate *gate); /* after gate_close: waits until nobody is inside */

/* A wait of `timeout` milliseconds (negative: for ever) as a deadline. */
int64_t client_deadline(int64_t timeout);
/* One slice of waiting on `event`, whose sequence was `seen`. Afterwards *server_dead says whether the server
 * is known to be gone. ETIMEDOUT: the deadline has passed. */
int client_wait(struct client_set *set, struct shared_event *event, uint32_t seen, int64_t deadline,
                bool *server_dead);
int client_map_buffers(struct client_set *set);

#endif
