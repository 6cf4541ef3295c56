/* bundle.c - `vdifault bundle`: what a support case needs, in one file.
 *
 * Only what is understood goes in: a report, plans and traces that their parsers accept, and texts made of them. So no
 * byte of a stream can, whatever file is named by mistake; passwords are replaced on the way.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "bundle_facts.h"
#include "cli.h"
#include "pack.h"
#include "plan.h"
#include "redact.h"
#include "report_file.h"
#include "results.h"
#include "trace_show.h"

enum {
    FILES_MAX = 64, /* of which findings' plans are the most */
    GIVEN_MAX = 16
};
#define FOLDER "vdifault-bundle"

struct given {
    size_t count;
    const char *paths[GIVEN_MAX];
};

struct bundle {
    const char *output;
    struct given plans, traces;
    size_t count;
    struct packed_file files[FILES_MAX];
};

/* ---- options ---- */

static int add_given(struct given *given, const char *option, const char *value)
{
    if (given->count == GIVEN_MAX) {
        cli_error("bundle: --%s '%s': at most %d", option, value, GIVEN_MAX);
        return -1;
    }
    given->paths[given->count++] = value;
    return 0;
}

static int set_plan(void *context, const char *value)
{
    return add_given(&((struct bundle *)context)->plans, "plan", value);
}

static int set_trace(void *context, const char *value)
{
    return add_given(&((struct bundle *)context)->traces, "trace", value);
}

OPTION_TEXT(set_output, struct bundle, output)

static const struct option_row rows[] = {
    {"output", "FILE", "the bundle (default vdifault-bundle.tar.gz)", set_output},
    {"plan", "FILE", "a plan that was used (repeatable); findings' own are in the report", set_plan},
    {"trace", "FILE", "a trace of --trace (repeatable); also added as text", set_trace},
    {NULL, NULL, NULL, NULL},
};

/* ---- files ---- */

/* Takes `data` over. CLI_CLEAN, or a status after a message. */
static int add_file(struct bundle *bundle, const char *name, char *data, size_t size)
{
    if (data == NULL || bundle->count == FILES_MAX) {
        cli_error("bundle: '%s': %s", name, data == NULL ? "no memory" : "more files than a bundle holds");
        free(data);
        return CLI_SETUP;
    }
    struct packed_file *file = &bundle->files[bundle->count++];

    snprintf(file->name, sizeof file->name, "%s", name);
    file->data = data;
    file->size = size;
    return CLI_CLEAN;
}

static int add_json(struct bundle *bundle, const char *name, const json_t *value)
{
    char *text = value != NULL ? json_dumps(value, JSON_INDENT(2)) : NULL;

    return add_file(bundle, name, text, text != NULL ? strlen(text) : 0);
}

static int read_whole(const char *path, char **data, size_t *size)
{
    FILE *file = fopen(path, "re"), *out = file != NULL ? open_memstream(data, size) : NULL;
    char buffer[16384];
    size_t got;
    int error = out != NULL ? 0 : errno;

    while (error == 0 && (got = fread(buffer, 1, sizeof buffer, file)) > 0) {
        error = fwrite(buffer, 1, got, out) == got ? 0 : ENOMEM;
    }
    if (error == 0 && ferror(file)) {
        error = errno;
    }
    if (out != NULL && fclose(out) != 0 && error == 0) {
        error = ENOMEM;
    }
    if (file != NULL) {
        fclose(file);
    }
    if (error != 0) {
        cli_error("bundle: '%s': %s", path, strerror(error));
    }
    return error != 0 ? CLI_USAGE : CLI_CLEAN;
}

/* ---- the report, without passwords ---- */

static json_t *redacted_string(char *text)
{
    json_t *value = text != NULL ? json_string(text) : NULL;

    free(text);
    return value;
}

/* A command line's words are looked at with their neighbours: "-P" "secret". */
static json_t *redacted_words(const json_t *words)
{
    int count = (int)json_array_size(words);
    char **argv = calloc((size_t)count + 1, sizeof *argv);
    json_t *list = json_array();

    for (int i = 0; i < count && argv != NULL; i++) {
        const char *word = json_string_value(json_array_get(words, (size_t)i));

        argv[i] = (char *)(word != NULL ? word : "");
    }
    for (int i = 0; i < count && argv != NULL; i++) {
        json_array_append_new(list, redacted_string(redact_argument(count, argv, i)));
    }
    free(argv);
    return list;
}

static json_t *redacted(const json_t *value)
{
    const char *key;
    json_t *copy, *member;
    size_t i;

    if (json_is_string(value)) {
        return redacted_string(redact_text(json_string_value(value)));
    }
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, i, member)
        {
            json_array_append_new(copy, redacted(member));
        }
        return copy;
    }
    if (!json_is_object(value)) {
        return json_deep_copy(value);
    }
    copy = json_object();
    json_object_foreach((json_t *)value, key, member)
    {
        bool words = strcmp(key, "argv") == 0 && json_is_array(member);

        json_object_set_new(copy, key, words ? redacted_words(member) : redacted(member));
    }
    return copy;
}

static int add_report(struct bundle *bundle, json_t *report)
{
    char *page = NULL;
    size_t size = 0;
    int status = add_json(bundle, "report.json", report);
    FILE *out = open_memstream(&page, &size);
    int error = out != NULL ? report_html(out, report) : ENOMEM;

    if (out != NULL && fclose(out) != 0) {
        error = ENOMEM;
    }
    if (error != 0) {
        cli_error("bundle: report.html: %s", strerror(error));
        free(page);
        return CLI_SETUP;
    }
    return status == CLI_CLEAN ? add_file(bundle, "report.html", page, size) : (free(page), status);
}

/* ---- plans ---- */

/* A finding's smallest plan; its name is the finding's number, so that it is a file name whatever a report says. */
static int add_minimised(struct bundle *bundle, const json_t *finding, size_t number)
{
    const json_t *lines = json_object_get(finding, "minimised"), *line;
    char *text = NULL, name[PACKED_NAME_MAX];
    size_t size = 0, i;
    FILE *out;

    if (json_array_size(lines) == 0 || bundle->count >= FILES_MAX / 2) {
        return CLI_CLEAN;
    }
    out = open_memstream(&text, &size);
    if (out == NULL) {
        return add_file(bundle, "plans", NULL, 0);
    }
    fprintf(out, "# %s: %s\n", results_text(finding, "rule"), results_text(finding, "fingerprint"));
    json_array_foreach(lines, i, line)
    {
        fprintf(out, "%s\n", json_is_string(line) ? json_string_value(line) : "");
    }
    fclose(out);
    snprintf(name, sizeof name, "plans/finding-%zu.plan", number + 1);
    return add_file(bundle, name, text, size);
}

static int add_plan(struct bundle *bundle, const char *path, size_t number)
{
    struct plan *plan = malloc(sizeof *plan);
    struct fault_error error = {0};
    char *text = NULL, name[PACKED_NAME_MAX];
    size_t size = 0;
    uint32_t line = 0;
    int status = plan != NULL ? read_whole(path, &text, &size) : CLI_SETUP;

    if (status == CLI_CLEAN) {
        plan_init(plan);
        if (plan_parse(text, size, plan, &error, &line) != 0) {
            cli_error("bundle: plan '%s' line %u: %s", path, line, error.message);
            status = CLI_USAGE;
        }
    }
    free(plan);
    if (status != CLI_CLEAN) {
        free(text);
        return status;
    }
    char *clean = redact_text(text);

    free(text);
    snprintf(name, sizeof name, "plans/given-%zu.plan", number + 1);
    return add_file(bundle, name, clean, clean != NULL ? strlen(clean) : 0);
}

static int add_plans(struct bundle *bundle, const json_t *report)
{
    const json_t *finding;
    int status = CLI_CLEAN;
    size_t i;

    json_array_foreach(json_object_get(report, "findings"), i, finding)
    {
        status = status == CLI_CLEAN ? add_minimised(bundle, finding, i) : status;
    }
    for (i = 0; i < bundle->plans.count && status == CLI_CLEAN; i++) {
        status = add_plan(bundle, bundle->plans.paths[i], i);
    }
    return status;
}

/* ---- traces ---- */

/* As text: what happened, a line a call, readable without us. */
static int add_scenario(struct bundle *bundle, const struct trace_loaded *loaded, const char *name)
{
    static const struct trace_filter all = {.device = -1};
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    int error = out != NULL ? trace_show(out, loaded, &all, trace_print_text, false) : ENOMEM;

    if (out != NULL) {
        fclose(out);
    }
    if (error != 0) {
        cli_error("bundle: %s: %s", name, strerror(error));
        free(text);
        return CLI_SETUP;
    }
    return add_file(bundle, name, text, size);
}

static int add_trace(struct bundle *bundle, const char *path, size_t number)
{
    struct trace_loaded *loaded = malloc(sizeof *loaded);
    char name[PACKED_NAME_MAX], *data = NULL;
    size_t size = 0;
    int status = CLI_CLEAN;

    if (loaded == NULL) {
        return add_file(bundle, path, NULL, 0);
    }
    if (trace_load(path, loaded) != 0 || loaded->is_folder) {
        cli_error("bundle: trace '%s': %s", path,
                  loaded->is_folder ? "expected a file of --trace" : loaded->error);
        status = CLI_USAGE;
    }
    if (status == CLI_CLEAN) {
        status = read_whole(path, &data, &size);
    }
    if (status == CLI_CLEAN) {
        snprintf(name, sizeof name, "traces/%zu.vdt", number + 1);
        status = add_file(bundle, name, data, size);
        data = NULL;
    }
    if (status == CLI_CLEAN) {
        snprintf(name, sizeof name, "traces/%zu.txt", number + 1);
        status = add_scenario(bundle, loaded, name);
    }
    free(data);
    trace_unload(loaded);
    free(loaded);
    return status;
}

/* ---- all of it ---- */

static int add_manifest(struct bundle *bundle, const json_t *report)
{
    json_t *files = json_array(), *manifest;
    int status;

    for (size_t i = 0; i < bundle->count; i++) {
        const struct packed_file *file = &bundle->files[i];
        char hash[17];

        facts_hash(file->data, file->size, hash);
        json_array_append_new(files, json_pack("{s:s, s:I, s:s}", "name", file->name, "bytes",
                                               (json_int_t)file->size, "xxh64", hash));
    }
    manifest = json_pack("{s:i, s:s, s:o, s:o, s:o}", "schema", 1, "vdifault", VDIFAULT_VERSION, "machine",
                         facts_machine(), "libraries", facts_libraries(report), "files", files);
    status = add_json(bundle, "manifest.json", manifest);
    json_decref(manifest);
    return status;
}

static int collect(struct bundle *bundle, const char *path)
{
    json_t *loaded = NULL, *report;
    int status = report_file_load("bundle", path, &loaded);

    if (status != CLI_CLEAN) {
        return status;
    }
    report = redacted(loaded);
    status = add_report(bundle, report);
    if (status == CLI_CLEAN) {
        status = add_plans(bundle, report);
    }
    for (size_t i = 0; i < bundle->traces.count && status == CLI_CLEAN; i++) {
        status = add_trace(bundle, bundle->traces.paths[i], i);
    }
    if (status == CLI_CLEAN) {
        status = add_manifest(bundle, report);
    }
    json_decref(report);
    json_decref(loaded);
    return status;
}

static int write_bundle(const struct bundle *bundle, const char *report)
{
    struct stat info = {0};
    char why[512];

    stat(report, &info); /* the bundle is as old as the report: the same input gives the same file */
    if (pack_files(bundle->output, FOLDER, bundle->files, bundle->count, info.st_mtime, why, sizeof why) !=
        0) {
        cli_error("bundle: cannot write '%s': %s", bundle->output, why);
        return CLI_SETUP;
    }
    printf("%s:\n", bundle->output);
    for (size_t i = 0; i < bundle->count; i++) {
        printf("  %10zu  %s\n", bundle->files[i].size, bundle->files[i].name);
    }
    printf("passwords are replaced by ***, bytes of streams are not in it\n");
    return CLI_CLEAN;
}

static int run_bundle(int argc, char **argv)
{
    struct bundle bundle = {.output = FOLDER ".tar.gz"};
    int first = 0;
    int status = CLI_CLEAN;

    if (cli_verb_start(&verb_bundle, argc, argv, &bundle, &first, &status) != 0) {
        return status;
    }
    if (argc - first != 1) {
        cli_error("bundle: expected one JSON report of run or sweep, got %d", argc - first);
        return CLI_USAGE;
    }
    status = collect(&bundle, argv[first]);
    if (status == CLI_CLEAN) {
        status = write_bundle(&bundle, argv[first]);
    }
    for (size_t i = 0; i < bundle.count; i++) {
        free(bundle.files[i].data);
    }
    return status;
}

const struct verb verb_bundle = {
    .name = "bundle",
    .arguments = "[options] REPORT",
    .summary = "packs report, plans, traces, versions and library hashes into one file",
    .options = rows,
    .examples =
        "  vdifault run --json run.json --trace run.vdt --fault lost-close -- ./backup_client set1 out.bak\n"
        "  vdifault bundle --trace run.vdt --output case-4711.tar.gz run.json\n"
        "      for a support case: what was done, found and used, without streams and passwords\n\n"
        "exit status: 0 written, 2 usage or an input that is no report, plan or trace, 3 it could not be "
        "written\n",
    .run = run_bundle,
};
