/* waits_test.c - how threads of a client in the simulation wait for one another: read-write locks, semaphores, barriers,
 * futexes, descriptors. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <poll.h>
#include <pthread.h>
#include <semaphore.h>
#include <spawn.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <sys/syscall.h>
#include <sys/timerfd.h>
#include <time.h>
#include <unistd.h>

#include "sessions.h"

static void start(pthread_t *thread, void *(*body)(void *), void *argument)
{
    assert_int_equal(pthread_create(thread, NULL, body, argument), 0);
}

static void join(pthread_t thread)
{
    assert_int_equal(pthread_join(thread, NULL), 0);
}

static struct timespec in_seconds(time_t seconds)
{
    return (struct timespec){.tv_sec = time(NULL) + seconds};
}

/* --- read-write locks --- */

static pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
static int written;

static void *write_under_lock(void *context)
{
    assert_int_equal(pthread_rwlock_trywrlock(&lock), EBUSY);
    assert_int_equal(pthread_rwlock_wrlock(&lock), 0);
    written++;
    assert_int_equal(pthread_rwlock_rdlock(&lock), EDEADLK);
    sleep(10);
    assert_int_equal(pthread_rwlock_unlock(&lock), 0);
    return context;
}

static int shares_a_lock(const char *folder)
{
    pthread_t writer;
    (void)folder;
    written = 0;
    assert_int_equal(pthread_rwlock_rdlock(&lock), 0);
    assert_int_equal(pthread_rwlock_tryrdlock(&lock), 0);
    start(&writer, write_under_lock, NULL);
    sleep(1);
    assert_int_equal(written, 0);
    pthread_rwlock_unlock(&lock);
    pthread_rwlock_unlock(&lock);
    sleep(1);
    assert_int_equal(written, 1);
    struct timespec soon = in_seconds(2);
    assert_int_equal(pthread_rwlock_timedrdlock(&lock, &soon), ETIMEDOUT);
    assert_int_equal(time(NULL), soon.tv_sec);
    assert_int_equal(pthread_rwlock_rdlock(&lock), 0);
    join(writer);
    return 1; /* the lock is held: the next session finds it free */
}

static int waits_for_itself(const char *folder)
{
    (void)folder;
    pthread_rwlock_rdlock(&lock);
    pthread_rwlock_wrlock(&lock);
    return 1;
}

static void locks_have_readers_and_writers(void **state)
{
    (void)state;
    expect(shares_a_lock, "", "", 1);
    expect(waits_for_itself, "", "VDI-OUT-002", -1);
    expect(shares_a_lock, "", "", 1);
}

/* --- semaphores, barriers, futexes --- */

static sem_t filled, emptied;
static pthread_barrier_t barrier;
static _Atomic uint32_t word;

static void *fill(void *context)
{
    for (int i = 0; i < 5; i++) {
        sem_wait(&emptied);
        written++;
        sem_post(&filled);
    }
    int end = pthread_barrier_wait(&barrier);
    assert_true(end == 0 || end == PTHREAD_BARRIER_SERIAL_THREAD);
    atomic_store(&word, 1);
    syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, 1, NULL, NULL, 0);
    return context;
}

static int hands_over(const char *folder)
{
    pthread_t filler;
    (void)folder;
    written = 0;
    atomic_store(&word, 0);
    assert_int_equal(sem_init(&filled, 0, 0), 0);
    assert_int_equal(sem_init(&emptied, 0, 1), 0);
    assert_int_equal(pthread_barrier_init(&barrier, NULL, 2), 0);
    assert_int_equal(sem_trywait(&filled), -1);
    assert_int_equal(errno, EAGAIN);
    struct timespec soon = in_seconds(5);
    assert_int_equal(sem_timedwait(&filled, &soon), -1);
    assert_int_equal(errno, ETIMEDOUT);
    assert_int_equal(time(NULL), soon.tv_sec);
    start(&filler, fill, NULL);
    for (int i = 0; i < 5; i++) {
        sem_wait(&filled);
        assert_int_equal(written, i + 1);
        sem_post(&emptied);
    }
    pthread_barrier_wait(&barrier);
    while (atomic_load(&word) == 0) {
        syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, 0, NULL, NULL, 0);
    }
    join(filler);
    pthread_barrier_destroy(&barrier);
    sem_destroy(&filled);
    sem_destroy(&emptied);
    return 1;
}

static int waits_for_a_post(const char *folder)
{
    (void)folder;
    sem_init(&filled, 0, 0);
    return sem_wait(&filled);
}

static void semaphores_count(void **state)
{
    (void)state;
    expect(hands_over, "", "", 1);
    expect(waits_for_a_post, "", "VDI-OUT-002", -1);
}

/* --- descriptors --- */

static void *write_later(void *end)
{
    sleep(100);
    assert_int_equal(write(*(int *)end, "x", 1), 1);
    return NULL;
}

/* Two wait, and the one wakes the other. */
static void *pass_on(void *ends)
{
    char byte;
    struct pollfd asked = {.fd = ((int *)ends)[0], .events = POLLIN};
    assert_int_equal(poll(&asked, 1, -1), 1);
    assert_int_equal(read(asked.fd, &byte, 1), 1);
    assert_int_equal(write(((int *)ends)[3], &byte, 1), 1);
    return NULL;
}

static int waits_for_pipes(const char *folder)
{
    int ends[4];
    char byte;
    pthread_t writer, passer;
    (void)folder;
    assert_int_equal(pipe(ends) | pipe(ends + 2), 0);
    struct pollfd asked = {.fd = ends[2], .events = POLLIN};
    time_t begin = time(NULL);
    assert_int_equal(poll(&asked, 1, 0), 0);
    assert_int_equal(poll(&asked, 1, 50000), 0);
    assert_int_equal(time(NULL), begin + 50);
    start(&writer, write_later, &ends[1]);
    start(&passer, pass_on, ends);
    assert_int_equal(poll(&asked, 1, 99000), 0);
    assert_int_equal(time(NULL), begin + 149);
    assert_int_equal(poll(&asked, 1, -1), 1);
    assert_int_equal(time(NULL), begin + 150);
    assert_int_equal(read(ends[2], &byte, 1), 1);
    join(writer);
    join(passer);

    fd_set in;
    struct timeval limit = {.tv_sec = 20};
    FD_ZERO(&in);
    FD_SET(ends[2], &in);
    assert_int_equal(select(ends[2] + 1, &in, NULL, NULL, &limit), 0);
    assert_false(FD_ISSET(ends[2], &in));
    start(&writer, write_later, &ends[3]);
    FD_SET(ends[2], &in);
    assert_int_equal(select(ends[2] + 1, &in, NULL, NULL, NULL), 1);
    assert_int_equal(read(ends[2], &byte, 1), 1);
    join(writer);

    struct epoll_event event = {.events = EPOLLIN};
    int many = epoll_create1(EPOLL_CLOEXEC);
    assert_int_equal(epoll_ctl(many, EPOLL_CTL_ADD, ends[2], &event), 0);
    assert_int_equal(epoll_wait(many, &event, 1, 1000), 0);
    start(&writer, write_later, &ends[3]);
    assert_int_equal(epoll_wait(many, &event, 1, -1), 1);
    assert_int_equal(read(ends[2], &byte, 1), 1);
    join(writer);
    start(&writer, write_later, &ends[3]);
    assert_int_equal(read(ends[2], &byte, 1), 1); /* it waits, too */
    assert_true(time(NULL) - begin < 480);
    join(writer);
    return close(ends[0]) | close(ends[1]) | close(ends[2]) | close(ends[3]) | close(many) ? 2 : 1;
}

/* A loop over poll and read instead of the stream's functions. */
static int polls_a_statement(const char *folder)
{
    char text[256];
    size_t length = 0;
    ssize_t got = 1;
    (void)folder;
    FILE *sql = popen("sqlcmd -h -1 -W -Q \"SET NOCOUNT ON; SELECT 40+2\"", "r");
    assert_non_null(sql);
    struct pollfd asked = {.fd = fileno(sql), .events = POLLIN};
    assert_int_equal(fcntl(asked.fd, F_SETFD, FD_CLOEXEC), 0);
    while (got > 0) {
        assert_int_equal(poll(&asked, 1, 30000), 1);
        got = read(asked.fd, text + length, sizeof text - 1 - length);
        length += got > 0 ? (size_t)got : 0;
    }
    text[length] = '\0';
    assert_string_equal(text, "42\n");
    return pclose(sql) == 0 ? 1 : 2;
}

static int polls_and_leaves(const char *folder)
{
    polls_a_statement(folder);
    FILE *sql = popen("sqlcmd -Q \"SELECT 1\"", "r");
    assert_true(fileno(sql) > 0);
    exit(3);
}

static int waits_for_nobody(const char *folder)
{
    int ends[2];
    (void)folder;
    assert_int_equal(pipe(ends), 0);
    struct pollfd asked = {.fd = ends[0], .events = POLLIN};
    return poll(&asked, 1, -1);
}

static void descriptors_are_waited_for(void **state)
{
    (void)state;
    time_t before = time(NULL);
    expect(waits_for_pipes, "", "", 1);
    expect(polls_a_statement, "", "", 1);
    expect(polls_and_leaves, "", "", 3);
    expect(waits_for_nobody, "", "VDI-OUT-002", -1);
    assert_true(time(NULL) - before < 60);
}

/* --- ends, and what there is none of --- */

static int ends_quickly(const char *folder)
{
    (void)folder;
    quick_exit(6);
}

static int ends_by_standard(const char *folder)
{
    (void)folder;
    _Exit(7);
}

static void quick_ends_are_ends(void **state)
{
    (void)state;
    expect(ends_quickly, "", "", 6);
    expect(ends_by_standard, "", "", 7);
}

static int forks_lightly(const char *folder)
{
    (void)folder;
    return vfork() == 0 ? 0 : 1;
}

static int spawns(const char *folder)
{
    char *words[] = {"true", NULL};
    pid_t process;
    (void)folder;
    return posix_spawnp(&process, "true", NULL, NULL, words, NULL);
}

static int becomes_another(const char *folder)
{
    char *words[] = {"true", NULL};
    (void)folder;
    return execvp("true", words);
}

static int sets_an_alarm(const char *folder)
{
    (void)folder;
    alarm(0);
    return alarm(5) == 0 ? 1 : 2;
}

static int makes_a_timer(const char *folder)
{
    (void)folder;
    return timerfd_create(CLOCK_MONOTONIC, 0);
}

static void what_cannot_be_is_told(void **state)
{
    (void)state;
    expect_refusal(forks_lightly, "uses vfork");
    expect_refusal(spawns, "uses posix_spawnp");
    expect_refusal(becomes_another, "uses execvp");
    expect_refusal(sets_an_alarm, "uses alarm");
    expect_refusal(makes_a_timer, "uses timerfd_create");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(locks_have_readers_and_writers), cmocka_unit_test(semaphores_count),
        cmocka_unit_test(descriptors_are_waited_for),     cmocka_unit_test(quick_ends_are_ends),
        cmocka_unit_test(what_cannot_be_is_told),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
