/* test_guard.c - what the guard sees of a client's accesses, and what it leaves alone (design 4.6). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "harness.h"
#include "vdi.h"

enum {
    SEGMENTATION_FAULT = 139,
    ABORTED = 134
};

/* How the library behaves, in a word each: FAKE_ variables. */
#define READS   "read"
#define PRIVATE "private"

struct row {
    const char *mode; /* VDIFAULT_GUARD, NULL: not set */
    const char *fake; /* words of how the library behaves, or "" */
    const char *size; /* of its commands, or NULL */
    const char *verbs;
    const char *accesses; /* all of them, see write_accesses */
    int exit_status;
};

static const char *const whats[] = {[ACCESS_BUFFER] = "buffer",
                                    [ACCESS_BEFORE_BUFFER] = "before",
                                    [ACCESS_BEYOND_BUFFER] = "beyond",
                                    [ACCESS_COMMAND] = "block"};
static const char *const whens[] = {[ACCESS_WHILE_HELD] = "held",
                                    [ACCESS_AFTER_COMPLETION] = "completed",
                                    [ACCESS_AFTER_ABORT] = "aborted",
                                    [ACCESS_AFTER_CLOSE] = "closed"};

/* "r buffer completed+0", "w block held+8 memcpy": how, what, when, offset, function; ", " between. */
static void write_accesses(const struct harness *h, char *text, size_t room)
{
    size_t used = 0;
    text[0] = '\0';
    for (size_t i = 0; i < h->count && used < room; i++) {
        const struct event *event = &h->events[i].event;
        if (event->kind == EVENT_ACCESS) {
            used += (size_t)snprintf(text + used, room - used, "%s%s %s %s%+d%s%s", used == 0 ? "" : ", ",
                                     event->arg[1] == ACCESS_WRITE ? "w" : "r", whats[event->arg[0]],
                                     whens[event->arg[2]], (int)event->arg[3],
                                     h->events[i].text[0] == '\0' ? "" : " ", h->events[i].text);
        }
    }
}

static void set_or_clear(const char *name, const char *value)
{
    if (value != NULL) {
        setenv(name, value, 1);
    } else {
        unsetenv(name);
    }
}

static void run_row(struct harness *h, const char *client, const struct row *row, const char *faults)
{
    set_or_clear("VDIFAULT_GUARD", row->mode);
    set_or_clear("FAKE_READ", strstr(row->fake, READS) != NULL ? "1" : NULL);
    set_or_clear("FAKE_PRIVATE", strstr(row->fake, PRIVATE) != NULL ? "1" : NULL);
    set_or_clear("FAKE_SIZE", row->size);
    harness_run(h, client, faults, row->verbs);
}

static void check_row(const char *client, const struct row *row, const char *faults)
{
    struct harness h;
    char accesses[1024];
    run_row(&h, client, row, faults);
    write_accesses(&h, accesses, sizeof accesses);
    if (strcmp(accesses, row->accesses) != 0 || h.exit_status != row->exit_status) {
        fail_msg("%s --guard %s %s size %s: %s\n  gave     %s (exit %d)\n  expected %s (exit %d)", client,
                 row->mode == NULL ? "-" : row->mode, row->fake, row->size == NULL ? "-" : row->size,
                 row->verbs, accesses, h.exit_status, row->accesses, row->exit_status);
    }
    harness_end(&h);
}

static void check_rows(const char *client, const struct row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        check_row(client, &rows[i], NULL);
    }
}
#define CHECK_ROWS(client, rows) check_rows(client, rows, sizeof(rows) / sizeof((rows)[0]))

/* ---- after it was given back ---- */

static const struct row given_back[] = {
    {"pages", "", NULL, "open get read:0 complete read:0 read:1 close destroy", "r buffer completed+0", 0},
    {"pages", "", NULL, "open get complete write:100 read:0 close destroy", "w buffer completed+100", 0},
    {"pages", READS, NULL, "open get fill complete write:4095 close destroy", "w buffer completed+4095", 0},
    {"copy", "", NULL, "open get read:0 complete read:0 close destroy", "r buffer completed+0", 0},
    {"copy", READS, NULL, "open get fill complete write:0 close destroy", "w buffer completed+0", 0},
    {NULL, "", NULL, "open get complete read:7 close destroy", "r buffer completed+7", 0},
    {"auto", PRIVATE, NULL, "open get read:0 complete read:0 close destroy", "r buffer completed+0", 0},
    {"off", "", NULL, "open get complete read:0 write:0 write-block:0 destroy", "", 0},
    /* What it meets then is what was there. */
    {"pages", "", NULL, "open get complete expect:90 close expect:90 destroy", "r buffer completed+0", 0},
    {"pages", READS, NULL, "open get fill complete expect:51 get expect:51 complete close destroy",
     "r buffer completed+0", 0},
    {"copy", READS, NULL, "open get fill complete get expect:51 complete close destroy", "", 0},
    /* The same buffer came again, elsewhere. */
    {"pages", "", NULL, "open get keep complete get read:0 read-kept complete close destroy",
     "r buffer completed+0", 0},
    {"copy", "", NULL, "open get keep complete get read:0 read-kept complete close destroy",
     "r buffer completed+0", 0},
    {"pages", "", NULL, "open get keep complete get beside:write-kept read:0 complete close destroy",
     "w buffer completed+0", 0},
    /* A completion that was refused leaves everything with the client (VDI-CMD-005). */
    {"pages", READS, NULL, "open get complete:5000 fill write:0 read-block:0 complete read:0 close destroy",
     "r buffer completed+0", 0},
    {"pages", "", NULL, "open get close read:0 read-block:0 destroy", "r buffer closed+0, r block closed+0",
     0},
    {"copy", READS, NULL, "open get close write:3 destroy", "w buffer closed+3", 0},
    {"pages", "", NULL, "open get complete close read:0 destroy", "r buffer completed+0", 0},
    /* Nothing is left after the destructor: the access is told, and is the client's end. */
    {"pages", "", NULL, "open get destroy read:0", "r buffer closed+0", SEGMENTATION_FAULT},
    {"pages", "", NULL, "open get close create-again read:0", "r buffer closed+0", SEGMENTATION_FAULT},
};

static void after_it_was_given_back(void **state)
{
    (void)state;
    CHECK_ROWS(CLIENT, given_back);
}

/* Who cannot know of the abort yet may go on (spec 8: held buffers stay valid until Close). */
static const struct row aborted[] = {
    {"pages", "", NULL, "open get abort read:0 close destroy", "r buffer aborted+0", 0},
    {"pages", "", NULL, "open get complete get abort write-block:0 close destroy", "w block aborted+0", 0},
    {"pages", "", NULL, "open get abort beside:read:0 read:0 close destroy", "", 0},
    {"pages", "", NULL, "open get beside:abort read:0 complete read:0 close destroy", "r buffer aborted+0",
     0},
    {"pages", "", NULL, "open get keep get abort read-kept read:0 close read:0 destroy", "r buffer closed+0",
     0},
    {"pages", "", NULL, "open get beside:complete get abort read:0 close destroy", "", 0},
    /* After Close everybody knows. */
    {"pages", "", NULL, "open get complete get abort close beside:read:0 destroy", "r buffer closed+0", 0},
    {"pages", "", NULL, "open get complete get abort beside:read:0 close beside:read:0 destroy",
     "r buffer closed+0", 0},
};

static void after_an_abort(void **state)
{
    (void)state;
    CHECK_ROWS(CLIENT, aborted);
}

/* ---- while it is held ---- */

static const struct row held[] = {
    {"pages", "", NULL, "open get read:0 write:5 write:6 complete close destroy", "w buffer held+5", 0},
    {"copy", "", NULL, "open get write:5 complete close destroy", "w buffer held+5", 0},
    {"pages", READS, NULL, "open get fill write:5 read:5 complete close destroy", "", 0},
    {"pages", "", NULL, "open get write-block:4 write-block:0 complete close destroy", "w block held+4", 0},
    {"pages", "", NULL, "open get read-block:0 read-block:24 complete read-block:16 close destroy",
     "r block held+24, r block completed+16", 0},
    {"pages", "", NULL, "open get read:-1 read:-2 complete close destroy", "r before held-1", 0},
    {"pages", READS, NULL, "open get write:-1 write:4096 fill complete close destroy",
     "w before held-1, w beyond held+4096", 0},
    {"copy", "", NULL, "open get read:4096 complete close destroy", "r beyond held+4096", 0},
    {"pages", "", NULL, "open get read:60000 read:-60000 complete close destroy",
     "r beyond held+60000, r before held-60000", 0},
    /* Bytes of its last page: compared, of a Read; of a Write the page cannot be written. */
    {"pages", READS, "1000", "open get fill write:1000 complete close destroy", "w beyond held+1000", 0},
    {"pages", READS, "1000", "open get fill write:4095 complete close destroy", "w beyond held+1000", 0},
    {"pages", "", "1000", "open get write:1000 complete close destroy", "w beyond held+1000", 0},
    {"pages", READS, "1000", "open get fill complete get fill complete close destroy", "", 0},
    /* A copy ends with its page, or as near as its alignment allows. */
    {"copy", "", "1024", "open get read:1023 read:1024 complete close destroy", "r beyond held+1024", 0},
    {"copy", READS, "1000", "open get fill write:1005 complete close destroy", "w beyond held+1005", 0},
    {"copy", READS, "1024", "open get fill write:-1 complete close destroy", "w before held-1", 0},
    {"auto", "", "1024", "open:512 get write:-512 read:1023 read:1024 complete close destroy",
     "r beyond held+1024", 0},
    {"auto", READS, "1024", "open:512 get write:-512 fill write:-513 complete close destroy",
     "w before held-513", 0},
    {"auto", "", "1024", "open:512 get write:-512 write:0 complete close destroy", "w buffer held+0", 0},
    {"pages", READS, "1024", "open:512 get write:-512 fill complete close destroy", "", 0},
};

static void while_it_is_held(void **state)
{
    (void)state;
    CHECK_ROWS(CLIENT, held);
}

static void says_all_of_an_access(void **state)
{
    (void)state;
    struct harness h;
    const struct row row = {"pages", "", NULL, "open get complete read:9 close destroy", "", 0};
    run_row(&h, CLIENT, &row, NULL);
    const struct event *access = harness_find(&h, EVENT_ACCESS, VDI_FN_NONE, 1);
    const struct event *get = harness_find(&h, EVENT_CALL_BEGIN, VDI_FN_GET_COMMAND, 1);
    const struct event *end = harness_find(&h, EVENT_CALL_END, VDI_FN_GET_COMMAND, 1);
    const struct event *complete = harness_find(&h, EVENT_CALL_BEGIN, VDI_FN_COMPLETE_COMMAND, 1);
    assert_non_null(access);
    assert_int_equal(access->call, get->sequence);
    assert_int_equal(access->arg[4], VDC_Write);
    assert_int_equal(access->arg[5], 4096);
    assert_int_equal(access->arg[6], complete->sequence);
    assert_int_equal(access->device, 0);
    assert_int_equal(access->operation, 0);
    assert_int_equal(access->set, get->set);
    assert_int_not_equal(access->stack, 0);
    assert_int_equal(complete->arg[0], end->arg[0]);
    assert_int_equal(complete->arg[4], get->sequence);
    /* Found by comparing: in which call, and no stack. */
    harness_end(&h);
    const struct row compared = {"pages", READS, "1000", "open get write:1000 complete close destroy", "", 0};
    run_row(&h, CLIENT, &compared, NULL);
    access = harness_find(&h, EVENT_ACCESS, VDI_FN_COMPLETE_COMMAND, 1);
    assert_non_null(access);
    assert_int_equal(access->stack, 0);
    assert_int_equal(access->arg[6], 0);
    harness_end(&h);
}

/* ---- system calls ---- */

static const struct row calls[] = {
    {"pages", "", NULL, "open get call-write complete call-write call-write close destroy",
     "r buffer completed+0 write", 0},
    {"pages", "", NULL, "open get call-read complete close destroy", "w buffer held+0 read", 0},
    {"pages", READS, NULL, "open get call-read complete close call-read destroy", "w buffer completed+0 read",
     0},
    {"copy", READS, NULL, "open get call-read close call-read destroy", "w buffer closed+0 read", 0},
    {"pages", "", NULL, "open get fetch-of:1 complete fetch-of:0 close destroy", "", 0},
    {"copy", READS, NULL, "open get fetch-of:1 complete get fetch-of:1 close fetch-of:0 destroy", "", 0},
    {"off", "", NULL, "open get fetch-of:1 complete fetch-of:0 get fetch-of:1 destroy fetch-of:0", "", 0},
};

static void system_calls(void **state)
{
    (void)state;
    CHECK_ROWS(CLIENT, calls);
}

/* ---- signals ---- */

#define BAD_READ "get complete read:0 "
#define ONE_READ "r buffer completed+0"
static const struct row signals[] = {
    {"pages", "", NULL, "open own:sigaction get is-own crash complete read:0 crash is-own close destroy",
     ONE_READ, 0},
    {"pages", "", NULL, "open " BAD_READ "own:sigaction is-own crash get complete crash close destroy",
     ONE_READ, 0},
    {"pages", "", NULL, "open " BAD_READ "own:onstack is-own crash get complete read:0 crash destroy",
     ONE_READ ", " ONE_READ, 0},
    {"pages", "", NULL, "open own:signal " BAD_READ "is-own crash crash close destroy", ONE_READ, 0},
    {"pages", "", NULL, "open " BAD_READ "own:signal is-own crash crash close destroy", ONE_READ, 0},
    {"pages", "", NULL, "open " BAD_READ "own:jump crash crash crash get complete read:0 close destroy",
     ONE_READ ", " ONE_READ, 0},
    {"pages", "", NULL, "open " BAD_READ "own:sysv crash crash", ONE_READ, SEGMENTATION_FAULT},
    {"pages", "", NULL, "open " BAD_READ "crash", ONE_READ, SEGMENTATION_FAULT},
    {"pages", "", NULL, "block open " BAD_READ "close destroy", ONE_READ, 0},
    {"pages", "", NULL, "open get complete block beside:read:0 close destroy", ONE_READ, 0},
    {"pages", "", NULL, "open get complete handler:read:0 close destroy", ONE_READ, 0},
    {"pages", "", NULL, "open own:small get complete read:0 close destroy", ONE_READ, 0},
    {"pages", "", NULL, "open get complete own:small read:0 get complete read:0 destroy",
     ONE_READ ", " ONE_READ, 0},
};

static void signal_handlers(void **state)
{
    (void)state;
    CHECK_ROWS(CLIENT, signals);
}

static int64_t frames_of_access(const char *verbs)
{
    struct harness h;
    const struct row row = {"pages", "", NULL, verbs, "", 0};
    int64_t frames = 0;
    run_row(&h, CLIENT, &row, NULL);
    const struct event *access = harness_find(&h, EVENT_ACCESS, VDI_FN_NONE, 1);
    assert_non_null(access);
    for (size_t i = 0; i < h.count; i++) {
        const struct event *event = &h.events[i].event;
        frames = event->kind == EVENT_STACK && event->stack == access->stack ? event->arg[0] : frames;
    }
    harness_end(&h);
    return frames;
}

/* On a stack that is too small for it the access is told on the client's, and just as well. */
static void small_stack(void **state)
{
    (void)state;
    int64_t usual = frames_of_access("open get complete read:0 close destroy");
    assert_true(usual > 2);
    assert_int_equal(frames_of_access("open own:small get complete read:0 close destroy"), usual);
}

/* ---- processes and threads ---- */

static const struct row processes[] = {
    {"pages", READS, NULL, "open get child:fill expect:51 complete child:read:0 close destroy", ONE_READ, 0},
    {"copy", READS, NULL, "open get child:fill expect:51 complete get expect:51 complete destroy", "", 0},
    {"pages", "", NULL, "open get child:complete read:0 complete child:read:0 read:0 destroy",
     ONE_READ ", " ONE_READ, 0},
};

static void children(void **state)
{
    (void)state;
    CHECK_ROWS(CLIENT, processes);
}

#define EIGHT(one) one ", " one ", " one ", " one ", " one ", " one ", " one ", " one
static const struct row threads[] = {
    {"pages", "", NULL, "many:16", EIGHT(ONE_READ), 0},
    {"pages", READS, "1000", "many:16", EIGHT(ONE_READ), 0},
    {"copy", READS, "1000", "many:16", EIGHT(ONE_READ), 0},
};

static void many_threads(void **state)
{
    (void)state;
    CHECK_ROWS(CLIENT, threads);
}

/* What cannot be guarded is said, once, and works. */
static void without_aliases(void **state)
{
    (void)state;
    struct harness h;
    const struct row row = {"pages", PRIVATE, NULL, "open get read:0 complete get read:0 complete close",
                            "",      0};
    run_row(&h, CLIENT, &row, NULL);
    const struct event *note = harness_find(&h, EVENT_NOTE, VDI_FN_NONE, 1);
    assert_int_equal(h.exit_status, 0);
    assert_non_null(note);
    assert_int_equal(note->arg[0], NOTE_GUARD);
    assert_null(harness_find(&h, EVENT_NOTE, VDI_FN_NONE, 2)); /* once */
    harness_end(&h);
}

static void without_copies(void **state)
{
    (void)state;
    struct harness h;
    const struct row row = {"copy", "", NULL, "forbid open get expect:90 complete read:0 close", "", 0};
    run_row(&h, CLIENT, &row, NULL);
    const struct event *note = harness_find(&h, EVENT_NOTE, VDI_FN_NONE, 1);
    assert_int_equal(h.exit_status, 0);
    assert_non_null(note);
    assert_int_equal(note->arg[0], NOTE_GUARD);
    harness_end(&h);
}

/* ---- what follows from an access ---- */

static void on_finding(void **state)
{
    (void)state;
    const struct row row = {"pages", "", NULL, "open " BAD_READ "close destroy", ONE_READ, ABORTED};
    setenv("VDIFAULT_ON_FINDING", "abort", 1);
    check_row(CLIENT, &row, NULL);
    unsetenv("VDIFAULT_ON_FINDING");
}

/* abort(at=touch): whichever way the buffer is touched first, and then it is as it was delivered. */
static void abort_at_touch(void **state)
{
    (void)state;
    static const struct {
        struct row row;
        const char *log;
        uint32_t fired;
    } table[] = {
        {{"pages", "", NULL, "open get get read:0 expect:90 complete close destroy", "", 0},
         "GetCommand:0=NOERROR GetCommand:0=NOERROR fault0 *SignalAbort=NOERROR CompleteCommand:0=VD_E_ABORT "
         "Close=NOERROR Destroy=NOERROR",
         1},
        {{"copy", READS, NULL, "open get get fill complete close destroy", "", 0},
         "GetCommand:0=NOERROR GetCommand:0=NOERROR fault0 *SignalAbort=NOERROR CompleteCommand:0=VD_E_ABORT "
         "Close=NOERROR Destroy=NOERROR",
         1},
        {{"auto", "", NULL, "open get get call-write complete close destroy", "", 0},
         "GetCommand:0=NOERROR GetCommand:0=NOERROR fault0 *SignalAbort=NOERROR CompleteCommand:0=VD_E_ABORT "
         "Close=NOERROR Destroy=NOERROR",
         1},
        /* Never touched: it did not happen. */
        {{"pages", "", NULL, "open get get complete close destroy", "", 0},
         "GetCommand:0=NOERROR GetCommand:0=NOERROR CompleteCommand:0=NOERROR Close=VD_E_OPEN "
         "Destroy=NOERROR",
         0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        const char *command = strstr(table[i].row.fake, READS) != NULL ? "Read" : "Write";
        struct harness h;
        char fault[64], accesses[256];
        snprintf(fault, sizeof fault, "fault abort(by=client,at=touch)@%s#2:0", command);
        run_row(&h, CLIENT, &table[i].row, fault);
        write_accesses(&h, accesses, sizeof accesses);
        assert_string_equal(accesses, "");
        assert_int_equal(h.exit_status, 0);
        assert_non_null(strstr(h.log, table[i].log));
        assert_int_equal(atomic_load(&h.state->faults[0].fired), table[i].fired);
        harness_end(&h);
    }
}

/* While one thread waits for the fault, which no server will ever do, another one completes the command. */
static void completed_during_the_touch(void **state)
{
    (void)state;
    const struct row row = {
        "pages", READS, "1000", "open get start:read:0 complete join close destroy", "r buffer completed+0",
        0};
    check_row(CLIENT, &row, "fault abort(at=touch)@Read#1:0");
}

/* ---- other builds of the same client ---- */

/* What no page protects, AddressSanitizer does: its report ends the client, but the access is known. */
static const struct row poisoned[] = {
    {"pages", READS, "1000", "open get fill write:1000 complete close destroy", "w beyond held+1000", 1},
    {"pages", "", "1000", "open get read:999 read:1008 complete close destroy", "r beyond held+1008", 1},
    {"pages", READS, "1000", "open get fill complete write:1008 close destroy", "w beyond completed+1008", 0},
};

static void other_builds(void **state)
{
    (void)state;
    static const char *const clients[] = {CLIENTS_OF_SANITIZERS};
    setenv("ASAN_OPTIONS", "verify_asan_link_order=0:detect_leaks=0", 1);
    for (size_t i = 0; i < sizeof clients / sizeof clients[0]; i++) {
        print_message("%s\n", clients[i]);
        CHECK_ROWS(clients[i], threads);
        CHECK_ROWS(clients[i], processes);
        CHECK_ROWS(clients[i], calls);
        check_rows(clients[i], signals, 6); /* the rest ends by a report of its own */
        CHECK_ROWS(clients[i], poisoned);
    }
    unsetenv("ASAN_OPTIONS");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(after_it_was_given_back),
        cmocka_unit_test(after_an_abort),
        cmocka_unit_test(while_it_is_held),
        cmocka_unit_test(says_all_of_an_access),
        cmocka_unit_test(system_calls),
        cmocka_unit_test(signal_handlers),
        cmocka_unit_test(small_stack),
        cmocka_unit_test(children),
        cmocka_unit_test(many_threads),
        cmocka_unit_test(without_aliases),
        cmocka_unit_test(without_copies),
        cmocka_unit_test(on_finding),
        cmocka_unit_test(abort_at_touch),
        cmocka_unit_test(completed_during_the_touch),
        cmocka_unit_test(other_builds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
