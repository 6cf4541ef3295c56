/* cleanup.h - finds and removes what belongs to a run: processes, shared-memory objects, folders.
 *
 * Responsible for: nothing left behind, by this run or by one whose runner was killed.
 * Not responsible for: deciding whose fault a leftover is.
 */
#ifndef VDIFAULT_CLEANUP_H
#define VDIFAULT_CLEANUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#define SHM_FOLDER "/dev/shm"

/* ---- this run ---- */

/* What a process of the run is. */
enum run_member {
    MEMBER_CLIENT,
    MEMBER_SERVER,
    MEMBER_HELPER
};
typedef void cleanup_process(void *context, pid_t pid, enum run_member member);

/* Where to look: below this process, the subreaper of the run. */
struct cleanup_scope {
    const char *token;
    const char *stand_in;   /* /proc/PID/exe of the simulated server's processes */
    const char *sql_server; /* ... of --tds; NULL: it has none */
    pid_t except;           /* no process of any run; 0: none */
};

/* Calls `visit` for each live process. */
void cleanup_each_process(const struct cleanup_scope *scope, cleanup_process *visit, void *context);

/* Sets of kinds. */
#define MEMBERS(member) (1u << (member))
#define MEMBERS_CLIENT  MEMBERS(MEMBER_CLIENT)
#define MEMBERS_RUN     (MEMBERS_CLIENT | MEMBERS(MEMBER_SERVER))
#define MEMBERS_ALL     (MEMBERS_RUN | MEMBERS(MEMBER_HELPER))

/* Told each child's end. */
struct cleanup_reaper {
    void (*reaped)(void *context, pid_t pid, int status);
    void *context;
};

/* Kills those of the kinds and waits for their end; repeats until a look finds none. 0, or an errno and the
 * number of a process that still lives after `patience_ms`: it became another user's, or the kernel holds it
 * (ETIMEDOUT). */
int cleanup_kill(const struct cleanup_scope *scope, unsigned members, int64_t patience_ms,
                 struct cleanup_reaper reaper, pid_t *survivor);

/* Unlinks the shared-memory objects of the token but for those of helpers, which may still be at work; `visit` (may
 * be NULL) hears each name before. */
typedef void cleanup_object(void *context, const char *name);
void cleanup_objects(const char *token, cleanup_object *visit, void *context);
void cleanup_helper_objects(const char *token);

/* ---- runs whose runner is dead ---- */

/* Lists leftovers to `out` (may be NULL) and, with `remove`, removes them: processes, then folders below
 * `base`, then objects. Only those of this user and of this process-number space, as far as a folder below
 * `base` tells for an object. Returns how many. */
size_t cleanup_stale(const char *base, bool remove, FILE *out);

/* The same for the sets of dead clients that used our library without a runner. */
size_t cleanup_dead_sets(bool remove, FILE *out);

#endif
