/* test_call_faults.c - libvdifault.so: what the faults of calls do, one by one, to a client and a library of known
 * behaviour. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "scenario_words.h"

#define PLAY_ALL(table) harness_play(CLIENT, table, sizeof(table) / sizeof((table)[0]))

static uint32_t count_of(const struct harness *h, enum event_kind kind)
{
    uint32_t count = 0;
    for (size_t i = 0; i < h->count; i++) {
        count += h->events[i].event.kind == kind;
    }
    return count;
}

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
    {"fault error-after@OpenDevice#2", OPENING "open close", OPENED "OpenDevice=VD_E_OPEN Close=VD_E_OPEN", 0,
     0},
    {"fault error-after@GetCommand#5", OPENING ALL_COMMANDS "get:0 close",
     OPENED ALL_COMMANDS_LOG "fault0 *SignalAbort=NOERROR GetCommand:0=VD_E_ABORT! Close=NOERROR", 1, 0},
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

/* ---- what no sane server does ---- */

/* With no more guard than the fault needs, too. */
static void altered_commands(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        int64_t size;
        bool null;
        int64_t offset; /* from the alignment */
    } cases[] = {
        {"fault bad-size@Write#2", 65536 + 65536, false, 0},
        {"fault bad-size(how=negative)@Write#2", -4096, false, 0},
        {"fault bad-buffer@Write#2", 4096, true, 0},
        {"fault bad-buffer(how=misaligned)@Write#2", 4096, false, 1},
    };
    for (size_t i = 0; i < 2 * sizeof(cases) / sizeof(cases[0]); i++) {
        struct harness h;
        size_t c = i / 2;
        setenv("VDIFAULT_GUARD", i % 2 == 0 ? "off" : "auto", 1);
        harness_run(&h, CLIENT, cases[c].fault, OPENING COMMAND COMMAND "get:0 touch:0 complete:0 close");
        assert_int_equal(h.exit_status, 0);
        assert_int_equal(atomic_load(&h.state->faults[0].fired), 1);
        const struct event *altered = harness_find(&h, EVENT_CALL_END, VDI_FN_GET_COMMAND, 2);
        assert_int_equal(altered->arg[2], cases[c].size);
        assert_int_equal(altered->arg[4] == 0, cases[c].null);
        assert_int_equal(altered->arg[4] % 512, cases[c].offset);
        /* It is completed as the command that it was, and the next one is sound. */
        assert_int_equal(harness_find(&h, EVENT_CALL_END, VDI_FN_COMPLETE_COMMAND, 2)->result, 0);
        assert_int_equal(harness_find(&h, EVENT_CALL_END, VDI_FN_GET_COMMAND, 3)->arg[2], 4096);
        harness_end(&h);
    }
    unsetenv("VDIFAULT_GUARD");
}

static const struct scenario corruptions[] = {
    /* touch finds another byte than the library's. */
    {"fault corrupt-transfer@Write#2", OPENING "get:0 touch:0 complete:0 get:0 touch:0",
     OPENED COMMAND_LOG "fault0 GetCommand:0=NOERROR", 1, 90},
    {"fault corrupt-transfer@Write#2", OPENING COMMAND COMMAND "get:0 touch:0 close",
     OPENED COMMAND_LOG "fault0 " COMMAND_LOG "GetCommand:0=NOERROR", 1, 90},
};

static void bytes_that_change(void **state)
{
    (void)state;
    static const char *const guards[] = {"off", "auto", "copy"};
    for (size_t i = 0; i < 2; i++) {
        setenv("VDIFAULT_GUARD", guards[i], 1);
        PLAY_ALL(corruptions);
    }
    /* A private copy is nobody else's: the next command is what it was. */
    setenv("VDIFAULT_GUARD", guards[2], 1);
    harness_play(CLIENT, corruptions, 1);
    /* Of a Read the client's byte is wrong in the library only: it meets it in the buffer's next use. */
    setenv("FAKE_READ", "1", 1);
    for (size_t i = 0; i < 3; i++) {
        struct harness h;
        setenv("VDIFAULT_GUARD", guards[i], 1);
        harness_run(&h, CLIENT, "fault corrupt-transfer@Read#2",
                    OPENING COMMAND "get:0 touch:0 complete:0 get:0 touch:0");
        assert_int_equal(h.exit_status, 90);
        assert_int_equal(atomic_load(&h.state->faults[0].fired), 1);
        assert_int_equal(count_of(&h, EVENT_CALL_END), 8);
        harness_end(&h);
    }
    unsetenv("FAKE_READ");
    unsetenv("VDIFAULT_GUARD");
}

/* ---- timing ---- */

static int64_t duration_of(const struct harness *h, enum vdi_function function, int nth)
{
    const struct event *begin = harness_find(h, EVENT_CALL_BEGIN, function, nth);
    const struct event *end = harness_find(h, EVENT_CALL_END, function, nth);
    assert_non_null(begin);
    assert_non_null(end);
    return (int64_t)(end->time_ns - begin->time_ns);
}

static void delays(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        enum vdi_function function;
        int nth;
    } cases[] = {
        {"fault delay(ms=30)@Create", VDI_FN_CREATE, 1},
        {"fault delay(ms=30)@CompleteCommand#2", VDI_FN_COMPLETE_COMMAND, 2},
        {"fault delay(ms=30)@Flush", VDI_FN_GET_COMMAND, 4},
        {"fault delay(ms=30)@Destroy", VDI_FN_DESTROY, 1},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct harness h;
        harness_run(&h, CLIENT, cases[i].fault, OPENING ALL_COMMANDS "get:0 close destroy");
        assert_int_equal(h.exit_status, 0);
        assert_int_equal(atomic_load(&h.state->faults[0].fired), 1);
        assert_true(duration_of(&h, cases[i].function, cases[i].nth) >= 30000000);
        harness_end(&h);
    }
}

static void everywhere(void **state)
{
    (void)state;
    char first[sizeof((struct harness){0}.log)];
    struct harness h;
    harness_run(&h, CLIENT, "fault jitter(seed=7)", OPENING ALL_COMMANDS "get:0 close destroy");
    assert_int_equal(h.exit_status, 0);
    assert_int_equal(atomic_load(&h.state->faults[0].fired), count_of(&h, EVENT_CALL_BEGIN));
    assert_int_equal(count_of(&h, EVENT_FAULT), count_of(&h, EVENT_CALL_BEGIN));
    harness_end(&h);
    /* The same seed steps back at the same calls, another one at others. */
    for (int i = 0; i < 3; i++) {
        harness_run(&h, CLIENT, i < 2 ? "fault preempt(seed=7)" : "fault preempt(seed=8)",
                    OPENING ALL_COMMANDS "get:0 close destroy");
        uint32_t fired = atomic_load(&h.state->faults[0].fired);
        assert_in_range(fired, 1, count_of(&h, EVENT_CALL_BEGIN) - 1);
        assert_int_equal(count_of(&h, EVENT_FAULT), fired);
        assert_true((i == 0 || strcmp(first, h.log) == 0) == (i < 2));
        if (i == 0) {
            strcpy(first, h.log);
        }
        harness_end(&h);
    }
}

/* ---- crashes ---- */

enum {
    KILLED = 128 + 9
};
static const struct scenario crashes[] = {
    {"fault client-crash@Create", "init create:1", "fault0", 1, KILLED},
    {"fault client-crash@Write#2", OPENING COMMAND COMMAND, OPENED COMMAND_LOG "fault0", 1, KILLED},
    {"fault client-crash@Close", OPENING "close", OPENED "fault0", 1, KILLED},
    {"fault secondary-crash@OpenInSecondary", "init create:1 init join-set", "Create=NOERROR fault0", 1,
     KILLED},
    /* A primary's are not meant. */
    {"fault secondary-crash@GetCommand", OPENING COMMAND "close", OPENED COMMAND_LOG "Close=VD_E_OPEN", 0, 0},
};

static void crashes_at_calls(void **state)
{
    (void)state;
    PLAY_ALL(crashes);
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
        cmocka_unit_test(altered_commands),
        cmocka_unit_test(bytes_that_change),
        cmocka_unit_test(delays),
        cmocka_unit_test(everywhere),
        cmocka_unit_test(crashes_at_calls),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
