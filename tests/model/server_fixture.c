#include "server_fixture.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const char set_name[] = "model";

static const char *device_name(uint32_t index, char text[32])
{
    snprintf(text, 32, index == 0 ? "%s" : "%s-%u", set_name, index);
    return text;
}

static void create(struct server_fixture *f)
{
    struct VDConfig config = {.deviceCount = f->devices};
    assert_int_equal(client_set_create(f->client, set_name, &config), 0);
}

void fixture_new(struct server_fixture *f, uint32_t devices)
{
    char space[32];
    snprintf(space, sizeof space, "modeltest-%d", (int)getpid());
    setenv("VDI_NAMESPACE", space, 1);
    *f = (struct server_fixture){.devices = devices, .client = client_set_new(), .set = server_set_new()};
    assert_non_null(f->client);
    assert_non_null(f->set);
    create(f);
}

static void configure(struct server_fixture *f)
{
    char name[32];
    assert_int_equal(server_set_begin_configuration(f->set, VDF_WriteMedia, 512, 0, FIXTURE_TRANSFER, 0), 0);
    for (uint32_t i = 0; i < f->devices; i++) {
        assert_int_equal(server_set_name_device(f->set, i, device_name(i, name)), 0);
    }
}

static void open_devices(struct server_fixture *f, uint32_t opened)
{
    char name[32];
    struct VDConfig config;
    assert_int_equal(client_set_get_configuration(f->client, 10000, &config), 0);
    for (uint32_t i = 0; i < f->devices; i++) {
        assert_int_equal(client_set_open_device(f->client, device_name(i, name), &f->client_device[i]), 0);
    }
    for (uint32_t i = 0; i < opened; i++) {
        assert_int_equal(server_set_open_device(f->set, &f->device[i]), 0);
    }
}

void fixture_bring(struct server_fixture *f, enum model_state state, uint32_t opened)
{
    if (state == MODEL_DOES_NOT_EXIST) {
        return;
    }
    assert_int_equal(server_set_open(f->set, set_name), 0);
    if (state == MODEL_CONNECTED) {
        return;
    }
    configure(f);
    if (state == MODEL_CONFIGURABLE) {
        return;
    }
    assert_int_equal(server_set_request_buffers(f->set, FIXTURE_TRANSFER, 0, FIXTURE_BUFFERS), 0);
    assert_int_equal(server_set_end_configuration(f->set), 0);
    assert_int_equal(server_set_allocate_buffer(f->set, &f->buffer, FIXTURE_TRANSFER, 0), 0);
    if (state == MODEL_INITIALIZING) {
        return;
    }
    open_devices(f, opened);
    for (uint32_t i = 0; state == MODEL_TERMINATED && i < f->devices; i++) {
        assert_int_equal(server_device_close(f->device[i]), 0);
    }
    if (state == MODEL_ABORTED) {
        assert_int_equal(server_set_signal_abort(f->set), 0);
    }
}

void fixture_live_once(struct server_fixture *f)
{
    fixture_bring(f, MODEL_ACTIVE, 1);
    assert_int_equal(server_set_signal_abort(f->set), 0);
    assert_int_equal(server_set_close(f->set), 0);
    assert_int_equal(client_set_close(f->client), 0);
    f->buffer = NULL;
    create(f);
}

/* --- commands --- */

static const struct {
    int result;
    int32_t code;
} refusals[] = {
    {VD_E_QUEUE_FULL, ERROR_NO_SYSTEM_RESOURCES}, {VD_E_IO_ERROR, ERROR_IO_DEVICE},
    {VD_E_PROTOCOL, ERROR_INVALID_HANDLE},        {VD_E_ABORT, ERROR_OPERATION_ABORTED},
    {VD_E_INVALID, ERROR_INVALID_HANDLE},
};

static void called_back(struct VDS_Command *command)
{
    *(uint32_t *)(void *)command->completionContext += 1;
}

int fixture_send(struct server_fixture *f, int32_t code)
{
    uint32_t callbacks = 0;
    static uint32_t later; /* called back when nobody looks any more */
    struct VDS_Command *command = &f->commands[f->sent++];
    assert_true(f->sent <= FIXTURE_COMMANDS);
    server_command_init(command, called_back, &callbacks);
    command->commandCode = code;
    int result = server_device_send_command(f->device[0], command);
    assert_int_equal(callbacks, result != 0);
    for (size_t i = 0; result != 0 && i < sizeof refusals / sizeof refusals[0]; i++) {
        assert_true(refusals[i].result != result || command->completionCode == refusals[i].code);
    }
    command->completionContext = (uint8_t *)&later;
    return result;
}

void fixture_fetch(struct server_fixture *f)
{
    assert_int_equal(client_device_get_command(f->client_device[0], 10000, &f->held[f->held_count]), 0);
    f->held_count++;
}

int fixture_complete(struct server_fixture *f, uint32_t held, int32_t code)
{
    enum server_set_state state;
    int result = client_device_complete_command(f->client_device[0], f->held[held], code, 0, 0);
    server_set_run_completions(f->set, &state);
    return result;
}

void fixture_free(struct server_fixture *f)
{
    server_set_free(f->set);
    client_set_free(f->client);
}
