/* See fake_server.h. */
#include "fake_server.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "hash.h"

struct fake_server fake;

void fake_reset(uint32_t devices, bool streams)
{
    struct fake_stream kept[FAKE_DEVICES_MAX] = {{0}};
    for (uint32_t i = 0; i < FAKE_DEVICES_MAX; i++) {
        if (streams) {
            kept[i] = fake.devices[i].stream;
            fake_media_reload(&kept[i]);
        } else {
            free(fake.devices[i].stream.bytes);
        }
    }
    free(fake.area);
    memset(&fake, 0, sizeof fake);
    fake.exists = true;
    fake.config.deviceCount = devices;
    fake.opens = devices;
    for (uint32_t i = 0; i < FAKE_DEVICES_MAX; i++) {
        fake.devices[i].stream = kept[i];
    }
}

void fake_clear(void)
{
    fake_reset(0, false);
}

/* --- the client --- */

static void take(uint32_t index, struct fake_command *entry)
{
    struct server_device *device = &fake.devices[index];
    const struct VDS_Command *command = entry->command;
    entry->taken = true;
    entry->answer = fake_media_do(&device->stream, command);
    if (fake.script != NULL) {
        fake.script(index, command, entry->nth, &entry->answer);
    }
    if (command->commandCode == VDC_Read && entry->answer.action == FAKE_COMPLETE) {
        fake_media_read(&device->stream, command->buffer, &entry->answer);
    }
    if (command->buffer != NULL && command->commandCode == VDC_Write) {
        entry->hash = XXH64(command->buffer, (size_t)command->size, 0);
    }
    static const enum server_abort_reason reasons[] = {[FAKE_ABORT] = SERVER_ABORT_CLIENT,
                                                       [FAKE_DIE] = SERVER_ABORT_CLIENT_DIED,
                                                       [FAKE_CLOSE] = SERVER_ABORT_CLIENT};
    if (entry->answer.action >= FAKE_ABORT && fake.reason == SERVER_ABORT_NONE) {
        fake.reason = reasons[entry->answer.action];
    }
}

/* --- completions --- */

static void call_back(struct server_device *device, struct fake_command *entry, int32_t code, int32_t bytes)
{
    int64_t position = entry->answer.position;
    struct VDS_Command *command = entry->command;
    if (entry->taken && command->commandCode == VDC_Write) {
        /* The server leaves alone what the client has (spec 8). */
        assert_int_equal(XXH64(command->buffer, (size_t)command->size, 0), entry->hash);
    }
    uint32_t last = --device->outstanding;
    memmove(entry, entry + 1, (size_t)(&device->commands[last] - entry) * sizeof *entry);
    command->completionCode = code;
    command->bytesTransferred = bytes;
    command->outPosition = position;
    device->io_error = command->commandCode == VDC_ClearError ? code != ERROR_SUCCESS
                                                              : device->io_error || code_is_io_error(code);
    ((server_completion *)command->completionRoutine)(command);
}

static bool is_ready(const struct fake_command *entry)
{
    return entry->taken &&
           (entry->answer.action == FAKE_COMPLETE || (entry->answer.action == FAKE_HOLD && fake.release));
}

static uint32_t complete(struct server_device *device)
{
    uint32_t callbacks = 0;
    for (uint32_t left = fake.one_by_one && device->outstanding > 0 ? 1 : device->outstanding; left > 0;
         left--) {
        /* Each call back closes a gap, so the next oldest ready command is looked for anew. */
        struct fake_command *entry = NULL;
        for (uint32_t i = 0; i < device->outstanding; i++) {
            uint32_t at = fake.backwards ? device->outstanding - 1 - i : i;
            if (is_ready(&device->commands[at])) {
                entry = &device->commands[at];
                break;
            }
        }
        if (entry == NULL) {
            break;
        }
        call_back(device, entry, entry->answer.code, entry->answer.bytes);
        callbacks++;
    }
    return callbacks;
}

uint32_t server_set_run_completions(struct server_set *set, enum server_set_state *state)
{
    assert_ptr_equal(set, &fake);
    uint32_t callbacks = 0;
    for (uint32_t i = 0; i < fake.devices_opened && fake.reason == SERVER_ABORT_NONE; i++) {
        struct server_device *device = &fake.devices[i];
        for (uint32_t j = 0; j < device->outstanding; j++) {
            if (!device->commands[j].taken) {
                take(i, &device->commands[j]);
            }
        }
    }
    bool aborted = fake.reason != SERVER_ABORT_NONE;
    for (uint32_t i = 0; i < fake.devices_opened; i++) {
        struct server_device *device = &fake.devices[i];
        if (!aborted) {
            callbacks += complete(device);
        }
        for (; aborted && device->outstanding > 0; callbacks++) {
            call_back(device, &device->commands[0], ERROR_OPERATION_ABORTED, 0);
        }
    }
    *state = aborted ? SERVER_SET_ABORTED : SERVER_SET_LIVE;
    return callbacks;
}

/* The client does everything when it is looked at; only a held command could be waited for. */
int server_set_wait(struct server_set *set, int64_t deadline)
{
    assert_ptr_equal(set, &fake);
    bool held = fake.opens < fake.config.deviceCount;
    for (uint32_t i = 0; i < fake.devices_opened; i++) {
        held =
            held || (fake.devices[i].outstanding > 0 && fake.devices[i].commands[0].taken && !fake.release);
    }
    if (!held || fake.one_by_one) { /* then the next answer is there */
        return 0;
    }
    if (fake.config.serverTimeOut != 0) {
        fake.reason = SERVER_ABORT_TIMEOUT; /* the core measures it */
        return 0;
    }
    _Atomic uint32_t word = 0;
    assert_true(deadline != OS_FOREVER); /* nothing would ever come */
    while (os_wait(&word, 0, deadline) == 0) {
    }
    return VD_E_TIMEOUT;
}

/* --- commands --- */

void server_command_init(struct VDS_Command *command, server_completion *routine, void *context)
{
    memset(command, 0, sizeof *command);
    command->completionRoutine = (uint8_t *)routine;
    command->completionContext = context;
}

static void check_transfer(struct server_device *device, const struct VDS_Command *command)
{
    if (command->commandCode != VDC_Write && command->commandCode != VDC_Read) {
        assert_null(command->buffer);
        return;
    }
    assert_non_null(command->buffer);
    assert_true(command->size > 0 && (uint32_t)command->size <= fake.max_transfer);
    assert_int_equal((uint32_t)command->size % fake.block_size, 0);
    size_t at = (size_t)(command->buffer - fake.area);
    assert_int_equal(at % fake.max_transfer, 0); /* only there it is aligned as the client asked */
    assert_true(at / fake.max_transfer < fake.allocated);
    device->sizes_seen |= (uint32_t)command->size == fake.max_transfer ? 1 : 2;
    fake.buffers_seen |= 1ull << (at / fake.max_transfer % 64);
    for (uint32_t i = 0; i < fake.devices_opened; i++) {
        for (uint32_t j = 0; j < fake.devices[i].outstanding; j++) {
            assert_ptr_not_equal(fake.devices[i].commands[j].command->buffer, command->buffer);
        }
    }
}

static void watch(const struct server_device *device, const struct VDS_Command *command)
{
    if (fake.watch != NULL) {
        fake.watch((uint32_t)(device - fake.devices), command);
    }
}

int server_device_send_command(struct server_device *device, struct VDS_Command *command)
{
    assert_true(device->open && !device->closed);
    assert_true(!device->io_error || command->commandCode == VDC_ClearError);
    assert_true(command->commandCode > 0 && command->commandCode < FAKE_CODES);
    check_transfer(device, command);
    if (command->commandCode == VDC_Flush) {
        for (uint32_t i = 0; i < device->outstanding; i++) {
            assert_int_not_equal(device->commands[i].command->commandCode, VDC_Write);
        }
    }
    watch(device, command);
    if (fake.reason != SERVER_ABORT_NONE) {
        command->completionCode = ERROR_OPERATION_ABORTED;
        command->bytesTransferred = 0;
        ((server_completion *)command->completionRoutine)(command);
        return VD_E_ABORT;
    }
    assert_true(device->outstanding < SERVER_COMMANDS_PER_DEVICE);
    device->sent[command->commandCode]++;
    device->commands[device->outstanding++] =
        (struct fake_command){.command = command, .nth = device->sent[command->commandCode]};
    if (device->outstanding > device->outstanding_most) {
        device->outstanding_most = device->outstanding;
    }
    return 0;
}

bool server_device_has_io_error(const struct server_device *device)
{
    return device->io_error;
}

int server_device_close(struct server_device *device)
{
    if (fake.reason != SERVER_ABORT_NONE) {
        return VD_E_ABORT;
    }
    assert_true(device->open && !device->closed);
    assert_int_equal(device->outstanding, 0);
    watch(device, NULL);
    device->closed = true;
    fake.closed_devices++;
    return 0;
}

bool server_device_client_opened(const struct server_device *device)
{
    if (fake.die_before_open) {
        fake.reason = SERVER_ABORT_CLIENT_DIED;
    }
    fake.client_closed = fake.close_before_open;
    return (uint32_t)(device - fake.devices) < fake.opens && !fake.die_before_open && !fake.close_before_open;
}

/* --- the set --- */

struct server_set *server_set_new(void)
{
    return (struct server_set *)&fake;
}

void server_set_free(struct server_set *set)
{
    if (fake.open) {
        server_set_close(set);
    }
}

/* The engine looks for the set. */
static bool look(const char *name)
{
    assert_string_equal(name, "set");
    bool found = fake.exists && !fake.open;
    if (!found && fake.comes != NULL) {
        fake.comes();
        fake.comes = NULL;
        fake.exists = true;
    }
    return found;
}

bool server_set_is_created(const char *name)
{
    return look(name);
}

int server_set_open(struct server_set *set, const char *name)
{
    assert_ptr_equal(set, &fake);
    if (!look(name)) {
        return VD_E_INVALID;
    }
    fake.open = true;
    if (fake.opened != NULL) {
        fake.opened();
    }
    return 0;
}

int server_set_get_configuration(struct server_set *set, struct VDConfig *config)
{
    (void)set;
    *config = fake.config;
    return fake.reason == SERVER_ABORT_NONE ? 0 : VD_E_ABORT;
}

int server_set_begin_configuration(struct server_set *set, uint32_t features, uint32_t block_size,
                                   uint32_t alignment, uint32_t max_transfer_size, uint32_t timeout)
{
    (void)set, (void)timeout;
    fake.features = features;
    fake.block_size = block_size;
    fake.alignment = alignment;
    fake.max_transfer = max_transfer_size;
    return 0;
}

int server_set_request_buffers(struct server_set *set, uint32_t size, uint32_t alignment, uint32_t count)
{
    (void)set, (void)alignment;
    assert_int_equal(size, fake.max_transfer);
    if (fake.area != NULL) {
        if (fake.memory_buffers != 0) {
            return VD_E_MEMORY;
        }
        fake.late += count;
    }
    fake.requested += count;
    return 0;
}

int server_set_end_configuration(struct server_set *set)
{
    (void)set;
    if (fake.memory_buffers != 0 && fake.requested > fake.memory_buffers) {
        fake.requested = 0;
        return VD_E_MEMORY;
    }
    fake.area = malloc((2 * (size_t)fake.requested + 8) * fake.max_transfer); /* the late ones too */
    assert_non_null(fake.area);
    return 0;
}

int server_set_name_device(struct server_set *set, uint32_t index, const char *name)
{
    (void)set;
    assert_true(index < fake.config.deviceCount);
    for (uint32_t i = 0; i < index; i++) {
        if (strcmp(fake.devices[i].name, name) == 0) {
            return VD_E_INVALID;
        }
    }
    strncpy(fake.devices[index].name, name, sizeof fake.devices[index].name - 1);
    return 0;
}

int server_set_open_device(struct server_set *set, struct server_device **device)
{
    (void)set;
    if (fake.reason != SERVER_ABORT_NONE) {
        return VD_E_ABORT;
    }
    assert_true(fake.devices_opened < fake.config.deviceCount);
    *device = &fake.devices[fake.devices_opened++];
    (*device)->open = true;
    return 0;
}

int server_set_allocate_buffer(struct server_set *set, uint8_t **buffer, uint32_t size, uint32_t alignment)
{
    (void)set, (void)alignment;
    assert_true(fake.allocated < fake.requested && size == fake.max_transfer);
    *buffer = fake.area + (size_t)fake.allocated++ * fake.max_transfer;
    return 0;
}

int server_set_signal_abort(struct server_set *set)
{
    assert_ptr_equal(set, &fake);
    assert_true(fake.open);
    fake.reason = fake.reason == SERVER_ABORT_NONE ? SERVER_ABORT_SERVER : fake.reason;
    return 0;
}

int server_set_close(struct server_set *set)
{
    assert_ptr_equal(set, &fake);
    assert_true(fake.open);
    for (uint32_t i = 0; i < fake.devices_opened && fake.reason == SERVER_ABORT_NONE; i++) {
        assert_true(fake.devices[i].closed);
    }
    fake.open = false;
    fake.exists = false;
    return 0;
}

enum server_abort_reason server_set_abort_reason(struct server_set *set)
{
    assert_ptr_equal(set, &fake);
    return fake.reason;
}

bool server_set_client_closed(struct server_set *set)
{
    assert_ptr_equal(set, &fake);
    return fake.client_closed;
}
