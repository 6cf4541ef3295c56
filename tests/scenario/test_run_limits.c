/* test_run_limits.c - a run's folder and state at their limits: what is not ours, too long, too many, or the end of one
 * run and the beginning of the next. */
#include <errno.h>
#include <limits.h>
#include <string.h>
#include <sys/resource.h>

#include "cut.h"
#include "recorded.h"
#include "runstate_internal.h"

/* ---- folders ---- */

static void too_long_a_folder_is_told(void **state)
{
    (void)state;
    static char folder[PATH_MAX + 1];
    struct run_state *mapped = NULL;
    struct collector *collector = NULL;
    int error = 0;
    memset(folder, 'f', PATH_MAX);
    assert_int_equal(run_state_create(folder), ENAMETOOLONG);
    assert_int_equal(run_state_map(folder, &mapped), ENAMETOOLONG);
    assert_null(mapped);
    assert_int_equal(run_state_renew(folder), ENAMETOOLONG);
    assert_int_equal(collector_open_copy(folder, &collector), ENAMETOOLONG);
    assert_null(collector);
    assert_null(run_new_file(folder, "file", 4096, &error));
    assert_int_equal(error, ENAMETOOLONG);
    assert_int_equal(run_open_file(folder, "file", 4096), -1);
}

static void a_folder_that_cannot_be_is_told(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    char inside[128];
    int error = 0;
    snprintf(inside, sizeof(inside), "%s/no/such", run.folder);
    assert_int_equal(run_state_create(inside), ENOENT);
    snprintf(inside, sizeof(inside), "%s/state", run.folder);
    assert_int_equal(run_state_create(inside), ENOTDIR); /* a file is there */
    assert_int_equal(run_state_create(run.folder), EEXIST);
    assert_null(run_new_file(inside, "file", 4096, &error));
    assert_int_equal(error, ENOTDIR);
    finish(&run);
}

/* A file that the process may not make so large is no signal, and leaves nothing behind. */
static void make_under_a_limit(void)
{
    struct rlimit limit;
    int error = 0;
    const char *folder = getenv("VDIFAULT_TRACE");
    CHECK(getrlimit(RLIMIT_FSIZE, &limit) == 0);
    limit.rlim_cur = 4096;
    CHECK(setrlimit(RLIMIT_FSIZE, &limit) == 0);
    CHECK(run_new_file(folder, "large", 4097, &error) == NULL && error == EFBIG);
    CHECK(run_open_file(folder, "large", 4097) == -1);
    void *small = run_new_file(folder, "small", 4096, &error);
    CHECK(small != NULL && error == 0);
    munmap(small, 4096);
}

static void a_limit_on_files_is_told(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, make_under_a_limit), 0);
    finish(&run);
}

static void a_state_of_another_version_is_not_mapped(void **state)
{
    (void)state;
    struct run run;
    struct run_state *mapped = NULL;
    char path[96];
    start(&run);
    run.state->version++;
    assert_int_equal(run_state_map(run.folder, &mapped), EPROTO);
    run.state->version--;
    run.state->magic++;
    assert_int_equal(run_state_map(run.folder, &mapped), EPROTO);
    run.state->magic--;
    snprintf(path, sizeof(path), "%s/state", run.folder);
    assert_int_equal(truncate(path, (off_t)sizeof(struct run_state) + 1), 0);
    assert_int_equal(run_state_map(run.folder, &mapped), EPROTO);
    assert_null(mapped);
    assert_int_equal(run_state_renew(run.folder), EPROTO);
    finish(&run);
}

/* ---- one run after another in the same folder ---- */

static void a_renewed_run_is_a_new_one(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, record_few), 0);
    assert_int_equal(drained(&run).count, FEW);
    atomic_store(&run.state->ring_count, 3); /* announced by writers that could not make them */
    assert_int_equal(run_state_renew(run.folder), 0);
    assert_int_equal(atomic_load(&run.state->ring_count), 0);
    assert_int_equal(atomic_load(&run.state->sequence), 0);
    assert_int_equal(in_child(&run, record_few), 0); /* into the same file, wiped */
    struct taken taken = drained(&run);
    assert_int_equal(taken.count, FEW);
    assert_int_equal(taken.last_sequence, FEW);
    finish(&run);
}

/* A ring that is not wiped is somebody's: who comes next does not write into it. */
static void a_ring_in_use_is_not_taken(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, record_few), 0);
    atomic_store(&run.state->ring_count, 0);
    assert_int_equal(in_child(&run, record_few), 0);
    assert_int_equal(atomic_load(&run.state->lost), FEW);
    finish(&run);
}

/* ---- rings that are not what they should be ---- */

static void set_ring(const struct run *run, size_t offset, uint32_t value)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/ring.0", run->folder);
    FILE *ring = fopen(path, "r+");
    assert_non_null(ring);
    assert_int_equal(fseek(ring, (long)offset, SEEK_SET), 0);
    assert_int_equal(fwrite(&value, sizeof(value), 1, ring), 1);
    assert_int_equal(fclose(ring), 0);
}

static void a_ring_of_another_kind_is_not_read(void **state)
{
    (void)state;
    static const struct {
        size_t offset;
        uint32_t wrong, right;
    } rows[] = {
        {offsetof(struct event_ring, magic), 0, RUN_STATE_MAGIC},
        {offsetof(struct event_ring, version), EVENT_VERSION + 1, EVENT_VERSION},
        {offsetof(struct event_ring, capacity), EVENT_RING_CAPACITY / 2, EVENT_RING_CAPACITY},
    };
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, record_few), 0);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        set_ring(&run, rows[i].offset, rows[i].wrong);
        assert_int_equal(drained(&run).count, 0);
        set_ring(&run, rows[i].offset, rows[i].right);
    }
    assert_int_equal(drained(&run).count, FEW);
    finish(&run);
}

static void nothing_is_closed(void **state)
{
    (void)state;
    collector_close(NULL);
}

static void more_than_can_be_watched_is_told(void **state)
{
    (void)state;
    static char pages[1];
    static int watches[RUN_RINGS_MAX + 10];
    int count = 0;
    while ((watches[count] = cut_watch(pages, sizeof(pages))) != CUT_NONE) {
        assert_true(++count < RUN_RINGS_MAX + 10);
    }
    assert_true(count > RUN_RINGS_MAX); /* each ring, and the state */
    cut_forget(CUT_NONE);
    cut_forget(watches[7]);
    assert_int_equal(cut_watch(pages, sizeof(pages)), watches[7]);
    for (int i = 0; i < count; i++) {
        cut_forget(watches[i]);
    }
}

/* ---- numbers ---- */

static void claim_all(void)
{
    for (int32_t i = 0; i < RUN_OPERATIONS_MAX; i++) {
        CHECK(run_claim_operation("set", 1) == i);
    }
    CHECK(run_claim_operation("set", 1) == -1);
    CHECK(run_find_operation("set") == RUN_OPERATIONS_MAX - 1);
    CHECK(run_find_operation("other") == -1);
    atomic_store(&run_state_attach()->operation_count, UINT32_MAX); /* as a client may write it */
    CHECK(run_find_operation("set") == RUN_OPERATIONS_MAX - 1);
    run_drop_operation(-1);
    run_drop_operation(RUN_OPERATIONS_MAX);
    CHECK(run_find_operation("set") == RUN_OPERATIONS_MAX - 1);
    run_drop_operation(RUN_OPERATIONS_MAX - 1);
    CHECK(run_find_operation("set") == RUN_OPERATIONS_MAX - 2);
    CHECK(run_device_index(RUN_OPERATIONS_MAX, "set") == -1);
}

static void operations_run_out(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, claim_all), 0);
    finish(&run);
}

static struct fault parsed(const char *text)
{
    struct fault fault;
    struct fault_error error;
    CHECK(fault_parse(text, &fault, &error) == 0);
    return fault;
}

static void fire_and_take_back(void)
{
    const struct run_fault *counts = run_state_attach()->faults;
    struct fault once = parsed("abort@Write#2"), each = parsed("abort@Write:*"),
                 later = parsed("abort@Write#2+");
    CHECK(run_fault_fire(0, &once) && !run_fault_fire(0, &once));
    run_fault_take_back(0); /* it could not be done */
    CHECK(atomic_load(&counts[0].fired) == 0);
    CHECK(run_fault_fire(0, &once) && atomic_load(&counts[0].fired) == 1);
    CHECK(run_fault_fire(1, &each) && run_fault_fire(1, &each) && atomic_load(&counts[1].fired) == 2);
    CHECK(run_fault_fire(2, &later) && run_fault_fire(2, &later) && atomic_load(&counts[2].fired) == 2);
    struct fault next = parsed("abort@Write#next");
    CHECK(!run_fault_arrive(0, &next, 0, 0)); /* there is none before the first */
}

static void faults_fire_as_often_as_asked(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, fire_and_take_back), 0);
    finish(&run);
}

/* ---- the environment ---- */

static void what_the_process_was_started_with_counts(void **state)
{
    (void)state;
    assert_string_equal(run_variable("VDIFAULT_GUARD"), "at-start");
    setenv("VDIFAULT_GUARD", "later", 1);
    assert_string_equal(run_variable("VDIFAULT_GUARD"), "later");
    unsetenv("VDIFAULT_GUARD");
    assert_string_equal(run_variable("VDIFAULT_GUARD"), "at-start");
    assert_null(run_variable("VDIFAULT_ON_FINDING"));
    unsetenv("VDIFAULT_PLAN");
    assert_null(run_variable("VDIFAULT_PLAN"));
}

int main(int argc, char **argv)
{
    (void)argc;
    if (getenv("VDIFAULT_GUARD") == NULL) {
        static char longer[(32 << 10) + 1]; /* more than is kept of all of them (variables.c) */
        memset(longer, 'x', sizeof longer - 1);
        setenv("VDIFAULT_GUARD", "at-start", 1);
        setenv("VDIFAULT_ON_FINDING", longer, 1);
        execv("/proc/self/exe", argv);
        return 1;
    }
    unsetenv("VDIFAULT_ON_FINDING");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(too_long_a_folder_is_told),
        cmocka_unit_test(a_folder_that_cannot_be_is_told),
        cmocka_unit_test(a_limit_on_files_is_told),
        cmocka_unit_test(a_state_of_another_version_is_not_mapped),
        cmocka_unit_test(a_renewed_run_is_a_new_one),
        cmocka_unit_test(a_ring_in_use_is_not_taken),
        cmocka_unit_test(a_ring_of_another_kind_is_not_read),
        cmocka_unit_test(nothing_is_closed),
        cmocka_unit_test(more_than_can_be_watched_is_told),
        cmocka_unit_test(operations_run_out),
        cmocka_unit_test(faults_fire_as_often_as_asked),
        cmocka_unit_test(what_the_process_was_started_with_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
