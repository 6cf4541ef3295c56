/* The sites of a recorded run: what the client reached, and of that what any other run reaches, too. */
#include "swept_run.h"

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
    assert_int_equal(get->arrivals, 8); /* six Writes, Flush after the loop's polls, VD_E_CLOSE */
    assert_int_equal(get->stacks, 3);
    assert_int_equal(get->list[get->count - 1].nth, 8);
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
    for (int i = 0; i < 7; i++) {
        make(VDI_FN_GET_COMMAND, 0, DRAIN, 0, VDC_Write, 0);
    }
    assert_int_equal(sweep_sites_take(&sites, events, count, checker, 0), 0);
    sweep_sites_keep_common(&first, &sites);
    sweep_sites_free(&sites);
    sites = first;
    assert_int_equal(sites.count, 4); /* Create, OpenDevice, GetCommand, Write */
    const struct sweep_site *get = site_of(VDI_FN_GET_COMMAND, 0);
    assert_int_equal(get->arrivals, 7);
    assert_int_equal(get->list[get->count - 1].nth, 7);
    assert_true(get->unsteady); /* they came there from other stacks */
    assert_false(get->sees_close);
    assert_int_equal(site_of(0, VDC_Write)->arrivals, 6);
}

/* A loop that is folded into one arrival. */
static void of_a_busy_loop_stays_what_both_runs_made(void **state)
{
    (void)state;
    struct sweep_sites first;
    add_stack(SERVE, "1010 2000");
    make(VDI_FN_GET_COMMAND, 0, SERVE, 0, VDC_Write, 0);
    make(VDI_FN_GET_COMMAND, 0, SERVE, VD_E_PROTOCOL, 0, 9);
    assert_int_equal(sweep_sites_take(&first, events, count, checker, 0), 0);
    assert_int_equal(first.list[0].arrivals, 11);
    count = 0;
    for (int i = 0; i < 3; i++) {
        make(VDI_FN_GET_COMMAND, 0, SERVE, 0, VDC_Write, 0);
    }
    assert_int_equal(sweep_sites_take(&sites, events, count, checker, 0), 0);
    sweep_sites_keep_common(&first, &sites);
    sweep_sites_free(&sites);
    sites = first;
    const struct sweep_site *get = site_of(VDI_FN_GET_COMMAND, 0);
    assert_int_equal(get->arrivals, 3);
    assert_int_equal(get->list[get->count - 1].count, 2);
    assert_false(get->unsteady);
}

/* How often a client asked in vain is luck. What it asked for is not. */
static void polls_make_no_other_plan(void **state)
{
    (void)state;
    char keys[2][16384];
    for (int way = 0; way < 2; way++) {
        size_t used = 0;
        plan = (struct sweep_plan){0};
        count = 0;
        add_stack(SERVE, "1010 2000");
        make(VDI_FN_CREATE, -1, 0, 0, 0, 0);
        make(VDI_FN_OPEN_DEVICE, -1, 0, 0, 0, 0);
        for (int i = 0; i < 3; i++) {
            for (int poll = 0; way == 1 && poll < i; poll++) {
                make(VDI_FN_GET_COMMAND, 0, SERVE, VD_E_TIMEOUT, 0, 2);
            }
            make(VDI_FN_GET_COMMAND, 0, SERVE, i < 2 ? 0 : VD_E_CLOSE, i < 2 ? VDC_Write : 0, 0);
        }
        assert_int_equal(sweep_sites_take(&sites, events, count, checker, 0), 0);
        assert_int_equal(sweep_plan_add(&plan, &sites, &usual, SWEEP_USUAL), 0);
        for (size_t i = 0; i < plan.count; i++) {
            used += (size_t)sweep_run_key(&plan.runs[i], keys[way] + used, sizeof keys[way] - used);
            assert_true(used < sizeof keys[way]);
        }
        sweep_plan_free(&plan);
        sweep_sites_free(&sites);
    }
    assert_string_equal(keys[0], keys[1]);
}

/* A wait that brings nothing, as after no-server, has no success that could be a wrong one; how it begins tells nothing. */
static void what_follows_a_success_is_not_tried_without_one(void **state)
{
    (void)state;
    for (int comes = 1; comes >= 0; comes--) {
        plan = (struct sweep_plan){0};
        count = 0;
        make(VDI_FN_CREATE, -1, 0, 0, 0, 0);
        make(VDI_FN_GET_CONFIGURATION, -1, 0, VD_E_TIMEOUT, 0, 0);
        make(VDI_FN_GET_CONFIGURATION, -1, 0, comes ? 0 : VD_E_TIMEOUT, 0, 0);
        assert_int_equal(sweep_sites_take(&sites, events, count, checker, 0), 0);
        assert_int_equal(sweep_plan_add(&plan, &sites, &usual, SWEEP_USUAL), 0);
        assert_true(has("timeout@GetConfiguration"));
        assert_true(has("stale-config") == (comes != 0));
        if (comes) {
            sweep_plan_free(&plan);
            sweep_sites_free(&sites);
        }
    }
}

/* With a poll before it, the call that gets VD_E_CLOSE is one later; the server is through by then in either run. */
static void the_last_call_is_the_last_in_either_run(void **state)
{
    (void)state;
    struct sweep_sites first = {0};
    add_stack(SERVE, "1010 2000");
    for (int polls = 1; polls >= 0; polls--) {
        count = 0;
        make(VDI_FN_CREATE, -1, 0, 0, 0, 0);
        make(VDI_FN_OPEN_DEVICE, -1, 0, 0, 0, 0);
        make(VDI_FN_GET_COMMAND, 0, SERVE, 0, VDC_Write, 0);
        for (int i = 0; i < polls; i++) {
            make(VDI_FN_GET_COMMAND, 0, LOOP, VD_E_TIMEOUT, 0, 0);
        }
        make(VDI_FN_GET_COMMAND, 0, SERVE, VD_E_CLOSE, 0, 0);
        assert_int_equal(sweep_sites_take(polls > 0 ? &first : &sites, events, count, checker, 0), 0);
    }
    sweep_sites_keep_common(&first, &sites);
    assert_int_equal(sweep_plan_add(&plan, &first, &usual, SWEEP_USUAL), 0);
    assert_true(has("abort@GetCommand:0"));
    assert_false(has("abort@GetCommand#2:0"));
    assert_true(has("abort(by=client)@GetCommand#2:0"));
    sweep_sites_free(&first);
}

static void what_goes_two_ways_is_not_told_apart(void **state)
{
    (void)state;
    add_stack(DRAIN, "1000 2000");
    add_stack(SERVE, "1010 2000");
    make(VDI_FN_CREATE, -1, 0, 0, 0, 0);
    make(VDI_FN_OPEN_DEVICE, -1, 0, 0, 0, 0);
    for (int i = 0; i < 9; i++) {
        make(VDI_FN_GET_COMMAND, 0, ASK, 0, VDC_Write, 0); /* without waiting */
        make(VDI_FN_COMPLETE_COMMAND, 0, i % 2 == 0 ? DRAIN : SERVE, 0, 0, 0);
    }
    for (int thread = 0; thread < 2; thread++) { /* of two threads, one finds the device open */
        struct event open = call(VDI_FN_CLOSE, -1, 0);
        open.thread = 20 + (uint32_t)thread;
        record(open, "");
        make(VDI_FN_CLOSE, -1, 0, 0, 0, 0);
    }
    assert_int_equal(sweep_sites_take(&sites, events, count, checker, 0), 0);
    assert_true(site_of(VDI_FN_COMPLETE_COMMAND, 0)->unsteady);
    assert_true(site_of(0, VDC_Write)->unsteady);
    assert_false(site_of(VDI_FN_OPEN_DEVICE, 0)->unsteady);
    assert_true(site_of(VDI_FN_CLOSE, 0)->unsteady);
    assert_int_equal(sweep_plan_add(&plan, &sites, &usual, SWEEP_USUAL), 0);
    assert_true(has("early-close@CompleteCommand:0")); /* four of nine, whatever stack */
    assert_true(has("early-close@CompleteCommand#3:0"));
    assert_true(has("early-close@CompleteCommand#6:0"));
    assert_true(has("early-close@CompleteCommand#9:0"));
    assert_false(has("early-close@CompleteCommand#2:0"));
    assert_false(has("early-close@Close"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(sites_are_what_the_client_reached, swept_setup, swept_teardown),
        cmocka_unit_test_setup_teardown(only_what_both_runs_reached_stays, swept_setup, swept_teardown),
        cmocka_unit_test_setup_teardown(of_a_busy_loop_stays_what_both_runs_made, swept_setup,
                                        swept_teardown),
        cmocka_unit_test_setup_teardown(what_follows_a_success_is_not_tried_without_one, swept_setup,
                                        swept_teardown),
        cmocka_unit_test_setup_teardown(polls_make_no_other_plan, swept_setup, swept_teardown),
        cmocka_unit_test_setup_teardown(the_last_call_is_the_last_in_either_run, swept_setup, swept_teardown),
        cmocka_unit_test_setup_teardown(what_goes_two_ways_is_not_told_apart, swept_setup, swept_teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
