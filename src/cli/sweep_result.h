/* sweep_result.h - the runs of a sweep as one report: the object that all its formats are made from.
 *
 * Ownership: the result's, until sweep_result_free. Errors: 0 or ENOMEM. Threads: one.
 */
#ifndef VDIFAULT_SWEEP_RESULT_H
#define VDIFAULT_SWEEP_RESULT_H

#include <jansson.h>

#include "sweep_plan.h"

/* The finished runs, in any order. */
struct sweep_result {
    json_t **runs;
    size_t count;
    size_t room;
    json_t *prints; /* fingerprints of findings, as keys */
};

/* The object becomes the result's. */
int sweep_result_add(struct sweep_result *result, json_t *object);
size_t sweep_result_findings(const struct sweep_result *result); /* different ones */
void sweep_result_free(struct sweep_result *result);

struct sweep_facts {
    const struct sweep_sites *sites;
    json_t *argv; /* of the client, as reports have it; borrowed */
    uint64_t seed;
    struct sweep_shard shard;
    int64_t wall_ms;
    const char *version;
};
/* The whole report, the runs by id; the caller's. NULL: no memory. */
json_t *sweep_result_report(struct sweep_result *result, const struct sweep_facts *facts);

#endif
