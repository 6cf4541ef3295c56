/* Every cell of the client table (spec 2.3) and the server cells the engine meets (spec 2.4), by the
 * fixture's states; then the arguments and limits of design 4.2 and 5. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "pair.h"

enum state {
    DNE,
    CONFIGURABLE,
    INITIALIZING,
    ACTIVE,
    TERMINATED,
    ABORTED,
    STATE_COUNT
};
enum function {
    CREATE,
    GETCFG,
    OPEN,
    GETCMD,
    COMPLETE,
    ABORT,
    CLOSE,
    FUNCTION_COUNT
};

#define OK 0
#define P  VD_E_PROTOCOL

/* One device, opened in Active: OpenDevice then is VD_E_OPEN (X1), Close is VD_E_OPEN (X3), GetCommand polls.
 */
static const int table[FUNCTION_COUNT][STATE_COUNT] = {
    [CREATE] = {OK, P, P, P, P, P},
    [GETCFG] = {P, VD_E_TIMEOUT, OK, OK, OK, VD_E_ABORT},
    [OPEN] = {P, P, OK, VD_E_OPEN, P, VD_E_ABORT},
    [GETCMD] = {P, P, P, VD_E_TIMEOUT, P, VD_E_ABORT},
    [COMPLETE] = {P, P, P, VD_E_INVALID, P, VD_E_ABORT},
    [ABORT] = {P, OK, OK, OK, OK, OK},
    [CLOSE] = {P, OK, OK, VD_E_OPEN, OK, OK},
};

/* A device call needs a device object, also where the table has none open: in DNE one of a closed set, in the
 * states before Active one of an earlier life of the same set object. */
static void reach(struct pair *pair, enum state state, struct client_device **device)
{
    struct VDConfig config = {.deviceCount = 1};
    pair_start(pair, 1);
    *device = pair->devices[0];
    if (state == ACTIVE) {
        return;
    }
    if (state == TERMINATED || state == ABORTED) {
        if (state == TERMINATED) {
            pair_close_devices(pair);
        } else {
            assert_int_equal(client_set_signal_abort(pair->client), 0);
        }
        return;
    }
    assert_int_equal(client_set_close(pair->client), VD_E_OPEN);
    server_set_close(pair->server);
    if (state == DNE) {
        return;
    }
    assert_int_equal(client_set_create(pair->client, pair->name, &config), 0);
    if (state == INITIALIZING) {
        pair_open(pair);
        pair_configure(pair, 4);
        pair_get_configuration(pair);
    }
}

static int call(struct pair *pair, enum function function, struct client_device *device)
{
    struct VDConfig config = {.deviceCount = 1};
    struct client_device *opened = (struct client_device *)pair;
    struct VDC_Command *command = (struct VDC_Command *)pair;
    int result = 0;
    switch (function) {
    case CREATE:
        return client_set_create(pair->client, pair->name, &config);
    case GETCFG:
        return client_set_get_configuration(pair->client, 0, &config);
    case OPEN:
        result = client_set_open_device(pair->client, pair->name, &opened);
        assert_true(result == 0 || opened == NULL); /* NULL on failure (VDI-OPEN-004) */
        return result;
    case GETCMD:
        result = client_device_get_command(device, 0, &command);
        assert_true(result == 0 || command == NULL);
        return result;
    case COMPLETE:
        return client_device_complete_command(device, command, 0, 0, 0);
    case ABORT:
        return client_set_signal_abort(pair->client);
    default:
        return client_set_close(pair->client);
    }
}

static void test_client_table(void **unused)
{
    (void)unused;
    for (int function = 0; function < FUNCTION_COUNT; function++) {
        for (int state = 0; state < STATE_COUNT; state++) {
            struct pair pair;
            struct client_device *device;
            reach(&pair, (enum state)state, &device);
            int result = call(&pair, (enum function)function, device);
            if (result != table[function][state]) {
                fail_msg("function %d in state %d: 0x%x, expected 0x%x", function, state, (unsigned)result,
                         (unsigned)table[function][state]);
            }
            pair_free(&pair);
            assert_int_equal(pair_objects_left(), 0);
        }
    }
}

static void test_server_table(void **unused)
{
    (void)unused;
    struct pair pair;
    struct server_device *device;
    struct server_set *second = server_set_new();
    uint8_t *buffer;
    pair_create(&pair, 1);
    assert_int_equal(server_set_open(second, "no such set"), VD_E_INVALID);
    assert_false(server_set_is_created("no such set"));
    assert_true(server_set_is_created(pair.name));
    pair_open(&pair);
    assert_false(server_set_is_created(pair.name));
    assert_int_equal(server_set_open(second, pair.name), VD_E_INVALID); /* served already */
    assert_int_equal(server_set_request_buffers(pair.server, 512, 0, 1), P);
    assert_int_equal(server_set_end_configuration(pair.server), P);
    assert_int_equal(server_set_open_device(pair.server, &device), P);
    assert_int_equal(server_set_allocate_buffer(pair.server, &buffer, 512, 0), P);
    pair_configure(&pair, 2);
    assert_int_equal(server_set_begin_configuration(pair.server, 0, 512, 0, 65536, 0), P);
    assert_int_equal(server_set_open_device(pair.server, &pair.server_devices[0]), 0);
    assert_int_equal(server_set_open_device(pair.server, &device), VD_E_OPEN);
    assert_int_equal(server_device_close(pair.server_devices[0]), 0);
    assert_int_equal(server_device_close(pair.server_devices[0]), VD_E_CLOSE);
    assert_int_equal(server_set_signal_abort(pair.server), 0);
    assert_int_equal(server_set_get_configuration(pair.server, &(struct VDConfig){0}), VD_E_ABORT);
    assert_int_equal(server_set_open_device(pair.server, &device), VD_E_ABORT);
    assert_int_equal(server_set_allocate_buffer(pair.server, &buffer, 512, 0), VD_E_ABORT);
    server_set_free(second);
    pair_free(&pair);
}

static void test_server_close_with_open_device_aborts(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDC_Command *command;
    pair_start(&pair, 2);
    assert_int_equal(server_set_close(pair.server), P); /* X5 */
    assert_int_equal(client_device_get_command(pair.devices[0], -1, &command), VD_E_ABORT);
    pair_free(&pair);
}

static void test_close_is_sticky_until_all_are_closed(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDC_Command *command;
    pair_start(&pair, 2);
    assert_int_equal(server_device_close(pair.server_devices[0]), 0);
    assert_int_equal(client_device_get_command(pair.devices[0], -1, &command), VD_E_CLOSE);
    assert_int_equal(client_device_get_command(pair.devices[0], -1, &command), VD_E_CLOSE); /* X2 */
    assert_int_equal(server_device_close(pair.server_devices[1]), 0);
    assert_int_equal(client_device_get_command(pair.devices[1], -1, &command), VD_E_CLOSE);
    assert_int_equal(client_device_get_command(pair.devices[0], -1, &command), P);
    assert_int_equal(client_set_close(pair.client), 0);
    pair_free(&pair);
}

static void test_open_device_precedence(void **unused)
{
    (void)unused;
    struct pair pair;
    struct client_device *device;
    pair_create(&pair, 2);
    pair_open(&pair);
    pair_configure(&pair, 8);
    assert_int_equal(client_set_open_device(pair.client, pair.name, &device),
                     P); /* before GetConfiguration */
    pair_get_configuration(&pair);
    assert_int_equal(client_set_open_device(pair.client, "unknown", &device), VD_E_INVALID);
    assert_int_equal(client_set_open_device(pair.client, pair.name, &device), 0);
    assert_int_equal(client_set_open_device(pair.client, pair.name, &device), P); /* this one is open */
    char name[80];
    assert_int_equal(client_set_open_device(pair.client, pair_device_name(&pair, 1, name), &device), 0);
    assert_int_equal(client_set_open_device(pair.client, "unknown", &device),
                     VD_E_OPEN); /* X1: before the name */
    pair_free(&pair);
}

static void test_create_arguments(void **unused)
{
    (void)unused;
    static const struct {
        struct VDConfig config;
        int result;
    } configs[] = {
        {{.deviceCount = 0}, VD_E_NOTSUPPORTED},
        {{.deviceCount = 65}, VD_E_NOTSUPPORTED},
        {{.deviceCount = 64}, 0},
        {{.deviceCount = 1, .features = VDF_LikeTape}, 0},
        {{.deviceCount = 1, .features = VDF_LikeDisk | VDF_Discard}, 0},
        {{.deviceCount = 1, .features = VDF_RequestComplete}, 0},
        {{.deviceCount = 1, .features = VDF_FileMarks}, VD_E_NOTSUPPORTED},
        {{.deviceCount = 1, .features = VDF_LikeTape | VDF_LikeDisk}, VD_E_NOTSUPPORTED},
        {{.deviceCount = 1, .features = 0x8}, VD_E_NOTSUPPORTED},
        {{.deviceCount = 1, .alignment = 65536}, 0},
        {{.deviceCount = 1, .alignment = 131072}, VD_E_NOTSUPPORTED},
        {{.deviceCount = 1, .alignment = 1000}, VD_E_NOTSUPPORTED},
    };
    char longest[260];
    memset(longest, 'x', sizeof longest);
    longest[259] = '\0';
    struct client_set *set = client_set_new();
    for (size_t i = 0; i < sizeof configs / sizeof configs[0]; i++) {
        assert_int_equal(client_set_create(set, "../with/slashes %s \xff", &configs[i].config),
                         configs[i].result);
        client_set_close(set);
    }
    assert_int_equal(client_set_create(set, longest, &configs[2].config), 0);
    assert_int_equal(client_set_close(set), 0);
    const char *bad_names[] = {NULL, "", "back\\slash"};
    for (size_t i = 0; i < sizeof bad_names / sizeof bad_names[0]; i++) {
        assert_int_equal(client_set_create(set, bad_names[i], &configs[2].config), VD_E_INVALID);
    }
    assert_int_equal(client_set_create(set, "x", NULL), VD_E_INVALID);
    client_set_free(set);
}

static void test_create_of_a_living_name_is_refused(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDConfig config = {.deviceCount = 1};
    pair_create(&pair, 1);
    struct client_set *other = client_set_new();
    assert_int_equal(client_set_create(other, pair.name, &config), P); /* VDI-CREATE-003 */
    assert_int_equal(client_set_close(pair.client), 0);
    assert_int_equal(client_set_create(other, pair.name, &config), 0);
    client_set_free(other);
    pair_free(&pair);
}

/* The client gives up between the server's Open and its EndConfiguration: the buffer object comes after
 * Close. */
static void test_buffers_named_after_close_are_removed(void **unused)
{
    (void)unused;
    struct pair pair;
    pair_create(&pair, 1);
    pair_open(&pair);
    assert_int_equal(client_set_close(pair.client), 0);
    pair_configure(&pair, 4);
    assert_int_equal(server_set_close(pair.server), 0);
    assert_int_equal(pair_objects_left(), 0);
    pair_free(&pair);
}

static void test_names_last_as_long_as_their_set(void **unused)
{
    (void)unused;
    struct pair first, second;
    struct VDConfig config = {.deviceCount = 1};
    pair_start(&first, 1);
    assert_int_equal(pair_objects_left(), 2); /* control object and buffer area */
    struct client_set *other = client_set_new();
    assert_int_equal(client_set_create(other, first.name, &config), P); /* it lives (VDI-CREATE-003) */
    client_set_free(other);
    pair_close_devices(&first);
    assert_int_equal(server_set_close(first.server), 0); /* the set is over */
    assert_int_equal(pair_objects_left(), 0);
    pair_create(&second, 1); /* the same name */
    assert_int_equal(pair_objects_left(), 1);
    pair_free(&first);
    assert_int_equal(pair_objects_left(), 1); /* the second one's */
    pair_free(&second);
    assert_int_equal(pair_objects_left(), 0);
}

static void test_open_device_arguments_come_last(void **unused)
{
    (void)unused;
    struct pair pair;
    pair_create(&pair, 1);
    assert_int_equal(client_set_open_device(pair.client, pair.name, NULL), P);
    pair_open(&pair);
    pair_configure(&pair, 4);
    pair_get_configuration(&pair);
    assert_int_equal(client_set_open_device(pair.client, pair.name, NULL), VD_E_INVALID);
    assert_int_equal(client_set_signal_abort(pair.client), 0);
    assert_int_equal(client_set_open_device(pair.client, pair.name, NULL), VD_E_ABORT);
    pair_free(&pair);
}

/* Out of descriptors, /proc cannot be read: that is no proof that the server died. */
static void test_no_descriptor_left(void **unused)
{
    (void)unused;
    struct pair pair;
    struct rlimit before, none = {3, 3};
    struct VDC_Command *command;
    pair_start(&pair, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int result =
        client_device_get_command(pair.devices[0], 600, &command); /* more than one look at the peer */
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(result, VD_E_TIMEOUT);
    pair_free(&pair);
}

/* Shared memory counts as a file: a limit on those is no room, not the end of the process. */
static void test_limit_on_file_sizes(void **unused)
{
    (void)unused;
    struct pair pair;
    struct rlimit before, small = {4096, 4096};
    struct VDConfig config = {.deviceCount = 64};
    pair_prepare(&pair, 64);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    small.rlim_max = before.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    int result = client_set_create(pair.client, pair.name, &config);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
    assert_int_equal(result, VD_E_MEMORY);
    pair_free(&pair);
}

/* A secondary may come when every device is open, to map buffers; not when the set is over. */
static void test_a_late_secondary(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDC_Command *command;
    struct client_set *secondary = client_set_new();
    pair_create(&pair, 1);
    assert_int_equal(client_set_open_in_secondary(secondary, pair.name), P); /* VDI-SEC-001 */
    pair_open(&pair);
    pair_configure(&pair, 4);
    pair_get_configuration(&pair);
    pair_activate(&pair);
    assert_int_equal(client_set_open_in_secondary(secondary, pair.name), 0);
    assert_int_equal(client_set_close(secondary), 0); /* it has no device open: nobody is harmed */
    assert_int_equal(client_device_get_command(pair.devices[0], 0, &command), VD_E_TIMEOUT);
    pair_close_devices(&pair);
    assert_int_equal(server_set_close(pair.server), 0);
    assert_int_equal(client_set_open_in_secondary(secondary, pair.name), P);
    client_set_free(secondary);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_client_table),
        cmocka_unit_test(test_server_table),
        cmocka_unit_test(test_server_close_with_open_device_aborts),
        cmocka_unit_test(test_close_is_sticky_until_all_are_closed),
        cmocka_unit_test(test_open_device_precedence),
        cmocka_unit_test(test_create_arguments),
        cmocka_unit_test(test_create_of_a_living_name_is_refused),
        cmocka_unit_test(test_buffers_named_after_close_are_removed),
        cmocka_unit_test(test_names_last_as_long_as_their_set),
        cmocka_unit_test(test_open_device_arguments_come_last),
        cmocka_unit_test(test_no_descriptor_left),
        cmocka_unit_test(test_limit_on_file_sizes),
        cmocka_unit_test(test_a_late_secondary),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
