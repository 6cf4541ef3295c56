/* values.c - variables and expressions at run time. */
#include <assert.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "functions.h"
#include "parse.h"

struct tsql_values {
    const struct tsql_batch *batch;
    const char *const *globals;
    const struct tsql_source *source; /* NULL: none */
    struct tsql_value slots[];        /* one a variable, in order of declaration */
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

void tsql_values_ask(struct tsql_values *values, const struct tsql_source *source)
{
    values->source = source;
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

/* One term's value. Borrowed from where it is kept, unless it had to be made. */
struct part {
    struct tsql_value value;
    bool made;
};

static void free_parts(struct part *parts, size_t count)
{
    for (size_t i = 0; i < count && parts != NULL; i++) {
        if (parts[i].made)
            free(parts[i].value.text);
    }
    free(parts);
}

static int call(const struct tsql_values *values, const struct tsql_call *call, struct tsql_value *value,
                struct tsql_error *error)
{
    enum tsql_function_id id = call->function->id;
    if (tsql_is_aggregate(id))
        return values->source != NULL ? values->source->aggregate(values->source->context, call, value) : 0;
    struct tsql_value *arguments = calloc((size_t)call->count + 1, sizeof(*arguments));
    uint32_t count = 0;
    int rc = arguments == NULL ? ENOMEM : 0;
    for (const struct tsql_item *item = call->arguments; item != NULL && rc == 0 && count < call->count;
         item = item->next)
        rc = tsql_evaluate(values, item->value, &arguments[count++], error);
    if (rc == 0 && tsql_is_pure(id))
        rc = tsql_call_pure(call, arguments, value, error);
    else if (rc == 0 && values->source != NULL)
        rc = values->source->call(values->source->context, id, arguments, call->count, value, error);
    for (uint32_t i = 0; i < count; i++)
        free(arguments[i].text);
    free(arguments);
    return rc;
}

static int choose(const struct tsql_values *values, const struct tsql_branch *branch,
                  struct tsql_value *value, struct tsql_error *error)
{
    for (; branch != NULL; branch = branch->next) {
        int truth = 1;
        int rc = branch->condition != NULL ? tsql_holds(values, branch->condition, &truth, error) : 0;
        if (rc != 0)
            return rc;
        if (truth == 1)
            return tsql_evaluate(values, branch->value, value, error);
    }
    return 0;
}

/* NULL text is SQL's NULL. */
static int part_of(const struct tsql_values *values, const struct tsql_term *term, struct part *part,
                   struct tsql_error *error)
{
    static const enum tsql_type types[TSQL_GLOBAL_COUNT] = {
        [TSQL_SPID] = TSQL_TYPE_SMALLINT,        [TSQL_ERROR] = TSQL_TYPE_INT,
        [TSQL_TRANCOUNT] = TSQL_TYPE_INT,        [TSQL_ROWCOUNT] = TSQL_TYPE_INT,
        [TSQL_MICROSOFTVERSION] = TSQL_TYPE_INT, [TSQL_LANGID] = TSQL_TYPE_SMALLINT,
        [TSQL_OPTIONS] = TSQL_TYPE_INT,          [TSQL_DATEFIRST] = TSQL_TYPE_TINYINT,
        [TSQL_LOCK_TIMEOUT] = TSQL_TYPE_INT,     [TSQL_MAX_PRECISION] = TSQL_TYPE_TINYINT,
        [TSQL_NESTLEVEL] = TSQL_TYPE_INT,        [TSQL_TEXTSIZE] = TSQL_TYPE_INT};
    const struct tsql_source *source = values->source;
    *part = (struct part){.made = term->kind >= TSQL_TERM_CALL};
    switch (term->kind) {
    case TSQL_TERM_VARIABLE:
        assert(term->index < values->batch->variable_count);
        part->value = values->slots[term->index];
        return 0;
    case TSQL_TERM_GLOBAL:
        part->value = (struct tsql_value){(char *)values->globals[term->index],
                                          types[term->index] != TSQL_TYPE_NONE, types[term->index]};
        return 0;
    case TSQL_TERM_NUMBER:
    case TSQL_TERM_STRING:
        part->value = (struct tsql_value){(char *)term->text, term->kind == TSQL_TERM_NUMBER, TSQL_TYPE_NONE};
        return 0;
    case TSQL_TERM_CALL:
        return call(values, term->call, &part->value, error);
    case TSQL_TERM_CASE:
        return choose(values, term->branches, &part->value, error);
    case TSQL_TERM_COLUMN:
        return source != NULL ? source->column(source->context, term->text, &part->value, error) : 0;
    case TSQL_TERM_NULL:
        break;
    }
    return 0;
}

int tsql_ask_exists(const struct tsql_values *values, const struct tsql_query *query, int *truth,
                    struct tsql_error *error)
{
    const struct tsql_source *source = values->source;
    return source != NULL ? source->exists(source->context, values, query, truth, error) : 0;
}

static int join(const struct part *parts, size_t count, struct tsql_value *value, struct tsql_error *error)
{
    size_t length = 0;
    for (size_t i = 0; i < count; i++) {
        length += strlen(parts[i].value.text);
        if (length > TSQL_BATCH_MAX) {
            tsql_error_set(error, 8152, 16, 10, "String or binary data would be truncated.");
            return EINVAL;
        }
    }
    char *end = value->text = malloc(length + 1);
    if (value->text == NULL)
        return ENOMEM;
    for (size_t i = 0; i < count; i++)
        end = stpcpy(end, parts[i].value.text);
    *end = '\0';
    return 0;
}

/* An integer has the higher precedence of types: every other term is converted. */
static int add(const struct part *parts, size_t count, struct tsql_value *value, struct tsql_error *error)
{
    int64_t sum = 0;
    for (size_t i = 0; i < count; i++) {
        int64_t number;
        int rc = tsql_integer(&parts[i].value, &number, error);
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
    size_t count = 0, known = 0;
    bool null = expression == NULL;
    int rc = 0;
    *value = (struct tsql_value){0};
    for (const struct tsql_term *t = expression; t != NULL; t = t->next)
        count++;
    struct part *parts = calloc(count + 1, sizeof(*parts));
    if (parts == NULL)
        return ENOMEM;
    for (const struct tsql_term *t = expression; t != NULL && rc == 0; t = t->next) {
        rc = part_of(values, t, &parts[known++], error);
        null = null || parts[known - 1].value.text == NULL; /* anything plus NULL is NULL */
        value->number = value->number || parts[known - 1].value.number;
    }
    value->type = rc == 0 && count == 1 ? parts[0].value.type : TSQL_TYPE_NONE;
    if (rc == 0 && !null)
        rc = value->number && count > 1 ? add(parts, count, value, error) : join(parts, count, value, error);
    free_parts(parts, known);
    return rc;
}

/* Takes value->text over, whatever comes of it. */
static int store(struct tsql_values *values, uint32_t index, struct tsql_value *value,
                 struct tsql_error *error)
{
    /* Declarations come in order, but any variable may be meant: walk to its type. */
    const struct tsql_variable *variable = values->batch->variables;
    for (uint32_t i = 0; i < index; i++)
        variable = variable->next;
    int rc = tsql_convert(variable, value, error);
    if (rc != 0) {
        free(value->text);
        return rc;
    }
    free(values->slots[index].text);
    values->slots[index] = *value;
    return 0;
}

int tsql_set(struct tsql_values *values, uint32_t index, const char *text, struct tsql_error *error)
{
    assert(index < values->batch->variable_count);
    bool number = text != NULL && text[strspn(text, "+-.0123456789Ee")] == '\0'; /* of whatever type */
    struct tsql_value value = {text != NULL ? strdup(text) : NULL, number, TSQL_TYPE_NONE};
    return value.text == NULL && text != NULL ? ENOMEM : store(values, index, &value, error);
}

const char *tsql_get(const struct tsql_values *values, uint32_t index)
{
    assert(index < values->batch->variable_count);
    return values->slots[index].text;
}

int tsql_assign(struct tsql_values *values, const struct tsql_statement *statement, struct tsql_error *error)
{
    assert(statement->kind == TSQL_ASSIGN);
    for (const struct tsql_item *item = statement->items; item != NULL; item = item->next) {
        struct tsql_value value;
        int rc = tsql_evaluate(values, item->value, &value, error);
        if (rc == 0)
            rc = store(values, item->index, &value, error);
        if (rc != 0)
            return rc;
    }
    return 0;
}
