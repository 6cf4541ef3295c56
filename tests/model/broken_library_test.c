/* Cases on a library that does what it is told and says that it failed, at any one call on the way to a cell: no
 * verdict then, but a reason that names the call; and everything is cleaned up, so that the next case is none the worse
 * (client_cases.h). */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "local_server.h"

enum {
    CASES_MAX = 512
};

static struct client_case cases[CASES_MAX];
static size_t case_count;
static struct case_observation seen;

static struct {
    uint32_t calls;     /* on the way */
    uint32_t breaks_at; /* which of them fails; 0: none */
    const char *broken; /* the function that did */
} way;

static int broken(const char *function, int result)
{
    if (seen.phase == CASE_REACHING && ++way.calls == way.breaks_at) {
        way.broken = function;
        return VD_E_UNEXPECTED;
    }
    return result;
}

static int broken_create(ClientVirtualDeviceSet *set, char *name, VDConfig *config)
{
    return broken("Create", vdi_set_create(set, name, config));
}

static int broken_get_configuration(ClientVirtualDeviceSet *set, time_t timeout, VDConfig *config)
{
    return broken("GetConfiguration", vdi_set_get_configuration(set, timeout, config));
}

static int broken_open_device(ClientVirtualDeviceSet *set, char *name, ClientVirtualDevice **device)
{
    return broken("OpenDevice", vdi_set_open_device(set, name, device));
}

static int broken_close(ClientVirtualDeviceSet *set)
{
    return broken("Close", vdi_set_close(set));
}

static int broken_signal_abort(ClientVirtualDeviceSet *set)
{
    return broken("SignalAbort", vdi_set_signal_abort(set));
}

static int broken_open_in_secondary(ClientVirtualDeviceSet *set, char *name)
{
    return broken("OpenInSecondary", vdi_set_open_in_secondary(set, name));
}

static int broken_get_buffer_handle(ClientVirtualDeviceSet *set, uint8_t *buffer, unsigned int *handle)
{
    return broken("GetBufferHandle", vdi_set_get_buffer_handle(set, buffer, handle));
}

static int broken_get_command(ClientVirtualDevice *device, time_t timeout, VDC_Command **command)
{
    return broken("GetCommand", vdi_device_get_command(device, timeout, command));
}

static int broken_complete_command(ClientVirtualDevice *device, VDC_Command *command, int code,
                                   unsigned long bytes, int64_t position)
{
    return broken("CompleteCommand", vdi_device_complete_command(device, command, code, bytes, position));
}

static const struct vdi_library library = {
    .set_init = vdi_set_init,
    .set_destroy = vdi_set_destroy,
    .create = broken_create,
    .get_configuration = broken_get_configuration,
    .open_device = broken_open_device,
    .close = broken_close,
    .signal_abort = broken_signal_abort,
    .open_in_secondary = broken_open_in_secondary,
    .get_buffer_handle = broken_get_buffer_handle,
    .map_buffer_handle = vdi_set_map_buffer_handle,
    .register_device_closed = vdi_set_register_device_closed,
    .get_command = broken_get_command,
    .complete_command = broken_complete_command,
};

static int list_cases(void **unused)
{
    (void)unused;
    struct client_case missing;
    char space[32];
    snprintf(space, sizeof space, "brokentest-%d", (int)getpid());
    setenv("VDI_NAMESPACE", space, 1);
    return client_cases(cases, CASES_MAX, &case_count, &missing);
}

static void run(const struct client_case *one, uint32_t breaks_at)
{
    struct local_server server;
    local_server_init(&server);
    way.calls = 0;
    way.breaks_at = breaks_at;
    way.broken = NULL;
    seen.phase = CASE_REACHING;
    client_case_run(one, &library, &server.base, "broken", &seen);
    assert_int_equal(seen.phase, CASE_DONE);
}

static void fail_case(const struct client_case *one, const char *problem)
{
    fail_msg("%s in %s (%s), call %u on the way, %s: %s: '%s'", model_function_name(one->function),
             model_state_name(one->state), model_situation_text(one->outcome->situation), way.breaks_at,
             way.broken, problem, seen.why);
}

/* A handle is a cell of its own; those that need none can do without one. */
static bool can_do_without(const char *function)
{
    return strcmp(function, "GetBufferHandle") == 0;
}

static void test_every_call_on_every_way(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < case_count; i++) {
        run(&cases[i], 0);
        assert_true(seen.reached);
        uint32_t calls = way.calls;
        for (uint32_t n = 1; n <= calls; n++) {
            run(&cases[i], n);
            if (way.broken == NULL || can_do_without(way.broken)) {
                continue; /* a poll fewer this time, or whatever comes of it */
            }
            if (seen.reached) {
                fail_case(&cases[i], "reached nevertheless");
            }
            if (strstr(seen.why, way.broken) == NULL &&
                strcmp(seen.why, "no device was closed while another was open") != 0) {
                fail_case(&cases[i], "the reason does not name it");
            }
        }
        run(&cases[i], 0);
        assert_true(seen.reached);
        assert_int_equal(client_case_judge(&cases[i], &seen, MODEL_DEFAULTS, 0, NULL), CASE_OK);
    }
}

static int start_nothing(struct case_server *server, const char *set, uint32_t devices)
{
    (void)set, (void)devices;
    snprintf(server->why, sizeof server->why, "it is Sunday");
    return -1;
}

static void test_a_server_that_does_not_start(void **unused)
{
    (void)unused;
    struct local_server server;
    uint32_t without = 0;
    for (size_t i = 0; i < case_count; i++) {
        local_server_init(&server);
        server.base.start = start_nothing;
        way.breaks_at = 0;
        seen.phase = CASE_REACHING;
        client_case_run(&cases[i], &library, &server.base, "broken", &seen);
        without += !seen.reached;
        if (cases[i].state == MODEL_ACTIVE) {
            assert_false(seen.reached);
            assert_string_equal(seen.why, "the server: it is Sunday");
        }
    }
    assert_in_range(without, 1, case_count - 1); /* some cells need none */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_call_on_every_way),
        cmocka_unit_test(test_a_server_that_does_not_start),
    };
    return cmocka_run_group_tests(tests, list_cases, NULL);
}
