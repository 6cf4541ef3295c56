/* command_line.c - see command_line.h. */
#include "command_line.h"

#include <ctype.h>
#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct reader {
    const char *at;
    char *to;
    const char *error;
    bool quoted; /* the last word had quotes: it stands for itself */
};

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\n';
}

static bool copy_quoted(struct reader *reader)
{
    char quote = *reader->at++;
    for (; *reader->at != quote; reader->at++) {
        if (*reader->at == '\0') {
            reader->error = "a quotation mark without its end";
            return false;
        }
        if (quote == '"' && (*reader->at == '$' || *reader->at == '`')) {
            reader->error = "$ or ` between quotation marks";
            return false;
        }
        if (quote == '"' && *reader->at == '\\' && strchr("\"\\$`", reader->at[1]) != NULL) {
            reader->at++;
        }
        *reader->to++ = *reader->at;
    }
    reader->at++;
    return true;
}

/* The next word, terminated; NULL: there is none, or reader->error says why not. */
static char *read_word(struct reader *reader)
{
    while (is_blank(*reader->at)) {
        reader->at++;
    }
    char *word = reader->to;
    reader->quoted = false;
    while (*reader->at != '\0' && !is_blank(*reader->at)) {
        if (*reader->at == '\'' || *reader->at == '"') {
            reader->quoted = true;
            if (!copy_quoted(reader)) {
                return NULL;
            }
        } else if (strchr("$`;|()*?[", *reader->at) != NULL) {
            reader->error = "one of $ ` ; | ( ) * ? [ outside of quotation marks";
            return NULL;
        } else {
            reader->at += *reader->at == '\\' && reader->at[1] != '\0' ? 1 : 0;
            *reader->to++ = *reader->at++;
        }
    }
    bool any = reader->to != word || reader->quoted;
    *reader->to++ = '\0';
    return any ? word : NULL;
}

/* The word is one of the shell's own. */
static bool take_redirection(struct command_line *line, const char *word, struct reader *reader)
{
    static const struct {
        const char *text;
        size_t flag;
    } known[] = {
        {"2>&1", offsetof(struct command_line, errors_to_output)},
        {">/dev/null", offsetof(struct command_line, output_to_nowhere)},
        {"1>/dev/null", offsetof(struct command_line, output_to_nowhere)},
        {"</dev/null", offsetof(struct command_line, input_from_nowhere)},
        {"&", offsetof(struct command_line, in_background)},
    };
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (strcmp(word, known[i].text) == 0) {
            *((bool *)((char *)line + known[i].flag)) = true;
            return true;
        }
    }
    if (strcmp(word, "2>/dev/null") == 0) {
        return true; /* where errors go anyway */
    }
    if (strpbrk(word, "<>&") != NULL) {
        reader->error = "a redirection other than 2>&1 and those of /dev/null, written without blanks";
    }
    return false;
}

static bool is_assignment(const char *word)
{
    size_t length = 0;
    while (isalnum((unsigned char)word[length]) || word[length] == '_') {
        length++;
    }
    return length > 0 && word[length] == '=';
}

int command_line_parse(const char *text, struct command_line *line, const char **error)
{
    *line = (struct command_line){.storage = malloc(strlen(text) * 2 + 2)};
    struct reader reader = {.at = text, .to = line->storage};
    char *word;
    if (line->storage == NULL) {
        return ENOMEM;
    }
    while (reader.error == NULL && (word = read_word(&reader)) != NULL) {
        bool shells = !reader.quoted && take_redirection(line, word, &reader);
        bool before =
            line->count == 0 && !reader.quoted && (strcmp(word, "exec") == 0 || is_assignment(word));
        if (!shells && !before && line->count == COMMAND_WORDS_MAX) {
            reader.error = "more than 64 words";
        } else if (!shells && !before) {
            line->words[line->count++] = word;
        }
    }
    if (reader.error == NULL && line->count == 0) {
        reader.error = "no command";
    }
    *error = reader.error;
    return reader.error != NULL ? EINVAL : 0;
}

void command_line_free(struct command_line *line)
{
    free(line->storage);
    *line = (struct command_line){0};
}
