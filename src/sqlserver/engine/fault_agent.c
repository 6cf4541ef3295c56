/* fault_agent.c - see fault_agent.h. */
#include "fault_agent.h"

#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdlib.h>

#include "os.h"
#include "runstate.h"

struct fault_agent {
    pthread_t thread;
    const struct plan *plan;
    struct server_set *set;
    struct run_state *run;
    int32_t operation;
    _Atomic bool stopping;
};

static bool is_ours(const struct fault *fault, int32_t operation)
{
    return fault->kind == FAULT_ABORT && fault->arg[FAULT_ARG_BY] == FAULT_BY_SERVER &&
           fault->site.operation == operation;
}

/* Answers every request that has not been answered or withdrawn. The last round runs after `stopping`, with the set still
 * open: a request made until then is neither lost nor left waiting. */
static void answer(struct fault_agent *agent)
{
    for (uint32_t i = 0; i < agent->plan->fault_count; i++) {
        if (!is_ours(&agent->plan->faults[i], agent->operation)) {
            continue;
        }
        struct run_fault *fault = &agent->run->faults[i];
        /* Claimed first: who asked can withdraw until then, and knows afterwards that it will happen. */
        uint32_t asked = RUN_REQUEST_ASKED;
        if (atomic_compare_exchange_strong(&fault->request, &asked, RUN_REQUEST_TAKEN)) {
            server_set_signal_abort(agent->set);
            atomic_store(&fault->request, RUN_REQUEST_DONE);
            os_wake(&fault->request);
        }
    }
}

static void *run_agent(void *context)
{
    struct fault_agent *agent = context;
    for (;;) {
        uint32_t seen = atomic_load(&agent->run->bell); /* before looking: a later ring ends the wait */
        answer(agent);
        if (atomic_load(&agent->stopping)) {
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

void fault_agent_stop(struct fault_agent *agent)
{
    if (agent == NULL) {
        return;
    }
    atomic_store(&agent->stopping, true);
    atomic_fetch_add(&agent->run->bell, 1);
    os_wake(&agent->run->bell);
    pthread_join(agent->thread, NULL);
    free(agent);
}
