/* Folding of busy loops, arrivals at sites, "#last", and why a run shows nothing. */
#include <errno.h>
#include <inttypes.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "record.h"
#include "site.h"
#include "vdi.h"
#include "vdierror.h"
#include "verdict.h"

static struct record record;
static uint64_t sequence;

static int start(void **state)
{
    (void)state;
    record_init(&record, "/tmp");
    sequence = 0;
    return 0;
}

static int end(void **state)
{
    (void)state;
    record_free(&record);
    return 0;
}

static struct event make(enum event_kind kind, int function, int device, uint32_t thread)
{
    return (struct event){.sequence = ++sequence,
                          .kind = (uint8_t)kind,
                          .side = EVENT_SIDE_CLIENT,
                          .function = (uint16_t)function,
                          .device = (int16_t)device,
                          .process = 10,
                          .thread = thread};
}

/* One GetCommand: begin and end. */
static void get_command(uint32_t thread, int device, int result, int command)
{
    struct event begin = make(EVENT_CALL_BEGIN, VDI_FN_GET_COMMAND, device, thread);
    struct event done = make(EVENT_CALL_END, VDI_FN_GET_COMMAND, device, thread);
    done.call = begin.sequence;
    done.result = result;
    done.arg[1] = command;
    record_take(&record, &begin, "");
    record_take(&record, &done, "");
}

static void folds_a_busy_loop(void **state)
{
    (void)state;
    for (int i = 0; i < 50000; i++) {
        get_command(1, 0, VD_E_TIMEOUT, 0);
    }
    assert_int_equal(record.count, 2);
    assert_int_equal(record.events[1].event.repeat, 49999);
    assert_int_equal(record.calls, 50000);
    assert_int_equal(record_longest_idle(&record), 50000);
    get_command(1, 0, 0, VDC_Write);
    assert_int_equal(record.count, 4);
    assert_int_equal(record_longest_idle(&record), 0);
    record_finish(&record);
    assert_int_equal(record.count, 4);
}

static void folds_only_what_is_identical(void **state)
{
    (void)state;
    get_command(1, 0, VD_E_TIMEOUT, 0);
    get_command(1, 1, VD_E_TIMEOUT, 0); /* another device */
    get_command(1, 1, VD_E_ABORT, 0);   /* another result */
    get_command(2, 1, VD_E_ABORT, 0);   /* another thread */
    assert_int_equal(record.count, 8);
    get_command(2, 1, VD_E_ABORT, 0);
    get_command(1, 1, VD_E_ABORT, 0);
    assert_int_equal(record.count, 8);
    get_command(1, 0, 0, VDC_Flush); /* successes are never folded */
    get_command(1, 0, 0, VDC_Flush);
    assert_int_equal(record.count, 12);
}

static void a_fault_between_ends_the_fold(void **state)
{
    (void)state;
    get_command(1, 0, VD_E_TIMEOUT, 0);
    struct event begin = make(EVENT_CALL_BEGIN, VDI_FN_GET_COMMAND, 0, 1);
    struct event fault = make(EVENT_FAULT, VDI_FN_GET_COMMAND, 0, 1);
    struct event done = make(EVENT_CALL_END, VDI_FN_GET_COMMAND, 0, 1);
    fault.call = begin.sequence;
    done.call = begin.sequence;
    done.result = VD_E_TIMEOUT;
    record_take(&record, &begin, "");
    record_take(&record, &fault, "");
    record_take(&record, &done, "");
    assert_int_equal(record.count, 5);
    assert_int_equal(record.events[2].event.kind, EVENT_CALL_BEGIN);
    assert_int_equal(record.events[3].event.kind, EVENT_FAULT);
    assert_int_equal(record.events[1].event.repeat, 0);
}

/* Who waits for what a fault holds up does not wait for nothing. */
static void a_fault_that_takes_time_is_a_sign_until_it_is_over(void **state)
{
    static struct plan plan = {.fault_count = 2};
    (void)state;
    plan.faults[1].arg[FAULT_ARG_MS] = 60000;
    record.plan = &plan;
    struct event fault = make(EVENT_FAULT, VDI_FN_GET_COMMAND, 0, 1);
    record_take(&record, &fault, "");
    assert_true(record_last_sign(&record) == record.progress_ns);
    fault.arg[0] = 1;
    record_take(&record, &fault, "");
    int64_t end = record_last_sign(&record);
    assert_true(end == record.progress_ns + INT64_C(60000000000));
    fault.arg[0] = 2; /* of no plan: the client writes into its rings what it likes */
    record_take(&record, &fault, "");
    get_command(1, 0, 0, 0);
    assert_true(record_last_sign(&record) == end);
}

static void an_open_call_that_would_fold_is_kept(void **state)
{
    (void)state;
    get_command(1, 0, VD_E_TIMEOUT, 0);
    struct event begin = make(EVENT_CALL_BEGIN, VDI_FN_GET_COMMAND, 0, 1);
    record_take(&record, &begin, "");
    assert_non_null(record_open_call(&record, 10, 1));
    assert_int_equal(record.count, 2);
    record_finish(&record);
    assert_int_equal(record.count, 3);
    assert_int_equal(record.events[2].event.sequence, begin.sequence);
}

static void a_call_of_a_fault_leaves_the_client_in_its_own(void **state)
{
    (void)state;
    struct event begin = make(EVENT_CALL_BEGIN, VDI_FN_GET_COMMAND, 0, 1);
    struct event inner = make(EVENT_CALL_BEGIN, VDI_FN_CLOSE, -1, 1);
    inner.flags = EVENT_FLAG_BY_FAULT;
    record_take(&record, &begin, "");
    record_take(&record, &inner, "");
    inner.kind = EVENT_CALL_END;
    inner.call = inner.sequence++;
    record_take(&record, &inner, "");
    const struct record_thread *open = record_open_call(&record, 10, 1);
    assert_non_null(open);
    assert_int_equal(open->begin.function, VDI_FN_GET_COMMAND);
}

static char set_name[64];
static int64_t set_devices;

static void note_set(void *context, const struct event *done, const char *name, int64_t device_count)
{
    (void)context;
    (void)done;
    snprintf(set_name, sizeof set_name, "%s", name);
    set_devices = device_count;
}

static void a_successful_create_is_announced(void **state)
{
    (void)state;
    record.on_set = note_set;
    for (int result = VD_E_INVALID; result != 1; result = result == 0 ? 1 : 0) {
        struct event begin = make(EVENT_CALL_BEGIN, VDI_FN_CREATE, -1, 1);
        struct event done = make(EVENT_CALL_END, VDI_FN_CREATE, -1, 1);
        begin.arg[0] = 3;
        done.call = begin.sequence;
        done.result = result;
        record_take(&record, &begin, "backup-set");
        assert_string_equal(set_name, "");
        record_take(&record, &done, "");
    }
    assert_string_equal(set_name, "backup-set");
    assert_int_equal(set_devices, 3);
}

static void events_end_up_in_run_order(void **state)
{
    (void)state;
    get_command(1, 0, 0, VDC_Write);
    struct event late = make(EVENT_FAULT, 0, 0, 3);
    late.sequence = 0;
    record_take(&record, &late, "");
    record_finish(&record);
    for (size_t i = 1; i < record.count; i++) {
        assert_true(record.events[i - 1].event.sequence < record.events[i].event.sequence);
    }
}

static uint64_t next_random(uint64_t *random)
{
    *random ^= *random << 13;
    *random ^= *random >> 7;
    *random ^= *random << 17;
    return *random;
}

/* Kilobytes this process keeps in memory that is nobody's file. */
static long private_kilobytes(void)
{
    char line[256];
    long kilobytes = -1;
    FILE *status = fopen("/proc/self/status", "r");
    assert_non_null(status);
    while (fgets(line, sizeof line, status) != NULL) {
        sscanf(line, "RssAnon: %ld", &kilobytes);
    }
    fclose(status);
    assert_true(kilobytes >= 0);
    return kilobytes;
}

/* What a backup of 250,000 commands records, in the order in which several rings are drained: it is there, in run
 * order, with its texts, and what is beyond the limit lies in a file. */
static void many_events_lie_in_a_file(void **state)
{
    (void)state;
    enum {
        COUNT = 1000000,
        BATCH = 5000
    };
    uint64_t random = 88172645463325252u;
    char text[24];
    long before = private_kilobytes();
    for (uint64_t batch = 0; batch < COUNT; batch += BATCH) {
        uint64_t turn = next_random(&random) % BATCH;
        for (uint64_t i = 0; i < BATCH; i++) {
            struct event event = {.sequence = batch + (i + turn) % BATCH + 1, .kind = EVENT_MESSAGE};
            snprintf(text, sizeof text, "%" PRIu64, event.sequence);
            record_take(&record, &event, event.sequence % 8 == 0 ? text : "");
        }
    }
    struct event straggler = {.sequence = 0, .kind = EVENT_MESSAGE};
    record_take(&record, &straggler, "first");
    record_finish(&record);
    assert_false(record.out_of_memory);
    assert_int_equal(record.count, COUNT + 1);
    assert_string_equal(record.events[0].text, "first");
    for (uint64_t i = 1; i <= COUNT; i++) {
        snprintf(text, sizeof text, "%" PRIu64, i);
        if (record.events[i].event.sequence != i ||
            strcmp(record.events[i].text, i % 8 == 0 ? text : "") != 0) {
            fail_msg("event %" PRIu64 " is %" PRIu64 ", '%s'", i, record.events[i].event.sequence,
                     record.events[i].text);
        }
    }
    assert_true(record.rows.size > RECORD_MEMORY);
    long used = private_kilobytes() - before;
#ifndef RECORD_MEMORY_UNKNOWN
    assert_in_range(used, 0, 2 * RECORD_MEMORY / 1024);
#endif
    (void)used;
}

static void a_folder_that_cannot_be_written_is_told(void **state)
{
    (void)state;
    struct event event = {.kind = EVENT_MESSAGE};
    record_free(&record);
    record_init(&record, "/proc/none");
    for (uint64_t i = 0; i < RECORD_MEMORY / sizeof event && !record.out_of_memory; i++) {
        event.sequence = i;
        record_take(&record, &event, "");
    }
    assert_true(record.out_of_memory);
    assert_true(record.count >= RECORD_MEMORY / sizeof(struct report_event) / 2); /* what fits is kept */
    record_finish(&record);
}

/* ---- sites ---- */

static void add_fault(struct plan *plan, const char *text)
{
    struct fault_error error;
    assert_int_equal(fault_parse(text, &plan->faults[plan->fault_count++], &error), 0);
}

static struct plan plan;

static void fill(void)
{
    for (int i = 0; i < 3; i++) {
        get_command(1, 0, 0, VDC_Write);
    }
    for (int i = 0; i < 5; i++) {
        get_command(2, 1, 0, VDC_Write);
    }
    get_command(1, 0, VD_E_TIMEOUT, 0);
    get_command(1, 0, VD_E_TIMEOUT, 0);
    get_command(1, 0, 0, VDC_Flush);
    record_finish(&record);
}

static void last_is_the_last_arrival(void **state)
{
    (void)state;
    uint32_t failed = 0;
    fill();
    plan_init(&plan);
    add_fault(&plan, "abort@Write#last:0");
    add_fault(&plan, "abort@Write#last");
    add_fault(&plan, "early-close@GetCommand#last:0");
    add_fault(&plan, "abort@Flush#last");
    assert_int_equal(site_resolve_last(&record, &plan, &failed), 0);
    assert_int_equal(plan.faults[0].site.nth, 3);
    assert_int_equal(plan.faults[1].site.nth, 5); /* the device that gets furthest */
    assert_int_equal(plan.faults[2].site.nth, 6); /* three writes, two polls folded into one, a flush */
    assert_int_equal(plan.faults[3].site.nth, 1);
}

static void last_of_each_device(void **state)
{
    (void)state;
    uint32_t failed = 0;
    fill();
    plan_init(&plan);
    add_fault(&plan, "abort@Write#last:*");
    assert_int_equal(site_resolve_last(&record, &plan, &failed), 0);
    assert_int_equal(plan.fault_count, 2);
    assert_int_equal(plan.faults[0].site.device, 0);
    assert_int_equal(plan.faults[0].site.nth, 3);
    assert_int_equal(plan.faults[1].site.device, 1);
    assert_int_equal(plan.faults[1].site.nth, 5);
}

static void last_of_what_never_comes(void **state)
{
    (void)state;
    uint32_t failed = 9;
    fill();
    plan_init(&plan);
    add_fault(&plan, "lost-close");
    add_fault(&plan, "abort@Read#last");
    assert_int_equal(site_resolve_last(&record, &plan, &failed), EINVAL);
    assert_int_equal(failed, 1);
}

static void says_why_a_run_shows_nothing(void **state)
{
    (void)state;
    char why[512];
    uint32_t fired[PLAN_FAULTS_MAX] = {0};
    fill();
    plan_init(&plan);
    verdict_nothing_shown(&record, &plan, fired, 12, 0, why, sizeof why);
    assert_string_equal(why, "");
    verdict_nothing_shown(&record, &plan, fired, 0, 0, why, sizeof why);
    assert_non_null(strstr(why, "no VDI call"));
    verdict_nothing_shown(&record, &plan, fired, 0, 7, why, sizeof why);
    assert_non_null(strstr(why, "7 events were lost"));
    add_fault(&plan, "abort@Write#9:1");
    verdict_nothing_shown(&record, &plan, fired, 12, 0, why, sizeof why);
    assert_non_null(strstr(why, "abort@Write#9:1 never fired"));
    assert_non_null(strstr(why, "reached 8 times"));
    assert_non_null(strstr(why, "5 on device 1"));
    fired[0] = 1;
    verdict_nothing_shown(&record, &plan, fired, 12, 0, why, sizeof why);
    assert_string_equal(why, "");
    const struct event note = {.kind = EVENT_NOTE, .arg = {NOTE_INTERPOSER}};
    record_take(&record, &note, "'x' is a static program");
    fired[0] = 0;
    verdict_nothing_shown(&record, &plan, fired, 0, 0, why, sizeof why);
    assert_non_null(strstr(why, "made no VDI call at all; 'x' is a static program"));
    plan_init(&plan);
    verdict_nothing_shown(&record, &plan, fired, 0, 0, why, sizeof why);
    assert_string_equal(why, "the client made no VDI call; 'x' is a static program");
    add_fault(&plan, "abort@Write#9:1");
    fired[0] = 1;
    /* a fault that fired is not vacuous because the client made no further call */
    verdict_nothing_shown(&record, &plan, fired, 0, 0, why, sizeof why);
    assert_string_equal(why, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(folds_a_busy_loop, start, end),
        cmocka_unit_test_setup_teardown(folds_only_what_is_identical, start, end),
        cmocka_unit_test_setup_teardown(a_fault_between_ends_the_fold, start, end),
        cmocka_unit_test_setup_teardown(a_fault_that_takes_time_is_a_sign_until_it_is_over, start, end),
        cmocka_unit_test_setup_teardown(an_open_call_that_would_fold_is_kept, start, end),
        cmocka_unit_test_setup_teardown(a_call_of_a_fault_leaves_the_client_in_its_own, start, end),
        cmocka_unit_test_setup_teardown(a_successful_create_is_announced, start, end),
        cmocka_unit_test_setup_teardown(events_end_up_in_run_order, start, end),
        cmocka_unit_test_setup_teardown(many_events_lie_in_a_file, start, end),
        cmocka_unit_test_setup_teardown(a_folder_that_cannot_be_written_is_told, start, end),
        cmocka_unit_test_setup_teardown(last_is_the_last_arrival, start, end),
        cmocka_unit_test_setup_teardown(last_of_each_device, start, end),
        cmocka_unit_test_setup_teardown(last_of_what_never_comes, start, end),
        cmocka_unit_test_setup_teardown(says_why_a_run_shows_nothing, start, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
