/* sys_process.c - a process that is hard on wrappers: constructors, threads, forks, cancellation, signals.
 *
 *     sys_process VERB      in an empty folder; exit status 0 if all went as without us
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "sys_words.h"

static int early = -1;

/* Before any library but the C library is set up for sure. */
__attribute__((constructor)) static void write_early(void)
{
    early = open("early", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (early >= 0 && write(early, "early", 5) != 5) {
        early = -1;
    }
}

static int verb_early(void)
{
    return early >= 0 && fsync(early) == 0 ? 0 : 1;
}

/* ---- threads, each with a file of its own ---- */

static void *write_and_sync(void *context)
{
    char name[32];
    snprintf(name, sizeof name, "thread.%d", *(int *)context);
    int file = open(name, O_WRONLY | O_CREAT | O_EXCL, 0600);
    for (int i = 0; i < SYS_WRITES; i++) {
        errno = SYS_ERRNO;
        if (write(file, name, sizeof name) != (ssize_t)sizeof name || errno != SYS_ERRNO) {
            return "write";
        }
    }
    return fsync(file) == 0 && close(file) == 0 ? NULL : (void *)"fsync";
}

static int verb_threads(void)
{
    pthread_t threads[SYS_THREADS];
    int numbers[SYS_THREADS];
    int failed = 0;
    for (int i = 0; i < SYS_THREADS; i++) {
        numbers[i] = i;
        failed += pthread_create(&threads[i], NULL, write_and_sync, &numbers[i]) != 0;
    }
    for (int i = 0; i < SYS_THREADS; i++) {
        void *result = NULL;
        failed += pthread_join(threads[i], &result) != 0 || result != NULL;
    }
    return failed;
}

/* ---- children ---- */

static int wait_for(pid_t child)
{
    int status = 0;
    return child > 0 && waitpid(child, &status, 0) == child && WIFEXITED(status) ? WEXITSTATUS(status) : 99;
}

static int verb_fork(void)
{
    int file = open("forked", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    if (write(file, "parent", 6) != 6) {
        return 1;
    }
    pid_t child = fork();
    if (child == 0) {
        _exit(write(file, "child", 5) == 5 && fsync(file) == 0 ? 0 : 1);
    }
    return wait_for(child);
}

/* Between vfork and exec the parent's memory is in use: nothing of it may change. */
static int verb_vfork(void)
{
    int file = open("vforked", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    pid_t child = vfork();
    if (child == 0) {
        dup2(file, STDOUT_FILENO);
        close(file);
        execlp("echo", "echo", "text", (char *)NULL);
        _exit(98);
    }
    int status = wait_for(child);
    return status != 0 ? status : write(file, "parent", 6) == 6 && fsync(file) == 0 ? 0 : 1;
}

static int verb_shell(void)
{
    return system("echo text >shell && cat shell >copy && sync copy 2>/dev/null") == 0 ? 0 : 1;
}

/* ---- a call that never returns ---- */

static int ends[2];
static sigjmp_buf back;

static void jump(int signal)
{
    (void)signal;
    siglongjmp(back, 1);
}

static int write_afterwards(void)
{
    int file = open("after", O_WRONLY | O_CREAT | O_TRUNC, 0600);
    return write(file, "after", 5) == 5 && fsync(file) == 0 ? 0 : 1;
}

/* Out of a read that waits: this thread's later calls are seen all the same. */
static int verb_jump(void)
{
    char byte;
    struct sigaction action = {.sa_handler = jump};
    if (pipe(ends) != 0 || sigaction(SIGALRM, &action, NULL) != 0) {
        return 1;
    }
    if (sigsetjmp(back, 1) == 0) {
        ualarm(1000, 1000); /* again and again: the first may come before the read */
        (void)!read(ends[0], &byte, 1);
        return 2;
    }
    ualarm(0, 0);
    return write_afterwards();
}

static void *read_for_ever(void *result)
{
    char byte;
    (void)!read(ends[0], &byte, 1);
    return result;
}

static int verb_cancel(void)
{
    pthread_t thread;
    void *result = NULL;
    if (pipe(ends) != 0 || pthread_create(&thread, NULL, read_for_ever, NULL) != 0) {
        return 1;
    }
    return pthread_cancel(thread) == 0 && pthread_join(thread, &result) == 0 && result == PTHREAD_CANCELED
               ? write_afterwards()
               : 2;
}

/* ---- writes in a signal handler that interrupts writes ---- */

static int handled = -1;
static _Atomic int wrong;

static void write_in_handler(int signal)
{
    (void)signal;
    if (write(handled, "handler", 7) != 7) {
        wrong++;
    }
}

static int verb_signals(void)
{
    struct sigaction action = {.sa_handler = write_in_handler, .sa_flags = SA_RESTART};
    handled = open("handled", O_WRONLY | O_CREAT | O_TRUNC | O_APPEND, 0600);
    if (sigaction(SIGALRM, &action, NULL) != 0) {
        return 1;
    }
    ualarm(200, 200);
    for (int i = 0; i < 20 * SYS_WRITES; i++) {
        wrong += write(handled, "main", 4) != 4;
    }
    ualarm(0, 0);
    return wrong != 0 || fsync(handled) != 0;
}

static const struct {
    const char *name;
    int (*run)(void);
} verbs[] = {
    {"early", verb_early}, {"threads", verb_threads}, {"fork", verb_fork},     {"vfork", verb_vfork},
    {"shell", verb_shell}, {"jump", verb_jump},       {"cancel", verb_cancel}, {"signals", verb_signals},
};

int main(int argc, char **argv)
{
    for (size_t i = 0; argc == 2 && i < sizeof verbs / sizeof verbs[0]; i++) {
        if (strcmp(verbs[i].name, argv[1]) == 0) {
            return verbs[i].run();
        }
    }
    return 97;
}
