/* client_session.h - the life of a virtual device set as every reference client in C lives it (spec 9).
 *
 * Create, the statement, GetConfiguration, OpenDevice, a thread for each device that serves its commands, Close.
 * Every wait has an end, every command is completed once, every buffer is left alone after its completion, a
 * command that failed is completed with its error and the device served on (ClearError may come, or the end;
 * spec 2.2), Close follows VD_E_CLOSE of all devices or SignalAbort. What makes a client special is its
 * session_kind; session_run does the rest. A client that does more than a kind can say composes the steps
 * itself.
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
    int index;  /* of the set's devices */
    int writes; /* seen so far, for --fail-write */
};

/* What goes back with a completion code. */
struct session_answer {
    size_t done;      /* bytes, of Write and Read */
    int64_t position; /* of GetPosition and SetPosition (VDI-CMD-007) */
};

/* A VDI call failed while the command was carried out, and session_give_up was called: no completion. */
enum {
    SESSION_GIVEN_UP = -1
};

/* Carries out one command. Returns its completion code, or SESSION_GIVEN_UP; *answer is zero at the call. */
typedef int session_action(struct session_device *device, const VDC_Command *command,
                           struct session_answer *answer);

enum {
    SESSION_ACTIONS = VDC_Complete + 1
};

/* What distinguishes one client from another. Whatever is left out is the plain thing. */
struct session_kind {
    const char *suffix; /* of the files that hold the streams; NULL: the client has its own places for them */
    uint32_t features;  /* VDF_* */
    bool waits_for_ever; /* GetConfiguration and GetCommand have no timeout; something else must end them */
    /* By command code. Left out: with a suffix, Write, Read and Flush act on the device's file; ClearError
     * succeeds; all else is not supported. */
    session_action *actions[SESSION_ACTIONS];
    void *(*serve)(void *device); /* body of a device's thread, instead of session_serve */
    /* What session_serve does with a command: carry it out and complete it. False: the thread ends. */
    bool (*answer)(struct session_device *device, VDC_Command *command);
    bool (*attach)(struct session *);   /* instead of session_create */
    bool (*transfer)(struct session *); /* instead of session_transfer, which it may call */
};

struct session {
    struct operation *operation;
    struct session_kind kind; /* complete: what was left out is filled in */
    void *own;                /* the client's own data, if it has any */
    ClientVirtualDeviceSet set;
    VDConfig config; /* as asked for; after GetConfiguration as the server settled it */
    int count;       /* of the devices that this process serves, which are the first in `devices` */
    struct session_device devices[CLIENT_DEVICES_MAX];
};

/* A session of `kind` that has yet to run. */
void session_init(struct session *session, struct operation *operation, const struct session_kind *kind,
                  void *own);

/* Leaves only every `step`-th device, from `first` on, to this process: others serve the rest. */
void session_take_devices(struct session *session, int first, int step);

/* The whole life of the set, files included. The outcome is in the operation. */
void session_run(struct session *session);

/* session_run for a client with nothing special: each stream to a .bak file as it is. */
client_work session_run_plain;

/* ---- the steps of session_run, in their order ---- */

bool session_open_files(struct session *session);
bool session_create(struct session *session); /* false: there is no set, nothing to abort or close */
bool session_open_in_secondary(struct session *session); /* likewise; another process created the set */
void session_converse(struct session *session);          /* starts the statement, then the transfer */
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

/* Does what the command asks, whatever it is. Notes a failure. */
session_action session_perform;

/* A call failed: nothing more can come of this set. */
bool session_accepts(struct session *session, const VDC_Command *command); /* else the set was given up */
void session_give_up(struct session *session, const char *call, int result);

#endif
