/* outputs.h - the files that run, sweep and report write their report to: JSON, JUnit, SARIF, HTML (design 4.3).
 *
 * Responsible for: the options, one table for all verbs; opening the files before anything runs, so that hours of runs
 * do not end at a path that cannot be written. Not responsible for: the formats (src/report).
 */
#ifndef VDIFAULT_OUTPUTS_H
#define VDIFAULT_OUTPUTS_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

enum output_format {
    OUTPUT_JSON,
    OUTPUT_JUNIT,
    OUTPUT_SARIF,
    OUTPUT_HTML,
    OUTPUT_FORMATS
};

struct outputs {
    const char *path[OUTPUT_FORMATS]; /* NULL: not asked for; "-": stdout */
    FILE *file[OUTPUT_FORMATS];       /* open from outputs_open to outputs_close */
};

/* Rows for a verb's option table; its context begins with a struct outputs. */
int outputs_set_json(void *context, const char *value);
int outputs_set_junit(void *context, const char *value);
int outputs_set_sarif(void *context, const char *value);
int outputs_set_html(void *context, const char *value);
#define OUTPUT_ROWS                                                                                      \
    {"json", "FILE", "the report as JSON; - is stdout, the text then goes to stderr", outputs_set_json}, \
        {"junit", "FILE", "JUnit XML: a suite for each kind of fault, a test for each site and fault",   \
         outputs_set_junit},                                                                             \
        {"sarif", "FILE", "SARIF 2.1.0: a result for each distinct finding", outputs_set_sarif},         \
    {                                                                                                    \
        "html", "FILE", "one self-contained page: faults by sites, and every run behind it",             \
            outputs_set_html                                                                             \
    }

bool outputs_are_asked(const struct outputs *outputs);
/* One of them goes to stdout: text and the client's output do not. */
bool outputs_take_stdout(const struct outputs *outputs);

/* CLI_CLEAN, or CLI_USAGE after a message that names the path. */
int outputs_open(struct outputs *outputs, const char *verb);
/* The report, of a run or a sweep, in every format asked for. CLI_CLEAN, or CLI_SETUP after a message. */
int outputs_write(const struct outputs *outputs, const char *verb, json_t *report);
void outputs_close(struct outputs *outputs);

#endif
