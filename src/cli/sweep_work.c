/* sweep_work.c - see sweep_work.h. */
#include "sweep_work.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "again.h"
#include "cli.h"
#include "dialect.h"
#include "redact.h"
#include "report.h"
#include "text.h"

enum {
    TRIES = 3, /* a site may be reached less often once: how often a client polls is a matter of time */
    COMMAND_MAX = 2 * SWEEP_FAULTS_MAX + 2
};

/* ---- the command that repeats it ---- */

static void dialect_value(const struct sweep_work *work, int32_t dialect, char *text, size_t size)
{
    char one[64];
    const char *other = sweep_dialect_text(dialect, one, sizeof one);
    snprintf(text, size, "%s%s%s", work->dialect != NULL ? work->dialect : "",
             work->dialect != NULL && other != NULL ? "," : "", other != NULL ? other : "");
}

int sweep_work_set_dialect(const struct sweep_work *work, int32_t dialect)
{
    char value[512];
    dialect_value(work, dialect, value, sizeof value);
    int failed = value[0] != '\0' ? setenv(DIALECT_VARIABLE, value, 1) : unsetenv(DIALECT_VARIABLE);
    return failed != 0 ? errno : 0;
}

char *sweep_work_command(const struct sweep_work *work, const struct sweep_run *run)
{
    const struct run_options *options = work->bench->setup.options;
    char faults[SWEEP_FAULTS_MAX][FAULT_TEXT_MAX];
    char dialect[512];
    int count = 0;
    char **argv = calloc((size_t)(work->command_count + COMMAND_MAX + options->client_argc), sizeof *argv);
    char *line = NULL, *whole = NULL;
    if (argv == NULL) {
        return NULL;
    }
    for (int i = 0; i < work->command_count; i++) {
        argv[count++] = work->command[i];
    }
    for (uint32_t i = 0; i < run->fault_count; i++) {
        fault_format(&run->faults[i], faults[i], sizeof faults[i]);
        argv[count++] = (char *)"--fault";
        argv[count++] = faults[i];
    }
    argv[count++] = (char *)"--";
    for (int i = 0; i < options->client_argc; i++) {
        argv[count++] = options->client_argv[i];
    }
    line = text_command_line(count, argv);
    dialect_value(work, run->dialect, dialect, sizeof dialect);
    if (line != NULL && dialect[0] != '\0' &&
        asprintf(&whole, DIALECT_VARIABLE "=%s %s", dialect, line) < 0) {
        whole = NULL;
    } else if (dialect[0] == '\0') {
        whole = line;
        line = NULL;
    }
    free(line);
    free(argv);
    return whole;
}

/* ---- what is told of a run ---- */

static json_t *text_or_null(const char *text)
{
    return text != NULL && text[0] != '\0' ? json_string(text) : json_null();
}

/* What identifies the run, added to its object. */
static void describe(json_t *object, const struct sweep_run *run)
{
    static const char *const classes[] = {
        [FAULT_CLASS_SPEC] = "spec", [FAULT_CLASS_FIELD] = "field", [FAULT_CLASS_HOSTILE] = "hostile"};
    const struct fault_info *info = run->fault_count > 0 ? &fault_table[run->faults[0].kind] : NULL;
    char key[SWEEP_KEY_MAX], site[FAULT_TEXT_MAX] = "", dialect[64];
    sweep_run_key(run, key, sizeof key);
    if (info != NULL && !info->everywhere) {
        sweep_site_text(&run->faults[0].site, site, sizeof site);
    }
    json_object_set_new(object, "id", json_integer(run->id));
    json_object_set_new(object, "key", json_string(key));
    json_object_set_new(object, "fault", text_or_null(info != NULL ? info->name : NULL));
    json_object_set_new(object, "site", text_or_null(site));
    json_object_set_new(object, "class", text_or_null(info != NULL ? classes[info->class] : NULL));
    json_object_set_new(object, "persistent",
                        json_boolean(run->fault_count > 0 && run->faults[0].site.and_later));
    json_object_set_new(object, "dialect",
                        text_or_null(sweep_dialect_text(run->dialect, dialect, sizeof dialect)));
    json_object_set_new(object, "server", json_null());
    json_object_set_new(object, "vacuous", json_null());
    json_object_set_new(object, "again", json_null());
}

/* Every run can be looked at again, not only one with findings. */
static void add_repeat(json_t *object, const char *command)
{
    char *redacted = command != NULL ? redact_text(command) : NULL;
    json_object_set_new(object, "repeat", text_or_null(redacted));
    free(redacted);
}

json_t *sweep_work_failed(const struct sweep_work *work, const struct sweep_run *run, const char *why)
{
    json_t *object = json_pack("{s:i, s:s, s:{s:[], s:n, s:n, s:b, s:i}, s:[], s:[], s:[], s:s}", "schema", 1,
                               "outcome", "error", "client", "argv", "exit", "signal", "timed_out", 0,
                               "wall_ms", 0, "operations", "faults", "findings", "error", why);
    if (object != NULL) {
        char *repeat = sweep_work_command(work, run);
        describe(object, run);
        add_repeat(object, repeat);
        free(repeat);
    }
    return object;
}

static bool has_fired(const struct trial *trial)
{
    bool all = true;
    for (uint32_t i = 0; i < trial->plan.fault_count; i++) {
        all = all && trial->verdict.judgement.fired[i] > 0;
    }
    return all;
}

static void add_sequence(struct sweep_work *work, json_t *object, const struct sweep_run *run,
                         const struct trial *trial, bool vacuous)
{
    bool *has = run->fault_count > 0 ? &work->has_sequence[run->faults[0].kind] : NULL;
    bool wanted = vacuous || trial->verdict.judgement.finding_count > 0 || (has != NULL && !*has);
    json_t *calls = NULL;
    if (wanted && report_sequence(&trial->verdict.report, &calls) == 0) {
        json_object_set_new(object, "calls", calls);
    }
    if (wanted && has != NULL) {
        *has = *has || (!vacuous && trial->verdict.status == CLI_CLEAN);
    }
}

/* What is at every call leads nowhere that the clean run does not. */
static bool is_somewhere(const struct sweep_run *run)
{
    return run->fault_count == 1 && !fault_table[run->faults[0].kind].everywhere;
}

json_t *sweep_work_tell(struct sweep_work *work, const struct sweep_run *run, const struct trial *trial)
{
    const struct verdict *verdict = &trial->verdict;
    bool vacuous = trial->session.error[0] == '\0' && !has_fired(trial);
    json_t *object = NULL;
    if (trial_value(trial, &object) != 0) {
        return NULL;
    }
    describe(object, run);
    add_repeat(object, verdict->report.repeat);
    json_object_set_new(object, "again", text_or_null(again_outcome(&trial->session)));
    if (vacuous) {
        char why[sizeof verdict->why];
        verdict_nothing_shown(&trial->session.record, &trial->plan, verdict->judgement.fired,
                              verdict->judgement.vdi_calls, trial->session.lost, why, sizeof why);
        json_object_set_new(object, "vacuous", json_string(why));
        /* It could be made, it only shows nothing. */
        bool found = verdict->judgement.finding_count > 0 &&
                     verdict->judgement.findings[0].severity >= work->bench->setup.options->fail_on;
        json_object_set_new(object, "outcome", json_string(found ? "findings" : "clean"));
    } else if (verdict->why[0] != '\0') {
        json_object_set_new(object, "error", json_string(verdict->why));
    }
    add_sequence(work, object, run, trial, vacuous);
    if (work->end != 0 && is_somewhere(run) && verdict->status == CLI_CLEAN && !vacuous) {
        json_object_set_new(object, "then", sweep_work_then(work, run, trial));
    }
    return object;
}

/* ---- a run ---- */

void sweep_work_plan(const struct sweep_work *work, const struct sweep_run *run, struct plan *plan)
{
    *plan = work->bench->setup.options->plan;
    plan->fault_count = run->fault_count;
    plan->probe = work->end != 0 ? PLAN_YES : plan->probe; /* pairs begin where this leads */
    memcpy(plan->faults, run->faults, run->fault_count * sizeof run->faults[0]);
}

json_t *sweep_work_do(struct sweep_work *work, const struct sweep_run *run)
{
    char *repeat = sweep_work_command(work, run);
    struct trial *trial = malloc(sizeof *trial);
    struct plan *plan = malloc(sizeof *plan);
    json_t *object = NULL;
    if (repeat == NULL || trial == NULL || plan == NULL || sweep_work_set_dialect(work, run->dialect) != 0) {
        goto out;
    }
    sweep_work_plan(work, run, plan);
    for (int i = 0, again = 1; i < TRIES && again; i++) {
        json_decref(object);
        object = NULL;
        again = 0;
        coverage_begin(work->coverage, &work->bench->setup, run->id);
        trial_pass(trial, work->bench, plan);
        if (trial->session.interrupted == 0) {
            object = trial_judge(trial, work->bench, repeat) == 0 ? sweep_work_tell(work, run, trial) : NULL;
            object = object != NULL ? object : sweep_work_failed(work, run, "no memory to judge the run");
            again = !json_is_null(json_object_get(object, "vacuous"));
            if (!coverage_end(work->coverage, &work->bench->setup, &trial->session)) {
                json_object_set_new(object, "counters_lost", json_true());
            }
        }
        trial_end(trial);
    }
out:
    free(plan);
    free(trial);
    free(repeat);
    return object;
}
