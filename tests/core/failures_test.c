/* What each call says when the system refuses it something, and when it is asked for nonsense (spec 3, 4, 5.6): nothing
 * is left of what it had begun, and the same call works once the trouble is over. In the simulation, where the nth
 * operation of a kind can be made to fail (os/sim.h). */
#include <errno.h>
#include <string.h>

#include "pair.h"
#include "sim.h"

static int begin(void **unused)
{
    (void)unused;
    sim_begin(&(struct sim_options){0});
    return 0;
}

static int end(void **unused)
{
    (void)unused;
    bool clean = sim_names(NULL) + sim_mappings(0) + sim_watches() == 0;
    sim_end();
    return clean ? 0 : -1;
}

/* --- Create --- */

static void test_create_says_why(void **unused)
{
    (void)unused;
    static const struct {
        int error, result;
    } rows[] = {
        {ENOSPC, VD_E_MEMORY},  {ENOMEM, VD_E_MEMORY},     {EACCES, VD_E_SECURITY}, {EPERM, VD_E_SECURITY},
        {EROFS, VD_E_SECURITY}, {EMFILE, VD_E_UNEXPECTED}, {EIO, VD_E_UNEXPECTED},
    };
    static const enum sim_operation operations[] = {SIM_CREATE, SIM_PUBLISH};
    struct pair pair;
    struct VDConfig config = {.deviceCount = 1};
    pair_prepare(&pair, 1);
    for (size_t i = 0; i < 2 * (sizeof rows / sizeof rows[0]); i++) {
        sim_fail(operations[i % 2], 1, rows[i / 2].error);
        assert_int_equal(client_set_create(pair.client, pair.name, &config), rows[i / 2].result);
        assert_int_equal(sim_names(NULL) + sim_mappings(0), 0);
        assert_int_equal(client_set_close(pair.client), VD_E_PROTOCOL); /* it has no set */
    }
    assert_int_equal(client_set_create(pair.client, pair.name, &config), 0);
    pair_free(&pair);
}

static void test_objects_need_memory(void **unused)
{
    (void)unused;
    sim_fail(SIM_ALLOCATE, 1, ENOMEM);
    assert_null(client_set_new());
    sim_fail(SIM_ALLOCATE, 1, ENOMEM);
    assert_null(server_set_new());
    server_set_free(NULL);
    client_set_free(NULL);
}

static void test_name_taken_by_what_cannot_be_opened(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDConfig config = {.deviceCount = 1};
    struct client_set *other = client_set_new();
    pair_create(&pair, 1);
    sim_fail(SIM_OPEN, 1, EACCES); /* what cannot be opened counts as living */
    assert_int_equal(client_set_create(other, pair.name, &config), VD_E_PROTOCOL);
    client_set_free(other);
    pair_free(&pair);
}

/* There is memory for one set: a living one's is not touched, what a dead one left makes room (spec 9.6). */
static void test_leftovers_make_room_for_the_next_set(void **unused)
{
    (void)unused;
    struct VDConfig config = {.deviceCount = 1};
    sim_begin(&(struct sim_options){.memory = 4000});
    uint32_t owner = sim_process("owner");
    sim_become(owner);
    assert_int_equal(client_set_create(client_set_new(), "set", &config), 0);
    sim_become(1);
    struct client_set *next = client_set_new();
    assert_int_equal(client_set_create(next, "set", &config), VD_E_MEMORY);
    assert_int_equal(sim_names(NULL), 1);
    sim_kill(owner);
    assert_int_equal(client_set_create(next, "other", &config), VD_E_MEMORY); /* not its own */
    assert_int_equal(client_set_create(next, "set", &config), 0);
    client_set_free(next);
}

/* --- buffers --- */

/* "No buffer space" (spec 4, EndConfiguration): requests start anew, and then there is some. */
static void test_end_configuration_without_room(void **unused)
{
    (void)unused;
    static const enum sim_operation operations[] = {SIM_CREATE, SIM_PUBLISH, SIM_ALLOCATE};
    struct pair pair;
    pair_create(&pair, 1);
    pair_open(&pair);
    assert_int_equal(server_set_begin_configuration(pair.server, VDF_WriteMedia, 512, 0, PAIR_TRANSFER, 0),
                     0);
    assert_int_equal(server_set_name_device(pair.server, 0, pair.name), 0);
    uint32_t mappings = sim_mappings(0), names = sim_names(NULL);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        uint32_t available = 0;
        assert_int_equal(server_set_request_buffers(pair.server, PAIR_TRANSFER, 0, 4), 0);
        sim_fail(operations[i], 1, ENOSPC);
        assert_int_equal(server_set_end_configuration(pair.server), VD_E_MEMORY);
        assert_int_equal(sim_mappings(0), mappings);
        assert_int_equal(sim_names(NULL), names);
        assert_int_equal(server_set_query_available_buffers(pair.server, PAIR_TRANSFER, 0, &available), 0);
        assert_int_equal(available, 0);
    }
    assert_int_equal(server_set_request_buffers(pair.server, PAIR_TRANSFER, 0, 4), 0);
    assert_int_equal(server_set_end_configuration(pair.server), 0);
    pair_get_configuration(&pair);
    pair_free(&pair);
}

/* Later ones: what there is already stays. */
static void test_more_buffers_without_room(void **unused)
{
    (void)unused;
    static const enum sim_operation operations[] = {SIM_CREATE, SIM_PUBLISH, SIM_ALLOCATE};
    struct pair pair;
    uint32_t available = 0;
    pair_start(&pair, 1);
    for (size_t i = 0; i < sizeof operations / sizeof operations[0]; i++) {
        sim_fail(operations[i], 1, ENOSPC);
        assert_int_equal(server_set_request_buffers(pair.server, PAIR_TRANSFER, 0, 1), VD_E_MEMORY);
        assert_int_equal(server_set_query_available_buffers(pair.server, PAIR_TRANSFER, 0, &available), 0);
        assert_int_equal(available, 4);
    }
    assert_int_equal(server_set_request_buffers(pair.server, PAIR_TRANSFER, 0, 1), 0);
    assert_int_equal(server_set_query_available_buffers(pair.server, PAIR_TRANSFER, 0, &available), 0);
    assert_int_equal(available, 5);
    pair_free(&pair);
}

static void test_client_that_cannot_map_the_buffers(void **unused)
{
    (void)unused;
    static const struct {
        int error, result;
    } rows[] = {
        {ENOMEM, VD_E_MEMORY}, {EACCES, VD_E_SECURITY}, {ENOENT, VD_E_PROTOCOL}, {EIO, VD_E_UNEXPECTED}};
    struct pair pair;
    pair_create(&pair, 1);
    pair_open(&pair);
    pair_configure(&pair, 4);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct VDConfig config;
        sim_fail(SIM_OPEN, 1, rows[i].error);
        assert_int_equal(client_set_get_configuration(pair.client, 0, &config), rows[i].result);
    }
    pair_get_configuration(&pair); /* its own trouble, not the set's */
    pair_activate(&pair);
    pair_free(&pair);
}

/* --- devices --- */

static void test_open_device_needs_memory(void **unused)
{
    (void)unused;
    struct pair pair;
    pair_create(&pair, 1);
    pair_open(&pair);
    pair_configure(&pair, 4);
    pair_get_configuration(&pair);
    for (uint32_t nth = 1; nth <= 2; nth++) {
        sim_fail(SIM_ALLOCATE, nth, ENOMEM);
        pair.devices[0] = (struct client_device *)&pair;
        assert_int_equal(client_set_open_device(pair.client, pair.name, &pair.devices[0]), VD_E_MEMORY);
        assert_null(pair.devices[0]); /* VDI-OPEN-004 */
    }
    pair_activate(&pair); /* the device is nobody's yet */
    pair_free(&pair);
}

/* --- nonsense --- */

static uint32_t refused;
static int32_t refused_with;

static void on_completion(struct VDS_Command *command)
{
    refused++;
    refused_with = command->completionCode;
}

static void test_nothing_where_something_is_needed(void **unused)
{
    (void)unused;
    struct pair pair;
    struct server_set *server = server_set_new();
    struct client_set *secondary = client_set_new();
    pair_start(&pair, 1);
    assert_int_equal(client_set_get_configuration(pair.client, 0, NULL), VD_E_INVALID);
    assert_int_equal(client_set_open_in_secondary(secondary, NULL), VD_E_INVALID);
    assert_int_equal(client_device_get_command(pair.devices[0], 0, NULL), VD_E_INVALID);
    assert_int_equal(client_set_map_buffer_handle(pair.client, 1, NULL), VD_E_INVALID);
    assert_int_equal(server_set_open(server, NULL), VD_E_INVALID);
    assert_false(server_set_is_created(NULL));
    assert_int_equal(server_set_query_available_buffers(pair.server, PAIR_TRANSFER, 0, NULL), VD_E_INVALID);
    assert_int_equal(client_set_signal_abort(pair.client), 0);
    assert_int_equal(client_set_get_configuration(pair.client, 0, NULL),
                     VD_E_ABORT); /* which outranks arguments */
    assert_int_equal(client_device_get_command(pair.devices[0], 0, NULL), VD_E_ABORT);
    client_set_free(secondary);
    server_set_free(server);
    pair_free(&pair);
}

static void test_command_of_less_than_nothing(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDS_Command command;
    struct VDC_Command *none;
    pair_start(&pair, 1);
    server_command_init(&command, on_completion, NULL);
    command.commandCode = VDC_Write;
    command.size = -1;
    assert_int_equal(server_set_allocate_buffer(pair.server, &command.buffer, PAIR_TRANSFER, 0), 0);
    refused = 0;
    assert_int_equal(server_device_send_command(pair.server_devices[0], &command), VD_E_INVALID);
    assert_int_equal(refused, 1);
    assert_int_equal(refused_with, ERROR_INVALID_HANDLE);
    assert_int_equal(client_device_get_command(pair.devices[0], 0, &none), VD_E_TIMEOUT);
    pair_free(&pair);
}

/* Each limit of BeginConfiguration from both sides (spec 7): powers of two from 512 to 65536 for the block, from the
 * block to 65536 for the alignment; transfers multiples of 64 KiB up to 4 MiB. */
static void test_limits_of_a_configuration(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t block, alignment, transfer;
        bool valid;
    } rows[] = {
        {512, 0, 65536, true},        {256, 0, 65536, false},
        {768, 0, 65536, false},       {0, 0, 65536, false},
        {65536, 0, 65536, true},      {131072, 0, 65536, false},
        {512, 65536, 65536, true},    {512, 131072, 65536, false},
        {1024, 512, 65536, false},    {1024, 1024, 65536, true},
        {512, 768, 65536, false},     {512, 0, 65536 - 512, false},
        {512, 0, 65536 + 512, false}, {512, 0, 0, false},
        {512, 0, 4 << 20, true},      {512, 0, (4 << 20) + 65536, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct pair pair;
        pair_create(&pair, 1);
        pair_open(&pair);
        int result = server_set_begin_configuration(pair.server, VDF_WriteMedia, rows[i].block,
                                                    rows[i].alignment, rows[i].transfer, 0);
        if (result != (rows[i].valid ? 0 : VD_E_INVALID)) {
            fail_msg("block %u, alignment %u, transfer %u gave 0x%x", rows[i].block, rows[i].alignment,
                     rows[i].transfer, (unsigned)result);
        }
        pair_free(&pair);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_create_says_why, begin, end),
        cmocka_unit_test_setup_teardown(test_objects_need_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_name_taken_by_what_cannot_be_opened, begin, end),
        cmocka_unit_test_setup_teardown(test_leftovers_make_room_for_the_next_set, begin, end),
        cmocka_unit_test_setup_teardown(test_end_configuration_without_room, begin, end),
        cmocka_unit_test_setup_teardown(test_more_buffers_without_room, begin, end),
        cmocka_unit_test_setup_teardown(test_client_that_cannot_map_the_buffers, begin, end),
        cmocka_unit_test_setup_teardown(test_open_device_needs_memory, begin, end),
        cmocka_unit_test_setup_teardown(test_nothing_where_something_is_needed, begin, end),
        cmocka_unit_test_setup_teardown(test_command_of_less_than_nothing, begin, end),
        cmocka_unit_test_setup_teardown(test_limits_of_a_configuration, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
