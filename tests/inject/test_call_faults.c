/* test_call_faults.c - libvdifault.so: what the faults of calls do, one by one, to a client and a library of known
 * behaviour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "harness.h"
#include "scenario_words.h"

#define PLAY_ALL(table) harness_play(CLIENT, table, sizeof(table) / sizeof((table)[0]))

/* ---- lifecycle ---- */

static const struct scenario aborts[] = {
    {"fault abort(by=client)@GetConfiguration", "init create:1 config abort close",
     "Create=NOERROR fault0 *SignalAbort=NOERROR GetConfiguration=VD_E_ABORT SignalAbort=NOERROR "
     "Close=NOERROR",
     1, 0},
    {"fault abort(by=client)@OpenDevice#2", OPENING2 "get:0 close",
     OPENED "fault0 *SignalAbort=NOERROR OpenDevice=VD_E_ABORT GetCommand:0=VD_E_ABORT Close=NOERROR", 1, 0},
    {"fault abort(by=client)@CompleteCommand", OPENING COMMAND "get:0 close",
     OPENED GOT
     "fault0 *SignalAbort=NOERROR CompleteCommand:0=VD_E_ABORT GetCommand:0=VD_E_ABORT Close=NOERROR",
     1, 0},
    {"fault abort(by=client)@Close", OPENING ALL_COMMANDS "get:0 close",
     OPENED ALL_COMMANDS_LOG "GetCommand:0=VD_E_CLOSE fault0 *SignalAbort=NOERROR Close=NOERROR", 1, 0},
    /* Somebody was faster. */
    {"fault abort(by=client)@Close", OPENING "abort close", OPENED "SignalAbort=NOERROR Close=NOERROR", 0, 0},
};

static void aborts_at_calls(void **state)
{
    (void)state;
    PLAY_ALL(aborts);
}

static const struct scenario closes[] = {
    {"fault late-close(ms=60)", OPENING ALL_COMMANDS "get:0:1 get:0:0 get:0:-1 close destroy",
     OPENED ALL_COMMANDS_LOG "fault0 GetCommand:0=VD_E_TIMEOUT! GetCommand:0=VD_E_TIMEOUT! "
                             "GetCommand:0=VD_E_CLOSE! Close=NOERROR Destroy=NOERROR",
     1, 0},
    /* Given up before it came. */
    {"fault late-close(ms=60000)", OPENING ALL_COMMANDS "get:0:1 abort get:0:1 close",
     OPENED ALL_COMMANDS_LOG "fault0 GetCommand:0=VD_E_TIMEOUT! SignalAbort=NOERROR GetCommand:0=VD_E_ABORT! "
                             "Close=NOERROR",
     1, 0},
    {"fault late-close(ms=60000)", OPENING ALL_COMMANDS "get:0:1 close",
     OPENED ALL_COMMANDS_LOG "fault0 GetCommand:0=VD_E_TIMEOUT! Close=VD_E_OPEN!", 1, 0},
    {"fault repeat-close", OPENING ALL_COMMANDS "get:0 get:0 get:0 close",
     OPENED ALL_COMMANDS_LOG
     "fault0 GetCommand:0=VD_E_CLOSE GetCommand:0=VD_E_CLOSE! GetCommand:0=VD_E_CLOSE! Close=NOERROR",
     1, 0},
    {"fault repeat-close@GetCommand:1", OPENING2 ALL_COMMANDS "get:0 close",
     OPENED2 ALL_COMMANDS_LOG "GetCommand:0=VD_E_CLOSE Close=VD_E_OPEN", 0, 0},
};

static void closes_that_are_late_or_repeated(void **state)
{
    (void)state;
    PLAY_ALL(closes);
}

static const struct scenario buffers[] = {
    {"fault stale-config", "init create:1 config open close",
     "Create=NOERROR fault0 *SignalAbort=NOERROR GetConfiguration=NOERROR OpenDevice=VD_E_ABORT "
     "Close=NOERROR",
     1, 0},
    {"fault bufferarea-missing@OpenDevice", "init create:1 config open close",
     "Create=NOERROR GetConfiguration=NOERROR fault0 *SignalAbort=NOERROR OpenDevice=VD_E_ABORT! "
     "Close=NOERROR",
     1, 0},
    {"fault bufferarea-missing@GetCommand", OPENING "get:0 get:0 close",
     OPENED "fault0 *SignalAbort=NOERROR GetCommand:0=VD_E_ABORT! GetCommand:0=VD_E_ABORT Close=NOERROR", 1,
     0},
};

static void buffers_that_are_not_there(void **state)
{
    (void)state;
    PLAY_ALL(buffers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aborts_at_calls),
        cmocka_unit_test(closes_that_are_late_or_repeated),
        cmocka_unit_test(buffers_that_are_not_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
