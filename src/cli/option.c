/* option.c - getopt_long driven by a table of rows. */
#include "option.h"

#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "near.h"

enum {
    OPTION_MAX = 64,
    OPTION_FIRST = 256, /* values getopt_long returns; above every character */
    OPTION_IS_HELP = 255
};

static void say_unknown(const char *verb, const struct option_row *rows, const char *given)
{
    size_t dashes = strspn(given, "-");
    size_t length = strcspn(given + dashes, "=");
    struct near_word near;
    char hint[96];
    near_start(&near, given + dashes, length);
    for (const struct option_row *row = rows; row->name != NULL; row++) {
        if (row->help != NULL) {
            near_offer(&near, row->name);
        }
    }
    cli_error("%s: unknown option '%.*s'%s (see vdifault %s --help)", verb, (int)(dashes + length), given,
              near_text(&near, hint, sizeof hint), verb);
}

static int set_one(const char *verb, const struct option_row *row, void *context)
{
    if (row->help == NULL) {
        cli_error("%s: option --%s is not available in this version", verb, row->name);
        return -1;
    }
    return row->set(context, optarg);
}

static int make_options(const struct option_row *rows, struct option *options)
{
    int count = 0;
    for (; rows[count].name != NULL && count < OPTION_MAX; count++) {
        /* Rows of other versions take any value or none, so that their own message is the one shown. */
        int value = rows[count].help == NULL    ? optional_argument
                    : rows[count].value != NULL ? required_argument
                                                : no_argument;
        options[count] = (struct option){rows[count].name, value, NULL, OPTION_FIRST + count};
    }
    options[count] = (struct option){"help", no_argument, NULL, OPTION_IS_HELP};
    options[count + 1] = (struct option){NULL, 0, NULL, 0};
    return count;
}

enum option_result option_read(const char *verb, const struct option_row *rows, int argc, char **argv,
                               void *context, int *first)
{
    static const struct option_row none[] = {{NULL, NULL, NULL, NULL}};
    struct option options[OPTION_MAX + 2];
    if (rows == NULL) {
        rows = none;
    }
    int count = make_options(rows, options);
    optind = 0; /* getopt keeps state between calls; 0 starts anew */
    opterr = 0;
    for (;;) {
        int before = optind == 0 ? 1 : optind;
        int got = getopt_long(argc, argv, "+:h", options, NULL);
        if (got == -1) {
            *first = optind;
            return OPTION_OK;
        }
        if (got == OPTION_IS_HELP || got == 'h') {
            return OPTION_HELP;
        }
        if (got >= OPTION_FIRST && got < OPTION_FIRST + count) {
            if (set_one(verb, &rows[got - OPTION_FIRST], context) != 0) {
                return OPTION_ERROR;
            }
        } else if (got == ':') {
            const char *value = optopt >= OPTION_FIRST ? rows[optopt - OPTION_FIRST].value : "a value";
            cli_error("%s: option '%s' needs %s", verb, argv[before], value);
            return OPTION_ERROR;
        } else if (optopt >= OPTION_IS_HELP) {
            cli_error("%s: option '%s' takes no value", verb, argv[before]);
            return OPTION_ERROR;
        } else {
            say_unknown(verb, rows, argv[before]);
            return OPTION_ERROR;
        }
    }
}

void option_help(FILE *out, const struct option_row *rows)
{
    for (const struct option_row *row = rows; row != NULL && row->name != NULL; row++) {
        if (row->help == NULL) {
            continue;
        }
        char left[48];
        snprintf(left, sizeof left, "--%s%s%s", row->name, row->value != NULL ? " " : "",
                 row->value != NULL ? row->value : "");
        fprintf(out, "  %-26s ", left);
        for (const char *line = row->help;;) {
            size_t length = strcspn(line, "\n");
            fprintf(out, "%.*s\n", (int)length, line);
            if (line[length] == '\0') {
                break;
            }
            line += length + 1;
            fprintf(out, "  %-26s ", "");
        }
    }
    fprintf(out, "  %-26s %s\n", "--help", "this text");
}
