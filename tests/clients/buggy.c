/* buggy.c - correct_c.c with one bug (bug.h). The bugs are where `has` is called. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bug.h"
#include "client_session.h"

enum {
    /* Which Write or Read the bugs of the transfer act on. */
    NTH_TWICE = 2,
    NTH_FORGOTTEN = 3,
    NTH_LAST_SERVED = 5,
    CALLS_AFTER_ABORT = 3,
};

enum bug_id {
    BUG_CREATE_TWICE,
    BUG_OPEN_BEFORE_CONFIG,
    BUG_OPEN_TOO_FEW,
    BUG_GET_AFTER_CLOSE,
    BUG_GET_AFTER_ABORT,
    BUG_FORGET_WRITE,
    BUG_COMPLETE_TWICE,
    BUG_ACCEPT_UNKNOWN,
    BUG_CLOSE_AFTER_FLUSH,
    BUG_CLOSE_ON_TIMEOUT,
    BUG_USE_AFTER_CLOSE,
    BUG_CLOSE_TWICE,
    BUG_CLAIM_SUCCESS,
    BUG_WAIT_FOR_EVER,
    BUG_CRASH_ON_ABORT,
    BUG_NO_CLOSE,
    BUG_SPIN,
    BUG_CLAIM_FAILURE,
    BUG_LOSE_BACKUP,
    BUG_QUIT_MIDWAY,
    BUG_COUNT
};

static const struct bug bugs[BUG_COUNT] = {
    [BUG_CREATE_TWICE] = {"create-twice", "VDI-CREATE-001", "Create", "-", "backup", 1,
                          "calls Create again on the set it has just created"},
    [BUG_OPEN_BEFORE_CONFIG] = {"open-before-config", "VDI-GETCFG-002", "OpenDevice", "-", "backup", 1,
                                "tries OpenDevice before GetConfiguration, then does it properly"},
    [BUG_OPEN_TOO_FEW] = {"open-too-few", "VDI-OPEN-005", "OpenDevice", "-", "backup", 2,
                          "opens all devices but the last, waits for commands, gives up properly"},
    [BUG_GET_AFTER_CLOSE] = {"get-after-close", "VDI-GETCMD-002", "GetCommand", "-", "backup", 1,
                             "calls GetCommand again after VD_E_CLOSE"},
    [BUG_GET_AFTER_ABORT] = {"get-after-abort", "VDI-GETCMD-003", "GetCommand", "abort@Write#3", "backup", 1,
                             "tries GetCommand three more times after VD_E_ABORT"},
    [BUG_FORGET_WRITE] = {"forget-write", "VDI-CMD-001", "GetCommand", "-", "backup", 1,
                          "stores the third Write but never completes it; gives up properly in the end"},
    [BUG_COMPLETE_TWICE] = {"complete-twice", "VDI-CMD-002", "CompleteCommand", "-", "backup", 1,
                            "completes the second Write twice"},
    [BUG_ACCEPT_UNKNOWN] = {"accept-unknown", "VDI-CMD-008", "CompleteCommand", "unknown-command@Write#2",
                            "backup", 1, "answers commands it does not know with SUCCESS"},
    [BUG_CLOSE_AFTER_FLUSH] = {"close-after-flush", "VDI-CLOSE-001", "Close", "-", "backup", 1,
                               "takes Flush for the end: closes without waiting for VD_E_CLOSE"},
    [BUG_CLOSE_ON_TIMEOUT] = {"close-on-timeout", "VDI-CLOSE-001", "Close", "lost-close", "backup", 1,
                              "closes without SignalAbort when VD_E_CLOSE does not come"},
    [BUG_USE_AFTER_CLOSE] = {"use-after-close", "VDI-CLOSE-003", "GetCommand", "-", "backup", 1,
                             "calls GetCommand on a device after Close"},
    [BUG_CLOSE_TWICE] = {"close-twice", "VDI-CLOSE-004", "Close", "-", "backup", 1, "calls Close twice"},
    [BUG_CLAIM_SUCCESS] = {"claim-success", "VDI-OUT-001", "-", "abort@Write#3", "backup", 1,
                           "exits 0 whatever VDI and the statement said"},
    [BUG_WAIT_FOR_EVER] = {"wait-for-ever", "VDI-OUT-002", "GetCommand", "lost-close", "backup", 1,
                           "waits for commands without limit, and nothing watches the statement"},
    [BUG_CRASH_ON_ABORT] = {"crash-on-abort", "VDI-OUT-003", "-", "abort@Write#3", "backup", 1,
                            "follows a null pointer while it reports VD_E_ABORT"},
    [BUG_NO_CLOSE] = {"no-close", "VDI-OUT-004", "-", "-", "backup", 1, "ends after success without Close"},
    [BUG_SPIN] = {"spin", "VDI-OUT-005", "GetCommand", "lost-close", "backup", 1,
                  "polls GetCommand with timeout 0 instead of waiting"},
    [BUG_CLAIM_FAILURE] = {"claim-failure", "VDI-OUT-006", "-", "-", "restore", 1,
                           "exits 1 after a restore that succeeded"},
    [BUG_LOSE_BACKUP] = {"lose-backup", "VDI-OUT-007", "-", "-", "backup", 1,
                         "deletes its files and fails after every Flush was acknowledged"},
    [BUG_QUIT_MIDWAY] = {"quit-midway", "VDI-OUT-008", "-", "-", "backup", 1,
                         "exits after the fifth Write without SignalAbort or Close"},
};

/* What a device's thread knows. */
struct state {
    int transfers;       /* Writes and Reads fetched so far */
    VDC_Command *latest; /* the command in our hands, or NULL */
};

static bool has(enum bug_id bug)
{
    return bug_is((int)bug);
}

static struct state *state_of(const struct session_device *device)
{
    return (struct state *)device->session->own + device->index;
}

static void give_up(struct session *session, const char *call, int result)
{
    if (has(BUG_CLOSE_ON_TIMEOUT)) {
        operation_fail(session->operation, "%s returned %s", call, client_result_name(result));
    } else {
        session_give_up(session, call, result);
    }
}

/* The bugs on the way out of a device that was aborted. */
static void mistreat_abort(struct session_device *device)
{
    VDC_Command *command;

    if (has(BUG_CRASH_ON_ABORT)) {
        fprintf(stderr, "aborted in command %d\n",
                state_of(device)->latest->commandCode); /* there is none: NULL */
    }
    for (int i = 0; has(BUG_GET_AFTER_ABORT) && i < CALLS_AFTER_ABORT; i++) {
        vdi_device_get_command(device->device, 0, &command);
    }
}

static int perform(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    int code = session_perform(device, command, answer);

    return code == ERROR_NOT_SUPPORTED && has(BUG_ACCEPT_UNKNOWN) ? ERROR_SUCCESS : code;
}

/* Serves the command in our hands. False: the device needs no more service, or gets none. */
static bool answer(struct session_device *device)
{
    struct state *state = state_of(device);
    VDC_Command *command = state->latest;
    int kind = command->commandCode; /* the block is not ours after completion (VDI-CMD-003) */
    struct session_answer answer = {0};
    int code = perform(device, command, &answer);
    int result;

    state->latest = NULL;
    state->transfers += kind == VDC_Write || kind == VDC_Read;
    if (has(BUG_FORGET_WRITE) && kind == VDC_Write && state->transfers == NTH_FORGOTTEN) {
        return true;
    }
    result = vdi_device_complete_command(device->device, command, code, answer.done, 0);
    if (has(BUG_COMPLETE_TWICE) && kind == VDC_Write && state->transfers == NTH_TWICE) {
        vdi_device_complete_command(device->device, command, code, answer.done, 0);
    }
    if (result) {
        give_up(device->session, "CompleteCommand", result);
        if (result == VD_E_ABORT) {
            mistreat_abort(device);
        }
        return false;
    }
    if (has(BUG_QUIT_MIDWAY) && state->transfers == NTH_LAST_SERVED) {
        return false;
    }
    return !(has(BUG_CLOSE_AFTER_FLUSH) && kind == VDC_Flush);
}

static void *serve(void *context)
{
    struct session_device *device = context;
    struct session *session = device->session;
    struct state *state = state_of(device);
    int timeout = has(BUG_WAIT_FOR_EVER) ? -1 : has(BUG_SPIN) ? 0 : CLIENT_SLICE_MS;

    for (;;) {
        int result = vdi_device_get_command(device->device, timeout, &state->latest);

        if (result == VD_E_TIMEOUT && operation_may_wait(session->operation)) {
            continue;
        }
        if (result == VD_E_CLOSE && has(BUG_GET_AFTER_CLOSE)) {
            vdi_device_get_command(device->device, 0, &state->latest);
        }
        if (result == VD_E_CLOSE) {
            return NULL;
        }
        if (result) {
            give_up(session, "GetCommand", result);
            if (result == VD_E_ABORT) {
                mistreat_abort(device);
            }
            return NULL;
        }
        operation_progress(session->operation);
        if (!answer(device)) {
            return NULL;
        }
    }
}

/* session_open_devices, here because the last OpenDevice is where a device too few shows. */
static bool open_devices(struct session *session)
{
    if (has(BUG_OPEN_TOO_FEW)) {
        session->count--;
    }
    for (int i = 0; i < session->count; i++) {
        char name[CLIENT_NAME_MAX];
        int result;

        operation_device_name(session->operation, i, name);
        result = vdi_set_open_device(&session->set, name, &session->devices[i].device);
        if (result) {
            give_up(session, "OpenDevice", result);
            return false;
        }
    }
    return true;
}

static bool transfer(struct session *session)
{
    if (!session_configure(session) || !open_devices(session)) {
        return false;
    }
    session_serve_devices(session);
    if (has(BUG_QUIT_MIDWAY)) {
        exit(CLIENT_FAILURE);
    }
    return true;
}

/* The bugs of a set that was created, or that SQL Server has not configured yet. */
static void mistreat_new_set(struct session *session)
{
    char name[CLIENT_NAME_MAX];
    ClientVirtualDevice *device;

    operation_device_name(session->operation, 0, name);
    if (has(BUG_CREATE_TWICE)) {
        vdi_set_create(&session->set, name, &session->config);
    }
    if (has(BUG_OPEN_BEFORE_CONFIG)) {
        vdi_set_open_device(&session->set, name, &device);
    }
}

static void close_set(struct session *session)
{
    VDC_Command *command;
    int result = vdi_set_close(&session->set);

    if (result) {
        operation_fail(session->operation, "Close returned %s", client_result_name(result));
    }
    if (has(BUG_CLOSE_TWICE)) {
        vdi_set_close(&session->set);
    }
    if (has(BUG_USE_AFTER_CLOSE) && session->devices[0].device) {
        vdi_device_get_command(session->devices[0].device, 0, &command);
    }
}

/* session_run with the bugs between its steps. */
static void run(struct session *session)
{
    vdi_set_init(&session->set);
    if (session_create(session)) {
        mistreat_new_set(session);
        session_converse(session);
        if (has(BUG_NO_CLOSE)) {
            return;
        }
        close_set(session);
    }
    vdi_set_destroy(&session->set);
}

static void lose_backup(struct operation *operation)
{
    for (int i = 0; i < operation_options(operation)->devices; i++) {
        char path[CLIENT_PATH_MAX];

        store_path(operation, i, ".bak", path);
        unlink(path);
    }
    operation_fail(operation, "the catalogue is locked");
}

static const struct session_kind wrong = {
    .suffix = ".bak",
    .features = VDF_LikePipe,
    .serve = serve,
    .transfer = transfer,
};

static void work(struct operation *operation)
{
    struct state states[CLIENT_DEVICES_MAX] = {0};
    struct session session;

    session_init(&session, operation, &wrong, states);
    if (session_open_files(&session)) {
        run(&session);
    }
    session_close_files(&session);
    if (has(BUG_LOSE_BACKUP) && operation_statement_succeeded(operation)) {
        lose_backup(operation);
    }
}

int main(int argc, char **argv)
{
    static const struct bug_table table = {"buggy", bugs, BUG_COUNT};
    int status = bug_main(argc, argv, &table, work);

    if (has(BUG_CLAIM_SUCCESS)) {
        return CLIENT_SUCCESS;
    }
    return has(BUG_CLAIM_FAILURE) ? CLIENT_FAILURE : status;
}
