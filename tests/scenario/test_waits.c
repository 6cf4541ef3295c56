/* test_waits.c - the table of waits: made once and found by others, refused where it is none of ours, a slot for each
 * thread and for no other, and what happens when it is full. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "run_folder.h"
#include "waits.h"

enum {
    PROCESS = 1000,
    THREAD = 17
};

static void write_waits(const struct run *run, const void *bytes, size_t size)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/waits", run->folder);
    FILE *out = fopen(path, "w");
    assert_non_null(out);
    assert_int_equal(fwrite(bytes, 1, size, out), size);
    assert_int_equal(fclose(out), 0);
}

static void made_by_one_and_found_by_others(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_null(run_waits_map(run.folder, false)); /* nobody has made it */
    struct run_waits *made = run_waits_map(run.folder, true);
    struct run_waits *found = run_waits_map(run.folder, false);
    assert_non_null(made);
    assert_non_null(found);
    assert_null(run_waits_map(run.folder, true)); /* there is one */
    struct run_wait *wait = run_wait_claim(made, PROCESS, THREAD);
    assert_non_null(wait);
    assert_null(run_wait_find(found, PROCESS, THREAD)); /* its thread waits for nothing yet */
    atomic_store(&wait->active, 1);
    const struct run_wait *seen = run_wait_find(found, PROCESS, THREAD);
    assert_non_null(seen);
    assert_int_equal((const char *)seen - (const char *)found, (const char *)wait - (const char *)made);
    munmap(made, sizeof(*made));
    munmap(found, sizeof(*found));
    finish(&run);
}

static void what_is_no_table_is_refused(void **state)
{
    (void)state;
    struct run run;
    static struct run_waits bytes;
    start(&run);
    bytes.magic = RUN_WAITS_MAGIC;
    write_waits(&run, &bytes, sizeof(bytes) - 1);
    assert_null(run_waits_map(run.folder, false));
    bytes.magic++;
    write_waits(&run, &bytes, sizeof(bytes));
    assert_null(run_waits_map(run.folder, false));
    bytes.magic--;
    write_waits(&run, &bytes, sizeof(bytes));
    struct run_waits *waits = run_waits_map(run.folder, false);
    assert_non_null(waits);
    munmap(waits, sizeof(*waits));
    finish(&run);
}

static void a_link_is_not_followed(void **state)
{
    (void)state;
    struct run run;
    static struct run_waits bytes = {.magic = RUN_WAITS_MAGIC};
    char from[96], to[96];
    start(&run);
    write_waits(&run, &bytes, sizeof(bytes));
    snprintf(from, sizeof(from), "%s/waits", run.folder);
    snprintf(to, sizeof(to), "%s/elsewhere", run.folder);
    assert_int_equal(rename(from, to), 0);
    assert_int_equal(symlink(to, from), 0);
    assert_null(run_waits_map(run.folder, false));
    finish(&run);
}

static struct run_waits table;

static void a_slot_is_its_threads_own(void **state)
{
    (void)state;
    memset(&table, 0, sizeof(table));
    struct run_wait *one = run_wait_claim(&table, PROCESS, THREAD);
    struct run_wait *other =
        run_wait_claim(&table, PROCESS + 1, THREAD); /* the same number in another process */
    assert_non_null(one);
    assert_non_null(other);
    assert_ptr_not_equal(one, other);
    atomic_store(&one->active, 1);
    assert_ptr_equal(run_wait_find(&table, PROCESS, THREAD), one);
    assert_null(run_wait_find(&table, PROCESS + 1, THREAD));
    uint32_t serial = atomic_load(&one->serial);
    assert_ptr_equal(run_wait_claim(&table, PROCESS, THREAD), one); /* another wait of the same thread */
    assert_int_equal(atomic_load(&one->serial), serial + 1);
    assert_int_equal(atomic_load(&one->active), 0);
    atomic_store(&one->active, 1);
    run_wait_release(one);
    assert_null(run_wait_find(&table, PROCESS, THREAD));
    assert_ptr_equal(run_wait_claim(&table, PROCESS + 2, THREAD), one); /* it is free */
}

static void a_full_table_refuses(void **state)
{
    (void)state;
    uint32_t claimed = 0;
    memset(&table, 0, sizeof(table));
    while (claimed <= RUN_WAITS_MAX && run_wait_claim(&table, PROCESS + claimed, THREAD) != NULL) {
        claimed++;
    }
    assert_in_range(claimed, 2, RUN_WAITS_MAX);
    assert_null(run_wait_claim(&table, PROCESS + claimed, THREAD));
    assert_null(run_wait_find(&table, PROCESS + claimed, THREAD));
    run_waits_leave(&table, PROCESS); /* a place elsewhere: there is room */
    assert_true(run_waits_is_leaving(&table, PROCESS));
}

static void who_leaves_has_said_so(void **state)
{
    (void)state;
    memset(&table, 0, sizeof(table));
    assert_false(run_waits_is_leaving(&table, PROCESS));
    run_waits_leave(&table, PROCESS);
    assert_true(run_waits_is_leaving(&table, PROCESS));
    assert_false(run_waits_is_leaving(&table, PROCESS + 1));
    for (uint32_t process = PROCESS + 1; process < PROCESS + RUN_WAITS_MAX; process++) {
        run_waits_leave(&table, process); /* for want of room not all of them, and nothing breaks */
    }
    assert_true(run_waits_is_leaving(&table, PROCESS));
    assert_false(run_waits_is_leaving(&table, PROCESS + RUN_WAITS_MAX - 1));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_by_one_and_found_by_others),
        cmocka_unit_test(what_is_no_table_is_refused),
        cmocka_unit_test(a_link_is_not_followed),
        cmocka_unit_test(a_slot_is_its_threads_own),
        cmocka_unit_test(a_full_table_refuses),
        cmocka_unit_test(who_leaves_has_said_so),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
