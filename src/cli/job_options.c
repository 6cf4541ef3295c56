/* job_options.c - see job_options.h. */
#include "job_options.h"

#include <regex.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "cli.h"

enum {
    PORT_MAX = 65535
};

void job_options_init(struct job_options *options)
{
    *options = (struct job_options){.stop_signal = SIGTERM};
}

static bool begins_with(const char *text, const char *prefix, const char **rest)
{
    size_t length = strlen(prefix);
    bool does = strncmp(text, prefix, length) == 0;
    if (does) {
        *rest = text + length;
    }
    return does;
}

static int check_regex(const char *verb, const char *option, const char *text)
{
    regex_t regex;
    char why[128];
    int error = regcomp(&regex, text, REG_EXTENDED | REG_NOSUB);
    if (error == 0) {
        regfree(&regex);
        return 0;
    }
    regerror(error, &regex, why, sizeof why);
    cli_error("%s: --%s: '%s' is no extended regular expression: %s", verb, option, text, why);
    return -1;
}

/* ---- --ready ---- */

static bool is_path(const char *text)
{
    static const char *const beginnings[] = {"/", "./", "../", "{run}"};
    const char *rest;
    for (size_t i = 0; i < sizeof beginnings / sizeof beginnings[0]; i++) {
        if (begins_with(text, beginnings[i], &rest)) {
            return true;
        }
    }
    return false;
}

int job_options_ready(struct job_options *options, const char *verb, const char *value)
{
    const char *text = value;
    bool port = begins_with(value, "port:", &text) ||
                (value[0] != '\0' && strspn(value, "0123456789") == strlen(value));
    if (port) {
        char *end = NULL;
        long number = strtol(text, &end, 10);
        if (text[0] < '0' || text[0] > '9' || *end != '\0' || number < 1 || number > PORT_MAX) {
            cli_error("%s: --ready '%s': expected a TCP port from 1 to %d", verb, value, PORT_MAX);
            return -1;
        }
        options->ready = READY_PORT;
        options->ready_port = (uint16_t)number;
    } else if (begins_with(value, "file:", &text) || is_path(value)) {
        options->ready = READY_FILE;
    } else {
        (void)begins_with(value, "stdout:", &text);
        options->ready = READY_OUTPUT;
        if (check_regex(verb, "ready", text) != 0) {
            return -1;
        }
    }
    if (text[0] == '\0') {
        cli_error("%s: --ready '%s': expected stdout:REGEX, port:N or file:PATH", verb, value);
        return -1;
    }
    options->ready_text = text;
    return 0;
}

/* ---- --trigger, --verdict, --stop ---- */

int job_options_trigger(struct job_options *options, const char *verb, const char *value)
{
    if (options->trigger_count == RUN_JOBS_MAX) {
        cli_error("%s: more than %d --trigger", verb, RUN_JOBS_MAX);
        return -1;
    }
    if (value[0] == '\0') {
        cli_error("%s: --trigger '': expected a command that starts a job", verb);
        return -1;
    }
    options->triggers[options->trigger_count++] = value;
    return 0;
}

int job_options_verdict(struct job_options *options, const char *verb, const char *value)
{
    static const struct {
        const char *prefix;
        enum word_kind kind;
    } kinds[] = {{"cmd:", WORD_COMMAND}, {"file:", WORD_FILE}, {"stdout:", WORD_OUTPUT}};
    const char *text = NULL;
    if (begins_with(value, "failure:", &text) && text[0] != '\0') {
        options->failure_text = text;
        return check_regex(verb, "verdict", text);
    }
    enum word_kind kind = WORD_EXIT;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        kind = begins_with(value, kinds[i].prefix, &text) ? kinds[i].kind : kind;
    }
    if (kind == WORD_EXIT ? strcmp(value, "exit") != 0 : text[0] == '\0') {
        cli_error(
            "%s: --verdict '%s': expected exit, cmd:CMD, file:FILE, stdout:REGEX, or beside the last one "
            "failure:REGEX",
            verb, value);
        return -1;
    }
    if (options->word_given) {
        cli_error("%s: --verdict '%s': expected one --verdict, and failure:REGEX beside stdout:REGEX", verb,
                  value);
        return -1;
    }
    options->word_given = true;
    options->word = kind;
    options->word_text = text;
    return kind == WORD_OUTPUT ? check_regex(verb, "verdict", text) : 0;
}

const char *job_signal_name(int number, char buffer[16])
{
    const char *name = sigabbrev_np(number);
    if (name != NULL) {
        snprintf(buffer, 16, "SIG%s", name);
    } else {
        snprintf(buffer, 16, "signal %d", number);
    }
    return buffer;
}

int job_options_stop(struct job_options *options, const char *verb, const char *value)
{
    const char *name = value;
    if (strncasecmp(value, "SIG", 3) == 0) {
        name = value + 3;
    }
    char *end = NULL;
    long number = strtol(name, &end, 10);
    if (end == name || *end != '\0') {
        number = 1;
        while (number < NSIG &&
               (sigabbrev_np((int)number) == NULL || strcasecmp(sigabbrev_np((int)number), name) != 0)) {
            number++;
        }
    }
    if (number < 1 || number >= NSIG) {
        cli_error("%s: --stop '%s': expected a signal, for example TERM, INT or 15", verb, value);
        return -1;
    }
    options->stop_signal = (int)number;
    options->stop_given = true;
    return 0;
}

/* ---- what they are together ---- */

int job_options_check(const struct job_options *options, const char *verb, bool again)
{
    const char *alone = options->ready != READY_AT_ONCE ? "--ready"
                        : options->stop_given           ? "--stop"
                        : options->rearm                ? "--rearm"
                                                        : NULL;
    if (options->trigger_count == 0 && alone != NULL) {
        cli_error("%s: %s: expected --trigger CMD, too: what starts a job in a client that runs on", verb,
                  alone);
        return -1;
    }
    if (options->failure_text != NULL && options->word != WORD_OUTPUT) {
        cli_error(
            "%s: --verdict failure:%s: expected --verdict stdout:REGEX, too: the line that means success",
            verb, options->failure_text);
        return -1;
    }
    if (again && (options->trigger_count > 0 || options->word_given)) {
        cli_error("%s: --again: expected without %s: a second --trigger shows whether the client recovers",
                  verb, options->trigger_count > 0 ? "--trigger" : "--verdict");
        return -1;
    }
    return 0;
}

bool job_options_watch_output(const struct job_options *options)
{
    return options->ready == READY_OUTPUT || options->word == WORD_OUTPUT;
}

bool job_options_are_shared(const struct job_options *options)
{
    return options->ready == READY_PORT ||
           (options->ready == READY_FILE && strstr(options->ready_text, "{run}") == NULL);
}
