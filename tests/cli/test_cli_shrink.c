/* How a plan is made smaller, with answers made up for the purpose instead of runs. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "shrink.h"

/* What the made-up client does under a plan, and what it was asked. */
struct world {
    bool (*shows)(const struct plan *plan);
    uint32_t asked;
    uint32_t stop_after; /* 0: never */
    char seen[SHRINK_CANDIDATES_MAX][512];
};
static struct world world;

static void read_plan(const char *text, struct plan *plan)
{
    struct fault_error error;
    uint32_t line = 0;
    plan_init(plan);
    if (plan_parse(text, strlen(text), plan, &error, &line) != 0) {
        fail_msg("line %u: %s", line, error.message);
    }
}

/* Every candidate can be written down and read again, and none comes twice. */
static enum shrink_answer ask(void *context, const struct plan *plan)
{
    struct world *of = context;
    struct plan again;
    char text[512], back[512];
    assert_in_range(plan_format(plan, text, sizeof text), 1, (int)sizeof text - 1);
    read_plan(text, &again);
    plan_format(&again, back, sizeof back);
    assert_string_equal(text, back);
    for (uint32_t i = 0; i < of->asked; i++) {
        assert_string_not_equal(text, of->seen[i]);
    }
    strcpy(of->seen[of->asked++], text);
    return of->stop_after != 0 && of->asked > of->stop_after ? SHRINK_STOP
           : of->shows(plan)                                 ? SHRINK_SHOWN
                                                             : SHRINK_NOT_SHOWN;
}

/* The result of shrinking `text`, compared with `expected`: a whole plan as plan_format writes it. */
static struct shrink shrink_to(bool (*shows)(const struct plan *plan), const char *text, const char *expected)
{
    struct shrink shrink = {.ask = ask, .context = &world, .most = SHRINK_CANDIDATES_MAX};
    struct plan plan;
    char result[2048];
    memset(&world, 0, sizeof world);
    world.shows = shows;
    read_plan(text, &plan);
    shrink_plan(&shrink, &plan);
    plan_format(&plan, result, sizeof result);
    assert_string_equal(result, expected);
    assert_int_equal(shrink.candidates, world.asked);
    return shrink;
}

#define SMALLEST_SERVER "server seed 1\nserver size 65536\n"

/* ---- what may show it ---- */

static const struct fault *find(const struct plan *plan, enum fault_kind kind)
{
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if (plan->faults[i].kind == kind) {
            return &plan->faults[i];
        }
    }
    return NULL;
}

static bool abort_from_the_third(const struct plan *plan)
{
    const struct fault *fault = find(plan, FAULT_ABORT);
    return fault != NULL && fault->site.nth >= 3;
}

static bool two_together(const struct plan *plan)
{
    const struct fault *delay = find(plan, FAULT_DELAY);
    return delay != NULL && find(plan, FAULT_LOST_CLOSE) != NULL;
}

static bool always(const struct plan *plan)
{
    (void)plan;
    return true;
}

static bool never(const struct plan *plan)
{
    (void)plan;
    return false;
}

static bool on_a_large_database(const struct plan *plan)
{
    const struct fault *fault = find(plan, FAULT_ABORT);
    return fault != NULL && plan->size >= 3 << 20;
}

static bool exactly_the_hundredth(const struct plan *plan)
{
    const struct fault *fault = find(plan, FAULT_ABORT);
    return fault != NULL && fault->site.nth == 100;
}

static bool needs_all_of_it(const struct plan *plan)
{
    const struct fault *fault = find(plan, FAULT_ABORT);
    return fault != NULL && fault->site.nth == 2 && fault->site.and_later && fault->site.device == 1 &&
           fault->site.operation == 1 && fault->arg[FAULT_ARG_BY] == FAULT_BY_CLIENT && plan->seed == 7 &&
           plan->complete == PLAN_NO;
}

static bool any_delay(const struct plan *plan)
{
    return find(plan, FAULT_DELAY) != NULL;
}

/* ---- tests ---- */

#define FIVE_FAULTS                                                                                 \
    "fault delay(ms=20)@GetCommand#2\nfault repeat-close\nfault abort(by=client)@Write#7+:1\n"      \
    "fault unknown-command@Write#2\nfault lost-close@GetCommand:1\nserver seed 3\nserver size 8M\n" \
    "server clear-error never\nserver complete no\nserver database sales=/tmp/sales\nprobe yes\n"

static void one_fault_of_five_stays_at_its_earliest_site(void **state)
{
    (void)state;
    struct shrink shrink =
        shrink_to(abort_from_the_third, FIVE_FAULTS, "fault abort@Write#3\n" SMALLEST_SERVER);
    assert_true(shrink.minimal);
    assert_in_range(shrink.candidates, 5, 60);
}

static void faults_that_need_each_other_stay_together(void **state)
{
    (void)state;
    struct shrink shrink =
        shrink_to(two_together, FIVE_FAULTS, "fault delay@GetCommand\nfault lost-close\n" SMALLEST_SERVER);
    assert_true(shrink.minimal);
}

/* "#next" means nothing without a fault before it. */
static void the_second_of_a_pair_stands_alone(void **state)
{
    (void)state;
    assert_true(shrink_to(any_delay, "fault abort@Write#3:0\nfault delay@GetCommand#next:0\n",
                          "fault delay@GetCommand\n" SMALLEST_SERVER)
                    .minimal);
}

static void what_needs_no_fault_keeps_none(void **state)
{
    (void)state;
    assert_true(shrink_to(always, FIVE_FAULTS, SMALLEST_SERVER).minimal);
}

static void what_cannot_be_smaller_stays(void **state)
{
    (void)state;
    static const char plan[] =
        "fault abort(by=client)@Write#2+:1/1\nserver seed 7\nserver size 65536\n"
        "server complete no\n";
    assert_true(shrink_to(needs_all_of_it, plan, plan).minimal);
    assert_true(shrink_to(never, plan, plan).minimal);
}

static void the_database_is_as_small_as_can_be(void **state)
{
    (void)state;
    /* halves of 64M: 4M shows it, 2M does not */
    assert_true(shrink_to(on_a_large_database, "fault abort@Write\nserver size 64M",
                          "fault abort@Write\nserver seed 1\nserver size 4194304\n")
                    .minimal);
}

static void a_site_that_must_be_where_it_is_is_found_out_soon(void **state)
{
    (void)state;
    struct shrink shrink = shrink_to(exactly_the_hundredth, "fault abort@Write#100\nserver size 64K",
                                     "fault abort@Write#100\n" SMALLEST_SERVER);
    assert_true(shrink.minimal);
    assert_in_range(shrink.candidates, 1, 20);
}

/* No single step makes the result smaller: to shrink it again changes nothing. */
static void shrinking_again_changes_nothing(void **state)
{
    (void)state;
    bool (*const all[])(const struct plan *) = {abort_from_the_third, two_together, on_a_large_database};
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        struct shrink shrink = {.ask = ask, .context = &world, .most = SHRINK_CANDIDATES_MAX};
        struct plan plan;
        char text[1024];
        memset(&world, 0, sizeof world);
        world.shows = all[i];
        read_plan(FIVE_FAULTS, &plan);
        shrink_plan(&shrink, &plan);
        plan_format(&plan, text, sizeof text);
        assert_true(shrink_to(all[i], text, text).minimal);
    }
}

static void the_settings_of_the_server_can_be_kept(void **state)
{
    (void)state;
    struct shrink shrink = {
        .ask = ask, .context = &world, .faults_and_size = true, .most = SHRINK_CANDIDATES_MAX};
    struct plan plan;
    char text[1024];
    memset(&world, 0, sizeof world);
    world.shows = abort_from_the_third;
    read_plan(FIVE_FAULTS, &plan);
    shrink_plan(&shrink, &plan);
    plan_format(&plan, text, sizeof text);
    assert_string_equal(text,
                        "fault abort@Write#3\nserver seed 3\nserver size 65536\nserver database "
                        "sales=/tmp/sales\nserver clear-error never\nserver complete no\nprobe yes\n");
}

static void the_search_ends_where_it_is_told(void **state)
{
    (void)state;
    struct shrink shrink = {.ask = ask, .context = &world, .most = 3};
    struct plan plan;
    memset(&world, 0, sizeof world);
    world.shows = abort_from_the_third;
    read_plan(FIVE_FAULTS, &plan);
    shrink_plan(&shrink, &plan);
    assert_false(shrink.minimal);
    assert_int_equal(world.asked, 3);
    assert_true(abort_from_the_third(&plan));

    memset(&world, 0, sizeof world);
    world.shows = abort_from_the_third;
    world.stop_after = 4;
    shrink.most = SHRINK_CANDIDATES_MAX;
    read_plan(FIVE_FAULTS, &plan);
    shrink_plan(&shrink, &plan);
    assert_false(shrink.minimal);
    assert_int_equal(world.asked, 5);
    assert_true(abort_from_the_third(&plan));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_fault_of_five_stays_at_its_earliest_site),
        cmocka_unit_test(faults_that_need_each_other_stay_together),
        cmocka_unit_test(the_second_of_a_pair_stands_alone),
        cmocka_unit_test(what_needs_no_fault_keeps_none),
        cmocka_unit_test(what_cannot_be_smaller_stays),
        cmocka_unit_test(the_database_is_as_small_as_can_be),
        cmocka_unit_test(a_site_that_must_be_where_it_is_is_found_out_soon),
        cmocka_unit_test(shrinking_again_changes_nothing),
        cmocka_unit_test(the_settings_of_the_server_can_be_kept),
        cmocka_unit_test(the_search_ends_where_it_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
