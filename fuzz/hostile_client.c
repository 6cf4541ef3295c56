/* The client's side of hostile_world.h. */
#include "hostile_check.h"

/* --- results (spec 2.3, 3) --- */

/* No table has a machine without memory. */
static const struct function CREATE = {MODEL_CLIENT_Create, NULL, CODE(VD_E_MEMORY)};
static const struct function OPEN_IN_SECONDARY = {MODEL_CLIENT_OpenInSecondary, NULL, CODE(VD_E_MEMORY)};
static const struct function GET_CONFIGURATION = {MODEL_CLIENT_GetConfiguration, NULL, 0};
static const struct function OPEN_DEVICE = {MODEL_CLIENT_OpenDevice, NULL, 0};
static const struct function GET_COMMAND = {MODEL_CLIENT_GetCommand, NULL, 0};
static const struct function COMPLETE_COMMAND = {MODEL_CLIENT_CompleteCommand, NULL, 0};
static const struct function GET_BUFFER_HANDLE = {MODEL_CLIENT_GetBufferHandle, NULL, 0};
static const struct function MAP_BUFFER_HANDLE = {MODEL_CLIENT_MapBufferHandle, NULL, 0};
static const struct function SIGNAL_ABORT = {MODEL_CLIENT_SignalAbort, NULL, 0};
static const struct function CLOSE = {MODEL_CLIENT_Close, NULL, 0};

/* A set that does not exist gives VD_E_PROTOCOL, an aborted one VD_E_ABORT, whatever the peer writes afterwards
 * (spec 2.3, 2.4): Abort is left by Close alone. */
static int check_state(const struct function *function, int result, bool open, bool *aborted)
{
    check(function, result);
    if (!open && result != VD_E_PROTOCOL) {
        hostile_fail("0x%x on a set that does not exist", (unsigned)result);
    }
    if (open && *aborted && result != VD_E_ABORT) {
        hostile_fail("0x%x after an abort", (unsigned)result);
    }
    *aborted = *aborted || result == VD_E_ABORT;
    return result;
}

/* --- client --- */

static void begin_life(struct world_client *client, uint32_t prefix)
{
    client->prefix = prefix;
    client->open = true;
    client->aborted = false;
    client->device_count = 0;
    client->held_count = 0;
}

int world_create(struct world *world, struct world_client *client, const struct VDConfig *config)
{
    begin(&CREATE);
    int result = check(&CREATE, recorded_create(&client->calls, world_device_name(0), config));
    if (client->open && result != VD_E_PROTOCOL) {
        hostile_fail("0x%x on a set that exists", (unsigned)result);
    }
    if (result == 0) {
        begin_life(client, config->prefixZoneSize);
        world->device_count = config->deviceCount;
    }
    return result;
}

int world_open_in_secondary(struct world_client *client)
{
    begin(&OPEN_IN_SECONDARY);
    int result = check(&OPEN_IN_SECONDARY, recorded_open_in_secondary(&client->calls, world_device_name(0)));
    if (result == 0) {
        if (client->open) {
            hostile_fail("opened twice");
        }
        begin_life(client, 0);
    } else if (client->open) {
        client->aborted = client->aborted || result == VD_E_ABORT;
    }
    return result;
}

int world_get_configuration(struct world_client *client, int64_t timeout)
{
    struct VDConfig config;
    begin(&GET_CONFIGURATION);
    int result = check_state(&GET_CONFIGURATION, recorded_get_configuration(&client->calls, timeout, &config),
                             client->open, &client->aborted);
    if (result == 0) {
        check_configuration(&config);
        client->prefix = config.prefixZoneSize;
    }
    return result;
}

int world_open_device(struct world_client *client, uint32_t name)
{
    struct client_device *device = (struct client_device *)client;
    uint32_t place = client->device_count % WORLD_DEVICES;
    begin(&OPEN_DEVICE);
    int result = recorded_open_device(&client->calls, place, name, world_device_name(name), &device);
    check_state(&OPEN_DEVICE, result, client->open, &client->aborted);
    if ((result == 0) != (device != NULL)) {
        hostile_fail("0x%x, and device %p", (unsigned)result, (void *)device);
    }
    if (result == 0) {
        client->devices[place] = device;
        client->device_count++;
    }
    return result;
}

/* NULL: none has been opened. */
static struct client_device *device_at(const struct world_client *client, uint32_t index, uint32_t *place)
{
    uint32_t count = client->device_count < WORLD_DEVICES ? client->device_count : WORLD_DEVICES;
    *place = count != 0 ? index % count : 0;
    return count != 0 ? client->devices[*place] : NULL;
}

int world_get_command(struct world_client *client, uint32_t index, int64_t timeout)
{
    uint32_t place;
    struct client_device *device = device_at(client, index, &place);
    struct VDC_Command *command = (struct VDC_Command *)client;
    if (device == NULL) {
        return 0;
    }
    begin(&GET_COMMAND);
    int result =
        check_state(&GET_COMMAND, recorded_get_command(&client->calls, device, place, timeout, &command),
                    client->open, &client->aborted);
    if ((result == 0) != (command != NULL)) {
        hostile_fail("0x%x, and command %p", (unsigned)result, (void *)command);
    }
    if (result != 0) {
        return result;
    }
    bool data = command->commandCode == VDC_Read || command->commandCode == VDC_Write;
    if (data && (command->buffer == NULL || command->size < 0)) {
        hostile_fail("a transfer of %d bytes at %p", command->size, (void *)command->buffer);
    }
    if (command->buffer != NULL) {
        check_buffer(command->buffer, client->prefix, command->size > 0 ? (uint64_t)command->size : 0);
    }
    for (uint32_t i = 0; i < client->held_count; i++) {
        if (client->held[i].command == command) {
            hostile_fail("a command that has not been completed comes again");
        }
    }
    if (client->held_count < WORLD_COMMANDS) {
        client->held[client->held_count++] = (struct world_held){device, place, command};
    }
    return 0;
}

int world_complete_command(struct world_client *client, uint32_t index, uint32_t held_index, int32_t code,
                           uint64_t bytes, int64_t position)
{
    struct world_held held = {0};
    uint32_t at = client->held_count != 0 ? held_index % client->held_count : 0;
    held.device = device_at(client, index, &held.place);
    if (client->held_count != 0) {
        held = client->held[at];
    }
    if (held.device == NULL) {
        return 0;
    }
    begin(&COMPLETE_COMMAND);
    int result = check_state(&COMPLETE_COMMAND,
                             recorded_complete_command(&client->calls, held.device, held.place, held.command,
                                                       code, bytes, position),
                             client->open, &client->aborted);
    if (result == 0) {
        if (held.command == NULL) {
            hostile_fail("no command, and yet completed");
        }
        client->held[at] = client->held[--client->held_count];
    }
    return result;
}

int world_map_buffer_handle(struct world_client *client, uint32_t handle)
{
    uint8_t *mapped = NULL;
    begin(&MAP_BUFFER_HANDLE);
    int result = check(&MAP_BUFFER_HANDLE, recorded_map_buffer_handle(&client->calls, handle, &mapped));
    if (result == 0) {
        check_buffer(mapped, 0, 1);
    }
    return result;
}

/* The buffer of a command in `from`'s hands, by its handle, in `to`. */
int world_buffer_handles(struct world_client *from, struct world_client *to, uint32_t held)
{
    uint32_t handle = 0;
    uint8_t *buffer = from->held_count != 0 ? from->held[held % from->held_count].command->buffer : NULL;
    begin(&GET_BUFFER_HANDLE);
    int result = check(&GET_BUFFER_HANDLE, recorded_get_buffer_handle(&from->calls, buffer, &handle));
    if (result == 0 && buffer == NULL) {
        hostile_fail("a handle of no buffer");
    }
    return result == 0 ? world_map_buffer_handle(to, handle) : result;
}

int world_signal_abort(struct world_client *client)
{
    begin(&SIGNAL_ABORT);
    int result = check(&SIGNAL_ABORT, recorded_signal_abort(&client->calls));
    if ((result == 0) != client->open) {
        hostile_fail("0x%x", (unsigned)result);
    }
    client->aborted = client->aborted || result == 0;
    return result;
}

int world_close(struct world_client *client)
{
    begin(&CLOSE);
    int result = check(&CLOSE, recorded_close(&client->calls));
    if ((result == VD_E_PROTOCOL) != !client->open) {
        hostile_fail("0x%x", (unsigned)result);
    }
    client->open = false;
    client->held_count = 0;
    return result;
}
