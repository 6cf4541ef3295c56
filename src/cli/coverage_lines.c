/* coverage_lines.c - see coverage_lines.h. */
#include "coverage_lines.h"

#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "results.h"

/* Files of the compiler and the system are not the client's. */
static bool is_foreign(const char *path)
{
    static const char *const folders[] = {"/usr/include/", "/usr/local/include/", "/usr/lib/"};
    bool foreign = false;
    for (size_t i = 0; i < sizeof folders / sizeof folders[0]; i++) {
        foreign = foreign || strncmp(path, folders[i], strlen(folders[i])) == 0;
    }
    return foreign;
}

/* NULL: no memory. */
static struct cover_file *file_of(struct cover_table *table, const char *path)
{
    for (size_t i = 0; i < table->count; i++) {
        if (strcmp(table->files[i].path, path) == 0) {
            return &table->files[i];
        }
    }
    struct cover_file *files = realloc(table->files, (table->count + 1) * sizeof *files);
    if (files == NULL) {
        return NULL;
    }
    table->files = files;
    struct cover_file *file = &files[table->count];
    *file = (struct cover_file){.path = strdup(path), .functions = json_object()};
    if (file->path == NULL || file->functions == NULL) {
        free(file->path);
        json_decref(file->functions);
        return NULL;
    }
    table->count++;
    return file;
}

void cover_table_free(struct cover_table *table)
{
    for (size_t i = 0; i < table->count; i++) {
        struct cover_file *file = &table->files[i];
        free(file->path);
        line_set_free(&file->known);
        line_set_free(&file->clean);
        line_set_free(&file->ran);
        line_set_free(&file->partial);
        json_decref(file->functions);
    }
    free(table->files);
    *table = (struct cover_table){0};
}

static int add_line(const struct cover_table *table, struct cover_file *file, json_int_t number, bool ran,
                    bool partial)
{
    uint32_t line = number > 0 && number <= LINE_MAX_NUMBER ? (uint32_t)number : 0;
    int error = line_set_add(&file->known, line);
    if (error == 0 && ran) {
        error = line_set_add(table->clean ? &file->clean : &file->ran, line);
    }
    if (error == 0 && ran && partial && !table->clean) {
        error = line_set_add(&file->partial, line);
    }
    return error;
}

static int add_function(const struct cover_table *table, struct cover_file *file, const char *name,
                        json_int_t first, json_int_t last)
{
    char key[512];
    const char *colon = strrchr(name, ':'); /* of a static function llvm-cov says "file.c:name" */
    name = colon != NULL && colon > name && colon[-1] != ':' ? colon + 1 : name;
    char *demangled = table->symbols != NULL ? symbols_demangle(table->symbols, name) : NULL;
    name = demangled != NULL ? demangled : name;
    snprintf(key, sizeof key, "%08lld %.400s", (long long)first, name);
    int failed = json_object_set_new_nocheck(
        file->functions, key, json_pack("{s:s, s:I, s:I}", "name", name, "first", first, "last", last));
    free(demangled);
    return failed != 0 ? ENOMEM : 0;
}

/* ---- llvm-cov export ---- */

enum segment_part {
    SEGMENT_LINE = 0,
    SEGMENT_COUNT = 2,
    SEGMENT_HAS_COUNT,
    SEGMENT_IS_ENTRY,
    SEGMENT_IS_GAP
};

static json_int_t segment_number(const json_t *segment, enum segment_part part)
{
    return json_integer_value(json_array_get(segment, part));
}

static bool segment_flag(const json_t *segment, enum segment_part part)
{
    return json_is_true(json_array_get(segment, part));
}

/* A region with a counter starts here. */
static bool is_start(const json_t *segment)
{
    return segment_flag(segment, SEGMENT_IS_ENTRY) && segment_flag(segment, SEGMENT_HAS_COUNT) &&
           !segment_flag(segment, SEGMENT_IS_GAP);
}

/* A segment holds up to the next one; `before` is the last one of an earlier line. A line without a start of its own
 * ran as often as what reaches into it, one with starts as the most frequent of them all. */
static int take_line(const struct cover_table *table, struct cover_file *file, json_int_t line,
                     const json_t *before, const json_t *segments, size_t at, size_t end)
{
    bool inside = before != NULL && segment_flag(before, SEGMENT_HAS_COUNT);
    const json_t *first = at < end ? json_array_get(segments, at) : NULL;
    bool ran = before != NULL && segment_number(before, SEGMENT_COUNT) > 0, mapped = inside, partial = false;
    if (first != NULL && segment_flag(first, SEGMENT_IS_ENTRY) && !segment_flag(first, SEGMENT_HAS_COUNT)) {
        return 0; /* the preprocessor leaves it out, or it is a comment */
    }
    for (; at < end; at++) {
        const json_t *segment = json_array_get(segments, at);
        bool missed = segment_number(segment, SEGMENT_COUNT) == 0;
        if (is_start(segment)) {
            mapped = true;
            ran = ran || !missed;
            partial = partial || (missed && at + 1 < end); /* what goes on is told by the lines that follow */
        }
    }
    return mapped ? add_line(table, file, line, ran, partial) : 0;
}

static int take_segments(const struct cover_table *table, struct cover_file *file, const json_t *segments)
{
    size_t count = json_array_size(segments);
    const json_t *before = NULL;
    int error = 0;
    for (size_t at = 0, end = 0; at < count && error == 0; at = end) {
        json_int_t line = segment_number(json_array_get(segments, at), SEGMENT_LINE), next = line;
        while (end < count && next == line) {
            end++;
            next = end < count ? segment_number(json_array_get(segments, end), SEGMENT_LINE) : -1;
        }
        error = take_line(table, file, line, before, segments, at, end);
        before = json_array_get(segments, end - 1);
        for (line++; line < next && line <= LINE_MAX_NUMBER && error == 0; line++) {
            error = take_line(table, file, line, before, segments, end, end);
        }
    }
    return error;
}

/* The first region of a function is all of it. */
static int take_llvm_function(struct cover_table *table, const json_t *function)
{
    const json_t *region = json_array_get(json_object_get(function, "regions"), 0);
    const char *path = json_string_value(json_array_get(json_object_get(function, "filenames"), 0));
    struct cover_file *file = path != NULL && !is_foreign(path) ? file_of(table, path) : NULL;
    return file == NULL ? 0
                        : add_function(table, file, results_text(function, "name"),
                                       json_integer_value(json_array_get(region, 0)),
                                       json_integer_value(json_array_get(region, 2)));
}

int cover_take_llvm(void *context, const json_t *object)
{
    struct cover_table *table = context;
    const json_t *data = json_array_get(json_object_get(object, "data"), 0), *value;
    int error = 0;
    size_t i;
    table->llvm = true;
    json_array_foreach(json_object_get(data, "files"), i, value)
    {
        const char *path = results_text(value, "filename");
        struct cover_file *file = is_foreign(path) ? NULL : file_of(table, path);
        if (file != NULL && error == 0) {
            error = take_segments(table, file, json_object_get(value, "segments"));
        }
    }
    json_array_foreach(json_object_get(data, "functions"), i, value)
    {
        error = error == 0 ? take_llvm_function(table, value) : error;
    }
    return error;
}

/* ---- gcov --json-format ---- */

static int take_gcov_file(struct cover_table *table, const json_t *value, const char *folder)
{
    const char *name = results_text(value, "file");
    char joined[PATH_MAX * 2];
    snprintf(joined, sizeof joined, "%s%s%s", name[0] == '/' ? "" : folder, name[0] == '/' ? "" : "/", name);
    struct cover_file *file = is_foreign(joined) ? NULL : file_of(table, joined);
    const json_t *item;
    int error = 0;
    size_t i;
    json_array_foreach(file != NULL ? json_object_get(value, "lines") : NULL, i, item)
    {
        error = error != 0 ? error
                           : add_line(table, file, results_number(item, "line_number", 0),
                                      results_number(item, "count", 0) > 0,
                                      json_is_true(json_object_get(item, "unexecuted_block")));
    }
    json_array_foreach(file != NULL ? json_object_get(value, "functions") : NULL, i, item)
    {
        error = error != 0 ? error
                           : add_function(table, file, results_text(item, "demangled_name"),
                                          results_number(item, "start_line", 0),
                                          results_number(item, "end_line", 0));
    }
    return error;
}

int cover_take_gcov(void *context, const json_t *object)
{
    const json_t *file;
    int error = 0;
    size_t i;
    json_array_foreach(json_object_get(object, "files"), i, file)
    {
        error = error != 0 ? error
                           : take_gcov_file(context, file, results_text(object, "current_working_directory"));
    }
    return error;
}

/* ---- the report's object ---- */

/* The text of lines that did not run, or not all. */
static json_t *source_of(const struct cover_file *file, time_t built)
{
    enum {
        TEXT_MAX = 100
    };
    json_t *source = json_object();
    struct stat info;
    bool same = stat(file->path, &info) == 0 && info.st_mtime <= built;
    FILE *in = same ? fopen(file->path, "re") : NULL;
    char *text = NULL;
    size_t room = 0;
    ssize_t length;
    for (uint32_t line = 1; in != NULL && (length = getline(&text, &room, in)) >= 0; line++) {
        char key[16];
        size_t start = strspn(text, " \t");
        bool missed = line_set_has(&file->known, line) && !line_set_has(&file->ran, line);
        if (!missed && !line_set_has(&file->partial, line)) {
            continue;
        }
        text[start + strcspn(text + start, "\r\n")] = '\0';
        if (strlen(text + start) > TEXT_MAX) {
            text[start + TEXT_MAX] = '\0';
        }
        snprintf(key, sizeof key, "%u", line);
        json_object_set_new(source, key, json_string(text + start)); /* left out if it is no UTF-8 */
    }
    free(text);
    if (in != NULL) {
        fclose(in);
    }
    return source;
}

static int set_lines(json_t *value, const char *key, const struct line_set *lines)
{
    char *text = line_set_format(lines);
    int failed = text == NULL || json_object_set_new(value, key, json_string(text)) != 0;
    free(text);
    return failed ? ENOMEM : 0;
}

/* The lists of a report exclude each other, but for the partial one. */
static json_t *file_value(const struct cover_file *file, time_t built)
{
    struct line_set faults = {0}, missed = {0};
    json_t *value =
        json_pack("{s:s, s:[], s:o}", "file", file->path, "functions", "source", source_of(file, built));
    const char *key;
    json_t *function;
    int error = value == NULL ? ENOMEM : 0;
    for (uint32_t line = 1; line < file->known.size && error == 0; line++) {
        if (line_set_has(&file->known, line) && !line_set_has(&file->clean, line)) {
            error = line_set_add(line_set_has(&file->ran, line) ? &faults : &missed, line);
        }
    }
    error = error != 0 ? error : set_lines(value, "clean", &file->clean);
    error = error != 0 ? error : set_lines(value, "faults", &faults);
    error = error != 0 ? error : set_lines(value, "missed", &missed);
    error = error != 0 ? error : set_lines(value, "partial", &file->partial);
    json_object_foreach(file->functions, key, function)
    {
        json_array_append(json_object_get(value, "functions"), function);
    }
    line_set_free(&faults);
    line_set_free(&missed);
    if (error != 0) {
        json_decref(value);
        value = NULL;
    }
    return value;
}

static int by_path(const void *left, const void *right)
{
    return strcmp(((const struct cover_file *)left)->path, ((const struct cover_file *)right)->path);
}

json_t *cover_table_value(const struct cover_table *table)
{
    json_t *files = json_array();
    int failed = files == NULL;
    if (table->count > 0) {
        qsort(table->files, table->count, sizeof *table->files, by_path);
    }
    for (size_t i = 0; i < table->count && !failed; i++) {
        /* One without functions has macros, which are lines of the functions that use them. */
        failed = json_object_size(table->files[i].functions) > 0 &&
                 json_array_append_new(files, file_value(&table->files[i], table->built)) != 0;
    }
    if (failed) {
        json_decref(files);
        return NULL;
    }
    return json_pack("{s:s, s:o}", "tool", table->llvm ? "llvm-cov" : "gcov", "files", files);
}
