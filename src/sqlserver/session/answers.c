/* answers.c - see answers.h. */
#include "answers.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

/* Blanks and comments; comments nest. */
static size_t skip_blanks(const char *text, size_t length, size_t at)
{
    uint32_t depth = 0;
    for (; at < length; at++) {
        bool pair = at + 1 < length;
        if (pair && text[at] == '/' && text[at + 1] == '*') {
            depth++;
            at++;
        } else if (depth > 0) {
            if (pair && text[at] == '*' && text[at + 1] == '/') {
                depth--;
                at++;
            }
        } else if (pair && text[at] == '-' && text[at + 1] == '-') {
            while (at + 1 < length && text[at + 1] != '\n')
                at++;
        } else if (!is_blank(text[at])) {
            break;
        }
    }
    return at;
}

/* What quotes hold is kept as it is. */
char *answers_normalise(const char *text, size_t length)
{
    char *out = malloc(length + 1);
    size_t used = 0;
    char quote = 0;
    if (out == NULL)
        return NULL;
    for (size_t at = 0; at < length; at++) {
        char c = text[at];
        size_t next = quote == 0 ? skip_blanks(text, length, at) : at;
        if (next > at) {
            if (used > 0)
                out[used++] = ' ';
            at = next - 1;
            continue;
        }
        if (quote != 0)
            quote = c == quote ? 0 : quote;
        else if (c == '\'' || c == '"' || c == '[')
            quote = c == '[' ? ']' : c;
        out[used++] = c;
    }
    while (used > 0 && (out[used - 1] == ' ' || out[used - 1] == ';'))
        used--;
    out[used] = '\0';
    return out;
}

/* `*` is any text: the last one met takes one character more whenever what follows does not fit. */
static bool fits(const char *text, const char *pattern)
{
    const char *any = NULL, *taken = NULL;
    while (*text != '\0') {
        if (*pattern == '*') {
            any = ++pattern;
            taken = text;
        } else if (strncasecmp(text, pattern, 1) == 0) {
            text++;
            pattern++;
        } else if (any != NULL) {
            pattern = any;
            text = ++taken;
        } else {
            return false;
        }
    }
    while (*pattern == '*')
        pattern++;
    return *pattern == '\0';
}

const struct answer *answers_find(const struct answers *answers, const char *text, size_t length)
{
    const struct answer *found = NULL;
    char *normal = answers != NULL ? answers_normalise(text, length) : NULL;
    for (uint32_t i = 0; normal != NULL && found == NULL && i < answers->count; i++) {
        if (fits(normal, answers->items[i].query))
            found = &answers->items[i];
    }
    free(normal);
    return found;
}

static void free_set(struct answer_set *set)
{
    for (uint32_t i = 0; i < set->column_count; i++)
        free((char *)set->columns[i].name);
    for (size_t i = 0; i < (size_t)set->column_count * set->row_count; i++)
        free(set->cells[i]);
    free(set->columns);
    free(set->cells);
}

void answer_free(struct answer *answer)
{
    for (uint32_t s = 0; s < answer->set_count; s++)
        free_set(&answer->sets[s]);
    for (uint32_t m = 0; m < answer->message_count; m++)
        free((char *)answer->messages[m].text);
    free(answer->messages);
    free(answer->sets);
    free(answer->query);
    *answer = (struct answer){0};
}

void answers_free(struct answers *answers)
{
    for (uint32_t i = 0; answers != NULL && i < answers->count; i++)
        answer_free(&answers->items[i]);
    if (answers != NULL)
        free(answers->items);
    free(answers);
}

int answers_add(struct answers *answers, struct answer *answer, uint32_t *place)
{
    uint32_t at = 0;
    while (at < answers->count && strcasecmp(answers->items[at].query, answer->query) != 0)
        at++;
    if (at < answers->count)
        return EEXIST;
    for (at = 0; at < answers->count && !fits(answer->query, answers->items[at].query);)
        at++;
    struct answer *grown = realloc(answers->items, (answers->count + 1) * sizeof(*grown));
    if (grown == NULL)
        return ENOMEM;
    answers->items = grown;
    memmove(&grown[at + 1], &grown[at], (answers->count - at) * sizeof(*grown));
    answers->count++;
    grown[at] = *answer;
    *answer = (struct answer){0};
    *place = at;
    return 0;
}
