/* The way to each state of the client table, by documented calls only. */
#include "client_fixture.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

int64_t fixture_now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

bool fixture_fail(struct fixture *f, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(f->seen->why, sizeof f->seen->why, format, arguments);
    va_end(arguments);
    return false;
}

static bool expect(struct fixture *f, int32_t result, int32_t expected)
{
    char got[MODEL_RESULT_TEXT];
    char wanted[MODEL_RESULT_TEXT];
    if (result == expected) {
        return true;
    }
    return fixture_fail(f, "on the way there %s gave %s, not %s", f->seen->step,
                        model_result_name(result, got), model_result_name(expected, wanted));
}

void fixture_device_name(const struct fixture *f, uint32_t index, char name[FIXTURE_NAME_MAX])
{
    if (index == 0) {
        snprintf(name, FIXTURE_NAME_MAX, "%s", f->name);
    } else {
        snprintf(name, FIXTURE_NAME_MAX, "%.*s-%u", FIXTURE_NAME_MAX - 12, f->name, (unsigned)index);
    }
}

/* --- single steps --- */

bool fixture_create(struct fixture *f, ClientVirtualDeviceSet *set)
{
    VDConfig config = {.deviceCount = f->devices};
    f->seen->step = "Create";
    return expect(f, f->vdi->create(set, f->name, &config), 0);
}

bool fixture_serve(struct fixture *f)
{
    return f->server->start(f->server, f->name, f->devices) == 0 ||
           fixture_fail(f, "the server: %.200s", f->server->why);
}

bool fixture_configure(struct fixture *f, ClientVirtualDeviceSet *set)
{
    VDConfig config;
    f->seen->step = "GetConfiguration";
    return expect(f, f->vdi->get_configuration(set, FIXTURE_WAIT_MS, &config), 0);
}

bool fixture_open_device(struct fixture *f, ClientVirtualDeviceSet *set, uint32_t index)
{
    char name[FIXTURE_NAME_MAX];
    fixture_device_name(f, index, name);
    f->seen->step = "OpenDevice";
    return expect(f, f->vdi->open_device(set, name, &f->device[index]), 0);
}

bool fixture_join(struct fixture *f, ClientVirtualDeviceSet *set)
{
    f->seen->step = "OpenInSecondary";
    return expect(f, f->vdi->open_in_secondary(set, f->name), 0);
}

bool fixture_abort(struct fixture *f, ClientVirtualDeviceSet *set)
{
    f->seen->step = "SignalAbort";
    return expect(f, f->vdi->signal_abort(set), 0);
}

/* --- commands --- */

bool fixture_complete(struct fixture *f, ClientVirtualDevice *device, VDC_Command *command)
{
    bool data = command->commandCode == VDC_Write;
    bool known = data || command->commandCode == VDC_Flush || command->commandCode == VDC_ClearError ||
                 command->commandCode == VDC_Complete;
    f->seen->step = "CompleteCommand";
    return expect(f,
                  f->vdi->complete_command(device, command, known ? ERROR_SUCCESS : ERROR_NOT_SUPPORTED,
                                           data ? (unsigned long)command->size : 0, 0),
                  0);
}

bool fixture_hold(struct fixture *f, ClientVirtualDevice *device)
{
    VDC_Command *command = NULL;
    for (;;) {
        f->seen->step = "GetCommand";
        if (!expect(f, f->vdi->get_command(device, FIXTURE_WAIT_MS, &command), 0)) {
            return false;
        }
        if (command->buffer != NULL) {
            f->held = command;
            f->buffer = command->buffer;
            f->seen->step = "GetBufferHandle";
            if (f->vdi->get_buffer_handle(&f->set, f->buffer, &f->handle) != 0) {
                f->handle = 0; /* a cell of its own; others can do without */
            }
            return true;
        }
        if (!fixture_complete(f, device, command)) {
            return false;
        }
    }
}

int32_t fixture_drain(struct fixture *f, uint32_t *which)
{
    static const struct timespec beat = {.tv_nsec = 200000}; /* between polls of two devices at once */
    int64_t deadline = fixture_now_ms() + FIXTURE_WAIT_MS;
    f->server->finish(f->server);
    while (fixture_now_ms() < deadline) {
        for (*which = 0; *which < 2; ++*which) {
            ClientVirtualDevice *device = f->device[*which];
            VDC_Command *command = NULL;
            f->seen->step = "GetCommand";
            int32_t result = device != NULL ? f->vdi->get_command(device, 0, &command) : VD_E_TIMEOUT;
            if (result == 0 && !fixture_complete(f, device, command)) {
                return VD_E_UNEXPECTED;
            }
            if (result != 0 && result != VD_E_TIMEOUT) {
                return result;
            }
        }
        nanosleep(&beat, NULL);
    }
    return VD_E_TIMEOUT;
}

/* --- states --- */

static bool terminate(struct fixture *f)
{
    uint32_t which;
    if (!fixture_complete(f, f->device[0], f->held)) {
        return false;
    }
    f->given_back = f->held;
    f->held = NULL;
    f->seen->step = "GetCommand";
    return expect(f, fixture_drain(f, &which), VD_E_CLOSE);
}

bool fixture_reach(struct fixture *f, enum model_state state, uint32_t opened)
{
    if (state == MODEL_DOES_NOT_EXIST) {
        return true;
    }
    if (!fixture_create(f, &f->set)) {
        return false;
    }
    if (state == MODEL_CONFIGURABLE) {
        return true;
    }
    if (!fixture_serve(f) || !fixture_configure(f, &f->set)) {
        return false;
    }
    if (state == MODEL_INITIALIZING) {
        return true;
    }
    for (uint32_t i = 0; i < opened; i++) {
        if (!fixture_open_device(f, &f->set, i)) {
            return false;
        }
    }
    f->subject = f->device[0];
    f->device_lives = true;
    if (state == MODEL_ACTIVE) {
        return true;
    }
    if (!fixture_hold(f, f->subject)) {
        return false;
    }
    return state == MODEL_ABORTED ? fixture_abort(f, &f->set) : terminate(f);
}

bool fixture_earlier_life(struct fixture *f)
{
    char name[FIXTURE_NAME_MAX];
    memcpy(name, f->name, sizeof name);
    snprintf(f->name, sizeof f->name, "%.*s2", FIXTURE_NAME_MAX - 2, name);
    if (!fixture_reach(f, MODEL_ACTIVE, 1) || !fixture_abort(f, &f->set)) {
        return false;
    }
    f->seen->step = "Close";
    if (!expect(f, f->vdi->close(&f->set), 0)) {
        return false;
    }
    f->server->stop(f->server);
    memcpy(f->name, name, sizeof name);
    f->subject = f->device[0];
    f->device[0] = NULL;
    f->device_lives = false;
    return true;
}
