/* client_options.c - the command line of the reference clients, and the run over one or two operations. */
#include <errno.h>
#include <getopt.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "client_operation.h"

enum {
    DEFAULT_TIMEOUT_MS = 20000, /* less than a run has patience for with a server that gives no sign */
    /* Without a statement of its own a client learns nothing but silence, and should not listen to it for
     * long. */
    DEFAULT_TIMEOUT_NO_SQL_MS = 10000,
    DEFAULT_PATIENCE_MS = 2000,
};

static int usage(const char *program, const char *reason, const char *value)
{
    fprintf(stderr,
            "%s: %s%s%s\n"
            "usage: %s backup|restore|backup-restore --database DB [--set NAME] [--devices N] [--dir DIR]\n"
            "       [--sqlcmd PATH] [--with OPTIONS] [--no-sql [--sql-result FILE]] [--timeout MS] "
            "[--patience MS]\n"
            "       [--append] [--fail-write N]\n",
            program, reason, *value ? ": " : "", value, program);
    return CLIENT_USAGE;
}

/* A decimal number from `low` to `high`; anything else is refused. */
bool client_number(const char *text, int64_t low, int64_t high, int64_t otherwise, int64_t *number)
{
    char *end;

    if (!text) {
        *number = otherwise;
        return true;
    }
    errno = 0;
    *number = strtoll(text, &end, 10);
    return !errno && end != text && !*end && *number >= low && *number <= high;
}

/* Closes the gap that `count` arguments from `at` on leave. */
static void drop_arguments(int *argc, char **argv, int at, int count)
{
    memmove(&argv[at], &argv[at + count], sizeof *argv * (size_t)(*argc - at - count + 1));
    *argc -= count;
}

const char *client_take_option(int *argc, char **argv, const char *name)
{
    for (int i = 1; i + 1 < *argc; i++) {
        if (!strcmp(argv[i], name)) {
            const char *value = argv[i + 1];

            drop_arguments(argc, argv, i, 2);
            return value;
        }
    }
    return NULL;
}

bool client_take_flag(int *argc, char **argv, const char *name)
{
    for (int i = 1; i < *argc; i++) {
        if (!strcmp(argv[i], name)) {
            drop_arguments(argc, argv, i, 1);
            return true;
        }
    }
    return false;
}

static bool parse_action(const char *text, struct client_options *options)
{
    options->backup = !strcmp(text, "backup") || !strcmp(text, "backup-restore");
    options->restore = !strcmp(text, "restore") || !strcmp(text, "backup-restore");
    return options->backup || options->restore;
}

static void set_defaults(const char *path, struct client_options *options)
{
    const char *slash = strrchr(path, '/');

    options->program = slash ? slash + 1 : path;
    options->directory = ".";
    options->sqlcmd = "sqlcmd";
    options->devices = 1;
    options->patience_ms = DEFAULT_PATIENCE_MS;
    /* System-wide, hence unique by process (spec 3.3). */
    snprintf(options->default_set, sizeof options->default_set, "%.32s-%ld", options->program,
             (long)getpid());
    options->set = options->default_set;
}

/* What the options say together. */
static int check(struct client_options *options)
{
    if (!options->database && !options->no_sql) {
        return usage(options->program, "--database is missing", "");
    }
    if (!*options->set || strlen(options->set) > CLIENT_NAME_MAX - 8 || strchr(options->set, '\\') ||
        strchr(options->set, '/')) {
        return usage(options->program, "--set must be 1 to 252 bytes without slashes", options->set);
    }
    if (options->sql_result && !options->no_sql) {
        return usage(options->program, "--sql-result needs --no-sql", "");
    }
    if (options->no_sql && options->backup && options->restore) {
        return usage(options->program, "backup-restore issues its own statements, --no-sql does not", "");
    }
    if (!options->timeout_ms) {
        options->timeout_ms = options->no_sql ? DEFAULT_TIMEOUT_NO_SQL_MS : DEFAULT_TIMEOUT_MS;
    }
    return 0;
}

enum option_kind {
    TEXT,  /* const char * */
    FLAG,  /* bool */
    COUNT, /* int, from 1 */
    TIME,  /* int64_t milliseconds, from 1 */
};

static const struct client_option {
    const char *name;
    enum option_kind kind;
    size_t offset; /* in struct client_options */
    int64_t most;
    const char *expected; /* of a number */
} known[] = {
    {"database", TEXT, offsetof(struct client_options, database), 0, NULL},
    {"set", TEXT, offsetof(struct client_options, set), 0, NULL},
    {"dir", TEXT, offsetof(struct client_options, directory), 0, NULL},
    {"sqlcmd", TEXT, offsetof(struct client_options, sqlcmd), 0, NULL},
    {"with", TEXT, offsetof(struct client_options, with), 0, NULL},
    {"sql-result", TEXT, offsetof(struct client_options, sql_result), 0, NULL},
    {"no-sql", FLAG, offsetof(struct client_options, no_sql), 0, NULL},
    {"append", FLAG, offsetof(struct client_options, append), 0, NULL},
    {"devices", COUNT, offsetof(struct client_options, devices), CLIENT_DEVICES_MAX,
     "--devices must be 1 to 64"},
    {"fail-write", COUNT, offsetof(struct client_options, fail_write), INT32_MAX,
     "--fail-write must be the number of a Write, from 1"},
    {"timeout", TIME, offsetof(struct client_options, timeout_ms), INT32_MAX,
     "--timeout must be a number of milliseconds above 0"},
    {"patience", TIME, offsetof(struct client_options, patience_ms), INT32_MAX,
     "--patience must be a number of milliseconds above 0"},
};

enum {
    KNOWN = sizeof known / sizeof known[0]
};
_Static_assert(KNOWN < '?', "getopt_long returns the index of an option, or '?'");

static int apply(const struct client_option *option, const char *value, struct client_options *options)
{
    void *place = (char *)options + option->offset;
    int64_t number = 0;

    if (option->expected && !client_number(value, 1, option->most, 0, &number)) {
        return usage(options->program, option->expected, value);
    }
    switch (option->kind) {
    case TEXT:
        *(const char **)place = value;
        break;
    case FLAG:
        *(bool *)place = true;
        break;
    case COUNT:
        *(int *)place = (int)number;
        break;
    case TIME:
        *(int64_t *)place = number;
        break;
    }
    return 0;
}

int client_parse(int argc, char **argv, struct client_options *options)
{
    struct option names[KNOWN + 1] = {{0}};
    int index;

    set_defaults(argc > 0 ? argv[0] : "client", options);
    for (int i = 0; i < KNOWN; i++) {
        names[i].name = known[i].name;
        names[i].has_arg = known[i].kind == FLAG ? no_argument : required_argument;
        names[i].val = i;
    }
    opterr = 0;
    while ((index = getopt_long(argc, argv, "", names, NULL)) != -1) {
        int status = index == '?' ? usage(options->program, "unknown or incomplete option", argv[optind - 1])
                                  : apply(&known[index], optarg, options);

        if (status) {
            return status;
        }
    }
    if (optind != argc - 1 || !parse_action(argv[optind], options)) {
        return usage(options->program, "expected one of backup, restore, backup-restore",
                     optind < argc ? argv[optind] : "");
    }
    return check(options);
}

bool client_run_one(const struct client_options *options, bool backup, client_work *work)
{
    struct operation *operation = operation_new(options, backup);
    const char *what = backup ? "backup" : "restore";
    const char *database = options->database ? options->database : options->set;
    bool good;

    if (!operation) {
        fprintf(stderr, "%s: out of memory\n", options->program);
        return false;
    }
    work(operation);
    good = operation_statement_succeeded(operation) && !operation_failed(operation);
    if (good) {
        printf("%s: %s of %s complete\n", options->program, what, database);
    } else {
        fprintf(stderr, "%s: %s of %s failed: %s\n%s", options->program, what, database,
                operation_reason(operation), operation_output(operation));
    }
    operation_free(operation);
    return good;
}

int client_run(const struct client_options *options, client_work *work)
{
    if (options->backup && !client_run_one(options, true, work)) {
        return CLIENT_FAILURE;
    }
    if (options->restore && !client_run_one(options, false, work)) {
        return CLIENT_FAILURE;
    }
    return CLIENT_SUCCESS;
}
