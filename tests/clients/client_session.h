/* client_session.h - the life of a virtual device set as every reference client in C lives it (spec 9).
 *
 * Create, the statement, GetConfiguration, OpenDevice, a thread for each device that serves its commands, Close.
 * Every wait has an end, every command is completed once, every buffer is left alone after its completion,
 * Close follows VD_E_CLOSE of all devices or SignalAbort. What makes a client special is its session_kind;
 * session_run does the rest. A client that does more than a kind can say composes the steps itself.
 *
 * Ownership: a session is the caller's memory, usually beside `operation` on the stack of client_work; it must
 * not move once run. It owns its set, its files and its threads, all gone when session_run returns. `own` is
 * the client's. Errors: the steps note the reason with operation_fail and return false; nothing more can come
 * of the set then. Threads: one thread a device, which alone uses its session_device; all else belongs to the
 * main thread, but session_give_up may be called from any.
 */
#ifndef CLIENT_SESSION_H
#define CLIENT_SESSION_H

#include <pthread.h>

#include "client_common.h"
#include "vdi.h"
#include "vdierror.h"

struct session;

struct session_device {
    struct session *session;
    ClientVirtualDevice *device;
    FILE *file;
    pthread_t thread;
    int index;
};

/* Carries out one command. Returns its completion code; *done, 0 at the call, counts the bytes of Write and
 * Read. */
typedef int session_action(struct session_device *device, const VDC_Command *command, size_t *done);

/* What distinguishes one client from another. Whatever is left out is the plain thing: the stream goes to the
 * file as it is, and Flush makes it durable. */
struct session_kind {
    const char *suffix;    /* of the files */
    uint32_t features;     /* VDF_* */
    bool waits_for_ever;   /* GetConfiguration and GetCommand have no timeout; something else must end them */
    session_action *write; /* the store */
    session_action *read;
    session_action *flush;
    session_action *complete;           /* VDC_Complete; left out: not supported */
    void *(*serve)(void *device);       /* body of a device's thread, instead of session_serve */
    bool (*transfer)(struct session *); /* instead of session_transfer, which it may call */
};

struct session {
    struct operation *operation;
    struct session_kind kind; /* complete: nothing is left out but `complete` */
    void *own;                /* the client's own data, if it has any */
    ClientVirtualDeviceSet set;
    VDConfig config; /* as asked for; after GetConfiguration as the server settled it */
    int count;
    struct session_device devices[CLIENT_DEVICES_MAX];
};

/* A session of `kind` that has yet to run. */
void session_init(struct session *session, struct operation *operation, const struct session_kind *kind,
                  void *own);

/* The whole life of the set, files included. The outcome is in the operation. */
void session_run(struct session *session);

/* session_run for a client with nothing special: each stream to a .bak file as it is. */
client_work session_run_plain;

/* ---- the steps of session_run, in their order ---- */

bool session_open_files(struct session *session);
bool session_create(struct session *session);   /* false: there is no set, nothing to abort or close */
void session_converse(struct session *session); /* starts the statement, then the transfer */
/* The three steps below. False: it did not come to serving. */
bool session_transfer(struct session *session);
bool session_configure(struct session *session);
bool session_open_devices(struct session *session);
void session_serve_devices(struct session *session); /* returns when every device's thread has ended */
void session_close(struct session *session);
void session_close_files(struct session *session);

/* ---- serving a device, in its thread ---- */

/* One command after another until VD_E_CLOSE; `context` is the session_device. */
void *session_serve(void *context);

/* Does what the command asks, whatever it is. */
session_action session_perform;

/* A call failed: nothing more can come of this set. */
void session_give_up(struct session *session, const char *call, int result);

#endif
