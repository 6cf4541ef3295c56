/* run.c - `vdifault run`: one or two passes, verdict, report, exit status (design 4.3). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "last.h"
#include "text.h"
#include "trace_file.h"
#include "trial.h"

/* What one `vdifault run` owns. */
struct run {
    struct run_options options;
    struct trial_bench bench;
    struct trial trial;
    struct plan plan; /* "#last" resolved */
    FILE *trace;      /* NULL: not asked for, or not written */
    char *repeat;
};

/* What is written at the end is opened before anything runs. */
static int open_outputs(struct run *run)
{
    const char *trace = run->options.trace;
    run->trace = trace != NULL ? fopen(trace, "we") : NULL;
    if (trace != NULL && run->trace == NULL) {
        cli_error("run: --trace: cannot write '%s': %s", trace, strerror(errno));
        return CLI_USAGE;
    }
    return outputs_open(&run->options.outputs, "run");
}

/* ---- passes ---- */

/* After a signal, as a shell reports it. */
static int interrupted_status(const struct session *session)
{
    return 128 + session->interrupted;
}

/* Before anything is judged: a run that cannot be judged is the one to look at. */
static int save_trace(struct run *run)
{
    struct trace_save save = {
        .options = &run->options,
        .session = &run->trial.session,
        .plan = &run->plan,
        .repeat = run->repeat,
        .started = run->trial.started,
    };
    int error = run->trace != NULL ? trace_save(run->trace, &save) : 0;
    if (error != 0) {
        cli_error("run: --trace: cannot write '%s': %s", run->options.trace, strerror(error));
    }
    return error != 0 ? CLI_SETUP : CLI_CLEAN;
}

/* The exit status. */
static int write_outputs(struct run *run, const struct verdict *verdict)
{
    json_t *report = NULL;
    int status = verdict->status;
    if (!outputs_are_asked(&run->options.outputs)) {
        return status;
    }
    int error = verdict_value(verdict, &report);
    if (error != 0) {
        cli_error("run: cannot write the report: %s", strerror(error));
        status = CLI_SETUP;
    } else if (outputs_write(&run->options.outputs, "run", report) != CLI_CLEAN) {
        status = CLI_SETUP;
    }
    json_decref(report);
    return status;
}

static int judge_and_report(struct run *run)
{
    struct trial *trial = &run->trial;
    int error = trial_judge(trial, &run->bench, run->repeat);
    if (error != 0) {
        cli_error("run: cannot judge the run: %s", strerror(error));
        return CLI_SETUP;
    }
    error =
        verdict_write(&trial->verdict, outputs_take_stdout(&run->options.outputs) ? stderr : stdout, NULL);
    if (error != 0) {
        cli_error("run: cannot write the report: %s", strerror(error));
        return CLI_SETUP;
    }
    return write_outputs(run, &trial->verdict);
}

static int make_passes(struct run *run)
{
    const struct session *session = &run->trial.session;
    int status = last_resolve(&run->trial, &run->bench, &run->plan);
    if (status != CLI_CLEAN) {
        return status;
    }
    trial_pass(&run->trial, &run->bench, &run->plan);
    int saved = save_trace(run);
    if (session->interrupted != 0) {
        cli_error("run: ended by signal %d (%s)", session->interrupted, strsignal(session->interrupted));
        status = interrupted_status(session);
    } else {
        status = judge_and_report(run);
    }
    trial_end(&run->trial);
    return saved != CLI_CLEAN && status <= CLI_FINDINGS ? saved : status;
}

static void run_end(struct run *run)
{
    free(run->repeat);
    outputs_close(&run->options.outputs);
    run_options_free(&run->options);
    if (run->trace != NULL) {
        fclose(run->trace);
    }
    trial_bench_close(&run->bench);
    free(run);
}

/* A run that could not even start: the reason on stderr, and in the reports, which scripts read. */
static int refuse(struct run *run)
{
    struct session *session = &run->trial.session;
    struct verdict_input input = {
        .options = &run->options, .session = session, .plan = &run->plan, .repeat = run->repeat};
    struct verdict verdict;
    snprintf(session->error, sizeof session->error, "%s", run->bench.error);
    cli_error("run: %s", session->error);
    save_trace(run);
    int error = verdict_make(&verdict, &input);
    if (error != 0) {
        cli_error("run: cannot judge the run: %s", strerror(error));
    }
    int status = error == 0 ? write_outputs(run, &verdict) : CLI_SETUP;
    verdict_free(&verdict);
    return status;
}

static int run_client(struct run *run)
{
    int status = open_outputs(run);
    if (status != CLI_CLEAN) {
        return status;
    }
    run->plan = run->options.plan;
    return trial_bench_open(&run->bench, &run->options) == 0 ? make_passes(run) : refuse(run);
}

static int run_run(int argc, char **argv)
{
    int first = 0;
    int status = CLI_CLEAN;
    struct run *run = calloc(1, sizeof *run);
    if (run == NULL) {
        cli_error("run: no memory");
        return CLI_SETUP;
    }
    run->bench.setup.signals = -1;
    run_options_init(&run->options, "run");
    if (cli_verb_start(&verb_run, argc, argv, &run->options, &first, &status) != 0) {
        goto out;
    }
    if (first >= argc) {
        cli_error("run: no client given; expected: vdifault run [options] -- CLIENT [ARG]...");
        status = CLI_USAGE;
        goto out;
    }
    if (run->options.prove_durability && run->options.verify == NULL) {
        cli_error(
            "run: --prove-durability: expected --verify CMD, too: the command that restores is the proof");
        status = CLI_USAGE;
        goto out;
    }
    run->options.client_argc = argc - first;
    run->options.client_argv = argv + first;
    /* argv[-1] is the command itself: a verb's arguments are the tail of main's. */
    run->repeat = text_repeat_line(argc + 1, argv - 1);
    status = run_options_check(&run->options) == 0 ? cli_check_dialect("run") : CLI_USAGE;
    if (status == CLI_CLEAN) {
        status = run_client(run);
    }
out:
    run_end(run);
    return status;
}

const struct verb verb_run = {
    .name = "run",
    .arguments = "[options] -- CLIENT [ARG]...",
    .summary = "one run of a client, judged",
    .options = run_option_rows,
    .examples =
        "  vdifault run -- ./backup_client set1 out.bak\n"
        "      no fault: does the client do a plain backup right?\n\n"
        "  vdifault run --fault lost-close -- ./backup_client set1 out.bak\n"
        "      VD_E_CLOSE never comes: does it hang, or claim success?\n\n"
        "  vdifault run --fault 'abort@Write#3:1' --json report.json -- ./backup_client set1 {run}/out.bak\n"
        "      the server aborts while the third Write of device 1 is in the client's hands\n\n"
        "  vdifault run --sql \"BACKUP DATABASE db TO %DEVICES:%s-%d%\" --database db=db.mdf -- ./worker\n"
        "      a worker that leaves the statement to somebody else\n\n"
        "  vdifault run --tds --server sqlhost -- ./agent --server sqlhost\n"
        "      an agent with a connection of its own to sqlhost: the simulated server answers it\n\n"
        "  vdifault run --tds -- ./agent --server {tds}\n"
        "      the same for one that is told the address, or written in Go\n\n"
        "  vdifault run --ready port:8400 --trigger 'agentctl backup --wait db' --trigger 'agentctl backup "
        "--wait "
        "db' \\\n      --fault 'abort@Write#3' -- ./agentd\n"
        "      a daemon: the first job is aborted, the second must go well (docs/agents.md)\n\n"
        "  vdifault run --as backup --verdict 'stdout:^backup complete' -- ./backup_client set1 "
        "{run}/out.bak\n"
        "      as that user, and its exit status says nothing\n\n"
        "  VDI_DIALECT=close-open:noerror,timeout-unit:s vdifault run -- ./backup_client set1 out.bak\n"
        "      the bundled libsqlvdi.so takes the other reading where the documents contradict themselves\n"
        "      (docs/states.md lists them)\n\n"
        "exit status: 0 no finding of --fail-on severity, 1 findings, 2 usage, 3 the run could not be set "
        "up,\n"
        "made no VDI call, or a fault never fired; 128 + N after signal N\n",
    .run = run_run,
};
