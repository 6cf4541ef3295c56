/* option.h - a verb's options as one table, from which both getopt_long and the help are made.
 *
 * Responsible for: reading options by the table, near names for unknown ones, the options part of --help.
 * Not responsible for: what values mean; each row's `set` checks its value and prints what is wrong.
 */
#ifndef VDIFAULT_OPTION_H
#define VDIFAULT_OPTION_H

#include <stdbool.h>
#include <stdio.h>

struct option_row {
    const char *name;  /* without dashes; NULL ends the table */
    const char *value; /* name of its value in the help; "[=NAME]": it may be left out; NULL: a flag */
    const char *help;  /* NULL: refused by name: by `set` if there is one, else as not part of this version */
    int (*set)(void *context, const char *value); /* 0, or -1 after a message */
};

/* Setters of the usual kinds, for the member of the context that has the option's name: a flag, and a text that is kept
 * as it was given. */
#define OPTION_FLAG(name, type, member)               \
    static int name(void *context, const char *value) \
    {                                                 \
        (void)value;                                  \
        ((type *)context)->member = true;             \
        return 0;                                     \
    }
#define OPTION_TEXT(name, type, member)               \
    static int name(void *context, const char *value) \
    {                                                 \
        ((type *)context)->member = value;            \
        return 0;                                     \
    }

enum option_result {
    OPTION_OK,
    OPTION_HELP, /* --help was given */
    OPTION_ERROR /* a message was printed */
};

/* Reads the options up to the first operand or "--"; *first is the operand's index. `verb` is for messages. `shared`
 * are rows that another verb has, too; a row of the same name in `rows` stands for it. Either may be NULL.
 */
enum option_result option_read(const char *verb, const struct option_row *rows,
                               const struct option_row *shared, int argc, char **argv, void *context,
                               int *first);

/* Of arguments up to "--", those that are options of `shared` and not of `rows`, in `kept` (room for as many): what a
 * command of the other verb is made of. Returns how many. */
int option_pass_on(const struct option_row *rows, const struct option_row *shared, int argc,
                   char *const *argv, char **kept);

/* A paragraph an option, as wide as the page (page.h). */
void option_help(FILE *out, const struct option_row *rows, const struct option_row *shared);

#endif
