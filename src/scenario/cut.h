/* cut.h - files that somebody cuts short under our mapping of them.
 *
 * The client can truncate the files it shares with the supervisor, at any moment; the supervisor's next look at them
 * would be its death by SIGBUS. A page of a watched mapping that is not there any more is replaced by one of zeros, and
 * the mapping is marked. Looking at the file's size first would cost a system call each time and still come too early.
 * Threads: watching and forgetting from one thread; faults may happen in any.
 */
#ifndef VDIFAULT_CUT_H
#define VDIFAULT_CUT_H

#include <stdbool.h>
#include <stddef.h>

enum {
    CUT_NONE = -1
};

/* SIGBUS is ours as long as something is watched; faults elsewhere stay with who had it. The watch's number, or
 * CUT_NONE: there are too many. */
int cut_watch(void *base, size_t size);
void cut_forget(int watch); /* before munmap */
/* Whether a page of the mapping had to be replaced. */
bool cut_noticed(int watch);

#endif
