/* Buffers: shapes, alignment, prefix zones, several areas, handles across processes (spec 3.11, 4, 7, 8). */
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pair.h"

static void ignore_completion(struct VDS_Command *command)
{
    (void)command;
}

/* A set of one device whose buffers are asked for by the test itself. */
static void start(struct pair *pair, const struct VDConfig *asked, uint32_t alignment)
{
    pair_prepare(pair, 1);
    assert_int_equal(client_set_create(pair->client, pair->name, asked), 0);
    pair_open(pair);
    assert_int_equal(server_set_begin_configuration(pair->server, VDF_WriteMedia | asked->features, 512,
                                                    alignment, 4 << 20, 0),
                     0);
    assert_int_equal(server_set_name_device(pair->server, 0, pair->name), 0);
}

static void finish_start(struct pair *pair)
{
    struct VDConfig config;
    assert_int_equal(server_set_end_configuration(pair->server), 0);
    assert_int_equal(client_set_get_configuration(pair->client, 10000, &config), 0);
    pair_activate(pair);
}

static struct VDC_Command *send_and_fetch(struct pair *pair, struct VDS_Command *sent, uint8_t *buffer,
                                          uint32_t size)
{
    struct VDC_Command *command;
    server_command_init(sent, ignore_completion, NULL);
    sent->commandCode = VDC_Write;
    sent->size = (int32_t)size;
    sent->buffer = buffer;
    assert_int_equal(server_device_send_command(pair->server_devices[0], sent), 0);
    assert_int_equal(client_device_get_command(pair->devices[0], 0, &command), 0);
    return command;
}

static void complete(struct pair *pair, struct VDC_Command *command)
{
    enum server_set_state state;
    assert_int_equal(client_device_complete_command(pair->devices[0], command, 0, (uint64_t)command->size, 0),
                     0);
    assert_int_equal(server_set_run_completions(pair->server, &state), 1);
}

/* Requests are summed up, counted, handed out once each and taken back; the smallest that fits is given. */
static void test_shapes(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDConfig asked = {.deviceCount = 1};
    uint8_t *large, *small, *none, *again;
    uint32_t count;
    start(&pair, &asked, 0);
    assert_int_equal(server_set_request_buffers(pair.server, 65536, 0, 2), 0);
    assert_int_equal(server_set_request_buffers(pair.server, 1000, 4096, 3), 0);
    assert_int_equal(server_set_query_available_buffers(pair.server, 512, 0, &count), 0);
    assert_int_equal(count, 5);
    assert_int_equal(server_set_query_available_buffers(pair.server, 512, 4096, &count), 0);
    assert_int_equal(count, 3);
    finish_start(&pair);
    assert_int_equal(server_set_allocate_buffer(pair.server, &small, 512, 0), 0);
    assert_int_equal((uintptr_t)small % 4096, 0); /* of the small class, though the large one came first */
    assert_int_equal(server_set_allocate_buffer(pair.server, &large, 65536, 0), 0);
    assert_int_equal(server_set_query_available_buffers(pair.server, 65536, 0, &count), 0);
    assert_int_equal(count, 1);
    assert_int_equal(server_set_is_shared_buffer(pair.server, large + 65535), 1);
    assert_int_equal(server_set_is_shared_buffer(pair.server, (uint8_t *)&pair), 0);
    assert_int_equal(server_set_allocate_buffer(pair.server, &none, 65537, 0), VD_E_MEMORY);
    assert_null(none);
    assert_int_equal(server_set_allocate_buffer(pair.server, &none, 512, 3), VD_E_INVALID);
    assert_int_equal(server_set_free_buffer(pair.server, large + 1, 65536), VD_E_INVALID);
    assert_int_equal(server_set_free_buffer(pair.server, large, 65536), 0);
    assert_int_equal(server_set_free_buffer(pair.server, large, 65536), VD_E_INVALID); /* twice */
    assert_int_equal(server_set_allocate_buffer(pair.server, &again, 65536, 0), 0);
    assert_ptr_equal(again, large);
    pair_free(&pair);
}

/* The prefix zone lies right before the aligned data, is the client's own, and no buffer overlaps another's. */
static void test_prefix_zone_and_alignment(void **unused)
{
    (void)unused;
    static const struct {
        uint32_t prefix, alignment;
    } cases[] = {{0, 512}, {1, 512}, {512, 4096}, {700, 65536}, {65536, 512}, {1000000, 4096}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct pair pair;
        struct VDS_Command sent[2];
        uint8_t *buffers[2];
        struct VDC_Command *commands[2];
        struct VDConfig asked = {.deviceCount = 1, .prefixZoneSize = cases[i].prefix};
        start(&pair, &asked, cases[i].alignment);
        assert_int_equal(server_set_request_buffers(pair.server, 1536, 0, 2), 0);
        finish_start(&pair);
        for (int j = 0; j < 2; j++) {
            assert_int_equal(server_set_allocate_buffer(pair.server, &buffers[j], 1536, 0), 0);
            memset(buffers[j], 0x11 + j, 1536);
            commands[j] = send_and_fetch(&pair, &sent[j], buffers[j], 1536);
            assert_int_equal((uintptr_t)commands[j]->buffer % cases[i].alignment, 0);
        }
        for (int j = 0; j < 2; j++) {
            memset(commands[j]->buffer - cases[i].prefix, 0xee, cases[i].prefix);
        }
        for (int j = 0; j < 2; j++) {
            for (int k = 0; k < 1536; k++) {
                assert_int_equal(commands[j]->buffer[k], 0x11 + j);
                assert_int_equal(buffers[j][k], 0x11 + j);
            }
            complete(&pair, commands[j]);
        }
        pair_free(&pair);
    }
}

/* Any byte count is a prefix zone (spec 7); one that fits nowhere is found when the buffers are. */
static void test_a_prefix_zone_that_does_not_fit(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDConfig asked = {.deviceCount = 1, .prefixZoneSize = UINT32_MAX};
    start(&pair, &asked, 65536);
    assert_int_equal(server_set_request_buffers(pair.server, 4 << 20, 0, 4096), 0);
    assert_int_equal(server_set_end_configuration(pair.server), VD_E_MEMORY);
    assert_int_equal(pair_objects_left(), 1);
    pair_free(&pair);
}

/* RequestBuffers after EndConfiguration: a new area at once, found by the client when a command names it. */
static void test_later_areas(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDS_Command sent;
    struct VDConfig asked = {.deviceCount = 1};
    uint8_t *buffer;
    start(&pair, &asked, 0);
    finish_start(&pair); /* no request so far: no buffer space at all */
    assert_int_equal(server_set_allocate_buffer(pair.server, &buffer, 512, 0), VD_E_MEMORY);
    assert_int_equal(pair_objects_left(), 1);
    for (uint32_t i = 0; i < SERVER_AREAS_MAX; i++) {
        uint32_t size = 65536 + i * 512;
        assert_int_equal(server_set_request_buffers(pair.server, size, 0, 1), 0);
        assert_int_equal(pair_objects_left(), 2 + i);
        assert_int_equal(server_set_allocate_buffer(pair.server, &buffer, size, 0), 0);
        memset(buffer, (int)i, size);
        struct VDC_Command *command = send_and_fetch(&pair, &sent, buffer, size);
        assert_int_equal(command->size, size);
        assert_int_equal(command->buffer[0], i);
        assert_int_equal(command->buffer[size - 1], i);
        complete(&pair, command);
    }
    assert_int_equal(server_set_request_buffers(pair.server, 512, 0, 1), VD_E_MEMORY); /* no area left */
    assert_int_equal(server_set_allocate_buffer(pair.server, &buffer, 512, 0), VD_E_MEMORY);
    pair_close_devices(&pair);
    assert_int_equal(client_set_close(pair.client), 0);
    assert_int_equal(pair_objects_left(), 0);
    pair_free(&pair);
}

/* 4 MiB transfers, sixty-four devices (spec 7). */
static void test_limits(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDS_Command sent;
    struct VDConfig asked = {.deviceCount = 64}, config;
    char name[80];
    uint8_t *buffer;
    pair_prepare(&pair, 64);
    assert_int_equal(client_set_create(pair.client, pair.name, &asked), 0);
    pair_open(&pair);
    assert_int_equal(server_set_begin_configuration(pair.server, VDF_WriteMedia, 65536, 0, 4 << 20, 0), 0);
    for (uint32_t i = 0; i < 64; i++) {
        assert_int_equal(server_set_name_device(pair.server, i, pair_device_name(&pair, i, name)), 0);
    }
    assert_int_equal(server_set_request_buffers(pair.server, 4 << 20, 0, 2), 0);
    finish_start(&pair);
    assert_int_equal(client_set_get_configuration(pair.client, 0, &config), 0);
    assert_true(config.bufferAreaSize >= 8 << 20);
    assert_int_equal(config.maxTransferSize, 4 << 20);
    assert_int_equal(config.maxIODepth, 4);
    assert_int_equal(server_set_allocate_buffer(pair.server, &buffer, 4 << 20, 0), 0);
    memset(buffer, 0x77, 4 << 20);
    struct VDC_Command *command = send_and_fetch(&pair, &sent, buffer, 4 << 20);
    assert_int_equal(command->buffer[(4 << 20) - 1], 0x77);
    complete(&pair, command);
    pair_close_devices(&pair);
    pair_free(&pair);
}

/* --- handles --- */

/* In the other process: attaches, maps, and turns every byte round. */
static int work_on(const char *name, uint32_t handle, uint32_t size)
{
    uint8_t *buffer = NULL;
    struct client_set *set = client_set_new();
    int result = client_set_open_in_secondary(set, name);
    if (result == 0) {
        result = client_set_map_buffer_handle(set, handle, &buffer);
    }
    for (uint32_t i = 0; result == 0 && i < size; i++) {
        buffer[i] = (uint8_t)~buffer[i];
    }
    client_set_free(set);
    return result;
}

static void test_handles_across_processes(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDS_Command sent;
    struct VDConfig asked = {.deviceCount = 1};
    uint8_t *buffers[2];
    uint32_t handle;
    int status;
    start(&pair, &asked, 0);
    assert_int_equal(server_set_request_buffers(pair.server, 65536, 0, 2), 0);
    finish_start(&pair);
    assert_int_equal(server_set_request_buffers(pair.server, 131072, 0, 1), 0); /* a second area */
    assert_int_equal(server_set_allocate_buffer(pair.server, &buffers[0], 65536, 0), 0);
    assert_int_equal(server_set_allocate_buffer(pair.server, &buffers[1], 131072, 0), 0);
    for (int i = 0; i < 2; i++) {
        memset(buffers[i], 0x0f, 65536);
        struct VDC_Command *command = send_and_fetch(&pair, &sent, buffers[i], 65536);
        assert_int_equal(client_set_get_buffer_handle(pair.client, command->buffer, &handle), 0);
        assert_true((int32_t)handle > 0);
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) {
            _exit(work_on(pair.name, handle, 65536) == 0 ? 0 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(status, 0);
        for (uint32_t j = 0; j < 65536; j++) {
            assert_int_equal(buffers[i][j], 0xf0);
        }
        complete(&pair, command);
    }
    pair_free(&pair);
}

static void test_handles_of_what_is_no_buffer(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDS_Command sent;
    uint8_t *buffer, *mapped = NULL;
    uint32_t handle = 0;
    pair_start(&pair, 1);
    assert_int_equal(server_set_allocate_buffer(pair.server, &buffer, PAIR_TRANSFER, 0), 0);
    struct VDC_Command *command = send_and_fetch(&pair, &sent, buffer, 1024);
    uint8_t *held = command->buffer;
    assert_true(held != buffer); /* two mappings of the same memory */
    assert_int_equal(client_set_get_buffer_handle(pair.client, held, &handle), 0);
    assert_int_equal(client_set_map_buffer_handle(pair.client, handle, &mapped), 0);
    assert_ptr_equal(mapped, held);
    assert_int_equal(client_set_get_buffer_handle(pair.client, held + 512, &handle), VD_E_INVALID);
    assert_int_equal(client_set_get_buffer_handle(pair.client, (uint8_t *)&pair, &handle), VD_E_INVALID);
    assert_int_equal(client_set_get_buffer_handle(pair.client, held, NULL), VD_E_INVALID);
    static const uint32_t bad[] = {0, 1u << 24, UINT32_MAX, 1u << 31, (15u << 24) + 1, 0xffffff};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        assert_int_equal(client_set_map_buffer_handle(pair.client, bad[i], &mapped), VD_E_INVALID);
    }
    complete(&pair, command);
    assert_int_equal(client_set_get_buffer_handle(pair.client, held, &handle),
                     VD_E_INVALID); /* given back (VDI-BUF-006) */
    command = send_and_fetch(&pair, &sent, buffer, 1024);
    assert_int_equal(client_set_signal_abort(pair.client), 0);
    assert_int_equal(client_set_get_buffer_handle(pair.client, held, &handle),
                     0); /* stays ours until Close (spec 9.7) */
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_shapes),
        cmocka_unit_test(test_prefix_zone_and_alignment),
        cmocka_unit_test(test_a_prefix_zone_that_does_not_fit),
        cmocka_unit_test(test_later_areas),
        cmocka_unit_test(test_limits),
        cmocka_unit_test(test_handles_across_processes),
        cmocka_unit_test(test_handles_of_what_is_no_buffer),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
