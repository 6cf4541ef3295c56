/* client_fixture.h - a set on its way to a cell of the client table; shared by client_*.c of the model only.
 *
 * Functions that return bool return false when the library did not do as expected; seen->why then says what.
 */
#ifndef VDIFAULT_CLIENT_FIXTURE_H
#define VDIFAULT_CLIENT_FIXTURE_H

#include "client_cases.h"

enum {
    FIXTURE_WAIT_MS = 10000, /* long in milliseconds and in seconds (X6): the caller's deadline comes first */
    FIXTURE_NAME_MAX = 128,
};

struct fixture {
    const struct client_case *one;
    const struct vdi_library *vdi;
    struct case_server *server;
    struct case_observation *seen;
    char name[FIXTURE_NAME_MAX];
    uint32_t devices;               /* of the set */
    ClientVirtualDeviceSet set;     /* brought to the state */
    ClientVirtualDeviceSet other;   /* its secondary, or its primary */
    ClientVirtualDeviceSet *target; /* the object the call is made on: one of the two */
    ClientVirtualDevice *device[2]; /* opened so far */
    ClientVirtualDevice *subject;   /* the device the call is made on */
    bool device_lives;              /* `subject` belongs to the target's present life */
    VDC_Command *held;              /* fetched, not completed, with a buffer */
    VDC_Command *given_back;        /* what was held before */
    uint8_t *buffer;                /* its buffer, also later */
    unsigned handle;                /* of that buffer; 0: none was given */
    /* arguments of the call */
    char argument[FIXTURE_NAME_MAX];
    VDConfig config;
    VDC_Command *command;
    unsigned long bytes;
    int handle_argument;
    uint8_t *buffer_argument;
};

bool fixture_create(struct fixture *f, ClientVirtualDeviceSet *set);
bool fixture_serve(struct fixture *f);
bool fixture_configure(struct fixture *f, ClientVirtualDeviceSet *set);
bool fixture_open_device(struct fixture *f, ClientVirtualDeviceSet *set, uint32_t index);
bool fixture_join(struct fixture *f, ClientVirtualDeviceSet *set); /* OpenInSecondary */
bool fixture_abort(struct fixture *f, ClientVirtualDeviceSet *set);
/* Fetches on `device` until a command with a buffer comes, and keeps that one. */
bool fixture_hold(struct fixture *f, ClientVirtualDevice *device);
/* Answers a command as a client that stores everything would. */
bool fixture_complete(struct fixture *f, ClientVirtualDevice *device, VDC_Command *command);
/* Lets the server finish and serves all open devices until one delivers something that is no command: its
 * result, and in *which its index. */
int32_t fixture_drain(struct fixture *f, uint32_t *which);
/* Brings `set` to the state, with `opened` devices open in Active. */
bool fixture_reach(struct fixture *f, enum model_state state, uint32_t opened);
/* A device of a life of `set` that is over. */
bool fixture_earlier_life(struct fixture *f);
/* The name of device `index`. */
void fixture_device_name(const struct fixture *f, uint32_t index, char name[FIXTURE_NAME_MAX]);
bool fixture_fail(struct fixture *f, const char *format, ...) __attribute__((format(printf, 2, 3)));
int64_t fixture_now_ms(void);

#endif
