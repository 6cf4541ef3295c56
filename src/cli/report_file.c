/* report_file.c - see report_file.h. */
#include "report_file.h"

#include "cli.h"
#include "results.h"

int report_file_load(const char *verb, const char *path, json_t **report)
{
    json_error_t error;
    json_t *loaded = json_load_file(path, JSON_REJECT_DUPLICATES, &error);
    const char *wrong = loaded != NULL ? results_check(loaded) : NULL;

    if (loaded == NULL && error.line > 0) {
        cli_error("%s: '%s', line %d, column %d: %s", verb, path, error.line, error.column, error.text);
    } else if (loaded == NULL) {
        cli_error("%s: '%s': %s", verb, path, error.text);
    } else if (wrong != NULL) {
        cli_error("%s: '%s' is no report: %s", verb, path, wrong);
    } else {
        *report = loaded;
        return CLI_CLEAN;
    }
    json_decref(loaded);
    return CLI_USAGE;
}
