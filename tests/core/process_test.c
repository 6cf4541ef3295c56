/* What a client's process may do beside its set: fork, take signals, cancel threads, run out of descriptors, talk
 * to a container. None of it is the set's end. */
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

#include "pair.h"
#include "segment.h"

enum {
    NO_CONTAINER = 77 /* exit status: the machine does not let us make one */
};

static void *get_command(void *device)
{
    struct VDC_Command *command;
    return (void *)(intptr_t)client_device_get_command(device, -1, &command);
}

static void wait_for_sleeper(const struct pair *pair)
{
    struct segment segment;
    assert_int_equal(segment_open(pair->name, &segment), 0);
    while (atomic_load(&segment.header->devices[0].commands.waiters) == 0) {
        sched_yield();
    }
    segment_detach(&segment);
}

/* --- fork --- */

/* In a child nobody opened the set; the calls and locks of threads it does not have are still under way in its
 * copy. 0 if that troubles neither Close nor the destructor. */
static int child_of_a_client(struct client_set *set)
{
    alarm(20);
    int result = client_set_close(set);
    client_set_free(set);
    return result == VD_E_PROTOCOL ? 0 : 1;
}

static void test_a_child_does_not_end_its_parents_set(void **unused)
{
    (void)unused;
    struct pair pair;
    pthread_t thread;
    void *result;
    int status;
    pair_start(&pair, 1);
    assert_int_equal(pthread_create(&thread, NULL, get_command, pair.devices[0]), 0);
    wait_for_sleeper(&pair);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(child_of_a_client(pair.client));
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(pair_objects_left(), 2); /* the control object and one buffer area */
    assert_int_equal(server_set_abort_reason(pair.server), SERVER_ABORT_NONE);
    assert_false(server_set_client_closed(pair.server));
    assert_int_equal(server_device_close(pair.server_devices[0]), 0);
    pthread_join(thread, &result);
    assert_int_equal((int)(intptr_t)result, VD_E_CLOSE);
    assert_int_equal(client_set_close(pair.client), 0);
    pair_free(&pair);
    assert_int_equal(pair_objects_left(), 0);
}

/* A child's copy can have a set of its own afterwards. */
static void test_a_child_may_create_its_own_set(void **unused)
{
    (void)unused;
    struct pair pair;
    int status;
    pair_create(&pair, 1);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        struct VDConfig config = {.deviceCount = 1};
        struct client_set *set = client_set_new();
        bool good = client_set_create(set, pair.name, &config) == VD_E_PROTOCOL && /* the parent's lives */
                    client_set_create(set, "child's", &config) == 0 && client_set_close(set) == 0;
        client_set_free(set);
        _exit(good ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    pair_free(&pair);
}

/* As a daemon does: Create, fork, and the child does the rest, Close included. */
static void test_a_child_that_configures_ends_the_set(void **unused)
{
    (void)unused;
    struct pair pair;
    int status;
    pair_create(&pair, 1);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        alarm(20);
        pair_open(&pair);
        pair_configure(&pair, 4);
        pair_get_configuration(&pair);
        _exit(client_set_close(pair.client) == 0 ? 0 : 1);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(status, 0);
    assert_int_equal(pair_objects_left(), 0);
    pair_free(&pair);
}

/* --- signals --- */

static void on_tick(int signal)
{
    (void)signal;
}

/* A clock that ticks more often than the client looks whether its server lives. */
static void test_signals_do_not_hide_a_dead_server(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDConfig config;
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART}, before;
    struct itimerval ticks = {.it_interval.tv_usec = 50000, .it_value.tv_usec = 50000};
    struct itimerval none = {0};
    pair_create(&pair, 1);
    pid_t server = fork();
    assert_true(server >= 0);
    if (server == 0) {
        pair_open(&pair);
        _exit(0); /* without Close */
    }
    waitpid(server, NULL, 0);
    sigaction(SIGALRM, &action, &before);
    setitimer(ITIMER_REAL, &ticks, NULL);
    int64_t start = os_now();
    int result = client_set_get_configuration(pair.client, 20000, &config);
    int64_t end = os_now();
    setitimer(ITIMER_REAL, &none, NULL);
    sigaction(SIGALRM, &before, NULL);
    assert_int_equal(result, VD_E_ABORT);
    assert_true(end - start < 10000000000); /* not only when the time was up */
    pair_free(&pair);
}

/* --- cancellation --- */

/* The interface has no cancellation points: a thread that vanished inside would keep Close from ever ending. */
static void *run_cancelled(void *argument)
{
    struct pair *pair = argument;
    struct VDConfig config = {.deviceCount = 1};
    pthread_cancel(pthread_self());
    bool good = client_set_create(pair->client, pair->name, &config) == 0 &&
                client_set_get_configuration(pair->client, 1, &config) == VD_E_TIMEOUT &&
                server_set_open(pair->server, pair->name) == 0 &&
                /* a look at the server, and one more */
                client_set_get_configuration(pair->client, 0, &config) == VD_E_TIMEOUT &&
                client_set_get_configuration(pair->client, 1, &config) == VD_E_TIMEOUT &&
                server_set_close(pair->server) == 0 && client_set_close(pair->client) == 0;
    pthread_setcancelstate(PTHREAD_CANCEL_DISABLE, NULL); /* survived so far */
    return good ? pair : NULL;
}

static void test_calls_are_no_cancellation_points(void **unused)
{
    (void)unused;
    struct pair pair;
    pthread_t thread;
    void *result;
    pair_prepare(&pair, 0);
    pair.server = server_set_new();
    assert_int_equal(pthread_create(&thread, NULL, run_cancelled, &pair), 0);
    pthread_join(thread, &result);
    assert_ptr_equal(result, &pair); /* all calls returned, and as they should */
    pair_free(&pair);
    assert_int_equal(pair_objects_left(), 0);
}

/* --- descriptors --- */

/* Close needs one to take the name away safely. Without, the name stays; nobody takes it for a set. */
static void test_a_close_without_descriptors(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDConfig config = {.deviceCount = 1};
    struct rlimit before, none;
    pair_create(&pair, 1);
    assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
    none = (struct rlimit){.rlim_cur = 0, .rlim_max = before.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &none), 0);
    int result = client_set_close(pair.client);
    assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
    assert_int_equal(result, 0);
    assert_int_equal(pair_objects_left(), 1);
    pair.server = server_set_new();
    assert_int_equal(server_set_open(pair.server, pair.name), VD_E_INVALID);
    assert_int_equal(client_set_open_in_secondary(pair.client, pair.name), VD_E_PROTOCOL);
    assert_int_equal(client_set_create(pair.client, pair.name, &config), 0);
    assert_int_equal(client_set_close(pair.client), 0);
    pair_free(&pair);
    assert_int_equal(pair_objects_left(), 0);
}

/* --- containers --- */

static pid_t reaped_child(void)
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        _exit(0);
    }
    waitpid(child, NULL, 0);
    return child;
}

/* A number that nobody has here says nothing about a process that is counted elsewhere. */
static void test_processes_of_another_space_are_not_judged(void **unused)
{
    (void)unused;
    struct os_process self = os_process_self();
    struct os_process dead = {.pid = (uint32_t)reaped_child(), .space = self.space};
    assert_true(os_process_alive(&self));
    assert_false(os_process_alive(&dead));
    dead.space = 0;
    assert_false(os_process_alive(&dead));
    dead.space = self.space + 1;
    assert_true(os_process_alive(&dead));
}

/* Process 1 of a container that has /dev/shm in common with its client. */
static int serve_from_a_container(struct pair *pair)
{
    alarm(20);
    if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) != 0 ||
        mount("proc", "/proc", "proc", 0, NULL) != 0) {
        return NO_CONTAINER;
    }
    pair_open(pair);
    bool lives =
        server_set_wait(pair->server, os_now() + 3 * (int64_t)SEGMENT_PEER_CHECK_NS) == VD_E_TIMEOUT &&
        server_set_abort_reason(pair->server) == SERVER_ABORT_NONE;
    return lives && server_set_close(pair->server) == 0 ? 0 : 1;
}

static int start_container(struct pair *pair)
{
    int status;
    if (unshare(CLONE_NEWPID | CLONE_NEWNS) != 0) {
        return NO_CONTAINER;
    }
    pid_t first = fork();
    if (first == 0) {
        _exit(serve_from_a_container(pair));
    }
    return waitpid(first, &status, 0) == first && WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}

/* Neither finds the other's number, or finds somebody else's; the server's Close ends it all. */
static void test_a_server_in_a_container(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDConfig config;
    int status;
    pair_create(&pair, 1);
    pid_t container = fork();
    assert_true(container >= 0);
    if (container == 0) {
        _exit(start_container(&pair));
    }
    int result, ended;
    do {
        result = client_set_get_configuration(pair.client, 2 * SEGMENT_PEER_CHECK_NS / 1000000, &config);
        ended = waitpid(container, &status, WNOHANG);
    } while (result == VD_E_TIMEOUT && ended == 0);
    if (ended == 0) {
        waitpid(container, &status, 0);
    }
    pair_free(&pair);
    if (WIFEXITED(status) && WEXITSTATUS(status) == NO_CONTAINER) {
        skip(); /* not allowed to make one here */
    }
    assert_int_equal(status, 0);
    assert_int_equal(result, VD_E_ABORT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_child_does_not_end_its_parents_set),
        cmocka_unit_test(test_a_child_may_create_its_own_set),
        cmocka_unit_test(test_a_child_that_configures_ends_the_set),
        cmocka_unit_test(test_signals_do_not_hide_a_dead_server),
        cmocka_unit_test(test_calls_are_no_cancellation_points),
        cmocka_unit_test(test_a_close_without_descriptors),
        cmocka_unit_test(test_processes_of_another_space_are_not_judged),
        cmocka_unit_test(test_a_server_in_a_container),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
