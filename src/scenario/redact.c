/* redact.c - see redact.h.
 *
 * Text is scanned once, from left to right, for the openings of the table below; what follows an opening is
 * taken as its value by the rules of its kind. When in doubt more is hidden, not less.
 */
#include "redact.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char stars[] = "***";

enum value_kind {
    VALUE_ARGUMENT, /* the next shell word, joined or separate: -P x, -Px, --password=x */
    VALUE_CLAUSE,   /* = then a quoted string or a word: PASSWORD = 'x', PWD=x; */
};

static const struct opening {
    const char *text;
    enum value_kind kind;
    bool exact_case; /* -p is another option than -P */
    bool joined;     /* the value may follow without any separator */
} openings[] = {
    {"--password", VALUE_ARGUMENT, false, false},   {"-P", VALUE_ARGUMENT, true, true},
    {"SQLCMDPASSWORD", VALUE_CLAUSE, false, false}, {"MEDIAPASSWORD", VALUE_CLAUSE, false, false},
    {"PASSWORD", VALUE_CLAUSE, false, false},       {"PWD", VALUE_CLAUSE, false, false},
};
enum {
    OPENING_COUNT = sizeof(openings) / sizeof(openings[0])
};

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '@' || c == '#' || c == '$' ||
           (unsigned char)c >= 0x80;
}

/* End of a quoted string at `at` with doubled (and, in shell words, backslashed) quotes inside. */
static const char *skip_quoted(const char *at)
{
    char quote = *at++;
    while (*at != '\0') {
        if (*at == '\\' && quote == '"' && at[1] != '\0')
            at += 2;
        else if (*at == quote && at[1] == quote)
            at += 2;
        else if (*at == quote)
            return at + 1;
        else
            at++;
    }
    return at;
}

/* Inside a string, as in EXEC('... PASSWORD = ''x'''), quotes come doubled, deeper down doubled again: an
 * even run of them opens a value that the next run as long closes, unless nothing but the end of the clause
 * follows. */
static const char *skip_nested(const char *at, size_t run)
{
    char quote = *at;
    at += run;
    if (*at == '\0' || is_blank(*at) || strchr(";,)", *at) != NULL)
        return at; /* an empty value */
    for (size_t seen = 0; *at != '\0' && seen < run; at++)
        seen = *at == quote ? seen + 1 : 0;
    return at;
}

/* Text that was redacted before is quoted for a shell, and comes here again: -P ***' has its password hidden, and the
 * quotes are those around the whole. NULL: there is more than that. */
static const char *skip_hidden(const char *at)
{
    if (strncmp(at, stars, sizeof(stars) - 1) != 0)
        return NULL;
    const char *end = at + sizeof(stars) - 1, *next = end + strspn(end, "'\"\\");
    return *next == '\0' || is_blank(*next) ? end : NULL;
}

/* End of the shell word at `at`: pieces of quoted and bare text. */
static const char *skip_argument(const char *at)
{
    while (*at != '\0' && !is_blank(*at)) {
        if (*at == '\'' || *at == '"')
            at = skip_quoted(at);
        else
            at += *at == '\\' && at[1] != '\0' ? 2 : 1;
    }
    return at;
}

/* End of a clause's value: 'x', N'x', {x}, or everything up to a blank or a mark that ends a clause. */
static const char *skip_clause(const char *at)
{
    if ((*at == 'N' || *at == 'n') && at[1] == '\'')
        at++;
    if (*at == '\'' || *at == '"') {
        size_t run = 1;
        while (at[run] == *at)
            run++;
        return run % 2 == 0 ? skip_nested(at, run) : skip_quoted(at);
    }
    if (*at == '{') {
        const char *close = strchr(at, '}');
        return close != NULL ? close + 1 : at + strlen(at);
    }
    while (*at != '\0' && !is_blank(*at) && strchr(";,)'\"", *at) == NULL)
        at++;
    return at;
}

/* Past a comment of T-SQL, nested ones inside included; where its end is missing, to the end. */
static const char *skip_comment(const char *at)
{
    size_t depth = 0;
    if (*at == '-')
        return at + strcspn(at, "\n");
    do {
        bool opens = at[0] == '/' && at[1] == '*', closes = at[0] == '*' && at[1] == '/';
        depth += opens;
        depth -= closes;
        at += opens || closes ? 2 : 1;
    } while (depth > 0 && *at != '\0');
    return at;
}

static const char *skip_blanks(const char *at)
{
    while (is_blank(*at))
        at++;
    return at;
}

/* Between the parts of a clause there may be comments. */
static const char *skip_space(const char *at)
{
    while (is_blank(*at) || (at[0] == '/' && at[1] == '*') || (at[0] == '-' && at[1] == '-'))
        at = is_blank(*at) ? at + 1 : skip_comment(at);
    return at;
}

/* An option stands at the start of a word; a clause's name too, so that NOPASSWORD= is none. */
static bool at_word_start(const char *text, const char *at)
{
    return at == text || (!is_word(at[-1]) && at[-1] != '-');
}

/* Where the value behind the opening at `at` starts and ends; false: there is no opening, or no value. */
static bool find_value(const char *text, const char *at, const struct opening *opening, const char **start,
                       const char **end)
{
    size_t length = strlen(opening->text);
    int differs =
        opening->exact_case ? strncmp(at, opening->text, length) : strncasecmp(at, opening->text, length);
    if (differs != 0 || !at_word_start(text, at))
        return false;
    const char *next = at + length;
    *start = skip_blanks(next);
    if (opening->kind == VALUE_CLAUSE) {
        *start = skip_space(next);
        if (**start == ']' || **start == '"' || **start == '\'') /* [PASSWORD] = */
            *start = skip_space(*start + 1);
        if (**start != '=')
            return false;
        *start = skip_space(*start + 1);
        *end = skip_clause(*start);
        return true;
    }
    if (*next == '=' && !opening->joined)
        *start = next + 1;
    else if (*start == next && !opening->joined)
        return false; /* --passwordfile, or the end */
    *end = skip_hidden(*start);
    if (*end == NULL)
        *end = skip_argument(*start);
    return *end > *start;
}

/* The same for any opening. */
static const struct opening *find_secret(const char *text, const char *at, const char **start,
                                         const char **end)
{
    for (size_t i = 0; i < OPENING_COUNT; i++) {
        if (find_value(text, at, &openings[i], start, end))
            return &openings[i];
    }
    return NULL;
}

/* What looks like a value may be another option's text, and a real one begin in it:
 * NAME='PASSWORD=''', PASSWORD='x'. The end of all that begin before `end`. */
static const char *find_last_end(const char *text, const char *start, const char *end)
{
    for (const char *at = start; at < end && *end != '\0'; at++) {
        const char *inner, *inner_end;
        if (find_secret(text, at, &inner, &inner_end) != NULL && inner_end > end)
            end = inner_end;
    }
    return end;
}

/* Like strdup, with room for every replacement: a value of n bytes becomes 3. */
static char *new_copy(const char *text)
{
    return malloc(strlen(text) * sizeof(stars) + sizeof(stars));
}

/* What stands between a name and its value, without comments: a comment may be none, but the text of another option,
 * and then hold a value itself: NAME='PWD=--', PASSWORD='x'. */
static char *copy_between(char *out, const char *at, const char *end)
{
    while (at < end) {
        if ((at[0] == '/' && at[1] == '*') || (at[0] == '-' && at[1] == '-'))
            at = skip_comment(at);
        else
            *out++ = *at++;
    }
    return out;
}

char *redact_text(const char *text)
{
    char *copy = new_copy(text), *out = copy;
    if (copy == NULL)
        return NULL;
    const char *at = text;
    while (*at != '\0') {
        const char *start, *end;
        const struct opening *opening = find_secret(text, at, &start, &end);
        if (opening == NULL) {
            *out++ = *at++;
            continue;
        }
        size_t name = strlen(opening->text);
        memcpy(out, at, name);
        out = copy_between(out + name, at + name, start);
        out = stpcpy(out, stars);
        at = find_last_end(text, start, end);
    }
    *out = '\0';
    return copy;
}

static char *join(const char *head, size_t length)
{
    char *text = malloc(length + sizeof(stars));
    if (text != NULL) {
        memcpy(text, head, length);
        memcpy(text + length, stars, sizeof(stars));
    }
    return text;
}

char *redact_argument(int argc, char *const *argv, int i)
{
    const char *argument = argv[i];
    const char *before = i > 0 && i < argc ? argv[i - 1] : "";
    static const char name[] = "--password";
    if (i > 0 && (strcmp(before, "-P") == 0 || strcasecmp(before, name) == 0))
        return strdup(stars);
    if (strncmp(argument, "-P", 2) == 0 && argument[2] != '\0')
        return join(argument, 2);
    size_t length = sizeof(name) - 1;
    if (strncasecmp(argument, name, length) == 0 && argument[length] == '=')
        return join(argument, length + 1);
    return redact_text(argument);
}
