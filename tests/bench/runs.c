/* runs.c - see runs.h. */
#include "runs.h"

#include <fcntl.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "results.h"
#include "sweep_work.h"
#include "text.h"

#define FAULT "unknown-command@Write#5:0"

/* {run} is the run's own folder. */
static char *const client_argv[] = {(char *)RUN_CLIENT, (char *)"backup", (char *)"--database",
                                    (char *)"bench",    (char *)"--dir",  (char *)"{run}",
                                    (char *)"--set",    (char *)"bench",  NULL};

/* ---- as a sweep does ---- */

struct faulted {
    struct run_options options;
    struct trial_bench bench;
    struct sweep_choice choice;
    struct sweep_work work;
    struct sweep_run run;
    bool open;
};

static bool prepare(struct faulted *faulted, bool forks)
{
    static char *const command[] = {(char *)"vdifault", (char *)"run"};
    struct fault_error why;
    run_options_init(&faulted->options, "bench");
    faulted->options.client_argv = client_argv;
    faulted->options.client_argc = sizeof client_argv / sizeof client_argv[0] - 1;
    faulted->options.input = STDIN_NULL;
    faulted->open = true;
    if (trial_bench_open(&faulted->bench, &faulted->options) != 0 ||
        trial_bench_inherit(&faulted->bench) != 0) {
        fprintf(stderr, "bench: %s\n", faulted->bench.error);
        return false;
    }
    if (forks) {
        trial_bench_fork(&faulted->bench);
    }
    faulted->bench.setup.output = open("/dev/null", O_WRONLY | O_CLOEXEC);
    faulted->work = (struct sweep_work){
        .bench = &faulted->bench, .choice = &faulted->choice, .command = command, .command_count = 2};
    faulted->run = (struct sweep_run){.fault_count = 1, .dialect = SWEEP_USUAL};
    return faulted->bench.setup.output >= 0 && fault_parse(FAULT, &faulted->run.faults[0], &why) == 0;
}

/* It counts only when the fault has fired and the client has survived it. */
static bool make_faulted(struct faulted *faulted)
{
    json_t *object = sweep_work_do(&faulted->work, &faulted->run);
    bool good = object != NULL && json_is_null(json_object_get(object, "vacuous")) &&
                strcmp(results_text(object, "outcome"), "clean") == 0;
    if (object != NULL && !good) {
        json_dumpf(object, stderr, JSON_INDENT(1));
    }
    json_decref(object);
    return good;
}

static int64_t run_faulted(const struct bench_load *load, bool forks)
{
    struct faulted *faulted = calloc(1, sizeof *faulted);
    bool good =
        faulted != NULL && prepare(faulted, forks) && make_faulted(faulted); /* the first looks up symbols */
    int64_t begin = bench_now();
    for (uint32_t i = 0; good && i < load->rounds; i++) {
        good = make_faulted(faulted);
    }
    int64_t elapsed = bench_now() - begin;
    if (good && forks && faulted->bench.fork_server.pid == 0) {
        fprintf(stderr, "bench: no fork server: %s\n", faulted->bench.fork_server.why);
        good = false;
    }
    if (faulted != NULL && faulted->open) {
        if (faulted->bench.setup.output > 0) {
            close(faulted->bench.setup.output);
        }
        trial_bench_leave(&faulted->bench);
        trial_bench_close(&faulted->bench);
        run_options_free(&faulted->options);
    }
    free(faulted);
    return good ? elapsed : 0;
}

int64_t runs_faulted(const struct bench_load *load)
{
    return run_faulted(load, false);
}

int64_t runs_forked(const struct bench_load *load)
{
    return run_faulted(load, true);
}

/* ---- bare ---- */

struct bare {
    struct rundir dir; /* for its link to the stand-in */
    char *argv[sizeof client_argv / sizeof client_argv[0]];
    posix_spawn_file_actions_t actions;
};

static bool make_bare(struct bare *bare)
{
    pid_t client = 0;
    int status = 0;
    return posix_spawn(&client, bare->argv[0], &bare->actions, NULL, bare->argv, environ) == 0 &&
           waitpid(client, &status, 0) == client && WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

/* The stand-in is found; nothing is preloaded and nothing recorded. */
static bool prepare_bare(struct bare *bare)
{
    const char *path = getenv("PATH");
    char value[RUN_PATH_MAX * 2];
    snprintf(value, sizeof value, "%s/bin%s%s", bare->dir.path, path != NULL ? ":" : "",
             path != NULL ? path : "");
    bool good = setenv("PATH", value, 1) == 0;
    for (size_t i = 0; good && client_argv[i] != NULL; i++) {
        bare->argv[i] = text_expand_run(client_argv[i], bare->dir.path);
        good = bare->argv[i] != NULL;
    }
    posix_spawn_file_actions_addopen(&bare->actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&bare->actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&bare->actions, STDOUT_FILENO, STDERR_FILENO);
    return good;
}

int64_t runs_bare(const struct bench_load *load)
{
    const char *missing = NULL;
    struct parts parts;
    struct bare bare = {0};
    if (parts_find(&parts, &missing) != 0 || rundir_create(rundir_base(), &parts, &bare.dir) != 0 ||
        posix_spawn_file_actions_init(&bare.actions) != 0) {
        return 0;
    }
    bool good = prepare_bare(&bare) && make_bare(&bare);
    int64_t begin = bench_now();
    for (uint32_t i = 0; good && i < load->rounds; i++) {
        good = make_bare(&bare);
    }
    int64_t elapsed = bench_now() - begin;
    posix_spawn_file_actions_destroy(&bare.actions);
    for (size_t i = 0; bare.argv[i] != NULL; i++) {
        free(bare.argv[i]);
    }
    folder_remove(bare.dir.path);
    return good ? elapsed : 0;
}
