/* Many devices, a client thread each, a server that feeds them; and Close while all of them wait. Under TSan
 * this is the core's race test. */
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include "pair.h"

enum {
    DEVICES = 16,
    COMMANDS_EACH = 500
};

struct feeder {
    struct pair *pair;
    struct server_device *device;
    struct VDS_Command command;
    uint32_t sent;
    uint32_t done;
};

static struct client_set *served;

/* Asks for a handle each time, as if another process did the work: that looks at all that any thread holds. */
static void *serve_device(void *argument)
{
    struct client_device *device = argument;
    struct VDC_Command *command;
    uint32_t handle;
    intptr_t sum = 0;
    int result;
    while ((result = client_device_get_command(device, -1, &command)) == 0) {
        if (command->commandCode == VDC_Write) {
            sum += command->buffer[0];
            if (client_set_get_buffer_handle(served, command->buffer, &handle) != 0) {
                return (void *)-3;
            }
        }
        if (client_device_complete_command(device, command, 0, (uint64_t)command->size, 0) != 0) {
            return (void *)-1;
        }
    }
    return (void *)(result == VD_E_CLOSE ? sum : -2);
}

static void on_completion(struct VDS_Command *command)
{
    struct feeder *feeder = (struct feeder *)command->completionContext;
    feeder->done += command->completionCode == 0 && command->bytesTransferred == command->size;
    if (feeder->sent < COMMANDS_EACH) {
        feeder->sent++;
        command->buffer[0] = (uint8_t)feeder->sent;
        server_device_send_command(feeder->device, command);
    } else {
        server_device_close(feeder->device);
    }
}

static void start_feeder(struct feeder *feeder, struct pair *pair, uint32_t index)
{
    uint8_t *buffer;
    *feeder = (struct feeder){.pair = pair, .device = pair->server_devices[index]};
    server_command_init(&feeder->command, on_completion, feeder);
    assert_int_equal(server_set_allocate_buffer(pair->server, &buffer, PAIR_TRANSFER, 0), 0);
    feeder->command.commandCode = VDC_Write;
    feeder->command.size = 4096;
    feeder->command.buffer = buffer;
    feeder->sent = 1;
    buffer[0] = 1;
    assert_int_equal(server_device_send_command(feeder->device, &feeder->command), 0);
}

static void test_all_commands_arrive(void **unused)
{
    (void)unused;
    struct pair pair;
    struct feeder feeders[DEVICES];
    pthread_t threads[DEVICES];
    enum server_set_state state;
    uint32_t done = 0;
    intptr_t expected = 0;
    for (int i = 1; i <= COMMANDS_EACH; i++) {
        expected += (uint8_t)i;
    }
    pair_start(&pair, DEVICES);
    served = pair.client;
    for (uint32_t i = 0; i < DEVICES; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, serve_device, pair.devices[i]), 0);
        start_feeder(&feeders[i], &pair, i);
    }
    while (done < DEVICES * COMMANDS_EACH) {
        done += server_set_run_completions(pair.server, &state);
        assert_int_equal(state, SERVER_SET_LIVE);
        if (done < DEVICES * COMMANDS_EACH) {
            assert_int_equal(server_set_wait(pair.server, os_now() + 20000000000), 0);
        }
    }
    for (uint32_t i = 0; i < DEVICES; i++) {
        void *sum;
        pthread_join(threads[i], &sum);
        assert_int_equal((intptr_t)sum, expected);
        assert_int_equal(feeders[i].done, COMMANDS_EACH);
    }
    assert_int_equal(client_set_close(pair.client), 0);
    pair_free(&pair);
    assert_int_equal(pair_objects_left(), 0);
}

static void *wait_for_command(void *argument)
{
    struct VDC_Command *command;
    return (void *)(intptr_t)client_device_get_command(argument, -1, &command);
}

static void test_close_under_waiting_threads(void **unused)
{
    (void)unused;
    for (int round = 0; round < 50; round++) {
        struct pair pair;
        pthread_t threads[DEVICES];
        pair_start(&pair, DEVICES);
        for (uint32_t i = 0; i < DEVICES; i++) {
            assert_int_equal(pthread_create(&threads[i], NULL, wait_for_command, pair.devices[i]), 0);
        }
        assert_int_equal(client_set_close(pair.client), VD_E_OPEN);
        for (uint32_t i = 0; i < DEVICES; i++) {
            void *result;
            pthread_join(threads[i], &result);
            /* inside when Close aborted the set, or not yet */
            assert_true((int)(intptr_t)result == VD_E_ABORT || (int)(intptr_t)result == VD_E_PROTOCOL);
        }
        pair_free(&pair);
    }
    assert_int_equal(pair_objects_left(), 0);
}

static void *wait_for_configuration(void *argument)
{
    struct VDConfig config;
    return (void *)(intptr_t)client_set_get_configuration(argument, -1, &config);
}

static void test_abort_ends_get_configuration(void **unused)
{
    (void)unused;
    struct pair pair;
    pthread_t thread;
    void *result;
    pair_create(&pair, 1);
    assert_int_equal(pthread_create(&thread, NULL, wait_for_configuration, pair.client), 0);
    assert_int_equal(client_set_signal_abort(pair.client), 0);
    pthread_join(thread, &result);
    assert_int_equal((int)(intptr_t)result, VD_E_ABORT);
    pair_free(&pair);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_commands_arrive),
        cmocka_unit_test(test_close_under_waiting_threads),
        cmocka_unit_test(test_abort_ends_get_configuration),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
