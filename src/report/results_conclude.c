/* results_conclude.c - findings, summary and outcome of a sweep, from its runs. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"

/* ---- findings: one per fingerprint ---- */

/* What tells findings apart: the fingerprint; without one (another tool's report) rule and message. */
static int key_of(const json_t *finding, char *key, size_t size)
{
    const char *fingerprint = results_text(finding, "fingerprint");
    const char *rule = results_text(finding, "rule");

    return *fingerprint ? snprintf(key, size, "%s %s", rule, fingerprint)
                        : snprintf(key, size, "%s: %s", rule, results_text(finding, "message"));
}

static const char *const sweep_keys[] = {"grade", "plan", "minimised"};

/* The finding as its first run gave it, with what the sweep found out about it. */
static json_t *distinct_finding(json_t *finding, const json_t *known)
{
    json_t *distinct = json_copy(finding);
    int failed = !distinct || json_object_set_new(distinct, "runs", json_array()) != 0;

    for (size_t i = 0; i < sizeof sweep_keys / sizeof sweep_keys[0] && !failed; i++) {
        json_t *value = json_object_get(known, sweep_keys[i]);

        failed = json_object_set(distinct, sweep_keys[i], value ? value : json_null()) != 0;
    }
    /* the command of the smallest plan, not of the first run */
    if (!failed && json_object_get(known, "repeat") && json_is_array(json_object_get(known, "minimised"))) {
        failed = json_object_set(distinct, "repeat", json_object_get(known, "repeat")) != 0;
    }
    if (failed) {
        json_decref(distinct);
        return NULL;
    }
    return distinct;
}

/* Adds a run's findings to those known by key. */
static int collect_run(json_t *by_key, const json_t *known, const json_t *run)
{
    json_t *finding, *distinct;
    char key[1024];
    size_t i;

    json_array_foreach(json_object_get(run, "findings"), i, finding)
    {
        json_t *id = json_object_get(run, "id"), *ids;

        key_of(finding, key, sizeof key);
        distinct = json_object_get(by_key, key);
        if (!distinct) {
            distinct = distinct_finding(finding, json_object_get(known, key));
            if (!distinct || json_object_set_new(by_key, key, distinct) != 0) {
                return ENOMEM;
            }
        }
        ids = json_object_get(distinct, "runs");
        if (!json_equal(json_array_get(ids, json_array_size(ids) - 1), id) &&
            json_array_append(ids, id) != 0) {
            return ENOMEM;
        }
    }
    return 0;
}

/* The first of the findings a sweep had, by key. */
static json_t *known_findings(const json_t *findings)
{
    json_t *known = json_object(), *finding;
    char key[1024];
    size_t i;

    json_array_foreach(findings, i, finding)
    {
        key_of(finding, key, sizeof key);
        if (!json_object_get(known, key)) {
            json_object_set(known, key, finding);
        }
    }
    return known;
}

static json_int_t first_run(const json_t *finding)
{
    return json_integer_value(json_array_get(json_object_get(finding, "runs"), 0));
}

/* The most severe first, then by run; rule and fingerprint make the order one that a merge repeats. */
static int compare_findings(const void *left, const void *right)
{
    const json_t *a = *(json_t *const *)left, *b = *(json_t *const *)right;
    int order = results_severity(b) - results_severity(a);

    if (order == 0) {
        order = (first_run(a) > first_run(b)) - (first_run(a) < first_run(b));
    }
    if (order == 0) {
        order = strcmp(results_text(a, "rule"), results_text(b, "rule"));
    }
    return order ? order : strcmp(results_text(a, "fingerprint"), results_text(b, "fingerprint"));
}

static json_t *sorted_findings(json_t *by_key)
{
    size_t count = json_object_size(by_key), used = 0;
    json_t **list = calloc(count + 1, sizeof(json_t *));
    json_t *findings = json_array(), *finding;
    const char *key;

    if (!list || !findings) {
        free(list);
        json_decref(findings);
        return NULL;
    }
    json_object_foreach(by_key, key, finding)
    {
        list[used++] = finding;
    }
    qsort(list, used, sizeof list[0], compare_findings);
    for (size_t i = 0; i < used; i++) {
        json_array_append(findings, list[i]);
    }
    free(list);
    return findings;
}

static json_t *findings_of(const json_t *sweep)
{
    json_t *known = known_findings(json_object_get(sweep, "findings"));
    json_t *by_key = json_object(), *findings = NULL, *run;
    int error = known && by_key ? 0 : ENOMEM;
    size_t i;

    json_array_foreach(json_object_get(sweep, "runs"), i, run)
    {
        error = error ? error : collect_run(by_key, known, run);
    }
    if (!error) {
        findings = sorted_findings(by_key);
    }
    json_decref(known);
    json_decref(by_key);
    return findings;
}

/* ---- summary ---- */

struct counts {
    json_int_t runs, vacuous, clean, with_findings, failed;
};

static void count_run(const json_t *run, struct counts *counts)
{
    const char *outcome = results_text(run, "outcome");
    bool vacuous = results_vacuous(run) != NULL;

    counts->runs++;
    counts->vacuous += vacuous;
    counts->clean += !vacuous && strcmp(outcome, "clean") == 0;
    counts->with_findings += strcmp(outcome, "findings") == 0;
    counts->failed += strcmp(outcome, "error") == 0;
}

/* How often each rule was broken: each finding once a run. */
static json_t *rules_of(const json_t *findings)
{
    json_t *rules = json_object(), *finding;
    size_t i;

    json_array_foreach(findings, i, finding)
    {
        const char *rule = results_text(finding, "rule");
        json_int_t runs = (json_int_t)json_array_size(json_object_get(finding, "runs"));

        json_object_set_new(rules, rule, json_integer(results_number(rules, rule, 0) + runs));
    }
    return rules;
}

/* How many different texts the runs have there. */
static size_t different(const json_t *sweep, const char *key)
{
    json_t *texts = json_object(), *run;
    size_t count, i;

    json_array_foreach(json_object_get(sweep, "runs"), i, run)
    {
        if (*results_text(run, key)) {
            json_object_set_new(texts, results_text(run, key), json_null());
        }
    }
    count = json_object_size(texts);
    json_decref(texts);
    return count;
}

size_t results_fault_kinds(const json_t *sweep)
{
    return different(sweep, "fault");
}

/* A single run has no list of what there was: the site of its fault. */
static json_int_t sites_of(const json_t *sweep)
{
    const json_t *sites = json_object_get(sweep, "sites");

    return (json_int_t)(json_is_array(sites) ? json_array_size(sites) : different(sweep, "site"));
}

static json_t *summary_of(const json_t *sweep, const struct counts *counts, const json_t *findings)
{
    json_int_t sites = sites_of(sweep);
    json_int_t shown = counts->runs - counts->vacuous;

    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o, s:o}", "sites", sites, "runs", counts->runs, "vacuous",
                     counts->vacuous, "clean", counts->clean, "with_findings", counts->with_findings, "rules",
                     rules_of(findings), "survived_percent",
                     shown > 0 ? json_real(100.0 * (double)counts->clean / (double)shown) : json_null());
}

int results_conclude(json_t *sweep)
{
    struct counts counts = {0};
    json_t *findings = findings_of(sweep), *summary, *run;
    size_t i;

    if (!findings) {
        return ENOMEM;
    }
    json_array_foreach(json_object_get(sweep, "runs"), i, run)
    {
        count_run(run, &counts);
    }
    summary = summary_of(sweep, &counts, findings);
    if (json_object_set_new(sweep, "findings", findings) != 0 ||
        json_object_set_new(sweep, "summary", summary) != 0 ||
        json_object_set_new(sweep, "outcome",
                            json_string(counts.failed          ? "error"
                                        : counts.with_findings ? "findings"
                                                               : "clean")) != 0) {
        return ENOMEM;
    }
    return 0;
}
