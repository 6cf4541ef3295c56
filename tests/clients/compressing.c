/* compressing.c - a correct client that stores something else than it gets: run-length packed, to
 * DIR/<set>.<i>.rle.
 *
 * Nothing on disk equals the stream, and the sizes of its file writes are not those of the Write commands;
 * RESTORE yet returns the stream byte for byte (VDI-DATA-001).
 */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include "client_common.h"
#include "vdi.h"
#include "vdierror.h"

struct client;

/* Where the decoder stands in the packed file. */
struct decoder {
    size_t literals; /* bytes still to copy from the file */
    size_t repeats;  /* bytes still to repeat */
    uint8_t value;
};

struct device {
    struct client *client;
    ClientVirtualDevice *device;
    FILE *file;
    struct decoder decoder;
    pthread_t thread;
    int index;
};

struct client {
    struct operation *operation;
    ClientVirtualDeviceSet set;
    struct device devices[CLIENT_DEVICES_MAX];
    int count;
};

enum {
    RUN_MIN = 3,
    RUN_MAX = 130,
    LITERALS_MAX = 128
};

/* How often the byte at `data` repeats, at most RUN_MAX. */
static size_t run_length(const uint8_t *data, size_t size)
{
    size_t length = 1;

    while (length < size && length < RUN_MAX && data[length] == data[0]) {
        length++;
    }
    return length;
}

/* Packs `size` bytes into the file. A byte n < 128 says that n + 1 literal bytes follow, a byte n >= 128 that
 * the next byte stands n - 125 times. Returns a completion code; *done is size or 0, as the server counts its
 * bytes. */
static int pack(FILE *file, const uint8_t *data, size_t size, size_t *done)
{
    size_t at = 0;

    while (at < size) {
        size_t length = run_length(data + at, size - at);

        if (length >= RUN_MIN) {
            putc((int)(length + 125), file);
            putc(data[at], file);
        } else {
            while (length < LITERALS_MAX && at + length < size &&
                   run_length(data + at + length, size - at - length) < RUN_MIN) {
                length++;
            }
            putc((int)(length - 1), file);
            fwrite(data + at, 1, length, file);
        }
        at += length;
    }
    *done = ferror(file) ? 0 : size;
    return ferror(file) ? store_completion_code(errno, true) : ERROR_SUCCESS;
}

/* Starts the next run or literals. False at the end of the file, or within a run that the file cuts. */
static bool next_token(struct decoder *decoder, FILE *file)
{
    int head = getc(file), value;

    if (head == EOF) {
        return false;
    }
    if (head < LITERALS_MAX) {
        decoder->literals = (size_t)head + 1;
        return true;
    }
    value = getc(file);
    decoder->value = (uint8_t)value;
    decoder->repeats = value == EOF ? 0 : (size_t)head - 125;
    return value != EOF;
}

/* The opposite of pack, for any sequence of sizes (VDI-DATA-002). */
static int unpack(struct decoder *decoder, FILE *file, uint8_t *data, size_t size, size_t *done)
{
    while (*done < size && (decoder->literals || decoder->repeats || next_token(decoder, file))) {
        size_t left = size - *done, part;

        if (decoder->repeats) {
            part = decoder->repeats < left ? decoder->repeats : left;
            memset(data + *done, decoder->value, part);
            decoder->repeats -= part;
        } else {
            size_t wanted = decoder->literals < left ? decoder->literals : left;

            part = fread(data + *done, 1, wanted, file);
            decoder->literals -= part;
            if (part < wanted) {
                *done += part;
                break;
            }
        }
        *done += part;
    }
    if (*done == size) {
        return ERROR_SUCCESS;
    }
    return ferror(file) ? store_completion_code(errno, false) : ERROR_HANDLE_EOF;
}

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
        code = pack(device->file, command->buffer, (size_t)command->size, done);
        break;
    case VDC_Read:
        return unpack(&device->decoder, device->file, command->buffer, (size_t)command->size, done);
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
        client->devices[i].file = store_open(client->operation, i, ".rle");
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
