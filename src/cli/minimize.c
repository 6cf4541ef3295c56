/* minimize.c - `vdifault minimize`: the smallest plan that still gives the same finding (design 4.3). For scenarios:
 * minimize_scenario.h. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "last.h"
#include "minimize_client.h"
#include "minimize_scenario.h"
#include "os.h"
#include "reproduce.h"
#include "results.h"
#include "status_line.h"
#include "text.h"

#define NS_PER_MS INT64_C(1000000)

/* What one `vdifault minimize` owns. */
struct minimize {
    struct run_options options; /* first: the rows of run take this, too */
    const char *rule;
    const char *output;     /* NULL: stdout */
    const char *to_c, *gdb; /* of a scenario */
    int64_t within_ms;
    struct trial_bench bench;
    struct reproduction reproduction;
    uint32_t faults_given;
    FILE *out;
    FILE *text; /* what a person reads */
    char *repeat;
    struct status_line line;
};

/* ---- options ---- */

static int set_rule(void *context, const char *value)
{
    if (rule_find(value) == NULL) {
        cli_error("minimize: --rule '%s': expected a rule that vdifault rules lists", value);
        return -1;
    }
    ((struct minimize *)context)->rule = value;
    return 0;
}

OPTION_TEXT(set_output, struct minimize, output)
OPTION_TEXT(set_to_c, struct minimize, to_c)
OPTION_TEXT(set_gdb, struct minimize, gdb)

static int set_within(void *context, const char *value)
{
    if (text_seconds(value, &((struct minimize *)context)->within_ms) != 0) {
        cli_error("minimize: --within '%s': expected seconds above 0, for example 300", value);
        return -1;
    }
    return 0;
}

static int refuse_plan_part(void *context, const char *value)
{
    (void)context;
    (void)value;
    cli_error("minimize: expected faults and the server's settings in the PLAN, not as options");
    return -1;
}

static int refuse_trace(void *context, const char *value)
{
    (void)context;
    (void)value;
    cli_error("minimize: --trace is an option of run: expected it there, with the plan that comes of this");
    return -1;
}

static const struct option_row rows[] = {
    {"rule", "RULE", "the finding of this rule (default: the most severe one)", set_rule},
    {"output", "FILE", "the plan that comes of it (default: stdout)", set_output},
    {"within", "SEC", "no run begins later: then it is the smallest plan so far (default 600)", set_within},
    {"to-c", "FILE", "of a scenario: a cmocka test of it, for the installed libvdifault-play", set_to_c},
    {"gdb", "FILE", "of a scenario in --output: a script for gdb -x that stops in the call that decides",
     set_gdb},
    OUTPUT_ROWS,
    {"fault", NULL, NULL, refuse_plan_part},
    {"plan", NULL, NULL, refuse_plan_part},
    {"size", NULL, NULL, refuse_plan_part},
    {"seed", NULL, NULL, refuse_plan_part},
    {"database", NULL, NULL, refuse_plan_part},
    {"trace", NULL, NULL, refuse_trace},
    {NULL, NULL, NULL, NULL},
};

static int open_outputs(struct minimize *minimize)
{
    struct outputs *outputs = &minimize->options.outputs;
    bool report_out = outputs_take_stdout(outputs);
    if (report_out && minimize->output == NULL) {
        cli_error("minimize: a report on stdout: expected --output FILE, too: the plan goes to stdout");
        return CLI_USAGE;
    }
    minimize->text = report_out || minimize->output == NULL ? stderr : stdout;
    /* What the file holds stays until there is something to put in its place: it may be the given plan. */
    minimize->out = minimize->output != NULL ? fopen(minimize->output, "ae") : stdout;
    if (minimize->out == NULL) {
        cli_error("minimize: --output: cannot write '%s': %s", minimize->output, strerror(errno));
        return CLI_USAGE;
    }
    return outputs_open(outputs, "minimize");
}

/* "vdifault run OPTION... --plan FILE -- CLIENT [ARG]..." */
static char *make_repeat(const struct minimize *minimize, int first, char **argv)
{
    const struct run_options *options = &minimize->options;
    const char *const plan[] = {"--plan", minimize->output != NULL ? minimize->output : "FILE", "--"};
    char **words = calloc((size_t)(first + 5 + options->client_argc), sizeof *words);
    char *line = NULL;
    if (words != NULL) {
        int count = 2;
        words[0] = argv[-1]; /* the command itself: a verb's arguments are the tail of main's */
        words[1] = (char *)"run";
        count += option_pass_on(rows, run_option_rows, first - 1, argv + 1, words + count);
        for (int i = 0; i < 3; i++) {
            words[count++] = (char *)plan[i];
        }
        for (int i = 0; i < options->client_argc; i++) {
            words[count++] = options->client_argv[i];
        }
        line = text_repeat_line(count, words);
    }
    free(words);
    return line;
}

/* ---- work ---- */

/* A grader's `made`. */
static void show_progress(void *context, uint32_t run_count)
{
    struct minimize *minimize = context;
    status_line_show(&minimize->line, "%u runs, %u of %u faults left", run_count,
                     minimize->reproduction.plan.fault_count, minimize->faults_given);
}

static int resolve_last(struct minimize *minimize)
{
    struct trial *trial = malloc(sizeof *trial);
    int status = CLI_SETUP;
    if (trial != NULL) {
        status = last_resolve(trial, &minimize->bench, &minimize->reproduction.plan);
    } else {
        cli_error("minimize: no memory");
    }
    free(trial);
    return status;
}

/* What is no regular file has nothing to lose. */
static int empty(FILE *file)
{
    return file != stdout && ftruncate(fileno(file), 0) != 0 && errno != EINVAL ? errno : 0;
}

/* An exit status. */
static int write_reports(struct minimize *minimize)
{
    json_t *report = json_copy(minimize->reproduction.report);
    int status = CLI_SETUP;
    if (report != NULL &&
        json_object_set_new(report, "findings", json_pack("[O]", minimize->reproduction.finding)) == 0) {
        status = outputs_write(&minimize->options.outputs, "minimize", report);
    }
    json_decref(report);
    return status;
}

static void write_text(const struct minimize *minimize)
{
    const struct reproduction *reproduction = &minimize->reproduction;
    const json_t *finding = reproduction->finding;
    const char *where = results_where(finding);
    char grade[GRADE_TEXT_MAX];
    fprintf(minimize->text, "%s %s, repeats %s\n  %s\n", results_text(finding, "severity"),
            results_text(finding, "rule"), grade_text(&reproduction->grade, grade),
            results_text(finding, "message"));
    if (where != NULL) {
        fprintf(minimize->text, "  at %s\n", where);
    }
    fprintf(minimize->text, "%u of %u faults are left after %u candidates in %u runs; %s\n",
            reproduction->plan.fault_count, minimize->faults_given, reproduction->candidates,
            reproduction->grader.run_count,
            reproduction->minimal ? "no single step makes the plan smaller" : "there may be a smaller plan");
    if (minimize->output != NULL) {
        fprintf(minimize->text, "repeat: %s\n", minimize->repeat);
    }
}

static int report(struct minimize *minimize)
{
    struct reproduction *reproduction = &minimize->reproduction;
    if (reproduction->finding == NULL) {
        cli_error("minimize: the plan gives no finding%s%s in %u runs: nothing to keep while it shrinks",
                  minimize->rule != NULL ? " of " : "", minimize->rule != NULL ? minimize->rule : "",
                  reproduction->grade.runs);
        return CLI_SETUP;
    }
    int error = empty(minimize->out);
    if (error == 0) {
        error = reproduction_tell(reproduction, minimize->repeat, minimize->output, reproduction->finding);
    }
    if (error == 0) {
        error = reproduction_write(reproduction, minimize->repeat, minimize->out);
    }
    if (error != 0) {
        cli_error("minimize: cannot write what came of it: %s", strerror(error));
        return CLI_SETUP;
    }
    write_text(minimize);
    return write_reports(minimize);
}

static int minimize_client(struct minimize *minimize)
{
    struct reproduction *reproduction = &minimize->reproduction;
    if (trial_bench_open(&minimize->bench, &minimize->options) != 0) {
        cli_error("minimize: %s", minimize->bench.error);
        return CLI_SETUP;
    }
    minimize->bench.setup.output = open("/dev/null", O_WRONLY | O_CLOEXEC);
    reproduction->plan = minimize->options.plan;
    int status = resolve_last(minimize);
    if (status != CLI_CLEAN) {
        return status;
    }
    minimize->faults_given = reproduction->plan.fault_count;
    status_line_start(&minimize->line);
    reproduction->rule = minimize->rule;
    reproduction->grader = (struct grader){
        .bench = &minimize->bench,
        .deadline_ns = os_now() + minimize->within_ms * NS_PER_MS,
        .made = show_progress,
        .context = minimize,
    };
    int error = reproduce(reproduction);
    status_line_end(&minimize->line);
    if (reproduction->grader.interrupted != 0) {
        cli_error("minimize: ended by signal %d (%s)", reproduction->grader.interrupted,
                  strsignal(reproduction->grader.interrupted));
        return 128 + reproduction->grader.interrupted;
    }
    if (error != 0) {
        cli_error("minimize: %s", strerror(error));
        return CLI_SETUP;
    }
    return report(minimize);
}

static void minimize_end(struct minimize *minimize)
{
    reproduction_free(&minimize->reproduction);
    if (minimize->bench.setup.output > 0) {
        close(minimize->bench.setup.output);
    }
    trial_bench_close(&minimize->bench);
    if (minimize->out != NULL && minimize->out != stdout) {
        fclose(minimize->out);
    }
    outputs_close(&minimize->options.outputs);
    run_options_free(&minimize->options);
    free(minimize->repeat);
    free(minimize);
}

/* Of run's options none has a meaning without a client. */
static int check_alone(const struct minimize *minimize, int first, char **argv)
{
    char **given = calloc((size_t)first, sizeof *given);
    int count = given != NULL ? option_pass_on(rows, run_option_rows, first - 1, argv + 1, given) : 0;
    bool more = count > 0 || minimize->rule != NULL || outputs_are_asked(&minimize->options.outputs);
    free(given);
    if (more) {
        cli_error(
            "minimize: no client given; a scenario, which needs none, has no options but --output, "
            "--within, --to-c and --gdb");
    } else if (minimize->gdb != NULL && minimize->output == NULL) {
        cli_error("minimize: --gdb: expected --output FILE, too: what the script plays");
        more = true;
    }
    return more ? CLI_USAGE : CLI_CLEAN;
}

/* PLAN [--] CLIENT [ARG]... from `first` on. */
static int read_operands(struct minimize *minimize, int first, int argc, char **argv)
{
    int client = first + 1;
    client += client < argc && strcmp(argv[client], "--") == 0;
    if (minimize->to_c != NULL || minimize->gdb != NULL) {
        cli_error("minimize: --to-c and --gdb are of scenarios: expected none of a client");
        return CLI_USAGE;
    }
    if (client >= argc) {
        cli_error("minimize: no %s given; expected: vdifault minimize [options] PLAN -- CLIENT [ARG]...",
                  first < argc ? "client" : "plan");
        return CLI_USAGE;
    }
    minimize->options.client_argc = argc - client;
    minimize->options.client_argv = argv + client;
    if (run_options_set(&minimize->options, "plan", argv[first]) != 0 ||
        run_options_check(&minimize->options) != 0) {
        return CLI_USAGE;
    }
    minimize->repeat = make_repeat(minimize, first, argv);
    return minimize->repeat != NULL ? cli_check_dialect("minimize") : CLI_SETUP;
}

static int minimize_with_client(struct minimize *minimize, int first, int argc, char **argv)
{
    int status = read_operands(minimize, first, argc, argv);
    status = status == CLI_CLEAN ? open_outputs(minimize) : status;
    return status == CLI_CLEAN ? minimize_client(minimize) : status;
}

/* A scenario, or a plan whose client is missing. */
static int minimize_alone(const struct minimize *minimize, int first, int argc, char **argv)
{
    char *command = text_command_line(argc + 1, argv - 1);
    const struct minimize_options options = {.path = argv[first],
                                             .output = minimize->output,
                                             .to_c = minimize->to_c,
                                             .gdb = minimize->gdb,
                                             .command = command,
                                             .within_ms = minimize->within_ms};
    int status = command != NULL ? check_alone(minimize, first, argv) : CLI_SETUP;
    status = status == CLI_CLEAN ? minimize_scenario(&options) : status;
    free(command);
    return status;
}

static int run_minimize(int argc, char **argv)
{
    enum {
        WITHIN_MS = 600000
    };
    int first = 0;
    int status = CLI_CLEAN;
    if (minimize_names_program(argc, argv)) {
        return minimize_by_program(argc, argv);
    }
    struct minimize *minimize = calloc(1, sizeof *minimize);
    if (minimize == NULL) {
        cli_error("minimize: no memory");
        return CLI_SETUP;
    }
    minimize->bench.setup.signals = -1;
    minimize->within_ms = WITHIN_MS;
    run_options_init(&minimize->options, "minimize");
    minimize->options.input = STDIN_NULL; /* many clients cannot share one */
    if (cli_verb_start(&verb_minimize, argc, argv, minimize, &first, &status) == 0) {
        status = first + 1 == argc ? minimize_alone(minimize, first, argc, argv)
                                   : minimize_with_client(minimize, first, argc, argv);
    }
    minimize_end(minimize);
    return status;
}

const struct verb verb_minimize = {
    .name = "minimize",
    .arguments =
        "[options] PLAN -- CLIENT [ARG]... | [options] SCENARIO\n"
        "       vdifault minimize --client PROGRAM [--output FILE] [--to-c TEST.c] ARTIFACT",
    .summary = "the smallest plan, or scenario, that still gives the same finding",
    .options = rows,
    .shared = run_option_rows,
    .examples =
        "  vdifault minimize found.plan -- ./backup_client set1 {run}/out.bak >smallest.plan\n"
        "      runs the plan ten times for its worst finding, then ever smaller ones: fewer faults, earlier\n"
        "      sites, usual arguments, fewer settings, a smaller database\n\n"
        "  vdifault minimize --rule VDI-OUT-001 --output smallest.plan found.plan -- ./backup_client set1 "
        "{run}/out.bak\n"
        "      the finding of this rule; vdifault run --plan smallest.plan repeats it\n\n"
        "  vdifault minimize --output smallest.scenario crash-0eb8e4ed\n"
        "      what a fuzzer found: fewer lines, a simpler setting, arguments nearer to 0; see vdifault "
        "replay\n\n"
        "  vdifault minimize --output smallest.scenario --to-c test.c --gdb stop.gdb crash-0eb8e4ed\n"
        "  cc -std=c17 test.c $(pkg-config --cflags --libs vdifault-play cmocka)\n"
        "  gdb -x stop.gdb\n"
        "      a cmocka test that fails in the same way, and a debugger in the core's function of the "
        "call\n\n"
        "  vdifault minimize --client ./my_fuzzer_replay --to-c test.c crash-39b69a5f\n"
        "      what a client's fuzzer found (vdifault.h): the smallest plan, and a test of cmocka's that "
        "fails as long\n"
        "      as the client has the bug\n\n"
        "exit status: 0 there is a plan, 2 usage, 3 the given plan shows no such finding; 128 + N after "
        "signal N\n",
    .run = run_minimize,
};
