/* run_options.h - the options of `vdifault run`, read and checked. */
#ifndef VDIFAULT_RUN_OPTIONS_H
#define VDIFAULT_RUN_OPTIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "job_options.h"
#include "option.h"
#include "outputs.h"
#include "plan.h"
#include "rules.h"
#include "suppress.h"
#include "tds.h"

enum {
    RUN_SQL_MAX = 64
};

enum stdin_mode {
    STDIN_INHERIT,
    STDIN_NULL,
    STDIN_HOLD
};

struct run_options {
    struct outputs outputs; /* first: its rows take this, too */
    const char *verb;       /* for messages */
    struct plan plan;
    const char *sql[RUN_SQL_MAX];
    uint32_t sql_count;
    struct suppressions *suppressions; /* of --ignore and --suppressions; NULL: none was given */
    const char *sql_result;            /* NULL: not given, as the next ones */
    const char *verify;
    const char *before;
    const char *after;
    const char *trace;
    const char *as; /* the user whom the client runs as */
    struct tds_options tds;
    int64_t timeout_ms;
    int64_t patience_ms;
    enum severity fail_on;
    enum stdin_mode input;
    const char *guard; /* a word the interposer knows; NULL: not given, as the next one */
    const char *on_finding;
    bool keep;
    bool real_time;
    bool observe; /* the client has a library and a server of its own: only its calls are recorded */
    bool verbose;
    bool prove_durability;
    bool again;
    struct job_options jobs;
    int client_argc;
    char *const *client_argv;
};

void run_options_init(struct run_options *options, const char *verb);
void run_options_free(struct run_options *options);
/* What no option alone can tell. 0, or -1 after a message. */
int run_options_check(const struct run_options *options);
/* ms of --patience. Where a positive time-out is in seconds (dialect X6), a client that means milliseconds waits a
 * thousand times as long: by the run's clock, so that nobody else does. It hangs no more for it. */
int64_t run_options_patience(const struct run_options *options);
/* The option of this name, which there is, as if it were given. 0, or -1 after a message. */
int run_options_set(struct run_options *options, const char *name, const char *value);
extern const struct option_row run_option_rows[]; /* context: struct run_options */

#endif
