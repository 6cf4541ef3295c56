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

/* ---- results ---- */

static const struct scenario errors[] = {
    /* The set is not there afterwards, and the next Create begins the operation. */
    {"fault error(VD_E_SECURITY)@Create", "init create:1 create:1 config open close",
     "fault0 Create=VD_E_SECURITY! " OPENED "Close=VD_E_OPEN", 1, 0},
    {"fault error(code=VD_E_PROTOCOL)@Create#1+", "init create:1 create:1 destroy",
     "fault0 Create=VD_E_PROTOCOL! fault0 Create=VD_E_PROTOCOL! Destroy=NOERROR", 2, 0},
    /* On an object that holds a set the library has its own word. */
    {"fault error(VD_E_MEMORY)@Create#2", "init create:1 create:1 close",
     "Create=NOERROR Create=VD_E_PROTOCOL Close=NOERROR", 0, 0},
    {"fault error@GetConfiguration", "init create:1 config config close",
     "Create=NOERROR fault0 *SignalAbort=NOERROR GetConfiguration=VD_E_ABORT! GetConfiguration=VD_E_ABORT "
     "Close=NOERROR",
     1, 0},
    {"fault error(VD_E_MEMORY)@OpenDevice#2", OPENING2 "abort close",
     OPENED "fault0 OpenDevice=VD_E_MEMORY! SignalAbort=NOERROR Close=NOERROR", 1, 0},
    {"fault error(VD_E_INVALID)@OpenDevice", OPENING "open close",
     "Create=NOERROR GetConfiguration=NOERROR fault0 OpenDevice=VD_E_INVALID! OpenDevice:1=NOERROR "
     "Close=VD_E_OPEN",
     1, 0},
    {"fault error@GetCommand#2", OPENING COMMAND "get:0 get:0 close",
     OPENED COMMAND_LOG
     "fault0 *SignalAbort=NOERROR GetCommand:0=VD_E_ABORT! GetCommand:0=VD_E_ABORT Close=NOERROR",
     1, 0},
    {"fault error@CompleteCommand", OPENING COMMAND "close",
     OPENED GOT "fault0 *SignalAbort=NOERROR CompleteCommand:0=VD_E_ABORT! Close=NOERROR", 1, 0},
};

static void errors_instead(void **state)
{
    (void)state;
    PLAY_ALL(errors);
}

static const struct scenario errors_after[] = {
    {"fault error-after@OpenDevice", OPENING "close",
     "Create=NOERROR GetConfiguration=NOERROR fault0 *SignalAbort=NOERROR OpenDevice=VD_E_ABORT! "
     "Close=NOERROR",
     1, 0},
    {"fault error-after@GetCommand#2", OPENING COMMAND "get:0 close",
     OPENED COMMAND_LOG "fault0 *SignalAbort=NOERROR GetCommand:0=VD_E_ABORT! Close=NOERROR", 1, 0},
    {"fault error-after@CompleteCommand#2", OPENING COMMAND COMMAND "get:0 close",
     OPENED COMMAND_LOG GOT
     "fault0 *SignalAbort=NOERROR CompleteCommand:0=VD_E_ABORT! GetCommand:0=VD_E_ABORT Close=NOERROR",
     1, 0},
    /* It has failed by itself. */
    {"fault error-after@GetCommand#2", OPENING COMMAND "abort get:0 close",
     OPENED COMMAND_LOG "SignalAbort=NOERROR GetCommand:0=VD_E_ABORT Close=NOERROR", 0, 0},
    {"fault error-after@GetCommand#5", OPENING ALL_COMMANDS "get:0 close",
     OPENED ALL_COMMANDS_LOG "GetCommand:0=VD_E_CLOSE Close=NOERROR", 0, 0},
};

static void results_replaced(void **state)
{
    (void)state;
    PLAY_ALL(errors_after);
}

static const struct scenario untimely[] = {
    /* What was there comes with the next call. */
    {"fault timeout@GetCommand", OPENING "get:0 " ALL_COMMANDS "close",
     OPENED "fault0 GetCommand:0=VD_E_TIMEOUT! " ALL_COMMANDS_LOG "Close=VD_E_OPEN", 1, 0},
    {"fault timeout@GetCommand#2+", OPENING COMMAND "get:0:1 get:0:0 close",
     OPENED COMMAND_LOG "fault0 GetCommand:0=VD_E_TIMEOUT! fault0 GetCommand:0=VD_E_TIMEOUT! Close=VD_E_OPEN",
     2, 0},
    {"fault timeout@GetConfiguration", "init create:1 config config open close",
     "Create=NOERROR fault0 GetConfiguration=VD_E_TIMEOUT! GetConfiguration=NOERROR OpenDevice:0=NOERROR "
     "Close=VD_E_OPEN",
     1, 0},
    /* No limit: no timeout. */
    {"fault timeout@GetCommand", OPENING "get:0:-1 close", OPENED GOT "Close=VD_E_OPEN", 0, 0},
    {"fault null-command@GetCommand#2", OPENING COMMAND "get-null:0 " COMMAND "close",
     OPENED COMMAND_LOG "fault0 GetCommand:0=NOERROR! " COMMAND_LOG "Close=VD_E_OPEN", 1, 0},
};

static void nothing_to_fetch(void **state)
{
    (void)state;
    PLAY_ALL(untimely);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(aborts_at_calls),
        cmocka_unit_test(closes_that_are_late_or_repeated),
        cmocka_unit_test(buffers_that_are_not_there),
        cmocka_unit_test(errors_instead),
        cmocka_unit_test(results_replaced),
        cmocka_unit_test(nothing_to_fetch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
