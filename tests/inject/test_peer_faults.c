/* test_peer_faults.c - libvdifault.so: faults that another process does when the client gets to the site, while the
 * client stands there. */
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "scenario_words.h"

/* A scenario with a server that does what it is asked for. */
static void play(const struct scenario *scenario)
{
    struct harness h;
    pthread_t server;
    harness_start(&h, scenario->faults);
    assert_int_equal(pthread_create(&server, NULL, harness_answer, h.state), 0);
    harness_finish(&h, CLIENT, scenario->verbs);
    pthread_join(server, NULL);
    if (strcmp(h.log, scenario->log) != 0) {
        fail_msg("%s: %s\n   instead of %s", scenario->faults, h.log, scenario->log);
    }
    assert_int_equal(atomic_load(&h.state->faults[0].fired), 1);
    assert_int_equal(atomic_load(&h.state->faults[0].request), RUN_REQUEST_NONE);
    harness_end(&h);
}

/* The library of the tests notices nothing of it: what the client gets is the library's business. */
static void the_server_is_asked_at_the_site(void **state)
{
    (void)state;
    static const struct scenario scenarios[] = {
        {"fault kill-session@GetConfiguration", OPENING "close",
         "Create=NOERROR fault0 GetConfiguration=NOERROR~ OpenDevice:0=NOERROR Close=VD_E_OPEN", 1, 0},
        {"fault shutdown@OpenDevice#2", OPENING2 "close",
         OPENED "fault0 OpenDevice:1=NOERROR~ Close=VD_E_OPEN", 1, 0},
        {"fault failover@CompleteCommand#2", OPENING COMMAND COMMAND "close",
         OPENED COMMAND_LOG GOT "fault0 CompleteCommand:0=NOERROR~ Close=VD_E_OPEN", 1, 0},
        {"fault attention@Write#2", OPENING COMMAND COMMAND "close",
         OPENED COMMAND_LOG "fault0 GetCommand:0=NOERROR~ " DONE "Close=VD_E_OPEN", 1, 0},
        {"fault statement-fails@Write", OPENING COMMAND "close",
         OPENED "fault0 GetCommand:0=NOERROR~ " DONE "Close=VD_E_OPEN", 1, 0},
        {"fault server-crash@Write", OPENING COMMAND "close",
         OPENED "fault0 GetCommand:0=NOERROR~ " DONE "Close=VD_E_OPEN", 1, 0},
        {"fault server-hang@CompleteCommand", OPENING COMMAND "close",
         OPENED GOT "fault0 CompleteCommand:0=NOERROR~ Close=VD_E_OPEN", 1, 0},
        {"fault stale-set", "init create:1 close", "fault0 Create=NOERROR~ Close=NOERROR", 1, 0},
    };
    for (size_t i = 0; i < sizeof scenarios / sizeof scenarios[0]; i++) {
        play(&scenarios[i]);
    }
}

/* Neither without a server, nor in a set that has been given up already: and the client does not stand there for
 * long. */
static void nobody_is_asked_in_vain(void **state)
{
    (void)state;
    static const struct scenario scenarios[] = {
        {"fault kill-session@CompleteCommand", OPENING "get:0 abort complete:0 close",
         OPENED GOT "SignalAbort=NOERROR CompleteCommand:0=VD_E_ABORT Close=NOERROR", 0, 0},
        {"fault server-crash@GetConfiguration", "init create:1 abort config close",
         "Create=NOERROR SignalAbort=NOERROR GetConfiguration=VD_E_ABORT Close=NOERROR", 0, 0},
    };
    harness_play(CLIENT, scenarios, sizeof scenarios / sizeof scenarios[0]);
}

/* A server that has said that it leaves is not waited for. */
static void a_server_that_has_left_is_not_asked(void **state)
{
    (void)state;
    struct harness h;
    harness_start(&h, "fault shutdown@Write");
    atomic_store(&h.state->operations[0].server, RUN_SERVER_LEFT);
    harness_finish(&h, CLIENT, OPENING COMMAND "close");
    assert_string_equal(h.log, OPENED COMMAND_LOG "Close=VD_E_OPEN");
    assert_int_equal(atomic_load(&h.state->faults[0].fired), 0);
    assert_int_equal(atomic_load(&h.state->bell), 0);
    harness_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_server_is_asked_at_the_site),
        cmocka_unit_test(nobody_is_asked_in_vain),
        cmocka_unit_test(a_server_that_has_left_is_not_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
