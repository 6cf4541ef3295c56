/* test_ring_steps.c - a signal, or SIGKILL, after each instruction of the recording of an event: single-stepped. */
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>

#include "recorded.h"

enum {
    BEFORE = 3,          /* events before the ones that are stepped through */
    PLACES = 2,          /* an event with a short text takes so many */
    SIGNAL_ROUNDS = 400, /* about so many of the instructions, evenly */
    KILL_ROUNDS = 60
};

/* Where the child is: 1 while it records. Shared with it. */
static _Atomic int *phase;

static void record_numbered(uint64_t number)
{
    struct event event = {.kind = EVENT_NOTE, .arg = {(int64_t)number}};
    event_record(&event, "text");
}

static void on_signal(int number)
{
    (void)number;
    record_numbered(1);
}

/* Stops before each event that is stepped through. */
static void record_and_stop(void)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL); /* also when the test fails */
    signal(SIGUSR1, on_signal);
    CHECK(ptrace(PTRACE_TRACEME, 0, NULL, NULL) == 0);
    for (uint64_t i = 0; i < BEFORE; i++) {
        record_numbered(0);
    }
    for (;;) {
        raise(SIGSTOP);
        atomic_store(phase, 1);
        record_numbered(2);
        atomic_store(phase, 0);
    }
}

/* Until the child stops by `wanted`, which it does not get to see. */
static void resume(pid_t child, enum __ptrace_request how, int signal, int wanted)
{
    int status = 0;
    assert_int_equal(ptrace(how, child, NULL, (void *)(intptr_t)signal), 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSTOPPED(status));
    assert_int_equal(WSTOPSIG(status), wanted);
}

/* So many instructions into the recording; how many there were, fewer if it ended before. */
static int step(pid_t child, int instructions)
{
    int done = 0;
    while (atomic_load(phase) == 0) {
        resume(child, PTRACE_SINGLESTEP, 0, SIGTRAP);
    }
    while (done < instructions && atomic_load(phase) == 1) {
        resume(child, PTRACE_SINGLESTEP, 0, SIGTRAP);
        done++;
    }
    return done;
}

/* A child that is stopped before its first such event. */
static pid_t start_child(struct run *run)
{
    int status = 0;
    start(run);
    atomic_store(phase, 0);
    pid_t child = spawn(run, record_and_stop);
    assert_int_equal(waitpid(child, &status, 0), child);
    if (!WIFSTOPPED(status)) {
        finish(run);
        skip(); /* nobody may be traced here */
    }
    return child;
}

static void end_child(pid_t child)
{
    int status = 0;
    kill(child, SIGKILL);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_true(WIFSIGNALED(status));
}

/* Instructions of one recording. */
static int length_of_a_recording(void)
{
    struct run run;
    pid_t child = start_child(&run);
    int all = step(child, INT32_MAX);
    end_child(child);
    finish(&run);
    return all;
}

static struct event_ring *map_ring(const struct run *run)
{
    char path[96];
    snprintf(path, sizeof(path), "%s/ring.0", run->folder);
    int file = open(path, O_RDONLY);
    assert_true(file >= 0);
    struct event_ring *ring = mmap(NULL, sizeof(*ring), PROT_READ, MAP_SHARED, file, 0);
    assert_true(ring != MAP_FAILED);
    close(file);
    return ring;
}

/* A signal here; each instruction of its handler and of the rest may publish more, never less. */
static void step_through_signal(pid_t child, const struct event_ring *ring)
{
    uint64_t head = atomic_load(&ring->head);
    resume(child, PTRACE_SINGLESTEP, SIGUSR1, SIGTRAP);
    while (atomic_load(phase) == 1) {
        uint64_t now = atomic_load(&ring->head);
        assert_true(now >= head);
        head = now;
        resume(child, PTRACE_SINGLESTEP, 0, SIGTRAP);
    }
    resume(child, PTRACE_CONT, 0, SIGSTOP);
}

/* A handler records in the middle of a recording, wherever that is: when both are done, both are published. What was
 * published is never taken back. */
static void a_signal_anywhere_loses_nothing(void **state)
{
    (void)state;
    struct run run;
    int all = length_of_a_recording();
    int distance = 1 + all / SIGNAL_ROUNDS;
    pid_t child = start_child(&run);
    struct event_ring *ring = map_ring(&run);
    uint64_t places = BEFORE * PLACES;
    for (int instructions = 0;; instructions += distance) {
        bool within = step(child, instructions) == instructions;
        if (within && instructions > all - all / 10) { /* where it publishes */
            step_through_signal(child, ring);
        } else {
            resume(child, PTRACE_CONT, SIGUSR1, SIGSTOP);
        }
        places += 2 * PLACES;
        if (atomic_load(&ring->head) != places) {
            fail_msg("after %d instructions: %d places published instead of %d", instructions,
                     (int)atomic_load(&ring->head), (int)places);
        }
        atomic_store(phase, 0);
        if (!within) {
            break;
        }
    }
    end_child(child);
    munmap(ring, sizeof(*ring));
    finish(&run);
}

struct killed {
    size_t count;
    int64_t last;
    bool torn;
};

static void take_killed(void *context, const struct event *event, const char *text)
{
    struct killed *killed = context;
    killed->count++;
    killed->last = event->arg[0];
    killed->torn = killed->torn || strcmp(text, "text") != 0;
}

/* Killed anywhere in a recording: every event before is whole, and the one under way is whole or not there. */
static void a_kill_anywhere_leaves_whole_events(void **state)
{
    (void)state;
    int distance = 1 + length_of_a_recording() / KILL_ROUNDS;
    bool with = false, without = false;
    bool within = true;
    for (int instructions = 0; within; instructions += distance) {
        struct run run;
        struct collector *collector = NULL;
        struct killed killed = {0};
        pid_t child = start_child(&run);
        within = step(child, instructions) == instructions;
        end_child(child);
        assert_int_equal(collector_open_copy(run.folder, &collector), 0);
        collector_drain(collector, take_killed, &killed);
        assert_int_equal(collector_dropped(collector), 0);
        collector_close(collector);
        assert_false(killed.torn);
        assert_in_range(killed.count, BEFORE, BEFORE + 1);
        assert_int_equal(killed.last, killed.count == BEFORE ? 0 : 2);
        with = with || killed.count == BEFORE + 1;
        without = without || killed.count == BEFORE;
        finish(&run);
    }
    assert_true(with && without);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_signal_anywhere_loses_nothing),
        cmocka_unit_test(a_kill_anywhere_leaves_whole_events),
    };
    /* Tracer and child take turns: on one processor that is a switch, on two a wake-up across them. */
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET((size_t)sched_getcpu(), &one);
    sched_setaffinity(0, sizeof(one), &one);
    phase = mmap(NULL, sizeof(*phase), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return phase == MAP_FAILED ? 1 : cmocka_run_group_tests(tests, NULL, NULL);
}
