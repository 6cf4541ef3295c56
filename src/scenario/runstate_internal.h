/* runstate_internal.h - what the files behind runstate.h share. Not for other folders. */
#ifndef VDIFAULT_RUNSTATE_INTERNAL_H
#define VDIFAULT_RUNSTATE_INTERNAL_H

#include <limits.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <time.h>

#include "runstate.h"

#define RUN_RING_BYTES (sizeof(struct event_ring) + EVENT_RING_CAPACITY * sizeof(struct event))

/* This process's number, without a system call; right also in a child that nobody told about its fork. */
extern _Atomic uint32_t *run_process_page;
uint32_t run_process_asked(void);
static inline uint32_t run_process(void)
{
    run_state_attach();
    uint32_t process =
        run_process_page == NULL ? 0 : atomic_load_explicit(run_process_page, memory_order_relaxed);
    return process != 0 ? process : run_process_asked();
}

/* Not 0: this thread is at work of ours that opens files or reads clocks. A sanitizer that is linked into the client
 * wraps these calls of ours, too, and what it passes on looks like the client's. */
extern _Thread_local uint32_t run_own_work __attribute__((tls_model("initial-exec")));

/* Own work, and pthread_once with all signals held back: a handler of the client's that came in the middle and got to
 * the same place would wait for ever for the thread that it has interrupted. A thread whose end has been asked for does
 * not end in it. errno is preserved. */
void run_once(pthread_once_t *once, void (*function)(void));

/* Maps a file of the run's folder, shared; NULL with errno. Only pages that are touched come into memory: most rings
 * stay nearly empty, and pages read ahead must be filled, kept, and thrown away again with the folder. */
void *run_map_file(int file, size_t size);

/* FOLDER/NAME; false: there is no such long path. */
bool run_path(const char *folder, const char *name, char path[static PATH_MAX]);

/* Opens FOLDER/NAME of the attached folder as a new file of `size` reserved bytes and maps it; NULL on
 * failure. */
void *run_new_file(const char *folder, const char *name, size_t size, int *error);

/* FOLDER/NAME if it is a regular file of just this size, opened without following links; -1: there is none. */
int run_open_file(const char *folder, const char *name, size_t size);

/* FOLDER/ring.N as a new file, mapped; NULL on failure. Only when run_state_is_recorded(). */
struct event_ring *run_new_ring(uint32_t number);

/* Sleeps while *word == expected, at most `timeout` (NULL: for ever). The word may be in shared memory. */
void run_futex_wait(_Atomic uint32_t *word, uint32_t expected, const struct timespec *timeout);
void run_futex_wake(_Atomic uint32_t *word);

#endif
