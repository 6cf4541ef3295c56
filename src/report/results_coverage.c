/* results_coverage.c - see results_coverage.h. */
#include "results_coverage.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "line_set.h"
#include "results.h"

enum line_list {
    LIST_CLEAN,
    LIST_FAULTS,
    LIST_MISSED,
    LIST_PARTIAL,
    LISTS
};
static const char *const list_names[LISTS] = {"clean", "faults", "missed", "partial"};

/* The lines of one file. */
struct file_lines {
    struct line_set list[LISTS];
};

static void free_lines(struct file_lines *lines)
{
    for (int i = 0; i < LISTS; i++) {
        line_set_free(&lines->list[i]);
    }
}

static int read_lines(struct file_lines *lines, const json_t *file)
{
    int error = 0;

    *lines = (struct file_lines){0};
    for (int i = 0; i < LISTS && !error; i++) {
        error = line_set_parse(&lines->list[i], results_text(file, list_names[i]));
    }
    return error;
}

static int write_lines(const struct file_lines *lines, json_t *file)
{
    int failed = 0;

    for (int i = 0; i < LISTS && !failed; i++) {
        char *text = line_set_format(&lines->list[i]);

        failed = !text || json_object_set_new(file, list_names[i], json_string(text)) != 0;
        free(text);
    }
    return failed ? ENOMEM : 0;
}

static bool has(const struct file_lines *lines, enum line_list list, uint32_t line)
{
    return line_set_has(&lines->list[list], line);
}

static bool ran(const struct file_lines *lines, uint32_t line)
{
    return has(lines, LIST_CLEAN, line) || has(lines, LIST_FAULTS, line);
}

/* One beyond the last line of any list. */
static uint32_t end_of(const struct file_lines *lines)
{
    uint32_t end = 0;

    for (int i = 0; i < LISTS; i++) {
        end = lines->list[i].size > end ? lines->list[i].size : end;
    }
    return end;
}

/* ---- what no run reached ---- */

/* The innermost function around a line; NULL: none. */
static const json_t *function_at(const json_t *file, uint32_t line)
{
    const json_t *function, *innermost = NULL;
    json_int_t best = 0;
    size_t i;

    json_array_foreach(json_object_get(file, "functions"), i, function)
    {
        json_int_t first = results_number(function, "first", 0);

        if (first <= line && results_number(function, "last", 0) >= line && first > best) {
            best = first;
            innermost = function;
        }
    }
    return innermost;
}

static bool function_ran(const struct file_lines *lines, const json_t *function)
{
    json_int_t last = results_number(function, "last", 0), end = end_of(lines);
    bool any = false;

    for (json_int_t line = results_number(function, "first", 0);
         line >= 0 && line <= last && line < end && !any; line++) {
        any = ran(lines, (uint32_t)line);
    }
    return any;
}

static int add_unreached(json_t *unreached, const json_t *file, const json_t *function, uint32_t first,
                         uint32_t last, const char *kind)
{
    char key[16];

    snprintf(key, sizeof key, "%u", first);
    const json_t *text = json_object_get(json_object_get(file, "source"), key);
    json_t *item =
        json_pack("{s:s, s:s, s:I, s:I, s:s, s:s}", "file", results_text(file, "file"), "function",
                  results_text(function, "name"), "first", (json_int_t)first, "last", (json_int_t)last,
                  "kind", kind, "text", json_is_string(text) ? json_string_value(text) : "");

    return json_array_append_new(unreached, item) ? ENOMEM : 0;
}

/* The last line of what was missed from `first` on: lines without code do not end it. */
static uint32_t last_missed(const struct file_lines *lines, const json_t *file, const json_t *function,
                            uint32_t first)
{
    uint32_t last = first, end = end_of(lines);

    for (uint32_t line = first + 1; line < end && !ran(lines, line); line++) {
        if (has(lines, LIST_MISSED, line)) {
            if (function_at(file, line) != function) {
                break;
            }
            last = line;
        }
    }
    return last;
}

/* The end of an empty body is no path. */
static bool is_brace(const json_t *file, uint32_t line)
{
    char key[16];

    snprintf(key, sizeof key, "%u", line);
    return strcmp(results_text(json_object_get(file, "source"), key), "}") == 0;
}

/* Lines outside of functions are of macros, and told where those are used. */
static int find_unreached(const struct file_lines *lines, const json_t *file, json_t *unreached)
{
    uint32_t end = end_of(lines);
    int error = 0;

    for (uint32_t line = 1; line < end && !error; line++) {
        bool missed = has(lines, LIST_MISSED, line), partial = has(lines, LIST_PARTIAL, line);
        const json_t *function = missed || partial ? function_at(file, line) : NULL;
        uint32_t last = missed ? last_missed(lines, file, function, line) : line;

        if (function && !(missed && last == line && is_brace(file, line))) {
            const char *kind = partial ? "part" : function_ran(lines, function) ? "path" : "function";

            error = add_unreached(unreached, file, function, line, last, kind);
        }
        line = last;
    }
    return error;
}

int coverage_conclude(json_t *coverage)
{
    json_t *unreached = json_array(), *file;
    json_int_t counts[LISTS] = {0};
    int error = unreached ? 0 : ENOMEM;
    size_t i;

    json_array_foreach(json_object_get(coverage, "files"), i, file)
    {
        struct file_lines lines;

        if (error) {
            break;
        }
        error = read_lines(&lines, file);
        for (int list = 0; list < LISTS; list++) {
            counts[list] += line_set_count(&lines.list[list]);
        }
        error = error ? error : find_unreached(&lines, file, unreached);
        free_lines(&lines);
    }
    for (int list = 0; list < LIST_PARTIAL && !error; list++) {
        error = json_object_set_new(coverage, list_names[list], json_integer(counts[list])) ? ENOMEM : 0;
    }
    if (!error &&
        (json_object_set_new(coverage, "lines",
                             json_integer(counts[LIST_CLEAN] + counts[LIST_FAULTS] + counts[LIST_MISSED])) ||
         json_object_set(coverage, "unreached", unreached))) {
        error = ENOMEM;
    }
    json_decref(unreached);
    return error;
}

/* ---- shards ---- */

/* A line is missed, or partly so, when it is in both; one that only one of them knows is as that one says. */
static int merge_line(struct file_lines *into, const struct file_lines *a, const struct file_lines *b,
                      uint32_t line)
{
    bool whole =
        (ran(a, line) && !has(a, LIST_PARTIAL, line)) || (ran(b, line) && !has(b, LIST_PARTIAL, line));
    bool clean = has(a, LIST_CLEAN, line) || has(b, LIST_CLEAN, line);
    bool any = ran(a, line) || ran(b, line);
    bool missed = has(a, LIST_MISSED, line) || has(b, LIST_MISSED, line);
    int error = 0;

    if (any || missed) {
        error = line_set_add(&into->list[clean ? LIST_CLEAN : any ? LIST_FAULTS : LIST_MISSED], line);
    }
    if (!error && any && !whole) {
        error = line_set_add(&into->list[LIST_PARTIAL], line);
    }
    return error;
}

static int merge_file(json_t *file, const json_t *other)
{
    struct file_lines a = {0}, b = {0}, into = {0};
    int error = read_lines(&a, file);

    error = error ? error : read_lines(&b, other);
    uint32_t end = end_of(&a) > end_of(&b) ? end_of(&a) : end_of(&b);
    for (uint32_t line = 1; line < end && !error; line++) {
        error = merge_line(&into, &a, &b, line);
    }
    error = error ? error : write_lines(&into, file);
    if (!error) {
        json_t *source = json_object_get(other, "source");

        error = source && json_object_update_missing(json_object_get(file, "source"), source) ? ENOMEM : 0;
    }
    free_lines(&a);
    free_lines(&b);
    free_lines(&into);
    return error;
}

static json_t *find_file(json_t *files, const char *name)
{
    json_t *file;
    size_t i;

    json_array_foreach(files, i, file)
    {
        if (strcmp(results_text(file, "file"), name) == 0) {
            return file;
        }
    }
    return NULL;
}

int coverage_merge(json_t *coverage, const json_t *other)
{
    json_t *files = json_object_get(coverage, "files"), *lost = json_object_get(coverage, "lost"), *file;
    json_int_t runs = results_sum(results_number(coverage, "runs", 0), results_number(other, "runs", 0));
    int error = 0;
    size_t i;

    if (!json_is_array(files) || !json_is_array(lost) || !json_is_array(json_object_get(other, "files")) ||
        json_array_extend(lost, json_object_get(other, "lost"))) {
        return EINVAL;
    }
    json_array_foreach(json_object_get(other, "files"), i, file)
    {
        json_t *known = find_file(files, results_text(file, "file"));

        error = known ? merge_file(known, file) : json_array_append(files, file) ? ENOMEM : 0;
        if (error) {
            return error;
        }
    }
    return json_object_set_new(coverage, "runs", json_integer(runs)) ? ENOMEM : coverage_conclude(coverage);
}
