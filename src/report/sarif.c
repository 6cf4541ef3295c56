/* sarif.c - a sweep as SARIF 2.1.0: all rules with their help, a result per distinct finding.
 *
 * A result is a finding of the whole sweep, not of a run: that is what a dashboard counts and follows by its
 * fingerprint. The first run that showed it gives the steps (codeFlows).
 */
#include <errno.h>
#include <string.h>

#include "results.h"
#include "rules.h"
#include "sarif.h"

static const char *const kind_words[] = {[RULE_NORMATIVE] = "normative",
                                         [RULE_DERIVED] = "derived",
                                         [RULE_ADVISORY] = "advisory",
                                         [RULE_OUTCOME] = "outcome"};
static const char *const kind_levels[] = {[RULE_NORMATIVE] = "error",
                                          [RULE_DERIVED] = "warning",
                                          [RULE_ADVISORY] = "note",
                                          [RULE_OUTCOME] = "error"};

/* ---- rules ---- */

static json_t *rule_help(const struct rule_info *rule)
{
    return json_pack(
        "{s:o, s:o}", "text",
        json_sprintf("%s\n\nWhy: %s\nFix: %s\nSource: %s", rule->says, rule->why, rule->fix, rule->source),
        "markdown",
        json_sprintf("%s\n\n**Why:** %s\n\n**Fix:** %s\n\n**Source:** %s\n\n`vdifault explain %s` has wrong "
                     "and right code.",
                     rule->says, rule->why, rule->fix, rule->source, rule->id));
}

static json_t *rules_value(void)
{
    json_t *rules = json_array();

    for (size_t i = 0; i < rule_count; i++) {
        const struct rule_info *rule = &rule_table[i];

        json_array_append_new(
            rules, json_pack("{s:s, s:{s:s}, s:{s:s}, s:o, s:{s:s}, s:{s:[s, s]}}", "id", rule->id,
                             "shortDescription", "text", rule->says, "fullDescription", "text", rule->why,
                             "help", rule_help(rule), "defaultConfiguration", "level",
                             kind_levels[rule->kind], "properties", "tags", "vdi", kind_words[rule->kind]));
    }
    return rules;
}

/* ---- places ---- */

/* A file's name as a relative URI: RFC 3986's path characters stay, all else by number. */
static json_t *uri_of(const char *name)
{
    static const char kept[] =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~/!$&'()*+,;=@";
    char uri[3 * sizeof((struct result_frame *)0)->place + 1], *to = uri;

    name += strspn(name, "/"); /* "//x" would name a host */
    for (; *name; name++) {
        if (strchr(kept, *name)) {
            *to++ = *name;
        } else {
            to += snprintf(to, 4, "%%%02X", (unsigned char)*name);
        }
    }
    *to = '\0';
    return json_string(*uri ? uri : "unknown");
}

/* JSON can carry a cut name only where it ends with a whole character. */
static json_t *name_value(const char *name)
{
    size_t length = strlen(name);
    json_t *value = json_stringn(name, length);

    while (!value && length > 0) {
        value = json_stringn(name, --length);
    }
    return value;
}

static json_t *location_of(const char *text)
{
    struct result_frame frame;
    json_t *physical, *logical = NULL;

    results_frame(text, &frame);
    physical = json_pack("{s:{s:o}}", "artifactLocation", "uri", uri_of(frame.place));
    if (frame.line > 0) {
        json_object_set_new(physical, "region", json_pack("{s:i}", "startLine", frame.line));
    }
    if (frame.function[0]) {
        logical = json_pack("[{s:o, s:s}]", "name", name_value(frame.function), "kind", "function");
    }
    return json_pack("{s:o, s:o*}", "physicalLocation", physical, "logicalLocations", logical);
}

static json_t *stack_of(const json_t *finding)
{
    const json_t *backtrace = json_object_get(finding, "backtrace"), *frame;
    json_t *frames = json_array();
    size_t i;

    json_array_foreach(backtrace, i, frame)
    {
        if (json_is_string(frame)) {
            json_array_append_new(frames,
                                  json_pack("{s:o}", "location", location_of(json_string_value(frame))));
        }
    }
    if (json_array_size(frames) == 0) {
        json_decref(frames);
        return NULL;
    }
    return json_pack("[{s:{s:s}, s:o}]", "message", "text", "where the client called", "frames", frames);
}

/* Where: the client's line, or at least which program it was. */
static json_t *locations_of(const json_t *finding, const char *client)
{
    const char *where = results_where(finding);
    const char *slash = strrchr(client, '/');

    return json_pack("[o]", location_of(where ? where : slash ? slash + 1 : client));
}

/* ---- results ---- */

static int index_of_rule(const char *id)
{
    const struct rule_info *rule = rule_find(id);

    return rule ? (int)(rule - rule_table) : -1;
}

static const char *level_of(const json_t *finding)
{
    static const char *const levels[] = {"note", "warning", "error"};

    return levels[results_severity(finding)];
}

static json_t *message_of(const json_t *finding, size_t runs)
{
    return json_pack("{s:o}", "text",
                     runs > 1 ? json_sprintf("%s (in %zu runs)", results_text(finding, "message"), runs)
                              : json_sprintf("%s", results_text(finding, "message")));
}

/* What a result has that SARIF has no word for. */
static json_t *properties_of(const json_t *finding)
{
    static const char *const keys[] = {"repeat", "grade", "plan", "minimised", "assumption", "runs"};
    json_t *properties = json_object();

    for (size_t i = 0; i < sizeof keys / sizeof keys[0]; i++) {
        json_t *value = json_object_get(finding, keys[i]);

        if (value && !json_is_null(value)) {
            json_object_set(properties, keys[i], value);
        }
    }
    return properties;
}

static json_t *result_value(const json_t *sweep, const json_t *finding, const char *client)
{
    const char *rule = results_text(finding, "rule");
    const char *fingerprint = results_text(finding, "fingerprint");
    size_t runs = json_array_size(json_object_get(finding, "runs"));
    int index = index_of_rule(rule);

    return json_pack("{s:s, s:o*, s:s, s:o, s:o, s:o*, s:o*, s:o*, s:I, s:o}", "ruleId", rule, "ruleIndex",
                     index >= 0 ? json_integer(index) : NULL, "level", level_of(finding), "message",
                     message_of(finding, runs), "locations", locations_of(finding, client),
                     "partialFingerprints",
                     *fingerprint ? json_pack("{s:s}", "vdifault/v1", fingerprint) : NULL, "stacks",
                     stack_of(finding), "codeFlows", sarif_code_flows(sweep, finding), "occurrenceCount",
                     (json_int_t)(runs > 0 ? runs : 1), "properties", properties_of(finding));
}

static json_t *results_value(const json_t *sweep, const char *client)
{
    json_t *values = json_array(), *finding;
    size_t i;

    json_array_foreach(json_object_get(sweep, "findings"), i, finding)
    {
        json_array_append_new(values, result_value(sweep, finding, client));
    }
    return values;
}

/* ---- the tool's own run ---- */

/* Runs that showed nothing are the tool's trouble, not results about the client. */
static json_t *notifications_of(const json_t *sweep)
{
    json_t *list = json_array(), *run;
    size_t i;

    json_array_foreach(json_object_get(sweep, "runs"), i, run)
    {
        enum result_kind kind = results_kind(run);
        const char *reason = kind == RESULT_VACUOUS ? results_vacuous(run) : "the run could not be made";

        if (kind == RESULT_VACUOUS || kind == RESULT_FAILED) {
            json_array_append_new(
                list, json_pack("{s:s, s:{s:o}}", "level", kind == RESULT_FAILED ? "error" : "note",
                                "message", "text", json_sprintf("%s: %s", results_text(run, "key"), reason)));
        }
    }
    return list;
}

static json_t *invocation_of(const json_t *sweep)
{
    bool made = strcmp(results_text(sweep, "outcome"), "error") != 0;

    return json_pack("{s:b, s:O?, s:o}", "executionSuccessful", made, "arguments",
                     json_object_get(json_object_get(sweep, "client"), "argv"), "toolExecutionNotifications",
                     notifications_of(sweep));
}

static json_t *log_value(const json_t *sweep)
{
    const json_t *argv = json_object_get(json_object_get(sweep, "client"), "argv");
    const char *client = json_string_value(json_array_get(argv, 0));
    const char *version = results_text(sweep, "vdifault");
    json_t *driver = json_pack("{s:s, s:o*, s:o}", "name", "vdifault", "version",
                               *version ? json_string(version) : NULL, "rules", rules_value());

    return json_pack(
        "{s:s, s:s, s:[{s:{s:o}, s:s, s:[o], s:o}]}", "$schema",
        "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json",
        "version", "2.1.0", "runs", "tool", "driver", driver, "columnKind", "utf16CodeUnits", "invocations",
        invocation_of(sweep), "results", results_value(sweep, client ? client : "client"));
}

int report_sarif(FILE *out, json_t *report)
{
    json_t *sweep = results_of(report), *log = sweep ? log_value(sweep) : NULL;
    int error = log ? 0 : ENOMEM;

    if (!error &&
        (json_dumpf(log, out, JSON_INDENT(1)) != 0 || fputc('\n', out) == EOF || fflush(out) != 0)) {
        error = errno ? errno : EIO;
    }
    json_decref(log);
    json_decref(sweep);
    return error;
}
