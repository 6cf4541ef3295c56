/* buggy_ends.c - a correct client with one bug in how threads, devices, sets or operations end (bug.h). The bugs are
 * where `has` is called. */
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bug.h"
#include "client_session.h"

enum {
    NTH_LAST_SERVED = 5, /* Write after which some bugs stop */
    NTH_FAILED = 3,      /* Write that meets a full disk */
    CALLS_AFTER_ABORT = 5,
};

enum bug_id {
    BUG_TWO_READERS,
    BUG_CLOSE_UNDER_THREAD,
    BUG_USE_AFTER_DESTROY,
    BUG_ABANDON_DEVICE,
    BUG_AWAIT_CLOSE,
    BUG_CONCEAL_OPEN,
    BUG_STOP_AFTER_FLUSH,
    BUG_CLAIM_ON_CLOSE,
    BUG_STATEMENT_FIRST,
    BUG_KEEP_SET,
    BUG_HELPER_STAYS,
    BUG_READ_LATE,
    BUG_COUNT
};

static const struct bug bugs[BUG_COUNT] = {
    [BUG_TWO_READERS] = {"two-readers", "VDI-THR-001", "GetCommand", "-", "backup", 1,
                         "two threads wait for the commands of one device"},
    [BUG_CLOSE_UNDER_THREAD] =
        {"close-under-thread", "VDI-CLOSE-002", "Close", "lost-close", "backup", 1,
         "closes when the statement is over, though a thread still waits for VD_E_CLOSE"},
    [BUG_USE_AFTER_DESTROY] = {"use-after-destroy", "VDI-LIFE-001", "GetCommand", "-", "backup", 1,
                               "calls GetCommand on a device of a set that was destroyed"},
    [BUG_ABANDON_DEVICE] = {"abandon-device", "VDI-ABORT-001", "CompleteCommand", "-", "backup", 1,
                            "exits after the fifth Write without SignalAbort"},
    [BUG_AWAIT_CLOSE] = {"await-close", "VDI-ABORT-004", "GetCommand", "abort@Write#3", "backup", 1,
                         "calls GetCommand again and again after VD_E_ABORT"},
    [BUG_CONCEAL_OPEN] = {"conceal-open", "VDI-CLOSE-005", "Close", "-", "backup", 1,
                          "closes after the fifth Write and reports success, though Close gave VD_E_OPEN"},
    [BUG_STOP_AFTER_FLUSH] = {"stop-after-flush", "VDI-FLUSH-003", "Close", "-", "backup", 1,
                              "takes Flush for the end: closes without another GetCommand"},
    [BUG_CLAIM_ON_CLOSE] = {"claim-on-close", "VDI-TERM-001", "-", "-", "backup", 1,
                            "meets a full disk, tells so, gets VD_E_CLOSE and calls that a success"},
    [BUG_STATEMENT_FIRST] = {"statement-first", "VDI-TERM-002", "Create", "-", "backup", 1,
                             "waits for the statement before it creates the set"},
    [BUG_KEEP_SET] = {"keep-set", "VDI-OUT-009", "Create", "abort@Write#3", "backup", 1,
                      "tries again after an abort without having closed the set"},
    [BUG_HELPER_STAYS] = {"helper-stays", "VDI-OUT-004", "-", "client-crash@Write#3", "backup", 1,
                          "has a helper that does not notice when the client dies"},
    [BUG_READ_LATE] = {"read-late", "VDI-OUT-002", "GetCommand", "chatty@Write#3", "backup", 1,
                       "waits for commands without limit and reads the statement's output afterwards"},
};

static bool has(enum bug_id bug)
{
    return bug_is((int)bug);
}

/* Whether the device's thread stops for good after this command. */
static bool stops_after(struct session_device *device, int command)
{
    bool last = command == VDC_Write && device->writes == NTH_LAST_SERVED;

    return (last && (has(BUG_ABANDON_DEVICE) || has(BUG_CONCEAL_OPEN))) ||
           (command == VDC_Flush && has(BUG_STOP_AFTER_FLUSH));
}

static void await_close(struct session_device *device)
{
    VDC_Command *command;
    int result = VD_E_ABORT;

    for (int i = 0; i < CALLS_AFTER_ABORT && result != VD_E_CLOSE; i++) {
        result = vdi_device_get_command(device->device, 0, &command);
    }
}

static void give_up(struct session_device *device, const char *call, int result)
{
    session_give_up(device->session, call, result);
    if (result == VD_E_ABORT && has(BUG_AWAIT_CLOSE)) {
        await_close(device);
    }
}

static int perform(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    int code = session_perform(device, command, answer);

    if (has(BUG_CLAIM_ON_CLOSE) && command->commandCode == VDC_Write && device->writes == NTH_FAILED) {
        *answer = (struct session_answer){0};
        return ERROR_DISK_FULL;
    }
    return code;
}

/* False: the device needs no more service, or gets none. */
static bool answer(struct session_device *device, VDC_Command *command)
{
    struct session_answer answer = {0};
    int kind = command->commandCode;
    int code = perform(device, command, &answer);
    int result = vdi_device_complete_command(device->device, command, code, answer.done, answer.position);

    if (result) {
        give_up(device, "CompleteCommand", result);
        return false;
    }
    return !stops_after(device, kind);
}

static void *serve(void *context)
{
    struct session_device *device = context;
    struct session *session = device->session;
    int timeout = has(BUG_CLOSE_UNDER_THREAD) || has(BUG_READ_LATE) ? -1 : CLIENT_SLICE_MS;

    for (;;) {
        VDC_Command *command = NULL;
        int result = vdi_device_get_command(device->device, timeout, &command);

        if (result == VD_E_TIMEOUT && operation_may_wait(session->operation)) {
            continue;
        }
        if (result == VD_E_CLOSE || (result == VD_E_PROTOCOL && has(BUG_TWO_READERS))) {
            return NULL; /* VD_E_PROTOCOL: the other one got VD_E_CLOSE */
        }
        if (result) {
            give_up(device, "GetCommand", result);
            return NULL;
        }
        operation_progress(session->operation);
        if (!answer(device, command)) {
            return NULL;
        }
    }
}

/* A second thread on the first device, beside session_serve_devices'. */
static void serve_with_two(struct session *session)
{
    pthread_t second;

    if (pthread_create(&second, NULL, serve, &session->devices[0])) {
        operation_fail(session->operation, "cannot start a thread");
        vdi_set_signal_abort(&session->set);
        return;
    }
    session_serve_devices(session);
    pthread_join(second, NULL);
}

/* Closes under the device's thread, which waits without limit: after the statement it has a second, not more. */
static void serve_and_close(struct session *session)
{
    struct session_device *device = &session->devices[0];
    struct timespec limit;

    if (pthread_create(&device->thread, NULL, serve, device)) {
        operation_fail(session->operation, "cannot start a thread");
        vdi_set_signal_abort(&session->set);
        return;
    }
    operation_wait_statement(session->operation);
    clock_gettime(CLOCK_REALTIME, &limit);
    limit.tv_sec++;
    if (pthread_timedjoin_np(device->thread, NULL, &limit)) {
        vdi_set_close(&session->set);
        pthread_join(device->thread, NULL);
    }
}

static bool transfer(struct session *session)
{
    if (!session_configure(session) || !session_open_devices(session)) {
        return false;
    }
    if (has(BUG_TWO_READERS)) {
        serve_with_two(session);
    } else if (has(BUG_CLOSE_UNDER_THREAD)) {
        serve_and_close(session);
    } else {
        session_serve_devices(session);
    }
    if (has(BUG_ABANDON_DEVICE)) {
        exit(CLIENT_FAILURE);
    }
    return true;
}

/* session_create, here because the finding points at Create. */
static bool create(struct session *session)
{
    char name[CLIENT_NAME_MAX];
    int result;

    operation_device_name(session->operation, 0, name);
    result = vdi_set_create(&session->set, name, &session->config);
    if (result) {
        operation_fail(session->operation, "Create returned %s", client_result_name(result));
    }
    return !result;
}

static const struct session_kind wrong = {
    .suffix = ".bak",
    .features = VDF_LikePipe,
    .serve = serve,
    .attach = create,
    .transfer = transfer,
};

static void close_set(struct session *session)
{
    int result = has(BUG_CLOSE_UNDER_THREAD) ? 0 : vdi_set_close(&session->set);

    if (result && !has(BUG_CONCEAL_OPEN)) {
        operation_fail(session->operation, "Close returned %s", client_result_name(result));
    }
}

/* session_run with the bugs between its steps. */
static void run(struct session *session)
{
    VDC_Command *command;

    vdi_set_init(&session->set);
    if (has(BUG_STATEMENT_FIRST)) {
        operation_start_statement(session->operation);
        operation_wait_for_ever(session->operation);
    }
    if (create(session)) {
        if (has(BUG_STATEMENT_FIRST)) {
            session_transfer(session);
        } else {
            session_converse(session);
        }
        if (has(BUG_KEEP_SET) && operation_failed(session->operation)) {
            return;
        }
        close_set(session);
    }
    vdi_set_destroy(&session->set);
    if (has(BUG_USE_AFTER_DESTROY) && session->devices[0].device) {
        vdi_device_get_command(session->devices[0].device, 0, &command);
    }
}

static pid_t start_helper(void)
{
    pid_t helper = fork();

    while (helper == 0) {
        pause(); /* it has nothing to do, and waits to be told to go */
    }
    return helper;
}

static void end_helper(pid_t helper)
{
    if (helper > 0) {
        kill(helper, SIGTERM);
        waitpid(helper, NULL, 0);
    }
}

static void work(struct operation *operation)
{
    struct session session;
    pid_t helper = has(BUG_HELPER_STAYS) ? start_helper() : 0;

    if (has(BUG_CONCEAL_OPEN)) {
        unsetenv("VDI_DIALECT"); /* only under the usual reading Close gives VD_E_OPEN */
    }
    if (has(BUG_READ_LATE)) {
        operation_read_late(operation);
    }
    session_init(&session, operation, &wrong, NULL);
    if (session_open_files(&session)) {
        run(&session);
    }
    session_close_files(&session);
    if (has(BUG_KEEP_SET) && operation_failed(operation)) {
        create(&session);
    }
    end_helper(helper);
}

int main(int argc, char **argv)
{
    static const struct bug_table table = {"buggy_ends", bugs, BUG_COUNT};
    int status = bug_main(argc, argv, &table, work);

    return has(BUG_CONCEAL_OPEN) || has(BUG_CLAIM_ON_CLOSE) ? CLIENT_SUCCESS : status;
}
