/* client_common.h - what the reference clients share and what is not VDI: options, the statement, the files.
 *
 * The clients are ordinary backup programs: they use the public interface (vdi.h, vdierror.h) and nothing
 * else of this project. This part makes no VDI call: those of the clients in C are in client_session.c, all
 * others in the client itself. It knows only when waiting still makes sense and whether the operation as a
 * whole succeeded.
 *
 * Ownership: an operation belongs to the client's main thread, which creates and frees it. Errors: 0 or
 * errno, completion codes where noted. Threads: operation_* but new and free may be called from any thread; a
 * store belongs to the thread of its device.
 */
#ifndef CLIENT_COMMON_H
#define CLIENT_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#ifdef __cplusplus
extern "C" {
#endif

enum {
    CLIENT_DEVICES_MAX = 64,
    CLIENT_NAME_MAX = 260,
    CLIENT_PATH_MAX = 4096
};

/* Exit statuses of every client. */
enum {
    CLIENT_SUCCESS = 0,
    CLIENT_FAILURE = 1,
    CLIENT_USAGE = 2
};

/* Waits are cut into slices of this length, to look at the statement in between (VDI-GETCFG-003). */
enum {
    CLIENT_SLICE_MS = 1000
};

/* Completion codes that vdi.h lacks (Win32 numbers, spec 5.7). */
enum {
    CLIENT_ERROR_ACCESS_DENIED = 5,
    CLIENT_ERROR_SEEK = 25,
    CLIENT_ERROR_WRITE_FAULT = 29,
    CLIENT_ERROR_READ_FAULT = 30,
    CLIENT_ERROR_INVALID_PARAMETER = 87,
    CLIENT_ERROR_NEGATIVE_SEEK = 131,
    CLIENT_ERROR_END_OF_MEDIA = 1100,
    CLIENT_ERROR_FILEMARK_DETECTED = 1101,
    CLIENT_ERROR_BEGINNING_OF_MEDIA = 1102,
    CLIENT_ERROR_NO_DATA_DETECTED = 1104,
    CLIENT_ERROR_NO_MEDIA_IN_DRIVE = 1112,
    CLIENT_ERROR_EOM_OVERFLOW = 1129
};

/* Whoever issues the statement in sqlcmd's place. */
struct client_connection {
    /* To the statement's end, in a thread of its own; messages go to `output`. Whether it succeeded. */
    bool (*run)(void *context, const char *statement, FILE *output);
    void (*cancel)(void *context); /* in another thread: `run` is to come back soon */
    void *context;
};

struct client_options {
    bool backup;
    bool restore;        /* both: a backup, then a restore of it */
    const char *program; /* for messages */
    const char *database;
    const char *set; /* name of the set; files are named after it */
    const char *directory;
    const char *sqlcmd;
    const struct client_connection *connection; /* NULL: sqlcmd issues the statement */
    const char *with;                           /* further WITH options of the statement, or NULL */
    const char *sql_result;                     /* file that will hold the statement's outcome, or NULL */
    int devices;
    bool log;            /* BACKUP LOG, RESTORE LOG */
    bool append;         /* the backup goes behind what is on the media */
    int fail_write;      /* this Write of each device meets an I/O error; 0: none does */
    bool no_sql;         /* someone else issues the statement */
    int64_t timeout_ms;  /* give up after so long without a command */
    int64_t patience_ms; /* how long VD_E_CLOSE may take once the statement has ended */
    char default_set[64];
};

/* One backup or restore. */
struct operation;

/* Reads the command line. 0, or CLIENT_USAGE with the reason printed. What the caller has set of no_sql and
 * timeout_ms is the default; all else of *options must be zero. */
int client_parse(int argc, char **argv, struct client_options *options);

/* For options that only one client has, before client_parse: takes `name` and its value, or a `name` without
 * one, out of the arguments. NULL, or false: it is not there. */
const char *client_take_option(int *argc, char **argv, const char *name);
bool client_take_flag(int *argc, char **argv, const char *name);
/* The number that such an option holds; `otherwise` if `text` is NULL. False: it is none, or out of range. */
bool client_number(const char *text, int64_t low, int64_t high, int64_t otherwise, int64_t *number);

/* Runs `work` for the backup and the restore that were asked for, and returns the exit status. `work` makes
 * the VDI calls; it returns when the set is closed and every thread but the statement's has ended. */
typedef void client_work(struct operation *operation);
int client_run(const struct client_options *options, client_work *work);

/* One of them; tells what came of it. */
bool client_run_one(const struct client_options *options, bool backup, client_work *work);

const struct client_options *operation_options(const struct operation *operation);
bool operation_is_backup(const struct operation *operation);

/* Name of device `index` of the set, as it stands in the statement: "set", "set-1", "set-2"... */
void operation_device_name(const struct operation *operation, int index, char name[CLIENT_NAME_MAX]);

/* Starts the BACKUP or RESTORE statement, in sqlcmd or by the connection; nothing with --no-sql. 0 or errno. */
int operation_start_statement(struct operation *operation);

/* For a client with a bug, before that: nobody reads what sqlcmd prints, nor sees its end, before the outcome is asked
 * for. */
void operation_read_late(struct operation *operation);

/* A command arrived: the idle time starts anew. */
void operation_progress(struct operation *operation);

/* Asked when a wait returned VD_E_TIMEOUT: can what is waited for still come? False once the statement has
 * ended and patience is over, or when nothing has arrived for the whole timeout. */
bool operation_may_wait(struct operation *operation);

/* Blocks until the statement has ended, or operation_may_wait no longer. Needs a statement of our own. */
void operation_wait_statement(struct operation *operation);
void operation_wait_for_ever(struct operation *operation); /* for the statement, as a bug does */

/* Notes why the operation failed; the first reason is the one reported. */
void operation_fail(struct operation *operation, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
bool operation_failed(const struct operation *operation);

/* Whether the statement succeeded: waits for its end, reaps it. Also called by client_run after `work`. */
bool operation_statement_succeeded(struct operation *operation);

/* ---- the files that hold the devices' streams ---- */

void store_path(const struct operation *operation, int device, const char *suffix,
                char path[CLIENT_PATH_MAX]);
/* Opens the file of a device for writing (backup) or reading (restore); NULL with errno. `suffix` is ".bak"
 * but for clients that commit by rename. */
FILE *store_open(const struct operation *operation, int device, const char *suffix);
/* Each returns a completion code; *done is the number of bytes moved. */
int store_write(FILE *file, const uint8_t *data, size_t size, size_t *done);
int store_read(FILE *file, uint8_t *data, size_t size, size_t *done);
int store_sync(FILE *file); /* everything written is durable when this returns ERROR_SUCCESS */
/* Renames and makes the rename durable; returns a completion code. */
int store_commit(const struct operation *operation, const char *from, const char *to);
int store_sync_directory(const char *path); /* a new name is durable only when its directory is; errno */
int store_completion_code(int error_number, bool writing); /* errno to Win32 */

const char *client_result_name(int result); /* "VD_E_ABORT" */

#ifdef __cplusplus
}
#endif

#endif
