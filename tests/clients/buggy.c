/* buggy.c - correct_c.c with one bug, chosen with --bug NAME; `buggy --list` prints the table of bugs.
 *
 * Each bug breaks just its own rule and the client is otherwise correct, so that a test of the checker can
 * expect exactly that rule. The bugs are where `has` is called.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "buggy.h"
#include "client_common.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    /* Which Write or Read the bugs of the transfer act on. */
    NTH_TWICE = 2,
    NTH_FORGOTTEN = 3,
    NTH_LAST_SERVED = 5,
    CALLS_AFTER_ABORT = 3,
    /* Some bugs end only when the client gives up: soon, for the sake of the tests. */
    DEFAULT_TIMEOUT_MS = 3000,
};

struct client;

struct device {
    struct client *client;
    ClientVirtualDevice *device;
    FILE *file;
    pthread_t thread;
    int index;
    int transfers;       /* Writes and Reads fetched so far */
    VDC_Command *latest; /* the command in our hands, or NULL */
};

struct client {
    struct operation *operation;
    ClientVirtualDeviceSet set;
    struct device devices[CLIENT_DEVICES_MAX];
    int count;
};

static const struct bug *chosen; /* set once, before any thread */

static bool has(enum bug_id bug)
{
    return chosen == &bug_table[bug];
}

static void give_up(struct client *client, const char *call, int result)
{
    operation_fail(client->operation, "%s returned %s", call, client_result_name(result));
    if (result != VD_E_ABORT && !has(BUG_CLOSE_ON_TIMEOUT)) {
        vdi_set_signal_abort(&client->set);
    }
}

/* The bugs on the way out of a device that was aborted. */
static void mistreat_abort(struct device *device)
{
    VDC_Command *command;

    if (has(BUG_CRASH_ON_ABORT)) {
        fprintf(stderr, "aborted in command %d\n", device->latest->commandCode); /* there is none: NULL */
    }
    for (int i = 0; has(BUG_GET_AFTER_ABORT) && i < CALLS_AFTER_ABORT; i++) {
        vdi_device_get_command(device->device, 0, &command);
    }
}

static int perform(struct device *device, const VDC_Command *command, size_t *done)
{
    int code;

    switch (command->commandCode) {
    case VDC_Write:
        code = store_write(device->file, command->buffer, (size_t)command->size, done);
        break;
    case VDC_Read:
        return store_read(device->file, command->buffer, (size_t)command->size, done);
    case VDC_Flush:
        code = store_sync(device->file);
        break;
    case VDC_ClearError:
        return ERROR_SUCCESS;
    default:
        return has(BUG_ACCEPT_UNKNOWN) ? ERROR_SUCCESS : ERROR_NOT_SUPPORTED;
    }
    if (code != ERROR_SUCCESS) {
        operation_fail(device->client->operation, "device %d: cannot store, Win32 error %d", device->index,
                       code);
    }
    return code;
}

/* Serves the command in our hands. False: the device needs no more service, or gets none. */
static bool answer(struct device *device)
{
    VDC_Command *command = device->latest;
    int kind = command->commandCode; /* the block is not ours after completion (VDI-CMD-003) */
    size_t done = 0;
    int code = perform(device, command, &done);
    int result;

    device->latest = NULL;
    device->transfers += kind == VDC_Write || kind == VDC_Read;
    if (has(BUG_FORGET_WRITE) && kind == VDC_Write && device->transfers == NTH_FORGOTTEN) {
        return true;
    }
    result = vdi_device_complete_command(device->device, command, code, done, 0);
    if (has(BUG_COMPLETE_TWICE) && kind == VDC_Write && device->transfers == NTH_TWICE) {
        vdi_device_complete_command(device->device, command, code, done, 0);
    }
    if (result) {
        give_up(device->client, "CompleteCommand", result);
        if (result == VD_E_ABORT) {
            mistreat_abort(device);
        }
        return false;
    }
    if (has(BUG_QUIT_MIDWAY) && device->transfers == NTH_LAST_SERVED) {
        return false;
    }
    return !(has(BUG_CLOSE_AFTER_FLUSH) && kind == VDC_Flush);
}

static void *serve(void *context)
{
    struct device *device = context;
    struct client *client = device->client;
    int timeout = has(BUG_WAIT_FOR_EVER) ? -1 : has(BUG_SPIN) ? 0 : CLIENT_SLICE_MS;

    for (;;) {
        int result = vdi_device_get_command(device->device, timeout, &device->latest);

        if (result == VD_E_TIMEOUT && operation_may_wait(client->operation)) {
            continue;
        }
        if (result == VD_E_CLOSE && has(BUG_GET_AFTER_CLOSE)) {
            vdi_device_get_command(device->device, 0, &device->latest);
        }
        if (result == VD_E_CLOSE) {
            return NULL;
        }
        if (result) {
            give_up(client, "GetCommand", result);
            if (result == VD_E_ABORT) {
                mistreat_abort(device);
            }
            return NULL;
        }
        operation_progress(client->operation);
        if (!answer(device)) {
            return NULL;
        }
    }
}

static bool configure(struct client *client, VDConfig *config)
{
    int result;

    do {
        result = vdi_set_get_configuration(&client->set, CLIENT_SLICE_MS, config);
    } while (result == VD_E_TIMEOUT && operation_may_wait(client->operation));
    if (result) {
        give_up(client, "GetConfiguration", result);
    }
    return !result;
}

static bool open_devices(struct client *client)
{
    if (has(BUG_OPEN_TOO_FEW)) {
        client->count--;
    }
    for (int i = 0; i < client->count; i++) {
        char name[CLIENT_NAME_MAX];
        int result;

        operation_device_name(client->operation, i, name);
        result = vdi_set_open_device(&client->set, name, &client->devices[i].device);
        if (result) {
            give_up(client, "OpenDevice", result);
            return false;
        }
    }
    return true;
}

static void serve_devices(struct client *client)
{
    int started = 0;

    while (started < client->count) {
        struct device *device = &client->devices[started];
        int error = pthread_create(&device->thread, NULL, serve, device);

        if (error) {
            operation_fail(client->operation, "cannot start a thread: %s", strerror(error));
            vdi_set_signal_abort(&client->set);
            break;
        }
        started++;
    }
    for (int i = 0; i < started; i++) {
        pthread_join(client->devices[i].thread, NULL);
    }
    if (has(BUG_QUIT_MIDWAY)) {
        exit(CLIENT_FAILURE);
    }
}

/* The bugs of a set that was created, or that SQL Server has not configured yet. */
static void mistreat_new_set(struct client *client, char *name, VDConfig *config)
{
    ClientVirtualDevice *device;

    if (has(BUG_CREATE_TWICE)) {
        vdi_set_create(&client->set, name, config);
    }
    if (has(BUG_OPEN_BEFORE_CONFIG)) {
        vdi_set_open_device(&client->set, name, &device);
    }
}

static void close_set(struct client *client)
{
    VDC_Command *command;
    int result = vdi_set_close(&client->set);

    if (result) {
        operation_fail(client->operation, "Close returned %s", client_result_name(result));
    }
    if (has(BUG_CLOSE_TWICE)) {
        vdi_set_close(&client->set);
    }
    if (has(BUG_USE_AFTER_CLOSE) && client->devices[0].device) {
        vdi_device_get_command(client->devices[0].device, 0, &command);
    }
}

static void transfer(struct client *client)
{
    char name[CLIENT_NAME_MAX];
    VDConfig config = {.deviceCount = (uint32_t)client->count, .features = VDF_LikePipe};
    int result, error;

    vdi_set_init(&client->set);
    operation_device_name(client->operation, 0, name);
    result = vdi_set_create(&client->set, name, &config);
    if (result) { /* there is no set: nothing to abort or close */
        operation_fail(client->operation, "Create returned %s", client_result_name(result));
        goto destroy;
    }
    mistreat_new_set(client, name, &config);
    error = operation_start_statement(client->operation);
    if (error) {
        operation_fail(client->operation, "cannot start sqlcmd: %s", strerror(error));
        vdi_set_signal_abort(&client->set);
    } else if (configure(client, &config) && open_devices(client)) {
        serve_devices(client);
    }
    if (has(BUG_NO_CLOSE)) {
        return;
    }
    close_set(client);
destroy:
    vdi_set_destroy(&client->set);
}

static bool open_files(struct client *client)
{
    for (int i = 0; i < client->count; i++) {
        client->devices[i].client = client;
        client->devices[i].index = i;
        client->devices[i].file = store_open(client->operation, i, ".bak");
        if (!client->devices[i].file) {
            operation_fail(client->operation, "cannot open the file of device %d: %s", i, strerror(errno));
            return false;
        }
    }
    return true;
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

static void work(struct operation *operation)
{
    struct client client = {.operation = operation, .count = operation_options(operation)->devices};

    if (open_files(&client)) {
        transfer(&client);
    }
    for (int i = 0; i < CLIENT_DEVICES_MAX; i++) {
        if (client.devices[i].file && fclose(client.devices[i].file)) {
            operation_fail(operation, "cannot close the file of device %d: %s", i, strerror(errno));
        }
    }
    if (has(BUG_LOSE_BACKUP) && operation_statement_succeeded(operation)) {
        lose_backup(operation);
    }
}

/* Takes --bug NAME out of the arguments; the rest is the command line of every client. */
static int take_bug(int *argc, char **argv)
{
    for (int i = 1; i + 1 < *argc; i++) {
        if (!strcmp(argv[i], "--bug")) {
            chosen = bug_find(argv[i + 1]);
            if (!chosen) {
                break;
            }
            memmove(&argv[i], &argv[i + 2], sizeof *argv * (size_t)(*argc - i - 1));
            *argc -= 2;
            return 0;
        }
    }
    fprintf(stderr, "buggy: expected --bug NAME with a name that buggy --list prints\n");
    return CLIENT_USAGE;
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
