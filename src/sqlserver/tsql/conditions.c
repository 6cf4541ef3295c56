/* conditions.c - what WHERE and WHEN ask, at run time. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "functions.h"

enum {
    UNKNOWN = -1
};

/* Blanks at the end of a text do not count. */
static size_t length_of(const char *text)
{
    size_t length = strlen(text);
    while (length > 0 && text[length - 1] == ' ')
        length--;
    return length;
}

int tsql_compare(const struct tsql_value *left, const struct tsql_value *right)
{
    char *left_end, *right_end;
    if (left->number || right->number) {
        long double a = strtold(left->text, &left_end), b = strtold(right->text, &right_end);
        if (*left_end == '\0' && *right_end == '\0')
            return (a > b) - (a < b);
    }
    size_t left_length = length_of(left->text), right_length = length_of(right->text);
    size_t length = left_length < right_length ? left_length : right_length;
    int order = strncasecmp(left->text, right->text, length);
    return order != 0 ? order : (left_length > right_length) - (left_length < right_length);
}

/* One character of the text against one place of the pattern, [...] included; *next is behind that place. */
static bool like_one(char character, const char *pattern, const char **next)
{
    *next = pattern + 1;
    if (*pattern == '_')
        return true;
    const char *close = *pattern == '[' ? strchr(pattern + 1, ']') : NULL;
    if (close == NULL)
        return strncasecmp(&character, pattern, 1) == 0;
    bool negated = pattern[1] == '^', found = false;
    *next = close + 1;
    for (const char *at = pattern + 1 + negated; at < close; at++) {
        bool range = at + 2 < close && at[1] == '-';
        found =
            found || (range ? character >= at[0] && character <= at[2] : strncasecmp(&character, at, 1) == 0);
        at += range ? 2 : 0;
    }
    return found != negated;
}

/* % is any text: the last one met takes one character more whenever what follows does not fit. */
static bool like(const char *text, const char *pattern)
{
    const char *any = NULL, *taken = NULL;
    while (*text != '\0') {
        const char *next;
        if (*pattern == '%') {
            any = ++pattern;
            taken = text;
        } else if (*pattern != '\0' && like_one(*text, pattern, &next)) {
            pattern = next;
            text++;
        } else if (any != NULL) {
            pattern = any;
            text = ++taken;
        } else {
            return false;
        }
    }
    while (*pattern == '%')
        pattern++;
    return *pattern == '\0';
}

static int test_one(enum tsql_test test, const struct tsql_value *left, const struct tsql_value *right)
{
    if (left->text == NULL || right->text == NULL)
        return UNKNOWN;
    if (test == TSQL_LIKE)
        return like(left->text, right->text);
    int order = tsql_compare(left, right);
    return test == TSQL_LESS ? order < 0 : test == TSQL_GREATER ? order > 0 : order == 0;
}

/* Against any of the others. */
static int test(const struct tsql_values *values, const struct tsql_condition *condition, int *truth,
                struct tsql_error *error)
{
    struct tsql_value left;
    int rc = tsql_evaluate(values, condition->value, &left, error);
    if (rc == 0 && condition->test == TSQL_NULL)
        *truth = left.text == NULL;
    else
        *truth = 0;
    for (const struct tsql_item *item = condition->others; item != NULL && rc == 0 && *truth != 1;
         item = item->next) {
        struct tsql_value right;
        rc = tsql_evaluate(values, item->value, &right, error);
        int one = rc == 0 ? test_one(condition->test, &left, &right) : 0;
        *truth = one != 0 ? one : *truth;
        free(right.text);
    }
    free(left.text);
    return rc;
}

int tsql_holds(const struct tsql_values *values, const struct tsql_condition *condition, int *truth,
               struct tsql_error *error)
{
    int right = UNKNOWN;
    if (condition->test == TSQL_EXISTS) {
        *truth = 0;
        return tsql_ask_exists(values, condition->query, truth, error);
    }
    if (condition->test > TSQL_NOT)
        return test(values, condition, truth, error);
    int rc = tsql_holds(values, condition->left, truth, error);
    if (rc != 0)
        return rc;
    if (condition->test == TSQL_NOT) {
        *truth = *truth == UNKNOWN ? UNKNOWN : !*truth;
        return 0;
    }
    int decided = condition->test == TSQL_OR; /* whatever the other one is */
    if (*truth == decided)
        return 0;
    rc = tsql_holds(values, condition->right, &right, error);
    *truth = rc != 0 || right == decided ? right : *truth == UNKNOWN ? UNKNOWN : right;
    return rc;
}
