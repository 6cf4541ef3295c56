/* option.c - getopt_long driven by a table of rows. */
#include "option.h"

#include <assert.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"
#include "near.h"
#include "page.h"
#include "wrap.h"

enum {
    OPTION_MAX = 96,
    OPTION_FIRST = 256, /* values getopt_long returns; above every character */
    OPTION_IS_HELP = 255,
    HELP_INDENT = 29 /* where the texts of options start */
};

struct option_list {
    const struct option_row *row[OPTION_MAX];
    int count;
};

static void add_rows(struct option_list *list, const struct option_row *rows)
{
    for (const struct option_row *row = rows; row != NULL && row->name != NULL; row++) {
        bool known = false;
        for (int i = 0; i < list->count && !known; i++) {
            known = strcmp(list->row[i]->name, row->name) == 0;
        }
        if (!known) {
            assert(list->count < OPTION_MAX);
            list->row[list->count++] = row;
        }
    }
}

static void say_unknown(const char *verb, const struct option_list *list, const char *given)
{
    size_t dashes = strspn(given, "-");
    size_t length = strcspn(given + dashes, "=");
    struct near_word near;
    char hint[96];
    near_start(&near, given + dashes, length);
    for (int i = 0; i < list->count; i++) {
        if (list->row[i]->help != NULL) {
            near_offer(&near, list->row[i]->name);
        }
    }
    cli_error("%s: unknown option '%.*s'%s (see vdifault %s --help)", verb, (int)(dashes + length), given,
              near_text(&near, hint, sizeof hint), verb);
}

static int set_one(const char *verb, const struct option_row *row, void *context)
{
    if (row->help == NULL && row->set == NULL) {
        cli_error("%s: option --%s is not available in this version", verb, row->name);
        return -1;
    }
    return row->set(context, optarg);
}

static void make_options(const struct option_list *list, struct option *options)
{
    int count = list->count;
    for (int i = 0; i < count; i++) {
        const struct option_row *row = list->row[i];
        /* Rows that are refused take any value or none, so that their own message is the one shown. */
        bool may = row->help == NULL || (row->value != NULL && row->value[0] == '[');
        int value = may ? optional_argument : row->value != NULL ? required_argument : no_argument;
        options[i] = (struct option){row->name, value, NULL, OPTION_FIRST + i};
    }
    options[count] = (struct option){"help", no_argument, NULL, OPTION_IS_HELP};
    options[count + 1] = (struct option){NULL, 0, NULL, 0};
}

enum option_result option_read(const char *verb, const struct option_row *rows,
                               const struct option_row *shared, int argc, char **argv, void *context,
                               int *first)
{
    struct option_list list = {.count = 0};
    struct option options[OPTION_MAX + 2];
    add_rows(&list, rows);
    add_rows(&list, shared);
    make_options(&list, options);
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
        if (got >= OPTION_FIRST && got < OPTION_FIRST + list.count) {
            if (set_one(verb, list.row[got - OPTION_FIRST], context) != 0) {
                return OPTION_ERROR;
            }
        } else if (got == ':') {
            const char *value = optopt >= OPTION_FIRST ? list.row[optopt - OPTION_FIRST]->value : "a value";
            cli_error("%s: option '%s' needs %s", verb, argv[before], value);
            return OPTION_ERROR;
        } else if (optopt >= OPTION_IS_HELP) {
            cli_error("%s: option '%s' takes no value", verb, argv[before]);
            return OPTION_ERROR;
        } else {
            say_unknown(verb, &list, argv[before]);
            return OPTION_ERROR;
        }
    }
}

/* The row that an argument names, in full or by its first letters, as getopt_long reads it. */
static const struct option_row *find_row(const struct option_row *rows, const char *name, size_t length,
                                         bool whole)
{
    for (const struct option_row *row = rows; row->name != NULL; row++) {
        if (strncmp(row->name, name, length) == 0 && (!whole || row->name[length] == '\0')) {
            return row;
        }
    }
    return NULL;
}

int option_pass_on(const struct option_row *rows, const struct option_row *shared, int argc,
                   char *const *argv, char **kept)
{
    int count = 0;
    for (int i = 0; i < argc && strcmp(argv[i], "--") != 0; i++) {
        const char *name = argv[i] + strspn(argv[i], "-");
        size_t length = strcspn(name, "=");
        const struct option_row *own = NULL, *row = NULL;
        for (int whole = 1; whole >= 0 && row == NULL; whole--) {
            own = find_row(rows, name, length, whole);
            row = own != NULL ? own : find_row(shared, name, length, whole);
        }
        bool takes = row != NULL && row->value != NULL && row->value[0] != '[';
        int words = takes && name[length] != '=' ? 2 : 1;
        for (int word = 0; word < words && i + word < argc && own == NULL; word++) {
            kept[count++] = argv[i + word];
        }
        i += words - 1;
    }
    return count;
}

void option_help(FILE *out, const struct option_row *rows, const struct option_row *shared)
{
    struct option_list list = {.count = 0};
    struct page page;
    page_start(&page, out);
    add_rows(&list, rows);
    add_rows(&list, shared);
    for (int i = 0; i < list.count; i++) {
        const struct option_row *row = list.row[i];
        if (row->help == NULL) {
            continue;
        }
        char left[48];
        snprintf(left, sizeof left, "--%s%s%s", row->name,
                 row->value != NULL && row->value[0] != '[' ? " " : "", row->value != NULL ? row->value : "");
        int at = fprintf(out, "  %-*s ", HELP_INDENT - 3, left);
        wrap_words(out, page.width, HELP_INDENT, at, row->help);
    }
    fprintf(out, "  %-*s this text\n", HELP_INDENT - 3, "--help");
}
