/* sweep_clean.c - see sweep_clean.h. */
#include "sweep_clean.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

enum {
    PASSES = 2
};

/* Paths of files outside the run's folder that were opened for writing or given a new name, as keys. */
static json_t *written_files(const struct session *session)
{
    const struct record *record = &session->record;
    size_t length = strlen(session->dir.path);
    json_t *files = json_object();
    for (size_t i = 0; i < record->count; i++) {
        const struct event *event = &record->events[i].event;
        const char *path = record->events[i].text;
        if (event->kind != EVENT_FILE || event->arg[6] != FILE_REGULAR ||
            (event->arg[0] != FILE_OPEN && event->arg[0] != FILE_RENAME)) {
            continue;
        }
        const char *second = event->arg[0] == FILE_RENAME ? strchr(path, '\n') : NULL;
        path = second != NULL ? second + 1 : path;
        if (path[0] == '/' && strncmp(path, session->dir.path, length) != 0) {
            json_object_set_new(files, path, json_true());
        }
    }
    return files;
}

/* The server writes the file of a database that is restored. */
static const char *restored_database(const struct trial *trial)
{
    const struct judgement *judgement = &trial->verdict.judgement;
    const struct plan *plan = &trial->session.setup.options->plan;
    for (size_t i = 0; i < judgement->operation_count && plan->database_count > 0; i++) {
        const struct operation *operation = &judgement->operations[i];
        for (uint32_t d = 0; d < plan->database_count && !operation->is_backup; d++) {
            if (operation->database != NULL &&
                strcasecmp(plan->databases[d].name, operation->database) == 0 &&
                strstr(plan->databases[d].path, "{run}") == NULL) {
                return plan->databases[d].path;
            }
        }
    }
    return NULL;
}

static void find_shared(struct sweep_clean *clean, const struct trial *trial, json_t *before, json_t *files)
{
    const struct run_options *options = trial->session.setup.options;
    const char *shared = restored_database(trial), *path;
    json_t *value;
    if (options->sql_result != NULL && strstr(options->sql_result, "{run}") == NULL) {
        shared = options->sql_result;
    }
    json_object_foreach(files, path, value)
    {
        if (json_object_get(before, path) != NULL) {
            shared = path;
        }
    }
    free(clean->shared);
    clean->shared = shared != NULL ? strdup(shared) : NULL;
}

/* One pass; its sites and files are the caller's. */
static int make_pass(struct sweep_clean *clean, struct sweep_work *work, const struct sweep_run *run,
                     struct sweep_sites *sites, json_t **files)
{
    struct trial *trial = malloc(sizeof *trial);
    struct plan plan = work->bench->setup.options->plan;
    char *repeat = sweep_work_command(work, run);
    int error = trial == NULL || repeat == NULL ? ENOMEM : 0;
    json_t *before = *files;
    if (error != 0) {
        goto out;
    }
    plan.probe = PLAN_YES;
    coverage_begin_clean(work->coverage, &work->bench->setup);
    trial_pass(trial, work->bench, &plan);
    clean->interrupted = trial->session.interrupted;
    if (clean->interrupted == 0) {
        error = trial_judge(trial, work->bench, repeat);
    }
    if (error == 0 && clean->interrupted == 0) {
        const struct record *record = &trial->session.record;
        clean->status = trial->verdict.status;
        clean->report = sweep_work_tell(work, run, trial);
        (void)coverage_end(work->coverage, &work->bench->setup, &trial->session);
        *files = written_files(&trial->session);
        find_shared(clean, trial, before, *files);
        error = sweep_sites_take(sites, record->events, record->count, trial->verdict.checker, 0);
    }
    trial_end(trial);
out:
    if (*files != before) {
        json_decref(before);
    }
    free(repeat);
    free(trial);
    return error;
}

int sweep_clean_make(struct sweep_clean *clean, struct sweep_work *work, int32_t dialect)
{
    const struct sweep_run run = {.dialect = dialect};
    json_t *files = NULL;
    *clean = (struct sweep_clean){0};
    int error = sweep_work_set_dialect(work, dialect);
    for (int i = 0; i < PASSES && error == 0 && clean->status == CLI_CLEAN && clean->interrupted == 0; i++) {
        struct sweep_sites sites = {0};
        json_decref(clean->report);
        clean->report = NULL;
        error = make_pass(clean, work, &run, &sites, &files);
        if (i == 0) {
            clean->sites = sites;
        } else {
            sweep_sites_keep_common(&clean->sites, &sites);
            sweep_sites_free(&sites);
        }
    }
    json_decref(files);
    return error;
}

void sweep_clean_free(struct sweep_clean *clean)
{
    sweep_sites_free(&clean->sites);
    json_decref(clean->report);
    free(clean->shared);
    *clean = (struct sweep_clean){0};
}
