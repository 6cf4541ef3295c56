/* options.c - see options.h. One table says everything about an option; the help is printed from it. */
#include "options.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum arity {
    ARITY_NONE,
    ARITY_ONE,       /* -Sx or -S x */
    ARITY_OPTIONAL,  /* -r, -r1; a following argument only if it is one of `values` */
    ARITY_VARIABLES, /* -v a=b c=d ... */
};

enum store {
    STORE_NOTHING,
    STORE_FLAG,
    STORE_TEXT,
    STORE_NUMBER,
    STORE_INPUT,
    STORE_VARIABLE
};

struct option {
    char letter;
    enum arity arity;
    enum store store;
    size_t offset;
    const char *long_name; /* the Go sqlcmd's; NULL none */
    const char *value;     /* placeholder in the help; for ARITY_OPTIONAL the values, one character each */
    int32_t minimum, maximum;
    const char *help; /* NULL: accepted without effect */
};

#define AT(field) offsetof(struct sqlcmd_options, field)
#define FLAG(letter, field, name, help)                                   \
    {                                                                     \
        letter, ARITY_NONE, STORE_FLAG, AT(field), name, NULL, 0, 0, help \
    }
#define TEXT(letter, field, name, value, help)                            \
    {                                                                     \
        letter, ARITY_ONE, STORE_TEXT, AT(field), name, value, 0, 0, help \
    }
#define NUMBER(letter, field, name, value, low, high, help)                      \
    {                                                                            \
        letter, ARITY_ONE, STORE_NUMBER, AT(field), name, value, low, high, help \
    }
#define TAKEN(letter, arity, name, value)                                \
    {                                                                    \
        letter, ARITY_##arity, STORE_NOTHING, 0, name, value, 0, 0, NULL \
    }

static const struct option table[] = {
    TEXT('S', server, "server", "server", "server name, shown in messages"),
    TEXT('U', user, "user-name", "login", "login; any is accepted, and is sysadmin unless it is guest"),
    TEXT('P', password, "password", "password", "password, or SQLCMDPASSWORD; any is accepted"),
    FLAG('E', trusted, "use-trusted-connection", "trusted connection"),
    TEXT('d', database, "database-name", "database", "database to use"),
    TEXT('Q', query, "query", "query", "run the query and exit"),
    TEXT('q', initial_query, "initial-query", "query", "run the query, then read from standard input"),
    {'i', ARITY_ONE, STORE_INPUT, 0, "input-file", "file[,file...]", 0, 0, "run the batches in these files"},
    TEXT('o', output, "output-file", "file", "write results to the file"),
    FLAG('b', exit_on_error, "exit-on-error", "stop and exit 1 at an error (severity above 10)"),
    NUMBER('V', severity, "error-severity-level", "severity", 0, 25,
           "lowest severity that sets the exit status"),
    NUMBER('m', error_level, "error-level", "level", -1, 25,
           "lowest severity of messages shown; -1: with headers"),
    {'r', ARITY_OPTIONAL, STORE_NUMBER, AT(redirect), "errors-to-stderr", "01", 0, 1,
     "errors (0) or all messages (1) to standard error"},
    NUMBER('t', query_timeout, "query-timeout", "seconds", 0, 65534, "cancel a statement after this time"),
    {'v', ARITY_VARIABLES, STORE_VARIABLE, 0, "variables", "var=value...", 0, 0,
     "define scripting variables"},
    FLAG('x', no_substitution, "disable-variable-substitution", "leave $(variable) as it is"),
    NUMBER('h', header, "headers", "rows", -1, INT32_MAX, "rows between column headers; -1: no headers"),
    FLAG('W', trim, "trim-spaces", "remove trailing spaces from columns"),
    TEXT('s', separator, "column-separator", "character", "column separator"),
    TEXT('c', terminator, "batch-terminator", "word", "batch terminator instead of GO"),
    FLAG('e', echo, "echo-input", "echo input"),
    TEXT('H', workstation, "workstation-name", "name", "workstation name"),
    FLAG('?', help, "help", "show this"),
    FLAG('\0', version, "version", "show the version"),
    TAKEN('A', NONE, "dedicated-admin-connection", NULL),
    TAKEN('a', ONE, "packet-size", "bytes"),
    TAKEN('C', NONE, "trust-server-certificate", NULL),
    TAKEN('D', NONE, NULL, NULL),
    TAKEN('F', ONE, "format", "vertical|horizontal"),
    TAKEN('f', ONE, "code-page", "codepage"),
    TAKEN('G', NONE, "use-aad", NULL),
    TAKEN('g', NONE, "enable-column-encryption", NULL),
    TAKEN('I', NONE, "enable-quoted-identifiers", NULL),
    TAKEN('J', ONE, "server-certificate", "file"),
    TAKEN('j', NONE, "raw-errors", NULL),
    TAKEN('K', ONE, "application-intent", "intent"),
    TAKEN('k', OPTIONAL, "remove-control-characters", "12"),
    TAKEN('l', ONE, "login-timeOut", "seconds"),
    TAKEN('M', NONE, "multi-subnet-failover", NULL),
    TAKEN('N', OPTIONAL, "encrypt-connection", "smo"),
    TAKEN('p', OPTIONAL, "print-statistics", "1"),
    TAKEN('R', NONE, "use-regional-settings", NULL),
    TAKEN('u', NONE, "unicode-output-file", NULL),
    TAKEN('w', ONE, "screen-width", "columns"),
    TAKEN('X', OPTIONAL, "disable-cmd-and-warn", "1"),
    TAKEN('Y', ONE, "fixed-type-width", "width"),
    TAKEN('y', ONE, "variable-type-width", "width"),
    TAKEN('Z', ONE, "change-password-exit", "password"),
    TAKEN('z', ONE, "change-password", "password"),
    TAKEN('\0', ONE, "authentication-method", "method"),
    TAKEN('\0', ONE, "driver-logging-level", "level"),
};
enum {
    OPTION_COUNT = sizeof(table) / sizeof(table[0])
};

/* Where osql differs. Its -I is also FreeTDS's, which takes a folder. */
static const struct option osql_table[] = {
    TAKEN('D', ONE, NULL, "data source"), TAKEN('I', OPTIONAL, NULL, NULL), TAKEN('L', NONE, NULL, NULL),
    TAKEN('n', NONE, NULL, NULL),         TAKEN('O', NONE, NULL, NULL),     TAKEN('p', NONE, NULL, NULL),
};

struct walk {
    bool is_osql;
    int argc;
    char *const *argv;
    int at; /* the argument being looked at */
    struct sqlcmd_options *options;
    char *message;
};

static int complain(struct walk *walk, const char *argument, const char *what)
{
    snprintf(walk->message, SQLCMD_MESSAGE_MAX, "Sqlcmd: '%s': %s. Enter '-?' for help.", argument, what);
    return EINVAL;
}

/* ---- storing ---- */

static int store_number(struct walk *walk, const struct option *option, const char *value)
{
    char *end;
    errno = 0;
    long number = strtol(value, &end, 10);
    if (*value == '\0' || *end != '\0' || errno != 0 || number < option->minimum ||
        number > option->maximum) {
        snprintf(walk->message, SQLCMD_MESSAGE_MAX,
                 "Sqlcmd: '-%c %s': value must be greater than or equal to %d and less than or equal to %d.",
                 option->letter, value, option->minimum, option->maximum);
        return EINVAL;
    }
    *(int32_t *)((char *)walk->options + option->offset) = (int32_t)number;
    return 0;
}

static int store_inputs(struct walk *walk, const char *value)
{
    struct sqlcmd_options *options = walk->options;
    for (;;) {
        size_t length = strcspn(value, ",");
        if (options->input_count == SQLCMD_INPUTS_MAX)
            return complain(walk, value, "Too many input files");
        char *name = strndup(value, length);
        if (name == NULL)
            return ENOMEM;
        options->inputs[options->input_count++] = name;
        if (value[length] == '\0')
            return 0;
        value += length + 1;
    }
}

static int store_variable(struct walk *walk, const char *definition)
{
    const char *equals = strchr(definition, '=');
    if (equals == NULL || equals == definition)
        return complain(walk, definition, "Invalid variable definition, expected var=value");
    char *name = strndup(definition, (size_t)(equals - definition));
    if (name == NULL)
        return ENOMEM;
    int rc = variables_set(&walk->options->variables, name, equals + 1);
    free(name);
    return rc;
}

static int store(struct walk *walk, const struct option *option, const char *value)
{
    char *field = (char *)walk->options + option->offset;
    switch (option->store) {
    case STORE_NOTHING:
        return 0;
    case STORE_FLAG:
        *(bool *)field = true;
        return 0;
    case STORE_TEXT:
        *(const char **)field = value;
        return 0;
    case STORE_NUMBER:
        return store_number(walk, option, value != NULL ? value : "0");
    case STORE_INPUT:
        return store_inputs(walk, value);
    case STORE_VARIABLE:
        return store_variable(walk, value);
    }
    return EINVAL;
}

/* ---- walking ---- */

/* -v takes every following argument up to the next option. */
static int take_variables(struct walk *walk, const struct option *option, const char *attached)
{
    if (attached != NULL) {
        int rc = store(walk, option, attached);
        if (rc != 0)
            return rc;
    } else if (walk->at + 1 >= walk->argc || walk->argv[walk->at + 1][0] == '-') {
        return complain(walk, "-v", "Missing argument");
    }
    while (walk->at + 1 < walk->argc && walk->argv[walk->at + 1][0] != '-') {
        int rc = store(walk, option, walk->argv[++walk->at]);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static bool is_optional_value(const struct option *option, const char *next)
{
    return option->value == NULL ? next[0] != '-'
                                 : strlen(next) == 1 && strchr(option->value, next[0]) != NULL;
}

/* `attached`: what is joined to the option in its own argument, or NULL. */
static int take_value(struct walk *walk, const struct option *option, const char *attached)
{
    const char *argument = walk->argv[walk->at];
    const char *next = walk->at + 1 < walk->argc ? walk->argv[walk->at + 1] : NULL;
    switch (option->arity) {
    case ARITY_NONE:
        return attached == NULL ? store(walk, option, NULL) : complain(walk, argument, "Unexpected argument");
    case ARITY_VARIABLES:
        return take_variables(walk, option, attached);
    case ARITY_OPTIONAL:
        if (attached == NULL && next != NULL && is_optional_value(option, next)) {
            attached = next;
            walk->at++;
        }
        return store(walk, option, attached);
    case ARITY_ONE:
        if (attached != NULL)
            return store(walk, option, attached);
        if (next == NULL)
            return complain(walk, argument, "Missing argument");
        walk->at++;
        return store(walk, option, next);
    }
    return EINVAL;
}

static const struct option *find_letter(const struct walk *walk, char letter)
{
    for (size_t i = 0; i < sizeof(osql_table) / sizeof(osql_table[0]) && walk->is_osql; i++) {
        if (osql_table[i].letter == letter)
            return &osql_table[i];
    }
    for (size_t i = 0; i < OPTION_COUNT && letter != '\0'; i++) {
        if (table[i].letter == letter)
            return &table[i];
    }
    return NULL;
}

static int take_long(struct walk *walk)
{
    const char *name = walk->argv[walk->at] + 2;
    size_t length = strcspn(name, "=");
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const char *known = table[i].long_name;
        if (known != NULL && strlen(known) == length && strncmp(known, name, length) == 0)
            return take_value(walk, &table[i], name[length] == '=' ? name + length + 1 : NULL);
    }
    return complain(walk, walk->argv[walk->at], "Unknown Option");
}

/* One argument of short options: those without a value may be joined, as in -Eb. */
static int take_short(struct walk *walk)
{
    const char *argument = walk->argv[walk->at];
    for (const char *at = argument + 1; *at != '\0'; at++) {
        const struct option *option = find_letter(walk, *at);
        if (option == NULL)
            return complain(walk, argument, "Unknown Option");
        if (option->arity != ARITY_NONE)
            return take_value(walk, option, at[1] != '\0' ? at + 1 : NULL);
        int rc = store(walk, option, NULL);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int check(struct walk *walk)
{
    const struct sqlcmd_options *options = walk->options;
    const char *conflict = NULL;
    if (options->trusted && (options->user != NULL || options->password != NULL))
        conflict = "The -E and the -U/-P options are mutually exclusive.";
    else if (options->input_count > 0 && (options->query != NULL || options->initial_query != NULL))
        conflict = "The -i and the -Q/-q options are mutually exclusive.";
    else if (options->query != NULL && options->initial_query != NULL)
        conflict = "The -Q and the -q options are mutually exclusive.";
    if (conflict == NULL)
        return 0;
    snprintf(walk->message, SQLCMD_MESSAGE_MAX, "Sqlcmd: %s", conflict);
    return EINVAL;
}

/* What the command line leaves open comes from the environment, and scripts see both as variables. */
static int settle(struct sqlcmd_options *options)
{
    const struct {
        const char *name;
        const char **field;
    } defaults[] = {
        {"SQLCMDSERVER", &options->server},
        {"SQLCMDUSER", &options->user},
        {"SQLCMDDBNAME", &options->database},
        {"SQLCMDWORKSTATION", &options->workstation},
    };
    for (size_t i = 0; i < sizeof(defaults) / sizeof(defaults[0]); i++) {
        if (*defaults[i].field == NULL)
            *defaults[i].field = getenv(defaults[i].name);
        const char *value = *defaults[i].field != NULL ? *defaults[i].field : "";
        int rc = variables_set(&options->variables, defaults[i].name, value);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static bool is_osql(const char *program)
{
    const char *slash = program != NULL ? strrchr(program, '/') : NULL;
    return program != NULL && strcmp(slash != NULL ? slash + 1 : program, "osql") == 0;
}

int sqlcmd_options_parse(int argc, char *const *argv, struct sqlcmd_options *options,
                         char message[SQLCMD_MESSAGE_MAX])
{
    *options = (struct sqlcmd_options){.redirect = -1, .separator = " "};
    message[0] = '\0';
    struct walk walk = {
        .is_osql = is_osql(argv[0]), .argc = argc, .argv = argv, .options = options, .message = message};
    int rc = 0;
    for (walk.at = 1; walk.at < argc && rc == 0; walk.at++) {
        const char *argument = argv[walk.at];
        if (strncmp(argument, "--", 2) == 0 && argument[2] != '\0')
            rc = take_long(&walk);
        else if (argument[0] == '-' && argument[1] != '\0')
            rc = take_short(&walk);
        else
            rc = complain(&walk, argument, "Unexpected argument");
    }
    if (rc == 0)
        rc = check(&walk);
    return rc == 0 ? settle(options) : rc;
}

void sqlcmd_options_free(struct sqlcmd_options *options)
{
    for (uint32_t i = 0; i < options->input_count; i++)
        free(options->inputs[i]);
    options->input_count = 0;
    variables_free(&options->variables);
}

void sqlcmd_options_help(FILE *out)
{
    fputs(
        "usage: sqlcmd [option]...\n"
        "Runs T-SQL as SQL Server's sqlcmd does, against the simulated server of vdifault.\n\n",
        out);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        const struct option *o = &table[i];
        if (o->help == NULL)
            continue;
        char shape[64];
        if (o->letter == '\0')
            snprintf(shape, sizeof(shape), "--%s", o->long_name);
        else if (o->arity == ARITY_OPTIONAL)
            snprintf(shape, sizeof(shape), "-%c[%c|%c]", o->letter, o->value[0], o->value[1]);
        else
            snprintf(shape, sizeof(shape), "-%c %s", o->letter, o->value != NULL ? o->value : "");
        fprintf(out, "  %-20s %s\n", shape, o->help);
    }
    fputs("Accepted without effect: ", out);
    for (size_t i = 0; i < OPTION_COUNT; i++) {
        if (table[i].help == NULL && table[i].letter != '\0')
            fprintf(out, " -%c", table[i].letter);
    }
    fputs(
        "\n\nExamples:\n"
        "  sqlcmd -S . -E -b -Q \"BACKUP DATABASE [db] TO VIRTUAL_DEVICE = 'set1'\"\n"
        "  sqlcmd -b -v db=sales set=s1 -i restore.sql\n"
        "  echo \"RESTORE VERIFYONLY FROM VIRTUAL_DEVICE = N's1'\" | sqlcmd -b -r1\n\n"
        "Exit status: 0, also when a statement failed; with -b 1 when one did; with -V n its severity.\n",
        out);
}
