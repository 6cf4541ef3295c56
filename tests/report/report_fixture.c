/* report_fixture.c - see report_fixture.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include "report_fixture.h"

#include <cmocka.h>
#include <dlfcn.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vdi.h"
#include "vdierror.h"

uint64_t fixture_load_base(char **path)
{
    Dl_info info;
    struct link_map *map = NULL;

    assert_int_not_equal(dladdr1((void *)(uintptr_t)fixture_load_base, &info, (void **)&map, RTLD_DL_LINKMAP),
                         0);
    *path = realpath("/proc/self/exe", NULL);
    assert_non_null(*path);
    return map->l_addr;
}

uint64_t own_address(void)
{
    return (uint64_t)(uintptr_t)own_address + 1;
}

uint64_t fixture_add(struct fixture *fixture, struct event event, const char *text)
{
    assert_true(fixture->count < EVENTS_MAX);
    event.sequence = fixture->count + 1;
    event.time_ns = 1000000000 + fixture->count * 1500000;
    fixture->events[fixture->count++] = (struct report_event){event, text ? text : ""};
    return event.sequence;
}

static uint64_t call(struct fixture *fixture, uint16_t function, int16_t device, uint32_t thread,
                     int32_t result, const int64_t *begin_arg, const int64_t *end_arg, const char *text)
{
    struct event event = {.side = EVENT_SIDE_CLIENT,
                          .function = function,
                          .device = device,
                          .process = CLIENT,
                          .thread = thread,
                          .set = 1};
    uint64_t begin;

    event.kind = EVENT_CALL_BEGIN;
    memcpy(event.arg, begin_arg ? begin_arg : (int64_t[6]){0}, 6 * sizeof(int64_t));
    event.stack = OWN_STACK;
    begin = fixture_add(fixture, event, text);
    event.kind = EVENT_CALL_END;
    event.call = begin;
    memcpy(event.arg, end_arg ? end_arg : (int64_t[6]){0}, 6 * sizeof(int64_t));
    event.result = result;
    fixture_add(fixture, event, NULL);
    return begin;
}

static void server(struct fixture *fixture, enum event_kind kind, int32_t operation, const int64_t *arg,
                   const char *text)
{
    struct event event = {.kind = (uint8_t)kind,
                          .side = EVENT_SIDE_SERVER,
                          .device = -1,
                          .operation = operation,
                          .process = SERVER,
                          .thread = SERVER};

    memcpy(event.arg, arg, 4 * sizeof *arg);
    fixture_add(fixture, event, text);
}

/* A client that closes after a lost VD_E_CLOSE without having aborted, seen with its server. */
static void record_lost_close(struct fixture *fixture, char *module, uint64_t base)
{
    static char frame[24];
    struct event place = {.kind = EVENT_MODULE,
                          .side = EVENT_SIDE_CLIENT,
                          .device = -1,
                          .operation = -1,
                          .process = CLIENT,
                          .thread = THREAD_MAIN};
    struct event fault = {
        .kind = EVENT_FAULT, .side = EVENT_SIDE_CLIENT, .process = CLIENT, .thread = THREAD_WORKER, .set = 1};
    struct event exit = {.kind = EVENT_PROCESS_EXIT,
                         .side = EVENT_SIDE_SUPERVISOR,
                         .device = -1,
                         .operation = -1,
                         .process = CLIENT};

    place.arg[0] = (int64_t)base;
    place.arg[1] = (int64_t)own_address();
    place.arg[2] = (int64_t)own_address() + 1;
    fixture_add(fixture, place, module);
    place.kind = EVENT_STACK;
    place.stack = OWN_STACK;
    snprintf(frame, sizeof frame, "%llx", (unsigned long long)own_address());
    fixture_add(fixture, place, frame);
    server(fixture, EVENT_STATEMENT_BEGIN, -1, (int64_t[4]){1, PROCESS_CLIENT},
           "BACKUP DATABASE pubs TO VIRTUAL_DEVICE='set-1'");
    call(fixture, VDI_FN_CREATE, -1, THREAD_MAIN, 0, (int64_t[6]){1}, NULL, "set-1");
    server(fixture, EVENT_STATEMENT_OPEN, 0, (int64_t[4]){1, 1, 1}, "pubs");
    call(fixture, VDI_FN_GET_CONFIGURATION, -1, THREAD_MAIN, 0, (int64_t[6]){10000},
         (int64_t[6]){0, 512, 65536, 1}, NULL);
    call(fixture, VDI_FN_OPEN_DEVICE, 0, THREAD_MAIN, 0, NULL, NULL, "set-1");
    call(fixture, VDI_FN_GET_COMMAND, 0, THREAD_WORKER, 0, (int64_t[6]){1000},
         (int64_t[6]){0x10, VDC_Write, 65536, 0, 0x7000, 1}, NULL);
    call(fixture, VDI_FN_COMPLETE_COMMAND, 0, THREAD_WORKER, 0,
         (int64_t[6]){0x10, ERROR_SUCCESS, 65536, 0, 0, VDC_Write}, NULL, NULL);
    fault.call = fixture->count + 1;
    call(fixture, VDI_FN_GET_COMMAND, 0, THREAD_WORKER, VD_E_TIMEOUT, (int64_t[6]){1000}, NULL, NULL);
    fixture_add(fixture, fault, NULL);
    server(fixture, EVENT_STREAM, 0, (int64_t[4]){1, 65536, 7, 0}, NULL);
    server(fixture, EVENT_MESSAGE, 0, (int64_t[4]){1, 3014, 0, 1},
           "BACKUP DATABASE successfully processed 1 pages.");
    server(fixture, EVENT_STATEMENT_END, 0, (int64_t[4]){1, STATEMENT_SUCCESS, 65536, 0xabc}, NULL);
    for (int i = 0; i < 5; i++) {
        call(fixture, VDI_FN_GET_COMMAND, 0, THREAD_WORKER, VD_E_TIMEOUT, (int64_t[6]){1000}, NULL, NULL);
    }
    call(fixture, VDI_FN_CLOSE, -1, THREAD_MAIN, VD_E_OPEN, NULL, NULL, NULL);
    exit.arg[2] = PROCESS_CLIENT;
    fixture_add(fixture, exit, NULL);
}

int fixture_set_up(void **state)
{
    struct fixture *fixture = calloc(1, sizeof *fixture);
    struct fault_error error;
    char *module;
    uint64_t base = fixture_load_base(&module);

    assert_non_null(fixture);
    plan_init(&fixture->plan);
    assert_int_equal(fault_parse("lost-close@GetCommand:0", &fixture->plan.faults[0], &error), 0);
    assert_int_equal(fault_parse("abort@Write#9:0", &fixture->plan.faults[1], &error), 0);
    fixture->plan.fault_count = 2;
    record_lost_close(fixture, module, base);
    assert_int_equal(checker_new(&fixture->plan, &fixture->checker), 0);
    for (size_t i = 0; i < fixture->count; i++) {
        checker_feed(fixture->checker, &fixture->events[i].event, fixture->events[i].text);
    }
    free(module);
    fixture->events[0].text = ""; /* the checker has its own copies */
    fixture->events[1].text = "";
    fixture->arguments[0] = "./client";
    fixture->arguments[1] = "-P";
    fixture->arguments[2] = "geheim";
    /* VDI-GETCMD-004 comes with it: one finding is enough to look at. */
    fixture->judgement = *checker_finish(fixture->checker);
    assert_true(fixture->judgement.finding_count > 0);
    fixture->judgement.finding_count = 1;
    fixture->input = (struct report_input){.judgement = &fixture->judgement,
                                           .plan = &fixture->plan,
                                           .events = fixture->events,
                                           .event_count = fixture->count,
                                           .client_argc = 3,
                                           .client_argv = fixture->arguments,
                                           .wall_ms = 1234,
                                           .repeat = "vdifault run --fault lost-close -- ./client -P geheim",
                                           .fail_on = SEVERITY_ERROR};
    *state = fixture;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;

    checker_free(fixture->checker);
    free(fixture);
    return 0;
}
