/* sweep_reproduce.c - see sweep_reproduce.h. */
#include "sweep_reproduce.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "os.h"
#include "reproduce.h"
#include "results.h"

enum {
    RUNS_TRIED = 3,  /* of those with the finding */
    ONE_MS = 60000,  /* for a finding */
    ALL_MS = 300000, /* no further finding is begun later */
    WAIT_MS = 200
};

#define NS_PER_MS INT64_C(1000000)

/* ---- in the worker ---- */

/* The command of the smallest plan: faults and size are its own, all else is the sweep's. */
static char *command_of(const struct sweep_work *work, const struct sweep_run *run, const struct plan *plan)
{
    static const struct option_row replaced[] = {{"size", "BYTES", NULL, NULL}, {NULL, NULL, NULL, NULL}};
    char size[24];
    char **words = calloc((size_t)work->command_count + 2, sizeof *words);
    struct sweep_run smallest = *run;
    struct sweep_work with = *work;
    if (words == NULL) {
        return NULL;
    }
    memcpy(words, work->command, (size_t)work->command_count * sizeof *words);
    if (plan->size != work->bench->setup.options->plan.size) {
        with.command_count = 2 + option_pass_on(replaced, run_option_rows, work->command_count - 2,
                                                work->command + 2, words + 2);
        snprintf(size, sizeof size, "%" PRIu64, plan->size);
        words[with.command_count++] = (char *)"--size";
        words[with.command_count++] = size;
    }
    with.command = words;
    smallest.fault_count = plan->fault_count;
    memcpy(smallest.faults, plan->faults, plan->fault_count * sizeof plan->faults[0]);
    char *command = sweep_work_command(&with, &smallest);
    free(words);
    return command;
}

/* Its path; NULL: there is none, or it could not be written, which the report then shows by having no plan. */
static char *save(const struct sweep_work *work, const struct reproduction *reproduction, const char *command)
{
    char name[128];
    char *path = NULL;
    reproduction_name(reproduction->finding, name, sizeof name);
    FILE *file = NULL;
    if (work->plans != NULL && asprintf(&path, "%s/%s", work->plans, name) > 0) {
        file = fopen(path, "we");
    }
    int error = file != NULL ? reproduction_write(reproduction, command, file) : EIO;
    if (file != NULL && fclose(file) != 0) {
        error = errno;
    }
    if (error != 0) {
        free(path);
        path = NULL;
    }
    return path;
}

static json_t *tell(const struct sweep_work *work, const struct sweep_run *run,
                    const struct reproduction *reproduction)
{
    char grade[GRADE_TEXT_MAX];
    json_t *told = json_pack("{s:i, s:s}", "seen", (int)reproduction->grade.seen, "grade",
                             grade_text(&reproduction->grade, grade));
    if (reproduction->finding == NULL) {
        return told;
    }
    char *command = command_of(work, run, &reproduction->plan);
    char *path = command != NULL ? save(work, reproduction, command) : NULL;
    if (command == NULL || reproduction_tell(reproduction, command, path, told) != 0) {
        json_decref(told);
        told = NULL;
    }
    free(path);
    free(command);
    return told;
}

json_t *sweep_reproduce_one(struct sweep_work *work, const struct sweep_run *run)
{
    const json_t *finding = json_array_get(work->findings, run->finding - 1);
    struct reproduction *reproduction = calloc(1, sizeof *reproduction);
    json_t *told = NULL;
    if (reproduction == NULL || sweep_work_set_dialect(work, run->dialect) != 0) {
        goto out;
    }
    reproduction->grader =
        (struct grader){.bench = work->bench, .deadline_ns = os_now() + ONE_MS * NS_PER_MS};
    reproduction->rule = results_text(finding, "rule");
    reproduction->fingerprint = results_text(finding, "fingerprint");
    reproduction->faults_and_size = true;
    sweep_work_plan(work, run, &reproduction->plan);
    reproduction->plan.probe = work->bench->setup.options->plan.probe; /* as in the command */
    if (reproduce(reproduction) == 0 && reproduction->grader.interrupted == 0) {
        told = tell(work, run, reproduction);
    }
    reproduction_free(reproduction);
out:
    free(reproduction);
    return told;
}

/* ---- in the sweep ---- */

/* One finding on its way. */
struct task {
    json_t *finding;
    size_t tried; /* runs that were given to workers */
    bool waits;   /* for a worker */
};

struct tasks {
    struct sweep *sweep;
    struct task *list;
    size_t count;
    size_t done;
    struct status_line line;
};

static const struct sweep_run *find_run(const struct sweep *sweep, json_int_t id)
{
    const struct sweep_plan *plans[] = {&sweep->plan, &sweep->pairs};
    for (size_t p = 0; p < 2; p++) {
        for (size_t i = 0; i < plans[p]->count; i++) {
            if (plans[p]->runs[i].id == id) {
                return &plans[p]->runs[i];
            }
        }
    }
    return NULL;
}

/* A sweep_take. */
static void take(void *context, const struct sweep_run *run, json_t *told)
{
    struct tasks *tasks = context;
    struct task *task = &tasks->list[run->finding - 1];
    bool seen = results_number(told, "seen", 0) > 0;
    size_t runs = json_array_size(json_object_get(task->finding, "runs"));
    task->waits = !seen && task->tried < RUNS_TRIED && task->tried < runs;
    if (!task->waits) {
        tasks->done++;
    }
    if (seen || json_is_null(json_object_get(task->finding, "grade"))) {
        json_object_set(task->finding, "grade", json_object_get(told, "grade"));
    }
    if (seen) {
        json_object_del(told, "seen");
        json_object_update(task->finding, told);
    }
    json_decref(told);
}

/* Gives the task's next run to a worker; false: none is free. */
static bool give(struct tasks *tasks, size_t number)
{
    struct sweep *sweep = tasks->sweep;
    struct task *task = &tasks->list[number];
    const json_t *id = json_array_get(json_object_get(task->finding, "runs"), task->tried);
    const struct sweep_run *of = find_run(sweep, json_integer_value(id));
    struct sweep_run run = of != NULL ? *of : (struct sweep_run){.dialect = SWEEP_USUAL};
    run.finding = (uint32_t)number + 1;
    if (!sweep_pool_give(&sweep->pool, &run)) {
        return false;
    }
    task->waits = false;
    task->tried++;
    return true;
}

static bool give_next(struct tasks *tasks)
{
    for (size_t i = 0; i < tasks->count; i++) {
        if (tasks->list[i].waits) {
            return give(tasks, i);
        }
    }
    return false;
}

static void work_off(struct tasks *tasks)
{
    struct sweep *sweep = tasks->sweep;
    int64_t end = os_now() + ALL_MS * NS_PER_MS;
    status_line_start(&tasks->line);
    for (bool more = true; more && sweep->pool.interrupted == 0;) {
        while (os_now() < end && give_next(tasks)) {
        }
        more = sweep_pool_is_busy(&sweep->pool);
        if (more) {
            sweep_pool_wait(&sweep->pool, WAIT_MS, take, tasks);
            status_line_show(&tasks->line, "%zu of %zu findings repeated and minimised", tasks->done,
                             tasks->count);
        }
    }
    status_line_end(&tasks->line);
    if (tasks->done < tasks->count && sweep->pool.interrupted == 0) {
        cli_error("sweep: %zu of %zu findings have no grade: the time for repeating them was over",
                  tasks->count - tasks->done, tasks->count);
    }
}

void sweep_reproduce(struct sweep *sweep, json_t *report)
{
    json_t *findings = json_object_get(report, "findings");
    struct tasks tasks = {.sweep = sweep, .count = json_array_size(findings)};
    tasks.list = calloc(tasks.count + 1, sizeof *tasks.list);
    if (tasks.list == NULL) {
        sweep->error = ENOMEM;
        return;
    }
    for (size_t i = 0; i < tasks.count; i++) {
        tasks.list[i] = (struct task){.finding = json_array_get(findings, i), .waits = true};
    }
    if (tasks.count > 0) {
        sweep->work.findings = findings; /* workers are forked from here on */
        sweep_pool_open(&sweep->pool, &sweep->work, sweep->jobs);
        work_off(&tasks);
        sweep_pool_close(&sweep->pool);
    }
    free(tasks.list);
}
