/* session_start.c - see session_start.h. */
#include "session_start.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tds.h"
#include "text.h"

static int open_input(struct session *session)
{
    if (session->hold[0] >= 0) {
        return session->hold[0]; /* of the first run */
    }
    switch (session->setup.options->input) {
    case STDIN_NULL:
        session->hold[0] = open("/dev/null", O_RDONLY | O_CLOEXEC);
        break;
    case STDIN_HOLD:
        if (pipe2(session->hold, O_CLOEXEC) != 0) {
            return -1;
        }
        break;
    default:
        return -1;
    }
    return session->hold[0];
}

static char **expand_arguments(struct session *session)
{
    const struct run_options *options = session->setup.options;
    char **argv = calloc((size_t)options->client_argc + 1, sizeof *argv);
    for (int i = 0; argv != NULL && i < options->client_argc; i++) {
        argv[i] = rundir_expand(&session->dir, options->client_argv[i]);
        if (argv[i] == NULL) {
            environment_free(argv);
            return NULL;
        }
    }
    return argv;
}

/* From the copy that waits in its first VDI call, or anew with the offer to leave one. */
static int start_or_continue(struct session *session, struct launch *launch)
{
    struct fork_server *server = session->setup.fork_server;
    char variable[64];
    if (fork_server_continue(server, launch->path, launch->argv, launch->environment, &session->child.pid)) {
        return 0;
    }
    int inherited =
        fork_server_offer(server, launch->path, launch->argv, launch->environment, variable, sizeof variable);
    char **environment = inherited >= 0 ? environment_with(launch->environment, variable) : NULL;
    if (environment != NULL) {
        launch->environment = environment;
        launch->inherited = inherited;
    }
    int error = launch_start(launch, &session->child.pid);
    fork_server_offered(server, inherited, error == 0 && environment != NULL);
    free(environment);
    return error;
}

/* Its number, in *child; its role is the caller's. */
static int start(struct session *session, struct launch *launch, enum environment_kind kind,
                 char *const *argv, char *variable, struct session_child *child)
{
    const struct environment_choice choice = {
        .library = session->setup.library,
        .servers = session->setup.options->tds.servers,
        .answers = session->setup.options->tds.answers,
        .guard = session->setup.options->guard,
        .on_finding = session->setup.options->on_finding,
        .coverage = session->setup.coverage != NULL,
        .continuous = session->setup.continuous,
        .discard_counters = session->setup.discard_counters,
        .is_profiled = session->setup.client->is_profiled,
    };
    *child = (struct session_child){.role = child->role};
    if (child == &session->child && child->role != 0 && tds_start(session, kind) != 0) {
        child->ended = true;
        return EIO;
    }
    char **environment = environment_make(kind, &session->dir, session->setup.parts, &choice, environ);
    char **more = variable != NULL && environment != NULL ? environment_with(environment, variable) : NULL;
    int error = ENOMEM;
    bool is_clients = kind == ENVIRONMENT_CLIENT || kind == ENVIRONMENT_AGAIN || kind == ENVIRONMENT_VERIFY;
    launch->user = is_clients ? session->setup.user : NULL;
    session->deserted = false;
    if (environment != NULL && argv != NULL && (variable == NULL || more != NULL)) {
        launch->argv = argv;
        launch->environment = more != NULL ? more : environment;
        error = kind == ENVIRONMENT_CLIENT && session->setup.fork_server != NULL
                    ? start_or_continue(session, launch)
                    : launch_start(launch, &child->pid);
    }
    free(more);
    environment_free(environment);
    if (error != 0) {
        child->ended = true;
        snprintf(session->error, sizeof session->error, "cannot start '%s': %s", launch->path,
                 strerror(error));
    }
    return error;
}

/* Through pipes of ours, where what the client prints says something. */
static int open_output(struct session *session, struct launch *launch)
{
    const struct run_options *options = session->setup.options;
    const struct job_options *jobs = &options->jobs;
    const char *const patterns[OUTPUT_PATTERNS] = {
        [OUTPUT_READY] = jobs->ready == READY_OUTPUT ? jobs->ready_text : NULL,
        [OUTPUT_SUCCESS] = jobs->word == WORD_OUTPUT ? jobs->word_text : NULL,
        [OUTPUT_FAILURE] = jobs->failure_text,
    };
    const int to[OUTPUT_STREAMS] = {launch->standard[1] >= 0 ? launch->standard[1] : STDOUT_FILENO,
                                    launch->standard[2] >= 0 ? launch->standard[2] : STDERR_FILENO};
    if (!job_options_watch_output(jobs)) {
        return 0;
    }
    int error = output_watch_open(&session->output, patterns, to);
    for (int i = 0; error == 0 && i < OUTPUT_STREAMS; i++) {
        launch->standard[i + 1] = session->output.streams[i].into;
    }
    return error;
}

int session_start_client(struct session *session, enum environment_kind kind, int role)
{
    const struct run_options *options = session->setup.options;
    int output = session->setup.output > 0 ? session->setup.output : -1;
    char **argv = expand_arguments(session);
    struct launch launch = {
        .path = session->setup.client->path,
        .standard = {open_input(session),
                     output < 0 && outputs_take_stdout(&options->outputs) ? STDERR_FILENO : output, output},
        .foreground = options->input == STDIN_INHERIT,
    };
    session->child.role = role;
    int error = as_user_give(session->setup.user, session->dir.path);
    if (error == 0) {
        error = open_output(session, &launch);
    }
    if (error == 0) {
        error = start(session, &launch, kind, argv, NULL, &session->child);
    } else {
        snprintf(session->error, sizeof session->error, "cannot make the client's folder and pipes: %s",
                 strerror(error));
    }
    output_watch_started(&session->output);
    environment_free(argv);
    return error;
}

int session_start_shell(struct session *session, enum environment_kind kind, const char *command,
                        char *variable, int output, struct session_child *child)
{
    char *expanded = rundir_expand(&session->dir, command);
    char *const argv[] = {(char *)"sh", (char *)"-c", expanded, NULL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    struct launch launch = {.path = "/bin/sh", .standard = {null, output, -1}};
    int error = start(session, &launch, kind, expanded != NULL ? argv : NULL, variable, child);
    if (null >= 0) {
        close(null);
    }
    free(expanded);
    return error;
}
