/* request.c - see request.h. */
#include "request.h"

#include <errno.h>
#include <time.h>

#include "runstate_internal.h"

enum {
    NS_PER_MS = 1000000,
};

static int64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 * NS_PER_MS + now.tv_nsec;
}

static _Atomic uint32_t *request_of(uint32_t fault)
{
    return &run_state_attach()->faults[fault].request;
}

static struct run_operation *operation_of(int32_t operation)
{
    return operation < 0 || operation >= RUN_OPERATIONS_MAX ? NULL
                                                            : &run_state_attach()->operations[operation];
}

void run_ring(void)
{
    _Atomic uint32_t *bell = &run_state_attach()->bell;
    atomic_fetch_add(bell, 1);
    run_futex_wake(bell);
}

/* Each step is one compare-exchange, so that of two who would take it one does. */
static bool step(_Atomic uint32_t *request, uint32_t from, uint32_t to)
{
    return atomic_compare_exchange_strong(request, &from, to);
}

/* ---- the asker ---- */

static void sleep_on(_Atomic uint32_t *request, uint32_t seen, int64_t ns)
{
    int kept = errno; /* of the client, in whose place we wait */
    struct timespec timeout = {.tv_sec = ns / (1000 * NS_PER_MS), .tv_nsec = ns % (1000 * NS_PER_MS)};
    run_futex_wait(request, seen, &timeout);
    errno = kept;
}

static bool wait_for_answer(_Atomic uint32_t *request, int64_t deadline)
{
    for (;;) {
        uint32_t state = atomic_load(request);
        int64_t left = deadline - now_ns();
        if (state == RUN_REQUEST_NONE) {
            return false;
        }
        if (state == RUN_REQUEST_DONE) {
            step(request, RUN_REQUEST_DONE, RUN_REQUEST_NONE);
            return true;
        }
        if (left > 0) {
            sleep_on(request, state, left);
        } else if (state == RUN_REQUEST_TAKEN) {
            return true;
        } else if (step(request, RUN_REQUEST_ASKED, RUN_REQUEST_NONE)) {
            return false;
        }
    }
}

bool run_ask(uint32_t fault, const struct fault *asked, int64_t patience_ms)
{
    const struct run_operation *operation =
        operation_of(run_site_operation(run_state_attach(), &asked->site));
    _Atomic uint32_t *request = request_of(fault);
    if (!run_state_is_recorded() || operation == NULL ||
        !step(request, RUN_REQUEST_NONE, RUN_REQUEST_ASKED)) {
        return false;
    }
    /* A server that leaves says so first and refuses then: one of us sees the other. */
    if (atomic_load(&operation->server) == RUN_SERVER_LEFT &&
        step(request, RUN_REQUEST_ASKED, RUN_REQUEST_NONE)) {
        return false;
    }
    run_ring();
    return wait_for_answer(request, now_ns() + patience_ms * NS_PER_MS);
}

/* ---- the server ---- */

void run_server_came(int32_t index)
{
    struct run_operation *operation = operation_of(index);
    if (operation != NULL) {
        atomic_store(&operation->server_process, run_process());
        atomic_store(&operation->server, RUN_SERVER_HERE);
    }
}

void run_server_left(int32_t index)
{
    struct run_operation *operation = operation_of(index);
    if (operation != NULL) {
        atomic_store(&operation->server, RUN_SERVER_LEFT);
    }
}

bool run_server_is_known(int32_t index)
{
    struct run_operation *operation = operation_of(index);
    return operation != NULL && atomic_load(&operation->server) != RUN_SERVER_NONE;
}

bool run_take(struct run_fault *fault, uint32_t process)
{
    if (atomic_load(&fault->request) != RUN_REQUEST_ASKED) {
        return false;
    }
    atomic_store(&fault->server_process, process); /* before: who watches us looks at it after */
    return step(&fault->request, RUN_REQUEST_ASKED, RUN_REQUEST_TAKEN);
}

void run_answer(struct run_fault *fault)
{
    if (step(&fault->request, RUN_REQUEST_TAKEN, RUN_REQUEST_DONE)) {
        run_futex_wake(&fault->request);
    }
}

void run_refuse(const struct plan *plan, int32_t operation)
{
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if (run_site_operation(run_state_attach(), &plan->faults[i].site) == operation &&
            step(request_of(i), RUN_REQUEST_ASKED, RUN_REQUEST_NONE)) {
            run_futex_wake(request_of(i));
        }
    }
}

void run_answer_for(const struct plan *plan, uint32_t process)
{
    struct run_state *run = run_state_attach();
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if (atomic_load(&run->faults[i].server_process) == process) {
            run_answer(&run->faults[i]);
        }
    }
    for (int32_t i = 0; i < RUN_OPERATIONS_MAX; i++) {
        if (atomic_load(&run->operations[i].server_process) == process) {
            run_server_left(i);
            run_refuse(plan, i);
        }
    }
}
