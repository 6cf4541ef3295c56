/* values.c - variables and expressions at run time. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "parse.h"

struct tsql_values {
    const struct tsql_batch *batch;
    const char *const *globals;
    struct tsql_value slots[]; /* one a variable, in order of declaration */
};

size_t tsql_characters(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length && text[i] != '\0'; i++)
        count += ((unsigned char)text[i] & 0xC0) != 0x80; /* continuation bytes start no character */
    return count;
}

int tsql_near_length(const char *text)
{
    int at = 0;
    for (int count = 0; text[at] != '\0'; at++) {
        if (((unsigned char)text[at] & 0xC0) != 0x80 && count++ == TSQL_NEAR_MAX)
            break;
    }
    /* Stray continuation bytes belong to no character; they must not outgrow a message. */
    return at < 4 * TSQL_NEAR_MAX ? at : 4 * TSQL_NEAR_MAX;
}

int tsql_values_new(const struct tsql_batch *batch, const char *const globals[TSQL_GLOBAL_COUNT],
                    struct tsql_values **out)
{
    struct tsql_values *values =
        calloc(1, sizeof(*values) + batch->variable_count * sizeof(values->slots[0]));
    if (values != NULL) {
        values->batch = batch;
        values->globals = globals;
    }
    *out = values;
    return values == NULL ? ENOMEM : 0;
}

void tsql_values_free(struct tsql_values *values)
{
    if (values == NULL)
        return;
    for (uint32_t i = 0; i < values->batch->variable_count; i++)
        free(values->slots[i].text);
    free(values);
}

int tsql_integer(const struct tsql_value *value, int64_t *number, struct tsql_error *error)
{
    *number = 0;
    if (value->text == NULL)
        return 0;
    char *end;
    errno = 0;
    *number = strtoll(value->text, &end, 10);
    while (*end == ' ')
        end++;
    if (*end == '\0' && errno == 0)
        return 0;
    tsql_error_set(error, 245, 16, 1,
                   "Conversion failed when converting the varchar value '%.*s' to data type int.",
                   tsql_near_length(value->text), value->text);
    return EINVAL;
}

/* The text and kind of one term; NULL text is SQL's NULL. */
static struct tsql_value term_value(const struct tsql_values *values, const struct tsql_term *term)
{
    switch (term->kind) {
    case TSQL_TERM_VARIABLE:
        assert(term->index < values->batch->variable_count);
        return values->slots[term->index];
    case TSQL_TERM_GLOBAL:
        return (struct tsql_value){(char *)values->globals[term->index],
                                   term->index == TSQL_SPID || term->index == TSQL_ERROR};
    case TSQL_TERM_NUMBER:
        return (struct tsql_value){(char *)term->text, true};
    case TSQL_TERM_STRING:
        return (struct tsql_value){(char *)term->text, false};
    case TSQL_TERM_NULL:
        break;
    }
    return (struct tsql_value){NULL, false};
}

static int join(const struct tsql_values *values, const struct tsql_term *expression,
                struct tsql_value *value, struct tsql_error *error)
{
    size_t length = 0;
    for (const struct tsql_term *t = expression; t != NULL; t = t->next) {
        length += strlen(term_value(values, t).text);
        if (length > TSQL_BATCH_MAX) {
            tsql_error_set(error, 8152, 16, 10, "String or binary data would be truncated.");
            return EINVAL;
        }
    }
    char *end = value->text = malloc(length + 1);
    if (value->text == NULL)
        return ENOMEM;
    for (const struct tsql_term *t = expression; t != NULL; t = t->next)
        end = stpcpy(end, term_value(values, t).text);
    *end = '\0';
    return 0;
}

/* An integer has the higher precedence of types: every other term is converted. */
static int add(const struct tsql_values *values, const struct tsql_term *expression, struct tsql_value *value,
               struct tsql_error *error)
{
    int64_t sum = 0;
    for (const struct tsql_term *t = expression; t != NULL; t = t->next) {
        struct tsql_value part = term_value(values, t);
        int64_t number;
        int rc = tsql_integer(&part, &number, error);
        if (rc != 0)
            return rc;
        if (__builtin_add_overflow(sum, number, &sum)) {
            tsql_error_set(error, 8115, 16, 2,
                           "Arithmetic overflow error converting expression to data type bigint.");
            return EINVAL;
        }
    }
    char text[32];
    snprintf(text, sizeof(text), "%" PRId64, sum);
    value->text = strdup(text);
    return value->text == NULL ? ENOMEM : 0;
}

int tsql_evaluate(const struct tsql_values *values, const struct tsql_term *expression,
                  struct tsql_value *value, struct tsql_error *error)
{
    *value = (struct tsql_value){0};
    for (const struct tsql_term *t = expression; t != NULL; t = t->next) {
        struct tsql_value part = term_value(values, t);
        if (part.text == NULL)
            return 0; /* anything plus NULL is NULL */
        value->number = value->number || part.number;
    }
    if (expression == NULL)
        return 0;
    bool sum = value->number && expression->next != NULL;
    return sum ? add(values, expression, value, error) : join(values, expression, value, error);
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

int tsql_assign(struct tsql_values *values, const struct tsql_statement *statement, struct tsql_error *error)
{
    assert(statement->kind == TSQL_ASSIGN);
    /* Declarations come in order, but SET may name any variable: walk to its type. */
    for (const struct tsql_item *item = statement->items; item != NULL; item = item->next) {
        struct tsql_value value;
        int rc = tsql_evaluate(values, item->value, &value, error);
        if (rc != 0)
            return rc;
        const struct tsql_variable *variable = values->batch->variables;
        for (uint32_t i = 0; i < item->index; i++)
            variable = variable->next;
        int64_t ignored;
        if (variable->number && !value.number)
            rc = tsql_integer(&value, &ignored, error);
        if (rc != 0) {
            free(value.text);
            return rc;
        }
        if (value.text != NULL && variable->length > 0)
            shorten(value.text, variable->length);
        value.number = variable->number;
        free(values->slots[item->index].text);
        values->slots[item->index] = value;
    }
    return 0;
}
