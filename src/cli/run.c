/* run.c - `vdifault run`: checks, one or two passes, verdict, report, exit status (design 4.3). */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "cleanup.h"
#include "cli.h"
#include "dialect.h"
#include "machine.h"
#include "session.h"
#include "site.h"
#include "text.h"
#include "trace_file.h"
#include "verdict.h"

/* What one `vdifault run` owns. */
struct run {
    struct run_options options;
    struct parts parts;
    struct client_file client;
    struct session_setup setup;
    struct session session;
    struct plan plan; /* "#last" resolved */
    FILE *json;
    FILE *trace; /* NULL: not asked for, or not written */
    char *repeat;
    uint64_t started; /* the pass that is judged: microseconds since 1970 */
    sigset_t old_mask;
    bool masked;
};

/* ---- checks before anything is started ---- */

static int check_database(const struct plan_database *database, char *why, size_t size)
{
    if (access(database->path, F_OK) == 0) {
        int fd = open(database->path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        char byte;
        int error = fd < 0 || pread(fd, &byte, 1, 0) < 0 ? errno : 0;
        if (fd >= 0) {
            close(fd);
        }
        if (error != 0) {
            snprintf(why, size, "database %s: cannot read '%s': %s", database->name, database->path,
                     strerror(error));
            return -1;
        }
        return 0;
    }
    if (strstr(database->path, "{run}") != NULL) {
        return 0;
    }
    /* RESTORE makes the file; its folder must be there. */
    char folder[PLAN_PATH_MAX];
    snprintf(folder, sizeof folder, "%s", database->path);
    char *slash = strrchr(folder, '/');
    if (slash != NULL) {
        slash[slash == folder] = '\0';
    }
    if (access(slash != NULL ? folder : ".", W_OK | X_OK) != 0) {
        snprintf(why, size, "database %s: file '%s' does not exist and cannot be made: %s", database->name,
                 database->path, strerror(errno));
        return -1;
    }
    return 0;
}

/* 0, or -1 with the session's error filled. */
static int check(struct run *run)
{
    char *why = run->session.error;
    size_t size = sizeof run->session.error;
    const char *missing = NULL;
    if (client_file_find(run->options.client_argv[0], &run->client, why, size) != 0) {
        return -1;
    }
    int error = parts_find(&run->parts, &missing);
    if (error != 0) {
        snprintf(why, size, "part of the installation is missing: %.300s: %s", missing, strerror(error));
        return -1;
    }
    for (uint32_t i = 0; i < run->options.plan.database_count; i++) {
        if (check_database(&run->options.plan.databases[i], why, size) != 0) {
            return -1;
        }
    }
    cleanup_stale(rundir_base(), true, NULL);
    return machine_check_shared_memory(why, size);
}

static char *command_to_repeat(int argc, char **argv)
{
    const char *dialect = getenv(DIALECT_VARIABLE);
    char *command = text_command_line(argc, argv);
    char *whole = NULL;
    if (command == NULL || dialect == NULL || dialect[0] == '\0') {
        return command;
    }
    if (asprintf(&whole, DIALECT_VARIABLE "=%s %s", dialect, command) < 0) {
        whole = NULL;
    }
    free(command);
    return whole;
}

/* A file that is written at the end is opened before anything runs. */
static int open_output(const char *option, const char *name, FILE **out)
{
    *out = name != NULL ? fopen(name, "we") : NULL;
    if (name != NULL && *out == NULL) {
        cli_error("run: --%s: cannot write '%s': %s", option, name, strerror(errno));
        return CLI_USAGE;
    }
    return CLI_CLEAN;
}

static int open_outputs(struct run *run)
{
    const char *json = run->options.json;
    int status = open_output("trace", run->options.trace, &run->trace);
    if (json != NULL && strcmp(json, "-") == 0) {
        run->json = stdout;
    } else if (status == CLI_CLEAN) {
        status = open_output("json", json, &run->json);
    }
    return status;
}

/* Signals come through a descriptor from here on; what a process is orphaned by is ours to reap. */
static int take_signals(struct run *run)
{
    sigset_t mask;
    sigemptyset(&mask);
    sigaddset(&mask, SIGCHLD);
    sigaddset(&mask, SIGINT);
    sigaddset(&mask, SIGTERM);
    struct sigaction hangup;
    if (sigaction(SIGHUP, NULL, &hangup) == 0 && hangup.sa_handler != SIG_IGN) {
        sigaddset(&mask, SIGHUP); /* under nohup it stays ignored */
    }
    sigaddset(&mask, SIGQUIT);
    signal(SIGPIPE, SIG_IGN); /* a reader of our report that goes away must not stop the cleaning up */
    signal(SIGCHLD, SIG_DFL); /* ignored by inheritance, ends would be lost */
    sigprocmask(SIG_BLOCK, &mask, &run->old_mask);
    run->masked = true;
    run->setup.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (run->setup.signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        snprintf(run->session.error, sizeof run->session.error, "signalfd or subreaper: %s", strerror(errno));
        return -1;
    }
    return 0;
}

/* ---- passes ---- */

static bool needs_recording(const struct plan *plan)
{
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        if (plan->faults[i].site.nth == FAULT_NTH_LAST) {
            return true;
        }
    }
    return false;
}

/* After a signal, as a shell reports it. */
static int interrupted_status(const struct session *session)
{
    return 128 + session->interrupted;
}

/* A clean pass to learn how often the sites of "#last" are reached. */
static int resolve_last(struct run *run)
{
    struct session *session = &run->session;
    struct plan *clean = malloc(sizeof *clean);
    uint32_t failed = 0;
    char text[FAULT_TEXT_MAX];
    int status = CLI_SETUP;
    if (clean == NULL) {
        cli_error("run: no memory");
        return CLI_SETUP;
    }
    *clean = run->plan;
    clean->fault_count = 0;
    if (session_open(session, &run->setup, clean) == 0) {
        session_run(session);
    }
    free(clean);
    if (session->interrupted != 0) {
        status = interrupted_status(session);
    } else if (session->error[0] != '\0') {
        cli_error("run: clean run for #last: %s", session->error);
    } else {
        int error = site_resolve_last(&session->record, &run->plan, &failed);
        status = error == 0 ? CLI_CLEAN : CLI_USAGE;
        if (error != 0) {
            fault_format(&run->plan.faults[failed], text, sizeof text);
            cli_error("run: %s: %s", text,
                      error == E2BIG ? "gives more faults than a plan holds"
                                     : "a clean run never reaches the site, so it has no last time");
        }
    }
    session_close(session);
    return status;
}

/* Before anything is judged: a run that cannot be judged is the one to look at. */
static int save_trace(struct run *run)
{
    struct trace_save save = {
        .options = &run->options,
        .session = &run->session,
        .plan = &run->plan,
        .repeat = run->repeat,
        .started = run->started,
    };
    int error = run->trace != NULL ? trace_save(run->trace, &save) : 0;
    if (error != 0) {
        cli_error("run: --trace: cannot write '%s': %s", run->options.trace, strerror(error));
    }
    return error != 0 ? CLI_SETUP : CLI_CLEAN;
}

static int judge_and_report(struct run *run)
{
    bool json_to_stdout = run->json == stdout;
    struct verdict_input input = {
        .options = &run->options,
        .session = &run->session,
        .plan = &run->plan,
        .text = json_to_stdout ? stderr : stdout,
        .json = run->json,
        .repeat = run->repeat,
    };
    return verdict_report(&input);
}

static uint64_t microseconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static int make_passes(struct run *run)
{
    run->plan = run->options.plan;
    if (needs_recording(&run->plan)) {
        int status = resolve_last(run);
        if (status != CLI_CLEAN) {
            return status;
        }
    }
    int status = CLI_SETUP;
    run->started = microseconds_now();
    if (session_open(&run->session, &run->setup, &run->plan) == 0) {
        session_run(&run->session);
    }
    int saved = save_trace(run);
    if (run->session.interrupted != 0) {
        cli_error("run: ended by signal %d (%s)", run->session.interrupted,
                  strsignal(run->session.interrupted));
        status = interrupted_status(&run->session);
    } else {
        status = judge_and_report(run);
    }
    session_close(&run->session);
    return saved != CLI_CLEAN && status <= CLI_FINDINGS ? saved : status;
}

static void run_end(struct run *run)
{
    free(run->repeat);
    run_options_free(&run->options);
    if (run->json != NULL && run->json != stdout) {
        fclose(run->json);
    }
    if (run->trace != NULL) {
        fclose(run->trace);
    }
    if (run->setup.signals >= 0) {
        close(run->setup.signals);
    }
    if (run->masked) {
        sigprocmask(SIG_SETMASK, &run->old_mask, NULL);
    }
    free(run);
}

/* A run that could not even start: the reason on stderr, and in the JSON report, which scripts read. */
static int refuse(struct run *run)
{
    struct verdict_input input = {
        .options = &run->options,
        .session = &run->session,
        .plan = &run->options.plan,
        .json = run->json,
        .repeat = run->repeat,
    };
    cli_error("run: %s", run->session.error);
    run->plan = run->options.plan;
    save_trace(run);
    return run->json != NULL ? verdict_report(&input) : CLI_SETUP;
}

static int run_client(struct run *run)
{
    int status = open_outputs(run);
    if (status != CLI_CLEAN) {
        return status;
    }
    if (check(run) != 0 || take_signals(run) != 0) {
        return refuse(run);
    }
    run->setup.options = &run->options;
    run->setup.parts = &run->parts;
    run->setup.client = &run->client;
    run->setup.add_library = !client_file_finds_vdi(&run->client);
    return make_passes(run);
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
    run->setup.signals = -1;
    run_options_init(&run->options);
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
    run->repeat = command_to_repeat(argc + 1, argv - 1);
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
        "  VDI_DIALECT=close-open:noerror,timeout-unit:s vdifault run -- ./backup_client set1 out.bak\n"
        "      the bundled libsqlvdi.so takes the other reading where the documents contradict themselves\n"
        "      (docs/states.md lists them)\n\n"
        "exit status: 0 no finding of --fail-on severity, 1 findings, 2 usage, 3 the run could not be set "
        "up,\n"
        "made no VDI call, or a fault never fired; 128 + N after signal N\n",
    .run = run_run,
};
