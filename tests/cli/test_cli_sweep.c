/* What a sweep records of a clean run, which runs it makes of that and in which order. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "sweep_plan.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    EVENTS_MAX = 512,
    DRAIN = 1, /* call stacks */
    SERVE = 2,
    LOOP = 3,
};

static struct report_event events[EVENTS_MAX];
static size_t count;
static struct checker *checker;
static struct plan no_faults;
static struct sweep_sites sites;
static struct sweep_plan plan;
static const struct sweep_choice usual = {.per_stack = 2, .guard = true};

static uint64_t record(struct event event, const char *text)
{
    assert_true(count < EVENTS_MAX);
    event.sequence = count + 1;
    event.version = EVENT_VERSION;
    event.side = EVENT_SIDE_CLIENT;
    event.process = 10;
    event.thread = 11;
    events[count++] = (struct report_event){event, text};
    assert_int_equal(checker_feed(checker, &event, text), 0);
    return event.sequence;
}

static struct event call(int function, int device, int operation)
{
    return (struct event){.kind = EVENT_CALL_BEGIN,
                          .function = (uint16_t)function,
                          .device = (int16_t)device,
                          .operation = operation,
                          .set = 1};
}

/* A call from a stack; `code` is what GetCommand delivers. */
static void make(int function, int device, int stack, int32_t result, int64_t code, uint32_t repeat)
{
    struct event begin = call(function, device, 0);
    struct event end = begin;
    begin.stack = (uint32_t)stack;
    begin.arg[0] = function == VDI_FN_GET_COMMAND ? (stack == LOOP ? 10 : -1) : 0;
    begin.arg[1] = function == VDI_FN_CREATE ? VDF_LikePipe : 0;
    end.call = record(begin, "");
    end.kind = EVENT_CALL_END;
    end.result = result;
    end.arg[1] = code;
    end.repeat = repeat;
    record(end, "");
}

static void add_stack(int number, const char *frames)
{
    record((struct event){.kind = EVENT_STACK, .stack = (uint32_t)number, .arg = {2}}, frames);
}

static int setup(void **state)
{
    (void)state;
    count = 0;
    plan_init(&no_faults);
    return checker_new(&no_faults, &checker);
}

static int teardown(void **state)
{
    (void)state;
    sweep_sites_free(&sites);
    sweep_plan_free(&plan);
    checker_free(checker);
    return 0;
}

/* One device: six Writes, the first from a stack of its own, a busy loop of GetCommand, a Flush, VD_E_CLOSE. */
static void a_backup(void)
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

static struct sweep_site *site_of(int function, int command)
{
    for (size_t i = 0; i < sites.count; i++) {
        if (sites.list[i].function == function && sites.list[i].command == command) {
            return &sites.list[i];
        }
    }
    fail_msg("no site of function %d, command %d", function, command);
    return NULL;
}

static bool has(const char *key)
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

static void sites_are_what_the_client_reached(void **state)
{
    (void)state;
    a_backup();
    assert_int_equal(sites.count, 7);
    assert_int_equal(sites.list[0].function, VDI_FN_CREATE); /* in the order of a set's life */
    assert_int_equal(sites.list[3].command, VDC_Write);
    assert_int_equal(sites.list[6].function, VDI_FN_CLOSE);
    const struct sweep_site *write = site_of(0, VDC_Write);
    assert_int_equal(write->arrivals, 6);
    assert_int_equal(write->stacks, 2);
    assert_int_equal(write->device, 0);
    const struct sweep_site *get = site_of(VDI_FN_GET_COMMAND, 0);
    assert_int_equal(get->arrivals, 18); /* six Writes, ten of the loop, Flush, VD_E_CLOSE */
    assert_int_equal(get->stacks, 3);
    assert_int_equal(get->list[get->count - 1].nth, 18);
    assert_true(get->sees_close);
    assert_int_equal(site_of(VDI_FN_CLOSE, 0)->list[0].open_devices, 0);
    assert_int_equal(site_of(VDI_FN_CLOSE, 0)->device, -1);
}

static void only_what_both_runs_reached_stays(void **state)
{
    (void)state;
    struct sweep_sites first;
    a_backup();
    first = sites;
    sites = (struct sweep_sites){0};
    count = 0;
    add_stack(DRAIN, "1000 2000");
    make(VDI_FN_CREATE, -1, 0, 0, 0, 0);
    make(VDI_FN_OPEN_DEVICE, -1, 0, 0, 0, 0);
    for (int i = 0; i < 8; i++) {
        make(VDI_FN_GET_COMMAND, 0, DRAIN, 0, VDC_Write, 0);
    }
    assert_int_equal(sweep_sites_take(&sites, events, count, checker, 0), 0);
    sweep_sites_keep_common(&first, &sites);
    sweep_sites_free(&sites);
    sites = first;
    assert_int_equal(sites.count, 4); /* Create, OpenDevice, GetCommand, Write */
    const struct sweep_site *get = site_of(VDI_FN_GET_COMMAND, 0);
    assert_int_equal(get->arrivals, 8);
    assert_int_equal(get->list[get->count - 1].nth, 7);
    assert_int_equal(get->list[get->count - 1].count, 2); /* of the ten in the loop */
    assert_int_equal(get->stacks, 3);
    assert_false(get->sees_close);
    assert_int_equal(site_of(0, VDC_Write)->arrivals, 6);
}

static void a_new_stack_is_tried_and_a_repeated_one_sampled(void **state)
{
    (void)state;
    a_backup();
    assert_int_equal(sweep_plan_add(&plan, &sites, &usual, SWEEP_USUAL), 0);
    assert_true(has("abort@Write:0"));   /* its own stack */
    assert_true(has("abort@Write#2:0")); /* first and last of the other one */
    assert_true(has("abort@Write#6:0"));
    assert_false(has("abort@Write#3:0"));
    assert_true(has("abort(by=client,at=complete)@Write#6:0"));
    assert_true(has("unknown-command@Write#2+:0")); /* a kind that can happen again and again */
    assert_false(has("abort@Write#2+:0"));          /* once is all that means anything */
    assert_true(has("early-close@GetCommand#7:0")); /* the loop's first and last */
    assert_true(has("early-close@GetCommand#16:0"));
    assert_false(has("early-close@GetCommand#8:0"));
}

static void per_stack_says_how_many(void **state)
{
    (void)state;
    struct sweep_choice all = usual;
    a_backup();
    all.per_stack = 100;
    assert_int_equal(sweep_plan_add(&plan, &sites, &all, SWEEP_USUAL), 0);
    for (int i = 1; i <= 6; i++) {
        char key[64];
        snprintf(key, sizeof key, i == 1 ? "abort@Write:0" : "abort@Write#%d:0", i);
        assert_true(has(key));
    }
    sweep_plan_free(&plan);
    all.per_stack = 1;
    assert_int_equal(sweep_plan_add(&plan, &sites, &all, SWEEP_USUAL), 0);
    assert_true(has("abort@Write:0"));
    assert_true(has("abort@Write#2:0"));
    assert_false(has("abort@Write#5:0"));
    assert_true(has("abort@Write#6:0")); /* the last is always tried */
}

/* There is nothing to flush before the first Write. */
static void what_the_first_arrival_refuses_is_tried_at_the_next(void **state)
{
    struct sweep_choice one = usual;
    (void)state;
    add_stack(SERVE, "1010 2000");
    make(VDI_FN_CREATE, -1, 0, 0, 0, 0);
    make(VDI_FN_OPEN_DEVICE, -1, 0, 0, 0, 0);
    for (int i = 0; i < 4; i++) {
        make(VDI_FN_GET_COMMAND, 0, SERVE, 0, VDC_Write, 0);
        make(VDI_FN_COMPLETE_COMMAND, 0, SERVE, 0, 0, 0);
    }
    assert_int_equal(sweep_sites_take(&sites, events, count, checker, 0), 0);
    one.per_stack = 1;
    assert_int_equal(sweep_plan_add(&plan, &sites, &one, SWEEP_USUAL), 0);
    assert_true(has("extra-flush@Write#2:0"));
    assert_true(has("extra-flush@Write#2+:0"));
    assert_false(has("extra-flush@Write#3:0"));
    assert_true(has("premature-close@Write:0"));
    assert_false(has("premature-close@Write#2:0"));
}

static void what_cannot_happen_is_not_tried(void **state)
{
    (void)state;
    struct sweep_choice blind = usual;
    a_backup();
    blind.guard = false;
    assert_int_equal(sweep_plan_add(&plan, &sites, &blind, SWEEP_USUAL), 0);
    assert_false(has("early-close@Close"));       /* no device is open any more */
    assert_false(has("early-close@OpenDevice"));  /* ... or not yet */
    assert_false(has("abort(at=touch)@Write:0")); /* nobody would see it */
    assert_false(has("abort(at=touch)@Flush:0"));
    assert_true(has("lost-close@GetCommand:0"));
    assert_true(has("early-close@GetCommand#18:0"));
    assert_false(has("abort@GetCommand#18:0")); /* VD_E_CLOSE: the server may be through before it comes */
    assert_true(has("error-after@GetCommand#18:0"));
    assert_true(has("unknown-command(of=model)@Write:0"));
    assert_false(has("reordered@Write:0"));       /* among one device */
    assert_false(has("end-of-media@Write#2:0"));  /* of a client that takes no tapes */
    assert_false(has("secondary-crash@Write:0")); /* in the primary */
    assert_false(has("timeout@GetCommand:0"));    /* of a wait without limit */
    assert_true(has("timeout@GetCommand#7:0"));   /* ... and of one with */
}

/* The command of a device that was fetched as the n-th. */
static uint64_t fetch_of(int command, int nth)
{
    for (size_t i = 0; i < count; i++) {
        const struct event *event = &events[i].event;
        if (event->kind == EVENT_CALL_END && event->arg[1] == command && --nth == 0) {
            return event->call;
        }
    }
    return 0;
}

static void faults_of_files_go_where_files_were_used(void **state)
{
    (void)state;
    a_backup();
    const struct event reached[] = {
        {.kind = EVENT_REACH, .device = 0, .call = fetch_of(VDC_Write, 1), .arg = {REACH_WRITE, 1000}},
        {.kind = EVENT_REACH, .device = 0, .call = fetch_of(VDC_Write, 2), .arg = {REACH_WRITE, 1001}},
        {.kind = EVENT_REACH, .device = 0, .call = fetch_of(VDC_Write, 2), .arg = {REACH_COUNT, 1}},
        {.kind = EVENT_REACH, .device = 0, .arg = {REACH_CLOSE, 1}},
        {.kind = EVENT_REACH, .device = 1, .call = 0, .arg = {REACH_SYNC, 1}},
    };
    for (size_t i = 0; i < sizeof reached / sizeof reached[0]; i++) {
        record(reached[i], "");
    }
    sweep_sites_free(&sites);
    assert_int_equal(sweep_sites_take(&sites, events, count, checker, 0), 0);
    assert_int_equal(sweep_plan_add(&plan, &sites, &usual, SWEEP_USUAL), 0);
    assert_true(has("write-error@Write:0"));
    assert_true(has("write-error@Write#2+:0"));
    assert_true(has("write-error(after=1000)@Write#2:0"));
    assert_false(has("write-error(after=1000)@Write:0")); /* the call carries no more */
    assert_false(has("write-error@Write#6:0"));
    assert_true(has("close-error@Write#6:0")); /* whatever comes later */
    assert_true(has("close-error@Flush:0"));
    assert_false(has("sync-error@Flush:0")); /* of another device */
    assert_false(has("short-write@Write:0"));
}

static void only_the_kinds_that_are_chosen(void **state)
{
    (void)state;
    struct sweep_choice choice = usual;
    choice.kinds = UINT64_C(1) << FAULT_ABORT | UINT64_C(1) << FAULT_LOST_CLOSE;
    a_backup();
    assert_int_equal(sweep_plan_add(&plan, &sites, &choice, SWEEP_USUAL), 0);
    assert_true(has("lost-close@GetCommand:0"));
    for (size_t i = 0; i < plan.count; i++) {
        assert_true((choice.kinds >> plan.runs[i].faults[0].kind & 1) != 0);
    }
}

static void what_is_at_every_call_is_at_no_site(void **state)
{
    (void)state;
    size_t found = 0;
    a_backup();
    assert_int_equal(sweep_plan_add(&plan, &sites, &usual, SWEEP_USUAL), 0);
    for (size_t i = 0; i < plan.count; i++) {
        found += plan.runs[i].faults[0].kind == FAULT_JITTER;
    }
    assert_int_equal(found, 3);
    assert_true(has("jitter"));
    assert_true(has("jitter(seed=2)"));
}

static bool is_legal(const char *what, const char *at, const char *nth)
{
    struct fault fault;
    struct fault_error error;
    char text[2 * FAULT_TEXT_MAX];
    snprintf(text, sizeof text, "%s%s%s%s", what, at != NULL ? "@" : "", at != NULL ? at : "", nth);
    return fault_parse(text, &fault, &error) == 0;
}

/* Some kinds are at no first arrival, some at no later one. */
static bool has_place(const struct fault_info *info, const char *what)
{
    static const char *const counts[] = {"", "#2"};
    bool legal = info->everywhere && is_legal(what, NULL, "");
    for (int name = 1; name < 32; name++) {
        const char *function = name < VDI_FN_COUNT ? vdi_function_names[name] : NULL;
        const char *command = vdi_command_name(name);
        for (int i = 0; i < 2; i++) {
            legal = legal || (function != NULL && is_legal(what, function, counts[i])) ||
                    (command != NULL && is_legal(what, command, counts[i]));
        }
    }
    return legal;
}

static void every_entry_of_the_catalogue_has_a_site(void **state)
{
    (void)state;
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        const struct fault_info *info = &fault_table[kind];
        for (const char *at = info->sweep != NULL ? info->sweep : ""; *at != '\0';) {
            int length = (int)strcspn(at, " ");
            char what[FAULT_TEXT_MAX];
            snprintf(what, sizeof what, "%s%.*s", info->name, length == 2 ? 0 : length, at);
            if (!has_place(info, what)) {
                fail_msg("%s can be placed nowhere", what);
            }
            at += length + (int)strspn(at + length, " ");
        }
    }
}

static void heavier_kinds_come_first_in_each_turn(void **state)
{
    (void)state;
    a_backup();
    assert_int_equal(sweep_plan_add(&plan, &sites, &usual, SWEEP_USUAL), 0);
    bool seen[FAULT_KIND_COUNT] = {0};
    uint32_t before = UINT32_MAX;
    size_t kinds = 0;
    for (size_t i = 0; i < plan.count; i++) {
        enum fault_kind kind = plan.runs[i].faults[0].kind;
        assert_int_equal(plan.runs[i].id, i);
        if (seen[kind]) {
            break;
        }
        assert_true(fault_table[kind].weight <= before);
        before = fault_table[kind].weight;
        seen[kind] = true;
        kinds++;
    }
    assert_true(kinds >= 4); /* each kind once before any comes again */
}

static void dialects_follow(void **state)
{
    (void)state;
    a_backup();
    assert_int_equal(sweep_plan_add(&plan, &sites, &usual, SWEEP_USUAL), 0);
    size_t first = plan.count;
    assert_int_equal(sweep_plan_add_dialect(&plan, 2), 0);
    assert_int_equal(sweep_plan_add(&plan, &sites, &usual, 2), 0);
    assert_int_equal(plan.count, 2 * first + 1);
    assert_true(has("no fault [close-open:noerror]"));
    assert_true(has("abort@Write:0 [close-open:noerror]"));
    assert_int_equal(plan.runs[first].id, first);
}

static void pairs_go_where_the_first_fault_led(void **state)
{
    (void)state;
    struct sweep_plan pairs = {0};
    struct sweep_run first = {.id = 3, .fault_count = 1, .dialect = SWEEP_USUAL};
    struct fault_error error;
    char key[SWEEP_KEY_MAX];
    a_backup();
    sweep_sites_free(&sites);
    uint64_t fired = events[count - 12].event.sequence; /* before the last Write's completion */
    assert_int_equal(sweep_sites_take(&sites, events, count, checker, fired), 0);
    assert_int_equal(fault_parse("unknown-command@Write#6:0", &first.faults[0], &error), 0);
    assert_int_equal(sweep_plan_add_pairs(&pairs, &first, &sites, &usual, 100, 100 + 403), 0);
    assert_int_equal(pairs.count, 4); /* 103, 203, 303, 403: below 503 */
    for (size_t i = 0; i < pairs.count; i++) {
        assert_int_equal(pairs.runs[i].id, 3 + 100 * (i + 1));
        assert_int_equal(pairs.runs[i].fault_count, 2);
        sweep_run_key(&pairs.runs[i], key, sizeof key);
        assert_ptr_equal(strstr(key, "unknown-command@Write#6:0; "), key);
    }
    sweep_plan_free(&pairs);
    assert_int_equal(sweep_plan_add_pairs(&plan, &first, &sites, &usual, 100, UINT32_MAX), 0);
    assert_true(has("unknown-command@Write#6:0; abort@Flush#next:0"));
    assert_true(has("unknown-command@Write#6:0; timeout@GetCommand#next+:0"));
    assert_true(has("unknown-command@Write#6:0; lost-close@GetCommand:0"));
    assert_true(
        has("unknown-command@Write#6:0; extra-flush@Flush:0")); /* the server's own: counted from the start */
    assert_false(has("unknown-command@Write#6:0; jitter"));
}

static void nothing_is_done_to_a_set_that_was_given_up(void **state)
{
    (void)state;
    struct sweep_run first = {.id = 3, .fault_count = 1, .dialect = SWEEP_USUAL};
    struct fault_error error;
    make(VDI_FN_CREATE, -1, 0, 0, 0, 0);
    make(VDI_FN_OPEN_DEVICE, -1, 0, 0, 0, 0);
    make(VDI_FN_GET_COMMAND, 0, SERVE, VD_E_ABORT, 0, 0);
    make(VDI_FN_CLOSE, -1, 0, 0, 0, 0);
    assert_int_equal(sweep_sites_take(&sites, events, count, checker, 1), 0);
    assert_int_equal(fault_parse("error-after@OpenDevice", &first.faults[0], &error), 0);
    assert_int_equal(sweep_plan_add_pairs(&plan, &first, &sites, &usual, 100, UINT32_MAX), 0);
    assert_true(has("error-after@OpenDevice; delay(ms=20)@Close#next"));
    assert_false(has("error-after@OpenDevice; abort(by=client)@Close#next"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sites_are_what_the_client_reached, setup, teardown),
        cmocka_unit_test_setup_teardown(only_what_both_runs_reached_stays, setup, teardown),
        cmocka_unit_test_setup_teardown(a_new_stack_is_tried_and_a_repeated_one_sampled, setup, teardown),
        cmocka_unit_test_setup_teardown(per_stack_says_how_many, setup, teardown),
        cmocka_unit_test_setup_teardown(what_the_first_arrival_refuses_is_tried_at_the_next, setup, teardown),
        cmocka_unit_test_setup_teardown(what_cannot_happen_is_not_tried, setup, teardown),
        cmocka_unit_test_setup_teardown(faults_of_files_go_where_files_were_used, setup, teardown),
        cmocka_unit_test_setup_teardown(only_the_kinds_that_are_chosen, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_at_every_call_is_at_no_site, setup, teardown),
        cmocka_unit_test(every_entry_of_the_catalogue_has_a_site),
        cmocka_unit_test_setup_teardown(heavier_kinds_come_first_in_each_turn, setup, teardown),
        cmocka_unit_test_setup_teardown(dialects_follow, setup, teardown),
        cmocka_unit_test_setup_teardown(pairs_go_where_the_first_fault_led, setup, teardown),
        cmocka_unit_test_setup_teardown(nothing_is_done_to_a_set_that_was_given_up, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
