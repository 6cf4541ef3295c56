/* exec.c - what the client starts is a part of the run (exec_environment.h), unless we cannot get into it
 * (exec_file.h); a sqlcmd or osql that is started by its path goes to the stand-in (design 4.3).
 *
 * The runner puts the stand-in first on PATH; clients that know where Microsoft installs the tools
 * (/opt/mssql-tools18/bin/sqlcmd) never look there. system and popen use calls inside the C library that
 * nobody can interpose, but they start a shell, and in the shell this library is loaded, too. All of this may
 * run between vfork and exec: the stack only, no locks. Hence the early look-ups.
 */
#include <alloca.h>
#include <dlfcn.h>
#include <errno.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "exec_environment.h"
#include "exec_file.h"
#include "inject.h"
#include "next.h"
#include "runstate.h"

enum exec_function {
    EXEC_EXECVE,
    EXEC_EXECVPE,
    EXEC_POSIX_SPAWN,
    EXEC_POSIX_SPAWNP,
    EXEC_COUNT
};

static const char *const exec_names[EXEC_COUNT] = {"execve", "execvpe", "posix_spawn", "posix_spawnp"};
static _Atomic(void *) exec_next[EXEC_COUNT];

typedef int exec_call(const char *, char *const[], char *const[]);
typedef int spawn_call(pid_t *, const char *, const posix_spawn_file_actions_t *, const posix_spawnattr_t *,
                       char *const[], char *const[]);

static void *real(enum exec_function function)
{
    void *definition = atomic_load_explicit(&exec_next[function], memory_order_acquire);
    dlsym_function *lookup = definition == NULL ? next_dlsym() : NULL;
    if (lookup != NULL) {
        definition = lookup(RTLD_NEXT, exec_names[function]);
        atomic_store_explicit(&exec_next[function], definition, memory_order_release);
    }
    return definition;
}

/* Before the client can fork: a look-up in the child of a threaded process could wait for a lock for ever. */
__attribute__((constructor)) static void look_up_early(void)
{
    for (int i = 0; i < EXEC_COUNT; i++) {
        real((enum exec_function)i);
    }
}

/* The file to run in place of `path`. */
static const char *stand_in(const char *path)
{
    if (path == NULL) {
        return path;
    }
    const char *slash = strrchr(path, '/');
    const char *name = slash != NULL ? slash + 1 : path;
    bool is_tool = strcmp(name, "sqlcmd") == 0 || strcmp(name, "osql") == 0;
    const char *sqlcmd = is_tool ? run_variable("VDIFAULT_SQLCMD") : NULL;
    return sqlcmd != NULL && sqlcmd[0] != '\0' ? sqlcmd : path;
}

/* The environment of what is started, on the stack of who says so; `file` is what is started in place of `path`. */
#define COMPLETE(list, envp, file, path)                             \
    struct exec_room room = exec_environment_room(envp);             \
    char **list = alloca(room.entries * sizeof(*list) + room.bytes); \
    exec_environment_fill(envp, (file) != (path), list, (char *)(list + room.entries))

static int run(enum exec_function function, const char *path, char *const argv[], char *const envp[])
{
    exec_call *next = (exec_call *)real(function);
    const char *file = stand_in(path);
    if (next == NULL) {
        errno = ENOSYS;
        return -1;
    }
    if (file == path && !inject_is_active()) {
        return next(path, argv, envp);
    }
    COMPLETE(list, envp, file, path);
    if (file == path) {
        exec_file_look(path, function == EXEC_EXECVPE, argv);
    }
    return next(file, argv, list);
}

static int spawn(enum exec_function function, pid_t *pid, const char *path,
                 const posix_spawn_file_actions_t *actions, const posix_spawnattr_t *attributes,
                 char *const argv[], char *const envp[])
{
    spawn_call *next = (spawn_call *)real(function);
    const char *file = stand_in(path);
    if (next == NULL) {
        return ENOSYS;
    }
    if (file == path && !inject_is_active()) {
        return next(pid, path, actions, attributes, argv, envp);
    }
    COMPLETE(list, envp, file, path);
    if (file == path) {
        exec_file_look(path, function == EXEC_POSIX_SPAWNP, argv);
    }
    return next(pid, file, actions, attributes, argv, list);
}

INJECT_EXPORT int execve(const char *path, char *const argv[], char *const envp[])
{
    return run(EXEC_EXECVE, path, argv, envp);
}

INJECT_EXPORT int execv(const char *path, char *const argv[])
{
    return run(EXEC_EXECVE, path, argv, environ);
}

INJECT_EXPORT int execvp(const char *file, char *const argv[])
{
    return run(EXEC_EXECVPE, file, argv, environ);
}

INJECT_EXPORT int execvpe(const char *file, char *const argv[], char *const envp[])
{
    return run(EXEC_EXECVPE, file, argv, envp);
}

static size_t count_arguments(const char *first, va_list list)
{
    size_t count = 0;
    va_list copy;
    va_copy(copy, list);
    for (const char *argument = first; argument != NULL; argument = va_arg(copy, const char *)) {
        count++;
    }
    va_end(copy);
    return count;
}

/* Into argv, which has room for count + 1; leaves `list` behind the NULL, where execle has its environment.
 */
#define TAKE_ARGUMENTS(argv, count, first, list)   \
    do {                                           \
        (argv)[0] = (char *)(first);               \
        for (size_t i_ = 1; i_ <= (count); i_++) { \
            (argv)[i_] = va_arg(list, char *);     \
        }                                          \
    } while (0)

INJECT_EXPORT int execl(const char *path, const char *argument, ...)
{
    va_list list;
    va_start(list, argument);
    size_t count = count_arguments(argument, list);
    char **argv = alloca((count + 1) * sizeof(*argv));
    TAKE_ARGUMENTS(argv, count, argument, list);
    va_end(list);
    return run(EXEC_EXECVE, path, argv, environ);
}

INJECT_EXPORT int execlp(const char *file, const char *argument, ...)
{
    va_list list;
    va_start(list, argument);
    size_t count = count_arguments(argument, list);
    char **argv = alloca((count + 1) * sizeof(*argv));
    TAKE_ARGUMENTS(argv, count, argument, list);
    va_end(list);
    return run(EXEC_EXECVPE, file, argv, environ);
}

INJECT_EXPORT int execle(const char *path, const char *argument, ...)
{
    va_list list;
    va_start(list, argument);
    size_t count = count_arguments(argument, list);
    char **argv = alloca((count + 1) * sizeof(*argv));
    TAKE_ARGUMENTS(argv, count, argument, list);
    char *const *envp = va_arg(list, char *const *);
    va_end(list);
    return run(EXEC_EXECVE, path, argv, envp);
}

INJECT_EXPORT int posix_spawn(pid_t *pid, const char *path, const posix_spawn_file_actions_t *actions,
                              const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    return spawn(EXEC_POSIX_SPAWN, pid, path, actions, attributes, argv, envp);
}

INJECT_EXPORT int posix_spawnp(pid_t *pid, const char *file, const posix_spawn_file_actions_t *actions,
                               const posix_spawnattr_t *attributes, char *const argv[], char *const envp[])
{
    return spawn(EXEC_POSIX_SPAWNP, pid, file, actions, attributes, argv, envp);
}
