/* sweep_text.c - a sweep's report as text: which fault was survived where, and the findings. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "plain.h"
#include "results.h"
#include "results_coverage.h"
#include "text_print.h"

enum {
    COLUMNS_MAX = 52, /* letters there are */
    ROWS_MAX = 128,
    WIDTH = 100,
    NAME_MAX_BYTES = 64
};

/* What became of the runs of one fault at one site: the worst of them. */
enum mark {
    MARK_NONE,
    MARK_CLEAN,
    MARK_VACUOUS,
    MARK_FINDING,
    MARK_FAILED,
    MARK_COUNT
};

static const struct {
    char letter;
    const char *color;
    const char *means;
} marks[MARK_COUNT] = {
    [MARK_NONE] = {' ', "", ""},
    [MARK_CLEAN] = {'.', TEXT_GREEN, "survived"},
    [MARK_VACUOUS] = {'?', TEXT_YELLOW, "the fault did not happen"},
    [MARK_FINDING] = {'#', TEXT_RED, "findings"},
    [MARK_FAILED] = {'!', TEXT_YELLOW, "the run could not be made"},
};

struct matrix {
    char rows[ROWS_MAX][NAME_MAX_BYTES];
    char columns[COLUMNS_MAX][NAME_MAX_BYTES];
    size_t row_count, column_count;
    uint8_t cells[ROWS_MAX][COLUMNS_MAX]; /* enum mark */
    bool used[MARK_COUNT];
    bool cut; /* there was more than fits */
};

static enum mark mark_of(const json_t *run)
{
    const char *outcome = results_text(run, "outcome");

    return results_vacuous(run)               ? MARK_VACUOUS
           : strcmp(outcome, "error") == 0    ? MARK_FAILED
           : strcmp(outcome, "findings") == 0 ? MARK_FINDING
                                              : MARK_CLEAN;
}

/* The index of the name, added if it is new; `max`: no room. */
static size_t index_of(char names[][NAME_MAX_BYTES], size_t *count, size_t max, const char *name)
{
    size_t i = 0;

    while (i < *count && strcmp(names[i], name) != 0) {
        i++;
    }
    if (i == *count && i < max) {
        snprintf(names[(*count)++], NAME_MAX_BYTES, "%s", name);
    }
    return i;
}

/* "Write#2+:0/1" is of the column "Write/1": devices and arrivals are one column. */
static void column_name(const char *site, char name[NAME_MAX_BYTES])
{
    const char *operation = strchr(site, '/');

    if (!site[0]) { /* jitter, preempt: at every call */
        snprintf(name, NAME_MAX_BYTES, "anywhere");
        return;
    }
    snprintf(name, NAME_MAX_BYTES, "%.*s%s", (int)strcspn(site, "#"), site, operation ? operation : "");
}

static void add_run(struct matrix *matrix, const json_t *run)
{
    char column[NAME_MAX_BYTES];
    const char *fault = results_text(run, "fault");

    column_name(results_text(run, "site"), column);
    if (!fault[0]) {
        return; /* without a fault */
    }
    size_t x = index_of(matrix->columns, &matrix->column_count, COLUMNS_MAX, column);
    size_t y = index_of(matrix->rows, &matrix->row_count, ROWS_MAX, fault);

    if (x == COLUMNS_MAX || y == ROWS_MAX) {
        matrix->cut = true;
        return;
    }
    enum mark mark = mark_of(run);

    matrix->used[mark] = true;
    matrix->cells[y][x] = mark > matrix->cells[y][x] ? (uint8_t)mark : matrix->cells[y][x];
}

static char letter(size_t column)
{
    return (char)(column < 26 ? 'A' + column : 'a' + column - 26);
}

static const char *color_of(bool color, const char *code)
{
    return color ? code : "";
}

static void print_legend(FILE *out, const struct matrix *matrix, size_t width, bool color)
{
    char line[COLUMNS_MAX * (NAME_MAX_BYTES + 4)];
    size_t used = 0;

    for (size_t x = 0; x < matrix->column_count; x++) {
        used += (size_t)snprintf(line + used, sizeof line - used, "%s%c=%s", x ? "  " : "", letter(x),
                                 matrix->columns[x]);
    }
    fprintf(out, "\n  %*s  ", (int)width, "");
    wrap_words(out, WIDTH, (int)width + 4, (int)width + 4, line);
    fprintf(out, "  %*s ", (int)width, "");
    for (int mark = MARK_CLEAN; mark < MARK_COUNT; mark++) {
        if (matrix->used[mark]) {
            fprintf(out, " %s%c%s %s ", color_of(color, marks[mark].color), marks[mark].letter,
                    color_of(color, TEXT_PLAIN), marks[mark].means);
        }
    }
    fprintf(out, "%s\n", matrix->cut ? " (not all sites or faults are shown)" : "");
}

static void print_matrix(FILE *out, const struct matrix *matrix, bool color)
{
    size_t width = 0;

    for (size_t y = 0; y < matrix->row_count; y++) {
        width = strlen(matrix->rows[y]) > width ? strlen(matrix->rows[y]) : width;
    }
    fprintf(out, "  %*s ", (int)width, "");
    for (size_t x = 0; x < matrix->column_count; x++) {
        fprintf(out, " %c", letter(x));
    }
    fputc('\n', out);
    for (size_t y = 0; y < matrix->row_count; y++) {
        fprintf(out, "  %-*s ", (int)width, matrix->rows[y]);
        for (size_t x = 0; x < matrix->column_count; x++) {
            enum mark mark = (enum mark)matrix->cells[y][x];

            fprintf(out, " %s%c%s", color_of(color, marks[mark].color), marks[mark].letter,
                    mark != MARK_NONE ? color_of(color, TEXT_PLAIN) : "");
        }
        fputc('\n', out);
    }
    print_legend(out, matrix, width, color);
}

static void print_finding(FILE *out, const json_t *finding, bool color)
{
    const char *severity = results_text(finding, "severity");
    const char *shade = strcmp(severity, "error") == 0     ? TEXT_RED
                        : strcmp(severity, "warning") == 0 ? TEXT_YELLOW
                                                           : "";
    size_t runs = json_array_size(json_object_get(finding, "runs"));
    const char *where = results_where(finding);
    const char *grade = results_text(finding, "grade"), *plan = results_text(finding, "plan");

    fprintf(out, "\n%s%s%s %s%s%s in %zu run%s%s%s\n  ", color_of(color, shade), severity,
            color_of(color, shade[0] ? TEXT_PLAIN : ""), color_of(color, TEXT_BOLD),
            results_text(finding, "rule"), color_of(color, TEXT_PLAIN), runs, runs == 1 ? "" : "s",
            grade[0] ? ", repeats " : "", grade);
    wrap_words(out, WIDTH, 2, 2, results_text(finding, "message"));
    if (where) {
        fprintf(out, "  at %s\n", where);
    }
    if (plan[0]) {
        fprintf(out, "  plan: %s\n", plan);
    }
    fprintf(out, "  repeat: %s\n", results_text(finding, "repeat"));
}

static void print_findings(FILE *out, const json_t *sweep, bool color)
{
    size_t index;
    json_t *finding;

    json_array_foreach(json_object_get(sweep, "findings"), index, finding)
    {
        print_finding(out, finding, color);
    }
}

/* Runs that show nothing: the first few, with the reason. */
static void print_nothing_shown(FILE *out, const json_t *sweep)
{
    enum {
        SHOWN = 5
    };
    size_t index, count = 0;
    json_t *run;

    json_array_foreach(json_object_get(sweep, "runs"), index, run)
    {
        const char *vacuous = results_text(run, "vacuous"), *error = results_text(run, "error");

        if (!vacuous[0] && !error[0]) {
            continue;
        }
        if (count++ < SHOWN) {
            fprintf(out, "%s  %s: ", count == 1 ? "\n" : "", results_text(run, "key"));
            wrap_words(out, WIDTH, 4, (int)strlen(results_text(run, "key")) + 4,
                       vacuous[0] ? vacuous : error);
        }
    }
    if (count > SHOWN) {
        fprintf(out, "  and %zu more runs that show nothing\n", count - SHOWN);
    }
}

/* 0 or ENOMEM. */
static int print_unsteady(FILE *out, const json_t *sweep)
{
    char *sites = results_unsteady(sweep);

    if (!sites) {
        return ENOMEM;
    }
    if (sites[0]) {
        fputs("\n  unsteady sites: ", out);
        wrap_words(out, WIDTH, 4, 18, sites);
        fputs("    ", out);
        wrap_words(out, WIDTH, 4, 4, results_unsteady_meaning);
    }
    free(sites);
    return 0;
}

/* Without a fault there is nothing to survive: a run, or a sweep that its client's findings kept from starting. */
static void print_sum(FILE *out, const json_t *sweep)
{
    const json_t *summary = json_object_get(sweep, "summary");
    const json_t *percent = json_object_get(summary, "survived_percent");
    long runs = (long)results_number(summary, "runs", 0), sites = (long)results_number(summary, "sites", 0);
    /* Rounded down: 9,999 of 10,000 is not 100 %. */
    long tenths = (long)(10 * json_number_value(percent));

    fprintf(out, "\n%ld run%s", runs, runs == 1 ? "" : "s");
    if (sites > 0) {
        fprintf(out, " at %ld site%s", sites, sites == 1 ? "" : "s");
    }
    fprintf(out, ": %ld clean, %ld with findings, %ld vacuous; ", (long)results_number(summary, "clean", 0),
            (long)results_number(summary, "with_findings", 0), (long)results_number(summary, "vacuous", 0));
    if (results_fault_kinds(sweep) == 0) {
        fputs("no fault was injected\n", out);
    } else {
        fprintf(out, "%ld.%ld %% survived\n", tenths / 10, tenths % 10);
    }
}

static int print_sweep(FILE *out, const json_t *sweep, bool color)
{
    struct matrix *matrix = calloc(1, sizeof *matrix);
    size_t index;
    json_t *run;
    int error;

    if (!matrix) {
        return ENOMEM;
    }
    json_array_foreach(json_object_get(sweep, "runs"), index, run)
    {
        add_run(matrix, run);
    }
    if (matrix->row_count > 0) {
        print_matrix(out, matrix, color);
    }
    print_findings(out, sweep, color);
    print_nothing_shown(out, sweep);
    error = print_unsteady(out, sweep);
    coverage_text(out, json_object_get(sweep, "coverage"), color);
    print_sum(out, sweep);
    free(matrix);
    return ferror(out) ? EIO : error;
}

int report_sweep_text(FILE *out, const json_t *sweep, bool color)
{
    FILE *plain = plain_open(out);
    int error = plain ? print_sweep(plain, sweep, color) : ENOMEM;
    int closed = plain ? plain_close(plain) : 0;

    return error ? error : closed;
}
