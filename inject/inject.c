/* inject.c - see inject.h. */
#include "inject.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

#include "runstate.h"

_Thread_local struct inject_thread inject_thread __attribute__((tls_model("initial-exec")));

enum {
    UNDECIDED,
    PASSIVE,
    ACTIVE
};

bool inject_is_active(void)
{
    static _Atomic int decided = UNDECIDED;
    int answer = atomic_load_explicit(&decided, memory_order_relaxed);
    if (answer == UNDECIDED) { /* every thread that gets here finds the same */
        answer = run_variable("VDIFAULT_PLAN") != NULL || run_variable("VDIFAULT_TRACE") != NULL ? ACTIVE
                                                                                                 : PASSIVE;
        atomic_store_explicit(&decided, answer, memory_order_relaxed);
    }
    return answer == ACTIVE;
}

static struct inject_plan loaded;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    struct fault_error error;
    uint32_t line = 0;
    int status = plan_load(&loaded.plan, &error, &line);
    if (status != 0) {
        /* Without the runner nobody else can tell the user that his plan does nothing. */
        char message[400];
        int length = snprintf(message, sizeof(message), "vdifault: plan line %u: %s; no fault is injected\n",
                              line, error.message);
        if (write(STDERR_FILENO, message, (size_t)length) < 0) {
            length = 0;
        }
        plan_init(&loaded.plan);
    }
    for (uint32_t i = 0; i < loaded.plan.fault_count; i++) {
        loaded.functions |= 1u << loaded.plan.faults[i].site.function;
        loaded.commands |= 1u << loaded.plan.faults[i].site.command;
    }
}

const struct inject_plan *inject_plan(void)
{
    int saved = errno;
    pthread_once(&once, load);
    errno = saved;
    return &loaded;
}

int64_t inject_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}
