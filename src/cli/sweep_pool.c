/* sweep_pool.c - see sweep_pool.h. A job is a struct sweep_run; its answer a length and so many bytes of JSON. */
#include "sweep_pool.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/pidfd.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cleanup.h"
#include "os.h"
#include "sweep_reproduce.h"

enum {
    ANSWER_MAX = 256 << 20, /* what no run's object reaches */
    END_MS = 10000,         /* for a worker that was told to end */
    SLACK_MS = 60000,       /* what a run may take beyond its own time limits */
};

#define NS_PER_MS INT64_C(1000000)

/* ---- in the worker ---- */

static bool read_all(int file, void *bytes, size_t size)
{
    ssize_t got;
    do {
        got = recv(file, bytes, size, MSG_WAITALL);
    } while (got < 0 && errno == EINTR);
    return got == (ssize_t)size;
}

static bool write_all(int file, const void *bytes, size_t size)
{
    const char *at = bytes;
    while (size > 0) {
        ssize_t written = send(file, at, size, MSG_NOSIGNAL);
        if (written < 0 && errno != EINTR) {
            return false;
        }
        at += written > 0 ? written : 0;
        size -= written > 0 ? (size_t)written : 0;
    }
    return true;
}

static bool answer(int file, const json_t *object)
{
    char *text = json_dumps(object, JSON_COMPACT);
    uint64_t length = text != NULL ? strlen(text) : 0;
    bool sent = text != NULL && write_all(file, &length, sizeof length) && write_all(file, text, length);
    free(text);
    return sent;
}

/* False: a signal came first, or the sweep is gone. */
static bool wait_for_job(int file, int signals, struct sweep_run *run)
{
    struct pollfd waits[] = {{.fd = file, .events = POLLIN}, {.fd = signals, .events = POLLIN}};
    for (;;) {
        struct signalfd_siginfo info;
        if (poll(waits, 2, -1) < 0 && errno != EINTR) {
            return false;
        }
        while (read(signals, &info, sizeof info) == (ssize_t)sizeof info) {
            if (info.ssi_signo != SIGCHLD) {
                return false;
            }
        }
        if (waits[0].revents != 0) {
            return read_all(file, run, sizeof *run);
        }
    }
}

/* Runs say what they have to say in their reports. */
static void be_silent(void)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null >= 0) {
        dup2(null, STDIN_FILENO);
        dup2(null, STDOUT_FILENO);
        dup2(null, STDERR_FILENO);
        close(null);
    }
}

static _Noreturn void be_worker(struct sweep_pool *pool, int file, pid_t sweep)
{
    struct sweep_run run;
    be_silent();
    bool ready = prctl(PR_SET_PDEATHSIG, SIGKILL) == 0 && getppid() == sweep &&
                 trial_bench_inherit(pool->work->bench) == 0;
    if (ready && pool->work->forks) {
        trial_bench_fork(pool->work->bench);
    }
    while (ready && wait_for_job(file, pool->signals, &run)) {
        json_t *object =
            run.finding != 0 ? sweep_reproduce_one(pool->work, &run) : sweep_work_do(pool->work, &run);
        ready = object != NULL && answer(file, object);
        json_decref(object);
    }
    trial_bench_leave(pool->work->bench);
    _exit(0);
}

/* ---- in the sweep ---- */

static int start(struct sweep_pool *pool, struct sweep_worker *worker)
{
    int ends[2];
    pid_t self = getpid();
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0) {
        return errno;
    }
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) {
        for (uint32_t i = 0; i < pool->jobs; i++) {
            if (pool->workers[i].pid != 0) {
                close(pool->workers[i].socket);
            }
        }
        close(ends[0]);
        be_worker(pool, ends[1], self);
    }
    int error = pid < 0 ? errno : 0;
    close(ends[1]);
    if (error != 0) {
        close(ends[0]);
        return error;
    }
    *worker = (struct sweep_worker){.pid = pid, .socket = ends[0]};
    return 0;
}

/* Ends are waited for one by one: what workers leave to us is reaped, too. */
static void reap_orphans(void)
{
    siginfo_t info = {0};
    while (waitid(P_ALL, 0, &info, WEXITED | WNOHANG | WNOWAIT) == 0 && info.si_pid != 0) {
        if (waitpid(info.si_pid, NULL, WNOHANG) <= 0) {
            return;
        }
        info.si_pid = 0;
    }
}

/* Its wait status; killed if it does not end in time. */
static int wait_for_worker(const struct sweep_worker *worker, int64_t deadline_ns)
{
    int status = 0;
    int64_t left_ms = (deadline_ns - os_now()) / NS_PER_MS;
    int end = pidfd_open(worker->pid, 0);
    struct pollfd wait = {.fd = end, .events = POLLIN};
    if (end < 0 || poll(&wait, 1, left_ms > 0 ? (int)left_ms : 0) == 0) {
        kill(worker->pid, SIGKILL);
    }
    if (end >= 0) {
        close(end);
    }
    while (waitpid(worker->pid, &status, 0) < 0 && errno == EINTR) {
    }
    return status;
}

static void close_worker(struct sweep_worker *worker)
{
    close(worker->socket);
    *worker = (struct sweep_worker){0};
}

/* One that did not even get its run. */
static void lose(struct sweep_worker *worker)
{
    kill(worker->pid, SIGKILL);
    (void)wait_for_worker(worker, os_now() + END_MS * NS_PER_MS);
    close_worker(worker);
    cleanup_stale(rundir_base(), true, NULL);
}

/* Its run has failed; a new worker takes its place with the next run. */
static void bury(struct sweep_pool *pool, struct sweep_worker *worker, sweep_take *take, void *context)
{
    char why[128];
    int status = wait_for_worker(worker, os_now() + END_MS * NS_PER_MS);
    bool killed = WIFSIGNALED(status);
    struct sweep_worker dead = *worker;
    snprintf(why, sizeof why, "the process that made the run ended before it (%s %d)",
             killed ? "signal" : "exit status", killed ? WTERMSIG(status) : WEXITSTATUS(status));
    close_worker(worker);
    cleanup_stale(rundir_base(), true, NULL);
    if (dead.busy && pool->interrupted == 0) {
        take(context, &dead.run, sweep_work_failed(pool->work, &dead.run, why));
    }
}

void sweep_pool_open(struct sweep_pool *pool, struct sweep_work *work, uint32_t jobs)
{
    *pool = (struct sweep_pool){.work = work, .signals = work->bench->setup.signals};
    pool->jobs = jobs < SWEEP_JOBS_MAX ? jobs : SWEEP_JOBS_MAX;
}

void sweep_pool_close(struct sweep_pool *pool)
{
    for (uint32_t i = 0; i < pool->jobs; i++) {
        if (pool->workers[i].pid != 0) {
            kill(pool->workers[i].pid, SIGTERM);
        }
    }
    bool killed = false;
    int64_t deadline = os_now() + END_MS * NS_PER_MS;
    for (uint32_t i = 0; i < pool->jobs; i++) {
        if (pool->workers[i].pid != 0) {
            int status = wait_for_worker(&pool->workers[i], deadline);
            killed = killed || WIFSIGNALED(status);
            close_worker(&pool->workers[i]);
        }
    }
    if (killed) {
        cleanup_stale(rundir_base(), true, NULL);
    }
    reap_orphans();
}

bool sweep_pool_give(struct sweep_pool *pool, const struct sweep_run *run)
{
    const struct run_options *options = pool->work->bench->setup.options;
    for (uint32_t i = 0; i < pool->jobs; i++) {
        struct sweep_worker *worker = &pool->workers[i];
        if (worker->busy || (worker->pid == 0 && start(pool, worker) != 0)) {
            continue;
        }
        if (!write_all(worker->socket, run, sizeof *run)) {
            lose(worker); /* the run is for another one */
            continue;
        }
        /* before, client, verify twice, after; each has the run's own limit */
        int64_t limit_ms = 3 * (5 * options->timeout_ms + SLACK_MS);
        worker->run = *run;
        worker->busy = true;
        worker->deadline_ns = os_now() + limit_ms * NS_PER_MS;
        return true;
    }
    return false;
}

bool sweep_pool_is_busy(const struct sweep_pool *pool)
{
    for (uint32_t i = 0; i < pool->jobs; i++) {
        if (pool->workers[i].busy) {
            return true;
        }
    }
    return false;
}

/* The answer; NULL: the worker is gone. */
static json_t *read_answer(const struct sweep_worker *worker)
{
    uint64_t length = 0;
    json_t *object = NULL;
    if (!read_all(worker->socket, &length, sizeof length) || length > ANSWER_MAX) {
        return NULL;
    }
    char *text = malloc(length + 1);
    if (text != NULL && read_all(worker->socket, text, length)) {
        object = json_loadb(text, length, 0, NULL);
    }
    free(text);
    return object;
}

static void read_signals(struct sweep_pool *pool)
{
    struct signalfd_siginfo info;
    while (read(pool->signals, &info, sizeof info) == (ssize_t)sizeof info) {
        if (info.ssi_signo != SIGCHLD) {
            pool->interrupted = (int)info.ssi_signo;
        }
    }
}

static void take_answer(struct sweep_pool *pool, struct sweep_worker *worker, sweep_take *take, void *context)
{
    json_t *object = read_answer(worker);
    if (object == NULL) {
        read_signals(pool); /* one signal may have ended it and us */
        bury(pool, worker, take, context);
        return;
    }
    worker->busy = false;
    take(context, &worker->run, object);
}

void sweep_pool_wait(struct sweep_pool *pool, int timeout_ms, sweep_take *take, void *context)
{
    struct pollfd waits[SWEEP_JOBS_MAX + 1];
    waits[pool->jobs] = (struct pollfd){.fd = pool->signals, .events = POLLIN};
    for (uint32_t i = 0; i < pool->jobs; i++) {
        const struct sweep_worker *worker = &pool->workers[i];
        waits[i] = (struct pollfd){.fd = worker->pid != 0 ? worker->socket : -1, .events = POLLIN};
    }
    if (poll(waits, pool->jobs + 1, timeout_ms) < 0) {
        return;
    }
    read_signals(pool);
    for (uint32_t i = 0; i < pool->jobs && pool->interrupted == 0; i++) {
        struct sweep_worker *worker = &pool->workers[i];
        if (waits[i].revents != 0) {
            take_answer(pool, worker, take, context);
        } else if (worker->busy && os_now() > worker->deadline_ns) {
            kill(worker->pid, SIGKILL); /* its socket tells the rest */
        }
    }
}
