/* selection.c - see selection.h. */
#include "selection.h"

#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    NVARCHAR_MAX = 4000, /* characters of the type; longer ones are nvarchar(max) */
    VARBINARY_MAX = 8000,
    PRECISION_MAX = 38
};

int selection_new(uint32_t width, uint32_t keys, struct selection *selection)
{
    *selection = (struct selection){.width = width, .keys = keys};
    selection->columns = calloc((size_t)width + keys + 1, sizeof(*selection->columns));
    return selection->columns == NULL ? ENOMEM : 0;
}

int selection_add(struct selection *selection, struct tsql_value **cells)
{
    size_t row = (size_t)selection->width + selection->keys, used = row * selection->count;
    struct tsql_value *grown = realloc(selection->cells, (used + row) * sizeof(*grown));
    if (grown == NULL)
        return ENOMEM;
    memset(grown + used, 0, row * sizeof(*grown));
    selection->cells = grown;
    selection->count++;
    *cells = grown + used;
    return 0;
}

static struct tsql_value *row_of(const struct selection *selection, uint32_t row)
{
    return selection->cells + (size_t)row * (selection->width + selection->keys);
}

const struct tsql_value *selection_row(const struct selection *selection, uint32_t row)
{
    return row_of(selection, row);
}

/* NULL is less than any value, and equal to itself. */
static int compare(const struct tsql_value *left, const struct tsql_value *right)
{
    if (left->text == NULL || right->text == NULL)
        return (left->text != NULL) - (right->text != NULL);
    return tsql_compare(left, right);
}

static void swap_rows(struct selection *selection, uint32_t left, uint32_t right)
{
    for (uint32_t i = 0; i < selection->width + selection->keys; i++) {
        struct tsql_value value = row_of(selection, left)[i];
        row_of(selection, left)[i] = row_of(selection, right)[i];
        row_of(selection, right)[i] = value;
    }
}

static bool is_before(const struct selection *selection, uint32_t left, uint32_t right)
{
    for (uint32_t i = selection->width; i < selection->width + selection->keys; i++) {
        int order = compare(&row_of(selection, left)[i], &row_of(selection, right)[i]);
        if (order != 0)
            return selection->columns[i].descending ? order > 0 : order < 0;
    }
    return false;
}

/* By insertion: stable, and there are few rows. */
void selection_order(struct selection *selection)
{
    for (uint32_t i = 1; i < selection->count; i++) {
        for (uint32_t at = i; at > 0 && is_before(selection, at, at - 1); at--)
            swap_rows(selection, at, at - 1);
    }
}

static void free_row(struct selection *selection, uint32_t row)
{
    for (uint32_t i = 0; i < selection->width + selection->keys; i++)
        free(row_of(selection, row)[i].text);
}

void selection_cut(struct selection *selection, uint32_t count)
{
    while (selection->count > count)
        free_row(selection, --selection->count);
}

static bool is_same(const struct selection *selection, uint32_t left, uint32_t right)
{
    for (uint32_t i = 0; i < selection->width; i++) {
        if (compare(&row_of(selection, left)[i], &row_of(selection, right)[i]) != 0)
            return false;
    }
    return true;
}

void selection_distinct(struct selection *selection)
{
    uint32_t kept = 0;
    for (uint32_t i = 0; i < selection->count; i++) {
        bool seen = false;
        for (uint32_t before = 0; before < kept && !seen; before++)
            seen = is_same(selection, before, i);
        if (!seen)
            swap_rows(selection, kept++, i);
    }
    selection_cut(selection, kept);
}

/* ---- types: values are kept as text ---- */

static const enum results_type results_types[] = {
    [TSQL_TYPE_BIT] = RESULTS_BIT,           [TSQL_TYPE_TINYINT] = RESULTS_TINYINT,
    [TSQL_TYPE_SMALLINT] = RESULTS_SMALLINT, [TSQL_TYPE_INT] = RESULTS_INT,
    [TSQL_TYPE_BIGINT] = RESULTS_BIGINT,     [TSQL_TYPE_DATETIME] = RESULTS_DATETIME,
    [TSQL_TYPE_DATE] = RESULTS_NVARCHAR,
};

enum tsql_type selection_type(enum results_type type)
{
    for (size_t i = 1; i < sizeof(results_types) / sizeof(results_types[0]); i++) {
        if (results_types[i] == type && i != TSQL_TYPE_DATE)
            return (enum tsql_type)i;
    }
    return TSQL_TYPE_NONE;
}

/* The precision of a whole number is for those beside it that have a point. */
static struct results_column describe_number(const char *text)
{
    struct results_column column = {.type = RESULTS_NUMERIC};
    char *end;
    errno = 0;
    long long number = strtoll(text, &end, 10);
    size_t whole = strspn(text + (text[0] == '-'), "0123456789");
    size_t scale = *end == '.' ? strlen(end + 1) : 0;
    if (text[0] == '0' && (text[1] == 'x' || text[1] == 'X')) {
        size_t bytes = (strlen(text) - 1) / 2;
        column.type = RESULTS_VARBINARY;
        column.length = bytes <= VARBINARY_MAX ? (uint16_t)bytes : 0;
        return column;
    }
    if (*end == '\0' && errno == 0)
        column.type = number >= INT32_MIN && number <= INT32_MAX ? RESULTS_INT : RESULTS_BIGINT;
    column.precision = whole + scale <= PRECISION_MAX ? (uint8_t)(whole + scale) : PRECISION_MAX;
    column.scale = scale < column.precision ? (uint8_t)scale : 0;
    return column;
}

/* As nvarchar counts them: a character outside the basic plane is two. */
static size_t units(const char *text)
{
    size_t count = tsql_characters(text, strlen(text));
    for (; *text != '\0'; text++)
        count += (unsigned char)*text >= 0xF0;
    return count;
}

static struct results_column describe(const struct tsql_value *value)
{
    struct results_column column = {.type = RESULTS_NVARCHAR};
    if (value->number && value->text != NULL)
        column = describe_number(value->text);
    if (value->type != TSQL_TYPE_NONE)
        column.type = results_types[value->type];
    else if (value->number && value->text == NULL)
        column.type = RESULTS_INT;
    if (column.type != RESULTS_NVARCHAR)
        return column;
    size_t length = value->text != NULL ? units(value->text) : 1;
    column.length = length > NVARCHAR_MAX ? 0 : length > 0 ? (uint16_t)length : 1;
    return column;
}

/* What holds both: numbers the later type of the enum; the longer text; and anything else is told as text. */
static void widen(struct results_column *column, const struct results_column *other)
{
    bool longer = column->length != 0 && (other->length == 0 || other->length > column->length);
    uint32_t scale = other->scale > column->scale ? other->scale : column->scale;
    uint32_t whole = (uint32_t)column->precision - column->scale;
    uint32_t others = (uint32_t)other->precision - other->scale;
    uint32_t precision = (others > whole ? others : whole) + scale;
    bool numbers = results_is_number(column->type) && results_is_number(other->type);
    column->length = longer ? other->length : column->length;
    if (column->type != other->type && !numbers)
        column->type = RESULTS_NVARCHAR;
    else
        column->type = other->type > column->type ? other->type : column->type;
    column->precision = precision < PRECISION_MAX ? (uint8_t)precision : PRECISION_MAX;
    column->scale = (uint8_t)scale;
}

/* NULL is of any type. */
static struct results_column describe_column(const struct selection *selection, uint32_t column)
{
    const struct selection_column *selected = &selection->columns[column];
    struct results_column described = {.type = RESULTS_NVARCHAR, .length = 1};
    bool known = selected->type != NULL;
    if (known)
        described = *selected->type;
    for (uint32_t row = 0; row < selection->count && selected->type == NULL; row++) {
        const struct tsql_value *value = &row_of(selection, row)[column];
        struct results_column one = describe(value);
        if (!known)
            described = one;
        else if (value->text != NULL)
            widen(&described, &one);
        known = known || value->text != NULL;
    }
    described.name = selected->name != NULL ? selected->name : "";
    return described;
}

int selection_tell(struct session *session, const struct selection *selection)
{
    uint32_t width = selection->width;
    struct results_column *columns = calloc((size_t)width + 1, sizeof(*columns));
    const char **texts = calloc((size_t)width + 1, sizeof(*texts));
    int rc = columns == NULL || texts == NULL ? ENOMEM : 0;
    for (uint32_t i = 0; i < width && rc == 0; i++)
        columns[i] = describe_column(selection, i);
    if (rc == 0)
        session_columns(session, columns, width);
    for (uint32_t row = 0; row < selection->count && rc == 0; row++) {
        for (uint32_t i = 0; i < width; i++)
            texts[i] = row_of(selection, row)[i].text;
        session_row(session, texts, width);
    }
    if (rc == 0)
        session_rows_end(session);
    free(texts);
    free(columns);
    return rc;
}

void selection_free(struct selection *selection)
{
    selection_cut(selection, 0);
    free(selection->cells);
    free(selection->columns);
}
