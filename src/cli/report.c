/* report.c - `vdifault report`: merges the shards of a sweep and converts reports. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "report_file.h"
#include "results.h"

enum report_format {
    FORMAT_JSON,
    FORMAT_JUNIT,
    FORMAT_SARIF,
    FORMAT_HTML,
    FORMAT_COUNT
};

struct report_options {
    const char *outputs[FORMAT_COUNT]; /* NULL: not asked for; "-": stdout */
};

static int write_json(FILE *out, json_t *report)
{
    if (json_dumpf(report, out, JSON_INDENT(2)) != 0 || fputc('\n', out) == EOF || fflush(out) != 0) {
        return errno != 0 ? errno : EIO;
    }
    return 0;
}

static const struct {
    const char *name;
    int (*write)(FILE *out, json_t *report);
} formats[FORMAT_COUNT] = {
    [FORMAT_JSON] = {"json", write_json},
    [FORMAT_JUNIT] = {"junit", report_junit},
    [FORMAT_SARIF] = {"sarif", report_sarif},
    [FORMAT_HTML] = {"html", report_html},
};

static int set_output(void *context, enum report_format format, const char *value)
{
    ((struct report_options *)context)->outputs[format] = value;
    return 0;
}

static int set_json(void *context, const char *value)
{
    return set_output(context, FORMAT_JSON, value);
}

static int set_junit(void *context, const char *value)
{
    return set_output(context, FORMAT_JUNIT, value);
}

static int set_sarif(void *context, const char *value)
{
    return set_output(context, FORMAT_SARIF, value);
}

static int set_html(void *context, const char *value)
{
    return set_output(context, FORMAT_HTML, value);
}

static const struct option_row rows[] = {
    {"json", "FILE", "the same as one JSON object; - is stdout", set_json},
    {"junit", "FILE", "JUnit XML: a suite per fault kind, a test per site and fault", set_junit},
    {"sarif", "FILE", "SARIF 2.1.0: a result per distinct finding, with fingerprints", set_sarif},
    {"html", "FILE", "one self-contained page: the matrix, and every run behind it", set_html},
    {NULL, NULL, NULL, NULL},
};

static int write_one(json_t *report, enum report_format format, const char *path)
{
    bool to_stdout = strcmp(path, "-") == 0;
    FILE *out = to_stdout ? stdout : fopen(path, "we");
    int error = out != NULL ? formats[format].write(out, report) : errno;

    if (out != NULL && !to_stdout && fclose(out) != 0 && error == 0) {
        error = errno;
    }
    if (error != 0) {
        cli_error("report: --%s: cannot write '%s': %s", formats[format].name, path, strerror(error));
        return CLI_SETUP;
    }
    return CLI_CLEAN;
}

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
}

static int write_all(json_t *report, const struct report_options *options)
{
    int status = CLI_CLEAN;
    bool asked = false;

    for (int format = 0; format < FORMAT_COUNT && status == CLI_CLEAN; format++) {
        if (options->outputs[format] != NULL) {
            asked = true;
            status = write_one(report, (enum report_format)format, options->outputs[format]);
        }
    }
    if (!asked) {
        print_summary(report);
    }
    return status;
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
    struct report_options options = {0};
    json_t *report = NULL;
    int first = 0;
    int status = CLI_CLEAN;

    if (cli_verb_start(&verb_report, argc, argv, &options, &first, &status) != 0) {
        return status;
    }
    if (first >= argc) {
        cli_error("report: no FILE given: expected a JSON report of run or sweep, or all shards of one");
        return CLI_USAGE;
    }
    status = load(argc - first, argv + first, &report);
    if (status == CLI_CLEAN) {
        status = write_all(report, &options);
    }
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
        "exit status: 0 written, 2 usage, an unreadable report or shards that do not belong together,\n"
        "3 it could not be written\n",
    .run = run_report,
};
