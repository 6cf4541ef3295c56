/* test_system_failures.c - what the run's files, the trace file and texts do when the system refuses: each says why,
 * keeps nothing, and the client it may be part of goes on. Calls of the system are wrapped by the linker
 * (tests/scenario/CMakeLists.txt). */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "recorded.h"
#include "redact.h"
#include "runstate_internal.h"
#include "trace.h"

/* ---- calls that fail ---- */

enum call {
    MALLOC,
    CALLOC,
    STRDUP,
    OPEN,
    FSTAT,
    MMAP,
    MADVISE,
    PREAD,
    PWRITE,
    FALLOCATE,
    KEY,
    CALL_COUNT
};

static struct {
    uint32_t left; /* 0: does not fail; else the how manieth does */
    int error;
} failing[CALL_COUNT];

static void fail_next(enum call call, uint32_t nth, int error)
{
    failing[call].left = nth;
    failing[call].error = error;
}

static bool fails(enum call call)
{
    if (failing[call].left == 0 || --failing[call].left > 0) {
        return false;
    }
    errno = failing[call].error;
    return true;
}

#define WRAP(type, name, parameters) \
    type __real_##name parameters;   \
    type __wrap_##name parameters;   \
    type __wrap_##name parameters

WRAP(void *, malloc, (size_t size))
{
    return fails(MALLOC) ? NULL : __real_malloc(size);
}

WRAP(void *, calloc, (size_t count, size_t size))
{
    return fails(CALLOC) ? NULL : __real_calloc(count, size);
}

WRAP(char *, strdup, (const char *text))
{
    return fails(STRDUP) ? NULL : __real_strdup(text);
}

WRAP(int, open, (const char *path, int flags, mode_t mode))
{
    return fails(OPEN) ? -1 : __real_open(path, flags, mode);
}

WRAP(int, fstat, (int file, struct stat *info))
{
    return fails(FSTAT) ? -1 : __real_fstat(file, info);
}

WRAP(void *, mmap, (void *at, size_t size, int protection, int flags, int file, off_t offset))
{
    return fails(MMAP) ? MAP_FAILED : __real_mmap(at, size, protection, flags, file, offset);
}

WRAP(int, madvise, (void *at, size_t size, int advice))
{
    return fails(MADVISE) ? -1 : __real_madvise(at, size, advice);
}

WRAP(ssize_t, pread, (int file, void *bytes, size_t size, off_t offset))
{
    return fails(PREAD) ? -1 : __real_pread(file, bytes, size, offset);
}

WRAP(ssize_t, pwrite, (int file, const void *bytes, size_t size, off_t offset))
{
    return fails(PWRITE) ? -1 : __real_pwrite(file, bytes, size, offset);
}

WRAP(int, posix_fallocate, (int file, off_t offset, off_t size))
{
    return fails(FALLOCATE) ? failing[FALLOCATE].error : __real_posix_fallocate(file, offset, size);
}

WRAP(int, pthread_key_create, (pthread_key_t * key, void (*destroy)(void *)))
{
    return fails(KEY) ? failing[KEY].error : __real_pthread_key_create(key, destroy);
}

static int forget_failures(void **state)
{
    (void)state;
    memset(failing, 0, sizeof(failing));
    return 0;
}

/* ---- the run's state ---- */

static uint32_t files_in(const struct run *run)
{
    char command[128];
    uint32_t count = 0;
    snprintf(command, sizeof(command), "ls -A '%s' | wc -l", run->folder);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    assert_int_equal(fscanf(out, "%u", &count), 1);
    pclose(out);
    return count;
}

static void a_new_file_that_cannot_be_leaves_nothing(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int error;
    } rows[] = {{OPEN, EACCES}, {FALLOCATE, ENOSPC}, {MMAP, ENOMEM}};
    struct run run;
    int error = 0;
    start(&run);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fail_next(rows[i].call, 1, rows[i].error);
        assert_null(run_new_file(run.folder, "new", 8192, &error));
        assert_int_equal(error, rows[i].error);
        assert_int_equal(files_in(&run), 1); /* the state */
    }
    finish(&run);
}

static void a_state_that_cannot_be_made_or_mapped_is_told(void **state)
{
    (void)state;
    static const struct {
        enum call call;
        int error;
    } rows[] = {{OPEN, EMFILE}, {FSTAT, EIO}, {MMAP, ENOMEM}};
    struct run run;
    struct run_state *mapped = NULL;
    char folder[96];
    start(&run);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        fail_next(rows[i].call, 1, rows[i].error);
        assert_int_equal(run_state_map(run.folder, &mapped), rows[i].error);
        assert_null(mapped);
    }
    snprintf(folder, sizeof(folder), "%s/inside", run.folder);
    fail_next(FALLOCATE, 1, ENOSPC);
    assert_int_equal(run_state_create(folder), ENOSPC);
    assert_int_equal(run_state_map(folder, &mapped), ENOENT);
    fail_next(FSTAT, 1, EIO);
    assert_int_equal(run_open_file(run.folder, "state", sizeof(struct run_state)), -1);
    finish(&run);
}

static void a_ring_that_cannot_be_wiped_is_told(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, record_few), 0);
    fail_next(PWRITE, 1, ENOSPC);
    assert_int_equal(run_state_renew(run.folder), EIO);
    assert_int_equal(atomic_load(&run.state->ring_count), 1); /* it is no new run */
    assert_int_equal(run_state_renew(run.folder), 0);
    finish(&run);
}

/* ---- the recorder, in a client ---- */

/* No page that a fork wipes: each look asks the system, and a child is told from its parent all the same. */
static void record_over_a_fork(void)
{
    int status = -1;
    record(0);
    CHECK(run_process_page == NULL && run_process() == (uint32_t)getpid());
    pid_t child = fork();
    if (child == 0) {
        CHECK(run_process() == (uint32_t)getpid());
        record(1);
        _exit(0);
    }
    CHECK(waitpid(child, &status, 0) == child && status == 0);
}

static void record_without_a_page(void)
{
    fail_next(MMAP, 1, ENOMEM); /* the first mapping of all */
    record_over_a_fork();
}

static void record_on_an_old_kernel(void)
{
    fail_next(MADVISE, 1, EINVAL);
    record_over_a_fork();
}

static void a_fork_is_noticed_without_help(void **state)
{
    (void)state;
    static void (*const bodies[])(void) = {record_without_a_page, record_on_an_old_kernel};
    for (size_t i = 0; i < 2; i++) {
        struct run run;
        start(&run);
        assert_int_equal(in_child(&run, bodies[i]), 0);
        assert_int_equal(atomic_load(&run.state->ring_count), 2); /* each its own */
        assert_int_equal(drained(&run).count, 2);
        finish(&run);
    }
}

static void *one_event(void *unused)
{
    record(0);
    return unused;
}

/* Without a way to notice a thread's end its ring is not used again, and nothing else changes. */
static void record_in_threads_without_a_key(void)
{
    fail_next(KEY, 1, EAGAIN);
    for (int i = 0; i < 3; i++) {
        pthread_t thread;
        CHECK(pthread_create(&thread, NULL, one_event, NULL) == 0);
        CHECK(pthread_join(thread, NULL) == 0);
    }
}

static void threads_end_unnoticed(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, record_in_threads_without_a_key), 0);
    assert_int_equal(atomic_load(&run.state->ring_count), 3);
    assert_int_equal(drained(&run).count, 3);
    finish(&run);
}

static void record_on_a_full_disk(void)
{
    run_state_attach();
    fail_next(FALLOCATE, 1, ENOSPC);
    record(0);
    record(1); /* it is not tried again */
}

static void events_without_a_ring_are_counted(void **state)
{
    (void)state;
    struct run run;
    start(&run);
    assert_int_equal(in_child(&run, record_on_a_full_disk), 0);
    assert_int_equal(atomic_load(&run.state->lost), 2);
    assert_int_equal(files_in(&run), 1);
    finish(&run);
}

/* ---- the collector ---- */

static void a_collector_needs_memory(void **state)
{
    (void)state;
    struct run run;
    struct collector *collector = NULL;
    start(&run);
    fail_next(CALLOC, 1, ENOMEM);
    assert_int_equal(collector_open(run.folder, run.state, &collector), ENOMEM);
    fail_next(STRDUP, 1, ENOMEM);
    assert_int_equal(collector_open(run.folder, run.state, &collector), ENOMEM);
    assert_null(collector);
    fail_next(MALLOC, 1, ENOMEM);
    assert_int_equal(collector_open_copy(run.folder, &collector), ENOMEM);
    fail_next(CALLOC, 1, ENOMEM);
    assert_int_equal(collector_open_copy(run.folder, &collector), ENOMEM);
    fail_next(PREAD, 1, EIO);
    assert_int_equal(collector_open_copy(run.folder, &collector), EPROTO);
    fail_next(FSTAT, 1, EIO);
    assert_int_equal(collector_open_copy(run.folder, &collector), EPROTO);
    assert_null(collector);
    finish(&run);
}

/* What could not be read now can be read later. */
static void a_ring_that_cannot_be_read_is_tried_again(void **state)
{
    (void)state;
    static const enum call calls[] = {OPEN, MMAP};
    struct run run;
    struct collector *collector = NULL;
    struct taken taken = {0};
    start(&run);
    assert_int_equal(in_child(&run, record_few), 0);
    assert_int_equal(collector_open(run.folder, run.state, &collector), 0);
    for (size_t i = 0; i < sizeof(calls) / sizeof(calls[0]); i++) {
        fail_next(calls[i], 1, EMFILE);
        collector_drain(collector, take, &taken);
        assert_int_equal(taken.count, 0);
        assert_int_equal(collector_dropped(collector), 0);
    }
    collector_drain(collector, take, &taken);
    assert_int_equal(taken.count, FEW);
    collector_close(collector);
    finish(&run);
}

/* ---- texts and traces ---- */

static void texts_need_memory(void **state)
{
    (void)state;
    static struct plan plan;
    char *const arguments[] = {"client", "-Psecret", "--password=secret", "x"};
    plan_init(&plan);
    fail_next(MALLOC, 1, ENOMEM);
    assert_null(plan_text(&plan));
    fail_next(MALLOC, 1, ENOMEM);
    assert_null(redact_text("PASSWORD='x'"));
    for (int i = 1; i < 4; i++) {
        fail_next(MALLOC, 1, ENOMEM);
        assert_null(redact_argument(4, arguments, i));
    }
}

static void a_trace_needs_memory(void **state)
{
    (void)state;
    static const char *const strings[] = {"argument=client"};
    struct trace_numbers numbers = {0};
    struct trace_writer *writer = NULL;
    struct trace_reader *reader = NULL;
    char *bytes = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&bytes, &size);
    assert_non_null(out);
    fail_next(MALLOC, 1, ENOMEM);
    assert_int_equal(trace_write_start(out, &numbers, strings, 1, &writer), ENOMEM);
    fail_next(CALLOC, 1, ENOMEM);
    assert_int_equal(trace_write_start(out, &numbers, strings, 1, &writer), ENOMEM);
    assert_null(writer);
    rewind(out);
    assert_int_equal(trace_write_start(out, &numbers, strings, 1, &writer), 0);
    assert_int_equal(trace_write_end(writer), 0);
    fclose(out);

    FILE *in = fmemopen(bytes, size, "r");
    assert_non_null(in);
    fail_next(CALLOC, 1, ENOMEM);
    assert_int_equal(trace_read_start(in, &reader), ENOMEM);
    assert_null(reader);
    fail_next(MALLOC, 1, ENOMEM);
    assert_int_equal(trace_read_start(in, &reader), EINVAL);
    assert_non_null(strstr(trace_error(reader), "no memory for the START block"));
    trace_read_end(reader);
    fclose(in);
    free(bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(a_new_file_that_cannot_be_leaves_nothing, forget_failures),
        cmocka_unit_test_setup(a_state_that_cannot_be_made_or_mapped_is_told, forget_failures),
        cmocka_unit_test_setup(a_ring_that_cannot_be_wiped_is_told, forget_failures),
        cmocka_unit_test_setup(a_fork_is_noticed_without_help, forget_failures),
        cmocka_unit_test_setup(threads_end_unnoticed, forget_failures),
        cmocka_unit_test_setup(events_without_a_ring_are_counted, forget_failures),
        cmocka_unit_test_setup(a_collector_needs_memory, forget_failures),
        cmocka_unit_test_setup(a_ring_that_cannot_be_read_is_tried_again, forget_failures),
        cmocka_unit_test_setup(texts_need_memory, forget_failures),
        cmocka_unit_test_setup(a_trace_needs_memory, forget_failures),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
