/* html_text.c - the parts of the page that need no script: client, summary, distinct findings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "markup.h"
#include "results.h"
#include "rules.h"

/* The legend, in order of weight. */
static const struct {
    enum result_kind kind;
    const char *one, *many;
    const char *means;
} legend[] = {
    {RESULT_VIOLATION, "violation", "violations",
     "an error: a rule of the documents was broken, or the outcome was wrong"},
    {RESULT_WARNING, "warning", "warnings", "a finding that is no error by itself"},
    {RESULT_REMARK, "remark", "remarks", "survived, with something to know"},
    {RESULT_CLEAN, "clean", "clean", "the fault fired and nothing was wrong"},
    {RESULT_VACUOUS, "vacuous", "vacuous", "the fault never fired: nothing was shown"},
    {RESULT_FAILED, "not made", "not made", "the run could not be set up"},
};
enum {
    LEGEND = sizeof legend / sizeof legend[0],
    RUNS_SHOWN = 12
};

/* ---- numbers ---- */

/* 12345 as 12,345. */
static void put_number(FILE *out, json_int_t number)
{
    if (number >= 1000) {
        put_number(out, number / 1000);
        fprintf(out, ",%03lld", (long long)(number % 1000));
    } else {
        fprintf(out, "%lld", (long long)number);
    }
}

static void put_figure(FILE *out, json_int_t number, const char *one, const char *many)
{
    fputs("<div class=\"figure\"><dd>", out);
    put_number(out, number);
    fprintf(out, "</dd><dt>%s</dt></div>\n", number == 1 ? one : many);
}

struct sums {
    json_int_t of_kind[RESULT_KINDS], runs, vacuous, kinds; /* kinds of faults: 0, none was injected */
};

static struct sums sums_of(const json_t *sweep)
{
    json_t *run;
    struct sums sums = {.kinds = (json_int_t)results_fault_kinds(sweep)};
    size_t i;

    json_array_foreach(json_object_get(sweep, "runs"), i, run)
    {
        sums.of_kind[results_kind(run)]++;
        sums.runs++;
        sums.vacuous += results_vacuous(run) != NULL;
    }
    return sums;
}

/* Rounded down: 9,999 of 10,000 is not 100 %. */
static void put_survived(FILE *out, const json_t *sweep, const struct sums *sums)
{
    const json_t *percent = json_object_get(json_object_get(sweep, "summary"), "survived_percent");
    double tenths = json_is_number(percent) ? json_number_value(percent) * 10 : -1;

    fputs("<div class=\"hero\"><p class=\"percent\">", out);
    if (sums->kinds == 0) {
        fputs("&ndash;</p>\n<p>no fault was injected</p></div>\n", out);
        return;
    }
    if (tenths < 0 || tenths > 1000) {
        fputs("&ndash;", out);
    } else if (tenths == 1000) {
        fputs("100<small>%</small>", out);
    } else {
        fprintf(out, "%d.%d<small>%%</small>", (int)tenths / 10, (int)tenths % 10);
    }
    fputs("</p>\n<p>survived, of ", out);
    put_number(out, sums->runs - sums->vacuous);
    fprintf(out, " %s whose fault fired</p></div>\n", sums->runs - sums->vacuous == 1 ? "run" : "runs");
}

static void put_bar(FILE *out, const struct sums *sums)
{
    fputs("<div class=\"bar\" aria-hidden=\"true\">", out);
    for (size_t i = 0; i < LEGEND; i++) {
        json_int_t count = sums->of_kind[legend[i].kind];

        if (count > 0) {
            fprintf(out, "<i class=\"fill %s\" style=\"flex-grow:%lld\"></i>",
                    result_kind_names[legend[i].kind], (long long)count);
        }
    }
    fputs("</div>\n<ul class=\"legend\">", out);
    for (size_t i = 0; i < LEGEND; i++) {
        json_int_t count = sums->of_kind[legend[i].kind];
        const char *name = result_kind_names[legend[i].kind];

        fprintf(out,
                "<li><button type=\"button\" class=\"key%s\" data-kind=\"%d\" title=\"%s\" disabled>"
                "<i class=\"mark %s\"></i><b>",
                count == 0 ? " none" : "", (int)legend[i].kind, legend[i].means, name);
        put_number(out, count);
        fprintf(out, "</b> %s</button></li>\n", count == 1 ? legend[i].one : legend[i].many);
    }
    fputs("</ul>\n", out);
}

/* A verdict in words, first of all for those who see no colours. */
static void put_verdict(FILE *out, const json_t *sweep, bool faulted)
{
    const char *outcome = results_text(sweep, "outcome");
    const json_t *shard = json_object_get(sweep, "shard");
    const char *good = faulted ? "The client stood every fault that was tried."
                               : "No fault was injected, and no finding fails the run.";
    const char *bad = faulted ? "The client does not stand every fault: see the findings."
                              : "The client has findings without any fault: see below.";

    fprintf(out, "<p class=\"verdict %s\">%s</p>\n", strcmp(outcome, "clean") == 0 ? "good" : "bad",
            strcmp(outcome, "clean") == 0      ? good
            : strcmp(outcome, "findings") == 0 ? bad
                                               : "Some runs could not be made: this report is incomplete.");
    if (json_is_object(shard)) {
        fprintf(out, "<p class=\"verdict bad\">Shard %lld of %lld only: vdifault report merges them.</p>\n",
                (long long)results_number(shard, "index", 0), (long long)results_number(shard, "count", 0));
    }
}

void html_summary(FILE *out, const json_t *sweep)
{
    const json_t *summary = json_object_get(sweep, "summary");
    struct sums sums = sums_of(sweep);

    put_verdict(out, sweep, sums.kinds > 0);
    fputs("<div class=\"numbers\">", out);
    put_survived(out, sweep, &sums);
    fputs("<dl class=\"figures\">\n", out);
    put_figure(out, sums.runs, "run", "runs");
    put_figure(out, results_number(summary, "sites", 0), "site", "sites");
    put_figure(out, sums.kinds, "fault kind", "fault kinds");
    put_figure(out, (json_int_t)json_array_size(json_object_get(sweep, "findings")), "distinct finding",
               "distinct findings");
    fputs("</dl></div>\n", out);
    put_bar(out, &sums);
}

int html_unsteady(FILE *out, const json_t *sweep)
{
    char *sites = results_unsteady(sweep);

    if (!sites) {
        return ENOMEM;
    }
    if (sites[0]) {
        fputs("<p class=\"quiet unsteady\"><b>Unsteady sites:</b> ", out);
        markup_text(out, sites);
        fprintf(out, ". %s</p>", results_unsteady_meaning);
    }
    free(sites);
    return 0;
}

void html_client(FILE *out, const json_t *sweep)
{
    const json_t *value;
    const char *version = results_text(sweep, "vdifault");
    size_t i;

    fputs("<code>", out);
    json_array_foreach(json_object_get(json_object_get(sweep, "client"), "argv"), i, value)
    {
        fputs(i > 0 ? " " : "", out);
        markup_text(out, json_is_string(value) ? json_string_value(value) : "?");
    }
    fputs("</code>", out);
    if (json_is_integer(json_object_get(sweep, "seed"))) {
        fprintf(out, " <span>seed %lld</span>", (long long)results_number(sweep, "seed", 0));
    }
    if (*version) {
        fputs(" <span>vdifault ", out);
        markup_text(out, version);
        fputs("</span>", out);
    }
}

/* ---- findings ---- */

static void put_term(FILE *out, const char *term, const char *text)
{
    if (*text) {
        fprintf(out, "<dt>%s</dt><dd>", term);
        markup_text(out, text);
        fputs("</dd>\n", out);
    }
}

static void put_backtrace(FILE *out, const json_t *finding)
{
    const json_t *backtrace = json_object_get(finding, "backtrace"), *frame;
    size_t i;

    if (json_array_size(backtrace) == 0) {
        return;
    }
    fputs("<dt>Where</dt><dd><ol class=\"backtrace\">", out);
    json_array_foreach(backtrace, i, frame)
    {
        fputs("<li>", out);
        markup_text(out, json_is_string(frame) ? json_string_value(frame) : "?");
        fputs("</li>", out);
    }
    fputs("</ol></dd>\n", out);
}

static void put_command(FILE *out, const char *term, const char *command)
{
    if (*command) {
        fprintf(out, "<dt>%s</dt><dd><pre class=\"command\">", term);
        markup_text(out, command);
        fputs("</pre></dd>\n", out);
    }
}

static void put_runs(FILE *out, const json_t *finding)
{
    const json_t *runs = json_object_get(finding, "runs"), *id;
    size_t count = json_array_size(runs), i;

    if (count == 0) {
        return;
    }
    fputs("<dt>Runs</dt><dd class=\"runs\">", out);
    json_array_foreach(runs, i, id)
    {
        if (i < RUNS_SHOWN) {
            fprintf(out, "<a href=\"#run=%lld\">%lld</a> ", (long long)json_integer_value(id),
                    (long long)json_integer_value(id));
        }
    }
    if (count > RUNS_SHOWN) {
        fputs("and ", out);
        put_number(out, (json_int_t)(count - RUNS_SHOWN));
        fputs(" more", out);
    }
    fputs("</dd>\n", out);
}

/* What minimising left, a line each. */
static void put_minimised(FILE *out, const json_t *finding)
{
    const json_t *lines = json_object_get(finding, "minimised"), *line;
    size_t i;

    if (json_array_size(lines) == 0) {
        return;
    }
    fputs("<dt>Smallest plan</dt><dd><pre class=\"command\">", out);
    json_array_foreach(lines, i, line)
    {
        fputs(i > 0 ? "\n" : "", out);
        markup_text(out, json_is_string(line) ? json_string_value(line) : "?");
    }
    fputs("</pre>", out);
    markup_text(out, results_text(finding, "plan"));
    fputs("</dd>\n", out);
}

static void put_details(FILE *out, const json_t *finding)
{
    const struct rule_info *rule = rule_find(results_text(finding, "rule"));

    fputs("<dl>\n", out);
    put_backtrace(out, finding);
    put_term(out, "Rule", rule ? rule->says : "");
    put_term(out, "Why", rule ? rule->why : "");
    put_term(out, "Fix", rule ? rule->fix : "");
    put_term(out, "Source", rule ? rule->source : "");
    put_minimised(out, finding);
    put_command(out, "Repeat", results_text(finding, "repeat"));
    put_runs(out, finding);
    fputs("</dl>\n", out);
}

static void put_finding(FILE *out, const json_t *finding, size_t number)
{
    static const enum result_kind marks[] = {RESULT_REMARK, RESULT_WARNING, RESULT_VIOLATION};
    static const char *const words[] = {"info", "warning", "error"};
    size_t runs = json_array_size(json_object_get(finding, "runs"));
    const char *grade = results_text(finding, "grade"), *where = results_where(finding);
    int severity = results_severity(finding);

    fprintf(out,
            "<li><details class=\"finding\" id=\"finding-%zu\"><summary><i class=\"mark %s\"></i>"
            "<span class=\"head\"><b class=\"rule\">",
            number, result_kind_names[marks[severity]]);
    markup_text(out, results_text(finding, "rule"));
    fprintf(out, "</b> <span class=\"tag\">%s</span> ", words[severity]);
    fputs("<span class=\"tally\"><b>", out);
    put_number(out, (json_int_t)runs);
    fprintf(out, "</b> %s", runs == 1 ? "run" : "runs");
    if (*grade) {
        fputs(" &middot; repeats ", out);
        markup_text(out, grade);
    }
    fputs("</span></span><span class=\"message\">", out);
    markup_text(out, results_text(finding, "message"));
    fputs("</span><code class=\"where\">", out);
    markup_text(out, where ? where : "");
    fputs("</code></summary>\n", out);
    put_details(out, finding);
    fputs("</details></li>\n", out);
}

void html_findings(FILE *out, const json_t *sweep)
{
    const json_t *findings = json_object_get(sweep, "findings"), *finding;
    size_t i;

    if (json_array_size(findings) == 0) {
        fputs("<p class=\"quiet\">None.</p>\n", out);
        return;
    }
    fputs("<ol class=\"findings\">\n", out);
    json_array_foreach(findings, i, finding)
    {
        put_finding(out, finding, i);
    }
    fputs("</ol>\n", out);
}
