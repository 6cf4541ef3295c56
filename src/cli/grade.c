/* grade.c - see grade.h. */
#include "grade.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "os.h"
#include "results.h"

json_t *grader_run(struct grader *grader, const struct plan *plan)
{
    json_t *report = NULL;
    bool late = grader->run_count > 0 && os_now() > grader->deadline_ns;
    if (grader->interrupted != 0 || grader->error != 0 || late) {
        return NULL;
    }
    struct trial *trial = malloc(sizeof *trial);
    if (trial == NULL) {
        grader->error = ENOMEM;
        return NULL;
    }
    trial_pass(trial, grader->bench, plan);
    grader->interrupted = trial->session.interrupted;
    if (grader->interrupted == 0) {
        int error = trial_judge(trial, grader->bench, NULL);
        grader->error = error != 0 ? error : trial_value(trial, &report);
    }
    trial_end(trial);
    free(trial);
    grader->run_count++;
    if (report != NULL && grader->made != NULL) {
        grader->made(grader->context, grader->run_count);
    }
    return report;
}

static bool is_same(const json_t *finding, const char *rule, const char *fingerprint)
{
    return strcmp(results_text(finding, "rule"), rule) == 0 &&
           strcmp(results_text(finding, "fingerprint"), fingerprint) == 0;
}

json_t *grade_find(const json_t *report, const char *rule, const char *fingerprint)
{
    size_t index;
    json_t *finding;
    json_array_foreach(json_object_get(report, "findings"), index, finding)
    {
        if (is_same(finding, rule, fingerprint)) {
            return finding;
        }
    }
    return NULL;
}

/* The entry of the same finding, new if there was none. */
static json_t *entry_of(json_t *tally, json_t *finding, json_t *report)
{
    size_t index;
    json_t *entry;
    json_array_foreach(tally, index, entry)
    {
        if (is_same(json_object_get(entry, "finding"), results_text(finding, "rule"),
                    results_text(finding, "fingerprint"))) {
            return entry;
        }
    }
    entry = json_pack("{s:O, s:O, s:i}", "finding", finding, "report", report, "seen", 0);
    return json_array_append_new(tally, entry) == 0 ? entry : NULL;
}

/* Each finding counts once a run, though one that a run has in several places of other data is told as several. */
static void count(json_t *tally, json_t *report)
{
    size_t index;
    json_t *finding;
    json_array_foreach(json_object_get(report, "findings"), index, finding)
    {
        bool first = grade_find(report, results_text(finding, "rule"),
                                results_text(finding, "fingerprint")) == finding;
        json_t *entry = first ? entry_of(tally, finding, report) : NULL;
        if (entry != NULL) {
            json_object_set_new(entry, "seen", json_integer(results_number(entry, "seen", 0) + 1));
        }
    }
}

uint32_t grade_plan(struct grader *grader, const struct plan *plan, uint32_t runs, json_t *tally)
{
    uint32_t made = 0;
    json_t *report;
    while (made < runs && (report = grader_run(grader, plan)) != NULL) {
        made++;
        count(tally, report);
        json_decref(report);
    }
    return made;
}

const char *grade_text(const struct grade *grade, char text[GRADE_TEXT_MAX])
{
    snprintf(text, GRADE_TEXT_MAX, "%u/%u", grade->seen, grade->runs);
    return text;
}
