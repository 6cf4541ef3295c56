/* run_folder.h - a run's folder for one test, and children that are attached to it. */
#ifndef TEST_SCENARIO_RUN_FOLDER_H
#define TEST_SCENARIO_RUN_FOLDER_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "runstate.h"

/* Attaching happens once per process, so every test runs in a child with a folder of its own; the folder and
 * what is left in it are looked at from outside, as a supervisor does. */
struct run {
    char folder[64];
    struct run_state *state;
};

static inline void start(struct run *run)
{
    snprintf(run->folder, sizeof(run->folder), "/tmp/vdifault-run-XXXXXX");
    assert_non_null(mkdtemp(run->folder));
    assert_int_equal(run_state_create(run->folder), 0);
    assert_int_equal(run_state_map(run->folder, &run->state), 0);
}

static inline void finish(struct run *run)
{
    char command[128];
    munmap(run->state, sizeof(*run->state));
    snprintf(command, sizeof(command), "rm -rf '%s'", run->folder);
    assert_int_equal(system(command), 0);
}

static inline pid_t spawn(const struct run *run, void (*body)(void))
{
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        setenv("VDIFAULT_TRACE", run->folder, 1);
        body();
        _exit(0);
    }
    return child;
}

static inline int in_child(const struct run *run, void (*body)(void))
{
    int status = -1;
    waitpid(spawn(run, body), &status, 0);
    return status;
}

#define CHECK(condition)                                               \
    do {                                                               \
        if (!(condition)) {                                            \
            dprintf(2, "%s:%d: %s\n", __FILE__, __LINE__, #condition); \
            _exit(1);                                                  \
        }                                                              \
    } while (0)

#endif
