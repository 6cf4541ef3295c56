/* swept_run.c - see swept_run.h. */
#include "swept_run.h"

struct report_event events[EVENTS_MAX];
size_t count;
struct checker *checker;
struct plan no_faults;
struct sweep_sites sites;
struct sweep_plan plan;
const struct sweep_choice usual = {.per_stack = 2, .guard = true};

uint64_t record(struct event event, const char *text)
{
    assert_true(count < EVENTS_MAX);
    event.sequence = count + 1;
    event.version = EVENT_VERSION;
    event.side = EVENT_SIDE_CLIENT;
    event.process = 10;
    event.thread = event.thread != 0 ? event.thread : 11;
    events[count++] = (struct report_event){event, text};
    assert_int_equal(checker_feed(checker, &event, text), 0);
    return event.sequence;
}

struct event call(int function, int device, int operation)
{
    return (struct event){.kind = EVENT_CALL_BEGIN,
                          .function = (uint16_t)function,
                          .device = (int16_t)device,
                          .operation = operation,
                          .set = 1};
}

void make(int function, int device, int stack, int32_t result, int64_t code, uint32_t repeat)
{
    struct event begin = call(function, device, 0);
    struct event end = begin;
    begin.stack = (uint32_t)stack;
    begin.arg[0] = function != VDI_FN_GET_COMMAND || stack == ASK ? 0 : stack == LOOP ? 10 : -1;
    begin.arg[1] = function == VDI_FN_CREATE ? VDF_LikePipe : 0;
    end.call = record(begin, "");
    end.kind = EVENT_CALL_END;
    end.result = result;
    end.arg[1] = code;
    end.repeat = repeat;
    record(end, "");
}

void add_stack(int number, const char *frames)
{
    record((struct event){.kind = EVENT_STACK, .stack = (uint32_t)number, .arg = {2}}, frames);
}

int swept_setup(void **state)
{
    (void)state;
    count = 0;
    plan_init(&no_faults);
    return checker_new(&no_faults, &checker);
}

int swept_teardown(void **state)
{
    (void)state;
    sweep_sites_free(&sites);
    sweep_plan_free(&plan);
    checker_free(checker);
    return 0;
}

void a_backup(void)
{
    add_stack(DRAIN, "1000 2000");
    add_stack(SERVE, "1010 2000");
    add_stack(LOOP, "1020 2000");
    make(VDI_FN_CREATE, -1, 0, 0, 0, 0);
    make(VDI_FN_OPEN_DEVICE, -1, 0, 0, 0, 0);
    for (int i = 0; i < 6; i++) {
        make(VDI_FN_GET_COMMAND, 0, i == 0 ? DRAIN : SERVE, 0, VDC_Write, 0);
        make(VDI_FN_COMPLETE_COMMAND, 0, SERVE, 0, 0, 0);
    }
    make(VDI_FN_GET_COMMAND, 0, LOOP, VD_E_TIMEOUT, 0, 9);
    make(VDI_FN_GET_COMMAND, 0, SERVE, 0, VDC_Flush, 0);
    make(VDI_FN_COMPLETE_COMMAND, 0, SERVE, 0, 0, 0);
    make(VDI_FN_GET_COMMAND, 0, SERVE, VD_E_CLOSE, 0, 0);
    make(VDI_FN_CLOSE, -1, 0, 0, 0, 0);
    assert_int_equal(sweep_sites_take(&sites, events, count, checker, 0), 0);
}

struct sweep_site *site_of(int function, int command)
{
    for (size_t i = 0; i < sites.count; i++) {
        if (sites.list[i].function == function && sites.list[i].command == command) {
            return &sites.list[i];
        }
    }
    fail_msg("no site of function %d, command %d", function, command);
    return NULL;
}

bool has(const char *key)
{
    char text[SWEEP_KEY_MAX];
    for (size_t i = 0; i < plan.count; i++) {
        sweep_run_key(&plan.runs[i], text, sizeof text);
        if (strcmp(text, key) == 0) {
            return true;
        }
    }
    return false;
}
