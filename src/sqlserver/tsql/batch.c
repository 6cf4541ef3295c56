/* batch.c - see batch.h. */
#include "batch.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "tsql.h"

enum {
    GO_REPEAT_MAX = 1000000
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static void skip_blanks(const char **at, const char *end)
{
    while (*at < end && is_blank(**at))
        ++*at;
}

/* "GO", "GO 5", "go -- comment"; anything else behind the word makes it T-SQL. */
static bool match_go(struct tsql_script *script, const char *at, const char *end)
{
    const char *word = script->terminator != NULL ? script->terminator : "GO";
    size_t length = strlen(word);
    if ((size_t)(end - at) < length || strncasecmp(at, word, length) != 0)
        return false;
    at += length;
    if (at < end && !is_blank(*at) && *at != ';' && *at != '-')
        return false;
    skip_blanks(&at, end);
    uint32_t repeat = 0;
    bool counted = at < end && isdigit((unsigned char)*at);
    for (; at < end && isdigit((unsigned char)*at) && repeat <= GO_REPEAT_MAX; at++)
        repeat = repeat * 10 + (uint32_t)(*at - '0');
    skip_blanks(&at, end);
    if (at < end && *at == ';')
        at++;
    skip_blanks(&at, end);
    bool comment = end - at >= 2 && at[0] == '-' && at[1] == '-';
    if ((at < end && !comment) || repeat > GO_REPEAT_MAX)
        return false;
    script->repeat = counted ? repeat : 1;
    return true;
}

static bool match_command(const char *at, const char *end)
{
    static const char *const words[] = {"exit", "quit", "reset"};
    if (at < end && *at == ':')
        return true;
    if (end - at >= 2 && at[0] == '!' && at[1] == '!')
        return true;
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        size_t length = strlen(words[i]);
        if ((size_t)(end - at) >= length && strncasecmp(at, words[i], length) == 0 &&
            ((size_t)(end - at) == length || is_blank(at[length]) || at[length] == '(' || at[length] == ';'))
            return true;
    }
    return false;
}

/* Follows quotes and comments through one line. A doubled ' or " closes and opens again; ]] must be stepped
 * over. */
static void follow(struct tsql_script *script, const char *at, const char *end)
{
    for (; at < end; at++) {
        bool pair = end - at >= 2;
        if (script->quote != 0) {
            if (*at == ']' && script->quote == ']' && pair && at[1] == ']')
                at++;
            else if (*at == script->quote)
                script->quote = 0;
        } else if (pair && at[0] == '/' && at[1] == '*') {
            script->comment++;
            at++;
        } else if (script->comment > 0) {
            if (pair && at[0] == '*' && at[1] == '/') {
                script->comment--;
                at++;
            }
        } else if (pair && at[0] == '-' && at[1] == '-') {
            return;
        } else if (*at == '\'' || *at == '"') {
            script->quote = *at;
        } else if (*at == '[') {
            script->quote = ']';
        }
    }
}

static bool append(struct tsql_script *script, const char *text, size_t length)
{
    size_t room = (size_t)TSQL_BATCH_MAX + 1 - script->length;
    if (length > room)
        length = room;
    if (script->capacity - script->length < length) {
        size_t capacity = script->capacity > 0 ? script->capacity : 4096;
        while (capacity - script->length < length)
            capacity *= 2;
        char *grown = realloc(script->text, capacity);
        if (grown == NULL)
            return false;
        script->text = grown;
        script->capacity = capacity;
    }
    if (length > 0)
        memcpy(script->text + script->length, text, length);
    script->length += length;
    return true;
}

enum tsql_line tsql_script_line(struct tsql_script *script, const char *line, size_t length)
{
    const char *at = line, *end = line + length;
    if (script->quote == 0 && script->comment == 0) {
        skip_blanks(&at, end);
        if (match_go(script, at, end))
            return TSQL_LINE_GO;
        if (match_command(at, end))
            return TSQL_LINE_COMMAND;
    }
    follow(script, line, end);
    bool ok = append(script, line, length) && append(script, "\n", 1);
    return ok ? TSQL_LINE_TEXT : TSQL_LINE_NO_MEMORY;
}

void tsql_script_clear(struct tsql_script *script)
{
    script->length = 0;
    script->quote = 0;
    script->comment = 0;
}

bool tsql_script_is_blank(const struct tsql_script *script)
{
    for (size_t i = 0; i < script->length; i++) {
        if (!is_blank(script->text[i]))
            return false;
    }
    return true;
}

void tsql_script_free(struct tsql_script *script)
{
    free(script->text);
    *script = (struct tsql_script){0};
}
