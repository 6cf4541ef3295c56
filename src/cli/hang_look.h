/* hang_look.h - what the files behind hang_sample_take share. Not for others. */
#ifndef VDIFAULT_HANG_LOOK_H
#define VDIFAULT_HANG_LOOK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/types.h>

#include "hang.h"

enum {
    SYSCALL_ARGUMENTS = 6,
    PIPE_NAME_MAX = 32 /* "pipe:[<inode>]" */
};

struct look {
    const struct hang_scope *scope;
    const struct record *record;
    struct hang_sample *sample;
    FILE *text;
    pid_t process; /* whose threads are looked at */
    bool first;
    bool told; /* a thread of the server that is looked at lets time pass (engine_time.h) */
    char (*pipes)[PIPE_NAME_MAX]; /* that threads wait for */
    size_t pipe_count;
};

/* What /proc tells of a sleeping thread: `number` -1: nothing. */
struct asleep {
    long number;
    uint64_t argument[SYSCALL_ARGUMENTS];
    uint64_t stack; /* pointer */
};

/* ---- hang_sample.c ---- */

void look_mix(uint64_t *hash, const void *bytes, size_t length);
/* Somebody does act. */
void look_runs(struct look *look);

/* ---- hang_waits.c ---- */

/* The process has a handler for the signal, or we cannot tell. */
bool look_catches(const char *root, pid_t process, int number);
/* Of /proc/PID/task/TID/syscall. */
struct asleep look_parse(const char *line);
/* ThreadSanitizer's background thread: it looks around every 100 ms and does nothing to the client. It sleeps by an old
 * system call that the C library makes no more, with the same place for the time that is asked for and the time that is
 * left, and takes no signals. */
bool look_is_sanitizers_own(const struct look *look, pid_t thread, const struct asleep *asleep);
/* The wait without time limit that a thread is in, or NULL: it can act, or we cannot tell. */
const char *look_untimed_wait(struct look *look, const struct asleep *asleep);
/* The thread sleeps in a wait that it has told of, and that nobody outside the run can end. Notes until when. */
bool look_at_told_wait(struct look *look, pid_t thread, const struct asleep *asleep);

#endif
