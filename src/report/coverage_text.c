/* coverage_text.c - what runs of a sweep reached of the client, for a person. */
#include <string.h>

#include "results.h"
#include "results_coverage.h"
#include "text_print.h"

enum {
    WIDTH = 100,
    PATHS_SHOWN = 24,
    FUNCTIONS_SHOWN = 20,
    TEXT_SHOWN = 70
};

size_t coverage_folder(const json_t *coverage)
{
    const char *first = NULL;
    const json_t *file;
    size_t shared = 0, i;

    json_array_foreach(json_object_get(coverage, "files"), i, file)
    {
        const char *name = results_text(file, "file");

        if (!first) {
            first = name;
            shared = strlen(name);
        }
        for (size_t at = 0; at < shared; at++) {
            shared = name[at] == first[at] ? shared : at;
        }
    }
    while (shared > 0 && first[shared - 1] != '/') {
        shared--;
    }
    return shared;
}

static bool is_kind(const json_t *item, const char *kind)
{
    return strcmp(results_text(item, "kind"), kind) == 0;
}

/* Lines that never ran, and statements behind a condition on its line; not what an expression left out. */
static bool is_path(const json_t *item)
{
    static const char *const starts[] = {"if", "else", "} else", "case ", "default", "for ", "while "};
    const char *text = results_text(item, "text");
    bool statement = false;

    for (size_t i = 0; i < sizeof starts / sizeof starts[0]; i++) {
        statement = statement || strncmp(text, starts[i], strlen(starts[i])) == 0;
    }
    return is_kind(item, "path") || (is_kind(item, "part") && statement);
}

/* "store.c:12-14" */
static void place_of(const json_t *item, size_t folder, char *place, size_t size)
{
    const char *file = results_text(item, "file");
    json_int_t first = results_number(item, "first", 0), last = results_number(item, "last", 0);
    char end[32] = "";

    if (last > first) {
        snprintf(end, sizeof end, "-%lld", (long long)last);
    }
    snprintf(place, size, "%s:%lld%s", strlen(file) > folder ? file + folder : file, (long long)first, end);
}

static void print_path(FILE *out, const json_t *item, size_t folder, int width)
{
    char place[512];

    place_of(item, folder, place, sizeof place);
    const char *text = results_text(item, "text");
    fprintf(out, "    %-*s  %s%s%.*s%s\n", width, place, results_text(item, "function"), *text ? ": " : "",
            TEXT_SHOWN, text, is_kind(item, "part") ? "  (a part of the line)" : "");
}

/* The first of what was not reached; with 0 for `width` nothing is printed. Returns the widest place of them. */
static int print_paths(FILE *out, const json_t *coverage, int width)
{
    size_t folder = coverage_folder(coverage), count = 0, i;
    const json_t *item;
    int widest = 0;

    json_array_foreach(json_object_get(coverage, "unreached"), i, item)
    {
        char place[512];

        if (!is_path(item) || count++ >= PATHS_SHOWN) {
            continue;
        }
        place_of(item, folder, place, sizeof place);
        widest = (int)strlen(place) > widest ? (int)strlen(place) : widest;
        if (width > 0) {
            fputs(count == 1 ? "  error paths and other code that no run reached, in functions that ran:\n"
                             : "",
                  out);
            print_path(out, item, folder, width);
        }
    }
    if (width > 0 && count > PATHS_SHOWN) {
        fprintf(out, "    and %zu more: --json and --html have all\n", count - PATHS_SHOWN);
    }
    return widest;
}

static void print_functions(FILE *out, const json_t *coverage)
{
    char line[FUNCTIONS_SHOWN * 128] = "functions that never ran:";
    size_t used = strlen(line), count = 0, i;
    const json_t *item;

    json_array_foreach(json_object_get(coverage, "unreached"), i, item)
    {
        if (is_kind(item, "function") && count++ < FUNCTIONS_SHOWN) {
            used += (size_t)snprintf(line + used, sizeof line - used, "%s %.100s", count > 1 ? "," : "",
                                     results_text(item, "function"));
        }
    }
    if (count > FUNCTIONS_SHOWN) {
        snprintf(line + used, sizeof line - used, " and %zu more", count - FUNCTIONS_SHOWN);
    }
    if (count > 0) {
        fputs("  ", out);
        wrap_words(out, WIDTH, 4, 2, line);
    }
}

void coverage_text(FILE *out, const json_t *coverage, bool color)
{
    size_t lost = json_array_size(json_object_get(coverage, "lost"));
    json_int_t clean = results_number(coverage, "clean", 0), faults = results_number(coverage, "faults", 0);

    if (!json_is_object(coverage)) {
        return;
    }
    fprintf(
        out,
        "\n%scoverage%s of the client (%s): %lld of %lld lines ran, %lld without a fault, %lld more with\n",
        color ? TEXT_BOLD : "", color ? TEXT_PLAIN : "", results_text(coverage, "tool"),
        (long long)(clean + faults), (long long)results_number(coverage, "lines", 0), (long long)clean,
        (long long)faults);
    if (lost > 0) {
        fprintf(out,
                "  %zu of %lld runs lost counters (a process was killed, crashed or called _exit): lines "
                "that only they "
                "reached are "
                "missing\n",
                lost, (long long)results_number(coverage, "runs", 0));
    }
    print_paths(out, coverage, print_paths(out, coverage, 0));
    print_functions(out, coverage);
}
