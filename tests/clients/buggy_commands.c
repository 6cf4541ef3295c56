/* buggy_commands.c - a correct client with one bug that shows only when the server sends what it seldom sends (bug.h).
 * The bugs are where `has` is called. */
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "bug.h"
#include "client_session.h"

enum {
    FULL_TRANSFER = 65536,
    MISSING = 512,
    SHORT_WAIT_MS = 50,
    GRACE_MS = 300, /* what devices are given to end after the last one */
    LAG_MS = 5000,
    FEW_COMMANDS = 4
};

enum bug_id {
    BUG_TRUST_CLOSE,
    BUG_TRUST_TRANSFER,
    BUG_FILE_ENDS_WITH_FLUSH,
    BUG_CLOSE_WITH_FIRST,
    BUG_AWAIT_END,
    BUG_SHORT_OF_FULL,
    BUG_KEEP_VOLUME,
    BUG_NO_CLEAR_ERROR,
    BUG_COUNT
};

static const struct bug bugs[BUG_COUNT] = {
    [BUG_TRUST_CLOSE] = {"trust-close", "VDI-TERM-001", "-", "premature-close@Write#3", "backup", 1,
                         "calls VD_E_CLOSE a success, though the statement failed"},
    [BUG_TRUST_TRANSFER] = {"trust-transfer", "VDI-OUT-001", "-", "corrupt@Read#3", "restore", 1,
                            "calls it a success that it has served every Read"},
    [BUG_FILE_ENDS_WITH_FLUSH] = {"file-ends-with-flush", "VDI-DATA-001", "-", "extra-flush@Write#3",
                                  "backup-restore", 1,
                                  "closes its file with the first Flush; later Writes go nowhere"},
    [BUG_CLOSE_WITH_FIRST] = {"close-with-first", "VDI-CLOSE-001", "Close", "reordered@Read#2:0", "restore",
                              2, "closes the set soon after one of its devices has given VD_E_CLOSE"},
    [BUG_AWAIT_END] = {"await-end", "VDI-GETCMD-002", "GetCommand", "satisfied-early@Read#3", "restore", 1,
                       "waits on after VD_E_CLOSE, for it has not told the end of its data yet"},
    [BUG_SHORT_OF_FULL] = {"short-of-full", "VDI-CMD-006", "CompleteCommand", "resized(to=full)@Read#3",
                           "restore", 1, "gives a full transfer one block less, with SUCCESS"},
    [BUG_KEEP_VOLUME] = {"keep-volume", "VDI-DATA-001", "-", "end-of-media@Write#3", "backup-restore", 1,
                         "answers Load with SUCCESS and goes on at the start of the same medium"},
    [BUG_NO_CLEAR_ERROR] = {"no-clear-error", "VDI-CMD-010", "CompleteCommand", "io-error@Write#3", "backup",
                            1, "answers ClearError with ERROR_NOT_SUPPORTED"},
};

static bool has(enum bug_id bug)
{
    return bug_is((int)bug);
}

/* ---- commands ---- */

static int load(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    (void)command;
    (void)answer;
    if (!operation_is_backup(device->session->operation)) {
        return ERROR_HANDLE_EOF; /* there is no next volume */
    }
    rewind(device->file);
    return ERROR_SUCCESS;
}

static int perform(struct session_device *device, const VDC_Command *command, bool *flushed,
                   struct session_answer *answer)
{
    if (has(BUG_NO_CLEAR_ERROR) && command->commandCode == VDC_ClearError) {
        return ERROR_NOT_SUPPORTED;
    }
    if (has(BUG_FILE_ENDS_WITH_FLUSH) && *flushed && command->commandCode == VDC_Write) {
        answer->done = (size_t)command->size;
        return ERROR_SUCCESS;
    }
    if (has(BUG_SHORT_OF_FULL) && command->commandCode == VDC_Read && command->size == FULL_TRANSFER) {
        VDC_Command less = *command;

        less.size -= MISSING;
        return session_perform(device, &less, answer);
    }
    *flushed = *flushed || command->commandCode == VDC_Flush;
    return session_perform(device, command, answer);
}

/* ---- a device's thread ---- */

/* Whether GetCommand's result ends the service. */
static bool ends(struct session_device *device, int result, bool told_end)
{
    struct session *session = device->session;

    if (result == VD_E_CLOSE) {
        VDC_Command *command;

        if (has(BUG_AWAIT_END) && !told_end) {
            vdi_device_get_command(device->device, SHORT_WAIT_MS, &command);
        }
        return true;
    }
    if (result == VD_E_TIMEOUT && operation_may_wait(session->operation)) {
        return false;
    }
    if (result) {
        session_give_up(session, "GetCommand", result);
    }
    return result != 0;
}

/* Of BUG_CLOSE_WITH_FIRST: who takes for granted that all devices end together. */
static atomic_bool one_is_through, set_is_closed;
static atomic_int ended_count;

static void pause_a_moment(void)
{
    nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
}

/* A device that has hardly begun when another one is through, as behind a tape that is slow to load. */
static void lag_behind(int served)
{
    for (int i = 0; i < LAG_MS && served < FEW_COMMANDS && !atomic_load(&set_is_closed); i++) {
        pause_a_moment();
    }
}

static void *serve(void *context)
{
    struct session_device *device = context;
    bool is_last = device == &device->session->devices[device->session->count - 1];
    bool flushed = false, told_end = false;
    int served = 0;

    for (;;) {
        VDC_Command *command = NULL;
        struct session_answer answer = {0};
        int result = vdi_device_get_command(device->device, CLIENT_SLICE_MS, &command);
        int code;

        if (ends(device, result, told_end)) {
            atomic_fetch_add(&ended_count, 1);
            return NULL;
        }
        if (result) {
            continue;
        }
        operation_progress(device->session->operation);
        code = perform(device, command, &flushed, &answer);
        told_end = told_end || code == ERROR_HANDLE_EOF;
        if (told_end && is_last) {
            atomic_store(&one_is_through, true);
        } else if (has(BUG_CLOSE_WITH_FIRST) && atomic_load(&one_is_through)) {
            lag_behind(++served);
        } else {
            served++;
        }
        result = vdi_device_complete_command(device->device, command, code, answer.done, answer.position);
        if (result) {
            session_give_up(device->session, "CompleteCommand", result);
            return NULL;
        }
    }
}

/* ---- the set ---- */

/* Closes it soon after the thread of the last device has ended, though others have not. */
static void serve_and_close(struct session *session)
{
    int started = 0;

    while (started < session->count &&
           !pthread_create(&session->devices[started].thread, NULL, serve, &session->devices[started])) {
        started++;
    }
    if (started < session->count) {
        operation_fail(session->operation, "cannot start a thread");
        vdi_set_signal_abort(&session->set);
    } else {
        pthread_join(session->devices[--started].thread, NULL);
        for (int i = 0; i < GRACE_MS && atomic_load(&ended_count) < session->count; i++) {
            pause_a_moment();
        }
        if (atomic_load(&ended_count) < session->count) {
            vdi_set_close(&session->set);
            atomic_store(&set_is_closed, true);
        }
    }
    while (started > 0) {
        pthread_join(session->devices[--started].thread, NULL);
    }
}

static bool transfer(struct session *session)
{
    if (!session_configure(session) || !session_open_devices(session)) {
        return false;
    }
    if (has(BUG_CLOSE_WITH_FIRST)) {
        serve_and_close(session);
    } else {
        session_serve_devices(session);
    }
    return true;
}

static void work(struct operation *operation)
{
    struct session session;
    struct session_kind kind = {
        .suffix = ".bak", .features = VDF_LikePipe, .serve = serve, .transfer = transfer};

    if (has(BUG_KEEP_VOLUME)) {
        kind.features |= VDF_Removable;
        kind.actions[VDC_Load] = load;
    }
    session_init(&session, operation, &kind, NULL);
    session_run(&session);
}

int main(int argc, char **argv)
{
    static const struct bug_table table = {"buggy_commands", bugs, BUG_COUNT};
    int status = bug_main(argc, argv, &table, work);

    return has(BUG_TRUST_CLOSE) || has(BUG_TRUST_TRANSFER) ? CLIENT_SUCCESS : status;
}
