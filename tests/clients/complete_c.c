/* complete_c.c - a correct client that asks for VDC_Complete and commits its backup when it comes (spec 10).
 *
 * The stream goes to a .part file. VDC_Complete, or each Flush when the server did not enable VDC_Complete,
 * makes it durable and renames it to .bak before it is answered with success: only then may SQL Server
 * truncate the log.
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "client_common.h"
#include "vdi.h"
#include "vdierror.h"

struct client;

struct device {
    struct client *client;
    ClientVirtualDevice *device;
    FILE *file;
    pthread_t thread;
    int index;
    bool committed; /* the file has its final name */
    bool completed; /* VDC_Complete was answered with success; its thread, then the main thread */
};

struct client {
    struct operation *operation;
    ClientVirtualDeviceSet set;
    struct device devices[CLIENT_DEVICES_MAX];
    int count;
    bool complete_enabled; /* the server will send VDC_Complete */
};

/* A call failed: nothing more can come of this set. After VD_E_ABORT only Close is left to call
 * (VDI-GETCMD-003). */
static void give_up(struct client *client, const char *call, int result)
{
    operation_fail(client->operation, "%s returned %s", call, client_result_name(result));
    if (result != VD_E_ABORT) {
        vdi_set_signal_abort(&client->set);
    }
}

/* Makes what was received a finished backup: durable, and under its final name. The stream stays open under
 * that name, as more may follow. */
static int commit(struct device *device)
{
    char from[CLIENT_PATH_MAX], to[CLIENT_PATH_MAX];
    int code = store_sync(device->file);

    if (code != ERROR_SUCCESS || device->committed || !operation_is_backup(device->client->operation)) {
        return code;
    }
    store_path(device->client->operation, device->index, ".part", from);
    store_path(device->client->operation, device->index, ".bak", to);
    code = store_commit(device->client->operation, from, to);
    device->committed = code == ERROR_SUCCESS;
    return code;
}

/* Does what the command asks. Returns its completion code; *done counts the bytes of Read and Write only. */
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
        /* Without VDC_Complete any Flush may be the last word: commit at each (VDI-FLUSH-004). */
        code = device->client->complete_enabled ? store_sync(device->file) : commit(device);
        break;
    case VDC_Complete:
        if (!device->client->complete_enabled) {
            return ERROR_NOT_SUPPORTED;
        }
        code = commit(device);
        device->completed = code == ERROR_SUCCESS;
        break;
    case VDC_ClearError:
        return ERROR_SUCCESS;
    default:
        return ERROR_NOT_SUPPORTED; /* VDI-CMD-008 */
    }
    if (code != ERROR_SUCCESS) {
        operation_fail(device->client->operation, "device %d: cannot store, Win32 error %d", device->index,
                       code);
    }
    return code;
}

static void *serve(void *context)
{
    struct device *device = context;
    struct client *client = device->client;

    for (;;) {
        VDC_Command *command = NULL;
        size_t done = 0;
        int result = vdi_device_get_command(device->device, CLIENT_SLICE_MS, &command);
        int code;

        if (result == VD_E_TIMEOUT && operation_may_wait(client->operation)) {
            continue;
        }
        if (result == VD_E_CLOSE) {
            return NULL;
        }
        if (result) {
            give_up(client, "GetCommand", result);
            return NULL;
        }
        operation_progress(client->operation);
        code = perform(device, command, &done);
        result = vdi_device_complete_command(device->device, command, code, done, 0);
        if (result) {
            give_up(client, "CompleteCommand", result);
            return NULL;
        }
    }
}

/* Waits in slices: a statement that fails before it reaches the set tells nobody here (VDI-GETCFG-003). */
static bool configure(struct client *client, VDConfig *config)
{
    int result;

    do {
        result = vdi_set_get_configuration(&client->set, CLIENT_SLICE_MS, config);
    } while (result == VD_E_TIMEOUT && operation_may_wait(client->operation));
    if (result) {
        give_up(client, "GetConfiguration", result);
    }
    client->complete_enabled = !result && (config->features & VDF_CompleteEnabled);
    return !result;
}

static bool open_devices(struct client *client)
{
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
        if (client->complete_enabled && !client->devices[i].completed) { /* VDI-COMP-002 */
            operation_fail(client->operation, "device %d was closed without VDC_Complete", i);
        }
    }
}

static void transfer(struct client *client)
{
    char name[CLIENT_NAME_MAX];
    VDConfig config = {
        .deviceCount = (uint32_t)client->count,
        .features =
            operation_is_backup(client->operation) ? VDF_LikePipe | VDF_RequestComplete : VDF_LikePipe,
    };
    int result, error;

    vdi_set_init(&client->set);
    operation_device_name(client->operation, 0, name);
    result = vdi_set_create(&client->set, name, &config);
    if (result) { /* there is no set: nothing to abort or close */
        operation_fail(client->operation, "Create returned %s", client_result_name(result));
        goto destroy;
    }
    error = operation_start_statement(client->operation);
    if (error) {
        operation_fail(client->operation, "cannot start sqlcmd: %s", strerror(error));
        vdi_set_signal_abort(&client->set);
    } else if (configure(client, &config) && open_devices(client)) {
        serve_devices(client);
    }
    result = vdi_set_close(&client->set);
    if (result) {
        operation_fail(client->operation, "Close returned %s", client_result_name(result));
    }
destroy:
    vdi_set_destroy(&client->set);
}

static bool open_files(struct client *client)
{
    const char *suffix = operation_is_backup(client->operation) ? ".part" : ".bak";

    for (int i = 0; i < client->count; i++) {
        client->devices[i].client = client;
        client->devices[i].index = i;
        client->devices[i].file = store_open(client->operation, i, suffix);
        if (!client->devices[i].file) {
            operation_fail(client->operation, "cannot open the file of device %d: %s", i, strerror(errno));
            return false;
        }
    }
    return true;
}

static void work(struct operation *operation)
{
    struct client client = {.operation = operation, .count = operation_options(operation)->devices};

    if (open_files(&client)) {
        transfer(&client);
    }
    for (int i = 0; i < client.count; i++) {
        if (client.devices[i].file && fclose(client.devices[i].file)) {
            operation_fail(operation, "cannot close the file of device %d: %s", i, strerror(errno));
        }
    }
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    int status = client_parse(argc, argv, &options);

    return status ? status : client_run(&options, work);
}
