/* sweep.c - `vdifault sweep`: every fault at every site (design 4.3). */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "dialect.h"
#include "os.h"
#include "results.h"
#include "sweep.h"
#include "sweep_reproduce.h"

#define NS_PER_MS 1000000

/* ---- before the runs ---- */

/* "vdifault run OPTION...": what all runs share. */
static int make_command(struct sweep *sweep, int first, char **argv)
{
    sweep->command = calloc((size_t)first + 2, sizeof *sweep->command);
    if (sweep->command == NULL) {
        return ENOMEM;
    }
    sweep->command[0] = argv[-1]; /* the command itself: a verb's arguments are the tail of main's */
    sweep->command[1] = (char *)"run";
    sweep->work.command = sweep->command;
    sweep->work.command_count =
        2 + option_pass_on(sweep_option_rows, run_option_rows, first - 1, argv + 1, sweep->command + 2);
    return 0;
}

static int open_outputs(struct sweep *sweep)
{
    struct outputs *outputs = &sweep->options.run.outputs;
    const char *json = outputs->path[OUTPUT_JSON];
    int status = outputs_open(outputs, "sweep");
    if (sweep->options.journal == NULL && json != NULL && strcmp(json, "-") != 0 &&
        asprintf(&sweep->journal_path, "%s.journal", json) < 0) {
        sweep->journal_path = NULL;
    }
    return status;
}

/* Another program, or other options, would make other runs of the same ids. */
static json_t *identity(const struct sweep *sweep)
{
    const struct sweep_options *options = &sweep->options;
    const struct run_options *run = &options->run;
    struct stat info = {0};
    json_t *client = json_array(), *command = json_array();
    const char *dialect = sweep->work.dialect != NULL ? sweep->work.dialect : "";
    (void)stat(sweep->bench.client.path, &info);
    for (int i = 0; i < run->client_argc; i++) {
        json_array_append_new(client, json_string(run->client_argv[i]));
    }
    for (int i = 1; i < sweep->work.command_count; i++) {
        json_array_append_new(command, json_string(sweep->work.command[i]));
    }
    return json_pack(
        "{s:s, s:o, s:o, s:s, s:s, s:[I,I,I], s:[i,i,i,i,I,b,b,b]}", "sweep", VDIFAULT_VERSION, "client",
        client, "options", command, "dialect", dialect, "program", sweep->bench.client.path, "file",
        (json_int_t)info.st_size, (json_int_t)info.st_mtim.tv_sec, (json_int_t)info.st_mtim.tv_nsec, "choice",
        (int)options->per_stack, (int)options->shard.index, (int)options->shard.count, (int)options->pairs,
        (json_int_t)options->kinds, options->hostile, options->dialects, options->coverage);
}

/* A sweep_journal_take. */
static void keep_noted(void *context, size_t line, json_t *object)
{
    struct sweep *sweep = context;
    char key[SWEEP_NOTED_MAX];
    sweep_noted_key((uint32_t)results_number(object, "id", 0), results_text(object, "key"), key, sizeof key);
    if (strcmp(results_text(object, "outcome"), "error") == 0) { /* it may be possible now */
        json_decref(object);
    } else if (json_object_set_new(object, "line", json_integer((json_int_t)line)) != 0 ||
               json_object_set_new(sweep->noted, key, object) != 0) {
        sweep->error = ENOMEM;
    }
}

static int open_journal(struct sweep *sweep)
{
    const char *given = sweep->options.journal;
    const char *path = given != NULL ? given : sweep->journal_path;
    sweep->noted = json_object();
    int error = sweep_journal_open(&sweep->journal, path, identity(sweep), keep_noted, sweep);
    if (error == EEXIST &&
        given == NULL) { /* of an earlier program or with other options: nobody asked to go on */
        sweep_journal_close(&sweep->journal, true);
        error = sweep_journal_open(&sweep->journal, path, identity(sweep), keep_noted, sweep);
    }
    if (error == EEXIST) {
        cli_error(
            "sweep: journal '%s' is not of this sweep (client, options or version differ): expected a new "
            "file, or the same command",
            path);
        return CLI_USAGE;
    }
    if (error == EBUSY) {
        cli_error(
            "sweep: journal '%s': another sweep is writing it: expected another file, or that sweep to end",
            path);
        return CLI_USAGE;
    }
    if (error == 0) {
        return CLI_CLEAN;
    }
    cli_error("sweep: journal '%s': %s%s", path,
              error == EINVAL ? "expected a regular file" : strerror(error),
              given == NULL ? ": nothing is noted" : "");
    sweep_journal_close(&sweep->journal, false);
    sweep->journal.path = NULL;
    return given != NULL ? CLI_SETUP : CLI_CLEAN; /* nobody asked for that file */
}

/* Counters of an interrupted sweep are gone on with, as its runs are. */
static int open_coverage(struct sweep *sweep)
{
    if (!sweep->options.coverage) {
        return CLI_CLEAN;
    }
    if (coverage_open(&sweep->coverage, sweep->journal.path, json_object_size(sweep->noted) == 0) != 0) {
        cli_error("sweep: %s", sweep->coverage.error);
        return CLI_SETUP;
    }
    sweep->work.coverage = &sweep->coverage;
    return CLI_CLEAN;
}

/* ---- clean passes ---- */

static int interrupted_status(int signal)
{
    cli_error("sweep: ended by signal %d (%s)", signal, strsignal(signal));
    return 128 + signal;
}

/* Runs under each other reading: sites may differ from the usual ones. */
static int plan_dialects(struct sweep *sweep)
{
    int error = 0;
    int interrupted = 0;
    for (int32_t dialect = 0; dialect < DIALECT_CHOICES && error == 0 && interrupted == 0; dialect++) {
        struct sweep_clean clean;
        error = sweep_clean_make(&clean, &sweep->work, dialect);
        interrupted = clean.interrupted;
        if (error == 0) {
            error = sweep_plan_add_dialect(&sweep->plan, dialect);
        }
        if (error == 0) {
            error = sweep_plan_add(&sweep->plan, &clean.sites, &sweep->choice, dialect);
        }
        sweep_clean_free(&clean);
    }
    sweep->error = error;
    return interrupted != 0 ? interrupted_status(interrupted) : error != 0 ? CLI_SETUP : CLI_CLEAN;
}

/* Clean passes have asked the client. CLI_CLEAN: the sweep goes on. */
static int settle_fork_server(struct sweep *sweep)
{
    struct fork_server *server = sweep->bench.setup.fork_server;
    if (server == NULL) {
        return CLI_CLEAN;
    }
    fork_server_listen(server);
    sweep->work.forks = server->pid != 0;
    bool needed = sweep->options.fork_server == FORK_SERVER_ON && !sweep->work.forks;
    if (needed) {
        cli_error("sweep: --fork-server on: the client cannot be copied: %s", server->why);
    } else if (!sweep->work.forks) {
        cli_error("sweep: each run starts the client anew (--fork-server auto): %s", server->why);
    }
    trial_bench_leave(&sweep->bench);
    return needed ? CLI_SETUP : CLI_CLEAN;
}

/* CLI_CLEAN: the sweep goes on. */
static int make_clean_passes(struct sweep *sweep)
{
    struct sweep_clean *clean = &sweep->clean;
    sweep->error = sweep_clean_make(clean, &sweep->work, SWEEP_USUAL);
    if (sweep->error != 0) {
        return CLI_SETUP;
    }
    if (clean->interrupted != 0) {
        return interrupted_status(clean->interrupted);
    }
    if (clean->status == CLI_SETUP || (clean->status == CLI_FINDINGS && !sweep->options.anyway)) {
        cli_error("sweep: %s: nothing was swept",
                  clean->status == CLI_FINDINGS
                      ? "the client has findings without any fault (--anyway goes on)"
                      : "no run without a fault could be made, the report says why");
        sweep->error = sweep_result_add(&sweep->result, json_incref(clean->report));
        sweep->jobs = 1;
        return clean->status;
    }
    if (sweep->options.coverage && coverage_check(&sweep->coverage) != 0) {
        cli_error("sweep: %s", sweep->coverage.error);
        return CLI_SETUP;
    }
    sweep->jobs = sweep->options.jobs;
    if (clean->shared != NULL && sweep->jobs > 1) {
        cli_error(
            "sweep: every run writes '%s', so they are made one at a time; {run} in the client's arguments "
            "is a folder of each run's own",
            clean->shared);
        sweep->jobs = 1;
    }
    if (sweep->jobs > 1 && job_options_are_shared(&sweep->options.run.jobs)) {
        cli_error(
            "sweep: every run waits for --ready %s, so they are made one at a time; a file in {run} is each "
            "run's own",
            sweep->options.run.jobs.ready_text);
        sweep->jobs = 1;
    }
    sweep->error = sweep_plan_add(&sweep->plan, &clean->sites, &sweep->choice, SWEEP_USUAL);
    if (sweep->error != 0) {
        return CLI_SETUP;
    }
    return sweep->options.dialects ? plan_dialects(sweep) : CLI_CLEAN;
}

/* ---- after the runs ---- */

static int write_reports(struct sweep *sweep, json_t *report)
{
    const struct outputs *outputs = &sweep->options.run.outputs;
    FILE *text = outputs_take_stdout(outputs) ? stderr : stdout;
    bool color = isatty(fileno(text)) != 0 && getenv("NO_COLOR") == NULL;
    int error = report_sweep_text(text, report, color);
    if (error != 0) {
        cli_error("sweep: cannot write the report: %s", strerror(error));
    }
    return outputs_write(outputs, "sweep", report) == CLI_CLEAN && error == 0 ? CLI_CLEAN : CLI_SETUP;
}

/* The runs are worth a report without it, too. */
static int add_coverage(struct sweep *sweep, json_t *report)
{
    json_t *value = NULL;
    if (!sweep->options.coverage) {
        return 0;
    }
    value = coverage_value(&sweep->coverage, json_object_get(report, "runs"));
    if (value == NULL) {
        cli_error("sweep: %s", sweep->coverage.error);
        return 0;
    }
    return json_object_set_new(report, "coverage", value) != 0 ? ENOMEM : 0;
}

static int status_of(const json_t *report)
{
    const char *outcome = results_text(report, "outcome");
    bool vacuous = results_number(json_object_get(report, "summary"), "vacuous", 0) > 0;
    return strcmp(outcome, "error") == 0      ? CLI_SETUP
           : strcmp(outcome, "findings") == 0 ? CLI_FINDINGS
           : vacuous                          ? CLI_SETUP
                                              : CLI_CLEAN;
}

/* *told: the report was written, and nothing is left to go on with. */
static int report(struct sweep *sweep, bool *told)
{
    const struct sweep_facts facts = {
        .sites = &sweep->clean.sites,
        .argv = json_object_get(json_object_get(sweep->clean.report, "client"), "argv"),
        .seed = sweep->options.run.plan.seed,
        .shard = sweep->options.shard,
        .wall_ms = (os_now() - sweep->start_ns) / NS_PER_MS,
        .version = VDIFAULT_VERSION,
    };
    json_t *whole = sweep_result_report(&sweep->result, &facts);
    int status = CLI_SETUP;
    int error = whole == NULL ? ENOMEM : add_coverage(sweep, whole);
    if (error == 0 && !sweep->options.no_minimize) {
        sweep_reproduce(sweep, whole);
        error = sweep->error;
    }
    if (error != 0) {
        cli_error("sweep: cannot write the report: %s", strerror(error));
    } else if (sweep->pool.interrupted == 0 && write_reports(sweep, whole) == CLI_CLEAN) {
        status = status_of(whole);
        *told = true;
    }
    json_decref(whole);
    return status;
}

/* A sweep that a signal or an error ended: what it did is in the journal. */
static int give_up(struct sweep *sweep)
{
    int signal = sweep->pool.interrupted;
    if (signal == 0) {
        cli_error("sweep: %s", strerror(sweep->error));
    }
    cli_error("sweep: %zu of %zu runs were made%s%s", sweep->result.count, sweep->all,
              sweep->journal.path != NULL ? "; the same command goes on from there, by the journal " : "",
              sweep->journal.path != NULL ? sweep->journal.path : "");
    return signal != 0 ? interrupted_status(signal) : CLI_SETUP;
}

static int sweep_client(struct sweep *sweep)
{
    sweep->start_ns = os_now();
    if (trial_bench_open(&sweep->bench, &sweep->options.run) != 0) {
        cli_error("sweep: %s", sweep->bench.error);
        return CLI_SETUP;
    }
    sweep->bench.setup.output = open("/dev/null", O_WRONLY | O_CLOEXEC);
    sweep->bench.setup.discard_counters = true;
    int status = open_journal(sweep);
    /* Counters that are written as the program runs go to the file of where it began. */
    if (status == CLI_CLEAN && sweep->options.fork_server != FORK_SERVER_OFF && !sweep->options.coverage) {
        trial_bench_fork(&sweep->bench);
    }
    if (status == CLI_CLEAN) {
        status = open_coverage(sweep);
    }
    if (status == CLI_CLEAN) {
        status = make_clean_passes(sweep);
    }
    if (status == CLI_CLEAN) {
        status = settle_fork_server(sweep);
    }
    if (status == CLI_CLEAN) {
        sweep_make_runs(sweep);
    }
    if (sweep->error != 0 || sweep->pool.interrupted != 0) {
        return give_up(sweep);
    }
    if (status != CLI_CLEAN && sweep->result.count == 0) {
        return status;
    }
    bool told = false;
    status = report(sweep, &told);
    if (sweep->pool.interrupted != 0) {
        return give_up(sweep);
    }
    sweep_journal_close(&sweep->journal, told && sweep->options.journal == NULL);
    return status;
}

static void sweep_end(struct sweep *sweep)
{
    /* As long as the journal is kept. */
    bool keep = sweep->result.count > 0 && sweep->journal.path != NULL &&
                (sweep->options.journal != NULL || sweep->journal.file >= 0);
    coverage_close(&sweep->coverage, keep);
    sweep_journal_close(&sweep->journal, false);
    json_decref(sweep->noted);
    sweep_result_free(&sweep->result);
    sweep_plan_free(&sweep->pairs);
    sweep_plan_free(&sweep->plan);
    sweep_clean_free(&sweep->clean);
    if (sweep->bench.setup.output > 0) {
        close(sweep->bench.setup.output);
    }
    trial_bench_leave(&sweep->bench);
    trial_bench_close(&sweep->bench);
    outputs_close(&sweep->options.run.outputs);
    run_options_free(&sweep->options.run);
    free(sweep->journal_path);
    free(sweep->command);
    free(sweep);
}

/* What the options say, for those who need it. */
static void settle(struct sweep *sweep)
{
    const struct sweep_options *options = &sweep->options;
    const char *guard = options->run.guard != NULL ? options->run.guard : getenv("VDIFAULT_GUARD");
    const char *dialect = getenv(DIALECT_VARIABLE);
    sweep->choice = (struct sweep_choice){
        .per_stack = options->per_stack,
        .kinds = options->kinds,
        .hostile = options->hostile,
        .guard = guard == NULL || strcmp(guard, "off") != 0,
    };
    sweep->work.bench = &sweep->bench;
    sweep->work.choice = &sweep->choice;
    sweep->work.plans = options->plans;
    sweep->work.dialect = dialect != NULL && dialect[0] != '\0' ? strdup(dialect) : NULL;
}

static int run_sweep(int argc, char **argv)
{
    int first = 0;
    int status = CLI_CLEAN;
    struct sweep *sweep = calloc(1, sizeof *sweep);
    if (sweep == NULL) {
        cli_error("sweep: no memory");
        return CLI_SETUP;
    }
    sweep->bench.setup.signals = -1;
    sweep->journal.file = -1;
    sweep_options_init(&sweep->options);
    if (cli_verb_start(&verb_sweep, argc, argv, &sweep->options, &first, &status) != 0) {
        goto out;
    }
    sweep->options.run.client_argc = argc - first;
    sweep->options.run.client_argv = argv + first;
    if (first >= argc) {
        cli_error("sweep: no client given; expected: vdifault sweep [options] -- CLIENT [ARG]...");
        status = CLI_USAGE;
        goto out;
    }
    status = sweep_options_check(&sweep->options) == 0 ? cli_check_dialect("sweep") : CLI_USAGE;
    if (status == CLI_CLEAN) {
        settle(sweep);
        status = make_command(sweep, first, argv) == 0 ? open_outputs(sweep) : CLI_SETUP;
    }
    if (status == CLI_CLEAN) {
        status = sweep_client(sweep);
    }
out:
    free((char *)sweep->work.dialect);
    sweep_end(sweep);
    return status;
}

const struct verb verb_sweep = {
    .name = "sweep",
    .arguments = "[options] -- CLIENT [ARG]...",
    .summary = "every fault at every site of a client's run, judged",
    .options = sweep_option_rows,
    .shared = run_option_rows,
    .examples =
        "  vdifault sweep -- ./backup_client set1 {run}/out.bak\n"
        "      {run} is a folder of each run's own: runs are made side by side\n\n"
        "  vdifault sweep --html report.html --junit report.xml -- ./backup_client set1 {run}/out.bak\n"
        "      a page to look at, and one test for each site and fault\n\n"
        "  vdifault sweep --json report.json --pairs 500 --dialects -- ./backup_client set1 {run}/out.bak\n"
        "      more of it; ^C ends the sweep, the same command goes on from there\n\n"
        "  vdifault sweep --shard 2/3 --json part2.json -- ./backup_client set1 {run}/out.bak\n"
        "      the second of three machines\n\n"
        "exit status: 0 no finding of --fail-on severity, 1 findings, 2 usage, 3 a run could not be made "
        "or,\n"
        "with no finding, its fault never fired; 128 + N after signal N\n",
    .run = run_sweep,
};
