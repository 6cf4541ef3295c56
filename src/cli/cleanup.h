/* cleanup.h - finds and removes what belongs to a run: processes, shared-memory objects, folders.
 *
 * Responsible for: nothing left behind, by this run or by one whose runner was killed.
 * Not responsible for: deciding whose fault a leftover is.
 */
#ifndef VDIFAULT_CLEANUP_H
#define VDIFAULT_CLEANUP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/types.h>

#define SHM_FOLDER "/dev/shm"

/* ---- this run ---- */

/* Whether a process is of this kind. */
enum run_member {
    MEMBER_NO,
    MEMBER_CLIENT,
    MEMBER_SERVER,
    MEMBER_HELPER
};
typedef void cleanup_process(void *context, pid_t pid, enum run_member member);

/* Calls `visit` for each live process that descends from this one or carries the token. */
void cleanup_each_process(const char *token, const char *stand_in, cleanup_process *visit, void *context);

/* Kills all of them, or all but the servers, and waits for the end of those that are children; repeats until
 * a look finds none. `reaped` is told each child's end. */
typedef void cleanup_reaped(void *context, pid_t pid, int status);
void cleanup_kill(const char *token, const char *stand_in, bool servers_too, cleanup_reaped *reaped,
                  void *context);

/* Unlinks the shared-memory objects of the token; `visit` (may be NULL) hears each name before. */
typedef void cleanup_object(void *context, const char *name);
void cleanup_objects(const char *token, cleanup_object *visit, void *context);

/* ---- runs whose runner is dead ---- */

/* Lists leftovers to `out` (may be NULL) and, with `remove`, removes them: processes, then folders below
 * `base`, then objects. Only those of this user and, for processes, of this process-number space. Returns how
 * many. */
size_t cleanup_stale(const char *base, bool remove, FILE *out);

#endif
