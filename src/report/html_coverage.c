/* html_coverage.c - the page's section on the client's lines. */
#include <string.h>

#include "html.h"
#include "markup.h"
#include "results.h"
#include "results_coverage.h"

static void put_numbers(FILE *out, const json_t *coverage)
{
    json_int_t clean = results_number(coverage, "clean", 0), faults = results_number(coverage, "faults", 0);
    json_int_t lines = results_number(coverage, "lines", 0), missed = results_number(coverage, "missed", 0);
    size_t lost = json_array_size(json_object_get(coverage, "lost"));

    fprintf(out, "<p>%lld of %lld lines ran: %lld without a fault, %lld more with faults.",
            (long long)(clean + faults), (long long)lines, (long long)clean, (long long)faults);
    if (lost > 0) {
        fprintf(out,
                " %zu of %lld runs lost counters (a process was killed, crashed or called _exit): lines that "
                "only they "
                "reached are "
                "missing.",
                lost, (long long)results_number(coverage, "runs", 0));
    }
    fprintf(
        out,
        "</p>\n<div class=\"bar\" aria-hidden=\"true\"><i class=\"fill clean\" style=\"flex-grow:%lld\"></i>"
        "<i class=\"fill remark\" style=\"flex-grow:%lld\"></i><i class=\"fill vacuous\" "
        "style=\"flex-grow:%lld\"></i></div>\n",
        (long long)clean, (long long)faults, (long long)missed);
}

static void put_item(FILE *out, const json_t *item)
{
    json_int_t first = results_number(item, "first", 0), last = results_number(item, "last", 0);

    fprintf(out, "<tr><td class=\"lines\">%lld", (long long)first);
    if (last > first) {
        fprintf(out, "&ndash;%lld", (long long)last);
    }
    fputs("</td><td><code>", out);
    markup_text(out, results_text(item, "function"));
    fputs("</code></td><td><code>", out);
    markup_text(out, results_text(item, "text"));
    fprintf(
        out, "</code>%s</td></tr>\n",
        strcmp(results_text(item, "kind"), "part") == 0 ? " <span class=\"tag\">a part of it</span>" : "");
}

/* One file's paths; the array is in the order of files. Returns the index behind them. */
static size_t put_file(FILE *out, const json_t *list, size_t at, size_t folder, bool functions)
{
    const char *file = results_text(json_array_get(list, at), "file");
    size_t end = at, count = 0;

    for (; end < json_array_size(list) && strcmp(results_text(json_array_get(list, end), "file"), file) == 0;
         end++) {
        count += (strcmp(results_text(json_array_get(list, end), "kind"), "function") == 0) == functions;
    }
    if (count == 0) {
        return end;
    }
    fprintf(out, "<details class=\"unreached\"%s><summary><code>", functions || at > 0 ? "" : " open");
    markup_text(out, strlen(file) > folder ? file + folder : file);
    fprintf(out, "</code> <span class=\"tally\"><b>%zu</b></span></summary>\n<table>\n", count);
    for (; at < end; at++) {
        const json_t *item = json_array_get(list, at);

        if ((strcmp(results_text(item, "kind"), "function") == 0) == functions) {
            put_item(out, item);
        }
    }
    fputs("</table></details>\n", out);
    return end;
}

static void put_list(FILE *out, const json_t *coverage, bool functions, const char *heading)
{
    const json_t *list = json_object_get(coverage, "unreached"), *item;
    size_t folder = coverage_folder(coverage), count = 0, i;

    json_array_foreach(list, i, item)
    {
        count += (strcmp(results_text(item, "kind"), "function") == 0) == functions;
    }
    if (count == 0) {
        return;
    }
    fprintf(out, "<h3>%s</h3>\n", heading);
    for (size_t at = 0; at < json_array_size(list);) {
        at = put_file(out, list, at, folder, functions);
    }
}

void html_coverage(FILE *out, const json_t *sweep)
{
    const json_t *coverage = json_object_get(sweep, "coverage");

    if (!json_is_object(coverage)) {
        return;
    }
    fputs(
        "<section id=\"coverage\" aria-labelledby=\"coverage-title\">\n<div class=\"title\"><h2 "
        "id=\"coverage-title\">"
        "Coverage of the client</h2><p class=\"hint\">lines, by ",
        out);
    markup_text(out, results_text(coverage, "tool"));
    fputs("</p></div>\n", out);
    put_numbers(out, coverage);
    put_list(out, coverage, false, "Error paths and other code that no run reached");
    put_list(out, coverage, true, "Functions that never ran");
    fputs("</section>\n", out);
}
