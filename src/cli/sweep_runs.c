/* sweep_runs.c - the runs of a sweep, given to workers and taken from them. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "results.h"
#include "sweep.h"

/* A sweep_take. */
static void take_run(void *context, const struct sweep_run *run, json_t *object)
{
    struct sweep *sweep = context;
    (void)run;
    if (object == NULL) {
        sweep->error = ENOMEM;
        return;
    }
    int error = sweep_journal_add(&sweep->journal, object);
    if (error != 0) { /* the runs are worth more than the journal */
        sweep_progress_end(&sweep->progress);
        cli_error(
            "sweep: journal '%s': %s: from here on nothing is noted; if the sweep is interrupted, these runs "
            "are made again",
            sweep->journal.path, strerror(error));
        sweep_journal_close(&sweep->journal, false);
    }
    error = sweep_result_add(&sweep->result, object);
    sweep->error = error != 0 ? error : sweep->error;
}

void sweep_noted_key(uint32_t id, const char *key, char *text, size_t size)
{
    snprintf(text, size, "%" PRIu32 " %s", id, key);
}

/* What the journal has of this run. */
static json_t *find_noted(const struct sweep *sweep, const struct sweep_run *run)
{
    char key[SWEEP_KEY_MAX], text[SWEEP_NOTED_MAX];
    sweep_run_key(run, key, sizeof key);
    sweep_noted_key(run->id, key, text, sizeof text);
    return json_object_get(sweep->noted, text);
}

/* The run of both faults; NULL, or what is expected instead of such a text. */
static const char *read_pair(const struct sweep *sweep, const struct sweep_run *first, size_t index,
                             const json_t *text, struct sweep_run *pair)
{
    static const char too_many[] = "no fault after so many";
    static const char no_fault[] = "a fault, as --fault takes it";
    struct fault_error why;
    *pair = *first;
    pair->id = first->id + (uint32_t)((index + 1) * sweep->plan.count);
    if (pair->fault_count == SWEEP_FAULTS_MAX) {
        return too_many;
    }
    return json_is_string(text) &&
                   fault_parse(json_string_value(text), &pair->faults[pair->fault_count++], &why) == 0
               ? NULL
               : no_fault;
}

/* Whether the journal, which anybody can have written, has a run as a sweep notes it; says so if not. */
static bool is_sound(const struct sweep *sweep, const struct sweep_run *run, const json_t *noted)
{
    const json_t *then = json_object_get(noted, "then"), *found = NULL;
    const char *expected = NULL, *key = "then";
    struct sweep_run pair;
    if (results_number(noted, "id", -1) != run->id) {
        key = "id";
        found = json_object_get(noted, key);
        expected = "that of a run of this sweep";
    } else if (then != NULL && !json_is_array(then)) {
        found = then;
        expected = "a list of faults";
    }
    for (size_t i = 0; expected == NULL && i < json_array_size(then); i++) {
        found = json_array_get(then, i);
        expected = read_pair(sweep, run, i, found, &pair);
    }
    if (expected != NULL) {
        char *text = json_dumps(found, JSON_ENCODE_ANY | JSON_COMPACT);
        cli_error("sweep: journal '%s', line %" JSON_INTEGER_FORMAT
                  ": \"%s\" has %s, expected %s; the run is made again",
                  sweep->journal.path, results_number(noted, "line", 0), key, text != NULL ? text : "?",
                  expected);
        free(text);
    }
    return expected == NULL;
}

static bool is_going(const struct sweep *sweep)
{
    return sweep->error == 0 && sweep->pool.interrupted == 0;
}

static void wait_for_runs(struct sweep *sweep)
{
    enum {
        REDRAW_MS = 200
    };
    sweep_pool_wait(&sweep->pool, REDRAW_MS, take_run, sweep);
    const struct sweep_extent extent = {sweep->result.count, sweep->all,
                                        sweep_result_findings(&sweep->result)};
    sweep_progress_show(&sweep->progress, &extent);
}

/* The runs of a list, `count` of them by `order`. */
static void make_runs(struct sweep *sweep, const struct sweep_run *runs, const uint32_t *order, size_t count)
{
    for (size_t i = 0; i < count && is_going(sweep);) {
        if (sweep_pool_give(&sweep->pool, &runs[order[i]])) {
            i++;
        } else {
            wait_for_runs(sweep);
        }
    }
    while (sweep_pool_is_busy(&sweep->pool) && is_going(sweep)) {
        wait_for_runs(sweep);
    }
}

/* Those of the plan that are this shard's and not made yet, in their order. */
static void sweep_through(struct sweep *sweep, const struct sweep_plan *plan, bool sharded)
{
    size_t count = 0;
    uint32_t *order = calloc(plan->count + 1, sizeof *order);
    if (order == NULL) {
        sweep->error = ENOMEM;
        return;
    }
    sweep_order(order, plan->count, sweep->options.shuffle, sweep->options.run.plan.seed);
    for (size_t i = 0; i < plan->count; i++) {
        const struct sweep_run *run = &plan->runs[order[i]];
        if (sharded && !sweep_shard_has(&sweep->options.shard, run->id)) {
            continue;
        }
        json_t *noted = find_noted(sweep, run);
        if (noted != NULL && is_sound(sweep, run, noted)) {
            sweep->error = sweep_result_add(&sweep->result, json_incref(noted));
        } else {
            order[count++] = order[i];
        }
    }
    sweep->all = sweep->result.count + count;
    sweep_progress_start(&sweep->progress, sweep->result.count);
    make_runs(sweep, plan->runs, order, count);
    sweep_progress_end(&sweep->progress);
    free(order);
}

/* A run's "then" as runs. */
static int add_pairs(struct sweep *sweep, const json_t *run)
{
    json_int_t id = results_number(run, "id", -1);
    size_t index;
    json_t *text;
    if (id < 0 || (size_t)id >= sweep->plan.count) {
        return EINVAL;
    }
    const struct sweep_run *first = &sweep->plan.runs[id];
    json_array_foreach(json_object_get(run, "then"), index, text)
    {
        struct sweep_run pair;
        if (read_pair(sweep, first, index, text, &pair) != NULL) {
            return EINVAL;
        }
        struct sweep_run *runs = realloc(sweep->pairs.runs, (sweep->pairs.count + 1) * sizeof *runs);
        if (runs == NULL) {
            return ENOMEM;
        }
        sweep->pairs.runs = runs;
        runs[sweep->pairs.count++] = pair;
    }
    return 0;
}

static int by_id(const void *left, const void *right)
{
    uint32_t a = ((const struct sweep_run *)left)->id, b = ((const struct sweep_run *)right)->id;
    return a < b ? -1 : a > b;
}

static void sweep_pairs(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->result.count && sweep->error == 0; i++) {
        sweep->error = add_pairs(sweep, sweep->result.runs[i]);
    }
    if (sweep->error == 0 && sweep->pairs.count > 0) {
        qsort(sweep->pairs.runs, sweep->pairs.count, sizeof *sweep->pairs.runs, by_id);
        sweep_through(sweep, &sweep->pairs, false);
    }
}

void sweep_make_runs(struct sweep *sweep)
{
    sweep->work.singles = (uint32_t)sweep->plan.count;
    sweep->work.end = sweep->options.pairs > 0 ? sweep->work.singles + sweep->options.pairs : 0;
    sweep_pool_open(&sweep->pool, &sweep->work, sweep->jobs);
    sweep_through(sweep, &sweep->plan, true);
    if (sweep->options.pairs > 0 && is_going(sweep)) {
        sweep_pairs(sweep);
    }
    sweep_pool_close(&sweep->pool);
}
