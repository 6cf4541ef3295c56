/* aside.h - which files of the user a run has renamed for a while (--prove-durability), in its scratch folder: should
 * the runner be killed meanwhile, the next run or `doctor --clean` puts them back.
 *
 * Threads: one. Ownership: none kept.
 */
#ifndef VDIFAULT_ASIDE_H
#define VDIFAULT_ASIDE_H

#include <stdbool.h>

#include "rundir.h"

/* To be called before `path` is renamed to `aside`; both absolute. 0 or errno. */
int aside_note(const struct rundir *dir, const char *path, const char *aside);

/* Calls `visit` for each file that the run of this scratch folder left aside and, with `restore`, renames it back over
 * what took its place. 0, or the errno of one that could not be: the folder should then be kept. */
typedef void aside_file(void *context, const char *path, const char *aside);
int aside_restore(const char *folder, bool restore, aside_file *visit, void *context);

#endif
