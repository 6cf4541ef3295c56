/* client_internal.h - the client's private state of a set, shared by client_*.c only.
 *
 *   client_set.c           life of the set: Create, OpenInSecondary, SignalAbort, Close
 *   client_configuration.c GetConfiguration, and waiting for the server
 *   client_buffers.c       buffer areas and handles
 *   client_device.c        OpenDevice, GetCommand, CompleteCommand
 */
#ifndef VDIFAULT_CORE_CLIENT_INTERNAL_H
#define VDIFAULT_CORE_CLIENT_INTERNAL_H

#include "client.h"
#include "codes.h"
#include "dialect.h"
#include "gate.h"
#include "queue.h"
#include "segment.h"
#include "server.h" /* enum server_abort_reason is part of the format */
#include "shared_event.h"

struct client_device {
    ClientVirtualDevice *object; /* what the application holds; NULL once it deleted it */
    struct client_set *set;
    struct client_device *next; /* all devices the set object ever had; freed with it */
    struct gate gate;
    struct shared_device *shared; /* NULL: of an earlier life */
    struct queue_receiver receiver;
    _Atomic bool close_delivered;
    _Atomic uint32_t io_state; /* changes so far between Active (even) and IO-ERROR (odd; spec 2.2) */
    _Atomic bool in_hand[SHARED_SLOTS];        /* fetched and not completed */
    _Atomic(uint8_t *) buffers[SHARED_SLOTS];  /* by slot: of the command in hand, for whatever thread asks */
    struct VDC_Command commands[SHARED_SLOTS]; /* by slot: what GetCommand returned a pointer to */
    struct VDC_Command kept[SHARED_SLOTS];     /* of the same, where the client cannot write */
};

struct client_set {
    struct lock lock;         /* Create, OpenInSecondary, OpenDevice, mapping and Close among themselves */
    _Atomic uint32_t closing; /* 1: a Close is at work; written with the lock */
    struct gate gate;
    _Atomic uint32_t process; /* the number of the one that entered or configured the set; 0: none has */
    struct segment segment;
    struct dialect dialect;
    struct os_memory areas[SHARED_AREAS_MAX];
    _Atomic uint32_t area_count;     /* of them, those mapped; raised with the lock */
    struct VDConfig config;          /* as GetConfiguration returned it */
    uint32_t prefix_zone;            /* bytes before each buffer, as the client asked for */
    _Atomic int64_t peer_checked_ns; /* when a poll last looked whether the server lives */
    bool primary;
    _Atomic bool configured;       /* GetConfiguration succeeded here */
    struct client_device *devices; /* newest first, also those of earlier lives of the set */
};

int client_from_errno(int error);

/* Puts back in the settled configuration what is not the server's to settle. */
void client_keep_own_terms(struct client_set *set);

/* A wait of `timeout`, as the caller counts it (X6; negative: for ever), as a deadline. */
int64_t client_deadline(const struct client_set *set, int64_t timeout);
/* One slice of waiting on `event`, whose sequence was `seen`. Afterwards *server_dead says whether the server
 * is known to be gone. ETIMEDOUT: the deadline has passed. */
int client_wait(struct client_set *set, struct shared_event *event, uint32_t seen, int64_t deadline,
                bool *server_dead);

/* Maps the areas the server has added since the last time; with the lock. 0 or a VD_E_* code. */
int client_map_areas(struct client_set *set);
void client_unmap_areas(struct client_set *set);
/* Address of the `size` data bytes at `offset` of area number `area` (from 0), their prefix zone inside the
 * area, too. NULL: there is no such place. */
uint8_t *client_buffer_address(struct client_set *set, uint32_t area, uint64_t offset, uint64_t size);

/* Whether every device of the set has delivered VD_E_CLOSE, in whichever process: Normally Terminated. */
bool client_is_terminated(struct client_set *set);
/* Whether this process holds the buffer at `address` for a command it has fetched; with the lock. */
bool client_holds_buffer(const struct client_set *set, const uint8_t *address);
/* Whether a device this process opened has not delivered VD_E_CLOSE; with the lock. */
bool client_has_open_device(const struct client_set *set);
/* Makes all device calls return and refuses new ones; afterwards the devices are of an earlier life. */
void client_close_devices(struct client_set *set);

#endif
