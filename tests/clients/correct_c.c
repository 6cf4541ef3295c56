/* correct_c.c - a correct client in C: one or more devices, one thread each, backup and restore.
 *
 * Every wait has an end, every command is completed once, every buffer is left alone after its completion,
 * Close follows VD_E_CLOSE of all devices or SignalAbort, and success needs the statement's success (spec 9,
 * 15).
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
};

struct client {
    struct operation *operation;
    ClientVirtualDeviceSet set;
    struct device devices[CLIENT_DEVICES_MAX];
    int count;
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
        code = store_sync(device->file);
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
