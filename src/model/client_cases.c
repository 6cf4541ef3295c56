/* The cases of the client table: situations, calls, probes. */
#include "client_cases.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>

#include "client_fixture.h"

/* --- calls --- */

static int32_t call_create(struct fixture *f)
{
    return f->vdi->create(f->target, f->argument, &f->config);
}

static int32_t call_get_configuration(struct fixture *f)
{
    return f->vdi->get_configuration(f->target, 0, &f->config);
}

static int32_t call_open_device(struct fixture *f)
{
    ClientVirtualDevice *device = (ClientVirtualDevice *)f;
    int32_t result = f->vdi->open_device(f->target, f->argument, &device);
    f->seen->pointer_left = result != 0 && device != NULL;
    if (result == 0 && f->subject == NULL) {
        f->subject = device;
        f->device_lives = true;
    }
    return result;
}

static int32_t call_get_command(struct fixture *f)
{
    VDC_Command *command = NULL;
    return f->vdi->get_command(f->subject, 0, &command);
}

static int32_t call_complete_command(struct fixture *f)
{
    return f->vdi->complete_command(f->subject, f->command, ERROR_SUCCESS, f->bytes, 0);
}

static int32_t call_signal_abort(struct fixture *f)
{
    return f->vdi->signal_abort(f->target);
}

static int32_t call_close(struct fixture *f)
{
    f->device_lives = false;
    return f->vdi->close(f->target);
}

static int32_t call_open_in_secondary(struct fixture *f)
{
    return f->vdi->open_in_secondary(f->target, f->argument);
}

static int32_t call_get_buffer_handle(struct fixture *f)
{
    unsigned handle;
    return f->vdi->get_buffer_handle(f->target, f->buffer_argument, &handle);
}

static int32_t call_map_buffer_handle(struct fixture *f)
{
    uint8_t *buffer = NULL;
    return f->vdi->map_buffer_handle(f->target, f->handle_argument, &buffer);
}

static int32_t call_register_device_closed(struct fixture *f)
{
    f->vdi->register_device_closed(f->target);
    return MODEL_VOID;
}

typedef int32_t call(struct fixture *f);

static call *const calls[MODEL_SERVER_Open] = {
    [MODEL_CLIENT_Create] = call_create,
    [MODEL_CLIENT_GetConfiguration] = call_get_configuration,
    [MODEL_CLIENT_OpenDevice] = call_open_device,
    [MODEL_CLIENT_GetCommand] = call_get_command,
    [MODEL_CLIENT_CompleteCommand] = call_complete_command,
    [MODEL_CLIENT_SignalAbort] = call_signal_abort,
    [MODEL_CLIENT_Close] = call_close,
    [MODEL_CLIENT_OpenInSecondary] = call_open_in_secondary,
    [MODEL_CLIENT_GetBufferHandle] = call_get_buffer_handle,
    [MODEL_CLIENT_MapBufferHandle] = call_map_buffer_handle,
    [MODEL_CLIENT_RegisterDeviceClosed] = call_register_device_closed,
};

/* Waits that end differently from a poll. */

static int32_t call_get_configuration_served(struct fixture *f)
{
    return f->vdi->get_configuration(f->target, FIXTURE_WAIT_MS, &f->config);
}

/* A millisecond or a second (X6): the time it takes tells. A busy machine may make one try look like the
 * other. */
static int32_t call_get_configuration_in_vain(struct fixture *f)
{
    int32_t result = 0;
    int64_t elapsed = CASE_SECOND_MS;
    for (int i = 0; i < 2 && elapsed >= CASE_SECOND_MS; i++) {
        int64_t start = fixture_now_ms();
        result = f->vdi->get_configuration(f->target, 1, &f->config);
        elapsed = fixture_now_ms() - start;
    }
    f->seen->elapsed_ms = elapsed;
    return result;
}

static int32_t call_get_command_sent(struct fixture *f)
{
    VDC_Command *command = NULL;
    return f->vdi->get_command(f->subject, FIXTURE_WAIT_MS, &command);
}

/* Whoever holds all that is sent gets no more at some time. */
static int32_t call_get_command_in_vain(struct fixture *f)
{
    int32_t result;
    VDC_Command *command = NULL;
    do {
        result = f->vdi->get_command(f->subject, 0, &command);
    } while (result == 0);
    return result;
}

static int32_t call_get_command_to_the_end(struct fixture *f)
{
    uint32_t which;
    int32_t result = fixture_drain(f, &which);
    if (which < 2) {
        f->subject = f->device[which];
    }
    return result;
}

struct waiter {
    struct fixture *fixture;
    _Atomic bool about_to_wait;
    int32_t result;
};

static void *wait_for_ever(void *context)
{
    struct waiter *waiter = context;
    struct fixture *f = waiter->fixture;
    VDC_Command *command = NULL;
    atomic_store(&waiter->about_to_wait, true);
    if (f->one->function == MODEL_CLIENT_GetConfiguration) {
        waiter->result = f->vdi->get_configuration(f->target, -1, &f->config);
        return NULL;
    }
    do {
        waiter->result = f->vdi->get_command(f->subject, -1, &command);
    } while (waiter->result == 0);
    return NULL;
}

/* Before the wait or during it, the abort gives the same result. */
static int32_t call_aborted_meanwhile(struct fixture *f)
{
    static struct waiter waiter; /* outlives a waiter that is given up */
    waiter = (struct waiter){.fixture = f};
    pthread_t thread;
    if (pthread_create(&thread, NULL, wait_for_ever, &waiter) != 0) {
        return VD_E_UNEXPECTED;
    }
    while (!atomic_load(&waiter.about_to_wait)) {
        sched_yield();
    }
    if (!fixture_abort(f, f->target)) { /* nothing will wake the waiter */
        f->seen->reached = false;
        pthread_detach(thread);
        return 0;
    }
    pthread_join(thread, NULL);
    return waiter.result;
}

/* --- situations --- */

static bool no_preparation(struct fixture *f)
{
    (void)f;
    return true;
}

static bool take_the_name(struct fixture *f)
{
    return fixture_create(f, &f->other);
}

static bool spoil_configuration(struct fixture *f)
{
    f->config.deviceCount = 65;
    return true;
}

static bool spoil_name(struct fixture *f)
{
    snprintf(f->argument, sizeof f->argument, "back\\slash");
    return true;
}

static bool ask_unknown_name(struct fixture *f)
{
    snprintf(f->argument, sizeof f->argument, "no such device");
    return true;
}

static bool ask_second_device(struct fixture *f)
{
    fixture_device_name(f, f->one->state == MODEL_ACTIVE ? 1 : 0, f->argument);
    return true;
}

static bool close_one(struct fixture *f)
{
    uint32_t which;
    if (fixture_drain(f, &which) != VD_E_CLOSE) {
        return fixture_fail(f, "no device was closed while another was open");
    }
    f->subject = f->device[which];
    return true;
}

static bool hold_command(struct fixture *f)
{
    if (f->held == NULL && !fixture_hold(f, f->subject)) {
        return false;
    }
    f->command = f->held;
    f->bytes = (unsigned long)f->held->size;
    f->buffer_argument = f->held->buffer;
    f->handle_argument = (int)f->handle;
    return true;
}

static bool give_command_back(struct fixture *f)
{
    bool done = hold_command(f) && fixture_complete(f, f->subject, f->held);
    f->bytes = 0;
    return done;
}

static bool count_too_many(struct fixture *f)
{
    bool done = hold_command(f);
    f->bytes++;
    return done;
}

/* A device of a secondary and one of the primary; who is told of its close first is the one who closes. */
static bool close_own_devices(struct fixture *f)
{
    if (!fixture_join(f, &f->other) || !fixture_open_device(f, &f->other, 1) || !close_one(f)) {
        return false;
    }
    f->target = f->subject == f->device[1] ? &f->other : &f->set;
    return true;
}

static bool have_primary_configured(struct fixture *f)
{
    return fixture_create(f, &f->other) && fixture_serve(f) && fixture_configure(f, &f->other);
}

/* Not configured, since a server that sees the abort ends the set, and it is then as good as none. */
static bool have_primary_aborted(struct fixture *f)
{
    return fixture_create(f, &f->other) && fixture_abort(f, &f->other);
}

/* The call is a secondary's, whose primary has opened the device. */
static bool open_elsewhere(struct fixture *f)
{
    if (!fixture_join(f, &f->other) || !fixture_open_device(f, &f->set, 0)) {
        return false;
    }
    f->target = &f->other;
    f->subject = f->device[0];
    return true;
}

static bool have_good_handle(struct fixture *f)
{
    if (f->one->state == MODEL_INITIALIZING && !open_elsewhere(f)) {
        return false;
    }
    if (f->handle == 0 && !hold_command(f)) {
        return false;
    }
    f->handle_argument = (int)f->handle;
    return f->handle != 0 || fixture_fail(f, "GetBufferHandle gave no handle to map");
}

/* How each situation is made: with how many devices, how many of them open in Active; what is done after the
 * state was reached; and the call, where it is not the function's plain one. */
static const struct situation {
    uint32_t devices;
    uint32_t opened;
    bool (*prepare)(struct fixture *f);
    call *call;
} situations[MODEL_SITUATION_COUNT] = {
    [MODEL_ALWAYS] = {1, 1, no_preparation, NULL},
    [MODEL_NAME_FREE] = {1, 1, no_preparation, NULL},
    [MODEL_NAME_TAKEN] = {1, 1, take_the_name, NULL},
    [MODEL_BAD_CONFIGURATION] = {1, 1, spoil_configuration, NULL},
    [MODEL_BAD_NAME] = {1, 1, spoil_name, NULL},
    [MODEL_CONFIGURED] = {1, 1, fixture_serve, call_get_configuration_served},
    [MODEL_NOT_CONFIGURED] = {1, 1, no_preparation, call_get_configuration_in_vain},
    [MODEL_ABORTED_MEANWHILE] = {1, 1, no_preparation, call_aborted_meanwhile},
    [MODEL_DEVICE_FREE] = {2, 1, ask_second_device, NULL},
    [MODEL_DEVICE_OPEN] = {2, 1, no_preparation, NULL},
    [MODEL_ALL_OPEN] = {1, 1, no_preparation, NULL},
    [MODEL_THIS_OPEN_ELSEWHERE] = {2, 1, open_elsewhere, NULL},
    [MODEL_OPEN_ELSEWHERE] = {1, 1, open_elsewhere, NULL},
    [MODEL_UNKNOWN_NAME] = {2, 1, ask_unknown_name, NULL},
    [MODEL_COMMAND_QUEUED] = {1, 1, no_preparation, call_get_command_sent},
    [MODEL_NOTHING_QUEUED] = {1, 1, no_preparation, call_get_command_in_vain},
    [MODEL_ONE_CLOSED] = {2, 2, no_preparation, call_get_command_to_the_end},
    [MODEL_LAST_CLOSED] = {1, 1, no_preparation, call_get_command_to_the_end},
    [MODEL_CLOSED_AGAIN] = {2, 2, close_one, NULL},
    [MODEL_COMMAND_HELD] = {1, 1, hold_command, NULL},
    [MODEL_COMMAND_NOT_HELD] = {1, 1, give_command_back, NULL},
    [MODEL_TOO_MANY_BYTES] = {1, 1, count_too_many, NULL},
    [MODEL_CLOSE_NOT_DELIVERED] = {1, 1, no_preparation, NULL},
    [MODEL_CLOSE_DELIVERED] = {2, 1, close_own_devices, NULL},
    [MODEL_PRIMARY_CONFIGURED] = {1, 1, have_primary_configured, NULL},
    [MODEL_PRIMARY_NOT_CONFIGURED] = {1, 1, take_the_name, NULL},
    [MODEL_NO_SUCH_SET] = {1, 1, no_preparation, NULL},
    [MODEL_SET_ABORTED] = {1, 1, have_primary_aborted, NULL},
    [MODEL_BUFFER_HELD] = {1, 1, hold_command, NULL},
    [MODEL_BUFFER_NOT_HELD] = {1, 1, no_preparation, NULL},
    [MODEL_HANDLE_GOOD] = {1, 1, have_good_handle, NULL},
    [MODEL_HANDLE_BAD] = {1, 1, no_preparation, NULL},
};

/* --- cases --- */

int client_cases(struct client_case *cases, size_t room, size_t *count, struct client_case *missing)
{
    size_t columns;
    const enum model_state *states = model_states(MODEL_CLIENT, &columns);
    *count = 0;
    for (enum model_function function = 0; function < MODEL_SERVER_Open; function++) {
        for (size_t s = 0; s < columns; s++) {
            const struct model_cell *cell = model_cell(function, states[s]);
            size_t outcomes = model_outcome_count(cell);
            for (size_t i = 0; i < outcomes; i++) {
                struct client_case one = {function, states[s], &cell->outcomes[i]};
                if (situations[one.outcome->situation].prepare == NULL || calls[function] == NULL ||
                    *count == room) {
                    *missing = one;
                    return ENOENT;
                }
                cases[(*count)++] = one;
            }
        }
    }
    return 0;
}

static bool needs_device(const struct client_case *one)
{
    return one->function == MODEL_CLIENT_GetCommand || one->function == MODEL_CLIENT_CompleteCommand;
}

bool client_case_is_beyond_documents(const struct client_case *one)
{
    return needs_device(one) && one->state < MODEL_ACTIVE;
}

static void probe(struct fixture *f, enum model_function function, int32_t result)
{
    f->seen->probes[f->seen->probe_count++] = (struct case_probe){function, result};
}

/* In this order, since a GetCommand may fetch. */
static void probe_state(struct fixture *f)
{
    ClientVirtualDevice *device = NULL;
    VDC_Command *command = NULL;
    char unknown[] = "no such device";
    f->seen->phase = CASE_PROBING;
    enum model_situation situation = f->one->outcome->situation;
    if (situation != MODEL_OPEN_ELSEWHERE && situation != MODEL_THIS_OPEN_ELSEWHERE &&
        situation != MODEL_HANDLE_GOOD) {
        f->seen->probing = MODEL_CLIENT_OpenDevice; /* where others hold devices it does not tell */
        probe(f, MODEL_CLIENT_OpenDevice, f->vdi->open_device(f->target, unknown, &device));
    }
    f->seen->probing = MODEL_CLIENT_GetConfiguration;
    probe(f, MODEL_CLIENT_GetConfiguration, f->vdi->get_configuration(f->target, 0, &f->config));
    if (f->device_lives && f->target == &f->set) {
        f->seen->probing = MODEL_CLIENT_GetCommand;
        probe(f, MODEL_CLIENT_GetCommand, f->vdi->get_command(f->subject, 0, &command));
    }
}

static bool prepare(struct fixture *f, const struct situation *situation)
{
    static uint8_t nobodys[512];
    VDC_Command *stale = (VDC_Command *)nobodys; /* a state that outranks it is what matters */
    snprintf(f->argument, sizeof f->argument, "%s", f->name);
    f->config = (VDConfig){.deviceCount = 1};
    f->command = stale;
    f->buffer_argument = nobodys;
    f->handle_argument = INT32_MAX;
    if (client_case_is_beyond_documents(f->one) && !fixture_earlier_life(f)) {
        return false;
    }
    if (!fixture_reach(f, f->one->state, situation->opened)) {
        return false;
    }
    if (f->held != NULL) {
        f->command = f->held;
    } else if (f->given_back != NULL) {
        f->command = f->given_back;
        f->buffer_argument = f->buffer;
    }
    return situation->prepare(f);
}

static void clean_up(struct fixture *f)
{
    f->vdi->signal_abort(&f->other);
    f->vdi->signal_abort(&f->set);
    f->vdi->close(&f->other);
    f->vdi->close(&f->set);
    f->server->stop(f->server);
    f->vdi->set_destroy(&f->other);
    f->vdi->set_destroy(&f->set);
}

void client_case_run(const struct client_case *one, const struct vdi_library *library,
                     struct case_server *server, const char *name, struct case_observation *seen)
{
    const struct situation *situation = &situations[one->outcome->situation];
    struct fixture f = {.one = one, .vdi = library, .server = server, .seen = seen, .target = &f.set};
    *seen = (struct case_observation){.phase = CASE_REACHING, .step = "the constructor"};
    snprintf(f.name, sizeof f.name, "%s", name);
    f.devices = client_case_is_beyond_documents(one) ? 1 : situation->devices;
    library->set_init(&f.set);
    library->set_init(&f.other);
    seen->reached = prepare(&f, situation);
    if (seen->reached) {
        seen->phase = CASE_CALLING;
        seen->result = situation->call != NULL ? situation->call(&f) : calls[one->function](&f);
    }
    if (seen->reached) {
        probe_state(&f);
    }
    seen->phase = CASE_DONE;
    clean_up(&f);
}
