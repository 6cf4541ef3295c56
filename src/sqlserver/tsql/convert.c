/* convert.c - what a value becomes that is given a type: by CAST, or in a variable. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "functions.h"

enum {
    DATE_LENGTH = 10
};

static const char digits[] = "0123456789";

/* Blanks around a number mean nothing. */
static void trim(char *text)
{
    size_t blanks = strspn(text, " "), length = strlen(text);
    while (length > blanks && text[length - 1] == ' ')
        length--;
    memmove(text, text + blanks, length - blanks);
    text[length - blanks] = '\0';
}

/* Silently shortened to the declared length, as DECLARE and SET do. */
static void shorten(char *text, uint32_t characters)
{
    size_t count = 0;
    for (char *at = text; *at != '\0'; at++) {
        if (((unsigned char)*at & 0xC0) != 0x80 && count++ == characters) {
            *at = '\0';
            return;
        }
    }
}

static int give(struct tsql_value *value, char *text)
{
    free(text != NULL ? value->text : NULL);
    value->text = text != NULL ? text : value->text;
    return text != NULL ? 0 : ENOMEM;
}

/* ---- whole numbers ---- */

static int overflow(const char *type, struct tsql_error *error)
{
    tsql_error_set(error, 8115, 16, 2, "Arithmetic overflow error converting expression to data type %s.",
                   type);
    return EINVAL;
}

/* A number loses what is behind its point; a text has none. */
static int to_whole(struct tsql_value *value, enum tsql_type type, bool from_text, struct tsql_error *error)
{
    static const struct {
        const char *name;
        int64_t least, most;
    } ranges[] = {
        [TSQL_TYPE_BIT] = {"bit", INT64_MIN, INT64_MAX},
        [TSQL_TYPE_TINYINT] = {"tinyint", 0, UINT8_MAX},
        [TSQL_TYPE_SMALLINT] = {"smallint", INT16_MIN, INT16_MAX},
        [TSQL_TYPE_INT] = {"int", INT32_MIN, INT32_MAX},
        [TSQL_TYPE_BIGINT] = {"bigint", INT64_MIN, INT64_MAX},
    };
    const char *text = value->text;
    bool word = type == TSQL_TYPE_BIT && (strcasecmp(text, "true") == 0 || strcasecmp(text, "false") == 0);
    bool hexadecimal = text[0] == '0' && (text[1] == 'x' || text[1] == 'X');
    char *end, *made = NULL;
    if (word)
        return give(value, strdup(strcasecmp(text, "true") == 0 ? "1" : "0"));
    errno = 0;
    int64_t number = strtoll(text, &end, hexadecimal ? 16 : 10);
    if (errno == ERANGE)
        return overflow(ranges[type].name, error);
    if (*end == '.' && !from_text)
        end += 1 + strspn(end + 1, digits);
    if (*end != '\0') {
        tsql_error_set(error, 245, 16, 1,
                       "Conversion failed when converting the varchar value '%.*s' to data type %s.",
                       tsql_near_length(text), text, ranges[type].name);
        return EINVAL;
    }
    if (number < ranges[type].least || number > ranges[type].most)
        return overflow(ranges[type].name, error);
    number = type == TSQL_TYPE_BIT ? number != 0 : number;
    return asprintf(&made, "%" PRId64, number) < 0 ? ENOMEM : give(value, made);
}

/* ---- moments ---- */

static bool is_day(int year, int month, int day)
{
    static const uint8_t days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    return year >= 1753 && month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && leap);
}

/* 2024-01-31 or 20240131, and maybe a time of day: as a result set has it. False: it is told as the text that it is. */
static bool read_moment(const char *text, char *moment, size_t size)
{
    int year, month, day, hour = 0, minute = 0, second = 0, used = 0;
    char fraction[4] = "000";
    bool dashes = strlen(text) > 4 && text[4] == '-';
    if (strspn(text, digits) < (dashes ? 4 : 8) ||
        sscanf(text, dashes ? "%4d-%2d-%2d%n" : "%4d%2d%2d%n", &year, &month, &day, &used) != 3)
        return false;
    text += used;
    if (*text == ' ' || *text == 'T') {
        used = 0;
        if (sscanf(text + 1, "%2d:%2d%n:%2d%n", &hour, &minute, &used, &second, &used) < 2)
            return false;
        text += 1 + used;
    }
    if (*text == '.') {
        size_t length = strspn(++text, digits);
        memcpy(fraction, text, length < 3 ? length : 3);
        text += length;
    }
    snprintf(moment, size, "%04d-%02d-%02d %02d:%02d:%02d.%s", year, month, day, hour, minute, second,
             fraction);
    return *text == '\0' && is_day(year, month, day) && hour >= 0 && hour < 24 && minute >= 0 &&
           minute < 60 && second >= 0 && second < 60;
}

static int to_moment(struct tsql_value *value)
{
    char moment[64];
    if (read_moment(value->text, moment, sizeof(moment)))
        return give(value, strndup(moment, value->type == TSQL_TYPE_DATE ? DATE_LENGTH : sizeof(moment)));
    value->type = TSQL_TYPE_NONE;
    return 0;
}

/* ---- any type ---- */

int tsql_convert(const struct tsql_variable *type, struct tsql_value *value, struct tsql_error *error)
{
    bool from_text = !value->number;
    int64_t ignored;
    value->number = type->number;
    value->type = type->type;
    if (value->text == NULL)
        return 0;
    if (!type->number) {
        if (type->length > 0)
            shorten(value->text, type->length);
        return type->type != TSQL_TYPE_NONE ? to_moment(value) : 0;
    }
    trim(value->text);
    if (type->type != TSQL_TYPE_NONE)
        return to_whole(value, type->type, from_text, error);
    bool decimal = value->text[0] != '\0' && value->text[strspn(value->text, "+-.0123456789")] == '\0';
    return from_text && !decimal ? tsql_integer(value, &ignored, error) : 0;
}
