/* One queue and its two events under every schedule with up to PREEMPTIONS forced switches (schedule.h).
 * Checked in every schedule: commands arrive once, in order and unchanged; completions reach their own command;
 * nobody sleeps for ever.
 */
#include <string.h>

#include "queue.h"
#include "schedule.h"
#include "shared_event.h"

enum {
    COMMANDS = 3,
    PREEMPTIONS = 3,
};

/* --- the program --- */

static struct shared_device device;
static struct shared_event server_event;
static uint32_t received, completed;

static void sender_main(void)
{
    struct queue_sender sender = {0};
    uint32_t slots[COMMANDS];
    for (int32_t i = 0; i < COMMANDS; i++) {
        struct queue_command command = {.code = 2, .size = 100 + i, .position = i};
        assert_int_equal(queue_reserve(&sender, &slots[i]), QUEUE_OK);
        queue_send(&device, &sender, slots[i], &command);
        event_notify(&device.commands);
    }
    while (completed < COMMANDS) {
        uint32_t seen = event_sequence(&server_event);
        uint32_t before = completed;
        for (int32_t i = 0; i < COMMANDS; i++) {
            struct queue_completion completion;
            if ((sender.outstanding >> slots[i] & 1) != 0 &&
                queue_reap(&device, &sender, slots[i], &completion) == QUEUE_OK) {
                assert_int_equal(completion.bytes_transferred, 100 + i);
                assert_int_equal(completion.code, 7 + i);
                completed++;
            }
        }
        if (completed == before) {
            event_wait(&server_event, seen, OS_FOREVER);
        }
    }
    assert_int_equal(sender.outstanding, 0);
}

/* Takes commands as they come and completes them newest first whenever two are in hand. */
static void receiver_main(void)
{
    struct queue_receiver receiver = {0};
    struct queue_command commands[COMMANDS];
    uint32_t slots[COMMANDS];
    while (received < COMMANDS) {
        uint32_t seen = event_sequence(&device.commands);
        enum queue_result result = queue_fetch(&device, &receiver, &commands[received], &slots[received]);
        assert_true(result == QUEUE_OK || result == QUEUE_EMPTY);
        if (result == QUEUE_EMPTY) {
            event_wait(&device.commands, seen, OS_FOREVER);
            continue;
        }
        assert_int_equal(commands[received].position, received);
        assert_int_equal(commands[received].size, 100 + received);
        received++;
    }
    for (int32_t i = COMMANDS - 1; i >= 0; i--) {
        struct queue_completion completion = {.code = 7 + i, .bytes_transferred = (uint64_t)commands[i].size};
        queue_complete(&device, slots[i], &completion);
        event_notify(&server_event);
    }
}

static void prepare(void)
{
    memset(&device, 0, sizeof device);
    memset(&server_event, 0, sizeof server_event);
    received = completed = 0;
}

static void check(void)
{
    assert_int_equal(received, COMMANDS);
    assert_int_equal(completed, COMMANDS);
}

static void test_every_interleaving(void **unused)
{
    (void)unused;
    const struct schedule_program program = {prepare, {sender_main, receiver_main}, check};
    uint32_t schedules = schedule_explore(&program, PREEMPTIONS);
    print_message("%u schedules of up to %d forced switches\n", schedules, PREEMPTIONS);
    assert_true(schedules > 1000); /* the search did search */
}

/* --- limits and a lying peer, without switches --- */

static void send_one(struct queue_sender *sender, const struct queue_command *command, uint32_t *slot)
{
    assert_int_equal(queue_reserve(sender, slot), QUEUE_OK);
    queue_send(&device, sender, *slot, command);
}

static void test_full_and_empty(void **unused)
{
    (void)unused;
    struct queue_sender sender = {0};
    struct queue_receiver receiver = {0};
    struct queue_command command = {.code = 2};
    uint32_t slot;
    memset(&device, 0, sizeof device);
    assert_int_equal(queue_fetch(&device, &receiver, &command, &slot), QUEUE_EMPTY);
    for (int i = 0; i < SHARED_SLOTS; i++) {
        send_one(&sender, &command, &slot);
    }
    assert_int_equal(queue_reserve(&sender, &slot), QUEUE_FULL);
    assert_int_equal(queue_fetch(&device, &receiver, &command, &slot), QUEUE_OK);
    queue_complete(&device, slot, &(struct queue_completion){0});
    assert_int_equal(queue_reap(&device, &sender, slot, &(struct queue_completion){0}), QUEUE_OK);
    send_one(&sender, &command, &slot);
}

static void test_a_lying_server(void **unused)
{
    (void)unused;
    struct queue_receiver receiver = {0};
    struct queue_command command;
    uint32_t slot;
    static const struct {
        uint32_t turn, slot;
        enum queue_result result;
    } lies[] = {{1, 16, QUEUE_CORRUPT}, {1, UINT32_MAX, QUEUE_CORRUPT}, {2, 0, QUEUE_CORRUPT},
                {17, 0, QUEUE_CORRUPT}, {0x80000000, 0, QUEUE_CORRUPT}, {UINT32_MAX, 0, QUEUE_EMPTY}};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        memset(&device, 0, sizeof device);
        receiver.fetched = 0;
        device.ring[0].turn = lies[i].turn;
        device.ring[0].slot = lies[i].slot;
        assert_int_equal(queue_fetch(&device, &receiver, &command, &slot), lies[i].result);
    }
}

static void test_a_lying_client(void **unused)
{
    (void)unused;
    static const uint32_t lies[] = {2, 77, UINT32_MAX};
    struct queue_command command = {.code = 2};
    struct queue_completion completion;
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct queue_sender sender = {0};
        uint32_t slot;
        memset(&device, 0, sizeof device);
        send_one(&sender, &command, &slot);
        assert_int_equal(queue_reap(&device, &sender, slot, &completion), QUEUE_EMPTY);
        device.slots[slot].uses = lies[i];
        assert_int_equal(queue_reap(&device, &sender, slot, &completion), QUEUE_CORRUPT);
    }
}

/* Turns and uses are counted in 32 bits, which a day of backups wraps. */
static void test_counters_wrap(void **unused)
{
    (void)unused;
    const uint32_t start = UINT32_MAX - 40;
    struct queue_sender sender = {.sent = start, .uses = {start}};
    struct queue_receiver receiver = {.fetched = start};
    struct queue_completion completion;
    uint32_t sent, fetched;
    memset(&device, 0, sizeof device);
    for (uint32_t turn = start; turn > start - SHARED_SLOTS; turn--) {
        device.ring[(turn - 1) % SHARED_SLOTS].turn = turn;
    }
    device.slots[0].uses = start;
    for (int32_t i = 0; i < 80; i++) {
        struct queue_command command = {.code = 2, .position = i};
        assert_int_equal(queue_fetch(&device, &receiver, &command, &fetched), QUEUE_EMPTY);
        send_one(&sender, &command, &sent);
        assert_int_equal(queue_reap(&device, &sender, sent, &completion), QUEUE_EMPTY);
        assert_int_equal(queue_fetch(&device, &receiver, &command, &fetched), QUEUE_OK);
        assert_int_equal(command.position, i);
        assert_int_equal(fetched, sent);
        queue_complete(&device, fetched, &(struct queue_completion){.position = i});
        assert_int_equal(queue_reap(&device, &sender, sent, &completion), QUEUE_OK);
        assert_int_equal(completion.position, i);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_interleaving), cmocka_unit_test(test_full_and_empty),
        cmocka_unit_test(test_a_lying_server),     cmocka_unit_test(test_a_lying_client),
        cmocka_unit_test(test_counters_wrap),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
