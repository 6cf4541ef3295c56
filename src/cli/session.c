/* session.c - a pass's folder, plan files, run state. */
#include "session.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "event_time.h"
#include "jobs.h"
#include "os.h"
#include "text.h"

static int fail(struct session *session, const char *what, int error)
{
    snprintf(session->error, sizeof session->error, "%s: %s", what, strerror(error));
    return -1;
}

/* The client and its sqlcmd may work in other folders: files of databases become absolute. */
static int settle_databases(struct session *session)
{
    char here[RUN_PATH_MAX];
    if (getcwd(here, sizeof here) == NULL) {
        return errno;
    }
    for (uint32_t i = 0; i < session->plan.database_count; i++) {
        struct plan_database *database = &session->plan.databases[i];
        char *path = rundir_expand(&session->dir, database->path);
        if (path == NULL) {
            return ENOMEM;
        }
        bool absolute = path[0] == '/';
        int length = snprintf(database->path, sizeof database->path, "%s%s%s", absolute ? "" : here,
                              absolute ? "" : "/", path);
        free(path);
        if (length >= (int)sizeof database->path) {
            return ENAMETOOLONG;
        }
    }
    return 0;
}

static int write_plan(struct session *session, const char *name, const struct plan *plan)
{
    char *text = plan_text(plan);
    if (text == NULL) {
        return ENOMEM;
    }
    int error = rundir_write(&session->dir, name, text, strlen(text));
    free(text);
    return error;
}

static int write_plans(struct session *session)
{
    struct plan *clean = malloc(sizeof *clean);
    if (clean == NULL) {
        return ENOMEM;
    }
    *clean = session->plan;
    clean->fault_count = 0;
    int error = write_plan(session, "plan", &session->plan);
    if (error == 0) {
        error = write_plan(session, "plan-verify", clean);
    }
    free(clean);
    return error;
}

/* Measured once for all processes of all runs. */
static uint64_t tick_rate(void)
{
    if (event_time_rate() == 0) {
        event_time_prepare(0);
    }
    return event_time_rate();
}

static int make_state(struct session *session, bool is_there)
{
    char *folder = rundir_file(&session->dir, "trace");
    if (folder == NULL) {
        return ENOMEM;
    }
    int error = is_there ? 0 : run_state_create(folder);
    if (error == 0) {
        error = run_state_map(folder, &session->state);
    }
    if (error == 0) {
        error = collector_open(folder, session->state, &session->collector);
    }
    if (error == 0) {
        atomic_store(&session->state->collected, 1);
        session->state->tick_rate = tick_rate();
        session->record.state = session->state;
        time_watch_init(&session->time, session, folder);
    }
    free(folder);
    return error;
}

/* The client's environment names a folder of the run for its counters; they outlive the run. */
static int link_coverage(const struct session *session)
{
    char *link = rundir_file(&session->dir, "coverage");
    (void)unlink(link != NULL ? link : ""); /* of an earlier run in the same folder */
    int error = link == NULL ? ENOMEM : symlink(session->setup.coverage, link) != 0 ? errno : 0;
    free(link);
    return error;
}

int session_open(struct session *session, const struct session_setup *setup, const struct plan *plan)
{
    *session = (struct session){.setup = *setup, .plan = *plan, .hold = {-1, -1}};
    record_init(&session->record, rundir_base());
    session->record.plan = &session->plan;
    bool renewed = false;
    int error = spare_take(setup->spare, rundir_base(), setup->parts, &session->dir, &renewed);
    if (error != 0) {
        char what[192];
        snprintf(what, sizeof what, "cannot make a scratch folder in %.120s (TMPDIR)", rundir_base());
        return fail(session, what, error);
    }
    if (setup->tds != NULL) {
        memcpy(session->dir.tds, setup->tds->place, sizeof session->dir.tds);
    }
    if ((error = settle_databases(session)) != 0) {
        return fail(session, "file of --database", error);
    }
    if ((error = write_plans(session)) != 0) {
        return fail(session, "cannot write the plan", error);
    }
    if (setup->coverage != NULL && (error = link_coverage(session)) != 0) {
        return fail(session, "cannot link the folder for counters", error);
    }
    if ((error = make_state(session, renewed)) != 0) {
        return fail(session, "cannot make the run state", error);
    }
    const struct environment_choice none = {0};
    session->sql_environment = environment_make(ENVIRONMENT_SQL, &session->dir, setup->parts, &none, environ);
    return session->sql_environment != NULL ? 0 : fail(session, "environment", ENOMEM);
}

void session_close(struct session *session)
{
    for (uint32_t i = 0; i < session->sql_count; i++) {
        sql_free(&session->sql[i]);
    }
    for (int i = 0; i < 2; i++) {
        if (session->hold[i] >= 0) {
            close(session->hold[i]);
        }
    }
    environment_free(session->sql_environment);
    hang_watch_free(&session->watch);
    output_watch_close(&session->output);
    jobs_end(session);
    record_free(&session->record);
    if (session->collector != NULL) {
        collector_close(session->collector);
    }
    time_watch_free(&session->time);
    if (session->dir.path[0] != '\0' && session->setup.options->keep) {
        fprintf(stderr, "vdifault: kept %s\n", session->dir.path);
    } else if (session->dir.path[0] != '\0') {
        /* Who withstood SIGKILL may still write there. */
        spare_give(session->survived ? NULL : session->setup.spare, &session->dir);
    }
    if (session->state != NULL) {
        munmap(session->state, sizeof *session->state);
    }
}

/* The supervisor is its own recorder and collector: the event takes its number from the run and goes straight
 * to the record. */
void session_event(struct session *session, struct event event, const char *text)
{
    event.sequence = atomic_fetch_add(&session->state->sequence, 1) + 1;
    event.time_ns = (uint64_t)(os_now() + run_clock_ahead(session->state));
    event.version = EVENT_VERSION;
    event.side = EVENT_SIDE_SUPERVISOR;
    event.device = -1;
    event.operation = -1;
    record_take(&session->record, &event, text);
}
