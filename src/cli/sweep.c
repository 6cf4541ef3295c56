/* sweep.c - `vdifault sweep`: every fault at every site (design 4.3). */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli.h"
#include "dialect.h"
#include "os.h"
#include "results.h"
#include "sweep_clean.h"
#include "sweep_journal.h"
#include "sweep_options.h"
#include "sweep_pool.h"
#include "sweep_progress.h"
#include "sweep_result.h"

#define NS_PER_MS 1000000

/* What one `vdifault sweep` owns. */
struct sweep {
    struct sweep_options options;
    struct sweep_choice choice;
    struct trial_bench bench;
    struct sweep_work work;
    struct sweep_clean clean;
    struct sweep_plan plan;  /* runs of one fault, and those under a dialect alone */
    struct sweep_plan pairs; /* of this shard */
    struct sweep_pool pool;
    struct sweep_journal journal;
    struct sweep_result result;
    struct sweep_progress progress;
    json_t **noted; /* runs that the journal had, in its order */
    size_t noted_count;
    char **command; /* sweep_work.command */
    char *journal_path;
    FILE *json;
    size_t all; /* runs this sweep makes, as far as known */
    int64_t start_ns;
    uint32_t jobs;
    int error; /* of the journal, or no memory */
};

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
    sweep->work.command_count = 2 + sweep_options_of_run(first - 1, argv + 1, sweep->command + 2);
    return 0;
}

static int open_outputs(struct sweep *sweep)
{
    const char *json = sweep->options.json;
    bool is_file = json != NULL && strcmp(json, "-") != 0;
    if (json != NULL) {
        sweep->json = is_file ? fopen(json, "we") : stdout;
    }
    if (json != NULL && sweep->json == NULL) {
        cli_error("sweep: --json: cannot write '%s': %s", json, strerror(errno));
        return CLI_USAGE;
    }
    if (sweep->options.journal == NULL && is_file && asprintf(&sweep->journal_path, "%s.journal", json) < 0) {
        sweep->journal_path = NULL;
    }
    return CLI_CLEAN;
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
    return json_pack("{s:s, s:o, s:o, s:s, s:s, s:[I,I,I], s:[i,i,i,b,b]}", "sweep", VDIFAULT_VERSION,
                     "client", client, "options", command, "dialect", dialect, "program",
                     sweep->bench.client.path, "file", (json_int_t)info.st_size,
                     (json_int_t)info.st_mtim.tv_sec, (json_int_t)info.st_mtim.tv_nsec, "choice",
                     (int)options->per_stack, (int)options->shard.index, (int)options->shard.count,
                     options->hostile, options->dialects);
}

/* A sweep_journal_take. */
static void keep_noted(void *context, json_t *object)
{
    struct sweep *sweep = context;
    json_t **noted = realloc(sweep->noted, (sweep->noted_count + 1) * sizeof(json_t *));
    if (noted == NULL) {
        sweep->error = ENOMEM;
        json_decref(object);
        return;
    }
    sweep->noted = noted;
    noted[sweep->noted_count++] = object;
}

static int open_journal(struct sweep *sweep)
{
    const char *given = sweep->options.journal;
    const char *path = given != NULL ? given : sweep->journal_path;
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
    if (error != 0) {
        cli_error("sweep: journal '%s': %s", path, strerror(error));
    }
    return error != 0 ? CLI_SETUP : CLI_CLEAN;
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
        cli_error("sweep: the client fails without any fault: nothing was swept%s",
                  clean->status == CLI_FINDINGS ? " (--anyway goes on)" : "");
        sweep->error = sweep_result_add(&sweep->result, json_incref(clean->report));
        return clean->status;
    }
    sweep->jobs = sweep->options.jobs;
    if (clean->shared != NULL && sweep->jobs > 1) {
        cli_error(
            "sweep: every run writes '%s', so they are made one at a time; {run} in the client's arguments "
            "is a folder of each run's own",
            clean->shared);
        sweep->jobs = 1;
    }
    sweep->error = sweep_plan_add(&sweep->plan, &clean->sites, &sweep->choice, SWEEP_USUAL);
    if (sweep->error != 0) {
        return CLI_SETUP;
    }
    return sweep->options.dialects ? plan_dialects(sweep) : CLI_CLEAN;
}

/* ---- runs ---- */

/* A sweep_take. */
static void take_run(void *context, const struct sweep_run *run, json_t *object)
{
    struct sweep *sweep = context;
    (void)run;
    if (object == NULL) {
        sweep->error = ENOMEM;
        return;
    }
    int error = sweep_journal_add(&sweep->journal, object);
    sweep->error = error != 0 ? error : sweep->error;
    error = sweep_result_add(&sweep->result, object);
    sweep->error = error != 0 ? error : sweep->error;
}

/* What the journal has of this run. */
static json_t *find_noted(const struct sweep *sweep, const struct sweep_run *run)
{
    char key[SWEEP_KEY_MAX];
    sweep_run_key(run, key, sizeof key);
    for (size_t i = 0; i < sweep->noted_count; i++) {
        json_t *noted = sweep->noted[i];
        if ((uint32_t)json_integer_value(json_object_get(noted, "id")) == run->id &&
            strcmp(results_text(noted, "key"), key) == 0) {
            return noted;
        }
    }
    return NULL;
}

static bool is_going(const struct sweep *sweep)
{
    return sweep->error == 0 && sweep->pool.interrupted == 0;
}

static void wait_for_runs(struct sweep *sweep)
{
    enum {
        REDRAW_MS = 200
    };
    sweep_pool_wait(&sweep->pool, REDRAW_MS, take_run, sweep);
    sweep_progress_show(&sweep->progress, sweep->result.count, sweep->all,
                        sweep_result_findings(&sweep->result));
}

/* The runs of a list, `count` of them by `order`. */
static void make_runs(struct sweep *sweep, const struct sweep_run *runs, const uint32_t *order, size_t count)
{
    for (size_t i = 0; i < count && is_going(sweep);) {
        if (sweep_pool_give(&sweep->pool, &runs[order[i]])) {
            i++;
        } else {
            wait_for_runs(sweep);
        }
    }
    while (sweep_pool_is_busy(&sweep->pool) && is_going(sweep)) {
        wait_for_runs(sweep);
    }
}

/* Those of the plan that are this shard's and not made yet, in their order. */
static void sweep_through(struct sweep *sweep, const struct sweep_plan *plan, bool sharded)
{
    size_t count = 0;
    uint32_t *order = calloc(plan->count + 1, sizeof *order);
    if (order == NULL) {
        sweep->error = ENOMEM;
        return;
    }
    sweep_order(order, plan->count, sweep->options.shuffle, sweep->options.run.plan.seed);
    for (size_t i = 0; i < plan->count; i++) {
        const struct sweep_run *run = &plan->runs[order[i]];
        if (sharded && !sweep_shard_has(&sweep->options.shard, run->id)) {
            continue;
        }
        json_t *noted = find_noted(sweep, run);
        if (noted != NULL) {
            sweep->error = sweep_result_add(&sweep->result, json_incref(noted));
        } else {
            order[count++] = order[i];
        }
    }
    sweep->all = sweep->result.count + count;
    sweep_progress_start(&sweep->progress, sweep->result.count);
    make_runs(sweep, plan->runs, order, count);
    sweep_progress_end(&sweep->progress);
    free(order);
}

/* A run's "then" as runs. */
static int add_pairs(struct sweep *sweep, const json_t *run)
{
    const struct sweep_run *first = &sweep->plan.runs[results_number(run, "id", 0)];
    size_t index;
    json_t *text;
    json_array_foreach(json_object_get(run, "then"), index, text)
    {
        struct fault_error why;
        struct sweep_run pair = *first;
        pair.id = first->id + (uint32_t)((index + 1) * sweep->plan.count);
        if (fault_parse(json_string_value(text), &pair.faults[pair.fault_count++], &why) != 0) {
            return EINVAL;
        }
        struct sweep_run *runs = realloc(sweep->pairs.runs, (sweep->pairs.count + 1) * sizeof *runs);
        if (runs == NULL) {
            return ENOMEM;
        }
        sweep->pairs.runs = runs;
        runs[sweep->pairs.count++] = pair;
    }
    return 0;
}

static int by_id(const void *left, const void *right)
{
    uint32_t a = ((const struct sweep_run *)left)->id, b = ((const struct sweep_run *)right)->id;
    return a < b ? -1 : a > b;
}

static void sweep_pairs(struct sweep *sweep)
{
    for (size_t i = 0; i < sweep->result.count && sweep->error == 0; i++) {
        sweep->error = add_pairs(sweep, sweep->result.runs[i]);
    }
    if (sweep->error == 0 && sweep->pairs.count > 0) {
        qsort(sweep->pairs.runs, sweep->pairs.count, sizeof *sweep->pairs.runs, by_id);
        sweep_through(sweep, &sweep->pairs, false);
    }
}

static void make_all(struct sweep *sweep)
{
    sweep->work.singles = (uint32_t)sweep->plan.count;
    sweep->work.end = sweep->options.pairs > 0 ? sweep->work.singles + sweep->options.pairs : 0;
    sweep_pool_open(&sweep->pool, &sweep->work, sweep->jobs);
    sweep_through(sweep, &sweep->plan, true);
    if (sweep->options.pairs > 0 && is_going(sweep)) {
        sweep_pairs(sweep);
    }
    sweep_pool_close(&sweep->pool);
}

/* ---- after the runs ---- */

static int write_reports(struct sweep *sweep, json_t *report)
{
    FILE *text = sweep->json == stdout ? stderr : stdout;
    bool color = isatty(fileno(text)) != 0 && getenv("NO_COLOR") == NULL;
    int error = 0;
    errno = 0;
    if (sweep->json != NULL && (json_dumpf(report, sweep->json, JSON_INDENT(1)) != 0 ||
                                fputc('\n', sweep->json) == EOF || fflush(sweep->json) != 0)) {
        error = errno != 0 ? errno : EIO;
    }
    int text_error = report_sweep_text(text, report, color);
    return error != 0 ? error : text_error;
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

static int report(struct sweep *sweep)
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
    int error = whole == NULL ? ENOMEM : write_reports(sweep, whole);
    int status = error == 0 ? status_of(whole) : CLI_SETUP;
    if (error != 0) {
        cli_error("sweep: cannot write the report: %s", strerror(error));
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
    int status = open_journal(sweep);
    if (status == CLI_CLEAN) {
        status = make_clean_passes(sweep);
    }
    if (status == CLI_CLEAN) {
        make_all(sweep);
    }
    if (sweep->error != 0 || sweep->pool.interrupted != 0) {
        return give_up(sweep);
    }
    if (status != CLI_CLEAN && sweep->result.count == 0) {
        return status;
    }
    status = report(sweep);
    sweep_journal_close(&sweep->journal, sweep->options.journal == NULL);
    return status;
}

static void sweep_end(struct sweep *sweep)
{
    sweep_journal_close(&sweep->journal, false);
    for (size_t i = 0; i < sweep->noted_count; i++) {
        json_decref(sweep->noted[i]);
    }
    free(sweep->noted);
    sweep_result_free(&sweep->result);
    sweep_plan_free(&sweep->pairs);
    sweep_plan_free(&sweep->plan);
    sweep_clean_free(&sweep->clean);
    if (sweep->bench.setup.output > 0) {
        close(sweep->bench.setup.output);
    }
    trial_bench_close(&sweep->bench);
    if (sweep->json != NULL && sweep->json != stdout) {
        fclose(sweep->json);
    }
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
        .hostile = options->hostile,
        .guard = guard == NULL || strcmp(guard, "off") != 0,
    };
    sweep->work.bench = &sweep->bench;
    sweep->work.choice = &sweep->choice;
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
        "  vdifault sweep --json report.json --pairs 500 --dialects -- ./backup_client set1 {run}/out.bak\n"
        "      more of it; ^C ends the sweep, the same command goes on from there\n\n"
        "  vdifault sweep --shard 2/3 --json part2.json -- ./backup_client set1 {run}/out.bak\n"
        "      the second of three machines\n\n"
        "exit status: 0 no finding of --fail-on severity, 1 findings, 2 usage, 3 a run could not be made "
        "or,\n"
        "with no finding, its fault never fired; 128 + N after signal N\n",
    .run = run_sweep,
};
