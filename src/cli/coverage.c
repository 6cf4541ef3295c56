/* coverage.c - see coverage.h. */
#include "coverage.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "coverage_lines.h"
#include "coverage_tools.h"
#include "results.h"
#include "results_coverage.h"

enum {
    MERGE_AFTER = 64 /* runs: a tool is not started for each */
};

static int fail(struct coverage *coverage, const char *what)
{
    snprintf(coverage->error, sizeof coverage->error, "--coverage: cannot make '%.300s': %s", what,
             strerror(errno));
    return -1;
}

static bool is_on(const struct coverage *coverage)
{
    return coverage != NULL && coverage->folder[0] != '\0';
}

/* ---- the folder ---- */

static int make_folder(struct coverage *coverage, const char *journal)
{
    char absolute[RUN_PATH_MAX] = "", token[RUN_TOKEN_MAX];
    if (journal == NULL) {
        run_token(token);
        snprintf(coverage->folder, sizeof coverage->folder, "%s/" RUN_PREFIX "%s-XXXXXX", rundir_base(),
                 token);
        return mkdtemp(coverage->folder) != NULL ? 0 : -1;
    }
    if (journal[0] != '/' && getcwd(absolute, sizeof absolute) == NULL) {
        return -1;
    }
    /* Clients may work in other folders. */
    int length = snprintf(coverage->folder, sizeof coverage->folder, "%s%s%s.coverage", absolute,
                          absolute[0] != '\0' ? "/" : "", journal);
    if (length >= (int)sizeof coverage->folder) {
        errno = ENAMETOOLONG;
        return -1;
    }
    return 0;
}

int coverage_open(struct coverage *coverage, const char *journal, bool fresh)
{
    *coverage = (struct coverage){.continuous = true, .programs = json_array()};
    if (make_folder(coverage, journal) != 0) {
        fail(coverage, coverage->folder);
        coverage->folder[0] = '\0';
        return -1;
    }
    if (fresh && journal != NULL) {
        (void)folder_remove(coverage->folder);
    }
    snprintf(coverage->group, sizeof coverage->group, "%s/faults", coverage->folder);
    if ((mkdir(coverage->folder, 0700) != 0 && errno != EEXIST) ||
        (mkdir(coverage->group, 0700) != 0 && errno != EEXIST)) {
        return fail(coverage, coverage->group);
    }
    snprintf(coverage->group, sizeof coverage->group, "%s/clean", coverage->folder);
    (void)folder_remove(coverage->group);
    return mkdir(coverage->group, 0700) == 0 ? 0 : fail(coverage, coverage->group);
}

void coverage_close(struct coverage *coverage, bool keep)
{
    if (is_on(coverage) && !keep) {
        (void)folder_remove(coverage->folder);
    }
    json_decref(coverage->programs);
    *coverage = (struct coverage){0};
}

/* ---- runs ---- */

static void begin(struct coverage *coverage, struct session_setup *setup, const char *group, long name)
{
    snprintf(coverage->group, sizeof coverage->group, "%s/%s", coverage->folder, group);
    int length = snprintf(coverage->run, sizeof coverage->run, "%s/%ld", coverage->group, name);
    (void)mkdir(coverage->group, 0700);
    (void)mkdir(coverage->run, 0700);
    setup->coverage = length < (int)sizeof coverage->run ? coverage->run : NULL;
    setup->continuous = coverage->continuous;
}

void coverage_begin_clean(struct coverage *coverage, struct session_setup *setup)
{
    if (is_on(coverage)) {
        begin(coverage, setup, "clean", (long)coverage->clean_runs++);
    }
}

/* Each worker has a group of its own. */
void coverage_begin(struct coverage *coverage, struct session_setup *setup, uint32_t id)
{
    char group[48];
    if (is_on(coverage)) {
        snprintf(group, sizeof group, "faults/%ld", (long)getpid());
        begin(coverage, setup, group, (long)id);
    }
}

/* Programs and libraries of the client's own. */
static void note_programs(struct coverage *coverage, const struct session *session)
{
    const struct record *record = &session->record;
    const char *path = session->setup.client->path;
    for (size_t i = 0; i <= record->count; i++) {
        bool known = false;
        size_t at;
        json_t *program;
        if (i > 0 && record->events[i - 1].event.kind != EVENT_MODULE) {
            continue;
        }
        path = i > 0 ? record->events[i - 1].text : path;
        json_array_foreach(coverage->programs, at, program)
        {
            known = known || strcmp(json_string_value(program), path) == 0;
        }
        if (!known && path[0] == '/' && strncmp(path, "/usr/lib/", 9) != 0 && strncmp(path, "/lib", 4) != 0) {
            json_array_append_new(coverage->programs, json_string(path));
        }
    }
}

/* Merges the runs' folders of a group. */
static int merge_group(struct coverage *coverage, const char *group)
{
    char *folders[MERGE_AFTER] = {NULL};
    size_t count = 0;
    int status = 0;
    DIR *list = opendir(group);
    for (struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL && status == 0;
         entry = readdir(list)) {
        if (entry->d_name[0] == '.' || strcmp(entry->d_name, "merged") == 0) {
            continue;
        }
        if (asprintf(&folders[count], "%s/%s", group, entry->d_name) < 0) {
            folders[count] = NULL;
            continue;
        }
        count++;
        if (count == MERGE_AFTER) {
            status = counters_merge(group, (const char *const *)folders, count, coverage->error,
                                    sizeof coverage->error);
            while (count > 0) {
                free(folders[--count]);
            }
        }
    }
    if (status == 0) {
        status = counters_merge(group, (const char *const *)folders, count, coverage->error,
                                sizeof coverage->error);
    }
    while (count > 0) {
        free(folders[--count]);
    }
    if (list != NULL) {
        closedir(list);
    }
    return status;
}

static bool is_statement(const struct record *record, uint32_t process)
{
    bool found = false;
    for (size_t i = 0; i < record->statement_count; i++) {
        found = found || record->statements[i].process == process;
    }
    return found;
}

/* A process of the client that is killed leaves what it wrote as it ran; only continuous counters are written then. */
static bool was_one_killed(const struct record *record)
{
    bool killed = false;
    for (size_t i = 0; i < record->count; i++) {
        const struct event *event = &record->events[i].event;
        killed = killed || (event->kind == EVENT_PROCESS_EXIT && event->arg[1] != 0 &&
                            !is_statement(record, event->process));
    }
    return killed;
}

static bool has_profile(const char *run)
{
    char llvm[RUN_PATH_MAX + 8];
    snprintf(llvm, sizeof llvm, "%s/llvm", run);
    return counters_are_in(llvm);
}

bool coverage_end(struct coverage *coverage, struct session_setup *setup, const struct session *session)
{
    if (!is_on(coverage)) {
        return true;
    }
    setup->coverage = NULL;
    bool left = counters_are_in(coverage->run);
    note_programs(coverage, session);
    if (coverage->clean_runs == 1 && strcmp(coverage->group + strlen(coverage->group) - 5, "clean") == 0) {
        coverage->continuous =
            has_profile(coverage->run); /* only a program built for it writes one when asked */
    }
    if (++coverage->waiting >= MERGE_AFTER) {
        coverage->waiting = 0;
        (void)merge_group(coverage, coverage->group); /* what was not merged is tried once more at the end */
    }
    return left && (session->setup.continuous || !was_one_killed(&session->record));
}

/* ---- what came of them ---- */

static int read_merged(struct coverage *coverage, const char *group, struct cover_table *table, bool clean)
{
    char merged[RUN_PATH_MAX + 8];
    const struct counters_reader reader = {coverage->programs, cover_take_llvm, cover_take_gcov, table};
    table->clean = clean;
    snprintf(merged, sizeof merged, "%s/merged", group);
    return counters_read(merged, &reader, coverage->error, sizeof coverage->error);
}

static int read_clean(struct coverage *coverage, struct cover_table *table)
{
    char clean[RUN_PATH_MAX + 8];
    snprintf(clean, sizeof clean, "%s/clean", coverage->folder);
    return merge_group(coverage, clean) != 0 ? -1 : read_merged(coverage, clean, table, true);
}

int coverage_check(struct coverage *coverage)
{
    struct cover_table table = {0};
    int status = read_clean(coverage, &table);
    if (status == 0 && table.count == 0) {
        snprintf(coverage->error, sizeof coverage->error,
                 "--coverage: the client left no counters: expected one that is built with "
                 "-fprofile-instr-generate -fcoverage-mapping (clang) or --coverage (gcc), and exits");
        status = -1;
    }
    cover_table_free(&table);
    return status;
}

/* The sums of the workers and of the clean passes become runs of one group, for its sum. */
static int merge_all(struct coverage *coverage, char *group, size_t size)
{
    char faults[RUN_PATH_MAX + 8], from[RUN_PATH_MAX * 2], to[RUN_PATH_MAX * 2];
    int status = 0;
    snprintf(faults, sizeof faults, "%s/faults", coverage->folder);
    snprintf(group, size, "%s/all", coverage->folder);
    (void)mkdir(group, 0700);
    DIR *list = opendir(faults);
    for (struct dirent *entry = list != NULL ? readdir(list) : NULL; entry != NULL && status == 0;
         entry = readdir(list)) {
        if (entry->d_name[0] != '.') {
            snprintf(from, sizeof from, "%s/%s", faults, entry->d_name);
            status = merge_group(coverage, from);
            snprintf(from, sizeof from, "%s/%s/merged", faults, entry->d_name);
            snprintf(to, sizeof to, "%s/%s", group, entry->d_name);
            (void)rename(from, to);
        }
    }
    if (list != NULL) {
        closedir(list);
    }
    snprintf(from, sizeof from, "%s/clean/merged", coverage->folder);
    snprintf(to, sizeof to, "%s/clean", group);
    (void)rename(from, to);
    return status != 0 ? status : merge_group(coverage, group);
}

static json_t *lost_runs(const json_t *runs)
{
    json_t *lost = json_array(), *run;
    size_t i;
    json_array_foreach(runs, i, run)
    {
        if (json_is_true(json_object_get(run, "counters_lost"))) {
            json_array_append(lost, json_object_get(run, "id"));
        }
    }
    return lost;
}

static time_t newest(const json_t *programs)
{
    const json_t *program;
    time_t time = 0;
    size_t i;
    json_array_foreach(programs, i, program)
    {
        struct stat info;
        bool there = stat(json_string_value(program), &info) == 0;
        time = there && info.st_mtime > time ? info.st_mtime : time;
    }
    return time;
}

json_t *coverage_value(struct coverage *coverage, const json_t *runs)
{
    struct cover_table table = {.built = newest(coverage->programs)};
    char group[RUN_PATH_MAX + 8];
    json_t *value = NULL;
    struct symbols *symbols = NULL;
    (void)symbols_new(&symbols);
    table.symbols = symbols;
    if (read_clean(coverage, &table) == 0 && merge_all(coverage, group, sizeof group) == 0 &&
        read_merged(coverage, group, &table, false) == 0) {
        value = cover_table_value(&table);
    }
    cover_table_free(&table);
    symbols_free(symbols);
    if (value != NULL &&
        (json_object_set_new(value, "runs", json_integer((json_int_t)json_array_size(runs))) != 0 ||
         json_object_set_new(value, "lost", lost_runs(runs)) != 0 || coverage_conclude(value) != 0)) {
        json_decref(value);
        value = NULL;
    }
    return value;
}
