/* sarif_flow.c - a run's calls as a SARIF codeFlow. */
#include <string.h>

#include "results.h"
#include "sarif.h"

static const json_t *run_of(const json_t *sweep, json_int_t id)
{
    const json_t *run;
    size_t i;

    json_array_foreach(json_object_get(sweep, "runs"), i, run)
    {
        if (results_number(run, "id", -1) == id) {
            return run;
        }
    }
    return NULL;
}

/* SARIF's importance: what the reader must see even in a folded view. */
static const char *importance_of(const json_t *call)
{
    return json_is_true(json_object_get(call, "fault")) || json_array_size(json_object_get(call, "rules")) > 0
               ? "essential"
               : "important";
}

static json_t *step_of(const json_t *call, size_t order)
{
    const char *side = results_text(call, "side");
    const char *result = results_text(call, "result");

    return json_pack("{s:{s:{s:o}}, s:s, s:i}", "location", "message", "text",
                     *result ? json_sprintf("%s: %s -> %s", side, results_text(call, "text"), result)
                             : json_sprintf("%s: %s", side, results_text(call, "text")),
                     "importance", importance_of(call), "executionOrder", (int)order);
}

/* The flow of the call's thread; added where the thread is new. Calls of one side share a flow without thread. */
static json_t *flow_of(json_t *flows, json_t *by_thread, const json_t *call)
{
    char name[64];
    json_t *flow;

    snprintf(name, sizeof name, "%.31s thread %lld", results_text(call, "side"),
             (long long)results_number(call, "thread", 0));
    flow = json_object_get(by_thread, name);
    if (!flow) {
        flow = json_pack("{s:s, s:[]}", "id", name, "locations");
        if (!flow) { /* the cut name ends within a character */
            flow = json_pack("{s:s, s:[]}", "id", "unnamed", "locations");
        }
        json_array_append_new(flows, flow);
        json_object_set(by_thread, name, flow);
    }
    return flow;
}

json_t *sarif_code_flows(const json_t *sweep, const json_t *finding)
{
    json_int_t id = json_integer_value(json_array_get(json_object_get(finding, "runs"), 0));
    const json_t *calls = json_object_get(run_of(sweep, id), "calls"), *call;
    json_t *flows, *by_thread;
    size_t i;

    if (json_array_size(calls) == 0) {
        return NULL;
    }
    flows = json_array();
    by_thread = json_object();
    json_array_foreach(calls, i, call)
    {
        json_array_append_new(json_object_get(flow_of(flows, by_thread, call), "locations"),
                              step_of(call, i + 1));
    }
    json_decref(by_thread);
    return json_pack("[{s:o}]", "threadFlows", flows);
}
