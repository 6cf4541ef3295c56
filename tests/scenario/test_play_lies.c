/* What the player says of a core that gives back wrong things: pointers that are no or other devices, buffers, commands
 * and handles, numbers that do not count, states that are not so. Each lie is told, at the line where it shows. For that
 * this program puts itself between the player and the core (tests/scenario/CMakeLists.txt). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "client.h"
#include "play.h"
#include "server.h"

static const char session[] =
    "devices 1\n"
    "client Create(set, prefix 512)\n"
    "server Open(set)\n"
    "server BeginConfiguration(features WriteMedia, block-size 512, transfer-size 65536)\n"
    "server NameDevice(0, as 0)\n"
    "server RequestBuffers(size 512, count 2)\n" /* line 5 */
    "server EndConfiguration()\n"
    "client GetConfiguration()\n"
    "client OpenDevice(unknown)\n"
    "client OpenDevice(0)\n"
    "server OpenDevice()\n" /* line 10 */
    "server OpenDevice()\n"
    "server QueryAvailableBuffers(size 512)\n"
    "server AllocateBuffer(size 512)\n"
    "server AllocateBuffer(size 512)\n"
    "server AllocateBuffer(size 512)\n" /* line 15 */
    "client GetCommand(0)\n"
    "server SendCommand(0, Write, buffer 1, size 512)\n"
    "server SendCommand(0, Read, buffer 2, size 512)\n"
    "client GetCommand(0)\n"
    "client GetCommand(0)\n" /* line 20 */
    "client GetBufferHandle(0)\n"
    "client MapBufferHandle(1)\n"
    "client CompleteCommand(0, SUCCESS, bytes 512)\n"
    "client CompleteCommand(0, SUCCESS, bytes 512)\n"
    "server RunCompletions()\n" /* line 25 */
    "client SignalAbort()\n"
    "server RunCompletions()\n";

enum lie {
    NO_LIE,
    CONFIGURATION,
    CLIENT_DEVICE_MISSING,
    CLIENT_DEVICE_TOO_MANY,
    CLIENT_DEVICE_NOT_OPEN,
    SERVER_DEVICE_MISSING,
    SERVER_DEVICE_TOO_MANY,
    COUNT,
    NO_BUFFER,
    SAME_BUFFER,
    CROOKED_BUFFER,
    BUFFER_TOO_MANY,
    NO_COMMAND,
    SAME_COMMAND,
    COMMAND_TOO_MANY,
    OTHER_BUFFER,
    WRITE_CHANGED,
    PREFIX_CHANGED,
    READ_CHANGED,
    NOT_ABORTED,
    IO_ERROR,
    SERVER_RESULT,
};

static enum lie lie;
static uint8_t *first_buffer;
static struct VDC_Command *first_command;

#define WRAP(type, name, parameters) \
    type __real_##name parameters;   \
    type __wrap_##name parameters;   \
    type __wrap_##name parameters

WRAP(int, client_set_get_configuration, (struct client_set * set, int64_t timeout, struct VDConfig *config))
{
    int result = __real_client_set_get_configuration(set, timeout, config);
    config->blockSize *= lie == CONFIGURATION ? 2 : 1;
    return result;
}

WRAP(int, client_set_open_device, (struct client_set * set, const char *name, struct client_device **device))
{
    int result = __real_client_set_open_device(set, name, device);
    if (lie == CLIENT_DEVICE_MISSING && result == 0) {
        *device = NULL;
    } else if (lie == CLIENT_DEVICE_TOO_MANY && result != 0) {
        *device = (struct client_device *)(void *)set;
    }
    return result;
}

WRAP(int, server_set_open_device, (struct server_set * set, struct server_device **device))
{
    int result = __real_server_set_open_device(set, device);
    if (lie == SERVER_DEVICE_MISSING && result == 0) {
        *device = NULL;
    } else if (lie == SERVER_DEVICE_TOO_MANY && result != 0) {
        *device = (struct server_device *)(void *)set;
    }
    return result;
}

WRAP(int, server_set_query_available_buffers,
     (struct server_set * set, uint32_t size, uint32_t alignment, uint32_t *count))
{
    int result = __real_server_set_query_available_buffers(set, size, alignment, count);
    *count += lie == COUNT;
    return result;
}

WRAP(int, server_set_allocate_buffer,
     (struct server_set * set, uint8_t **buffer, uint32_t size, uint32_t alignment))
{
    int result = __real_server_set_allocate_buffer(set, buffer, size, alignment);
    if (result != 0) {
        *buffer = lie == BUFFER_TOO_MANY ? first_buffer : *buffer;
        return result;
    }
    uint8_t *given = *buffer;
    *buffer = lie == NO_BUFFER                             ? NULL
              : lie == CROOKED_BUFFER                      ? given + 1
              : lie == SAME_BUFFER && first_buffer != NULL ? first_buffer
                                                           : given;
    first_buffer = first_buffer == NULL ? given : first_buffer;
    return result;
}

WRAP(int, client_device_get_command,
     (struct client_device * device, int64_t timeout, struct VDC_Command **command))
{
    int result = __real_client_device_get_command(device, timeout, command);
    if (result != 0) {
        static struct VDC_Command none;
        *command = lie == COMMAND_TOO_MANY ? &none : *command;
        return result;
    }
    struct VDC_Command *given = *command;
    *command = lie == NO_COMMAND                              ? NULL
               : lie == SAME_COMMAND && first_command != NULL ? first_command
                                                              : given;
    first_command = first_command == NULL ? given : first_command;
    return result;
}

WRAP(int, client_set_map_buffer_handle, (struct client_set * set, uint32_t handle, uint8_t **buffer))
{
    int result = __real_client_set_map_buffer_handle(set, handle, buffer);
    *buffer += result == 0 && lie == OTHER_BUFFER ? 512 : 0;
    return result;
}

WRAP(int, client_set_get_buffer_handle, (struct client_set * set, const uint8_t *buffer, uint32_t *handle))
{
    int result = __real_client_set_get_buffer_handle(set, buffer, handle);
    uint8_t *changed = (uint8_t *)(uintptr_t)buffer;
    changed[0] ^= lie == WRITE_CHANGED;
    changed[-1] ^= lie == PREFIX_CHANGED;
    return result;
}

WRAP(int, client_device_complete_command,
     (struct client_device * device, struct VDC_Command *command, int32_t code, uint64_t bytes,
      int64_t position))
{
    uint8_t *buffer = command->buffer;
    int result = __real_client_device_complete_command(device, command, code, bytes, position);
    buffer[511] ^= lie == READ_CHANGED;
    return result;
}

WRAP(uint32_t, server_set_run_completions, (struct server_set * set, enum server_set_state *state))
{
    uint32_t callbacks = __real_server_set_run_completions(set, state);
    if (lie == NOT_ABORTED && *state == SERVER_SET_ABORTED) {
        *state = SERVER_SET_LIVE;
    }
    return callbacks;
}

WRAP(bool, server_device_client_opened, (const struct server_device *device))
{
    return device != NULL && __real_server_device_client_opened(device) && lie != CLIENT_DEVICE_NOT_OPEN;
}

WRAP(bool, server_device_has_io_error, (const struct server_device *device))
{
    return device != NULL && (__real_server_device_has_io_error(device) || lie == IO_ERROR);
}

WRAP(int, server_set_request_buffers,
     (struct server_set * set, uint32_t size, uint32_t alignment, uint32_t count))
{
    int result = __real_server_set_request_buffers(set, size, alignment, count);
    return lie == SERVER_RESULT ? VD_E_BUSY : result;
}

/* --- tests --- */

static struct play *play;
static struct scenario scenario;
static struct play_outcome outcome;

static void play_with(enum lie told)
{
    lie = told;
    first_buffer = NULL;
    first_command = NULL;
    play_scenario(play, &scenario, &outcome);
    lie = NO_LIE;
}

static void test_each_lie_is_told_where_it_shows(void **unused)
{
    static const struct {
        enum lie lie;
        uint32_t line;
        const char *part;
    } lies[] = {
        {SERVER_RESULT, 5, "it gave VD_E_BUSY; allowed"},
        {CONFIGURATION, 7, "the configuration is not what was settled"},
        {CLIENT_DEVICE_TOO_MANY, 8, "it wrote a device"},
        {CLIENT_DEVICE_MISSING, 9, "it wrote no device"},
        {SERVER_DEVICE_MISSING, 10, "it wrote no device"},
        {CLIENT_DEVICE_NOT_OPEN, 10, "afterwards the server takes device 0 as not open by the client"},
        {IO_ERROR, 10, "afterwards the server takes device 0"},
        {SERVER_DEVICE_TOO_MANY, 11, "it wrote a device"},
        {COUNT, 12, "it counted 3 buffers; there are 2"},
        {NO_BUFFER, 13, "it gave no buffer"},
        {CROOKED_BUFFER, 13, "buffer 1 is not aligned to 512"},
        {SAME_BUFFER, 14, "buffer 2 lies in buffer 1"},
        {BUFFER_TOO_MANY, 15, "it failed and yet wrote a buffer"},
        {COMMAND_TOO_MANY, 16, "it failed and yet wrote a command"},
        {NO_COMMAND, 19, "it gave no command"},
        {SAME_COMMAND, 20, "it gave the place of one in hand"},
        {OTHER_BUFFER, 22, "it gave another buffer than the handle is of"},
        {WRITE_CHANGED, 23, "the data of the Write has changed in the client's hands"},
        {PREFIX_CHANGED, 23, "the prefix zone has changed in the client's hands"},
        {READ_CHANGED, 25, "is not what the client answered"},
        {NOT_ABORTED, 27, "it says that the set is not aborted"},
    };
    (void)unused;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        char at[32];
        snprintf(at, sizeof at, "line %u, ", lies[i].line);
        play_with(lies[i].lie);
        if (strncmp(outcome.deviation, at, strlen(at)) != 0 ||
            strstr(outcome.deviation, lies[i].part) == NULL) {
            fail_msg("expected '%s... %s...' in '%s'", at, lies[i].part, outcome.deviation);
        }
        assert_int_equal(outcome.deviating_line, lies[i].line);
        play_with(NO_LIE); /* nothing of it is left */
        assert_string_equal(outcome.deviation, "");
    }
}

static int make_play(void **unused)
{
    struct fault_error error;
    uint32_t line = 0;
    (void)unused;
    play = play_new(&play_in_simulation);
    return play == NULL || scenario_parse(session, strlen(session), &scenario, NULL, &error, &line) != 0 ? -1
                                                                                                         : 0;
}

static int free_play(void **unused)
{
    (void)unused;
    play_free(play);
    play_free(NULL);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_lie_is_told_where_it_shows),
    };
    return cmocka_run_group_tests(tests, make_play, free_play);
}
