/* buggy.c - correct_c.c with one bug, chosen with --bug NAME; `buggy --list` prints the table of bugs.
 *
 * Each bug breaks just its own rule and the client is otherwise correct, so that a test of the checker can
 * expect exactly that rule. The bugs are where `has` is called.
 */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buggy.h"
#include "client_session.h"

enum {
    /* Which Write or Read the bugs of the transfer act on. */
    NTH_TWICE = 2,
    NTH_FORGOTTEN = 3,
    NTH_LAST_SERVED = 5,
    CALLS_AFTER_ABORT = 3,
    /* Some bugs end only when the client gives up: soon, for the sake of the tests. */
    DEFAULT_TIMEOUT_MS = 3000,
};

/* What a device's thread knows. */
struct state {
    int transfers;       /* Writes and Reads fetched so far */
    VDC_Command *latest; /* the command in our hands, or NULL */
};

static const struct bug *chosen; /* set once, before any thread */

static bool has(enum bug_id bug)
{
    return chosen == &bug_table[bug];
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

/* Takes --bug NAME out of the arguments; the rest is the command line of every client. */
static int take_bug(int *argc, char **argv)
{
    const char *name = client_take_option(argc, argv, "--bug");

    chosen = name ? bug_find(name) : NULL;
    if (!chosen) {
        fprintf(stderr, "buggy: expected --bug NAME with a name that buggy --list prints\n");
    }
    return chosen ? 0 : CLIENT_USAGE;
}

int main(int argc, char **argv)
{
    struct client_options options = {.timeout_ms = DEFAULT_TIMEOUT_MS};
    int status;

    if (argc == 2 && !strcmp(argv[1], "--list")) {
        bug_list();
        return CLIENT_SUCCESS;
    }
    status = take_bug(&argc, argv);
    if (!status) {
        status = client_parse(argc, argv, &options);
    }
    if (status) {
        return status;
    }
    status = client_run(&options, work);
    if (has(BUG_CLAIM_SUCCESS)) {
        return CLIENT_SUCCESS;
    }
    return has(BUG_CLAIM_FAILURE) ? CLIENT_FAILURE : status;
}
