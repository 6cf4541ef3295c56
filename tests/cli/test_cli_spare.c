/* A run's folder kept for the next one: as new, or not kept. */
#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "parts.h"
#include "runstate.h"
#include "spare.h"

static char base[] = "/tmp/test-cli-spare-XXXXXX";
static const struct parts parts = {
    .stand_in = "/x/sqlcmd", .interposer = "/x/libvdifault.so", .files = "/x/libvdifault-sys.so"};

static int make_base(void **state)
{
    (void)state;
    return mkdtemp(base) == NULL;
}

static int remove_base(void **state)
{
    (void)state;
    return folder_remove(base);
}

static void put_file(const struct rundir *dir, const char *name, size_t size)
{
    char path[RUN_PATH_MAX + 64];
    snprintf(path, sizeof path, "%s/%s", dir->path, name);
    int file = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(write(file, "left over", 9), 9);
    assert_int_equal(size > 9 ? ftruncate(file, (off_t)size) : 0, 0);
    close(file);
}

static bool exists(const struct rundir *dir, const char *name)
{
    char path[RUN_PATH_MAX + 64];
    struct stat info;
    snprintf(path, sizeof path, "%s/%s", dir->path, name);
    return lstat(path, &info) == 0;
}

/* As a session makes it, with a ring of a client. */
static struct run_state *make_run(struct spare *spare, struct rundir *dir)
{
    bool renewed = true;
    struct run_state *run = NULL;
    char trace[RUN_PATH_MAX + 8];
    assert_int_equal(spare_take(spare, base, &parts, dir, &renewed), 0);
    assert_false(renewed);
    snprintf(trace, sizeof trace, "%s/trace", dir->path);
    assert_int_equal(run_state_create(trace), 0);
    assert_int_equal(run_state_map(trace, &run), 0);
    put_file(dir, "plan", 0);
    put_file(dir, "plan-verify", 0);
    put_file(dir, "trace/ring.0", sizeof(struct event_ring) + EVENT_RING_CAPACITY * sizeof(struct event));
    atomic_store(&run->ring_count, 2); /* the second could not be made */
    atomic_store(&run->sequence, 77);
    return run;
}

static void what_a_run_left_is_gone(void **state)
{
    (void)state;
    static const char *const left[] = {"out.bak", "client/out.bak", "tmp/out.bak", "trace/catalog",
                                       "sanitizer/report.1"};
    struct spare spare = {0};
    struct rundir dir, again;
    bool renewed = false;
    char header[9];
    char ring[RUN_PATH_MAX + 16];
    struct run_state *run = make_run(&spare, &dir);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        put_file(&dir, left[i], 0);
    }
    snprintf(ring, sizeof ring, "%s/tmp/folder", dir.path);
    assert_int_equal(mkdir(ring, 0), 0);
    spare_give(&spare, &dir);
    assert_int_equal(atomic_load(&run->sequence), 0);
    assert_int_equal(run->magic, RUN_STATE_MAGIC);
    munmap(run, sizeof *run);
    assert_int_equal(spare_take(&spare, base, &parts, &again, &renewed), 0);
    assert_true(renewed);
    assert_string_equal(again.path, dir.path);
    for (size_t i = 0; i < sizeof left / sizeof left[0]; i++) {
        assert_false(exists(&again, left[i]));
    }
    assert_false(exists(&again, "tmp/folder"));
    snprintf(ring, sizeof ring, "%s/trace/ring.0", dir.path);
    int file = open(ring, O_RDONLY | O_CLOEXEC);
    assert_int_equal(read(file, header, sizeof header), sizeof header);
    assert_memory_equal(header, "\0\0\0\0\0\0\0\0\0", sizeof header);
    close(file);
    assert_int_equal(folder_remove(again.path), 0);
}

/* {run} is the client's, which may remove it, or put another thing in its place. */
static void the_clients_own_folder_is_there_again(void **state)
{
    (void)state;
    struct spare spare = {0};
    struct rundir dir, again;
    bool renewed = false;
    char own[RUN_PATH_MAX + 16];
    struct run_state *run = make_run(&spare, &dir);
    put_file(&dir, "client/out.bak", 0);
    snprintf(own, sizeof own, "%s/client", dir.path);
    assert_int_equal(folder_remove(own), 0);
    spare_give(&spare, &dir);
    assert_int_equal(spare_take(&spare, base, &parts, &again, &renewed), 0);
    assert_true(renewed);
    assert_true(exists(&again, "client/."));
    assert_int_equal(folder_remove(own), 0);
    assert_int_equal(symlink("/etc", own), 0);
    spare_give(&spare, &again);
    assert_false(spare.there);
    assert_false(exists(&again, "."));
    munmap(run, sizeof *run);
}

/* What a client has done to a part of the folder does not reach the next run. */
static void a_folder_that_lacks_a_part_is_not_kept(void **state)
{
    (void)state;
    static const char *const parts_of_it[] = {"plan", "bin/sqlcmd", "trace/state", "tmp", "namespace"};
    for (size_t i = 0; i < sizeof parts_of_it / sizeof parts_of_it[0]; i++) {
        struct spare spare = {0};
        struct rundir dir;
        char part[RUN_PATH_MAX + 16];
        struct run_state *run = make_run(&spare, &dir);
        snprintf(part, sizeof part, "%s/%s", dir.path, parts_of_it[i]);
        assert_int_equal(folder_remove(part), 0);
        if (i % 2 == 0) { /* another thing in its place */
            assert_int_equal(i == 0 ? mkfifo(part, 0600) : symlink("/etc", part), 0);
        }
        spare_give(&spare, &dir);
        munmap(run, sizeof *run);
        assert_false(spare.there);
        assert_false(exists(&dir, "."));
    }
}

/* Neither a state that was cut short, nor one that has its old size again. */
static void a_folder_whose_state_was_cut_is_not_kept(void **state)
{
    (void)state;
    const off_t sizes[] = {0, sizeof(struct run_state)};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct spare spare = {0};
        struct rundir dir;
        char path[RUN_PATH_MAX + 16];
        struct run_state *run = make_run(&spare, &dir);
        snprintf(path, sizeof path, "%s/trace/state", dir.path);
        assert_int_equal(truncate(path, 0), 0);
        assert_int_equal(truncate(path, sizes[i]), 0);
        spare_give(&spare, &dir);
        munmap(run, sizeof *run);
        assert_false(spare.there);
        assert_false(exists(&dir, "."));
    }
}

static void only_one_is_kept(void **state)
{
    (void)state;
    struct spare spare = {0};
    struct rundir first, second;
    struct run_state *run = make_run(&spare, &first);
    struct run_state *other = make_run(&spare, &second);
    spare_give(&spare, &first);
    spare_give(&spare, &second);
    munmap(run, sizeof *run);
    munmap(other, sizeof *other);
    assert_string_equal(spare.dir.path, first.path);
    assert_false(exists(&second, "."));
    spare_drop(&spare);
    assert_false(exists(&first, "."));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_a_run_left_is_gone),
        cmocka_unit_test(the_clients_own_folder_is_there_again),
        cmocka_unit_test(a_folder_that_lacks_a_part_is_not_kept),
        cmocka_unit_test(a_folder_whose_state_was_cut_is_not_kept),
        cmocka_unit_test(only_one_is_kept),
    };
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
