/* reproduce.c - see reproduce.h. */
#include "reproduce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"
#include "shrink.h"

enum {
    SHOWN_TWICE = 2, /* in as many runs as show it twice on average */
    SHOWN_OFTEN = 5, /* when two were not enough to tell */
    CANDIDATES_MAX = 200
};

/* ---- which finding ---- */

static bool is_better(const json_t *entry, const json_t *than)
{
    int severity = results_severity(json_object_get(entry, "finding"));
    int other = than != NULL ? results_severity(json_object_get(than, "finding")) : -1;
    return severity != other ? severity > other
                             : results_number(entry, "seen", 0) > results_number(than, "seen", 0);
}

static json_t *choose(const struct reproduction *reproduction, const json_t *tally)
{
    json_t *best = NULL, *entry;
    size_t index;
    json_array_foreach(tally, index, entry)
    {
        const json_t *finding = json_object_get(entry, "finding");
        const char *rule = reproduction->rule, *print = reproduction->fingerprint;
        if ((rule == NULL || strcmp(results_text(finding, "rule"), rule) == 0) &&
            (print == NULL || strcmp(results_text(finding, "fingerprint"), print) == 0) &&
            is_better(entry, best)) {
            best = entry;
        }
    }
    return best;
}

/* Grades the plan; the finding becomes the reproduction's if a run showed it. 0 or ENOMEM. */
static int grade(struct reproduction *reproduction)
{
    json_t *tally = json_array();
    if (tally == NULL) {
        return ENOMEM;
    }
    uint32_t runs = grade_plan(&reproduction->grader, &reproduction->plan, tally);
    const json_t *entry = choose(reproduction, tally);
    reproduction->grade = (struct grade){(uint32_t)results_number(entry, "seen", 0), runs};
    if (entry != NULL) {
        json_decref(reproduction->report);
        reproduction->report = json_incref(json_object_get(entry, "report"));
        reproduction->finding = json_object_get(entry, "finding");
    }
    json_decref(tally);
    return reproduction->grader.error;
}

/* ---- making it smaller ---- */

struct question {
    struct reproduction *reproduction;
    uint32_t wanted; /* runs that show it, of */
    uint32_t runs;
};

/* A shrink_ask. */
static enum shrink_answer shows(void *context, const struct plan *plan)
{
    const struct question *question = context;
    struct reproduction *reproduction = question->reproduction;
    uint32_t left = question->runs, wanted = question->wanted;
    while (wanted > 0 && wanted <= left) {
        json_t *report = grader_run(&reproduction->grader, plan);
        if (report == NULL) {
            return SHRINK_STOP;
        }
        const json_t *finding = grade_find(report, reproduction->rule, reproduction->fingerprint);
        wanted -= finding != NULL && results_severity(finding) >= results_severity(reproduction->finding);
        left--;
        json_decref(report);
    }
    return wanted == 0 ? SHRINK_SHOWN : SHRINK_NOT_SHOWN;
}

/* What always comes must always come; what comes by chance may come by the same chance. */
static bool is_as_good(const struct grade *grade, const struct grade *as)
{
    enum {
        CHANCE = 2
    };
    bool always = as->seen == as->runs;
    return grade->runs == as->runs && grade->seen + (always ? 0 : CHANCE) >= as->seen;
}

/* The smallest plan takes the place of the given one if it shows the finding as often. 0 or ENOMEM. */
static int make_smaller(struct reproduction *reproduction, uint32_t wanted)
{
    const struct grade *grade_of = &reproduction->grade;
    struct question question = {reproduction, wanted,
                                (wanted * grade_of->runs + grade_of->seen - 1) / grade_of->seen};
    struct shrink shrink = {.ask = shows,
                            .context = &question,
                            .faults_and_size = reproduction->faults_and_size,
                            .most = CANDIDATES_MAX};
    struct reproduction *before = malloc(sizeof *before);
    if (before == NULL) {
        return ENOMEM;
    }
    *before = *reproduction;
    json_incref(before->report);
    shrink_plan(&shrink, &reproduction->plan);
    reproduction->candidates += shrink.candidates;
    reproduction->minimal = shrink.minimal;
    int error = shrink.smaller ? grade(reproduction) : 0;
    if (error == 0 && shrink.smaller && !is_as_good(&reproduction->grade, &before->grade)) {
        json_decref(reproduction->report);
        reproduction->report = json_incref(before->report);
        reproduction->finding = before->finding;
        reproduction->plan = before->plan;
        reproduction->grade = before->grade;
        reproduction->minimal = false;
    }
    json_decref(before->report);
    free(before);
    return error;
}

int reproduce(struct reproduction *reproduction)
{
    static const uint32_t wanted[] = {SHOWN_TWICE, SHOWN_OFTEN};
    int error = grade(reproduction);
    json_t *first = json_incref(reproduction->finding);
    if (first != NULL) { /* from here on it is this one */
        reproduction->rule = results_text(first, "rule");
        reproduction->fingerprint = results_text(first, "fingerprint");
    }
    for (size_t i = 0; i < sizeof wanted / sizeof wanted[0] && error == 0 && first != NULL &&
                       !reproduction->minimal && reproduction->grader.interrupted == 0;
         i++) {
        error = make_smaller(reproduction, wanted[i]);
    }
    if (first != NULL) {
        reproduction->rule = results_text(reproduction->finding, "rule");
        reproduction->fingerprint = results_text(reproduction->finding, "fingerprint");
    }
    json_decref(first);
    return error != 0 ? error : reproduction->grader.error;
}

void reproduction_free(struct reproduction *reproduction)
{
    json_decref(reproduction->report);
    reproduction->report = NULL;
    reproduction->finding = NULL;
}

/* ---- as a file ---- */

void reproduction_name(const json_t *finding, char *name, size_t size)
{
    snprintf(name, size, "%s-%.8s.plan", results_text(finding, "rule"), results_text(finding, "fingerprint"));
}

/* A comment of as many lines as the text has. */
static void comment(FILE *out, const char *text)
{
    fputs("# ", out);
    for (; *text != '\0'; text++) {
        fputc(*text, out);
        fputs(*text == '\n' ? "# " : "", out);
    }
    fputc('\n', out);
}

static char *plan_text(const struct plan *plan)
{
    int length = plan_format(plan, NULL, 0);
    char *text = malloc((size_t)length + 1);
    if (text != NULL) {
        plan_format(plan, text, (size_t)length + 1);
    }
    return text;
}

int reproduction_write(const struct reproduction *reproduction, const char *command, FILE *out)
{
    const json_t *finding = reproduction->finding;
    const char *where = results_where(finding);
    char grade[GRADE_TEXT_MAX];
    char *text = plan_text(&reproduction->plan);
    if (text == NULL) {
        return ENOMEM;
    }
    fprintf(out, "# %s, %s, fingerprint %s, repeats %s\n", results_text(finding, "rule"),
            results_text(finding, "severity"), results_text(finding, "fingerprint"),
            grade_text(&reproduction->grade, grade));
    comment(out, results_text(finding, "message"));
    if (where != NULL) {
        comment(out, where);
    }
    comment(out,
            reproduction->minimal ? "no single step makes this plan smaller" : "there may be a smaller plan");
    comment(out, "vdifault " VDIFAULT_VERSION ":");
    comment(out, command);
    fputs(text, out);
    free(text);
    return fflush(out) != 0 || ferror(out) ? EIO : 0;
}

/* The plan's lines; NULL: no memory. */
static json_t *plan_lines(const struct plan *plan)
{
    char *text = plan_text(plan), *rest = text, *line;
    json_t *lines = text != NULL ? json_array() : NULL;
    while (rest != NULL && (line = strsep(&rest, "\n")) != NULL) {
        if (line[0] != '\0') {
            json_array_append_new(lines, json_string(line));
        }
    }
    free(text);
    return lines;
}

int reproduction_tell(const struct reproduction *reproduction, const char *command, const char *file,
                      json_t *finding)
{
    char grade[GRADE_TEXT_MAX];
    return json_object_update_new(
               finding,
               json_pack("{s:s, s:o, s:s?, s:s}", "grade", grade_text(&reproduction->grade, grade),
                         "minimised", plan_lines(&reproduction->plan), "plan", file, "repeat", command)) == 0
               ? 0
               : ENOMEM;
}
