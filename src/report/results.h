/* results.h - a sweep, or a single run, as the JSON object of its report (design 4.3): read, completed, converted.
 *
 * Every format below is made from that object alone, so that it can be made later and elsewhere, from a file. A
 * single run is taken as a sweep of one. Objects come from files and may hold anything: what is missing or of another
 * type reads as absent.
 *
 * Responsible for: JUnit, SARIF and HTML; findings, summary and outcome of a sweep from its runs; merging shards.
 * Not responsible for: running (cli/), verdicts (rules/).
 * Ownership: json_t arguments are borrowed, returned ones are new references. Errors: 0 or errno. Threads: one at a
 * time per object.
 */
#ifndef VDIFAULT_REPORT_RESULTS_H
#define VDIFAULT_REPORT_RESULTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* What a run came to, as the matrix shows it; the higher, the more it matters. */
enum result_kind {
    RESULT_CLEAN,
    RESULT_REMARK,  /* a finding of severity info */
    RESULT_VACUOUS, /* its fault never fired: nothing was shown */
    RESULT_WARNING,
    RESULT_FAILED, /* the run could not be made */
    RESULT_VIOLATION,
    RESULT_KINDS
};
extern const char *const result_kind_names[RESULT_KINDS];

/* The text of a key; "" if there is none. */
const char *results_text(const json_t *object, const char *key);
/* The number of a key; `otherwise` if there is none. */
json_int_t results_number(const json_t *object, const char *key, json_int_t otherwise);
/* Numbers of reports may be any: a sum or difference beyond what there is wraps around. */
json_int_t results_sum(json_int_t a, json_int_t b);
json_int_t results_difference(json_int_t a, json_int_t b);

enum result_kind results_kind(const json_t *run);
/* 0 info, 1 warning, 2 error. */
int results_severity(const json_t *finding);
/* The words of a run's vacuous reason; NULL: it is not vacuous. */
const char *results_vacuous(const json_t *run);
/* The most severe finding of a run; NULL: it has none. */
json_t *results_worst(const json_t *run);

/* One frame of a backtrace as reports write it: "file:line function" or "module+0x12 function". */
struct result_frame {
    char place[256]; /* file, or module with its offset */
    int line;        /* 0: unknown */
    char function[256];
};
void results_frame(const char *text, struct result_frame *frame);
/* The innermost frame with a line, else the innermost; NULL without a backtrace. */
const char *results_where(const json_t *finding);

/* The sites that clean runs reached in different orders or from different calls, as faults name them: "Flush:0, Write:1/2".
 * Malloc'd, "" for none; NULL: no memory. */
char *results_unsteady(const json_t *sweep);
/* What that means for who reads the sweep. */
extern const char results_unsteady_meaning[];

/* What is wrong with an object that should be a report, as a sentence; NULL: it is one. */
const char *results_check(const json_t *report);
/* The sweep: the report itself, or a sweep of the one run it is. NULL: no memory. */
json_t *results_of(json_t *report);

/* Sets findings (one per fingerprint, most severe first, then by run), summary and outcome of a sweep from its runs.
 * What only a sweep knows of a finding (grade, plan, minimised) is kept from the findings it had. */
int results_conclude(json_t *sweep);

/* How many kinds of faults the runs had; 0: nothing was injected, so that nothing was survived either. */
size_t results_fault_kinds(const json_t *sweep);

enum {
    RESULTS_WHY_MAX = 512
};
/* One sweep from shards of it. EINVAL with `why` when they do not belong together; names[i] is what shards[i] is
 * called there. Missing shards are an error, too: half a sweep must not pass for a whole one. */
int results_merge(json_t *const *shards, const char *const *names, size_t count, json_t **merged,
                  char why[RESULTS_WHY_MAX]);

/* Which fault was survived where, the findings, and one command that repeats each; a person reads it. */
int report_sweep_text(FILE *out, const json_t *report, bool color);
int report_junit(FILE *out, json_t *report);
int report_sarif(FILE *out, json_t *report);
int report_html(FILE *out, json_t *report);

#endif
