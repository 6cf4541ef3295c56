/* report.c - `vdifault report`: merges the shards of a sweep and converts reports. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "outputs.h"
#include "report_file.h"
#include "results.h"

static const struct option_row rows[] = {
    OUTPUT_ROWS,
    {NULL, NULL, NULL, NULL},
};

/* Without a format: what it came to, for a person, as sweep prints it. */
static int print_text(const json_t *report)
{
    bool color = isatty(STDOUT_FILENO) != 0 && getenv("NO_COLOR") == NULL;
    int error = report_sweep_text(stdout, report, color);

    if (error != 0) {
        cli_error("report: cannot print the report: %s", strerror(error));
    }
    return error != 0 ? CLI_SETUP : CLI_CLEAN;
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
        status = print_text(report);
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
        "      what it came to, and the distinct findings, as the sweep printed them\n\n"
        "exit status: 0 written, 2 usage, an unreadable report, shards that do not belong together\n"
        "or a path that cannot be written, 3 writing failed\n",
    .run = run_report,
};
