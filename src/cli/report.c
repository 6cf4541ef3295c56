/* report.c - `vdifault report`: merges the shards of a sweep and converts reports. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "outputs.h"
#include "report_file.h"
#include "results.h"
#include "results_coverage.h"

static const struct option_row rows[] = {
    OUTPUT_ROWS,
    {NULL, NULL, NULL, NULL},
};

/* Without a format: what it came to, for a person. */
static void print_summary(json_t *report)
{
    const json_t *summary = json_object_get(report, "summary"), *finding;
    const json_t *survived = json_object_get(summary, "survived_percent");
    size_t i;

    printf("%s: %lld runs, %lld clean, %lld with findings, %lld vacuous", results_text(report, "outcome"),
           (long long)results_number(summary, "runs", 0), (long long)results_number(summary, "clean", 0),
           (long long)results_number(summary, "with_findings", 0),
           (long long)results_number(summary, "vacuous", 0));
    if (json_is_number(survived)) {
        printf("; survived %.1f %%", json_number_value(survived));
    }
    printf("\n");
    json_array_foreach(json_object_get(report, "findings"), i, finding)
    {
        size_t runs = json_array_size(json_object_get(finding, "runs"));

        printf("  %-8s %-15s %s  (%zu %s)\n", results_text(finding, "severity"),
               results_text(finding, "rule"), results_text(finding, "message"), runs,
               runs == 1 ? "run" : "runs");
    }
    coverage_text(stdout, json_object_get(report, "coverage"), false);
}

/* One report, or shards made one. */
static int load(int count, char **paths, json_t **report)
{
    char why[RESULTS_WHY_MAX];
    json_t **shards = calloc((size_t)count, sizeof(json_t *));
    int loaded = 0, status = shards != NULL ? CLI_CLEAN : CLI_SETUP;

    while (status == CLI_CLEAN && loaded < count) {
        status = report_file_load("report", paths[loaded], &shards[loaded]);
        loaded += status == CLI_CLEAN;
    }
    if (status == CLI_CLEAN && count == 1) {
        *report = results_of(shards[0]);
    } else if (status == CLI_CLEAN) {
        int error = results_merge(shards, (const char *const *)paths, (size_t)count, report, why);

        if (error != 0) {
            cli_error("report: %s", error == EINVAL ? why : strerror(error));
            status = error == EINVAL ? CLI_USAGE : CLI_SETUP;
        }
    }
    for (int i = 0; i < loaded; i++) {
        json_decref(shards[i]);
    }
    free(shards);
    return status == CLI_CLEAN && *report == NULL ? CLI_SETUP : status;
}

static int run_report(int argc, char **argv)
{
    struct outputs outputs = {0};
    json_t *report = NULL;
    int first = 0;
    int status = CLI_CLEAN;

    if (cli_verb_start(&verb_report, argc, argv, &outputs, &first, &status) != 0) {
        return status;
    }
    if (first >= argc) {
        cli_error("report: no FILE given: expected a JSON report of run or sweep, or all shards of one");
        return CLI_USAGE;
    }
    status = load(argc - first, argv + first, &report);
    if (status == CLI_CLEAN) {
        status = outputs_open(&outputs, "report");
    }
    if (status == CLI_CLEAN) {
        status = outputs_write(&outputs, "report", report);
    }
    if (status == CLI_CLEAN && !outputs_are_asked(&outputs)) {
        print_summary(report);
    }
    outputs_close(&outputs);
    json_decref(report);
    return status;
}

const struct verb verb_report = {
    .name = "report",
    .arguments = "[options] FILE...",
    .summary = "merges the shards of a sweep and converts reports to HTML, SARIF, JUnit",
    .options = rows,
    .examples =
        "  vdifault report --html sweep.html sweep.json\n"
        "      the matrix as a page, from the --json of a sweep or a run\n\n"
        "  vdifault report --json sweep.json --junit sweep.xml shard1.json shard2.json shard3.json\n"
        "      one report of all shards, the same as of a sweep that was not sharded\n\n"
        "  vdifault report sweep.json\n"
        "      what it came to, and the distinct findings\n\n"
        "exit status: 0 written, 2 usage, an unreadable report, shards that do not belong together\n"
        "or a path that cannot be written, 3 writing failed\n",
    .run = run_report,
};
