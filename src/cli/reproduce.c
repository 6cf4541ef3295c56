/* reproduce.c - see reproduce.h. */
#include "reproduce.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "os.h"
#include "results.h"
#include "shrink.h"

enum {
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

/* Grades the plan, unless there is no time; the finding becomes the reproduction's if a run showed it. 0 or ENOMEM. */
static int grade(struct reproduction *reproduction, uint32_t runs)
{
    json_t *tally = json_array();
    if (tally == NULL) {
        return ENOMEM;
    }
    runs = grade_plan(&reproduction->grader, &reproduction->plan, runs, tally);
    const json_t *entry = choose(reproduction, tally);
    if (runs > 0) {
        reproduction->grade = (struct grade){(uint32_t)results_number(entry, "seen", 0), runs};
    }
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
    const json_t *finding;
    uint32_t wanted; /* runs that show it, of */
    uint32_t runs;
    int64_t deadline_ns;
};

/* A shrink_ask. */
static enum shrink_answer shows(void *context, const struct plan *plan)
{
    const struct question *question = context;
    const json_t *known = question->finding;
    uint32_t left = question->runs, wanted = question->wanted;
    while (wanted > 0 && wanted <= left) {
        json_t *report =
            os_now() < question->deadline_ns ? grader_run(&question->reproduction->grader, plan) : NULL;
        if (report == NULL) {
            return SHRINK_STOP;
        }
        const json_t *finding =
            grade_find(report, results_text(known, "rule"), results_text(known, "fingerprint"));
        wanted -= finding != NULL && results_severity(finding) >= results_severity(known);
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
    return as->seen == as->runs ? grade->seen == grade->runs
                                : grade->runs == as->runs && grade->seen + CHANCE >= as->seen;
}

static void copy(struct reproduction *to, const struct reproduction *from)
{
    json_incref(from->report);
    json_decref(to->report);
    to->report = from->report;
    to->finding = from->finding;
    to->plan = from->plan;
    to->grade = from->grade;
}

/* The smallest plan takes the place of the reproduction's if it shows the finding as often. *taken: so it is, or there
 * is no smaller one. 0 or ENOMEM. */
static int make_smaller(struct reproduction *reproduction, uint32_t wanted, bool *taken)
{
    const struct grade given = reproduction->grade;
    int64_t now = os_now(), end = reproduction->grader.deadline_ns;
    struct reproduction *before = calloc(1, sizeof *before);
    if (before == NULL) {
        return ENOMEM;
    }
    copy(before, reproduction);
    struct question question = {
        .reproduction = reproduction,
        .finding = before->finding,
        .wanted = wanted,
        .runs = (wanted * given.runs + given.seen - 1) / given.seen,
        .deadline_ns = now + (end - now) / 2, /* what comes of it is graded, too */
    };
    struct shrink shrink = {.ask = shows,
                            .context = &question,
                            .faults_and_size = reproduction->faults_and_size,
                            .most = CANDIDATES_MAX};
    shrink_plan(&shrink, &reproduction->plan);
    reproduction->candidates += shrink.candidates;
    int error = 0;
    if (shrink.smaller || given.runs < GRADE_RUNS) {
        reproduction->grade = (struct grade){0};
        error = grade(reproduction, GRADE_RUNS);
        *taken = error == 0 && reproduction->grade.runs > 0 && is_as_good(&reproduction->grade, &given);
    } else {
        *taken = true;
    }
    reproduction->minimal = *taken && shrink.minimal;
    if (!*taken) {
        copy(reproduction, before);
    }
    reproduction_free(before);
    free(before);
    return error;
}

int reproduce(struct reproduction *reproduction)
{
    /* What comes twice in two runs mostly comes always: then ten runs of what is left of the plan are enough. */
    static const struct round {
        uint32_t runs;   /* to grade the given plan by */
        uint32_t wanted; /* of a candidate, on average of as many */
    } rounds[] = {{2, 2}, {GRADE_RUNS, 2}, {GRADE_RUNS, 5}};
    bool taken = false;
    int error = 0;
    json_t *first = NULL;
    /* To choose among findings takes all runs. */
    for (size_t i = reproduction->fingerprint != NULL ? 0 : 1; i < 3 && !taken && error == 0; i++) {
        const struct grade *grade_of = &reproduction->grade;
        if (grade_of->runs < rounds[i].runs) {
            error = grade(reproduction, rounds[i].runs);
        }
        if (first == NULL && reproduction->finding != NULL) { /* from here on it is this one */
            first = json_incref(reproduction->finding);
            reproduction->rule = results_text(first, "rule");
            reproduction->fingerprint = results_text(first, "fingerprint");
        }
        if (error == 0 && grade_of->seen >= (i == 0 ? grade_of->runs : 1)) {
            error = make_smaller(reproduction, rounds[i].wanted, &taken);
        }
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
