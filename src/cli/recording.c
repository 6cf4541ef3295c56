/* recording.c - `vdifault record`: a client with the library and the server it has, and what that server did.
 *
 * Nothing of ours is between them but the interposer, which only records: no stand-in, no library folder, no guard, no
 * clock, no faults. What ends the run is the client, or the time limit. Nothing is judged.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "profile_make.h"
#include "text.h"
#include "trace_file.h"
#include "trace_scenario.h"
#include "trial.h"

#define TIMEOUT_DEFAULT "86400"

enum {
    SCENARIO_TEXT_MAX = SCENARIO_LINES_MAX * 512,
    COMMAND_UNKNOWN = 20, /* behind the last there is */
};

struct recording {
    struct run_options options; /* first: rows of others take this, too */
    const char *profile;
    const char *scenario;
    const char *answers;
    struct trial_bench bench;
    struct trial trial;
    FILE *trace_out;
    FILE *profile_out;
    FILE *scenario_out;
};

static int set_timeout(void *context, const char *value)
{
    struct recording *recording = context;
    int result = run_options_set(&recording->options, "timeout", value);
    recording->options.patience_ms = recording->options.timeout_ms;
    return result;
}

static int set_stdin(void *context, const char *value)
{
    return run_options_set(&((struct recording *)context)->options, "stdin", value);
}

static int set_server(void *context, const char *value)
{
    struct tds_options *tds = &((struct recording *)context)->options.tds;
    const char *expected = tds->servers[0] != '\0' ? "expected one server" : tds_take_server(tds, value);
    if (expected != NULL) {
        cli_error("record: --server '%s': %s", value, expected);
    }
    return expected != NULL ? -1 : 0;
}

OPTION_TEXT(set_answers, struct recording, answers)
OPTION_TEXT(set_trace, struct recording, options.trace)
OPTION_TEXT(set_profile, struct recording, profile)
OPTION_TEXT(set_scenario, struct recording, scenario)

static const struct option_row rows[] = {
    {"trace", "FILE", "all calls of the client, for vdifault trace, replay and record", set_trace},
    {"profile", "FILE", "what its server did, as a plan for the simulated one (--profile, --plan)",
     set_profile},
    {"scenario", "FILE",
     "of the trace: the client's calls, and a server that gives their results, for replay\nand for fuzzing",
     set_scenario},
    {"record-answers", "FILE",
     "with --server: what the client asks the server over its own connection and is answered, for\n--answers "
     "of run; a proxy in between ends TLS on both sides, and looks at no certificate",
     set_answers},
    {"server", "HOST[:PORT]",
     "the server that the client connects to (without PORT: to any port; the proxy then to 1433)",
     set_server},
    {"timeout", "SEC", "end the client after this time (default " TIMEOUT_DEFAULT ", a day)", set_timeout},
    {"stdin", "MODE", "the client's stdin: inherit, null, or hold (open, never anything to read)", set_stdin},
    {NULL, NULL, NULL, NULL},
};

/* ---- profiles ---- */

static int write_profile(struct recording *recording, const struct record *record, const char *from)
{
    struct profile_made *made = NULL;
    int error = profile_make(record->events, record->count, &made);
    if (error != 0) {
        cli_error("record: no profile of %s: %s", from,
                  error == ENOENT ? "the client fetched no command; expected a BACKUP or RESTORE"
                                  : strerror(error));
        return CLI_SETUP;
    }
    char dialect[256];
    if (profile_dialect(made, dialect, sizeof dialect) > 0) {
        printf("readings of the library: VDI_DIALECT=%s\n", dialect);
    }
    error = profile_write(recording->profile_out, made, from);
    free(made);
    if (error != 0 || fflush(recording->profile_out) != 0) {
        cli_error("record: --profile: cannot write '%s': %s", recording->profile,
                  strerror(error != 0 ? error : errno));
        return CLI_SETUP;
    }
    return CLI_CLEAN;
}

static int open_output(const char *option, const char *path, FILE **out)
{
    *out = path != NULL ? fopen(path, "we") : NULL;
    if (path != NULL && *out == NULL) {
        cli_error("record: --%s: cannot write '%s': %s", option, path, strerror(errno));
        return CLI_USAGE;
    }
    return CLI_CLEAN;
}

/* ---- scenarios ---- */

/* A command that a scenario has no word for is one that nobody knows in it, too. */
static int print_scenario(struct scenario *scenario, char *text)
{
    for (uint32_t i = 0; i < scenario->line_count; i++) {
        struct scenario_line *line = &scenario->lines[i];
        const struct scenario_verb_info *info = scenario_verb_info((enum scenario_verb)line->verb);
        for (uint32_t place = 0; place < SCENARIO_ARGS; place++) {
            int64_t value = scenario_arg(line, place);
            if (info->args[place].type == SCENARIO_COMMAND && (value < 0 || value > COMMAND_UNKNOWN)) {
                scenario_set_arg(line, place, COMMAND_UNKNOWN);
            }
        }
    }
    return scenario_print(scenario, text, SCENARIO_TEXT_MAX);
}

static int write_scenario(struct recording *recording, const char *path)
{
    struct scenario scenario;
    uint32_t calls = 0, left_out = 0;
    char error[256] = "";
    int status = CLI_SETUP;
    FILE *in = fopen(path, "re");
    char *text = malloc(SCENARIO_TEXT_MAX);
    if (in == NULL || text == NULL) {
        cli_error("record: --scenario: '%s': %s", path, strerror(errno));
    } else if (trace_scenario(in, &scenario, &calls, &left_out, error, sizeof error) != 0) {
        cli_error("record: the trace '%s' cannot be made a scenario: %s", path, error);
    } else if (print_scenario(&scenario, text) >= SCENARIO_TEXT_MAX ||
               fputs(text, recording->scenario_out) < 0 || fflush(recording->scenario_out) != 0) {
        cli_error("record: --scenario: cannot write '%s': %s", recording->scenario, strerror(errno));
    } else {
        status = CLI_CLEAN;
    }
    if (left_out > 0) {
        cli_error("record: the last %u of %u calls are left out: a scenario has at most %d lines", left_out,
                  calls, SCENARIO_LINES_MAX);
    }
    free(text);
    if (in != NULL) {
        fclose(in);
    }
    return status;
}

static int open_products(struct recording *recording)
{
    int status = open_output("profile", recording->profile, &recording->profile_out);
    return status != CLI_CLEAN ? status
                               : open_output("scenario", recording->scenario, &recording->scenario_out);
}

/* ---- a trace that is there ---- */

static int read_trace(struct recording *recording, const char *path)
{
    struct trace_loaded *loaded = malloc(sizeof *loaded);
    int status = CLI_USAGE;
    if (loaded == NULL) {
        cli_error("record: no memory");
        return CLI_SETUP;
    }
    if (trace_load(path, loaded) != 0) {
        cli_error("record: trace '%s': %s", path, loaded->error);
    } else if (open_products(recording) == CLI_CLEAN) {
        status =
            recording->profile != NULL ? write_profile(recording, &loaded->session.record, path) : CLI_CLEAN;
        if (status == CLI_CLEAN && recording->scenario != NULL) {
            status = write_scenario(recording, path);
        }
    }
    trace_unload(loaded);
    free(loaded);
    return status;
}

/* ---- answers ---- */

static int prepare_answers(struct recording *recording)
{
    struct tds_options *tds = &recording->options.tds;
    FILE *out = NULL;
    if (recording->answers == NULL) {
        return CLI_CLEAN;
    }
    int status = open_output("record-answers", recording->answers, &out);
    if (status == CLI_CLEAN) {
        fclose(out);
        if (realpath(recording->answers, tds->record) == NULL) {
            cli_error("record: --record-answers '%s': %s", recording->answers, strerror(errno));
            return CLI_USAGE;
        }
        (void)tds_take_address(tds, NULL);
    }
    return status;
}

/* ---- a client ---- */

static int save(struct recording *recording, const struct record *record)
{
    struct trace_save trace = {
        .options = &recording->options,
        .session = &recording->trial.session,
        .plan = &recording->options.plan,
        .started = recording->trial.started,
    };
    int error = recording->trace_out != NULL ? trace_save(recording->trace_out, &trace) : 0;
    if (error != 0) {
        cli_error("record: --trace: cannot write '%s': %s", recording->options.trace, strerror(error));
        return CLI_SETUP;
    }
    int status = CLI_CLEAN;
    if (recording->profile_out != NULL) {
        status = write_profile(recording, record, recording->options.client_argv[0]);
    }
    if (recording->scenario_out != NULL && fflush(recording->trace_out) == 0) {
        int other = write_scenario(recording, recording->options.trace);
        status = status == CLI_CLEAN ? other : status;
    }
    return status;
}

static int conclude(struct recording *recording)
{
    const struct session *session = &recording->trial.session;
    if (session->error[0] != '\0') {
        cli_error("record: %s", session->error);
    }
    bool asked_alone =
        recording->answers != NULL && recording->options.trace == NULL && recording->profile == NULL;
    if (session->record.calls == 0 && !asked_alone) {
        cli_error(
            "record: no VDI call of the client was seen; expected a dynamically linked client that uses "
            "libsqlvdi.so");
        return CLI_SETUP;
    }
    printf("recorded %" PRIu64 " calls in %.3g s; the client %s\n", session->record.calls,
           (double)session->wall_ms / 1000,
           session->succeeded       ? "succeeded"
           : session->client_exited ? "failed"
                                    : "did not end by itself");
    int status = save(recording, &session->record);
    if (session->interrupted != 0) {
        cli_error("record: ended by signal %d (%s)", session->interrupted, strsignal(session->interrupted));
        return 128 + session->interrupted;
    }
    return session->error[0] != '\0' ? CLI_SETUP : status;
}

static int record_client(struct recording *recording)
{
    int status = open_output("trace", recording->options.trace, &recording->trace_out);
    if (status == CLI_CLEAN) {
        status = open_products(recording);
    }
    if (status == CLI_CLEAN) {
        status = prepare_answers(recording);
    }
    if (status != CLI_CLEAN) {
        return status;
    }
    if (trial_bench_open(&recording->bench, &recording->options) != 0) {
        cli_error("record: %s", recording->bench.error);
        return CLI_SETUP;
    }
    trial_pass(&recording->trial, &recording->bench, &recording->options.plan);
    status = conclude(recording);
    trial_end(&recording->trial);
    return status;
}

static int check_usage(const struct recording *recording, int operands, bool is_client)
{
    bool product = recording->profile != NULL || recording->scenario != NULL;
    if (operands == 0) {
        cli_error(
            "record: no client and no trace given; expected: vdifault record [options] -- CLIENT [ARG]..., "
            "or --profile FILE TRACE");
    } else if (!is_client && operands > 1) {
        cli_error("record: expected '--' before a client, or one TRACE; got %d words without '--'", operands);
    } else if (!is_client && (!product || recording->options.trace != NULL)) {
        cli_error(
            "record: of a TRACE, expected --profile FILE or --scenario FILE (and '--' before a client)");
    } else if (is_client && recording->scenario != NULL && recording->options.trace == NULL) {
        cli_error("record: --scenario: it is made of the trace; expected --trace FILE, too");
    } else if (is_client && (recording->answers != NULL) != (recording->options.tds.servers[0] != '\0')) {
        cli_error("record: --record-answers FILE and --server HOST: expected both");
    } else if (!product && recording->options.trace == NULL && recording->answers == NULL) {
        cli_error(
            "record: expected --trace FILE, --profile FILE, or --record-answers FILE: where to keep what is "
            "recorded");
    } else {
        return CLI_CLEAN;
    }
    return CLI_USAGE;
}

static void end(struct recording *recording)
{
    FILE *const files[] = {recording->trace_out, recording->profile_out, recording->scenario_out};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        if (files[i] != NULL) {
            fclose(files[i]);
        }
    }
    trial_bench_close(&recording->bench);
    run_options_free(&recording->options);
    free(recording);
}

static int run_record(int argc, char **argv)
{
    int first = 0;
    int status = CLI_CLEAN;
    struct recording *recording = calloc(1, sizeof *recording);
    if (recording == NULL) {
        cli_error("record: no memory");
        return CLI_SETUP;
    }
    recording->bench.setup.signals = -1;
    run_options_init(&recording->options, "record");
    recording->options.observe = true;
    recording->options.real_time = true;
    recording->options.guard = "off";
    set_timeout(recording, TIMEOUT_DEFAULT);
    if (cli_verb_start(&verb_record, argc, argv, recording, &first, &status) != 0) {
        goto out;
    }
    bool is_client = strcmp(argv[first - 1], "--") == 0;
    status = check_usage(recording, argc - first, is_client);
    if (status == CLI_CLEAN && is_client) {
        recording->options.client_argc = argc - first;
        recording->options.client_argv = argv + first;
        status = record_client(recording);
    } else if (status == CLI_CLEAN) {
        status = read_trace(recording, argv[first]);
    }
out:
    end(recording);
    return status;
}

const struct verb verb_record = {
    .name = "record",
    .arguments = "[options] -- CLIENT [ARG]...  |  --profile FILE TRACE",
    .summary = "a client with its own library and server, and what that server does",
    .options = rows,
    .examples =
        "  vdifault record --trace real.vdt --profile real.plan -- ./backup_client set1 out.bak\n"
        "      the client as it runs in production: its libsqlvdi.so, its SQL Server. Only the calls are\n"
        "      recorded; no simulated server, no sqlcmd stand-in, no faults, and nothing is judged\n\n"
        "  vdifault run --profile real.plan -- ./backup_client set1 out.bak\n"
        "      the same client with a simulated server that sends what the real one sent; sweep takes it, "
        "too\n\n"
        "  vdifault record --profile real.plan real.vdt\n"
        "      the profile of a trace that is there already, also of one from vdifault run --trace\n\n"
        "  vdifault record --record-answers real.json --server sqlhost -- ./agent --server sqlhost\n"
        "  vdifault run --tds --server sqlhost --answers real.json -- ./agent --server sqlhost\n"
        "      what the agent asks before it backs up, and the answers of the real server for the simulated "
        "one\n\n"
        "  vdifault record --scenario seed real.vdt; vdifault replay seed\n"
        "      its calls as a scenario: what to play again, to change, and to fuzz from\n\n"
        "exit status: 0 recorded, 2 usage or an unreadable trace, 3 the client made no VDI call, fetched no\n"
        "command, was ended by --timeout, or could not be started; 128 + N after signal N\n",
    .run = run_record,
};
