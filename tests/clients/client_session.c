/* client_session.c - see client_session.h. */
#include "client_session.h"

#include <errno.h>
#include <string.h>

void session_give_up(struct session *session, const char *call, int result)
{
    operation_fail(session->operation, "%s returned %s", call, client_result_name(result));
    if (result != VD_E_ABORT) { /* after VD_E_ABORT only Close is left to call (VDI-GETCMD-003) */
        vdi_set_signal_abort(&session->set);
    }
}

/* What a client can tell of a command before it touches anything: a server that has lost its mind shall not take the
 * client with it. */
bool session_accepts(struct session *session, const VDC_Command *command)
{
    const VDConfig *config = &session->config;
    bool sound = command != NULL;

    if (sound && (command->commandCode == VDC_Write || command->commandCode == VDC_Read) &&
        command->size != 0) {
        sound = command->buffer && command->size > 0 && (uint32_t)command->size <= config->maxTransferSize &&
                (config->alignment == 0 || (uintptr_t)command->buffer % config->alignment == 0);
    }
    if (!sound) {
        operation_fail(session->operation, "GetCommand returned a command that cannot be");
        vdi_set_signal_abort(&session->set);
    }
    return sound;
}

/* ---- commands ---- */

static int write_file(struct session_device *device, const VDC_Command *command,
                      struct session_answer *answer)
{
    return store_write(device->file, command->buffer, (size_t)command->size, &answer->done);
}

static int read_file(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    return store_read(device->file, command->buffer, (size_t)command->size, &answer->done);
}

static int flush_file(struct session_device *device, const VDC_Command *command,
                      struct session_answer *answer)
{
    (void)command;
    (void)answer;
    return store_sync(device->file);
}

/* There is nothing to clear: what failed was told by its own completion (VDI-IO-002). */
static int clear_error(struct session_device *device, const VDC_Command *command,
                       struct session_answer *answer)
{
    (void)device;
    (void)command;
    (void)answer;
    return ERROR_SUCCESS;
}

/* The rest tells where the data, the file or the media end, or that a command is not ours. */
static bool is_failure(int code)
{
    static const int fair[] = {ERROR_SUCCESS,
                               ERROR_NOT_SUPPORTED,
                               ERROR_HANDLE_EOF,
                               CLIENT_ERROR_END_OF_MEDIA,
                               CLIENT_ERROR_FILEMARK_DETECTED,
                               CLIENT_ERROR_BEGINNING_OF_MEDIA,
                               CLIENT_ERROR_NO_DATA_DETECTED,
                               CLIENT_ERROR_NO_MEDIA_IN_DRIVE,
                               SESSION_GIVEN_UP};

    for (size_t i = 0; i < sizeof fair / sizeof fair[0]; i++) {
        if (code == fair[i]) {
            return false;
        }
    }
    return true;
}

/* What the client has for a command, or NULL. */
static session_action *find_action(const struct session *session, int command)
{
    bool disabled = command == VDC_Complete && !(session->config.features & VDF_CompleteEnabled);

    return command < 0 || command >= SESSION_ACTIONS || disabled ? NULL : session->kind.actions[command];
}

int session_perform(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    struct session *session = device->session;
    session_action *action = find_action(session, command->commandCode);
    int code = ERROR_NOT_SUPPORTED; /* VDI-CMD-008 */

    device->writes += command->commandCode == VDC_Write;
    if (command->commandCode == VDC_Write &&
        device->writes == operation_options(session->operation)->fail_write) {
        code = CLIENT_ERROR_WRITE_FAULT;
    } else if (action) {
        code = action(device, command, answer);
    }
    if (is_failure(code)) {
        operation_fail(session->operation, "device %d: command %d failed, Win32 error %d", device->index,
                       command->commandCode, code);
    }
    return code;
}

/* How long GetConfiguration and GetCommand wait at a time: in slices, to look at the statement in between. */
static int wait_ms(const struct session *session)
{
    return session->kind.waits_for_ever ? -1 : CLIENT_SLICE_MS;
}

static bool answer_command(struct session_device *device, VDC_Command *command)
{
    struct session_answer answer = {0};
    int code = session_perform(device, command, &answer);
    int result;

    if (code == SESSION_GIVEN_UP) {
        return false;
    }
    result = vdi_device_complete_command(device->device, command, code, answer.done, answer.position);
    if (result) {
        session_give_up(device->session, "CompleteCommand", result);
    }
    return !result;
}

void *session_serve(void *context)
{
    struct session_device *device = context;
    struct session *session = device->session;

    for (;;) {
        VDC_Command *command = NULL;
        int result = vdi_device_get_command(device->device, wait_ms(session), &command);

        if (result == VD_E_TIMEOUT && operation_may_wait(session->operation)) {
            continue;
        }
        if (result == VD_E_CLOSE) {
            return NULL;
        }
        if (result) {
            session_give_up(session, "GetCommand", result);
            return NULL;
        }
        operation_progress(session->operation);
        if (!session_accepts(session, command) || !session->kind.answer(device, command)) {
            return NULL;
        }
    }
}

/* ---- the set ---- */

/* A statement that fails before it reaches the set tells nobody here (VDI-GETCFG-003). */
bool session_configure(struct session *session)
{
    int result;

    do {
        result = vdi_set_get_configuration(&session->set, wait_ms(session), &session->config);
    } while (result == VD_E_TIMEOUT && operation_may_wait(session->operation));
    if (result) {
        session_give_up(session, "GetConfiguration", result);
    }
    return !result;
}

bool session_open_devices(struct session *session)
{
    for (int i = 0; i < session->count; i++) {
        char name[CLIENT_NAME_MAX];
        int result;

        operation_device_name(session->operation, session->devices[i].index, name);
        result = vdi_set_open_device(&session->set, name, &session->devices[i].device);
        if (result) {
            session_give_up(session, "OpenDevice", result);
            return false;
        }
    }
    return true;
}

void session_serve_devices(struct session *session)
{
    int started = 0;

    while (started < session->count) {
        struct session_device *device = &session->devices[started];
        int error = pthread_create(&device->thread, NULL, session->kind.serve, device);

        if (error) {
            operation_fail(session->operation, "cannot start a thread: %s", strerror(error));
            vdi_set_signal_abort(&session->set);
            break;
        }
        started++;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(session->devices[i].thread, NULL);
    }
}

bool session_transfer(struct session *session)
{
    if (!session_configure(session) || !session_open_devices(session)) {
        return false;
    }
    session_serve_devices(session);
    return true;
}

bool session_create(struct session *session)
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

bool session_open_in_secondary(struct session *session)
{
    char name[CLIENT_NAME_MAX];
    int result;

    operation_device_name(session->operation, 0, name);
    result = vdi_set_open_in_secondary(&session->set, name);
    if (result) {
        operation_fail(session->operation, "OpenInSecondary returned %s", client_result_name(result));
    }
    return !result;
}

void session_converse(struct session *session)
{
    int error = operation_start_statement(session->operation);

    if (error) {
        operation_fail(session->operation, "cannot start sqlcmd: %s", strerror(error));
        vdi_set_signal_abort(&session->set);
    } else {
        session->kind.transfer(session);
    }
}

void session_close(struct session *session)
{
    int result = vdi_set_close(&session->set);

    if (result) {
        operation_fail(session->operation, "Close returned %s", client_result_name(result));
    }
}

/* ---- the session ---- */

/* Puts the plain thing where the client has nothing of its own. */
static void complete_kind(struct session_kind *kind)
{
    static session_action *const plain[SESSION_ACTIONS] = {
        [VDC_Write] = write_file, [VDC_Read] = read_file, [VDC_Flush] = flush_file};

    for (int i = 0; kind->suffix && i < SESSION_ACTIONS; i++) {
        kind->actions[i] = kind->actions[i] ? kind->actions[i] : plain[i];
    }
    if (!kind->actions[VDC_ClearError]) {
        kind->actions[VDC_ClearError] = clear_error;
    }
    kind->serve = kind->serve ? kind->serve : session_serve;
    kind->answer = kind->answer ? kind->answer : answer_command;
    kind->attach = kind->attach ? kind->attach : session_create;
    kind->transfer = kind->transfer ? kind->transfer : session_transfer;
}

void session_init(struct session *session, struct operation *operation, const struct session_kind *kind,
                  void *own)
{
    int count = operation_options(operation)->devices;

    *session = (struct session){
        .operation = operation,
        .kind = *kind,
        .own = own,
        .config = {.deviceCount = (uint32_t)count, .features = kind->features},
        .count = count,
    };
    complete_kind(&session->kind);
    for (int i = 0; i < count; i++) {
        session->devices[i].session = session;
        session->devices[i].index = i;
    }
}

void session_take_devices(struct session *session, int first, int step)
{
    int all = session->count;

    session->count = 0;
    for (int i = first; i < all; i += step) {
        session->devices[session->count++].index = i;
    }
}

bool session_open_files(struct session *session)
{
    for (int i = 0; session->kind.suffix && i < session->count; i++) {
        struct session_device *device = &session->devices[i];

        device->file = store_open(session->operation, device->index, session->kind.suffix);
        if (!device->file) {
            operation_fail(session->operation, "cannot open the file of device %d: %s", device->index,
                           strerror(errno));
            return false;
        }
    }
    return true;
}

void session_close_files(struct session *session)
{
    for (int i = 0; i < CLIENT_DEVICES_MAX; i++) {
        if (session->devices[i].file && fclose(session->devices[i].file)) {
            operation_fail(session->operation, "cannot close the file of device %d: %s", i, strerror(errno));
        }
    }
}

void session_run(struct session *session)
{
    if (session_open_files(session)) {
        vdi_set_init(&session->set);
        if (session->kind.attach(session)) {
            session_converse(session);
            session_close(session);
        }
        vdi_set_destroy(&session->set);
    }
    session_close_files(session);
}

void session_run_plain(struct operation *operation)
{
    static const struct session_kind plain = {.suffix = ".bak", .features = VDF_LikePipe};
    struct session session;

    session_init(&session, operation, &plain, NULL);
    session_run(&session);
}
