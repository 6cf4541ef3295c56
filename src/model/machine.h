/* machine.h - the reference model of one set with both its sides: what the next call may return.
 *
 * Fed with the calls of a client and a server in the order in which they returned, it keeps what the result
 * of later ones depends on, the commands on their way included, and looks results up in the tables of
 * model.h. Where it cannot know (how much room buffers leave) it allows whatever some situation of the cell
 * allows.
 *
 * Responsible for: one server, and the processes of a client, the primary and its secondaries: each has a state of its
 * own (spec 2.3), and the devices that it opened. Calls that overlap are the caller's to serialise. Plain data, no
 * allocation; one thread at a time.
 */
#ifndef VDIFAULT_MACHINE_H
#define VDIFAULT_MACHINE_H

#include "model.h"

enum {
    MODEL_CLIENTS_MAX = 3 /* processes of a client */
};

struct model_command {
    uint32_t order; /* of sending, from 1; 0: none here */
    int32_t code;   /* VDC_* */
    bool has_buffer;
    enum {
        MODEL_WAITS,
        MODEL_IN_HAND,
        MODEL_ANSWERED
    } at;
    int32_t completion;
};

struct model_device {
    bool client_open, close_delivered; /* by any process of the client */
    uint32_t opener;                   /* which one, where it is or was open */
    bool server_open, server_closed;
    bool client_io_error; /* as the client library has it, and as the server knows */
    bool server_io_error;
    uint32_t last_order;
    struct model_command commands[MODEL_COMMANDS_MAX]; /* outstanding, in order of sending */
    uint32_t command_count;
};

struct model_set {
    uint32_t device_count;
    uint32_t dialects;
    /* What they would be without an abort, and without what other processes did: see model_client_state. */
    enum model_state clients[MODEL_CLIENTS_MAX];
    enum model_state server;
    uint32_t primary; /* which process has created it */
    bool settled;     /* the server has finished EndConfiguration */
    bool configured;  /* the primary has finished GetConfiguration */
    bool closed;      /* the primary has closed it */
    bool released;    /* the server has */
    bool served;      /* a server has opened it */
    bool aborted;
    bool may_be_aborted; /* one side has left: the other's may have noticed */
    struct model_device devices[MODEL_DEVICES_MAX];
};

struct model_call {
    enum model_function function; /* of the client's or the server's table */
    uint32_t client;              /* of the client's: which process calls */
    uint32_t device;              /* of a device's function, or named to the client's OpenDevice */
    /* MODEL_ALWAYS: arguments as documented. Otherwise what is special about them: NAME_TAKEN, BAD_NAME,
     * BAD_CONFIGURATION, UNKNOWN_NAME, COMMAND_NOT_HELD, TOO_MANY_BYTES, BUFFER_NOT_HELD, HANDLE_BAD,
     * NO_SUCH_SET, BAD_VALUES, BUFFER_FOREIGN. */
    enum model_situation argument;
    int32_t code;    /* SendCommand: VDC_*. CompleteCommand: the completion code */
    bool has_buffer; /* SendCommand: the command has one */
    uint32_t
        order; /* CompleteCommand: which command. GetCommand and SendCommand: model_step says which it was */
};

void model_set_init(struct model_set *set, uint32_t device_count, uint32_t dialects);
/* As assignment, without the devices that it does not have: of 64 they are mostly all but one. */
void model_set_copy(struct model_set *to, const struct model_set *from);

/* The column of the tables a side is in; of the client's, its primary. */
enum model_state model_set_state(const struct model_set *set, enum model_table side);
enum model_state model_client_state(const struct model_set *set, uint32_t client);
/* Of the call's side and process. */
enum model_state model_call_state(const struct model_set *set, const struct model_call *call);

/* Whether a Create of its name finds that it lives: from Create until the primary or the server leaves. */
bool model_set_lives(const struct model_set *set);

/* The process dies, or the server's, without having been in a call: who is left may find out (spec 9.6). */
void model_set_kill_client(struct model_set *set, uint32_t client);
void model_set_kill_server(struct model_set *set);

/* Whether the call may return this; the set is not changed. */
bool model_set_allows(const struct model_set *set, const struct model_call *call, int32_t result);
/* The same, and if so the call has been made. */
bool model_step(struct model_set *set, struct model_call *call, int32_t result);

/* The server's agent has called back for all that was completed. */
void model_set_deliver(struct model_set *set);

/* What a GetCommand that waits on the device does meanwhile: in IO-ERROR it refuses what comes. */
void model_set_wait(struct model_set *set, uint32_t device);

/* A device's commands that the client has in hand; the n-th, or NULL. */
const struct model_command *model_held_command(const struct model_device *device, uint32_t n);

#endif
