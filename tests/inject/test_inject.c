/* test_inject.c - libvdifault.so under real clients: what it records, what its faults do (design 4.2, 4.4).
 */
#include <linux/futex.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness.h"
#include "scenario_words.h"
#include "vdi.h"
#include "vdierror.h"

#define PLAY_ALL(table) harness_play(CLIENT, table, sizeof(table) / sizeof((table)[0]))

/* ---- no fault ---- */

static const struct scenario clean[] = {
    {NULL, OPENING ALL_COMMANDS "get:0 close destroy",
     OPENED ALL_COMMANDS_LOG "GetCommand:0=VD_E_CLOSE Close=NOERROR Destroy=NOERROR", 0, 0},
    /* The destructor's own Close is not the client's call. */
    {NULL, OPENING "get:0 destroy", OPENED GOT "Destroy=NOERROR", 0, 0},
    {NULL, "init create:9 create:1 create:1 close close",
     "Create=VD_E_NOTSUPPORTED Create=NOERROR Create=VD_E_PROTOCOL Close=NOERROR Close=VD_E_PROTOCOL", 0,
     99 * 0},
};

static void without_faults(void **state)
{
    (void)state;
    PLAY_ALL(clean);
}

static void records_arguments(void **state)
{
    (void)state;
    struct harness h;
    harness_run(&h, CLIENT, NULL,
                "init create:2 config open open get:1:250 complete:1 get:1 get:0 complete:1 close");
    const struct event *create = harness_find(&h, EVENT_CALL_BEGIN, VDI_FN_CREATE, 1);
    assert_non_null(create);
    assert_int_equal(create->arg[0], 2);
    assert_int_equal(create->arg[2], 512);
    assert_int_equal(create->operation, 0);
    assert_int_equal(create->set, 1);
    assert_int_not_equal(create->arg[6], 0);
    assert_string_equal(h.state->operations[0].set_name, "set");

    const struct event *config = harness_find(&h, EVENT_CALL_END, VDI_FN_GET_CONFIGURATION, 1);
    assert_int_equal(config->arg[0], VDF_WriteMedia);
    assert_int_equal(config->arg[1], 512);
    assert_int_equal(config->arg[2], 65536);
    assert_int_equal(config->arg[3], 2);
    assert_int_equal(harness_find(&h, EVENT_CALL_BEGIN, VDI_FN_OPEN_DEVICE, 2)->device, -1);

    const struct event *begin = harness_find(&h, EVENT_CALL_BEGIN, VDI_FN_GET_COMMAND, 1);
    const struct event *end = harness_find(&h, EVENT_CALL_END, VDI_FN_GET_COMMAND, 1);
    assert_int_equal(begin->arg[0], 250);
    assert_int_equal(begin->device, 1);
    assert_int_equal(end->call, begin->sequence);
    assert_int_equal(end->arg[1], VDC_Write);
    assert_int_equal(end->arg[2], 4096);
    assert_int_equal(end->arg[5], 1);
    assert_int_equal(harness_find(&h, EVENT_CALL_END, VDI_FN_GET_COMMAND, 2)->arg[5], 2);
    assert_int_equal(harness_find(&h, EVENT_CALL_END, VDI_FN_GET_COMMAND, 3)->arg[5], 1); /* per device */

    const struct event *complete = harness_find(&h, EVENT_CALL_BEGIN, VDI_FN_COMPLETE_COMMAND, 1);
    assert_int_equal(complete->arg[0], end->arg[0]);
    assert_int_equal(complete->arg[2], 4096);
    assert_int_equal(complete->arg[4], begin->sequence);
    assert_int_equal(complete->arg[5], VDC_Write);
    harness_end(&h);
}

/* Completed twice, and on another device than it came from: the record says which fetch the block was last.
 */
static void knows_the_fetch_of_a_block(void **state)
{
    (void)state;
    struct harness h;
    harness_run(&h, CLIENT, NULL, OPENING "get:0 complete:0 complete:0 close");
    const struct event *get = harness_find(&h, EVENT_CALL_BEGIN, VDI_FN_GET_COMMAND, 1);
    assert_int_equal(harness_find(&h, EVENT_CALL_BEGIN, VDI_FN_COMPLETE_COMMAND, 2)->arg[4], get->sequence);
    harness_end(&h);

    harness_run(&h, CLIENT, NULL, OPENING "complete:0 close"); /* NULL: never fetched */
    assert_int_equal(harness_find(&h, EVENT_CALL_BEGIN, VDI_FN_COMPLETE_COMMAND, 1)->arg[4], 0);
    harness_end(&h);
}

static void explains_stacks_once(void **state)
{
    (void)state;
    struct harness h;
    harness_run(&h, CLIENT, NULL, OPENING ALL_COMMANDS "close");
    size_t gets = 0, explained = 0;
    uint32_t stack = harness_find(&h, EVENT_CALL_BEGIN, VDI_FN_GET_COMMAND, 1)->stack;
    assert_int_not_equal(stack, 0);
    for (size_t i = 0; i < h.count; i++) {
        const struct event *event = &h.events[i].event;
        gets += event->kind == EVENT_CALL_BEGIN && event->stack == stack;
        if (event->kind == EVENT_MODULE) {
            assert_true(event->arg[0] != 0 && event->arg[0] <= event->arg[1] &&
                        event->arg[1] < event->arg[2]);
        }
        if (event->kind == EVENT_STACK && event->stack == stack) {
            explained++;
            assert_int_equal(gets, 0); /* before its first use */
            assert_int_not_equal(strtoull(h.events[i].text, NULL, 16), 0);
        }
    }
    assert_int_equal(gets, 4);
    assert_int_equal(explained, 1);
    harness_end(&h);
}

/* ---- early-close ---- */

static const struct scenario early_close[] = {
    /* At delivery: the command that triggered it still arrives, and it and its buffer stay readable. */
    {"fault early-close@Write#2",
     OPENING COMMAND "get:0 touch:0 complete:0 touch:0 get:0 abort close destroy",
     OPENED COMMAND_LOG
     "fault0 *Close=VD_E_OPEN " GOT "CompleteCommand:0=VD_E_PROTOCOL! "
     "GetCommand:0=VD_E_PROTOCOL! SignalAbort=VD_E_PROTOCOL! Close=VD_E_PROTOCOL! Destroy=NOERROR",
     1, 0},
    /* On entry: the call itself already meets a set that does not exist. */
    {"fault early-close@CompleteCommand", OPENING "get:0 complete:0 touch:0 config open close destroy",
     OPENED GOT "fault0 *Close=VD_E_OPEN CompleteCommand:0=VD_E_PROTOCOL! GetConfiguration=VD_E_PROTOCOL! "
                "OpenDevice=VD_E_PROTOCOL! Close=VD_E_PROTOCOL! Destroy=NOERROR",
     1, 0},
    {"fault early-close@GetCommand#2:1", OPENING2 "get:0 get:1 get:0 get:1 complete:0",
     OPENED2 "GetCommand:0=NOERROR GetCommand:1=NOERROR GetCommand:0=NOERROR fault0 *Close=VD_E_OPEN "
             "GetCommand:1=VD_E_PROTOCOL! CompleteCommand:0=VD_E_PROTOCOL!",
     1, 0},
    {"fault early-close@OpenDevice#2", OPENING2 "get:0",
     OPENED "fault0 *Close=VD_E_OPEN OpenDevice=VD_E_PROTOCOL! GetCommand:0=VD_E_PROTOCOL!", 1, 0},
    {"fault early-close@SignalAbort", OPENING "abort close",
     OPENED "fault0 *Close=VD_E_OPEN SignalAbort=VD_E_PROTOCOL! Close=VD_E_PROTOCOL!", 1, 0},
    {"fault early-close@Close", OPENING "close", OPENED "fault0 *Close=VD_E_OPEN Close=VD_E_PROTOCOL!", 1, 0},
    /* No device open at the site: it cannot happen there, and nobody is told that it did. */
    {"fault early-close@Close", "init create:1 config close",
     "Create=NOERROR GetConfiguration=NOERROR Close=NOERROR", 0, 0},
    {"fault early-close@Close", OPENING ALL_COMMANDS "get:0 close",
     OPENED ALL_COMMANDS_LOG "GetCommand:0=VD_E_CLOSE Close=NOERROR", 0, 0},
    /* A new Create is a new life. */
    {"fault early-close@Write", OPENING "get:0 touch:0 create:1 open get:0 close destroy",
     OPENED "fault0 *Close=VD_E_OPEN " GOT "Create=NOERROR OpenDevice:0=NOERROR " GOT
            "Close=VD_E_OPEN Destroy=NOERROR",
     1, 0},
    /* What was kept goes with the set object. */
    {"fault early-close@Write", OPENING "get:0 touch:0 destroy gone:0",
     OPENED "fault0 *Close=VD_E_OPEN " GOT "Destroy=NOERROR", 1, 0},
    /* The second operation, and only there. */
    {"fault early-close@Write/1", OPENING "get:0 close create:1 open get:0",
     OPENED GOT
     "Close=VD_E_OPEN Create=NOERROR OpenDevice:0=NOERROR fault0 *Close=VD_E_OPEN GetCommand:0=NOERROR",
     1, 0},
    {"fault early-close@Write#9", OPENING ALL_COMMANDS "get:0 close",
     OPENED ALL_COMMANDS_LOG "GetCommand:0=VD_E_CLOSE Close=NOERROR", 0, 0},
};

static void early_close_scenarios(void **state)
{
    (void)state;
    PLAY_ALL(early_close);
}

/* Another thread sits in the library when the set is closed under it: it comes back, with what the library
 * says. */
static void early_close_under_a_waiting_thread(void **state)
{
    (void)state;
    struct harness h;
    harness_run(&h, CLIENT, "fault early-close@Write:0",
                OPENING2 "wait-beside:1 get:0 touch:0 join close destroy");
    assert_int_equal(h.exit_status, 0);
    assert_int_equal(atomic_load(&h.state->faults[0].fired), 1);
    size_t waits = 0;
    for (size_t i = 0; i < h.count; i++) {
        const struct event *event = &h.events[i].event;
        if (event->kind == EVENT_CALL_END && event->function == VDI_FN_GET_COMMAND && event->device == 1) {
            waits++;
            /* It may also come too late to get in at all. */
            bool cut_off = event->flags & EVENT_FLAG_FAULTED;
            assert_int_equal(event->result, cut_off ? VD_E_PROTOCOL : VD_E_ABORT);
        }
    }
    assert_int_equal(waits, 1);
    harness_end(&h);
}

/* Without the fault the buffer does go at Close: what the test above sees is ours. */
static void buffers_go_at_an_ordinary_close(void **state)
{
    (void)state;
    struct harness h;
    harness_run(&h, CLIENT, NULL, OPENING "get:0 close gone:0");
    assert_int_equal(h.exit_status, 0);
    harness_end(&h);
}

/* ---- lost-close ---- */

static const struct scenario lost_close[] = {
    {"fault lost-close", OPENING ALL_COMMANDS "get:0:20 get:0:0 get:0:20 abort get:0:20 close get:0 destroy",
     OPENED ALL_COMMANDS_LOG
     "fault0 GetCommand:0=VD_E_TIMEOUT! GetCommand:0=VD_E_TIMEOUT! "
     "GetCommand:0=VD_E_TIMEOUT! SignalAbort=NOERROR GetCommand:0=VD_E_ABORT! Close=NOERROR",
     1, 99},
    /* Closed without an abort: that device's VD_E_CLOSE was not delivered (spec 3.9). */
    {"fault lost-close", OPENING ALL_COMMANDS "get:0:0 close destroy",
     OPENED ALL_COMMANDS_LOG "fault0 GetCommand:0=VD_E_TIMEOUT! Close=VD_E_OPEN! Destroy=NOERROR", 1, 0},
    {"fault lost-close@GetCommand:1",
     OPENING2 ALL_COMMANDS "get:0 get:1 get:1 get:1 get:1 get:1:0 get:1:0 abort close",
     OPENED2 ALL_COMMANDS_LOG
     "GetCommand:0=VD_E_CLOSE GetCommand:1=NOERROR GetCommand:1=NOERROR "
     "GetCommand:1=NOERROR GetCommand:1=NOERROR fault0 GetCommand:1=VD_E_TIMEOUT! GetCommand:1=VD_E_TIMEOUT! "
     "SignalAbort=NOERROR Close=NOERROR",
     1, 0},
    {"fault lost-close", OPENING "get:0 abort close", OPENED GOT "SignalAbort=NOERROR Close=NOERROR", 0, 0},
};

static void lost_close_scenarios(void **state)
{
    (void)state;
    PLAY_ALL(lost_close);
}

/* An infinite wait ends when another thread aborts or closes, whichever side comes first. */
static void lost_close_waits_for_others(void **state)
{
    (void)state;
    struct harness h;
    for (int i = 0; i < 20; i++) {
        harness_run(&h, CLIENT, "fault lost-close", OPENING ALL_COMMANDS "abort-beside get:0:-1 join close");
        assert_int_equal(h.exit_status, 0);
        /* Aborted before the library was asked, it says so itself. */
        const struct event *end = harness_find(&h, EVENT_CALL_END, VDI_FN_GET_COMMAND, 5);
        assert_int_equal(end->result, VD_E_ABORT);
        harness_end(&h);
        harness_run(&h, CLIENT, "fault lost-close",
                    OPENING ALL_COMMANDS "get:0:0 close-beside get:0:-1 join destroy");
        if (h.exit_status != 99) { /* closed before the wait began: the library is asked, strictly */
            assert_int_equal(harness_find(&h, EVENT_CALL_END, VDI_FN_GET_COMMAND, 6)->result, VD_E_PROTOCOL);
        }
        harness_end(&h);
    }
}

/* ---- abort ---- */

static const struct scenario aborts[] = {
    {"fault abort(by=client)@Write#2:0", OPENING COMMAND "get:0 touch:0 complete:0 get:0 close",
     OPENED COMMAND_LOG "fault0 *SignalAbort=NOERROR " GOT
                        "CompleteCommand:0=VD_E_ABORT GetCommand:0=VD_E_ABORT "
                        "Close=NOERROR",
     1, 0},
    {"fault abort(by=client,at=complete)@Flush", OPENING ALL_COMMANDS "close",
     OPENED COMMAND_LOG COMMAND_LOG COMMAND_LOG GOT
     "fault0 *SignalAbort=NOERROR CompleteCommand:0=VD_E_ABORT "
     "Close=NOERROR",
     1, 0},
    /* Fetched but never completed: it did not happen. */
    {"fault abort(by=client,at=complete)@Write", OPENING "get:0 close", OPENED GOT "Close=VD_E_OPEN", 0, 0},
    /* Two devices with the same first command in hand: the first to complete it, and only that one. */
    {"fault abort(by=client,at=complete)@Write", OPENING2 "get:0 get:1 complete:1 complete:0",
     OPENED2
     "GetCommand:0=NOERROR GetCommand:1=NOERROR fault0 *SignalAbort=NOERROR CompleteCommand:1=VD_E_ABORT "
     "CompleteCommand:0=VD_E_ABORT",
     1, 0},
    {"fault abort(by=client)@Write:1", OPENING2 "get:0 complete:0 get:1",
     OPENED2 COMMAND_LOG "fault0 *SignalAbort=NOERROR GetCommand:1=NOERROR", 1, 0},
};

static void abort_scenarios(void **state)
{
    (void)state;
    PLAY_ALL(aborts);
}

/* ---- io-error ---- */

static const struct scenario io_errors[] = {
    /* The library has an error; the client, which gave none, is told of nothing. */
    {"fault io-error@Write#2", OPENING COMMAND "get:0 touch:0 complete:0 get:0 close",
     OPENED COMMAND_LOG GOT "fault0 " DONE "GetCommand:0=VD_E_CLOSE Close=NOERROR", 1, 0},
    {"fault io-error(code=112)@Write:1", OPENING2 "get:0 get:1 complete:1 complete:0 get:1 get:0",
     OPENED2 "GetCommand:0=NOERROR GetCommand:1=NOERROR fault0 CompleteCommand:1=NOERROR " DONE
             "GetCommand:1=VD_E_CLOSE GetCommand:0=NOERROR",
     1, 0},
    /* The end of the data (38) can fail as well; an error of the client's own is the one that counts (spec 2.2). */
    {"fault io-error@Write", OPENING "get:0 answer:0:38 get:0",
     OPENED GOT "fault0 " DONE "GetCommand:0=VD_E_CLOSE", 1, 0},
    {"fault io-error@Write", OPENING "get:0 answer:0:112 get:0", OPENED GOT DONE "GetCommand:0=VD_E_CLOSE", 0,
     0},
    /* Of a set that is aborted nobody looks at completions; and what is not completed has none. */
    {"fault io-error@Write", OPENING "get:0 abort complete:0 close",
     OPENED GOT "SignalAbort=NOERROR CompleteCommand:0=VD_E_ABORT Close=NOERROR", 0, 0},
    {"fault io-error@Write", OPENING "get:0 close", OPENED GOT "Close=VD_E_OPEN", 0, 0},
    {"fault io-error@Write\nfault abort(by=client,at=complete)@Write", OPENING "get:0 complete:0 close",
     OPENED GOT "fault1 *SignalAbort=NOERROR CompleteCommand:0=VD_E_ABORT Close=NOERROR", 0, 0},
};

static void io_error_scenarios(void **state)
{
    (void)state;
    PLAY_ALL(io_errors);
}

static void abort_by_server(void **state)
{
    (void)state;
    static const char *const sites[] = {"fault abort@Write#2", "fault abort(at=complete)@Write#2"};
    static const char *const logs[] = {
        OPENED COMMAND_LOG "fault0 GetCommand:0=NOERROR~ CompleteCommand:0=NOERROR Close=VD_E_OPEN",
        OPENED COMMAND_LOG "GetCommand:0=NOERROR fault0 CompleteCommand:0=NOERROR~ Close=VD_E_OPEN"};
    for (int i = 0; i < 2; i++) {
        struct harness h;
        pthread_t server;
        harness_start(&h, sites[i]);
        assert_int_equal(pthread_create(&server, NULL, harness_answer, h.state), 0);
        harness_finish(&h, CLIENT, OPENING COMMAND COMMAND "close");
        pthread_join(server, NULL);
        assert_string_equal(h.log, logs[i]);
        assert_int_equal(atomic_load(&h.state->faults[0].fired), 1);
        assert_int_equal(atomic_load(&h.state->faults[0].request), RUN_REQUEST_NONE);
        harness_end(&h);
    }
}

static void abort_by_server_that_is_not_there(void **state)
{
    (void)state;
    struct harness h;
    harness_run(&h, CLIENT, "fault abort@Write", OPENING COMMAND "close");
    assert_string_equal(h.log, OPENED COMMAND_LOG "Close=VD_E_OPEN");
    assert_int_equal(atomic_load(&h.state->faults[0].fired), 0);
    assert_int_equal(atomic_load(&h.state->faults[0].request), RUN_REQUEST_NONE); /* withdrawn for good */
    harness_end(&h);
}

/* What the server has taken counts as done, however late it is. */
static void abort_by_server_that_was_taken(void **state)
{
    (void)state;
    struct harness h;
    pthread_t server;
    harness_start(&h, "fault abort@Write");
    assert_int_equal(pthread_create(&server, NULL, harness_take, h.state), 0);
    harness_finish(&h, CLIENT, OPENING "get:0 close");
    pthread_join(server, NULL);
    assert_string_equal(h.log, OPENED "fault0 GetCommand:0=NOERROR~ Close=VD_E_OPEN");
    assert_int_equal(atomic_load(&h.state->faults[0].fired), 1);
    assert_int_equal(atomic_load(&h.state->faults[0].request), RUN_REQUEST_TAKEN);
    harness_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_faults),
        cmocka_unit_test(records_arguments),
        cmocka_unit_test(knows_the_fetch_of_a_block),
        cmocka_unit_test(explains_stacks_once),
        cmocka_unit_test(early_close_scenarios),
        cmocka_unit_test(early_close_under_a_waiting_thread),
        cmocka_unit_test(buffers_go_at_an_ordinary_close),
        cmocka_unit_test(lost_close_scenarios),
        cmocka_unit_test(lost_close_waits_for_others),
        cmocka_unit_test(abort_scenarios),
        cmocka_unit_test(io_error_scenarios),
        cmocka_unit_test(abort_by_server),
        cmocka_unit_test(abort_by_server_that_is_not_there),
        cmocka_unit_test(abort_by_server_that_was_taken),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
