/* stale_set.c - see stale_set.h. */
#include "stale_set.h"

#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "environment.h"
#include "request.h"
#include "segment.h"

/* A server may already wait for a set of this name: it must not take this one for its client's while the maker still
 * lives. So it is one that was served. */
static void make_and_die(const char *name, const char *token)
{
    const struct VDConfig config = {.deviceCount = 1, .features = VDF_LikePipe};
    static struct segment segment;
    if (setenv(TOKEN_VARIABLE, token, 1) == 0 &&
        segment_create(name, &config, PHASE_CONNECTED, &segment) == 0) {
        kill(getpid(), SIGKILL);
    }
    _exit(EXIT_FAILURE);
}

static bool make(const char *name, const char *token)
{
    int status = 0;
    pid_t maker = fork();
    if (maker == 0) {
        make_and_die(name, token);
    }
    while (maker > 0 && waitpid(maker, &status, 0) < 0 && errno == EINTR) {
    }
    return maker > 0 && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
}

/* The client wrote the name, and may not have ended it. */
static bool make_named(const struct run_operation *operation, const char *token)
{
    char name[RUN_NAME_MAX];
    memcpy(name, operation->set_name, sizeof name);
    name[sizeof name - 1] = '\0';
    return make(name, token);
}

void stale_sets_make(const struct plan *plan, struct run_state *state, const char *token)
{
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        const struct fault *fault = &plan->faults[i];
        struct run_fault *asked = &state->faults[i];
        int32_t operation = run_site_operation(state, &fault->site);
        if (fault->kind == FAULT_STALE_SET && atomic_load(&asked->request) == RUN_REQUEST_ASKED &&
            operation >= 0 && operation < RUN_OPERATIONS_MAX &&
            make_named(&state->operations[operation], token) && run_take(asked, (uint32_t)getpid())) {
            run_answer(asked);
        }
    }
}
