/* coverage_tools.c - see coverage_tools.h. */
#include "coverage_tools.h"

#include <errno.h>
#include <fts.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "rundir.h"

#define ENV_PROGRAM "/usr/bin/env" /* finds a tool on PATH */

enum {
    ENV_NOT_FOUND = 127
};

static const struct tool {
    const char *variable;
    const char *name;
    const char *package;
} llvm_profdata = {"LLVM_PROFDATA", "llvm-profdata", "llvm"}, llvm_cov = {"LLVM_COV", "llvm-cov", "llvm"},
  gcov_tool = {"GCOV_TOOL", "gcov-tool", "gcc"}, gcov = {"GCOV", "gcov", "gcc"};

/* ---- argument lists ---- */

struct words {
    char **list; /* ends with NULL */
    size_t count;
    bool failed;
};

static void add(struct words *words, const char *word)
{
    char **list = realloc(words->list, (words->count + 2) * sizeof *list);
    char *copy = strdup(word);
    words->list = list != NULL ? list : words->list;
    if (list == NULL || copy == NULL) {
        free(copy);
        words->failed = true;
        return;
    }
    list[words->count++] = copy;
    list[words->count] = NULL;
}

static void free_words(struct words *words)
{
    for (size_t i = 0; i < words->count; i++) {
        free(words->list[i]);
    }
    free(words->list);
    *words = (struct words){0};
}

static void start_words(struct words *words, const struct tool *tool)
{
    const char *given = getenv(tool->variable);
    *words = (struct words){0};
    add(words, "env");
    add(words, given != NULL && given[0] != '\0' ? given : tool->name);
}

/* ---- files ---- */

/* Each file below the folder whose name ends so, its path appended. */
static size_t find_files(const char *folder, const char *end, struct words *words)
{
    char *const roots[] = {(char *)folder, NULL};
    size_t found = 0;
    FTS *tree = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, NULL);
    for (FTSENT *entry = tree != NULL ? fts_read(tree) : NULL; entry != NULL; entry = fts_read(tree)) {
        size_t length = strlen(end);
        if (entry->fts_info == FTS_F && entry->fts_namelen > length &&
            strcmp(entry->fts_name + entry->fts_namelen - length, end) == 0) {
            found++;
            if (words != NULL) {
                add(words, entry->fts_path);
            }
        }
    }
    if (tree != NULL) {
        fts_close(tree);
    }
    return found;
}

static bool has_gcov(const char *folder)
{
    char path[RUN_PATH_MAX];
    snprintf(path, sizeof path, "%s/gcov", folder);
    return find_files(path, ".gcda", NULL) > 0;
}

bool counters_are_in(const char *folder)
{
    return find_files(folder, ".profraw", NULL) + find_files(folder, ".gcda", NULL) > 0;
}

/* ---- running a tool ---- */

/* What the tool printed first on its stderr. */
static void first_line(FILE *errors, char *line, size_t size)
{
    rewind(errors);
    if (fgets(line, (int)size, errors) == NULL) {
        line[0] = '\0';
    }
    line[strcspn(line, "\n")] = '\0';
}

/* Its exit status 0, with its stdout in `output`. The words are gone then. 1: it failed, -1: it did not run; both with
 * `why`. */
static int run_tool(const struct tool *tool, struct words *words, FILE *output, char *why, size_t size)
{
    FILE *errors = tmpfile(), *null = fopen("/dev/null", "r+e");
    char line[256] = "";
    int status = -1;
    pid_t pid = 0;
    if (errors == NULL || null == NULL || words->failed) {
        snprintf(why, size, "%s: %s", tool->name, strerror(ENOMEM));
        goto out;
    }
    struct launch launch = {
        .path = ENV_PROGRAM,
        .argv = words->list,
        .environment = environ,
        .standard = {fileno(null), fileno(output != NULL ? output : null), fileno(errors)},
    };
    int error = launch_start(&launch, &pid);
    while (error == 0 && waitpid(pid, &status, 0) < 0) {
        error = errno == EINTR ? 0 : errno;
    }
    first_line(errors, line, sizeof line);
    if (error != 0) {
        snprintf(why, size, "cannot start %s: %s", tool->name, strerror(error));
    } else if (WIFEXITED(status) && WEXITSTATUS(status) == ENV_NOT_FOUND) {
        snprintf(why, size, "%s is not installed: expected it on PATH (package %s), or %s to name it",
                 words->list[1], tool->package, tool->variable);
        status = -1;
    } else if (status != 0) {
        snprintf(why, size, "%s failed: %.200s", words->list[1], line);
        status = 1;
    }
out:
    if (errors != NULL) {
        fclose(errors);
    }
    if (null != NULL) {
        fclose(null);
    }
    free_words(words);
    return status;
}

/* ---- merging ---- */

static int replace(const char *from, const char *to)
{
    (void)folder_remove(to);
    return rename(from, to);
}

/* llvm-profdata leaves out files that it cannot read, as long as it can read one. */
static int merge_llvm(const char *merged, const char *const *folders, size_t count, char *why, size_t size)
{
    char sum[RUN_PATH_MAX], next[RUN_PATH_MAX + 8];
    struct words words;
    size_t found = 0;
    start_words(&words, &llvm_profdata);
    add(&words, "merge");
    add(&words, "-sparse");
    add(&words, "-failure-mode=all");
    add(&words, "-o");
    snprintf(sum, sizeof sum, "%s/llvm/all.profdata", merged);
    snprintf(next, sizeof next, "%s.next", sum);
    add(&words, next);
    for (size_t i = 0; i < count; i++) {
        found += find_files(folders[i], ".profraw", &words) + find_files(folders[i], ".profdata", &words);
    }
    if (found == 0) {
        free_words(&words);
        return 0;
    }
    if (access(sum, F_OK) == 0) {
        add(&words, sum);
    }
    int status = run_tool(&llvm_profdata, &words, NULL, why, size);
    if (status == 0 && rename(next, sum) != 0) {
        snprintf(why, size, "cannot write '%.200s': %s", sum, strerror(errno));
        status = -1;
    }
    return status < 0 ? -1 : 0;
}

/* gcov-tool merges two at a time. */
static int merge_gcov(const char *merged, const char *folder, char *why, size_t size)
{
    char sum[RUN_PATH_MAX], next[RUN_PATH_MAX + 8], from[RUN_PATH_MAX];
    struct words words;
    snprintf(sum, sizeof sum, "%s/gcov", merged);
    snprintf(next, sizeof next, "%s.next", sum);
    snprintf(from, sizeof from, "%s/gcov", folder);
    if (!has_gcov(folder)) {
        return 0;
    }
    int status = 0;
    if (access(sum, F_OK) != 0) {
        status = rename(from, sum) != 0 ? -1 : 0;
    } else {
        start_words(&words, &gcov_tool);
        add(&words, "merge");
        add(&words, "-o");
        add(&words, next);
        add(&words, sum);
        add(&words, from);
        status = run_tool(&gcov_tool, &words, NULL, why, size);
        if (status != 0) {
            (void)folder_remove(next);
            return status < 0 ? -1 : 0;
        }
        status = replace(next, sum);
    }
    if (status != 0) {
        snprintf(why, size, "cannot write '%.200s': %s", sum, strerror(errno));
    }
    return status;
}

int counters_merge(const char *group, const char *const *folders, size_t count, char *why, size_t size)
{
    char merged[RUN_PATH_MAX], llvm[RUN_PATH_MAX];
    snprintf(merged, sizeof merged, "%s/merged", group);
    snprintf(llvm, sizeof llvm, "%s/llvm", merged);
    if ((mkdir(merged, 0700) != 0 && errno != EEXIST) || (mkdir(llvm, 0700) != 0 && errno != EEXIST)) {
        snprintf(why, size, "cannot make '%.200s': %s", llvm, strerror(errno));
        return -1;
    }
    int status = merge_llvm(merged, folders, count, why, size);
    for (size_t i = 0; i < count && status == 0; i++) {
        status = merge_gcov(merged, folders[i], why, size);
    }
    for (size_t i = 0; i < count && status == 0; i++) {
        (void)folder_remove(folders[i]);
    }
    return status;
}

/* ---- reading ---- */

/* Every JSON object of the stream. */
static int take_objects(FILE *stream, counters_take *take, void *context, const struct tool *tool, char *why,
                        size_t size)
{
    json_t *object;
    int error = 0;
    rewind(stream);
    while (error == 0 && (object = json_loadf(stream, JSON_DISABLE_EOF_CHECK, NULL)) != NULL) {
        error = take(context, object);
        json_decref(object);
    }
    if (error != 0) {
        snprintf(why, size, "cannot read what %s says: %s", tool->name, strerror(error));
    }
    return error != 0 ? -1 : 0;
}

static int read_output(const struct tool *tool, struct words *words, counters_take *take, void *context,
                       char *why, size_t size)
{
    FILE *output = tmpfile();
    int status = output == NULL ? -1 : run_tool(tool, words, output, why, size);
    if (output == NULL) {
        free_words(words);
        snprintf(why, size, "%s: no temporary file: %s", tool->name, strerror(errno));
    } else if (status == 0) {
        status = take_objects(output, take, context, tool, why, size);
    }
    if (output != NULL) {
        fclose(output);
    }
    return status != 0 ? -1 : 0;
}

/* One program at a time: llvm-cov refuses a list with one that has no mapping, and there are such. */
static int read_llvm(const char *merged, const struct counters_reader *reader, char *why, size_t size)
{
    char profile[RUN_PATH_MAX + 32];
    const json_t *program;
    size_t i, read = 0;
    snprintf(profile, sizeof profile, "%s/llvm/all.profdata", merged);
    if (access(profile, F_OK) != 0) {
        return 0;
    }
    snprintf(why, size, "no program is known that has counters of clang");
    json_array_foreach(reader->programs, i, program)
    {
        char option[RUN_PATH_MAX + 64];
        struct words words;
        start_words(&words, &llvm_cov);
        add(&words, "export");
        add(&words, "-format=text");
        snprintf(option, sizeof option, "-instr-profile=%s", profile);
        add(&words, option);
        add(&words, json_string_value(program));
        read += read_output(&llvm_cov, &words, reader->llvm, reader->context, why, size) == 0;
    }
    return read > 0 ? 0 : -1;
}

/* gcov looks for the notes (.gcno) beside the counters; the compiler wrote them beside the object file. */
static size_t link_notes(const char *folder, const struct words *counters, size_t first, char *why,
                         size_t size)
{
    size_t linked = 0;
    for (size_t i = first; i < counters->count; i++) {
        char notes[RUN_PATH_MAX], link[RUN_PATH_MAX];
        int length = (int)strlen(counters->list[i]) - 5; /* ".gcda" */
        snprintf(link, sizeof link, "%.*s.gcno", length, counters->list[i]);
        snprintf(notes, sizeof notes, "%s", link + strlen(folder));
        if (access(notes, R_OK) != 0) {
            snprintf(why, size, "gcov: no notes file '%.300s': expected it where gcc wrote it", notes);
            continue;
        }
        (void)unlink(link);
        linked += symlink(notes, link) == 0;
    }
    return linked;
}

static int read_gcov(const char *merged, const struct counters_reader *reader, char *why, size_t size)
{
    char folder[RUN_PATH_MAX + 8];
    struct words words;
    snprintf(folder, sizeof folder, "%s/gcov", merged);
    start_words(&words, &gcov);
    add(&words, "--json-format");
    add(&words, "--stdout");
    size_t first = words.count;
    if (find_files(folder, ".gcda", &words) == 0) {
        free_words(&words);
        return 0;
    }
    if (words.failed || link_notes(folder, &words, first, why, size) == 0) {
        free_words(&words);
        return -1;
    }
    return read_output(&gcov, &words, reader->gcov, reader->context, why, size);
}

int counters_read(const char *merged, const struct counters_reader *reader, char *why, size_t size)
{
    int status = read_llvm(merged, reader, why, size);
    return status == 0 ? read_gcov(merged, reader, why, size) : status;
}
