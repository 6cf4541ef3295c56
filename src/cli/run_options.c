/* run_options.c - the option table of `vdifault run`, which other verbs share. */
#include "run_options.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answers_file.h"
#include "cli.h"
#include "dialect.h"
#include "event.h"
#include "near.h"
#include "sql.h"
#include "text.h"

enum {
    TIMEOUT_DEFAULT_MS = 60000,
    PATIENCE_DEFAULT_MS = 30000,
    PLAN_FILE_MAX = 1 << 20
};

void run_options_init(struct run_options *options, const char *verb)
{
    *options = (struct run_options){
        .verb = verb,
        .timeout_ms = TIMEOUT_DEFAULT_MS,
        .patience_ms = PATIENCE_DEFAULT_MS,
        .fail_on = SEVERITY_ERROR,
    };
    plan_init(&options->plan);
    job_options_init(&options->jobs);
}

void run_options_free(struct run_options *options)
{
    if (options->suppressions != NULL) {
        suppressions_free(options->suppressions);
        free(options->suppressions);
        options->suppressions = NULL;
    }
}

/* Everything a plan can say is read by the plan's own parser. */
static int add_plan_line(struct run_options *options, const char *option, const char *item, const char *value)
{
    struct fault_error error = {0};
    char *line = NULL;
    if (asprintf(&line, "%s %s", item, value) < 0) {
        cli_error("%s: no memory", options->verb);
        return -1;
    }
    int result = strchr(value, '\n') != NULL ? EINVAL : plan_parse_line(line, &options->plan, &error);
    if (result != 0) {
        cli_error("%s: --%s '%s': %s", options->verb, option, value,
                  error.message[0] != '\0' ? error.message : "bad value");
    }
    free(line);
    return result != 0 ? -1 : 0;
}

static int set_fault(void *context, const char *value)
{
    return add_plan_line(context, "fault", "fault", value);
}

static int set_database(void *context, const char *value)
{
    return add_plan_line(context, "database", "server database", value);
}

static int set_size(void *context, const char *value)
{
    return add_plan_line(context, "size", "server size", value);
}

static int set_seed(void *context, const char *value)
{
    return add_plan_line(context, "seed", "server seed", value);
}

static int set_plan(void *context, const char *value)
{
    struct run_options *options = context;
    struct fault_error error = {0};
    uint32_t line = 0;
    int result = -1;
    FILE *file = fopen(value, "re");
    char *text = file != NULL ? malloc(PLAN_FILE_MAX) : NULL;
    if (text == NULL) {
        cli_error("%s: plan '%s': %s", options->verb, value, strerror(errno));
        goto out;
    }
    size_t length = fread(text, 1, PLAN_FILE_MAX, file);
    if (ferror(file) || length == PLAN_FILE_MAX) {
        cli_error("%s: plan '%s': %s", options->verb, value,
                  ferror(file) ? strerror(errno) : "larger than 1 MiB");
    } else if (plan_parse(text, length, &options->plan, &error, &line) != 0) {
        cli_error("%s: plan '%s' line %u: %s", options->verb, value, line, error.message);
    } else {
        result = 0;
    }
out:
    free(text);
    if (file != NULL) {
        fclose(file);
    }
    return result;
}

static int set_sql(void *context, const char *value)
{
    struct run_options *options = context;
    char *probe = sql_expand(value, "set", 1);
    if (probe == NULL) {
        cli_error("%s: --sql '%s': expected %%DEVICES:FORMAT%% with %%s and %%d in FORMAT", options->verb,
                  value);
        return -1;
    }
    free(probe);
    if (options->sql_count == RUN_SQL_MAX) {
        cli_error("%s: more than %d --sql", options->verb, RUN_SQL_MAX);
        return -1;
    }
    options->sql[options->sql_count++] = value;
    return 0;
}

OPTION_TEXT(set_sql_result, struct run_options, sql_result)
OPTION_TEXT(set_verify, struct run_options, verify)
OPTION_TEXT(set_before, struct run_options, before)
OPTION_TEXT(set_after, struct run_options, after)
OPTION_TEXT(set_trace, struct run_options, trace)
OPTION_TEXT(set_as, struct run_options, as)
OPTION_FLAG(set_prove_durability, struct run_options, prove_durability)
OPTION_FLAG(set_again, struct run_options, again)
OPTION_FLAG(set_real_time, struct run_options, real_time)
OPTION_FLAG(set_keep, struct run_options, keep)

static int read_seconds(const struct run_options *options, const char *option, const char *value,
                        int64_t *milliseconds)
{
    if (text_seconds(value, milliseconds) == 0) {
        return 0;
    }
    cli_error("%s: --%s '%s': expected seconds above 0, for example 30 or 0.5", options->verb, option, value);
    return -1;
}

static int set_timeout(void *context, const char *value)
{
    return read_seconds(context, "timeout", value, &((struct run_options *)context)->timeout_ms);
}

static int set_patience(void *context, const char *value)
{
    return read_seconds(context, "patience", value, &((struct run_options *)context)->patience_ms);
}

/* One of a few words; its index, or -1 after a message. */
static int read_word(const struct run_options *options, const char *option, const char *value,
                     const char *const *words, int count)
{
    struct near_word near;
    char hint[96];
    near_start(&near, value, strlen(value));
    for (int i = 0; i < count; i++) {
        if (strcmp(value, words[i]) == 0) {
            return i;
        }
        near_offer(&near, words[i]);
    }
    char expected[128] = "";
    for (int i = 0; i < count; i++) {
        size_t used = strlen(expected);
        snprintf(expected + used, sizeof expected - used, "%s%s", i > 0 ? ", " : "", words[i]);
    }
    cli_error("%s: --%s '%s': expected one of %s%s", options->verb, option, value, expected,
              near_text(&near, hint, sizeof hint));
    return -1;
}

static int set_fail_on(void *context, const char *value)
{
    static const char *const words[] = {"info", "warning", "error"};
    int index = read_word(context, "fail-on", value, words, 3);
    if (index >= 0) {
        ((struct run_options *)context)->fail_on = (enum severity)(SEVERITY_INFO + index);
    }
    return index < 0 ? -1 : 0;
}

static int set_stdin(void *context, const char *value)
{
    static const char *const words[] = {
        [STDIN_INHERIT] = "inherit", [STDIN_NULL] = "null", [STDIN_HOLD] = "hold"};
    int index = read_word(context, "stdin", value, words, 3);
    if (index >= 0) {
        ((struct run_options *)context)->input = (enum stdin_mode)index;
    }
    return index < 0 ? -1 : 0;
}

static int set_on_finding(void *context, const char *value)
{
    static const char *const words[] = {"continue", "stop", "abort"};
    int index = read_word(context, "on-finding", value, words, 3);
    if (index >= 0) {
        ((struct run_options *)context)->on_finding = words[index];
    }
    return index < 0 ? -1 : 0;
}

static int set_guard(void *context, const char *value)
{
    static const char *const words[] = {"auto", "off", "pages", "copy"};
    int index = read_word(context, "guard", value, words, 4);
    if (index >= 0) {
        ((struct run_options *)context)->guard = words[index];
    }
    return index < 0 ? -1 : 0;
}

static struct suppressions *suppressions(struct run_options *options)
{
    if (options->suppressions == NULL) {
        options->suppressions = calloc(1, sizeof *options->suppressions);
    }
    return options->suppressions;
}

static int set_ignore(void *context, const char *value)
{
    struct suppressions *list = suppressions(context);
    char why[256] = "no memory";
    if (list == NULL || suppressions_add(list, value, why, sizeof why) != 0) {
        cli_error("%s: --ignore '%s': %s", ((struct run_options *)context)->verb, value, why);
        return -1;
    }
    return 0;
}

static int set_suppressions(void *context, const char *value)
{
    struct suppressions *list = suppressions(context);
    char why[320] = "no memory";
    FILE *file = fopen(value, "re");
    int result = -1;
    if (file == NULL) {
        snprintf(why, sizeof why, "%s", strerror(errno));
    } else if (list != NULL) {
        result = suppressions_read(list, file, value, why, sizeof why);
    }
    if (file != NULL) {
        fclose(file);
    }
    if (result != 0) {
        cli_error("%s: --suppressions '%s': %s", ((struct run_options *)context)->verb, value, why);
    }
    return result != 0 ? -1 : 0;
}

OPTION_FLAG(set_verbose, struct run_options, verbose)
OPTION_FLAG(set_rearm, struct run_options, jobs.rearm)

/* An option that job_options.c reads. */
#define JOB_OPTION(name)                                                 \
    static int set_##name(void *context, const char *value)              \
    {                                                                    \
        struct run_options *options = context;                           \
        return job_options_##name(&options->jobs, options->verb, value); \
    }
JOB_OPTION(ready)
JOB_OPTION(trigger)
JOB_OPTION(verdict)
JOB_OPTION(stop)

static int set_tds(void *context, const char *value)
{
    struct run_options *options = context;
    const char *expected = tds_take_address(&options->tds, value);
    if (expected != NULL) {
        cli_error("%s: --tds '%s': %s", options->verb, value, expected);
    }
    return expected != NULL ? -1 : 0;
}

static int set_server(void *context, const char *value)
{
    struct run_options *options = context;
    const char *expected = tds_take_server(&options->tds, value);
    if (expected != NULL) {
        cli_error("%s: --server '%s': %s", options->verb, value, expected);
    }
    return expected != NULL ? -1 : 0;
}

/* Loaded first: that says of what is no file, a pipe of the shell's for one, what is expected. */
static int set_answers(void *context, const char *value)
{
    struct run_options *options = context;
    char message[ANSWERS_MESSAGE_MAX];
    struct answers *answers = NULL;
    int error = answers_load(value, &answers, message);
    answers_free(answers);
    if (error != 0) {
        cli_error("%s: --%s", options->verb, message);
    } else if (realpath(value, options->tds.answers) == NULL) {
        error = errno;
        cli_error("%s: --answers '%s': %s", options->verb, value, strerror(error));
    }
    return error != 0 ? -1 : 0;
}

int run_options_check(const struct run_options *options)
{
    if (options->tds.servers[0] != '\0' && !options->tds.wanted) {
        cli_error("%s: --server: expected --tds, too: the port where the simulated server answers",
                  options->verb);
        return -1;
    }
    const char *guard = options->guard != NULL ? options->guard : getenv("VDIFAULT_GUARD");
    for (uint32_t i = 0; i < options->plan.fault_count; i++) {
        const struct fault *fault = &options->plan.faults[i];
        char text[FAULT_TEXT_MAX];
        if (fault->kind == FAULT_ABORT && fault->arg[FAULT_ARG_AT] == FAULT_AT_TOUCH && guard != NULL &&
            strcmp(guard, "off") == 0) {
            fault_format(fault, text, sizeof text);
            cli_error(
                "%s: '%s' happens when the guard sees the touch: expected --guard auto, pages or copy, not "
                "off",
                options->verb, text);
            return -1;
        }
    }
    return job_options_check(&options->jobs, options->verb, options->again);
}

const struct option_row run_option_rows[] = {
    {"fault", "FAULT",
     "a fault to inject, for example lost-close or abort@Write#3:1;\nrepeatable; vdifault faults lists them",
     set_fault},
    {"plan", "FILE",
     "a plan, on top of what was given so far; on each line fault FAULT or server SETTING:\nseed N, size "
     "BYTES, database NAME=FILE, clear-error always|never (a device after an\nerror, before it is closed), "
     "late-buffers yes|no (a second buffer area),\ncomplete yes|no (VDC_Complete for who asks),\nbacked-up "
     "yes|no (a full backup was taken before)",
     set_plan},
    {"profile", "FILE", "a plan that vdifault record made: the simulated server does what a real one did",
     set_plan},
    {"sql", "STATEMENT",
     "run this statement once a set exists, one process a set; the i-th --sql for\nthe i-th set, the last "
     "one for all further ones; %SET% is the set's name,\n%DEVICES:%s-%d% one VIRTUAL_DEVICE clause a device",
     set_sql},
    {"sql-result", "FILE", "hand the statement's outcome to the client: success or failed, then messages",
     set_sql_result},
    {"database", "NAME=FILE", "a database of the simulated server: BACKUP reads FILE, RESTORE writes it",
     set_database},
    {"size", "BYTES", "size of a generated database (K, M, G; default 8M)", set_size},
    {"seed", "N", "shapes transfer sizes, stripes and generated content (default 1)", set_seed},
    {"timeout", "SEC", "end the run after this time (default 60)", set_timeout},
    {"patience", "SEC", "without progress for so long, by the client's clock, the run hangs (default 30)",
     set_patience},
    {"fail-on", "SEVERITY", "least severity for exit status 1: error, warning or info (default error)",
     set_fail_on},
    {"guard", "MODE",
     "watch what the client does with buffers and command blocks: auto (all of a\nshort run, samples of a "
     "long one), "
     "pages (all), copy (all, in private copies, exact\nto the byte at the end) or off (default auto)",
     set_guard},
    {"on-finding", "WHAT",
     "after an access that the guard saw: continue (let it through), stop (stop the\nprocess for a "
     "debugger), abort "
     "(end it by SIGABRT; default continue)",
     set_on_finding},
    {"tds", "[=ADDRESS:PORT]",
     "the simulated server also answers at a TCP port, for clients with a connection of their own\n(default "
     "127.0.0.1:0: a free port); {tds} and {tds-port} in arguments and environment stand for it;\nwhat the "
     "client "
     "connects to at port 1433 goes there",
     set_tds},
    {"server", "HOST[:PORT]",
     "with --tds: what the client connects to at this name or address goes there, and no name is\nlooked up "
     "for it; "
     "instead of port 1433; repeatable",
     set_server},
    {"answers", "FILE", "what the simulated server answers to queries, on top of what it knows (JSON)",
     set_answers},
    {"stdin", "MODE", "the client's stdin: inherit, null, or hold (open, never anything to read)", set_stdin},
    {"before", "CMD", "sh -c CMD before the client", set_before},
    {"after", "CMD", "sh -c CMD at the end", set_after},
    {"verify", "CMD",
     "sh -c CMD after the client, wrapped, without faults: restore or read back\nwhat it stored", set_verify},
    {"prove-durability", NULL,
     "where Flush was answered before everything was durable: --verify runs again, with\nthe files as they "
     "would be had the machine stopped then; they are put back afterwards",
     set_prove_durability},
    {"again", NULL,
     "run the client once more after it, with the same arguments and without faults: does\nit recover? "
     "(VDI-OUT-009)",
     set_again},
    {"as", "USER", "the client, --sql and --verify run as this user; only root can", set_as},
    {"trigger", "CMD",
     "the client is a daemon: sh -c CMD starts a job in it, and when that is done the next\n--trigger the "
     "next "
     "one; each job is judged by itself; repeatable",
     set_trigger},
    {"ready", "WHAT",
     "when the daemon waits for jobs: stdout:REGEX (a line of its output), port:N (a process of\nthe run "
     "listens "
     "there) or file:PATH; without a prefix a number is a port, what begins with\n/ ./ ../ or {run} a file, "
     "all "
     "else a REGEX (default: at once)",
     set_ready},
    {"verdict", "WHAT",
     "what says that it went well: exit (the exit status of CMD, or of a client without\n--trigger), cmd:CMD "
     "(that of another one, at the end), file:FILE (0, success or ok stands\nthere; else failure) or "
     "stdout:REGEX (a line of its output), with failure:REGEX in a second\n--verdict for a line that means "
     "failure (default exit)",
     set_verdict},
    {"stop", "SIGNAL", "what the daemon is asked to end with after the last job (default TERM)", set_stop},
    {"rearm", NULL, "the plan's faults count anew in each job (default: once in the run, /OP says in which)",
     set_rearm},
    {"ignore", "RULE[@WHERE]",
     "drop findings of this rule, with WHERE only those with this function of the client\n(or module:NAME, "
     "a program or library) in their stack, or of this VDI function;\n* stands for any characters; "
     "repeatable",
     set_ignore},
    {"suppressions", "FILE", "what --ignore takes, one a line; # begins a comment", set_suppressions},
    OUTPUT_ROWS,
    {"verbose", NULL, "the text report has whole stacks, and the calls around every finding", set_verbose},
    {"trace", "FILE", "all events of the run, for vdifault trace FILE", set_trace},
    {"real-time", NULL, "wait for every time limit of the client in full, also where nothing else can come",
     set_real_time},
    {"keep", NULL, "keep the run's scratch folder", set_keep},
    {"jobs", "N", NULL, NULL},
    {"shard", "I/N", NULL, NULL},
    {"pairs", "N", NULL, NULL},
    {"dialects", NULL, NULL, NULL},
    {"hostile", NULL, NULL, NULL},
    {"per-stack", "N", NULL, NULL},
    {"fork-server", "MODE", NULL, NULL},
    {NULL, NULL, NULL, NULL},
};

int run_options_set(struct run_options *options, const char *name, const char *value)
{
    const struct option_row *row = run_option_rows;
    while (strcmp(row->name, name) != 0) {
        row++;
    }
    return row->set(options, value);
}

int64_t run_options_patience(const struct run_options *options)
{
    struct dialect dialect;
    const char *error;
    bool seconds =
        dialect_parse(getenv(DIALECT_VARIABLE), &dialect, &error) == 0 && dialect.other[DIALECT_TIMEOUT_UNIT];
    return options->patience_ms * (seconds ? 1000 : 1);
}
