/* wrap_process.c - what the client does with processes: its own end, its number, signals, fork.
 *
 * exit and _exit end the session where they are called. Functions given to atexit do not run, and
 * nothing that they would free is freed: the program goes on with the next session.
 */
#include <signal.h>
#include <stdlib.h>
#include <sys/types.h>
#include <unistd.h>

#include "os.h"
#include "world.h"

_Noreturn void __real_exit(int status);
_Noreturn void __real__exit(int status);
pid_t __real_getpid(void);
int __real_kill(pid_t process, int signal);
int __real_raise(int signal);
pid_t __real_fork(void);
#pragma GCC visibility push(default)
_Noreturn void __wrap_exit(int status);
_Noreturn void __wrap__exit(int status);
pid_t __wrap_getpid(void);
int __wrap_kill(pid_t process, int signal);
int __wrap_raise(int signal);
pid_t __wrap_fork(void);
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

pid_t __wrap_fork(void)
{
    if (world_is_inside()) {
        world_refuse("fork", "popen or system for sqlcmd, threads for everything else");
    }
    return __real_fork();
}
