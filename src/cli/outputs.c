/* outputs.c - see outputs.h. */
#include "outputs.h"

#include <errno.h>
#include <string.h>

#include "cli.h"
#include "results.h"

static int write_json(FILE *out, json_t *report)
{
    return json_dumpf(report, out, JSON_INDENT(2)) != 0 || fputc('\n', out) == EOF ? errno : 0;
}

/* The other formats show a single run as a sweep of one. */
static const struct {
    const char *name;
    int (*write)(FILE *out, json_t *report);
    bool of_sweep;
} formats[OUTPUT_FORMATS] = {
    [OUTPUT_JSON] = {"json", write_json, false},
    [OUTPUT_JUNIT] = {"junit", report_junit, true},
    [OUTPUT_SARIF] = {"sarif", report_sarif, true},
    [OUTPUT_HTML] = {"html", report_html, true},
};

int outputs_set_json(void *context, const char *value)
{
    ((struct outputs *)context)->path[OUTPUT_JSON] = value;
    return 0;
}

int outputs_set_junit(void *context, const char *value)
{
    ((struct outputs *)context)->path[OUTPUT_JUNIT] = value;
    return 0;
}

int outputs_set_sarif(void *context, const char *value)
{
    ((struct outputs *)context)->path[OUTPUT_SARIF] = value;
    return 0;
}

int outputs_set_html(void *context, const char *value)
{
    ((struct outputs *)context)->path[OUTPUT_HTML] = value;
    return 0;
}

static bool is_stdout(const struct outputs *outputs, int format)
{
    return outputs->path[format] != NULL && strcmp(outputs->path[format], "-") == 0;
}

bool outputs_are_asked(const struct outputs *outputs)
{
    bool asked = false;
    for (int format = 0; format < OUTPUT_FORMATS; format++) {
        asked = asked || outputs->path[format] != NULL;
    }
    return asked;
}

bool outputs_take_stdout(const struct outputs *outputs)
{
    bool taken = false;
    for (int format = 0; format < OUTPUT_FORMATS; format++) {
        taken = taken || is_stdout(outputs, format);
    }
    return taken;
}

int outputs_open(struct outputs *outputs, const char *verb)
{
    const char *first = NULL; /* the one that has stdout */
    for (int format = 0; format < OUTPUT_FORMATS; format++) {
        const char *path = outputs->path[format];
        bool to_stdout = is_stdout(outputs, format);
        if (to_stdout && first != NULL) {
            cli_error("%s: --%s -: stdout is where --%s goes: expected a file", verb, formats[format].name,
                      first);
            return CLI_USAGE;
        }
        first = to_stdout ? formats[format].name : first;
        outputs->file[format] = to_stdout ? stdout : path != NULL ? fopen(path, "we") : NULL;
        if (path != NULL && outputs->file[format] == NULL) {
            cli_error("%s: --%s: cannot write '%s': %s", verb, formats[format].name, path, strerror(errno));
            return CLI_USAGE;
        }
    }
    return CLI_CLEAN;
}

static int write_format(const struct outputs *outputs, int format, json_t *report, json_t *sweep)
{
    FILE *out = outputs->file[format];
    errno = 0;
    int error = formats[format].write(out, formats[format].of_sweep ? sweep : report);
    if (error == 0 && fflush(out) != 0) {
        error = errno;
    }
    return error == 0 && ferror(out) ? EIO : error;
}

int outputs_write(const struct outputs *outputs, const char *verb, json_t *report)
{
    json_t *sweep = results_of(report);
    int status = CLI_CLEAN;
    if (sweep == NULL) {
        cli_error("%s: cannot write the report: no memory", verb);
        return CLI_SETUP;
    }
    for (int format = 0; format < OUTPUT_FORMATS; format++) {
        int error = outputs->file[format] != NULL ? write_format(outputs, format, report, sweep) : 0;
        if (error != 0) {
            cli_error("%s: --%s: cannot write '%s': %s", verb, formats[format].name, outputs->path[format],
                      strerror(error));
            status = CLI_SETUP;
        }
    }
    json_decref(sweep);
    return status;
}

void outputs_close(struct outputs *outputs)
{
    for (int format = 0; format < OUTPUT_FORMATS; format++) {
        if (outputs->file[format] != NULL && outputs->file[format] != stdout) {
            fclose(outputs->file[format]);
        }
        outputs->file[format] = NULL;
    }
}
