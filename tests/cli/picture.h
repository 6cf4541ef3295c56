/* picture.h - a picture of /proc, as hang_sample_take reads it, of a run with one client. */
#ifndef TEST_CLI_PICTURE_H
#define TEST_CLI_PICTURE_H

#include "hang.h"

enum {
    RUNNER = 100,
    CLIENT = 200,
    SERVER = 300
};

/* Arguments of system calls, for call(). */
#define FUTEX_UNTIMED "0x5500 0x189 0x0 0x0 0x0 0xffffffff"
#define FUTEX_TIMED   "0x5500 0x189 0x0 0x7ffe00 0x0 0xffffffff"
#define NOTHING       "0x0 0x0 0x0 0x0 0x0 0x0"

extern char root[64]; /* of the picture */
extern struct record record;
extern struct run_waits run_waits;
extern const struct hang_scope scope;

/* A client of one thread that waits on a futex for ever. cmocka's setup and teardown. */
int picture_start(void **state);
int picture_end(void **state);

/* A file, with the folders above it; then a link. */
void put(const char *text, const char *format, ...) __attribute__((format(printf, 2, 3)));
void put_link(const char *target, const char *format, int pid);
void put_stat(int pid, int thread, int parent, char state, int cpu);
void put_thread(int pid, int thread, const char *syscall); /* a sleeping one, in this system call */
void put_process(int pid, int parent);
/* A line of task/TID/syscall; overwritten by the next call. */
const char *call(long number, const char *arguments);

#endif
