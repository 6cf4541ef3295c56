/* A client that makes the calls of test_play_alike's scenario, each with the same arguments, and its server: a process of
 * its own, which makes no call of a client's. usage: same_calls SET; exit status 0: the server's calls gave NOERROR. */
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "server.h"

enum {
    WAIT_MS = 30000 /* more than anything takes */
};

/* ---- the client ---- */

static VDC_Command *fetch(ClientVirtualDevice *device)
{
    VDC_Command *command = NULL;
    (void)vdi_device_get_command(device, WAIT_MS, &command);
    return command;
}

/* Results are the trace's affair. */
static void be_client(char *name)
{
    static char first[] = "device-0", unknown[] = "un\\known", empty[] = "";
    VDConfig asked = {.deviceCount = 1, .features = VDF_RequestComplete, .prefixZoneSize = 8}, config = asked;
    ClientVirtualDeviceSet set;
    ClientVirtualDevice *device = NULL, *none = NULL;
    unsigned int handle = 0;
    uint8_t *mapped = NULL;
    vdi_set_init(&set);
    (void)vdi_set_create(&set, empty, &config);
    config = asked;
    (void)vdi_set_create(&set, name, &config);
    config = asked;
    (void)vdi_set_create(&set, name, &config);
    (void)vdi_set_get_configuration(&set, WAIT_MS, &config);
    (void)vdi_set_open_device(&set, unknown, &none);
    if (vdi_set_open_device(&set, first, &device) != 0) {
        return;
    }
    VDC_Command *command = fetch(device);
    if (command == NULL) {
        return;
    }
    (void)vdi_set_get_buffer_handle(&set, command->buffer, &handle);
    (void)vdi_set_map_buffer_handle(&set, (int)handle, &mapped);
    (void)vdi_device_complete_command(device, command, ERROR_SUCCESS, 513, 0);
    (void)vdi_device_complete_command(device, command, ERROR_SUCCESS, 512, 0);
    command = fetch(device);
    (void)vdi_device_complete_command(device, command, ERROR_SUCCESS, 0, 0);
    command = fetch(device);
    (void)vdi_device_complete_command(device, command, ERROR_NOT_SUPPORTED, 0, 9);
    (void)fetch(device);
    vdi_set_register_device_closed(&set);
    (void)vdi_set_close(&set);
    (void)vdi_set_close(&set);
    config = asked;
    (void)vdi_set_create(&set, name, &config);
    (void)vdi_set_signal_abort(&set);
    (void)vdi_set_get_configuration(&set, 0, &config);
    (void)vdi_set_close(&set);
    vdi_set_destroy(&set);
}

/* ---- the server ---- */

static void called_back(struct VDS_Command *command)
{
    *(bool *)(uintptr_t)command->completionContext = true;
}

static int transfer(struct server_set *set, struct server_device *device, int32_t code, int32_t size,
                    int64_t position, uint8_t *buffer)
{
    struct VDS_Command command;
    enum server_set_state state;
    bool done = false;
    server_command_init(&command, called_back, &done);
    command.commandCode = code;
    command.size = size;
    command.inPosition = position;
    command.buffer = buffer;
    int result = server_device_send_command(device, &command);
    while (result == 0 && !done) {
        result = server_set_run_completions(set, &state) == 0 ? server_set_wait(set, OS_FOREVER) : 0;
    }
    return result;
}

static int serve_device(struct server_set *set)
{
    struct server_device *device = NULL;
    uint8_t *buffer = NULL;
    int result = server_set_open_device(set, &device);
    result = result != 0 ? result : server_set_allocate_buffer(set, &buffer, 512, 0);
    result = result != 0 ? result : transfer(set, device, VDC_Write, 512, 7, buffer);
    result = result != 0 ? result : transfer(set, device, VDC_Flush, 0, 0, NULL);
    result = result != 0 ? result : transfer(set, device, VDC_Rewind, 0, 0, NULL);
    return result != 0 ? result : server_device_close(device);
}

static int serve(const char *name)
{
    struct server_set *set = server_set_new();
    int result = VD_E_INVALID;
    while (set != NULL && result == VD_E_INVALID) { /* not there yet */
        result = server_set_open(set, name);
        sched_yield();
    }
    result = result != 0 ? result : server_set_begin_configuration(set, VDF_WriteMedia, 512, 0, 65536, 0);
    result = result != 0 ? result : server_set_name_device(set, 0, "device-0");
    result = result != 0 ? result : server_set_request_buffers(set, 512, 0, 2);
    result = result != 0 ? result : server_set_end_configuration(set);
    result = result != 0 ? result : serve_device(set);
    while (result == 0 && !server_set_client_closed(set)) {
        (void)server_set_wait(set, OS_FOREVER);
    }
    server_set_free(set);
    return result;
}

int main(int argc, char **argv)
{
    int status = 0;
    if (argc != 2) {
        return EXIT_FAILURE;
    }
    pid_t server = fork();
    alarm(WAIT_MS / 1000); /* both: whoever fails leaves the other waiting */
    if (server == 0) {
        _exit(serve(argv[1]) == 0 ? EXIT_SUCCESS : EXIT_FAILURE);
    }
    be_client(argv[1]);
    return server > 0 && waitpid(server, &status, 0) == server && status == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
