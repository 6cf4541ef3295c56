/* results_merge.c - one sweep from its shards: they must belong together, be complete and not overlap. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"
#include "results_coverage.h"

struct merge {
    json_t *const *shards;
    const char *const *names;
    size_t count;
    char *why;
};

__attribute__((format(printf, 2, 3))) static int refuse(const struct merge *merge, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    vsnprintf(merge->why, RESULTS_WHY_MAX, format, arguments);
    va_end(arguments);
    return EINVAL;
}

static json_int_t index_of(const json_t *report)
{
    return results_number(json_object_get(report, "shard"), "index", -1);
}

static json_int_t count_of(const json_t *report)
{
    return results_number(json_object_get(report, "shard"), "count", -1);
}

/* ---- do they belong together? ---- */

/* A value as one line for a message, cut where it is long. */
static void show_value(const json_t *value, char text[96])
{
    char *dump = value ? json_dumps(value, JSON_COMPACT | JSON_ENCODE_ANY) : NULL;

    snprintf(text, 96, "%.80s%s", dump ? dump : "nothing", dump && strlen(dump) > 80 ? "..." : "");
    free(dump);
}

static int check_same(const struct merge *merge, size_t i, const char *what, const json_t *first,
                      const json_t *value)
{
    char expected[96], got[96];

    if (json_equal((json_t *)first, (json_t *)value) || (!first && !value)) {
        return 0;
    }
    show_value(first, expected);
    show_value(value, got);
    return refuse(merge, "'%s' is of another sweep than '%s': %s is %s, expected %s", merge->names[i],
                  merge->names[0], what, got, expected);
}

static int check_shard(const struct merge *merge, size_t i)
{
    const json_t *first = merge->shards[0], *shard = merge->shards[i];
    int error;

    if (count_of(shard) < 1) {
        return refuse(merge, "'%s' is no shard: expected a report of vdifault sweep --shard",
                      merge->names[i]);
    }
    error = check_same(merge, i, "the client", json_object_get(json_object_get(first, "client"), "argv"),
                       json_object_get(json_object_get(shard, "client"), "argv"));
    if (!error) {
        error =
            check_same(merge, i, "the seed", json_object_get(first, "seed"), json_object_get(shard, "seed"));
    }
    if (!error) {
        error = check_same(merge, i, "vdifault's version", json_object_get(first, "vdifault"),
                           json_object_get(shard, "vdifault"));
    }
    if (!error && count_of(shard) != count_of(first)) {
        error = refuse(merge, "'%s' is one of %lld shards, '%s' one of %lld", merge->names[i],
                       (long long)count_of(shard), merge->names[0], (long long)count_of(first));
    }
    if (!error && (index_of(shard) < 1 || index_of(shard) > count_of(shard))) {
        error = refuse(merge, "'%s' is shard %lld of %lld: expected 1 to %lld", merge->names[i],
                       (long long)index_of(shard), (long long)count_of(shard), (long long)count_of(shard));
    }
    return error;
}

static int check_twice(const struct merge *merge)
{
    for (size_t i = 1; i < merge->count; i++) {
        for (size_t before = 0; before < i; before++) {
            if (index_of(merge->shards[i]) == index_of(merge->shards[before])) {
                return refuse(merge, "'%s' and '%s' are both shard %lld of %lld", merge->names[before],
                              merge->names[i], (long long)index_of(merge->shards[i]),
                              (long long)count_of(merge->shards[i]));
            }
        }
    }
    return 0;
}

/* With none twice, fewer than there should be means that some are missing. */
static int check_missing(const struct merge *merge)
{
    json_int_t total = count_of(merge->shards[0]);
    char list[128] = "";
    int named = 0;

    if ((json_int_t)merge->count == total) {
        return 0;
    }
    for (json_int_t index = 1; index <= total && named < 8; index++) {
        bool there = false;

        for (size_t i = 0; i < merge->count; i++) {
            there = there || index_of(merge->shards[i]) == index;
        }
        if (!there) {
            size_t used = strlen(list);

            snprintf(list + used, sizeof list - used, "%s%lld", named++ ? ", " : "", (long long)index);
        }
    }
    return refuse(merge, "%lld of %lld shards are missing: %s%s",
                  (long long)(total - (json_int_t)merge->count), (long long)total, list,
                  total - (json_int_t)merge->count > named ? ", ..." : "");
}

/* ---- merging ---- */

struct placed_run {
    json_int_t id;
    size_t shard;
    json_t *run;
};

static int compare_runs(const void *left, const void *right)
{
    const struct placed_run *a = left, *b = right;

    return (a->id > b->id) - (a->id < b->id);
}

/* Ids are places in the plan of the whole sweep: each is there once. Those of single faults come first and without
 * gaps; which pairs there are is known only when the first fault has fired. */
static int check_ids(const struct merge *merge, const struct placed_run *list, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        json_int_t next = i > 0 ? list[i - 1].id + 1 : 0;

        if (i > 0 && list[i].id == list[i - 1].id) {
            return refuse(merge, "run %lld is in '%s' and in '%s'", (long long)list[i].id,
                          merge->names[list[i - 1].shard], merge->names[list[i].shard]);
        }
        if (list[i].id != next && json_array_size(json_object_get(list[i].run, "faults")) < 2) {
            return refuse(merge, "runs %lld to %lld are in no shard: was one interrupted?", (long long)next,
                          (long long)list[i].id - 1);
        }
    }
    return 0;
}

static int merge_runs(const struct merge *merge, json_t *merged)
{
    struct placed_run *list;
    json_t *runs = json_array(), *run;
    size_t total = 0, used = 0, at;
    int error = runs ? 0 : ENOMEM;

    for (size_t i = 0; i < merge->count; i++) {
        total += json_array_size(json_object_get(merge->shards[i], "runs"));
    }
    list = calloc(total + 1, sizeof *list);
    if (!list || error) {
        error = ENOMEM;
        goto out;
    }
    for (size_t i = 0; i < merge->count; i++) {
        json_array_foreach(json_object_get(merge->shards[i], "runs"), at, run)
        {
            list[used++] = (struct placed_run){results_number(run, "id", -1), i, run};
        }
    }
    qsort(list, used, sizeof *list, compare_runs);
    error = check_ids(merge, list, used);
    for (size_t i = 0; i < used && !error; i++) {
        error = json_array_append(runs, list[i].run) ? ENOMEM : 0;
    }
    if (!error) {
        error = json_object_set(merged, "runs", runs) ? ENOMEM : 0;
    }
out:
    free(list);
    json_decref(runs);
    return error;
}

static bool is_same_site(const json_t *a, const json_t *b)
{
    static const char *const keys[] = {"name", "kind", "device", "op"};
    bool same = true;

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        same = same && json_equal(json_object_get(a, keys[i]), json_object_get(b, keys[i]));
    }
    return same;
}

/* What differed between the runs of one shard does so for all. */
static void note_unsteady(json_t *known, const json_t *site)
{
    if (json_is_true(json_object_get(site, "unsteady"))) {
        json_object_set_new(known, "unsteady", json_true());
    }
}

/* Each shard recorded a clean run of its own; a client whose threads race does not always reach the same places. */
static int merge_sites(const struct merge *merge, json_t *merged)
{
    json_t *sites = json_deep_copy(json_object_get(merge->shards[0], "sites")), *site, *known;
    size_t at, i;

    if (!json_is_array(sites)) {
        json_decref(sites);
        return 0;
    }
    for (size_t shard = 1; shard < merge->count; shard++) {
        json_array_foreach(json_object_get(merge->shards[shard], "sites"), at, site)
        {
            bool there = false;

            json_array_foreach(sites, i, known)
            {
                if (is_same_site(known, site)) {
                    there = true;
                    note_unsteady(known, site);
                }
            }
            if (!there && json_array_append(sites, site)) {
                json_decref(sites);
                return ENOMEM;
            }
        }
    }
    return json_object_set_new(merged, "sites", sites) ? ENOMEM : 0;
}

/* All findings of the shards, for what only they know; results_conclude keeps the first of each. */
static int merge_findings(const struct merge *merge, json_t *merged)
{
    json_t *findings = json_array();
    int failed = !findings;

    for (size_t i = 0; i < merge->count && !failed; i++) {
        json_t *of_shard = json_object_get(merge->shards[i], "findings");

        failed = json_is_array(of_shard) && json_array_extend(findings, of_shard);
    }
    return failed || json_object_set(merged, "findings", findings) ? (json_decref(findings), ENOMEM)
                                                                   : (json_decref(findings), 0);
}

/* The time is that of all machines together. */
static int merge_client(const struct merge *merge, json_t *merged)
{
    json_t *client = json_copy(json_object_get(merged, "client"));
    json_int_t wall = 0;

    for (size_t i = 0; i < merge->count; i++) {
        wall = results_sum(wall, results_number(json_object_get(merge->shards[i], "client"), "wall_ms", 0));
    }
    if (!client || json_object_set_new(client, "wall_ms", json_integer(wall))) {
        json_decref(client);
        return ENOMEM;
    }
    return json_object_set_new(merged, "client", client) ? ENOMEM : 0;
}

/* Of shards that all have it. */
static int merge_coverage(const struct merge *merge, json_t *merged)
{
    json_t *coverage = json_deep_copy(json_object_get(merge->shards[0], "coverage"));
    int error = 0;

    for (size_t i = 1; i < merge->count && !error && json_is_object(coverage); i++) {
        const json_t *other = json_object_get(merge->shards[i], "coverage");

        if (!json_is_object(other)) {
            json_decref(coverage);
            coverage = NULL;
        } else if (coverage_merge(coverage, other)) {
            error = refuse(merge, "'%s': its coverage cannot be read", merge->names[i]);
        }
    }
    if (error) {
        json_decref(coverage);
        return error;
    }
    return json_object_set_new(merged, "coverage", coverage ? coverage : json_null()) ? ENOMEM : 0;
}

int results_merge(json_t *const *shards, const char *const *names, size_t count, json_t **merged,
                  char why[RESULTS_WHY_MAX])
{
    struct merge merge = {shards, names, count, why};
    json_t *sweep = NULL;
    int error = 0;

    for (size_t i = 0; i < count && !error; i++) {
        error = check_shard(&merge, i);
    }
    error = error ? error : check_twice(&merge);
    error = error ? error : check_missing(&merge);
    if (!error) {
        sweep = json_copy(shards[0]);
        error = sweep && json_object_set_new(sweep, "shard", json_null()) == 0 ? 0 : ENOMEM;
    }
    error = error ? error : merge_runs(&merge, sweep);
    error = error ? error : merge_sites(&merge, sweep);
    error = error ? error : merge_findings(&merge, sweep);
    error = error ? error : merge_client(&merge, sweep);
    error = error ? error : merge_coverage(&merge, sweep);
    error = error ? error : results_conclude(sweep);
    if (error) {
        json_decref(sweep);
        return error;
    }
    *merged = sweep;
    return 0;
}
