/* options.h - sqlcmd's command line, and osql's: by that name it takes osql's options, too.
 *
 * Responsible for: which options exist (those of the ODBC and the Go sqlcmd), their arguments, and sqlcmd's
 * own words for what is wrong. Options about connecting and encryption are accepted and have no effect: there
 * is nothing to connect to. Ownership: strings point into argv or the environment; lists and variables are
 * owned. One thread.
 */
#ifndef VDIFAULT_SQLCMD_OPTIONS_H
#define VDIFAULT_SQLCMD_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "variables.h"

enum {
    SQLCMD_INPUTS_MAX = 64,
    SQLCMD_MESSAGE_MAX = 512
};
enum {
    SQLCMD_HEADER_ONCE = 0,
    SQLCMD_HEADER_NONE = -1
};

struct sqlcmd_options {
    const char *server;
    const char *user;
    const char *password; /* taken, never shown, never used */
    const char *database;
    const char *workstation;
    const char *query;         /* -Q: run, then leave */
    const char *initial_query; /* -q: run, then read on */
    const char *output;
    const char *separator;
    const char *terminator;
    char *inputs[SQLCMD_INPUTS_MAX]; /* owned: -i splits at commas */
    uint32_t input_count;
    bool trusted;
    bool exit_on_error;   /* -b */
    bool trim;            /* -W */
    bool echo;            /* -e */
    bool no_substitution; /* -x */
    bool help;
    bool version;
    int32_t severity;      /* -V; 0 = not given */
    int32_t header;        /* -h: rows between headers */
    int32_t error_level;   /* -m */
    int32_t redirect;      /* -r: -1 not given, 0 errors, 1 all messages to stderr */
    int32_t query_timeout; /* -t: seconds, 0 = for ever */
    struct variables variables;
};

/* 0; EINVAL with the message sqlcmd prints, or ENOMEM. The options are to be freed in any case. */
int sqlcmd_options_parse(int argc, char *const *argv, struct sqlcmd_options *options,
                         char message[SQLCMD_MESSAGE_MAX]);
void sqlcmd_options_free(struct sqlcmd_options *options);
void sqlcmd_options_help(FILE *out);

#endif
