/* conform.c - `vdifault conform LIB`: the client tables on a given libsqlvdi.so (spec 2.3, design 4.3). */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"
#include "conform_report.h"
#include "machine.h"
#include "parts.h"
#include "rundir.h"
#include "status_line.h"
#include "text.h"

struct conform_options {
    const char *sqlcmd;
    const char *json;
    int64_t timeout_ms;
};

OPTION_TEXT(set_sqlcmd, struct conform_options, sqlcmd)
OPTION_TEXT(set_json, struct conform_options, json)

static int set_timeout(void *context, const char *value)
{
    if (text_seconds(value, &((struct conform_options *)context)->timeout_ms) == 0) {
        return 0;
    }
    cli_error("conform: --timeout '%s': expected seconds, for example 30", value);
    return -1;
}

static const struct option_row conform_rows[] = {
    {"sqlcmd", "CMD",
     "the server's sqlcmd, as for a shell; -b -Q STATEMENT is appended\n"
     "(default: our stand-in, which is a server, too)",
     set_sqlcmd},
    {"json", "FILE", "write the result as JSON; - is standard output, without the text", set_json},
    {"timeout", "SEC", "give up on one case after this time (30)", set_timeout},
    {NULL, NULL, NULL, NULL},
};

struct conform {
    struct conform_options options;
    struct conform_setup setup;
    struct parts parts;
    char library[PATH_MAX];
    char token[RUN_TOKEN_MAX];
    struct conform_result result;
};

/* ---- checks before anything runs ---- */

static int refuse(const char *library, const char *why)
{
    cli_error("conform: %s: %s", library, why);
    return CLI_SETUP;
}

static int prepare(struct conform *conform, const char *library)
{
    const char *missing = NULL;
    char why[512];
    if (realpath(library, conform->library) == NULL) {
        return refuse(library, strerror(errno));
    }
    if (machine_check_shared_memory(why, sizeof why) != 0) {
        return refuse(library, why);
    }
    if (conform->options.sqlcmd == NULL) {
        int error = parts_find(&conform->parts, &missing);
        if (error != 0) {
            cli_error("conform: part of the installation is missing: %s: %s", missing, strerror(error));
            return CLI_SETUP;
        }
        conform->setup.stand_in = conform->parts.stand_in;
    }
    run_token(conform->token);
    conform->setup.library = conform->library;
    conform->setup.sqlcmd = conform->options.sqlcmd;
    conform->setup.token = conform->token;
    conform->setup.timeout_ms = conform->options.timeout_ms;
    return CLI_CLEAN;
}

/* ---- cases ---- */

static int list_cases(struct conform_result *result)
{
    struct client_case cases[CONFORM_CASES_MAX];
    struct client_case missing;
    int error = client_cases(cases, CONFORM_CASES_MAX, &result->count, &missing);
    for (size_t i = 0; error == 0 && i < result->count; i++) {
        result->rows[i].one = cases[i];
    }
    return error;
}

/* One case that needs the library, the server and a whole backup: without it the others would each fail by
 * themselves, slowly. */
static int try_a_backup(struct conform *conform)
{
    struct conform_row *rows = conform->result.rows;
    size_t i = 0;
    while (rows[i].one.function != MODEL_CLIENT_RegisterDeviceClosed ||
           rows[i].one.state != MODEL_TERMINATED) {
        i++;
    }
    int error = conform_case_run(&conform->setup, &rows[i].one, &rows[i].run);
    if (error != 0) {
        return refuse(conform->library, strerror(error));
    }
    const struct conform_run *run = &rows[i].run;
    if (run->end == CONFORM_UNLOADABLE) {
        return refuse(conform->library, run->text);
    }
    if (run->seen.reached) {
        return CLI_CLEAN;
    }
    cli_error("conform: %s: an ordinary backup does not come to its end: %s%s%s", conform->library,
              run->seen.phase == CASE_DONE ? run->seen.why
              : run->end == CONFORM_HUNG   ? "the time was over in "
                                           : "the process died in ",
              run->seen.phase != CASE_DONE && run->seen.step != NULL ? run->seen.step : "",
              run->seen.phase == CASE_DONE && run->seen.why[0] == '\0' ? "for no known reason" : "");
    if (run->text[0] != '\0') {
        cli_error("conform: the sqlcmd said: %s", run->text);
    }
    return CLI_SETUP;
}

static int run_cases(struct conform *conform)
{
    struct conform_result *result = &conform->result;
    struct status_line line;
    int error = 0;
    status_line_start(&line);
    for (size_t i = 0; i < result->count && error == 0; i++) {
        struct conform_row *row = &result->rows[i];
        status_line_show(&line, "%zu of %zu  %s in %s", i + 1, result->count,
                         model_function_name(row->one.function), model_state_name(row->one.state));
        error = conform_case_run(&conform->setup, &row->one, &row->run);
    }
    status_line_end(&line);
    return error == 0 ? CLI_CLEAN : refuse(conform->library, strerror(error));
}

/* ---- the end ---- */

/* Calls that no document covers leave nothing to be determined. */
static bool is_complete(const struct conform_result *result)
{
    for (size_t i = 0; i < result->count; i++) {
        const struct conform_row *row = &result->rows[i];
        if (row->verdict == CONFORM_UNKNOWN && !client_case_is_beyond_documents(&row->one)) {
            return false;
        }
    }
    return true;
}

static int report(struct conform *conform, FILE *json)
{
    struct conform_result *result = &conform->result;
    const char *server = conform->options.sqlcmd != NULL ? conform->options.sqlcmd : conform->setup.stand_in;
    conform_judge(result);
    int status = result->verdicts[CONFORM_DIFFERS] > 0 ? CLI_FINDINGS
                 : is_complete(result)                 ? CLI_CLEAN
                                                       : CLI_SETUP;
    if (json != stdout) {
        conform_print(stdout, result, conform->library, server,
                      isatty(STDOUT_FILENO) != 0 && getenv("NO_COLOR") == NULL);
    }
    int error = json != NULL ? conform_write_json(json, result, conform->library, server, status) : 0;
    if (error != 0) {
        cli_error("conform: --json: cannot write '%s': %s", conform->options.json, strerror(error));
        return CLI_SETUP;
    }
    return status;
}

static int conform_library(struct conform *conform, const char *library)
{
    FILE *json = NULL;
    int status = prepare(conform, library);
    if (status != CLI_CLEAN) {
        return status;
    }
    if (conform->options.json != NULL) {
        json = strcmp(conform->options.json, "-") == 0 ? stdout : fopen(conform->options.json, "we");
        if (json == NULL) {
            cli_error("conform: --json: cannot write '%s': %s", conform->options.json, strerror(errno));
            return CLI_USAGE;
        }
    }
    status = list_cases(&conform->result) == 0 ? try_a_backup(conform) : CLI_SETUP;
    if (status == CLI_CLEAN) {
        status = run_cases(conform);
    }
    if (status == CLI_CLEAN) {
        status = report(conform, json);
    }
    if (json != NULL && json != stdout) {
        fclose(json);
    }
    return status;
}

static int run_conform(int argc, char **argv)
{
    struct conform *conform = calloc(1, sizeof *conform);
    int first = 0;
    int status = CLI_SETUP;
    if (conform == NULL) {
        cli_error("conform: out of memory");
        return CLI_SETUP;
    }
    conform->options.timeout_ms = 30000;
    if (cli_verb_start(&verb_conform, argc, argv, &conform->options, &first, &status) != 0) {
        goto out;
    }
    if (first + 1 != argc) {
        cli_error("conform: expected one library, for example /opt/mssql/lib/libsqlvdi.so%s%s",
                  first < argc ? "; got also: " : "", first < argc ? argv[first + 1] : "");
        status = CLI_USAGE;
        goto out;
    }
    status = cli_check_dialect("conform");
    if (status == CLI_CLEAN) {
        status = conform_library(conform, argv[first]);
    }
out:
    free(conform);
    return status;
}

const struct verb verb_conform = {
    .name = "conform",
    .arguments = "[options] LIB",
    .summary = "runs the documents' state tables on a libsqlvdi.so and prints which readings it takes",
    .options = conform_rows,
    .examples =
        "  vdifault conform /opt/mssql/lib/libsqlvdi.so\n"
        "  vdifault conform --sqlcmd 'sqlcmd -S localhost -U sa -C' /opt/mssql/lib/libsqlvdi.so\n"
        "  VDI_DIALECT=close-open:noerror vdifault conform ./lib/libsqlvdi.so\n"
        "\nexit status: 0 every cell fits one reading, 1 some differ, 2 usage, 3 it could not be told\n",
    .run = run_conform,
};
