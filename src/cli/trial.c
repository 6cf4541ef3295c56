/* trial.c - what passes over a client share, and one pass of it. */
#include "trial.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <time.h>
#include <unistd.h>

#include "again.h"
#include "cleanup.h"
#include "machine.h"
#include "report.h"

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

/* Everything that the client needs must be that user's to reach. */
static int check_user(struct trial_bench *bench, const struct run_options *options)
{
    enum {
        OWN_PATHS = 6
    };
    const struct parts *parts = &bench->parts;
    struct as_user_path paths[OWN_PATHS + PLAN_DATABASES_MAX] = {
        {bench->client.path, X_OK},     {parts->interposer, R_OK},     {parts->files, R_OK},
        {parts->stand_in, R_OK | X_OK}, {parts->library_folder, X_OK}, {rundir_base(), X_OK}};
    size_t count = OWN_PATHS;
    if (options->as == NULL) {
        return 0;
    }
    for (uint32_t i = 0; i < options->plan.database_count; i++) {
        const char *path = options->plan.databases[i].path;
        if (access(path, F_OK) == 0) {
            paths[count++] = (struct as_user_path){path, R_OK};
        }
    }
    return as_user_find(options->as, &bench->user, bench->error, sizeof bench->error) != 0
               ? -1
               : as_user_check(&bench->user, paths, count, bench->error, sizeof bench->error);
}

static int check(struct trial_bench *bench, const struct run_options *options)
{
    char *why = bench->error;
    size_t size = sizeof bench->error;
    const char *missing = NULL;
    if (client_file_find(options->client_argv[0], &bench->client, why, size) != 0) {
        return -1;
    }
    int error = parts_find(&bench->parts, &missing);
    if (error != 0) {
        snprintf(why, size, "part of the installation is missing: %.300s: %s", missing, strerror(error));
        return -1;
    }
    bool recorded = options->tds.record[0] != '\0'; /* the run's server is who stands before the real one */
    if (recorded) {
        memcpy(bench->parts.sql_server, bench->parts.tds_proxy, sizeof bench->parts.sql_server);
    }
    if (options->tds.wanted && bench->parts.sql_server[0] == '\0') {
        snprintf(why, size, "part of the installation is missing: libexec/vdifault/%s needs",
                 recorded ? "tds-proxy, which --record-answers" : "sqlserver, which --tds");
        return -1;
    }
    for (uint32_t i = 0; i < options->plan.database_count; i++) {
        if (check_database(&options->plan.databases[i], why, size) != 0) {
            return -1;
        }
    }
    if (check_user(bench, options) != 0) {
        return -1;
    }
    cleanup_stale(rundir_base(), true, NULL);
    return machine_check_shared_memory(why, size);
}

/* Signals come through a descriptor from here on; what a process is orphaned by is ours to reap. */
static int take_signals(struct trial_bench *bench)
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
    sigprocmask(SIG_BLOCK, &mask, &bench->old_mask);
    bench->masked = true;
    bench->setup.signals = signalfd(-1, &mask, SFD_CLOEXEC | SFD_NONBLOCK);
    if (bench->setup.signals < 0 || prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        snprintf(bench->error, sizeof bench->error, "signalfd or subreaper: %s", strerror(errno));
        return -1;
    }
    return 0;
}

int trial_bench_open(struct trial_bench *bench, const struct run_options *options)
{
    *bench = (struct trial_bench){.setup.signals = -1};
    if (check(bench, options) != 0 ||
        tds_listen(&bench->tds, &options->tds, bench->error, sizeof bench->error) != 0 ||
        take_signals(bench) != 0) {
        return -1;
    }
    bench->setup = (struct session_setup){
        .options = options,
        .parts = &bench->parts,
        .client = &bench->client,
        .library = client_file_find_vdi(&bench->client, bench->library) ? bench->library : NULL,
        .user = &bench->user,
        .again = options->again,
        .tds = &bench->tds,
        .signals = bench->setup.signals,
    };
    return 0;
}

int trial_bench_inherit(struct trial_bench *bench)
{
    if (prctl(PR_SET_CHILD_SUBREAPER, 1) != 0) {
        snprintf(bench->error, sizeof bench->error, "subreaper: %s", strerror(errno));
        return -1;
    }
    bench->setup.spare = &bench->spare;
    return tds_renew(&bench->tds, &bench->setup.options->tds, bench->error, sizeof bench->error);
}

void trial_bench_fork(struct trial_bench *bench)
{
    fork_server_init(&bench->fork_server);
    if (bench->setup.options->input != STDIN_NULL) {
        snprintf(bench->fork_server.why, sizeof bench->fork_server.why,
                 "--stdin hold gives each run an input of its own");
    } else if (bench->setup.options->jobs.trigger_count > 0 ||
               job_options_watch_output(&bench->setup.options->jobs)) {
        snprintf(bench->fork_server.why, sizeof bench->fork_server.why,
                 "with --trigger, or --verdict stdout, each run waits for the client's own start");
    }
    bench->setup.fork_server = &bench->fork_server;
}

void trial_bench_leave(struct trial_bench *bench)
{
    if (bench->setup.fork_server != NULL) {
        fork_server_close(bench->setup.fork_server);
        bench->setup.fork_server = NULL;
    }
    spare_drop(&bench->spare);
}

void trial_bench_close(struct trial_bench *bench)
{
    symbols_free(bench->symbols);
    as_user_free(&bench->user);
    tds_close(&bench->tds);
    if (bench->setup.signals >= 0) {
        close(bench->setup.signals);
    }
    if (bench->masked) {
        sigprocmask(SIG_SETMASK, &bench->old_mask, NULL);
    }
}

/* ---- a pass ---- */

static uint64_t microseconds_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

void trial_pass(struct trial *trial, const struct trial_bench *bench, const struct plan *plan)
{
    *trial = (struct trial){.plan = *plan, .started = microseconds_now()};
    if (session_open(&trial->session, &bench->setup, &trial->plan) == 0) {
        session_run(&trial->session);
        again_control(&trial->session);
    }
}

int trial_judge(struct trial *trial, struct trial_bench *bench, const char *repeat)
{
    if (bench->symbols == NULL && symbols_new(&bench->symbols) != 0) {
        return ENOMEM;
    }
    const struct verdict_input input = {
        .options = bench->setup.options,
        .session = &trial->session,
        .plan = &trial->plan,
        .repeat = repeat,
        .symbols = bench->symbols,
    };
    return verdict_make(&trial->verdict, &input);
}

int trial_value(const struct trial *trial, struct json_t **value)
{
    return report_value(&trial->verdict.report, value);
}

void trial_end(struct trial *trial)
{
    verdict_free(&trial->verdict);
    session_close(&trial->session);
}
