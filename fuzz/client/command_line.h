/* command_line.h - what the client hands to a shell, as far as it starts sqlcmd.
 *
 * Words, quotes, backslashes, `exec`, assignments before the command, `2>&1`, redirections to and from /dev/null, and a
 * `&` at the end. Anything else of the shell's language is refused, in words: a session has no shell.
 * Errors: 0, EINVAL with *error, ENOMEM. Ownership: the words are the caller's, to be freed by command_line_free.
 */
#ifndef VDIFAULT_CLIENT_COMMAND_LINE_H
#define VDIFAULT_CLIENT_COMMAND_LINE_H

#include <stdbool.h>

enum {
    COMMAND_WORDS_MAX = 64
};

struct command_line {
    int count;
    char *words[COMMAND_WORDS_MAX + 1]; /* the first is the program; NULL behind the last */
    char *storage;
    bool errors_to_output;   /* 2>&1 */
    bool output_to_nowhere;  /* >/dev/null */
    bool input_from_nowhere; /* </dev/null */
    bool in_background;      /* & */
};

int command_line_parse(const char *text, struct command_line *line, const char **error);
void command_line_free(struct command_line *line);

#endif
