/* wrap_process.c - what the client does with processes: its own end, its number, signals, other programs.
 *
 * exit and its kind end the session where they are called. Functions given to atexit do not run, and nothing that they
 * would free is freed: the program goes on with the next session. There is no second process, and there are no signals
 * at a time.
 */
#include <signal.h>
#include <spawn.h>
#include <stdlib.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/types.h>
#include <time.h>
#include <unistd.h>

#include "os.h"
#include "world.h"

_Noreturn void __real_exit(int status);
_Noreturn void __real__exit(int status);
pid_t __real_getpid(void);
int __real_kill(pid_t process, int signal);
int __real_raise(int signal);
pid_t __real_fork(void);
_Noreturn void __real__Exit(int status);
_Noreturn void __real_quick_exit(int status);
int __real_posix_spawn(pid_t *process, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int __real_posix_spawnp(pid_t *process, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int __real_execve(const char *path, char *const argv[], char *const envp[]);
int __real_execv(const char *path, char *const argv[]);
int __real_execvp(const char *file, char *const argv[]);
unsigned __real_alarm(unsigned seconds);
int __real_setitimer(__itimer_which_t which, const struct itimerval *time, struct itimerval *old);
int __real_timer_create(clockid_t clock, struct sigevent *event, timer_t *timer);
int __real_timerfd_create(int clock, int flags);
#pragma GCC visibility push(default)
_Noreturn void __wrap_exit(int status);
_Noreturn void __wrap__exit(int status);
pid_t __wrap_getpid(void);
int __wrap_kill(pid_t process, int signal);
int __wrap_raise(int signal);
pid_t __wrap_fork(void);
pid_t __wrap_vfork(void);
_Noreturn void __wrap__Exit(int status);
_Noreturn void __wrap_quick_exit(int status);
int __wrap_posix_spawn(pid_t *process, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int __wrap_posix_spawnp(pid_t *process, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const envp[]);
int __wrap_execve(const char *path, char *const argv[], char *const envp[]);
int __wrap_execv(const char *path, char *const argv[]);
int __wrap_execvp(const char *file, char *const argv[]);
unsigned __wrap_alarm(unsigned seconds);
int __wrap_setitimer(__itimer_which_t which, const struct itimerval *time, struct itimerval *old);
int __wrap_timer_create(clockid_t clock, struct sigevent *event, timer_t *timer);
int __wrap_timerfd_create(int clock, int flags);
#pragma GCC visibility pop

_Noreturn void __wrap_exit(int status)
{
    if (world_is_client()) {
        world_end_client(status & 0xFF, 0);
    }
    __real_exit(status);
}

_Noreturn void __wrap__exit(int status)
{
    if (world_is_client()) {
        world_end_client(status & 0xFF, 0);
    }
    __real__exit(status);
}

_Noreturn void __wrap__Exit(int status)
{
    __wrap__exit(status);
}

/* Functions given to at_quick_exit do not run either. */
_Noreturn void __wrap_quick_exit(int status)
{
    if (world_is_client()) {
        world_end_client(status & 0xFF, 0);
    }
    __real_quick_exit(status);
}

pid_t __wrap_getpid(void)
{
    return world_is_inside() ? (pid_t)os_process_self().pid : __real_getpid();
}

/* The server's own (fault_agent.c), or the client's end by a signal that nobody handles. */
int __wrap_kill(pid_t process, int signal)
{
    if (!world_is_inside()) {
        return __real_kill(process, signal);
    }
    if (!world_is_client()) {
        statement_crashes((uint32_t)process);
    } else if (signal != 0 && process == WORLD_CLIENT) {
        return __wrap_raise(signal);
    } else if (signal != 0) {
        world_refuse("kill of another process", "popen and pclose: a statement ends by itself");
    }
    return 0;
}

int __wrap_raise(int signal)
{
    if (world_is_client() && (signal == SIGKILL || signal == SIGTERM)) {
        world_end_client(-1, signal);
    }
    return __real_raise(signal);
}

/* --- what there is none of --- */

static void refuse_process(const char *what)
{
    if (world_is_inside()) {
        world_refuse(what, "popen or system for sqlcmd, threads for everything else");
    }
}

static void refuse_timer(const char *what)
{
    if (world_is_inside()) {
        world_refuse(what, "a time limit of the call that waits, or a thread that sleeps");
    }
}

pid_t __wrap_fork(void)
{
    refuse_process("fork");
    return __real_fork();
}

/* No function can return twice for another: a copy is what the caller gets. */
pid_t __wrap_vfork(void)
{
    refuse_process("vfork");
    return __real_fork();
}

int __wrap_posix_spawn(pid_t *process, const char *path, const posix_spawn_file_actions_t *actions,
                       const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    refuse_process("posix_spawn");
    return __real_posix_spawn(process, path, actions, attributes, argv, envp);
}

int __wrap_posix_spawnp(pid_t *process, const char *file, const posix_spawn_file_actions_t *actions,
                        const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    refuse_process("posix_spawnp");
    return __real_posix_spawnp(process, file, actions, attributes, argv, envp);
}

int __wrap_execve(const char *path, char *const argv[], char *const envp[])
{
    refuse_process("execve");
    return __real_execve(path, argv, envp);
}

int __wrap_execv(const char *path, char *const argv[])
{
    refuse_process("execv");
    return __real_execv(path, argv);
}

int __wrap_execvp(const char *file, char *const argv[])
{
    refuse_process("execvp");
    return __real_execvp(file, argv);
}

unsigned __wrap_alarm(unsigned seconds)
{
    if (world_is_inside() && seconds == 0) {
        return 0; /* none is set; the one of this program (trial.c) stays */
    }
    refuse_timer("alarm");
    return __real_alarm(seconds);
}

int __wrap_setitimer(__itimer_which_t which, const struct itimerval *time, struct itimerval *old)
{
    refuse_timer("setitimer");
    return __real_setitimer(which, time, old);
}

int __wrap_timer_create(clockid_t clock, struct sigevent *event, timer_t *timer)
{
    refuse_timer("timer_create");
    return __real_timer_create(clock, event, timer);
}

int __wrap_timerfd_create(int clock, int flags)
{
    refuse_timer("timerfd_create");
    return __real_timerfd_create(clock, flags);
}
