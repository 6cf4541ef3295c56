/* client_cases.h - one conformance case for every cell of the client table, run on any libsqlvdi.so.
 *
 * A case brings a fresh set to the cell's state and situation, makes the call, notes the result, and then
 * makes probe calls whose results show which state the set is in. It does so through the C++ ABI alone, with
 * a server behind it that the caller provides, so the same cases serve the tests of this project's own core
 * and `vdifault conform` on another's library.
 *
 * Responsible for: reaching, calling, probing; and comparing what was seen with the model.
 * Not responsible for: a library that crashes or hangs: the caller runs each case where that does no harm.
 *
 * Errors: a state that could not be reached is no verdict; the observation says why.
 * Threads: one case at a time per process; a case may use a second thread of its own.
 */
#ifndef VDIFAULT_CLIENT_CASES_H
#define VDIFAULT_CLIENT_CASES_H

#include "model.h"

/* The ABI of spec 3.1. */
struct vdi_library {
    void (*set_init)(ClientVirtualDeviceSet *set);
    void (*set_destroy)(ClientVirtualDeviceSet *set);
    int (*create)(ClientVirtualDeviceSet *set, char *name, VDConfig *config);
    int (*get_configuration)(ClientVirtualDeviceSet *set, time_t timeout, VDConfig *config);
    int (*open_device)(ClientVirtualDeviceSet *set, char *name, ClientVirtualDevice **device);
    int (*close)(ClientVirtualDeviceSet *set);
    int (*signal_abort)(ClientVirtualDeviceSet *set);
    int (*open_in_secondary)(ClientVirtualDeviceSet *set, char *name);
    int (*get_buffer_handle)(ClientVirtualDeviceSet *set, uint8_t *buffer, unsigned int *handle);
    int (*map_buffer_handle)(ClientVirtualDeviceSet *set, int handle, uint8_t **buffer);
    void (*register_device_closed)(ClientVirtualDeviceSet *set);
    int (*get_command)(ClientVirtualDevice *device, time_t timeout, VDC_Command **command);
    int (*complete_command)(ClientVirtualDevice *device, VDC_Command *command, int code, unsigned long bytes,
                            int64_t position);
};

/* The server behind a set. Device 0 has the set's name, device i that name with "-i" appended. Functions
 * return 0, or -1 with a reason in `why`. */
struct case_server {
    /* Serves the set of this name, which has been created: configures it, opens its devices, and sends a
     * backup to each, in which at least one command has a buffer. */
    int (*start)(struct case_server *server, const char *set, uint32_t devices);
    /* Nothing more is to be sent: each device is closed once its commands are completed. A server that does
     * so by itself has nothing to do here. */
    void (*finish)(struct case_server *server);
    void (*stop)(struct case_server *server); /* ends what `start` began, if anything */
    char why[256];
};

enum case_phase {
    CASE_REACHING, /* on the way to the cell's state */
    CASE_CALLING,  /* inside the call the case is about */
    CASE_PROBING,  /* inside probe `probe_count` */
    CASE_DONE,
};

enum {
    CASE_PROBES_MAX = 3,
    CASE_SECOND_MS = 900, /* what a wait of 1 takes at least, if that is a second (X6) */
};

struct case_probe {
    enum model_function function;
    int32_t result;
};

/* What was seen. Plain data that is filled in as the case goes, so that it may lie in memory shared with
 * whoever waits for a case that never ends. */
struct case_observation {
    enum case_phase phase;
    bool reached; /* with phase CASE_DONE: false says that the state was not reached, see `why` */
    char why[256];
    const char *step; /* the function being called on the way; a constant of this program */
    int32_t result;
    int64_t elapsed_ms; /* of a GetConfiguration in vain with a timeout of 1 */
    bool pointer_left;  /* a failed OpenDevice or GetCommand left a pointer that is not NULL (VDI-OPEN-004) */
    uint32_t probe_count;
    enum model_function probing; /* with phase CASE_PROBING */
    struct case_probe probes[CASE_PROBES_MAX];
};

struct client_case {
    enum model_function function;
    enum model_state state;
    const struct model_outcome *outcome; /* whose situation the case makes */
};

/* The cases in the order of the table; 0, or ENOENT when an outcome of the client table has no case:
 * `missing` then is that one. `cases` has room for `room`; *count is how many there are. */
int client_cases(struct client_case *cases, size_t room, size_t *count, struct client_case *missing);

/* The documents say nothing about the call's safety: it is made on a device of an earlier life of the set. */
bool client_case_is_beyond_documents(const struct client_case *one);

/* `name` is the set's; the case may also use it with "2" appended. */
void client_case_run(const struct client_case *one, const struct vdi_library *library,
                     struct case_server *server, const char *name, struct case_observation *seen);

/* --- comparing --- */

enum case_verdict {
    CASE_OK,
    CASE_WRONG_RESULT,  /* the call returned something else */
    CASE_WRONG_STATE,   /* the probes do not fit the next state: `probe` is the first that does not */
    CASE_WRONG_POINTER, /* a failed call left a pointer */
};

/* Compares a finished observation with the outcome under these dialects. Probes whose bit in `untrusted`
 * (1u << probe index) is set are no evidence. *probe may be NULL. */
enum case_verdict client_case_judge(const struct client_case *one, const struct case_observation *seen,
                                    uint32_t dialects, uint32_t untrusted, uint32_t *probe);

#endif
