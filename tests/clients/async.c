/* async.c - a correct client that holds up to four commands of each device and completes them out of order.
 *
 * The order of the stream is the order of GetCommand, not of completion: each Write or Read gets its offset
 * when it is fetched, and is moved with pwrite or pread (spec 3.6, 6.4).
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "client_common.h"
#include "vdi.h"
#include "vdierror.h"

struct client;

enum {
    HELD_MAX = 4
};

/* A command in our hands, and its place in the stream. */
struct held {
    VDC_Command *command;
    off_t offset;
};

struct device {
    struct client *client;
    ClientVirtualDevice *device;
    FILE *file;
    pthread_t thread;
    int index;
    int held_count;
    struct held held[HELD_MAX];
    off_t offset; /* where the next Write or Read belongs */
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

/* Moves a Write or Read at its own place in the stream. Returns a completion code. */
static int move(int file, const struct held *held, size_t *done)
{
    bool writing = held->command->commandCode == VDC_Write;
    size_t size = (size_t)held->command->size;

    while (*done < size) {
        off_t at = held->offset + (off_t)*done;
        uint8_t *data = held->command->buffer + *done;
        ssize_t part = writing ? pwrite(file, data, size - *done, at) : pread(file, data, size - *done, at);

        if (part < 0 && errno == EINTR) {
            continue;
        }
        if (part < 0) {
            return store_completion_code(errno, writing);
        }
        if (part == 0) { /* the end of the stream; a file write never gives 0 */
            return ERROR_HANDLE_EOF;
        }
        *done += (size_t)part;
    }
    return ERROR_SUCCESS;
}

static bool is_transfer(const VDC_Command *command)
{
    return command->commandCode == VDC_Write || command->commandCode == VDC_Read;
}

/* Does what a command asks. Returns its completion code. */
static int perform(struct device *device, const struct held *held, size_t *done)
{
    bool backup = operation_is_backup(device->client->operation);
    int code;

    if (is_transfer(held->command)) {
        code = move(fileno(device->file), held, done);
    } else if (held->command->commandCode == VDC_Flush) {
        code = store_sync(device->file);
    } else {
        return held->command->commandCode == VDC_ClearError ? ERROR_SUCCESS : ERROR_NOT_SUPPORTED;
    }
    if (backup && code != ERROR_SUCCESS) {
        operation_fail(device->client->operation, "device %d: cannot store, Win32 error %d", device->index,
                       code);
    }
    return code;
}

/* Completes what is held, the newest first. False: a call failed, what is left over is the server's again. */
static bool complete_held(struct device *device)
{
    while (device->held_count) {
        struct held *held = &device->held[--device->held_count];
        size_t done = 0;
        int code = perform(device, held, &done);
        int result = vdi_device_complete_command(device->device, held->command, code, done, 0);

        if (result) {
            give_up(device->client, "CompleteCommand", result);
            return false;
        }
    }
    return true;
}

/* Takes a fetched command. Only Write and Read are held: what else there is comes after everything before it.
 */
static bool take(struct device *device, VDC_Command *command)
{
    if (!is_transfer(command) && !complete_held(device)) {
        return false;
    }
    device->held[device->held_count++] = (struct held){.command = command, .offset = device->offset};
    if (!is_transfer(command)) {
        return complete_held(device);
    }
    device->offset += command->size;
    return device->held_count < HELD_MAX || complete_held(device);
}

/* Gathers commands until there are HELD_MAX or no more come at once; then completes them. Waits only when it
 * holds none, as the server may be waiting for those. */
static void *serve(void *context)
{
    struct device *device = context;
    struct client *client = device->client;

    for (;;) {
        VDC_Command *command = NULL;
        int result =
            vdi_device_get_command(device->device, device->held_count ? 0 : CLIENT_SLICE_MS, &command);

        if (result == VD_E_TIMEOUT && device->held_count) {
            if (!complete_held(device)) {
                return NULL;
            }
            continue;
        }
        if (result == VD_E_TIMEOUT && operation_may_wait(client->operation)) {
            continue;
        }
        if (result == VD_E_CLOSE && !device->held_count) {
            return NULL;
        }
        if (result) {
            give_up(client, "GetCommand", result);
            return NULL;
        }
        operation_progress(client->operation);
        if (!take(device, command)) {
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
