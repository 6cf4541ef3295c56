/* test_cli_profile.c - what a profile is made of: hand-written calls of a client, as the interposer records them. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "profile_make.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    EVENTS_MAX = 90000,
    CLIENT = 100,
    NS_PER_MS = 1000000,
};

static struct report_event events[EVENTS_MAX];
static size_t count;
static uint64_t now;
static uint32_t thread;
static struct profile_made *made;
static char text[1 << 16];

static int setup(void **state)
{
    (void)state;
    count = 0;
    now = 1000;
    thread = CLIENT;
    made = NULL;
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    free(made);
    return 0;
}

static void wait_ms(uint64_t ms)
{
    now += ms * NS_PER_MS;
}

static struct event *put(enum event_kind kind, uint16_t function, int16_t device)
{
    assert_true(count < EVENTS_MAX);
    struct event *event = &events[count].event;
    now += 1000;
    *event = (struct event){.sequence = count + 1,
                            .time_ns = now,
                            .kind = (uint8_t)kind,
                            .side = EVENT_SIDE_CLIENT,
                            .function = function,
                            .device = device,
                            .process = CLIENT,
                            .thread = thread,
                            .set = 1};
    count++;
    return event;
}

static uint64_t begin(uint16_t function, int16_t device)
{
    return put(EVENT_CALL_BEGIN, function, device)->sequence;
}

static struct event *end(uint16_t function, int16_t device, uint64_t call, int32_t result)
{
    struct event *event = put(EVENT_CALL_END, function, device);
    event->call = call;
    event->result = result;
    return event;
}

static void call(uint16_t function, int16_t device, int32_t result)
{
    end(function, device, begin(function, device), result);
}

static void bring_up(uint32_t devices)
{
    struct event *configuration = end(VDI_FN_GET_CONFIGURATION, -1, begin(VDI_FN_GET_CONFIGURATION, -1), 0);
    configuration->arg[0] = VDF_RequestComplete;
    configuration->arg[1] = 4096;
    configuration->arg[2] = 1048576;
    configuration->arg[3] = devices;
    for (uint32_t i = 0; i < devices; i++) {
        call(VDI_FN_OPEN_DEVICE, (int16_t)i, 0);
    }
}

static void fetched(int16_t device, uint64_t asked, int32_t code, int32_t size, int64_t position)
{
    struct event *event = end(VDI_FN_GET_COMMAND, device, asked, 0);
    event->arg[1] = code;
    event->arg[2] = size;
    event->arg[3] = position;
    event->arg[4] = 0x1000 * (int64_t)(1 + count % 3);
}

static void fetch(int16_t device, int32_t code, int32_t size)
{
    fetched(device, begin(VDI_FN_GET_COMMAND, device), code, size, 0);
}

static void complete(int16_t device, int32_t code, int32_t answer, int32_t bytes, int32_t result)
{
    struct event *event = put(EVENT_CALL_BEGIN, VDI_FN_COMPLETE_COMMAND, device);
    event->arg[1] = answer;
    event->arg[2] = bytes;
    event->arg[5] = code;
    end(VDI_FN_COMPLETE_COMMAND, device, event->sequence, result);
}

static void serve(int16_t device, int32_t code, int32_t size)
{
    fetch(device, code, size);
    complete(device, code, ERROR_SUCCESS, size, 0);
}

static void make(void)
{
    FILE *out = fmemopen(text, sizeof text, "w");
    assert_int_equal(profile_make(events, count, &made), 0);
    assert_int_equal(profile_write(out, made, "a test"), 0);
    fclose(out);
    /* Whatever was recorded, the profile is a plan. */
    struct plan plan;
    struct fault_error error;
    uint32_t line = 0;
    plan_init(&plan);
    if (plan_parse(text, strlen(text), &plan, &error, &line) != 0) {
        fail_msg("line %u: %s\n%s", line, error.message, text);
    }
}

static void expect(const char *line)
{
    if (strstr(text, line) == NULL) {
        fail_msg("no '%s' in\n%s", line, text);
    }
}

static void expect_not(const char *line)
{
    if (strstr(text, line) != NULL) {
        fail_msg("'%s' in\n%s", line, text);
    }
}

static void sizes_flushes_and_silences_in_their_order(void **state)
{
    (void)state;
    bring_up(1);
    serve(0, VDC_Write, 4096);
    serve(0, VDC_Write, 65536);
    serve(0, VDC_Write, 65536);
    uint64_t asked = begin(VDI_FN_GET_COMMAND, 0);
    wait_ms(80);
    fetched(0, asked, VDC_Write, 8192, 0);
    wait_ms(500); /* the client's own time is no silence */
    complete(0, VDC_Write, ERROR_SUCCESS, 8192, 0);
    serve(0, VDC_Flush, 0);
    serve(0, VDC_Write, 512);
    serve(0, VDC_Flush, 0);
    serve(0, VDC_Complete, 0);
    asked = begin(VDI_FN_GET_COMMAND, 0);
    wait_ms(7);
    end(VDI_FN_GET_COMMAND, 0, asked, VD_E_CLOSE);
    call(VDI_FN_CLOSE, -1, 0);
    make();
    expect("server profile backup device 0 4096 65536*2 pause:80 8192 flush 512\n");
    expect("server profile backup sizes 4096 1048576\n");
    expect("server profile backup close 7\n");
    expect("server complete yes\n");
    expect("at its end: Flush Complete\n");
    expect("server profile backup outstanding 1+\n");
    expect("server profile backup buffers 3\n");
    expect("server recorded complete-sent\n");
    /* 2 * (65536 - 512) + (8192 - 512) */
    expect("server size 137728\n");
    expect_not("fault ");
}

static void what_the_client_left_waiting_is_the_servers_limit(void **state)
{
    (void)state;
    bring_up(1);
    fetch(0, VDC_Write, 512);
    fetch(0, VDC_Write, 512);
    fetch(0, VDC_Write, 512);
    uint64_t asked = begin(VDI_FN_GET_COMMAND, 0);
    wait_ms(30);
    thread++;
    complete(0, VDC_Write, ERROR_SUCCESS, 512, 0);
    thread--;
    fetched(0, asked, VDC_Write, 512, 0);
    make();
    expect("server profile backup outstanding 3\n");
    expect("server recorded several-commands\n");
    expect("which did not come to VD_E_CLOSE");
    expect_not("server size");
}

static void devices_by_their_first_command(void **state)
{
    (void)state;
    bring_up(3);
    serve(2, VDC_Write, 512);
    serve(0, VDC_Write, 512);
    serve(1, VDC_Write, 1024);
    make();
    expect("server profile backup order 2 0 1\n");
    expect("device 1 1024\n");
}

static void reads_follow_the_data(void **state)
{
    (void)state;
    bring_up(1);
    static const struct {
        int32_t size;
        int64_t position;
    } reads[] = {{512, 0}, {8192, 4608}, {4096, 512}, {65536, 12800}};
    for (size_t i = 0; i < 4; i++) {
        fetched(0, begin(VDI_FN_GET_COMMAND, 0), VDC_Read, reads[i].size, reads[i].position);
        complete(0, VDC_Read, ERROR_SUCCESS, reads[i].size, 0);
    }
    make();
    expect("server profile restore device 0 512 4096 8192 65536\n");
    expect_not("backup");
}

static void long_sequences_become_a_mix(void **state)
{
    (void)state;
    bring_up(2);
    for (int i = 0; i < 3000; i++) {
        serve(0, VDC_Write, i % 2 == 0 ? 65536 : 4096);
        if (i == 1500) {
            serve(0, VDC_Flush, 0);
        }
        serve(1, VDC_Write, 512);
    }
    serve(0, VDC_Write, 512);
    make();
    expect("device 0 65536 4096 65536");
    expect(" mix*");
    expect(" flush mix*");
    expect(" 65536 4096 512\n");
    expect("server profile backup device 1 512*3000\n");
    expect("server profile backup mix 65536:");
    assert_int_equal(profile_transfers(&made->profile, PROFILE_BACKUP, 0), 3001);
    assert_true(made->profile.step_count <= PROFILE_STEPS_MAX / 2);
}

static void any_number_of_devices_and_steps_has_room(void **state)
{
    (void)state;
    bring_up(64);
    for (int i = 0; i < 300; i++) {
        for (int16_t device = 0; device < 64; device++) {
            serve(device, i % 7 == 0 ? VDC_Flush : VDC_Write, 512 + 512 * (i % 50));
        }
    }
    make();
    for (uint32_t i = 0; i < 64; i++) {
        assert_true(profile_transfers(&made->profile, PROFILE_BACKUP, i) > 200);
    }
}

static void an_abort_can_be_had_again(void **state)
{
    (void)state;
    bring_up(2);
    serve(1, VDC_Write, 512);
    fetch(1, VDC_Write, 65536);
    complete(1, VDC_Write, ERROR_SUCCESS, 65536, VD_E_ABORT);
    wait_ms(12);
    call(VDI_FN_GET_COMMAND, 0, VD_E_ABORT);
    call(VDI_FN_GET_COMMAND, 0, VD_E_ABORT);
    call(VDI_FN_CLOSE, -1, 0);
    make();
    expect("fault abort(at=complete)@Write#2:1\n");
    expect(
        "# aborted: CompleteCommand on device 1 after 2 commands, with Write in hand, gave VD_E_ABORT, 0 ms");
    expect("# aborted: GetCommand on device 0 after 0 commands gave VD_E_ABORT, 12 ms");
    assert_int_equal(made->abort_count, 2);
}

static void an_abort_between_commands(void **state)
{
    (void)state;
    bring_up(1);
    serve(0, VDC_Write, 512);
    call(VDI_FN_GET_COMMAND, 0, VD_E_ABORT);
    make();
    expect("fault abort@GetCommand#2:0\n");
}

static void what_the_client_aborted_is_not_the_servers(void **state)
{
    (void)state;
    bring_up(1);
    serve(0, VDC_Write, 512);
    call(VDI_FN_SIGNAL_ABORT, -1, 0);
    call(VDI_FN_GET_COMMAND, 0, VD_E_ABORT);
    make();
    expect_not("abort");
}

/* The same calls with other results: each reading is told by name. */
static void readings_of_the_library(void **state)
{
    static const struct {
        int32_t open_result, again_result, close_result;
        uint64_t timeout_ms;
        const char *expected, *recorded;
    } cases[] = {
        {VD_E_OPEN, VD_E_CLOSE, VD_E_OPEN, 100,
         "VDI_DIALECT=open-active:open,get-after-close:close,close-open:open,timeout-unit:ms\n",
         "server recorded open-active:open get-after-close:close close-open:open timeout-unit:ms\n"},
        {VD_E_PROTOCOL, VD_E_PROTOCOL, 0, 100000,
         "VDI_DIALECT=open-active:protocol,get-after-close:protocol,close-open:noerror,timeout-unit:s\n",
         "server recorded open-active:protocol get-after-close:protocol close-open:noerror timeout-unit:s\n"},
    };
    for (size_t i = 0; i < 2; i++) {
        teardown(state);
        setup(state);
        bring_up(2);
        call(VDI_FN_OPEN_DEVICE, -1, cases[i].open_result);
        serve(0, VDC_Write, 512);
        struct event *asked = put(EVENT_CALL_BEGIN, VDI_FN_GET_COMMAND, 0);
        asked->arg[0] = 100;
        wait_ms(cases[i].timeout_ms);
        end(VDI_FN_GET_COMMAND, 0, asked->sequence, VD_E_TIMEOUT);
        call(VDI_FN_GET_COMMAND, 0, VD_E_CLOSE);
        call(VDI_FN_GET_COMMAND, 0, cases[i].again_result);
        call(VDI_FN_CLOSE, -1, cases[i].close_result);
        make();
        expect(cases[i].expected);
        expect(cases[i].recorded);
    }
}

static void a_configuration_after_an_abort_is_a_reading(void **state)
{
    (void)state;
    bring_up(1);
    serve(0, VDC_Write, 512);
    call(VDI_FN_GET_COMMAND, 0, VD_E_ABORT);
    call(VDI_FN_GET_CONFIGURATION, -1, VD_E_ABORT);
    make();
    expect("VDI_DIALECT=getcfg-aborted:abort\n");
}

static void what_faults_did_is_not_the_servers(void **state)
{
    (void)state;
    bring_up(1);
    serve(0, VDC_Write, 512);
    uint64_t asked = begin(VDI_FN_GET_COMMAND, 0);
    end(VDI_FN_GET_COMMAND, 0, asked, VD_E_ABORT)->flags = EVENT_FLAG_FAULTED;
    make();
    expect_not("abort");
}

static void no_command_is_no_profile(void **state)
{
    (void)state;
    assert_int_equal(profile_make(events, 0, &made), ENOENT);
    bring_up(1);
    call(VDI_FN_GET_COMMAND, 0, VD_E_TIMEOUT);
    assert_int_equal(profile_make(events, count, &made), ENOENT);
    assert_null(made);
}

/* A trace may hold anything: ends without begins, devices and codes there are not, absurd numbers. */
static void nonsense_is_no_crash(void **state)
{
    (void)state;
    uint64_t random = 7;
    for (int i = 0; i < 20000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        struct event *event = put(random >> 60 & 1 ? EVENT_CALL_END : EVENT_CALL_BEGIN,
                                  (uint16_t)(random >> 40 & 15), (int16_t)((random >> 30 & 127) - 32));
        event->operation = (int32_t)(random >> 20 & 3) - 1;
        event->call = random >> 50 & 1 ? count - 1 : random;
        event->time_ns = random >> 55 & 1 ? now : random;
        event->result = random >> 58 & 1 ? 0 : VD_E_ABORT;
        for (int n = 0; n < 7; n++) {
            event->arg[n] = random >> (8 + n) & 1 ? (int64_t)(random >> 59) : (int64_t)random;
        }
    }
    make();
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        TEST(sizes_flushes_and_silences_in_their_order),
        TEST(what_the_client_left_waiting_is_the_servers_limit),
        TEST(devices_by_their_first_command),
        TEST(reads_follow_the_data),
        TEST(long_sequences_become_a_mix),
        TEST(any_number_of_devices_and_steps_has_room),
        TEST(an_abort_can_be_had_again),
        TEST(an_abort_between_commands),
        TEST(what_the_client_aborted_is_not_the_servers),
        TEST(readings_of_the_library),
        TEST(a_configuration_after_an_abort_is_a_reading),
        TEST(what_faults_did_is_not_the_servers),
        TEST(no_command_is_no_profile),
        TEST(nonsense_is_no_crash),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
