/* cli.h - what the verbs of the command `vdifault` share: exit statuses, messages, the table of verbs.
 *
 * Responsible for: the edge of the tool; everything below it returns error codes and prints nothing.
 * Not responsible for: verdicts (rules/), layout of reports (report/).
 * Threads: the command has one.
 */
#ifndef VDIFAULT_CLI_H
#define VDIFAULT_CLI_H

#include <stddef.h>

#include "option.h"

/* Exit statuses: a contract with scripts (design 4.3). */
enum cli_exit {
    CLI_CLEAN = 0,    /* no finding of the asked severity */
    CLI_FINDINGS = 1, /* findings */
    CLI_USAGE = 2,    /* usage, or an unreadable plan */
    CLI_SETUP = 3     /* the run could not be set up, or showed nothing */
};

/* One word after `vdifault`. */
struct verb {
    const char *name;
    const char *arguments;             /* as in the usage line */
    const char *summary;               /* one line; NULL: known by name, not part of this version */
    const struct option_row *options;  /* ends with a row without name; NULL: none */
    const struct option_row *shared;   /* further ones, of another verb; NULL: none */
    const char *examples;              /* worked examples for --help */
    int (*run)(int argc, char **argv); /* argv[0] is the verb; returns an exit status */
};

extern const struct verb verb_run;
extern const struct verb verb_sweep;
extern const struct verb verb_record;
extern const struct verb verb_minimize;
extern const struct verb verb_replay;
extern const struct verb verb_report;
extern const struct verb verb_bundle;
extern const struct verb verb_trace;
extern const struct verb verb_explain;
extern const struct verb verb_rules;
extern const struct verb verb_faults;
extern const struct verb verb_conform;
extern const struct verb verb_doctor;
extern const struct verb verb_unit;

/* "vdifault: " + message + newline, on stderr. */
void cli_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* The common start of a verb: options into `context`. CLI_CLEAN: go on, *first is the first operand.
 * Otherwise the verb ends: *status is its exit status (help was printed, or a message). */
int cli_verb_start(const struct verb *verb, int argc, char **argv, void *context, int *first, int *status);

/* Whether VDI_DIALECT names readings there are (dialect.h); a library under a wrong one would only refuse to
 * Create. CLI_CLEAN, or CLI_USAGE after a message. */
int cli_check_dialect(const char *verb);

#endif
