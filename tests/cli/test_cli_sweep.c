/* Which runs a sweep makes of the sites of a clean run, and in which order. */
#include "swept_run.h"

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
    assert_true(has("early-close@GetCommand#7:0")); /* the loop's first poll, then the last call */
    assert_true(has("early-close@GetCommand#8:0"));
    assert_false(has("early-close@GetCommand#3:0"));
    assert_false(has("early-close@GetCommand#9:0"));
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

/* Again and again for seconds is no other fault than now and then, but a run of minutes. */
static void what_lasts_too_long_is_not_tried(void **state)
{
    (void)state;
    add_stack(SERVE, "1010 2000");
    make(VDI_FN_CREATE, -1, 0, 0, 0, 0);
    make(VDI_FN_OPEN_DEVICE, -1, 0, 0, 0, 0);
    for (int i = 0; i < 20; i++) {
        make(VDI_FN_GET_COMMAND, 0, SERVE, 0, VDC_Write, 0);
    }
    for (int i = 0; i < 8; i++) {
        make(VDI_FN_GET_COMMAND, 0, SERVE, 0, VDC_Flush, 0);
    }
    assert_int_equal(sweep_sites_take(&sites, events, count, checker, 0), 0);
    assert_int_equal(sweep_plan_add(&plan, &sites, &usual, SWEEP_USUAL), 0);
    assert_true(has("server-slow(ms=2500)@Write:0"));
    assert_false(has("server-slow(ms=2500)@Write#*:0"));
    assert_false(has("server-slow(ms=2500)@Write#1+:0"));
    assert_true(has("server-slow(ms=150)@Write#*:0") || has("server-slow(ms=150)@Write#1+:0"));
    assert_true(has("server-slow(ms=2500)@Flush#*:0") || has("server-slow(ms=2500)@Flush#1+:0"));
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

/* The client answers the command that it has just got. */
static void answer(int command, int code)
{
    struct event begin = call(VDI_FN_COMPLETE_COMMAND, 0, 0);
    begin.stack = SERVE;
    begin.arg[1] = code;
    begin.arg[4] = (int64_t)events[count - 1].event.call;
    begin.arg[5] = command;
    struct event end = begin;
    end.call = record(begin, "");
    end.kind = EVENT_CALL_END;
    record(end, "");
}

/* The end of the data is no I/O error: one can still come of that command. */
static void what_the_client_fails_itself_is_not_failed_once_more(void **state)
{
    static const int codes[] = {0, 38, 1117};
    struct sweep_choice all = usual;
    (void)state;
    add_stack(SERVE, "1010 2000");
    make(VDI_FN_CREATE, -1, 0, 0, 0, 0);
    make(VDI_FN_OPEN_DEVICE, -1, 0, 0, 0, 0);
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        make(VDI_FN_GET_COMMAND, 0, SERVE, 0, VDC_Read, 0);
        answer(VDC_Read, codes[i]);
    }
    assert_int_equal(sweep_sites_take(&sites, events, count, checker, 0), 0);
    all.per_stack = 9;
    assert_int_equal(sweep_plan_add(&plan, &sites, &all, SWEEP_USUAL), 0);
    assert_true(has("io-error@Read:0"));
    assert_true(has("io-error@Read#2:0"));
    assert_false(has("io-error@Read#3:0"));
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
    assert_true(has("early-close@GetCommand#8:0"));
    assert_false(has("abort@GetCommand#8:0")); /* VD_E_CLOSE: the server may be through before it comes */
    assert_true(has("error-after@GetCommand#8:0"));
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
        {.kind = EVENT_REACH, .device = 0, .call = fetch_of(VDC_Flush, 1), .arg = {REACH_WRITE, 1}},
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
    assert_true(has("write-error@Flush:0"));
    assert_false(has("write-error(after=1000)@Flush:0"));
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

static void nothing_is_asked_of_a_server_that_never_comes(void **state)
{
    static const char *const alone[] = {"no-server", "statement-refused@Create#*"};
    (void)state;
    struct fault_error error;
    a_backup();
    for (size_t i = 0; i < sizeof alone / sizeof alone[0]; i++) {
        struct sweep_run first = {.id = (uint32_t)i, .fault_count = 1, .dialect = SWEEP_USUAL};
        char key[SWEEP_KEY_MAX];
        assert_int_equal(fault_parse(alone[i], &first.faults[0], &error), 0);
        assert_int_equal(sweep_plan_add_pairs(&plan, &first, &sites, &usual, 100, UINT32_MAX), 0);
        snprintf(key, sizeof key, "%s; server-crash@OpenDevice#next", alone[i]);
        assert_false(has(key));
        snprintf(key, sizeof key, "%s; delay(ms=20)@OpenDevice#next", alone[i]);
        assert_true(has(key));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_new_stack_is_tried_and_a_repeated_one_sampled, swept_setup,
                                        swept_teardown),
        cmocka_unit_test_setup_teardown(per_stack_says_how_many, swept_setup, swept_teardown),
        cmocka_unit_test_setup_teardown(what_lasts_too_long_is_not_tried, swept_setup, swept_teardown),
        cmocka_unit_test_setup_teardown(what_the_first_arrival_refuses_is_tried_at_the_next, swept_setup,
                                        swept_teardown),
        cmocka_unit_test_setup_teardown(what_cannot_happen_is_not_tried, swept_setup, swept_teardown),
        cmocka_unit_test_setup_teardown(faults_of_files_go_where_files_were_used, swept_setup,
                                        swept_teardown),
        cmocka_unit_test_setup_teardown(only_the_kinds_that_are_chosen, swept_setup, swept_teardown),
        cmocka_unit_test_setup_teardown(what_is_at_every_call_is_at_no_site, swept_setup, swept_teardown),
        cmocka_unit_test_setup_teardown(what_the_client_fails_itself_is_not_failed_once_more, swept_setup,
                                        swept_teardown),
        cmocka_unit_test(every_entry_of_the_catalogue_has_a_site),
        cmocka_unit_test_setup_teardown(heavier_kinds_come_first_in_each_turn, swept_setup, swept_teardown),
        cmocka_unit_test_setup_teardown(dialects_follow, swept_setup, swept_teardown),
        cmocka_unit_test_setup_teardown(pairs_go_where_the_first_fault_led, swept_setup, swept_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_done_to_a_set_that_was_given_up, swept_setup,
                                        swept_teardown),
        cmocka_unit_test_setup_teardown(nothing_is_asked_of_a_server_that_never_comes, swept_setup,
                                        swept_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
