/* One queue and its two events under every schedule with up to PREEMPTIONS forced switches.
 *
 * Sender and receiver are fibers of one thread. queue.c and shared_event.c are built with VDIFAULT_STEPS: each access
 * to shared memory first calls shared_step, where the scheduler may switch fibers. A depth-first search replays
 * the program with each possible set of switches. os_wait and os_wake are the test's: both fibers asleep is a
 * lost wake-up. Checked in every schedule: commands arrive once, in order and unchanged; completions reach
 * their own command; nobody sleeps for ever.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include <cmocka.h>

#include "queue.h"
#include "shared_event.h"

enum {
    COMMANDS = 3,
    PREEMPTIONS = 3,
    STACK = 64 << 10,
    STEPS_MAX = 2000
};

/* --- the scheduler --- */

struct fiber {
    ucontext_t context;
    char *stack;
    bool finished;
    _Atomic uint32_t *asleep_on; /* NULL: runnable */
};

static struct fiber fibers[2];
static ucontext_t main_context;
static int running;
static bool deadlock;

/* The schedule: at each step, switch or go on. The first `fixed` decisions are given, the rest are "go on".
 */
static bool decisions[STEPS_MAX];
static bool could_switch[STEPS_MAX];
static uint32_t fixed, steps;

static bool runnable(int fiber)
{
    return !fibers[fiber].finished && fibers[fiber].asleep_on == NULL;
}

static void switch_to(int fiber)
{
    int from = running;
    running = fiber;
    swapcontext(&fibers[from].context, &fibers[fiber].context);
}

void shared_step(enum shared_access access, const void *field)
{
    (void)access;
    (void)field;
    assert_true(steps < STEPS_MAX);
    uint32_t step = steps++;
    could_switch[step] = runnable(1 - running);
    if (step >= fixed) {
        decisions[step] = false;
    }
    if (decisions[step] && could_switch[step]) {
        switch_to(1 - running);
    }
}

/* The running fiber cannot go on: the other must, or nobody ever will. */
static void yield_blocked(void)
{
    if (runnable(1 - running)) {
        switch_to(1 - running);
    } else {
        deadlock = !(fibers[0].finished && fibers[1].finished);
        setcontext(&main_context);
    }
}

int os_wait(_Atomic uint32_t *word, uint32_t expected, int64_t deadline)
{
    (void)deadline;
    if (*word == expected) { /* the kernel compares and sleeps in one step */
        fibers[running].asleep_on = word;
        yield_blocked();
    }
    return 0;
}

void os_wake(_Atomic uint32_t *word)
{
    for (int i = 0; i < 2; i++) {
        if (fibers[i].asleep_on == word) {
            fibers[i].asleep_on = NULL;
        }
    }
}

bool os_spin_is_useful(void)
{
    return false;
}

void os_pause(void) {}

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
    fibers[running].finished = true;
    yield_blocked();
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
        assert_int_equal(queue_complete(&device, slots[i], &completion), QUEUE_OK);
        event_notify(&server_event);
    }
    fibers[running].finished = true;
    yield_blocked();
}

static void start_fiber(struct fiber *fiber, void (*body)(void))
{
    fiber->finished = false;
    fiber->asleep_on = NULL;
    getcontext(&fiber->context);
    fiber->context.uc_stack.ss_sp = fiber->stack;
    fiber->context.uc_stack.ss_size = STACK;
    fiber->context.uc_link = NULL;
    makecontext(&fiber->context, body, 0);
}

static void run_once(void)
{
    memset(&device, 0, sizeof device);
    memset(&server_event, 0, sizeof server_event);
    received = completed = steps = 0;
    deadlock = false;
    start_fiber(&fibers[0], sender_main);
    start_fiber(&fibers[1], receiver_main);
    running = 0;
    swapcontext(&main_context, &fibers[0].context);
}

static uint32_t preemptions_in(uint32_t length)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < length; i++) {
        count += decisions[i];
    }
    return count;
}

/* Depth first: turn the last "go on" that could have been a switch into one, forget what followed. */
static bool next_schedule(void)
{
    for (uint32_t i = steps; i-- > 0;) {
        if (!decisions[i] && could_switch[i] && preemptions_in(i) < PREEMPTIONS) {
            decisions[i] = true;
            fixed = i + 1;
            return true;
        }
    }
    return false;
}

static void test_every_interleaving(void **unused)
{
    (void)unused;
    uint32_t schedules = 0;
    for (int i = 0; i < 2; i++) {
        fibers[i].stack = malloc(STACK);
        assert_non_null(fibers[i].stack);
    }
    fixed = 0;
    do {
        run_once();
        schedules++;
        assert_false(deadlock);
        assert_int_equal(received, COMMANDS);
        assert_int_equal(completed, COMMANDS);
    } while (next_schedule());
    print_message("%u schedules of up to %d forced switches\n", schedules, PREEMPTIONS);
    assert_true(schedules > 1000); /* the search did search */
    free(fibers[0].stack);
    free(fibers[1].stack);
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
    fixed = steps = 0;
    fibers[1].finished = true;
    assert_int_equal(queue_fetch(&device, &receiver, &command, &slot), QUEUE_EMPTY);
    for (int i = 0; i < SHARED_SLOTS; i++) {
        send_one(&sender, &command, &slot);
    }
    assert_int_equal(queue_reserve(&sender, &slot), QUEUE_FULL);
    assert_int_equal(queue_fetch(&device, &receiver, &command, &slot), QUEUE_OK);
    assert_int_equal(queue_complete(&device, slot, &(struct queue_completion){0}), QUEUE_OK);
    assert_int_equal(queue_reap(&device, &sender, slot, &(struct queue_completion){0}), QUEUE_OK);
    send_one(&sender, &command, &slot);
}

static void test_a_lying_server(void **unused)
{
    (void)unused;
    struct queue_receiver receiver = {0};
    struct queue_command command;
    uint32_t slot;
    fixed = steps = 0;
    fibers[1].finished = true;
    static const struct {
        uint32_t tail, entry, state;
    } lies[] = {{17, 0, SLOT_QUEUED},
                {1, 16, SLOT_QUEUED},
                {1, 0, SLOT_FREE},
                {1, 0, 99},
                {0x80000000, 0, SLOT_QUEUED}};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        memset(&device, 0, sizeof device);
        receiver.head = 0;
        device.tail = lies[i].tail;
        device.ring[0] = lies[i].entry;
        device.slots[0].state = lies[i].state;
        assert_int_equal(queue_fetch(&device, &receiver, &command, &slot), QUEUE_CORRUPT);
    }
}

static void test_a_lying_client(void **unused)
{
    (void)unused;
    struct queue_sender sender = {0};
    struct queue_command command = {.code = 2};
    struct queue_completion completion;
    uint32_t slot;
    memset(&device, 0, sizeof device);
    fixed = steps = 0;
    fibers[1].finished = true;
    send_one(&sender, &command, &slot);
    assert_int_equal(queue_complete(&device, slot, &(struct queue_completion){0}),
                     QUEUE_CORRUPT); /* not fetched */
    device.slots[slot].state = 77;
    assert_int_equal(queue_reap(&device, &sender, slot, &completion), QUEUE_CORRUPT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_every_interleaving),
        cmocka_unit_test(test_full_and_empty),
        cmocka_unit_test(test_a_lying_server),
        cmocka_unit_test(test_a_lying_client),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
