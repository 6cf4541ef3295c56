/* inject.c - see inject.h. */
#include "inject.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "event_time.h"
#include "runstate_internal.h"
#include "shortage.h"

_Thread_local struct inject_thread inject_thread __attribute__((tls_model("initial-exec")));

_Atomic uint32_t inject_mode_word = INJECT_UNDECIDED;
struct inject_plan inject_loaded;

/* Others' constructors, and what a sanitizer's runtime does before all of them, may come before the environment. */
static _Atomic bool is_constructed;

__attribute__((constructor)) static void construct(void)
{
    atomic_store_explicit(&is_constructed, true, memory_order_release);
}

uint32_t inject_decide(void)
{
    /* Every thread that gets here finds the same; one that has gone further is not called back. */
    uint32_t found = INJECT_UNDECIDED;
    uint32_t mode = run_variable("VDIFAULT_PLAN") != NULL || run_variable("VDIFAULT_TRACE") != NULL
                        ? INJECT_ACTIVE
                        : INJECT_PASSIVE;
    if (mode == INJECT_PASSIVE && !atomic_load_explicit(&is_constructed, memory_order_acquire)) {
        return mode; /* not kept: the next call looks again */
    }
    return atomic_compare_exchange_strong(&inject_mode_word, &found, mode) ? mode : found;
}

static void load(void)
{
    struct fault_error error;
    uint32_t line = 0;
    int status = plan_load(&inject_loaded.plan, &error, &line);
    if (status != 0) {
        /* Without the runner nobody else can tell the user that his plan does nothing. */
        char message[400];
        int length = snprintf(message, sizeof(message), "vdifault: plan line %u: %s; no fault is injected\n",
                              line, error.message);
        if (write(STDERR_FILENO, message, (size_t)length) < 0) {
            length = 0;
        }
        plan_init(&inject_loaded.plan);
    }
    inject_loaded.probes = inject_loaded.plan.probe == PLAN_YES;
    inject_loaded.fails_files = inject_loaded.probes;
    for (uint32_t i = 0; i < inject_loaded.plan.fault_count; i++) {
        const struct fault *fault = &inject_loaded.plan.faults[i];
        const struct fault_info *info = &fault_table[fault->kind];
        inject_loaded.functions |= info->everywhere ? UINT32_MAX : 1u << fault->site.function;
        inject_loaded.commands |= 1u << fault->site.command;
        inject_loaded.fails_files |= info->place == FAULT_IN_FILES;
        inject_loaded.loses_close |= (info->effects & FAULT_MEETS_CLOSE) != 0;
    }
    if (inject_loaded.fails_files) {
        shortage_watch();
    }
}

static void arm(void)
{
    load();
    atomic_store_explicit(&inject_mode_word, run_state_is_recorded() ? INJECT_RECORDING : INJECT_ARMED,
                          memory_order_release);
}

uint32_t inject_arm(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    run_once(&once, arm);
    return atomic_load_explicit(&inject_mode_word, memory_order_acquire);
}

int64_t inject_now(void)
{
    return (int64_t)event_time_ns();
}
