/* html.c - a sweep as one self-contained page: html/page.html with its markers replaced.
 *
 * Nothing is fetched: style, script and data are in the page, and its Content-Security-Policy forbids any more.
 */
#include "html.h"

#include <errno.h>
#include <string.h>

#include "markup.h"
#include "results.h"

static int put_style(FILE *out, const json_t *sweep)
{
    (void)sweep;
    fputs(html_style, out);
    return 0;
}

static int put_script(FILE *out, const json_t *sweep)
{
    (void)sweep;
    fputs(html_script, out);
    return 0;
}

static int put_client(FILE *out, const json_t *sweep)
{
    html_client(out, sweep);
    return 0;
}

static int put_summary(FILE *out, const json_t *sweep)
{
    html_summary(out, sweep);
    return 0;
}

static int put_findings(FILE *out, const json_t *sweep)
{
    html_findings(out, sweep);
    return 0;
}

static int put_coverage(FILE *out, const json_t *sweep)
{
    html_coverage(out, sweep);
    return 0;
}

static int put_data(FILE *out, const json_t *sweep)
{
    json_t *data = html_data(sweep);
    int error = data ? markup_json(out, data) : ENOMEM;

    json_decref(data);
    return error;
}

static const struct {
    const char *name;
    int (*put)(FILE *out, const json_t *sweep);
} markers[] = {
    {"{{style}}", put_style},        {"{{client}}", put_client},     {"{{summary}}", put_summary},
    {"{{unsteady}}", html_unsteady}, {"{{findings}}", put_findings}, {"{{coverage}}", put_coverage},
    {"{{data}}", put_data},          {"{{script}}", put_script},
};

/* The text up to the next marker, then what belongs there; *page is moved behind it. */
static int put_part(FILE *out, const json_t *sweep, const char **page)
{
    const char *marker = strstr(*page, "{{");

    if (!marker) {
        fputs(*page, out);
        *page += strlen(*page);
        return 0;
    }
    fwrite(*page, 1, (size_t)(marker - *page), out);
    for (size_t i = 0; i < sizeof markers / sizeof markers[0]; i++) {
        size_t length = strlen(markers[i].name);

        if (strncmp(marker, markers[i].name, length) == 0) {
            *page = marker + length;
            return markers[i].put(out, sweep);
        }
    }
    return EINVAL;
}

int report_html(FILE *out, json_t *report)
{
    json_t *sweep = results_of(report);
    const char *page = html_page;
    int error = sweep ? 0 : ENOMEM;

    errno = 0;
    while (!error && *page) {
        error = put_part(out, sweep, &page);
    }
    if (!error && (fflush(out) != 0 || ferror(out))) {
        error = errno != 0 ? errno : EIO;
    }
    json_decref(sweep);
    return error;
}
