/* sweep_result.c - see sweep_result.h. */
#include "sweep_result.h"

#include <errno.h>
#include <stdlib.h>

#include "results.h"

static uint32_t id_of(const json_t *run)
{
    return (uint32_t)json_integer_value(json_object_get(run, "id"));
}

static void note_findings(struct sweep_result *result, const json_t *run)
{
    size_t index;
    json_t *finding;
    if (result->prints == NULL) {
        result->prints = json_object();
    }
    json_array_foreach(json_object_get(run, "findings"), index, finding)
    {
        json_object_set_new(result->prints, results_text(finding, "fingerprint"), json_true());
    }
}

int sweep_result_add(struct sweep_result *result, json_t *object)
{
    if (result->count == result->room) {
        size_t room = result->room > 0 ? result->room * 2 : 64;
        json_t **runs = realloc(result->runs, room * sizeof(json_t *));
        if (runs == NULL) {
            json_decref(object);
            return ENOMEM;
        }
        result->runs = runs;
        result->room = room;
    }
    result->runs[result->count++] = object;
    note_findings(result, object);
    return 0;
}

size_t sweep_result_findings(const struct sweep_result *result)
{
    return json_object_size(result->prints);
}

void sweep_result_free(struct sweep_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        json_decref(result->runs[i]);
    }
    free(result->runs);
    json_decref(result->prints);
    *result = (struct sweep_result){0};
}

/* ---- the report ---- */

static int by_id(const void *left, const void *right)
{
    uint32_t a = id_of(*(json_t *const *)left), b = id_of(*(json_t *const *)right);
    return a < b ? -1 : a > b;
}

static json_t *sites_value(const struct sweep_sites *sites)
{
    json_t *value = json_array();
    for (size_t i = 0; i < sites->count; i++) {
        const struct sweep_site *site = &sites->list[i];
        json_array_append_new(
            value, json_pack("{s:s, s:s, s:o, s:i, s:I, s:I, s:b}", "name", sweep_site_name(site), "kind",
                             site->function != 0 ? "function" : "command", "device",
                             site->device >= 0 ? json_integer(site->device) : json_null(), "op",
                             (int)site->operation, "arrivals", (json_int_t)site->arrivals, "stacks",
                             (json_int_t)site->stacks, "unsteady", (int)site->unsteady));
    }
    return value;
}

static json_t *shard_value(const struct sweep_shard *shard)
{
    return shard->count == 0
               ? json_null()
               : json_pack("{s:i, s:i}", "index", (int)shard->index, "count", (int)shard->count);
}

json_t *sweep_result_report(struct sweep_result *result, const struct sweep_facts *facts)
{
    json_t *runs = json_array();
    if (result->count > 0) {
        qsort(result->runs, result->count, sizeof(json_t *), by_id);
    }
    for (size_t i = 0; i < result->count; i++) {
        json_object_del(result->runs[i], "then"); /* what came of it are runs themselves */
        json_object_del(result->runs[i], "line"); /* of the journal */
        json_array_append(runs, result->runs[i]);
    }
    json_t *client = json_pack("{s:O, s:n, s:n, s:b, s:I}", "argv", facts->argv, "exit", "signal",
                               "timed_out", 0, "wall_ms", (json_int_t)facts->wall_ms);
    json_t *report = json_pack("{s:i, s:s, s:o, s:I, s:o, s:s, s:[], s:[], s:o, s:o, s:n}", "schema", 1,
                               "outcome", "clean", "client", client, "seed", (json_int_t)facts->seed, "shard",
                               shard_value(&facts->shard), "vdifault", facts->version, "operations", "faults",
                               "sites", sites_value(facts->sites), "runs", runs, "coverage");
    if (report != NULL && results_conclude(report) != 0) {
        json_decref(report);
        report = NULL;
    }
    return report;
}
