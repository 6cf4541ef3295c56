/* test_runstate.c - the run's shared state: counting of sites, operations, devices, folders that do not work.
 */
#include <errno.h>
#include <string.h>

#include "run_folder.h"

/* ---- counting ---- */

static struct fault parsed(const char *text)
{
    struct fault fault;
    struct fault_error error;
    CHECK(fault_parse(text, &fault, &error) == 0);
    return fault;
}

static void arrivals(void)
{
    struct fault third = parsed("abort@Write#3");
    /* Device 1 gets there first and takes the only shot. */
    CHECK(!run_fault_arrive(0, &third, 0, 0) && !run_fault_arrive(0, &third, 0, 0));
    CHECK(!run_fault_arrive(0, &third, 0, 1) && !run_fault_arrive(0, &third, 0, 1));
    CHECK(run_fault_arrive(0, &third, 0, 1));
    CHECK(!run_fault_arrive(0, &third, 0, 0) && !run_fault_arrive(0, &third, 0, 1));
    CHECK(atomic_load(&run_state_attach()->faults[0].fired) == 1);

    struct fault each = parsed("abort@Write#2:*");
    for (int device = 0; device < 3; device++) {
        CHECK(!run_fault_arrive(1, &each, 0, device));
        CHECK(run_fault_arrive(1, &each, 0, device));
        CHECK(!run_fault_arrive(1, &each, 0, device));
    }
    CHECK(atomic_load(&run_state_attach()->faults[1].fired) == 3);

    struct fault later = parsed("abort@Write#2+:1");
    CHECK(!run_fault_arrive(2, &later, 0, 0));
    CHECK(!run_fault_arrive(2, &later, 0, 1));
    CHECK(run_fault_arrive(2, &later, 0, 1) && run_fault_arrive(2, &later, 0, 1));
    CHECK(!run_fault_arrive(2, &later, 0, 0));

    struct fault second_operation = parsed("early-close@Close/1");
    CHECK(!run_fault_arrive(3, &second_operation, 0, -1));
    CHECK(!run_fault_arrive(3, &second_operation, -1, -1));
    CHECK(run_fault_arrive(3, &second_operation, 1, -1));

    struct fault last = parsed("abort@Write#last");
    CHECK(!run_fault_arrive(4, &last, 0, 0));               /* unresolved: never */
    CHECK(!run_fault_arrive(5, &each, 0, RUN_DEVICES_MAX)); /* a device there can be no count for */

    struct fault first = parsed("abort@Flush:0"), next = parsed("abort@Write#next:0");
    CHECK(!run_fault_arrive(7, &next, 0, 0) && !run_fault_arrive(7, &next, 0, 0));
    CHECK(run_fault_arrive(6, &first, 0, 0));
    CHECK(run_fault_arrive(7, &next, 0, 0) && !run_fault_arrive(7, &next, 0, 0));
}

static void counts_sites(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, arrivals), 0);
    finish(&run);
}

enum {
    RACERS = 4,
    RACES = 1000
};

static void race(void)
{
    struct fault fault = parsed("abort@Write#2000:3");
    for (int i = 0; i < RACES; i++) {
        run_fault_arrive(7, &fault, 0, 3);
    }
}

/* "Exactly as often as asked" holds over all processes of a run. */
static void fires_once_over_processes(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    pid_t child[RACERS];
    for (int i = 0; i < RACERS; i++) {
        child[i] = spawn(&run, race);
    }
    for (int i = 0; i < RACERS; i++) {
        int status = -1;
        waitpid(child[i], &status, 0);
        assert_int_equal(status, 0);
    }
    assert_int_equal(atomic_load(&run.state->faults[7].seen[3]), RACERS * RACES);
    assert_int_equal(atomic_load(&run.state->faults[7].fired), 1);
    finish(&run);
}

static void operations(void)
{
    CHECK(run_find_operation("a") == -1);
    CHECK(run_claim_operation("a", 2) == 0);
    CHECK(run_claim_operation("b", 1) == 1);
    CHECK(run_find_operation("a") == 0);
    run_drop_operation(1); /* the Create failed */
    CHECK(run_find_operation("b") == -1);
    CHECK(run_claim_operation("a", 2) == 1);
    CHECK(run_find_operation("a") == 1); /* the newest */
    CHECK(run_device_index(1, "a") == 0);
    CHECK(run_device_index(1, "a1") == 1);
    CHECK(run_device_index(1, "a2") == 2);
    CHECK(run_device_index(1, "a1") == 1);
    CHECK(run_device_index(0, "x") == 1); /* counted per operation */
    CHECK(run_device_index(-1, "a") == -1);
    for (int i = 0; i < RUN_DEVICES_MAX; i++) {
        char name[16];
        snprintf(name, sizeof(name), "d%d", i);
        CHECK(run_device_index(1, name) == (i < RUN_DEVICES_MAX - 3 ? i + 3 : -1));
    }
    CHECK(run_name_hash("") != 0 && run_name_hash("a") == 0xaf63dc4c8601ec8cu); /* FNV-1a's published value */
}

static void names_operations_and_devices(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, operations), 0);
    assert_string_equal(run.state->operations[1].set_name, "a");
    finish(&run);
}

/* ---- folders that do not work ---- */

static void record_without_folder(void)
{
    unsetenv("VDIFAULT_TRACE");
    struct event event = {.kind = EVENT_FAULT};
    CHECK(event_record(&event, NULL) == 1 && event_record(&event, "text") == 2);
    CHECK(!run_state_is_recorded());
    CHECK(run_claim_operation("a", 1) == 0);
}

static void counts_without_a_folder(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, record_without_folder), 0);
    assert_int_equal(atomic_load(&run.state->sequence), 0);
    finish(&run);
}

static void record_once(void)
{
    struct event event = {.kind = EVENT_FAULT};
    event_record(&event, NULL);
}

static void loses_without_rings(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    atomic_store(&run.state->ring_count, RUN_RINGS_MAX); /* none left */
    assert_int_equal(in_child(&run, record_once), 0);
    assert_int_equal(atomic_load(&run.state->lost), 1);
    assert_int_equal(atomic_load(&run.state->ring_count), RUN_RINGS_MAX);
    finish(&run);
}

static void make_folder(void)
{
    char folder[128];
    snprintf(folder, sizeof(folder), "%s/new", getenv("VDIFAULT_TRACE"));
    setenv("VDIFAULT_TRACE", folder, 1);
    record_once();
    CHECK(run_state_is_recorded());
}

static void makes_the_folder_itself(void **state)
{
    (void)state;
    struct run run;
    struct run_state *made = NULL;
    char folder[128];
    start(&run);
    assert_int_equal(in_child(&run, make_folder), 0);
    snprintf(folder, sizeof(folder), "%s/new", run.folder);
    assert_int_equal(run_state_map(folder, &made), 0);
    assert_int_equal(atomic_load(&made->sequence), 1);
    munmap(made, sizeof(*made));
    assert_int_equal(run_state_create(folder), EEXIST);
    assert_int_equal(run_state_map("/nonexistent", &made), ENOENT);
    assert_null(made);
    finish(&run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_sites),
        cmocka_unit_test(fires_once_over_processes),
        cmocka_unit_test(names_operations_and_devices),
        cmocka_unit_test(counts_without_a_folder),
        cmocka_unit_test(loses_without_rings),
        cmocka_unit_test(makes_the_folder_itself),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
