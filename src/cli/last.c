/* last.c - see last.h. */
#include "last.h"

#include <errno.h>
#include <stdlib.h>

#include "cli.h"
#include "site.h"

static bool needs_recording(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if (plan->faults[i].site.nth == FAULT_NTH_LAST) {
            return true;
        }
    }
    return false;
}

static int resolve(const struct session *session, struct plan *plan, const char *verb)
{
    uint32_t failed = 0;
    char text[FAULT_TEXT_MAX];
    if (session->interrupted != 0) {
        return 128 + session->interrupted; /* as a shell reports it */
    }
    if (session->error[0] != '\0') {
        cli_error("%s: clean run for #last: %s", verb, session->error);
        return CLI_SETUP;
    }
    int error = site_resolve_last(&session->record, plan, &failed);
    if (error != 0) {
        fault_format(&plan->faults[failed], text, sizeof text);
        cli_error("%s: %s: %s", verb, text,
                  error == E2BIG ? "gives more faults than a plan holds"
                                 : "a clean run never reaches the site, so it has no last time");
    }
    return error == 0 ? CLI_CLEAN : CLI_USAGE;
}

int last_resolve(struct trial *trial, struct trial_bench *bench, struct plan *plan)
{
    const char *verb = bench->setup.options->verb;
    if (!needs_recording(plan)) {
        return CLI_CLEAN;
    }
    struct plan *clean = malloc(sizeof *clean);
    if (clean == NULL) {
        cli_error("%s: no memory", verb);
        return CLI_SETUP;
    }
    *clean = *plan;
    clean->fault_count = 0;
    bench->setup.again = false; /* it only counts */
    trial_pass(trial, bench, clean);
    bench->setup.again = bench->setup.options->again;
    free(clean);
    int status = resolve(&trial->session, plan, verb);
    trial_end(trial);
    return status;
}
