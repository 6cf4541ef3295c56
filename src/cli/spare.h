/* spare.h - the scratch folder of one pass, kept for the next pass of the same process.
 *
 * Making and removing some twenty files a run is most of what a sweep's own work costs, on a file system that looks
 * through the lately removed ones whenever it makes another (ext4) most of all. What a run left in the folder is
 * removed; the folder, its parts (rundir.h), its run state and rings stay. A folder that lacks any of that is
 * removed and never used again.
 *
 * Ownership: a spare folder is its owner's until spare_drop. Threads: one.
 */
#ifndef VDIFAULT_SPARE_H
#define VDIFAULT_SPARE_H

#include "rundir.h"

struct spare {
    struct rundir dir;
    bool there;
};

/* The kept folder, or a new one below `base`. 0 or errno. `renewed`: it is the kept one, with its run state. */
int spare_take(struct spare *spare, const char *base, const struct parts *parts, struct rundir *dir,
               bool *renewed);
/* Of a run that is over: kept, or removed when one is kept already or it cannot be. */
void spare_give(struct spare *spare, const struct rundir *dir);
void spare_drop(struct spare *spare);

#endif
