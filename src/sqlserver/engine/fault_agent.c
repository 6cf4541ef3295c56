/* fault_agent.c - see fault_agent.h. */
#include "fault_agent.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <unistd.h>

#include "event.h"
#include "os.h"
#include "request.h"
#include "runstate.h"

enum {
    AWAIT_NS = 1000000000 /* a client gets to its next GetCommand at once, or has no more to ask for */
};

struct fault_agent {
    pthread_t thread;
    const struct plan *plan;
    struct server_set *set;
    struct run_state *run;
    int32_t operation;
    _Atomic(const struct fault *) tale;
    _Atomic bool stopping;
};

/* ---- deeds ---- */

static void abort_set(struct fault_agent *agent, const struct fault *fault)
{
    (void)fault;
    server_set_signal_abort(agent->set);
}

static void abort_and_tell(struct fault_agent *agent, const struct fault *fault)
{
    const struct fault *none = NULL;
    atomic_compare_exchange_strong(&agent->tale, &none, fault); /* the first reason stands */
    server_set_signal_abort(agent->set);
}

/* Neither answers: the front end sees what has become of us, and says so (sqlcmd/front_end.h). */
static void die(struct fault_agent *agent, const struct fault *fault)
{
    (void)agent, (void)fault;
    kill(getpid(), SIGKILL);
}

static void stop_dead(struct fault_agent *agent, const struct fault *fault)
{
    (void)agent, (void)fault;
    kill(getpid(), SIGSTOP);
}

struct server_deed {
    void (*act)(struct fault_agent *agent, const struct fault *fault);
    bool unanswered;
};
static const struct server_deed deeds[FAULT_KIND_COUNT] = {
    [FAULT_ABORT] = {.act = abort_set},
    [FAULT_SERVER_CRASH] = {.act = die, .unanswered = true},
    [FAULT_SERVER_HANG] = {.act = stop_dead, .unanswered = true},
    [FAULT_KILL_SESSION] = {.act = abort_and_tell},
    [FAULT_ATTENTION] = {.act = abort_and_tell},
    [FAULT_SHUTDOWN] = {.act = abort_and_tell},
    [FAULT_FAILOVER] = {.act = abort_and_tell},
    [FAULT_STATEMENT_FAILS] = {.act = abort_and_tell},
};

/* ---- the thread ---- */

static bool is_ours(const struct fault *fault, int32_t operation)
{
    bool clients = fault->kind == FAULT_ABORT && fault->arg[FAULT_ARG_BY] == FAULT_BY_CLIENT;
    return deeds[fault->kind].act != NULL && !clients &&
           run_site_operation(run_state_attach(), &fault->site) == operation;
}

/* Answers every request that has not been answered or withdrawn. The last round runs after `stopping`, with the set
 * still open: a request made until then is neither lost nor left waiting. */
static void answer(struct fault_agent *agent)
{
    for (uint32_t i = 0; i < agent->plan->fault_count; i++) {
        const struct fault *fault = &agent->plan->faults[i];
        /* Claimed first: who asked can withdraw until then, and knows afterwards that it will happen. */
        if (is_ours(fault, agent->operation) && run_take(&agent->run->faults[i], (uint32_t)getpid())) {
            deeds[fault->kind].act(agent, fault);
            if (!deeds[fault->kind].unanswered) {
                run_answer(&agent->run->faults[i]);
                run_ring(); /* for fault_agent_await */
            }
        }
    }
}

static void *run_agent(void *context)
{
    struct fault_agent *agent = context;
    for (;;) {
        uint32_t seen = atomic_load(&agent->run->bell); /* before looking: a later ring ends the wait */
        bool last = atomic_load(&agent->stopping);
        answer(agent);
        if (last) {
            return NULL;
        }
        os_wait(&agent->run->bell, seen, OS_FOREVER);
    }
}

int fault_agent_start(const struct plan *plan, int32_t operation, struct server_set *set,
                      struct fault_agent **result)
{
    *result = NULL;
    bool wanted = false;
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        wanted = wanted || is_ours(&plan->faults[i], operation);
    }
    if (!wanted) {
        return 0;
    }
    struct fault_agent *agent = calloc(1, sizeof *agent);
    if (agent == NULL) {
        return ENOMEM;
    }
    agent->plan = plan;
    agent->set = set;
    agent->operation = operation;
    agent->run = run_state_attach();
    int error = pthread_create(&agent->thread, NULL, run_agent, agent);
    if (error != 0) {
        free(agent);
        return error;
    }
    *result = agent;
    return 0;
}

/* Everything before the site's GetCommand has begun, or that as well. */
static bool is_next(const struct fault_agent *agent, uint32_t index)
{
    const struct fault_site *site = &agent->plan->faults[index].site;
    const struct run_fault *fault = &agent->run->faults[index];
    uint32_t first = site->device >= 0 ? (uint32_t)site->device : 0;
    uint32_t end = site->device >= 0 ? first + 1 : RUN_DEVICES_MAX;
    bool next = atomic_load(&fault->fired) > 0;
    for (uint32_t i = first; i < end && !next && site->nth > 0; i++) {
        next = atomic_load(&fault->seen[i]) + 1 == (uint32_t)site->nth;
    }
    return next;
}

void fault_agent_await(struct fault_agent *agent)
{
    int64_t deadline = os_now() + AWAIT_NS;
    for (uint32_t i = 0; agent != NULL && i < agent->plan->fault_count; i++) {
        const struct fault *fault = &agent->plan->faults[i];
        bool meets_close = fault->site.function == VDI_FN_GET_COMMAND && is_ours(fault, agent->operation);
        while (meets_close && os_now() < deadline) {
            uint32_t seen = atomic_load(&agent->run->bell); /* before looking, as above */
            if (server_set_abort_reason(agent->set) != SERVER_ABORT_NONE || !is_next(agent, i)) {
                break;
            }
            os_wait(&agent->run->bell, seen, deadline);
        }
    }
}

void fault_agent_stop(struct fault_agent *agent)
{
    if (agent == NULL) {
        return;
    }
    atomic_store(&agent->stopping, true);
    run_ring();
    pthread_join(agent->thread, NULL);
    free(agent);
}

const struct fault *fault_agent_tale(struct fault_agent *agent)
{
    return agent == NULL ? NULL : atomic_load(&agent->tale);
}
