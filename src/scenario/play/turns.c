/* See turns.h. */
#include "turns.h"

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/futex.h>
#include <pthread.h>
#include <sched.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum {
    LOOK_NS = 1000,
    NS_PER_S = 1000000000
};
#define NEVER  INT64_MAX
#define EXPORT __attribute__((visibility("default"))) /* for shared libraries, too */

struct actor {
    enum {
        UNBORN,
        RESTS,
        AWAKE, /* can go on, and waits for its turn */
        RUNS,
        SLEEPS
    } state;
    long thread; /* its number, as soon as it has run */
    void (*make)(void *context);
    void *context;
    _Atomic uint32_t *word; /* of SLEEPS: while it is `expected`, until `limit` */
    uint32_t expected;
    int64_t limit;
};

static struct {
    pthread_mutex_t lock;
    pthread_cond_t changed; /* the state of an actor */
    bool time_passes;       /* who is woken and has time left, sleeps on */
    struct actor actors[TURNS_ACTORS_MAX];
    uint32_t order[TURNS_ACTORS_MAX]; /* actors as they were born */
    uint32_t count;
    uint32_t last; /* who went on last, its place in `order` */
    uint32_t due;  /* have been woken, and have not arrived */
} all = {.lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER};

static _Atomic int64_t now;
static int64_t begun;
static _Thread_local struct actor *self;
static _Thread_local bool is_host;

_Noreturn static void fail(const char *what)
{
    fprintf(stderr, "turns: %s\n", what);
    abort();
}

/* ---- the system's own ---- */

/* By the library's name: what comes after this file need not be the C library. */
static long (*find_syscall(void))(long number, ...)
{
    long (*found)(long number, ...);
    void *library = dlopen("libc.so.6", RTLD_LAZY | RTLD_NOLOAD);
    void *symbol = library != NULL ? dlsym(library, "syscall") : NULL;
    if (symbol == NULL) {
        fail("the C library has no syscall");
    }
    memcpy(&found, &symbol, sizeof found);
    return found;
}

static long (*_Atomic real_syscall)(long number, ...);

static long (*system_call(void))(long number, ...)
{
    long (*found)(long number, ...) = real_syscall;
    if (found == NULL) {
        found = find_syscall();
        real_syscall = found;
    }
    return found;
}

/* ---- the clock ---- */

static int64_t look(void)
{
    return atomic_fetch_add(&now, LOOK_NS) + LOOK_NS;
}

int64_t turns_time(void)
{
    return now;
}

static void put_time(struct timespec *time)
{
    int64_t ns = look();
    *time = (struct timespec){.tv_sec = ns / NS_PER_S, .tv_nsec = ns % NS_PER_S};
}

/* Of whose threads take turns; the clocks of others are the system's. */
static bool is_ours(void)
{
    return self != NULL || is_host;
}

EXPORT int clock_gettime(clockid_t clock, struct timespec *time)
{
    if (clock == CLOCK_MONOTONIC && is_ours()) {
        put_time(time);
        return 0;
    }
    return (int)system_call()(SYS_clock_gettime, clock, time);
}

/* ---- sleeping and waking ---- */

static void change_state(int state)
{
    self->state = state;
    pthread_cond_broadcast(&all.changed);
}

static void wait_for_turn(void)
{
    while (self->state != RUNS) {
        pthread_cond_wait(&all.changed, &all.lock);
    }
}

static int result_of(int error)
{
    errno = error;
    return error == 0 ? 0 : -1;
}

/* The turn is over until somebody wakes it, or its time has passed. */
static int sleep_in_turn(_Atomic uint32_t *word, uint32_t expected, int64_t limit)
{
    int error;
    pthread_mutex_lock(&all.lock);
    self->word = word;
    self->expected = expected;
    self->limit = limit;
    for (bool again = true; again;) {
        change_state(SLEEPS);
        pthread_mutex_unlock(&all.lock);
        error = system_call()(SYS_futex, word, FUTEX_WAIT_BITSET, expected, NULL, NULL,
                              FUTEX_BITSET_MATCH_ANY) == 0
                    ? 0
                    : errno;
        pthread_mutex_lock(&all.lock);
        all.due -= error == 0;
        again = error == EINTR || (all.time_passes && limit > now);
        if (again) {
            pthread_cond_broadcast(&all.changed); /* it has arrived, too */
        }
    }
    error = all.time_passes ? ETIMEDOUT : error;
    change_state(AWAKE);
    wait_for_turn();
    pthread_mutex_unlock(&all.lock);
    return result_of(error);
}

static int wait_on(_Atomic uint32_t *word, uint32_t expected, int64_t limit)
{
    if (*word != expected) {
        return result_of(EAGAIN);
    }
    if (limit <= now) {
        return result_of(ETIMEDOUT);
    }
    if (self != NULL) {
        return sleep_in_turn(word, expected, limit);
    }
    if (limit == NEVER) {
        fail("a call waits for ever, and nobody else is there to end it");
    }
    now = limit;
    return result_of(ETIMEDOUT);
}

static int wake(_Atomic uint32_t *word, int operation, int most)
{
    pthread_mutex_lock(&all.lock);
    int woken = (int)system_call()(SYS_futex, word, operation, most, NULL, NULL, 0);
    all.due += woken > 0 ? (uint32_t)woken : 0;
    pthread_mutex_unlock(&all.lock);
    return woken;
}

static int64_t limit_of(const struct timespec *time, int64_t from)
{
    return time == NULL ? NEVER : from + time->tv_sec * NS_PER_S + time->tv_nsec;
}

EXPORT long syscall(long number, ...)
{
    long value[6];
    va_list arguments;
    va_start(arguments, number);
    for (int i = 0; i < 6; i++) {
        value[i] = va_arg(arguments, long); /* those that are not there are not used */
    }
    va_end(arguments);
    if (number == SYS_clock_gettime && is_ours()) {
        return clock_gettime((clockid_t)value[0], (struct timespec *)value[1]);
    }
    if (number == SYS_futex && is_ours()) {
        _Atomic uint32_t *word = (_Atomic uint32_t *)value[0];
        const struct timespec *time = (const struct timespec *)value[3];
        switch (value[1] & FUTEX_CMD_MASK) {
        case FUTEX_WAIT_BITSET:
            return wait_on(word, (uint32_t)value[2], limit_of(time, 0));
        case FUTEX_WAIT:
            return wait_on(word, (uint32_t)value[2], limit_of(time, now));
        case FUTEX_WAKE:
            return wake(word, (int)value[1], (int)value[2]);
        default:
            break;
        }
    }
    return system_call()(number, value[0], value[1], value[2], value[3], value[4], value[5]);
}

/* ---- turns ---- */

static void *act(void *context)
{
    self = context;
    pthread_mutex_lock(&all.lock);
    self->thread = system_call()(SYS_gettid);
    for (;;) {
        wait_for_turn();
        pthread_mutex_unlock(&all.lock);
        self->make(self->context);
        pthread_mutex_lock(&all.lock);
        change_state(RESTS);
    }
    return NULL;
}

/* The kernel says of a thread that sleeps in a system call which one it is; of any other, that it runs. */
static bool is_asleep(const struct actor *actor)
{
    char path[64], text[32] = "";
    snprintf(path, sizeof path, "/proc/self/task/%ld/syscall", actor->thread);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) {
        fail("/proc does not tell who sleeps");
    }
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    return length > 0 && strtol(text, NULL, 10) == SYS_futex;
}

/* Whoever was woken is there, and whoever says so sleeps. The lock is held. */
static void settle(void)
{
    while (all.due > 0) {
        pthread_cond_wait(&all.changed, &all.lock);
    }
    for (uint32_t i = 0; i < all.count; i++) {
        const struct actor *actor = &all.actors[all.order[i]];
        while (actor->state == SLEEPS && !is_asleep(actor)) {
            pthread_mutex_unlock(&all.lock);
            sched_yield(); /* it is on its way there, or on its way back */
            pthread_mutex_lock(&all.lock);
        }
    }
}

/* The next one after the last by number that can go on; `count`: none. */
static uint32_t find_next(void)
{
    for (uint32_t i = 1; i <= all.count; i++) {
        uint32_t place = (all.last + i) % all.count;
        if (all.actors[all.order[place]].state == AWAKE) {
            return place;
        }
    }
    return all.count;
}

/* Those whose time is over are woken. */
static void expire(void)
{
    all.time_passes = true;
    for (uint32_t i = 0; i < all.count; i++) {
        const struct actor *actor = &all.actors[all.order[i]];
        if (actor->state == SLEEPS && actor->limit <= now) {
            long woken = system_call()(SYS_futex, actor->word, FUTEX_WAKE, INT32_MAX, NULL, NULL, 0);
            all.due += woken > 0 ? (uint32_t)woken : 0;
            settle();
        }
    }
    all.time_passes = false;
}

/* False: nobody has a limit up to `until`, which it is now. */
static bool pass_time(int64_t until)
{
    int64_t earliest = NEVER;
    for (uint32_t i = 0; i < all.count; i++) {
        const struct actor *actor = &all.actors[all.order[i]];
        earliest = actor->state == SLEEPS && actor->limit < earliest ? actor->limit : earliest;
    }
    int64_t to = earliest < until ? earliest : until;
    now = to > now ? to : now;
    expire();
    return earliest <= until;
}

void turns_go_on(int64_t ns)
{
    int64_t until = look() + ns;
    pthread_mutex_lock(&all.lock);
    settle();
    expire();
    for (bool more = true; more;) {
        uint32_t next = find_next();
        if (next < all.count) {
            struct actor *actor = &all.actors[all.order[next]];
            all.last = next;
            actor->state = RUNS;
            pthread_cond_broadcast(&all.changed);
            while (actor->state == RUNS) {
                pthread_cond_wait(&all.changed, &all.lock);
            }
            settle();
            expire();
        } else {
            more = pass_time(until);
        }
    }
    pthread_mutex_unlock(&all.lock);
}

/* ---- the host's ---- */

void turns_begin(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time); /* no clock goes back: neither now nor for who has looked before */
    is_host = true;
    now = begun = time.tv_sec * NS_PER_S + time.tv_nsec;
}

static void bear(uint32_t number)
{
    pthread_t thread;
    all.order[all.count++] = number;
    if (pthread_create(&thread, NULL, act, &all.actors[number]) != 0 || pthread_detach(thread) != 0) {
        fail("the system gives no thread");
    }
}

void turns_call(uint32_t number, void (*make)(void *context), void *context)
{
    struct actor *actor = &all.actors[number];
    pthread_mutex_lock(&all.lock);
    bool unborn = actor->state == UNBORN;
    actor->make = make;
    actor->context = context;
    actor->state = AWAKE;
    pthread_mutex_unlock(&all.lock);
    if (unborn) {
        bear(number);
    }
}

int turns_explain(uint32_t number, char *text, size_t size)
{
    static const char *const words[] = {"has made no call", "rests", "can go on", "goes on"};
    char limit[48] = "without a limit";
    pthread_mutex_lock(&all.lock);
    struct actor actor = all.actors[number];
    pthread_mutex_unlock(&all.lock);
    if (actor.state != SLEEPS) {
        return snprintf(text, size, "%s", words[actor.state]);
    }
    if (actor.limit != NEVER) {
        snprintf(limit, sizeof limit, "until %.6f s", (double)(actor.limit - begun) / 1e9);
    }
    return snprintf(text, size, "waits while a word of its is %u, %s", actor.expected, limit);
}
