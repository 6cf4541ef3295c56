/* calls.c - see calls.h: starts call_client with the environment of each case. */
#include "calls.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runstate.h"

enum {
    BURST = 1000 /* calls: 2000 events */
};

#ifdef CALL_CLIENT_FIU
const bool calls_have_fiu = true;
#else
#define CALL_CLIENT_FIU ""
const bool calls_have_fiu = false;
#endif

static int64_t run_client(const char *environment, const char *client, const struct bench_load *load)
{
    char command[4096];
    long long elapsed = 0;
    uint32_t bursts = load->rounds / BURST;
    uint32_t calls = bursts > 0 ? BURST : load->rounds;
    snprintf(command, sizeof command, "exec env -u VDIFAULT_PLAN -u VDIFAULT_TRACE %s %s %u %u", environment,
             client, bursts > 0 ? bursts : 1, calls);
    FILE *pipe = popen(command, "r");
    if (pipe == NULL || fscanf(pipe, "%lld", &elapsed) != 1) {
        elapsed = 0;
    }
    if (pipe != NULL && pclose(pipe) != 0) {
        elapsed = 0;
    }
    return elapsed;
}

int64_t calls_direct(const struct bench_load *load)
{
    return run_client("", CALL_CLIENT, load);
}

int64_t calls_fiu(const struct bench_load *load)
{
    return run_client("", CALL_CLIENT_FIU, load);
}

int64_t calls_disarmed(const struct bench_load *load)
{
    return run_client("LD_PRELOAD=" CALL_PRELOAD, CALL_CLIENT, load);
}

/* With a scratch folder that holds the plan and, if asked for, the trace. Without the guard, which has rows of its own;
 * an early-close would bring it in. */
static int64_t run_in_folder(const struct bench_load *load, bool records)
{
    char folder[] = "/tmp/vdifault-bench-XXXXXX";
    char text[256], environment[1024];
    int64_t elapsed = 0;
    if (mkdtemp(folder) == NULL) {
        return 0;
    }
    snprintf(text, sizeof text, "%s/plan", folder);
    FILE *plan = fopen(text, "w");
    if (plan != NULL && fputs("fault abort@Read#3\nfault abort(at=complete)@Flush#1\n", plan) >= 0 &&
        fclose(plan) == 0) {
        snprintf(environment, sizeof environment,
                 "LD_PRELOAD=" CALL_PRELOAD " VDIFAULT_GUARD=off VDIFAULT_PLAN=%s/plan%s%s", folder,
                 records ? " VDIFAULT_TRACE=" : "", records ? folder : "");
        elapsed = !records || run_state_create(folder) == 0 ? run_client(environment, CALL_CLIENT, load) : 0;
    }
    snprintf(text, sizeof text, "rm -rf '%s'", folder);
    return system(text) == 0 ? elapsed : 0;
}

int64_t calls_armed(const struct bench_load *load)
{
    return run_in_folder(load, false);
}

int64_t calls_recording(const struct bench_load *load)
{
    return run_in_folder(load, true);
}
