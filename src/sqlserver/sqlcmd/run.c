/* run.c - see run.h. */
#include "run.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "batch.h"
#include "link.h"
#include "output.h"
#include "session.h"

enum {
    SEVERITY_INFORMATION = 10,
    EXIT_ERROR = 1,
    COMMAND_NAME_MAX = 32
};

struct runner {
    struct sqlcmd_options *options;
    const struct sqlcmd_environment *environment;
    struct output output;
    struct session *session;
    struct tsql_script script;
    bool exit_on_error; /* -b, :on error */
    uint32_t line;      /* of the input, from 1 */
    int status;
    bool done;
};

static void stop(struct runner *runner, int status)
{
    runner->status = status;
    runner->done = true;
}

static void no_memory(struct runner *runner)
{
    fputs("Sqlcmd: Error: out of memory.\n", runner->environment->err);
    stop(runner, EXIT_ERROR);
}

/* -V alone decides which severity counts; without it, -b counts errors. */
static void judge(struct runner *runner, const struct session_result *result)
{
    int32_t threshold = runner->options->severity;
    if (result->leaving >= ENGINE_LOST) {
        link_report(runner->environment->err, result->leaving);
        stop(runner, EXIT_ERROR); /* whatever -b says */
        return;
    }
    if (result->timed_out)
        fputs("Timeout expired\n", runner->environment->err);
    if (threshold > 0) {
        if (result->severity >= threshold) {
            runner->status = result->severity > runner->status ? result->severity : runner->status;
            runner->done = runner->done || runner->exit_on_error;
        }
    } else if (runner->exit_on_error && (result->severity > SEVERITY_INFORMATION || result->timed_out)) {
        stop(runner, EXIT_ERROR);
    }
    if (atomic_load(runner->environment->interrupted) || runner->output.results.broken)
        stop(runner, EXIT_ERROR);
}

/* Runs the batch at hand `repeat` times, and forgets it. The value of EXIT(query) goes to *value, if wanted.
 */
static void run_batch(struct runner *runner, uint32_t repeat, int64_t *value)
{
    struct tsql_script *script = &runner->script;
    if (tsql_script_is_blank(script)) {
        tsql_script_clear(script);
        return;
    }
    if (runner->options->echo)
        output_text(&runner->output, script->text, script->length);
    if (repeat > 1)
        output_text(&runner->output, "Beginning execution loop\n", 25);
    for (uint32_t i = 0; i < repeat && !runner->done; i++) {
        struct session_result result;
        if (session_run(runner->session, script->text, script->length, &result) != 0) {
            no_memory(runner);
            break;
        }
        if (value != NULL)
            *value = result.value;
        judge(runner, &result);
    }
    if (repeat > 1 && !runner->done) {
        char text[64];
        int length = snprintf(text, sizeof(text), "Batch execution completed %u times.\n", repeat);
        output_text(&runner->output, text, (size_t)length);
    }
    tsql_script_clear(script);
}

/* ---- commands ---- */

/* exit: leaves at once. exit(): runs the batch first. exit(query): adds the query, its value is the status.
 */
static void command_exit(struct runner *runner, char *rest)
{
    char *close = strrchr(rest, ')');
    int64_t value = 0;
    if (rest[0] == '(' && close != NULL) {
        bool query = strspn(rest + 1, " \t") != (size_t)(close - rest - 1);
        if (tsql_script_line(&runner->script, rest + 1, (size_t)(close - rest - 1)) == TSQL_LINE_NO_MEMORY) {
            no_memory(runner);
            return;
        }
        run_batch(runner, 1, &value);
        if (query && !runner->done)
            runner->status = (int)(value & 0xFF);
    }
    runner->done = true;
}

static void command_quit(struct runner *runner, char *rest)
{
    (void)rest;
    runner->done = true;
}

static void command_reset(struct runner *runner, char *rest)
{
    (void)rest;
    tsql_script_clear(&runner->script);
}

/* :setvar name ["]value["]; without a value the variable is removed. */
static void command_setvar(struct runner *runner, char *rest)
{
    size_t length = strcspn(rest, " \t");
    char *value = rest + length;
    if (*value != '\0')
        *value++ = '\0';
    value += strspn(value, " \t");
    size_t end = strlen(value);
    bool given = end > 0;
    if (end >= 2 && value[0] == '"' && value[end - 1] == '"') {
        value[end - 1] = '\0';
        value++;
    }
    if (length > 0 && variables_set(&runner->options->variables, rest, given ? value : NULL) != 0)
        no_memory(runner);
}

static void command_on(struct runner *runner, char *rest)
{
    rest += strncasecmp(rest, "error", 5) == 0 ? 5 : 0;
    rest += strspn(rest, " \t");
    runner->exit_on_error = strcasecmp(rest, "exit") == 0;
}

static const struct {
    const char *name;
    void (*run)(struct runner *runner, char *rest);
} commands[] = {
    {"exit", command_exit},     {"quit", command_quit}, {"reset", command_reset},
    {"setvar", command_setvar}, {"on", command_on},
};

/* The line is ours to cut up. */
static void run_command(struct runner *runner, char *line)
{
    char *name = line + strspn(line, " \t");
    name += *name == ':' ? 1 : 0;
    size_t length = strcspn(name, " \t(;\r");
    char *rest = name + length + strspn(name + length, " \t");
    rest[strcspn(rest, "\r\n")] = '\0';
    for (size_t end = strlen(rest); end > 0 && strchr(" \t;", rest[end - 1]) != NULL; end--)
        rest[end - 1] = '\0';
    for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
        if (strlen(commands[i].name) == length && strncasecmp(name, commands[i].name, length) == 0) {
            commands[i].run(runner, rest);
            return;
        }
    }
    fprintf(runner->environment->err, "Sqlcmd: Error: Syntax error at line %u near command '%.*s'.\n",
            runner->line, COMMAND_NAME_MAX, name);
    stop(runner, EXIT_ERROR);
}

/* ---- input ---- */

static void take_expanded(struct runner *runner, char *line, size_t length)
{
    switch (tsql_script_line(&runner->script, line, length)) {
    case TSQL_LINE_TEXT:
        break;
    case TSQL_LINE_GO:
        run_batch(runner, runner->script.repeat, NULL);
        break;
    case TSQL_LINE_COMMAND:
        run_command(runner, line);
        break;
    case TSQL_LINE_NO_MEMORY:
        no_memory(runner);
        break;
    }
}

/* One line, terminated, without its line end. */
static void take_line(struct runner *runner, char *line, size_t length)
{
    runner->line++;
    if (runner->options->no_substitution || memmem(line, length, "$(", 2) == NULL) {
        take_expanded(runner, line, length);
        return;
    }
    char missing[129];
    char *expanded = NULL;
    size_t expanded_length = 0;
    int rc = variables_expand(&runner->options->variables, line, length, &expanded, &expanded_length, missing,
                              sizeof(missing));
    if (rc == EINVAL) {
        fprintf(runner->environment->err, "'%s' scripting variable not defined.\n", missing);
        stop(runner, EXIT_ERROR);
    } else if (rc != 0) {
        no_memory(runner);
    } else {
        take_expanded(runner, expanded, expanded_length);
    }
    free(expanded);
}

/* Everything up to the end of the stream; what is left of a batch there runs too. */
static void take_stream(struct runner *runner, FILE *in)
{
    char *line = NULL;
    size_t capacity = 0;
    bool terminal = fileno(in) >= 0 && isatty(fileno(in));
    runner->line = 0;
    while (!runner->done) {
        if (terminal) {
            char prompt[16];
            int length = snprintf(prompt, sizeof(prompt), "%u> ", runner->line + 1);
            output_text(&runner->output, prompt, (size_t)length);
        }
        ssize_t length = getline(&line, &capacity, in);
        if (length < 0)
            break;
        if (length > 0 && line[length - 1] == '\n')
            line[--length] = '\0';
        take_line(runner, line, (size_t)length);
    }
    free(line);
    if (atomic_load(runner->environment->interrupted))
        stop(runner, EXIT_ERROR);
    if (!runner->done)
        run_batch(runner, 1, NULL);
}

static void take_text(struct runner *runner, const char *text)
{
    size_t length = strlen(text);
    if (length == 0)
        return;
    FILE *in = fmemopen((char *)text, length, "r");
    if (in == NULL) {
        no_memory(runner);
        return;
    }
    take_stream(runner, in);
    fclose(in);
}

static void take_files(struct runner *runner)
{
    for (uint32_t i = 0; i < runner->options->input_count && !runner->done; i++) {
        FILE *in = fopen(runner->options->inputs[i], "re");
        if (in == NULL) {
            fprintf(runner->environment->err, "Sqlcmd: '%s': Invalid filename. %s.\n",
                    runner->options->inputs[i], strerror(errno));
            stop(runner, EXIT_ERROR);
            return;
        }
        take_stream(runner, in);
        fclose(in);
    }
}

static void take_input(struct runner *runner)
{
    const struct sqlcmd_options *options = runner->options;
    struct session_result result;
    if (options->database != NULL) {
        session_use(runner->session, options->database, &result);
        if (result.severity > SEVERITY_INFORMATION) {
            stop(runner, EXIT_ERROR); /* a login that fails, whatever -b says */
            return;
        }
    }
    if (options->query != NULL) {
        take_text(runner, options->query);
    } else if (options->input_count > 0) {
        take_files(runner);
    } else {
        if (options->initial_query != NULL)
            take_text(runner, options->initial_query);
        if (!runner->done)
            take_stream(runner, runner->environment->in);
    }
}

int sqlcmd_run(struct sqlcmd_options *options, const struct sqlcmd_environment *environment)
{
    struct runner runner = {
        .options = options, .environment = environment, .exit_on_error = options->exit_on_error};
    runner.script.terminator = options->terminator;
    FILE *out = environment->out, *file = NULL;
    if (options->output != NULL) {
        out = file = fopen(options->output, "we");
        if (file == NULL) {
            fprintf(environment->err, "Sqlcmd: '%s': Invalid filename. %s.\n", options->output,
                    strerror(errno));
            return EXIT_ERROR;
        }
    }
    output_init(&runner.output, options, out, environment->err);
    struct session_settings settings = {
        .plan = environment->plan,
        .catalog = environment->catalog,
        .activity = environment->activity,
        .results = &runner.output.results,
        .answers = environment->answers,
        .server = runner.output.server,
        .login = options->user,
        .application = "SQLCMD",
        .host = options->workstation,
        .interrupted = environment->interrupted,
        .role = environment->role,
        .restricted = options->user != NULL && strcasecmp(options->user, "guest") == 0,
        .query_timeout = options->query_timeout,
    };
    if (session_new(&settings, &runner.session) != 0)
        no_memory(&runner);
    else
        take_input(&runner);
    session_free(runner.session);
    output_end(&runner.output);
    tsql_script_free(&runner.script);
    if (file != NULL)
        fclose(file);
    return runner.status;
}
