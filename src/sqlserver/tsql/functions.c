/* functions.c - see functions.h. */
#include "functions.h"

#include <assert.h>
#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
    ARGUMENTS_ANY = 32,
    REPLACED_MAX = 8000 /* bytes that REPLACE makes of a text that is not longer */
};

/* In alphabetical order of lower-case letters (_ comes first): searched by bisection. */
static const struct tsql_function functions[] = {
    {"APP_NAME", TSQL_FUNCTION_APP_NAME, 0, 0, false},
    {"CAST", TSQL_FUNCTION_CAST, 1, 1, false},
    {"CHARINDEX", TSQL_FUNCTION_CHARINDEX, 2, 2, false},
    {"COALESCE", TSQL_FUNCTION_COALESCE, 2, ARGUMENTS_ANY, false},
    {"CONNECTIONPROPERTY", TSQL_FUNCTION_CONNECTIONPROPERTY, 1, 1, false},
    {"CONVERT", TSQL_FUNCTION_CAST, 1, 2, false},
    {"COUNT", TSQL_FUNCTION_COUNT, 0, 1, false},
    {"COUNT_BIG", TSQL_FUNCTION_COUNT, 0, 1, false},
    {"CURRENT_TIMESTAMP", TSQL_FUNCTION_GETDATE, 0, 0, true},
    {"CURRENT_USER", TSQL_FUNCTION_USER_NAME, 0, 0, true},
    {"DATABASEPROPERTYEX", TSQL_FUNCTION_DATABASEPROPERTYEX, 2, 2, false},
    {"DB_ID", TSQL_FUNCTION_DB_ID, 0, 1, false},
    {"DB_NAME", TSQL_FUNCTION_DB_NAME, 0, 1, false},
    {"GETDATE", TSQL_FUNCTION_GETDATE, 0, 0, false},
    {"GETUTCDATE", TSQL_FUNCTION_GETUTCDATE, 0, 0, false},
    {"HAS_DBACCESS", TSQL_FUNCTION_HAS_PERMISSION, 1, 1, false},
    {"HAS_PERMS_BY_NAME", TSQL_FUNCTION_HAS_PERMISSION, 3, 5, false},
    {"HOST_NAME", TSQL_FUNCTION_HOST_NAME, 0, 0, false},
    {"IS_MEMBER", TSQL_FUNCTION_IS_SRVROLEMEMBER, 1, 1, false},
    {"IS_ROLEMEMBER", TSQL_FUNCTION_IS_SRVROLEMEMBER, 1, 2, false},
    {"IS_SRVROLEMEMBER", TSQL_FUNCTION_IS_SRVROLEMEMBER, 1, 2, false},
    {"ISNULL", TSQL_FUNCTION_COALESCE, 2, 2, false},
    {"LEFT", TSQL_FUNCTION_LEFT, 2, 2, false},
    {"LEN", TSQL_FUNCTION_LEN, 1, 1, false},
    {"LOWER", TSQL_FUNCTION_LOWER, 1, 1, false},
    {"LTRIM", TSQL_FUNCTION_LTRIM, 1, 1, false},
    {"MAX", TSQL_FUNCTION_MAX, 1, 1, false},
    {"MIN", TSQL_FUNCTION_MIN, 1, 1, false},
    {"OBJECT_ID", TSQL_FUNCTION_OBJECT_ID, 1, 2, false},
    {"ORIGINAL_LOGIN", TSQL_FUNCTION_SUSER_SNAME, 0, 0, false},
    {"PARSENAME", TSQL_FUNCTION_PARSENAME, 2, 2, false},
    {"QUOTENAME", TSQL_FUNCTION_QUOTENAME, 1, 1, false},
    {"REPLACE", TSQL_FUNCTION_REPLACE, 3, 3, false},
    {"RIGHT", TSQL_FUNCTION_RIGHT, 2, 2, false},
    {"RTRIM", TSQL_FUNCTION_RTRIM, 1, 1, false},
    {"SCHEMA_NAME", TSQL_FUNCTION_SCHEMA_NAME, 0, 1, false},
    {"SERVERPROPERTY", TSQL_FUNCTION_SERVERPROPERTY, 1, 1, false},
    {"SESSION_USER", TSQL_FUNCTION_USER_NAME, 0, 0, true},
    {"SESSIONPROPERTY", TSQL_FUNCTION_SESSIONPROPERTY, 1, 1, false},
    {"SUBSTRING", TSQL_FUNCTION_SUBSTRING, 3, 3, false},
    {"SUSER_NAME", TSQL_FUNCTION_SUSER_SNAME, 0, 1, false},
    {"SUSER_SNAME", TSQL_FUNCTION_SUSER_SNAME, 0, 1, false},
    {"SYSDATETIME", TSQL_FUNCTION_GETDATE, 0, 0, false},
    {"SYSTEM_USER", TSQL_FUNCTION_SUSER_SNAME, 0, 0, true},
    {"SYSUTCDATETIME", TSQL_FUNCTION_GETUTCDATE, 0, 0, false},
    {"TRY_CAST", TSQL_FUNCTION_CAST, 1, 1, false},
    {"TRY_CONVERT", TSQL_FUNCTION_CAST, 1, 2, false},
    {"UPPER", TSQL_FUNCTION_UPPER, 1, 1, false},
    {"USER", TSQL_FUNCTION_USER_NAME, 0, 0, true},
    {"USER_NAME", TSQL_FUNCTION_USER_NAME, 0, 1, false},
};

static int compare_name(const void *name, const void *entry)
{
    return strcasecmp(name, ((const struct tsql_function *)entry)->name);
}

const struct tsql_function *tsql_find_function(const char *name)
{
    return bsearch(name, functions, sizeof(functions) / sizeof(functions[0]), sizeof(functions[0]),
                   compare_name);
}

/* ---- text ---- */

/* The byte at which character number `count` begins, or the end. */
static size_t byte_of(const char *text, int64_t count)
{
    size_t at = 0;
    for (; text[at] != '\0'; at++) {
        if (((unsigned char)text[at] & 0xC0) != 0x80 && count-- <= 0)
            break;
    }
    return at;
}

static int give(struct tsql_value *value, const char *text, size_t length)
{
    value->text = strndup(text, length);
    return value->text == NULL ? ENOMEM : 0;
}

static int give_number(struct tsql_value *value, int64_t number)
{
    value->number = true;
    return asprintf(&value->text, "%" PRId64, number) < 0 ? ENOMEM : 0;
}

/* `count` characters from number `from`, which begin at 0. */
static int cut(struct tsql_value *value, const char *text, int64_t from, int64_t count)
{
    if (from < 0) {
        count += from;
        from = 0;
    }
    size_t start = byte_of(text, from);
    return give(value, text + start, byte_of(text + start, count > 0 ? count : 0));
}

static int replace(struct tsql_value *value, const char *text, const char *from, const char *to,
                   struct tsql_error *error)
{
    size_t length = strlen(text), found = 0;
    for (const char *at = text; from[0] != '\0' && (at = strcasestr(at, from)) != NULL; at += strlen(from))
        found++;
    if (length + found * strlen(to) > (length > REPLACED_MAX ? TSQL_BATCH_MAX : REPLACED_MAX)) {
        tsql_error_set(error, 8152, 16, 10, "String or binary data would be truncated.");
        return EINVAL;
    }
    char *out = value->text = malloc(length + found * strlen(to) + 1);
    if (out == NULL)
        return ENOMEM;
    for (; found > 0; found--) {
        const char *at = strcasestr(text, from);
        out = mempcpy(out, text, (size_t)(at - text));
        out = stpcpy(out, to);
        text = at + strlen(from);
    }
    strcpy(out, text);
    return 0;
}

/* [x] with each ] doubled; NULL of what is too long for a name. */
static int quote(struct tsql_value *value, const char *text)
{
    if (tsql_characters(text, strlen(text)) > TSQL_IDENTIFIER_MAX)
        return 0;
    char *out = value->text = malloc(2 * strlen(text) + 3);
    if (out == NULL)
        return ENOMEM;
    *out++ = '[';
    for (; *text != '\0'; text++) {
        *out++ = *text;
        if (*text == ']')
            *out++ = ']';
    }
    *out++ = ']';
    *out = '\0';
    return 0;
}

/* Of a name of up to four parts between points, that number `part` from the end. */
static int name_part(struct tsql_value *value, const char *text, int64_t part)
{
    const char *end = text + strlen(text);
    if (part < 1 || part > 4)
        return 0;
    for (;; part--) {
        const char *point = memrchr(text, '.', (size_t)(end - text));
        if (part == 1)
            return give(value, point != NULL ? point + 1 : text,
                        (size_t)(end - (point != NULL ? point + 1 : text)));
        if (point == NULL)
            return 0;
        end = point;
    }
}

static int change_case(struct tsql_value *value, const char *text, int (*change)(int))
{
    int rc = give(value, text, strlen(text));
    for (char *at = value->text; rc == 0 && *at != '\0'; at++)
        *at = (unsigned char)*at < 0x80 ? (char)change(*at) : *at;
    return rc;
}

/* CAST, CONVERT; what TRY_ cannot convert is NULL. */
static int convert(const struct tsql_call *call, const struct tsql_value *from, struct tsql_value *value,
                   struct tsql_error *error)
{
    *value = (struct tsql_value){from->text != NULL ? strdup(from->text) : NULL, from->number, from->type};
    int rc = from->text != NULL && value->text == NULL ? ENOMEM : tsql_convert(&call->type, value, error);
    if (rc == 0)
        return 0;
    free(value->text);
    value->text = NULL;
    return rc == EINVAL && strncasecmp(call->function->name, "TRY_", 4) == 0 ? 0 : rc;
}

/* COALESCE, and ISNULL, which has the type of its first argument. */
static int first_value(const struct tsql_call *call, const struct tsql_value *arguments,
                       struct tsql_value *value, struct tsql_error *error)
{
    uint32_t at = 0;
    while (at + 1 < call->count && arguments[at].text == NULL)
        at++;
    value->number = arguments[at].number;
    value->type = arguments[at].type;
    int rc = arguments[at].text != NULL ? give(value, arguments[at].text, strlen(arguments[at].text)) : 0;
    const struct tsql_variable type = {.number = arguments[0].number, .type = arguments[0].type};
    if (rc != 0 || at == 0 || type.type == TSQL_TYPE_NONE || strcasecmp(call->function->name, "ISNULL") != 0)
        return rc;
    rc = tsql_convert(&type, value, error);
    if (rc != 0) {
        free(value->text);
        value->text = NULL;
    }
    return rc;
}

/* ---- calls ---- */

static int call_numbered(const struct tsql_call *call, const struct tsql_value *arguments,
                         struct tsql_value *value, struct tsql_error *error)
{
    const char *text = arguments[0].text;
    int64_t first = 0, second = 0;
    int rc = tsql_integer(&arguments[1], &first, error);
    if (rc == 0 && call->count > 2)
        rc = tsql_integer(&arguments[2], &second, error);
    if (rc != 0)
        return rc;
    if (call->function->id == TSQL_FUNCTION_PARSENAME)
        return name_part(value, text, first);
    if (first < INT32_MIN || first > INT32_MAX || second < 0 || second > INT32_MAX ||
        (first < 0 && call->function->id != TSQL_FUNCTION_SUBSTRING)) {
        tsql_error_set(error, 537, 16, 2,
                       "Invalid length parameter passed to the LEFT or SUBSTRING function.");
        return EINVAL;
    }
    if (call->function->id == TSQL_FUNCTION_LEFT)
        return cut(value, text, 0, first);
    if (call->function->id == TSQL_FUNCTION_SUBSTRING)
        return cut(value, text, first - 1, second);
    int64_t characters = (int64_t)tsql_characters(text, strlen(text));
    return cut(value, text, characters > first ? characters - first : 0, first);
}

static int call_text(const struct tsql_call *call, const struct tsql_value *arguments,
                     struct tsql_value *value, struct tsql_error *error)
{
    const char *text = arguments[0].text;
    size_t length = strlen(text), blanks = strspn(text, " ");
    while (length > 0 && text[length - 1] == ' ')
        length--;
    switch (call->function->id) {
    case TSQL_FUNCTION_LEN:
        return give_number(value, (int64_t)tsql_characters(text, length));
    case TSQL_FUNCTION_LOWER:
        return change_case(value, text, tolower);
    case TSQL_FUNCTION_UPPER:
        return change_case(value, text, toupper);
    case TSQL_FUNCTION_LTRIM:
        return give(value, text + blanks, strlen(text + blanks));
    case TSQL_FUNCTION_RTRIM:
        return give(value, text, length);
    case TSQL_FUNCTION_QUOTENAME:
        return quote(value, text);
    case TSQL_FUNCTION_REPLACE:
        return replace(value, text, arguments[1].text, arguments[2].text, error);
    case TSQL_FUNCTION_CHARINDEX: {
        const char *at = text[0] != '\0' ? strcasestr(arguments[1].text, text) : NULL;
        return give_number(
            value, at != NULL
                       ? (int64_t)tsql_characters(arguments[1].text, (size_t)(at - arguments[1].text)) + 1
                       : 0);
    }
    default:
        return call_numbered(call, arguments, value, error);
    }
}

int tsql_call_pure(const struct tsql_call *call, const struct tsql_value *arguments, struct tsql_value *value,
                   struct tsql_error *error)
{
    assert(tsql_is_pure(call->function->id));
    *value = (struct tsql_value){0};
    if (call->function->id == TSQL_FUNCTION_CAST)
        return convert(call, arguments, value, error);
    if (call->function->id == TSQL_FUNCTION_COALESCE)
        return first_value(call, arguments, value, error);
    for (uint32_t i = 0; i < call->count; i++) {
        if (arguments[i].text == NULL)
            return 0;
    }
    return call_text(call, arguments, value, error);
}
