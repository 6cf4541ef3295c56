/* results.c - reading a sweep's or a run's report. */
#include "results.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *const result_kind_names[RESULT_KINDS] = {
    [RESULT_CLEAN] = "clean",     [RESULT_REMARK] = "remark", [RESULT_VACUOUS] = "vacuous",
    [RESULT_WARNING] = "warning", [RESULT_FAILED] = "failed", [RESULT_VIOLATION] = "violation",
};

const char *results_text(const json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

json_int_t results_number(const json_t *object, const char *key, json_int_t otherwise)
{
    const json_t *value = json_object_get(object, key);

    return json_is_integer(value) ? json_integer_value(value) : otherwise;
}

json_int_t results_sum(json_int_t a, json_int_t b)
{
    return (json_int_t)((uint64_t)a + (uint64_t)b);
}

json_int_t results_difference(json_int_t a, json_int_t b)
{
    return (json_int_t)((uint64_t)a - (uint64_t)b);
}

int results_severity(const json_t *finding)
{
    const char *severity = results_text(finding, "severity");

    return strcmp(severity, "error") == 0 ? 2 : strcmp(severity, "warning") == 0 ? 1 : 0;
}

const char *results_vacuous(const json_t *run)
{
    return json_string_value(json_object_get(run, "vacuous"));
}

json_t *results_worst(const json_t *run)
{
    json_t *worst = NULL, *finding;
    size_t i;

    json_array_foreach(json_object_get(run, "findings"), i, finding)
    {
        if (!worst || results_severity(finding) > results_severity(worst)) {
            worst = finding;
        }
    }
    return worst;
}

enum result_kind results_kind(const json_t *run)
{
    static const enum result_kind of_severity[] = {RESULT_REMARK, RESULT_WARNING, RESULT_VIOLATION};
    const json_t *worst = results_worst(run);

    if (worst && results_severity(worst) > 0) {
        return of_severity[results_severity(worst)];
    }
    if (strcmp(results_text(run, "outcome"), "error") == 0) {
        return RESULT_FAILED;
    }
    if (results_vacuous(run)) {
        return RESULT_VACUOUS;
    }
    return worst ? RESULT_REMARK : RESULT_CLEAN;
}

/* ---- unsteady sites ---- */

const char results_unsteady_meaning[] =
    "The client reaches these sites in another order, or from other calls, each time it runs: its threads or "
    "processes race, or it asks without waiting. A fault there may strike at another moment in the next "
    "sweep, so "
    "more of their calls were tried, and a fault that was survived there once may not be every time.";

char *results_unsteady(const json_t *sweep)
{
    char *text = NULL;
    size_t size = 0, i;
    FILE *out = open_memstream(&text, &size);
    const json_t *site;
    bool first = true;

    if (!out) {
        return NULL;
    }
    json_array_foreach(json_object_get(sweep, "sites"), i, site)
    {
        json_int_t device = results_number(site, "device", -1), operation = results_number(site, "op", 0);

        if (!json_is_true(json_object_get(site, "unsteady"))) {
            continue;
        }
        fprintf(out, "%s%s", first ? "" : ", ", results_text(site, "name"));
        if (device >= 0) {
            fprintf(out, ":%lld", (long long)device);
        }
        if (operation > 0) {
            fprintf(out, "/%lld", (long long)operation);
        }
        first = false;
    }
    if (fclose(out) != 0) {
        free(text);
        text = NULL;
    }
    return text;
}

/* ---- backtraces ---- */

void results_frame(const char *text, struct result_frame *frame)
{
    const char *end = text + strcspn(text, " ");

    *frame = (struct result_frame){0};
    for (const char *colon = strchr(text, ':'); colon; colon = strchr(colon + 1, ':')) {
        size_t digits = strspn(colon + 1, "0123456789");

        if (digits > 0 && digits < 9 && (colon[1 + digits] == ' ' || colon[1 + digits] == '\0')) {
            end = colon + 1 + digits;
            for (const char *digit = colon + 1; digit < end; digit++) {
                frame->line = frame->line * 10 + (*digit - '0');
            }
            snprintf(frame->place, sizeof frame->place, "%.*s", (int)(colon - text), text);
            break;
        }
    }
    if (frame->line == 0) {
        snprintf(frame->place, sizeof frame->place, "%.*s", (int)(end - text), text);
    }
    snprintf(frame->function, sizeof frame->function, "%s", *end ? end + 1 : "");
}

const char *results_where(const json_t *finding)
{
    const json_t *backtrace = json_object_get(finding, "backtrace"), *value;
    struct result_frame frame;
    size_t i;

    json_array_foreach(backtrace, i, value)
    {
        results_frame(json_is_string(value) ? json_string_value(value) : "", &frame);
        if (frame.line > 0) {
            return json_string_value(value);
        }
    }
    return json_string_value(json_array_get(backtrace, 0));
}

/* ---- a run as a sweep ---- */

const char *results_check(const json_t *report)
{
    const json_t *runs = json_object_get(report, "runs"), *run;
    size_t i;

    if (!json_is_object(report)) {
        return "expected one JSON object, as --json of run or sweep writes it";
    }
    if (results_number(report, "schema", 0) != 1) {
        return "expected \"schema\": 1, a report of run or sweep";
    }
    if (!json_is_object(json_object_get(report, "client")) ||
        !json_is_string(json_object_get(report, "outcome"))) {
        return "expected \"client\" and \"outcome\", as in a report of run or sweep";
    }
    if (runs && !json_is_array(runs)) {
        return "\"runs\": expected an array";
    }
    json_array_foreach(runs, i, run)
    {
        if (!json_is_object(run) || !json_is_integer(json_object_get(run, "id"))) {
            return "\"runs\": expected objects, each with a whole number \"id\"";
        }
    }
    return NULL;
}

/* "kind" and "site" of the first fault of a run, from its text (design 4.4). */
static void place_of(const char *fault, char *kind, size_t kind_size, char *site, size_t site_size)
{
    const char *at = strchr(fault, '@');

    snprintf(kind, kind_size, "%.*s", (int)strcspn(fault, "(@"), fault);
    snprintf(site, site_size, "%.*s", at ? (int)strcspn(at + 1, " ;") : 0, at ? at + 1 : "");
}

/* A planned fault of a single run that did not fire, where none did. */
static json_t *reason_of(const json_t *faults)
{
    const json_t *fault;
    size_t i;

    json_array_foreach(faults, i, fault)
    {
        if (results_number(fault, "fired", 0) > 0) {
            return json_null();
        }
    }
    return json_array_size(faults) > 0 ? json_string("the fault never fired") : json_null();
}

static json_t *keyed_run(json_t *report)
{
    const json_t *faults = json_object_get(report, "faults");
    const char *fault = results_text(json_array_get(faults, 0), "fault");
    char kind[128], site[128];
    json_t *run = json_copy(report);
    bool persistent; /* from an arrival on, or at each */

    place_of(fault, kind, sizeof kind, site, sizeof site);
    persistent = strchr(site, '+') || strstr(site, "#*");
    if (run &&
        json_object_update_new(
            run, json_pack("{s:i, s:s, s:s?, s:s?, s:b, s:o}", "id", 0, "key", *fault ? fault : "no fault",
                           "fault", *kind ? kind : NULL, "site", *site ? site : NULL, "persistent",
                           (int)persistent, "vacuous", reason_of(faults))) != 0) {
        json_decref(run);
        return NULL;
    }
    return run;
}

json_t *results_of(json_t *report)
{
    json_t *sweep, *run;

    if (json_is_array(json_object_get(report, "runs"))) {
        return json_incref(report);
    }
    run = keyed_run(report);
    sweep = run ? json_pack("{s:i, s:O, s:[o]}", "schema", 1, "client", json_object_get(report, "client"),
                            "runs", run)
                : NULL;
    if (sweep && results_conclude(sweep) != 0) {
        json_decref(sweep);
        return NULL;
    }
    return sweep;
}
