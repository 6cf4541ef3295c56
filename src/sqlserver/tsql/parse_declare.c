/* parse_declare.c - variables that are declared: DECLARE, and the parameters of sp_executesql. */
#include <stdlib.h>
#include <strings.h>

#include "parse.h"
#include "words.h"

/* Lengths: what a declaration without one gives. LENGTH_NONE: the type takes none, all is kept. */
enum {
    LENGTH_NONE = -1
};
static const struct type_info {
    const char *name;
    bool number;
    int16_t length;
    enum tsql_type type;
} types[] = {
    {"bigint", true, LENGTH_NONE, TSQL_TYPE_BIGINT},
    {"binary", false, 1, TSQL_TYPE_NONE},
    {"bit", true, LENGTH_NONE, TSQL_TYPE_BIT},
    {"char", false, 1, TSQL_TYPE_NONE},
    {"date", false, LENGTH_NONE, TSQL_TYPE_DATE},
    {"datetime", false, LENGTH_NONE, TSQL_TYPE_DATETIME},
    {"datetime2", false, 0, TSQL_TYPE_NONE},
    {"datetimeoffset", false, 0, TSQL_TYPE_NONE},
    {"decimal", true, 0, TSQL_TYPE_NONE},
    {"float", true, 0, TSQL_TYPE_NONE},
    {"image", false, LENGTH_NONE, TSQL_TYPE_NONE},
    {"int", true, LENGTH_NONE, TSQL_TYPE_INT},
    {"integer", true, LENGTH_NONE, TSQL_TYPE_INT},
    {"money", true, LENGTH_NONE, TSQL_TYPE_NONE},
    {"nchar", false, 1, TSQL_TYPE_NONE},
    {"ntext", false, LENGTH_NONE, TSQL_TYPE_NONE},
    {"numeric", true, 0, TSQL_TYPE_NONE},
    {"nvarchar", false, 1, TSQL_TYPE_NONE},
    {"real", true, LENGTH_NONE, TSQL_TYPE_NONE},
    {"rowversion", false, LENGTH_NONE, TSQL_TYPE_NONE},
    {"smalldatetime", false, LENGTH_NONE, TSQL_TYPE_DATETIME},
    {"smallint", true, LENGTH_NONE, TSQL_TYPE_SMALLINT},
    {"smallmoney", true, LENGTH_NONE, TSQL_TYPE_NONE},
    {"sql_variant", false, LENGTH_NONE, TSQL_TYPE_NONE},
    {"sysname", false, 128, TSQL_TYPE_NONE},
    {"text", false, LENGTH_NONE, TSQL_TYPE_NONE},
    {"time", false, 0, TSQL_TYPE_NONE},
    {"timestamp", false, LENGTH_NONE, TSQL_TYPE_NONE},
    {"tinyint", true, LENGTH_NONE, TSQL_TYPE_TINYINT},
    {"uniqueidentifier", false, LENGTH_NONE, TSQL_TYPE_NONE},
    {"varbinary", false, 1, TSQL_TYPE_NONE},
    {"varchar", false, 1, TSQL_TYPE_NONE},
    {"xml", false, LENGTH_NONE, TSQL_TYPE_NONE},
};

/* ---- DECLARE ---- */

static int compare_type(const void *name, const void *entry)
{
    return strcasecmp(name, ((const struct type_info *)entry)->name);
}

/* (n), (max) or (p, s) behind a type's name. */
static bool parse_length(struct parser *parser, struct tsql_variable *variable)
{
    if (!parse_advance(parser))
        return false;
    if (tsql_token_is(&parser->token, "MAX"))
        variable->length = 0;
    else if (parser->token.kind != TSQL_TOKEN_NUMBER)
        return parse_near(parser);
    else
        variable->length = (uint32_t)strtoul(parser->token.text, NULL, 10);
    if (!parse_advance(parser))
        return false;
    if (tsql_token_is_mark(&parser->token, ',')) {
        if (!parse_advance(parser))
            return false;
        if (parser->token.kind != TSQL_TOKEN_NUMBER)
            return parse_near(parser);
        if (!parse_advance(parser))
            return false;
    }
    return parse_mark(parser, ')');
}

bool parse_type(struct parser *parser, struct tsql_variable *variable)
{
    const struct tsql_token *token = &parser->token;
    bool word = token->kind == TSQL_TOKEN_WORD && !tsql_word_is_reserved(token->text);
    if (!word && token->kind != TSQL_TOKEN_NAME)
        return parse_near(parser);
    const struct type_info *type =
        bsearch(token->text, types, sizeof(types) / sizeof(types[0]), sizeof(types[0]), compare_type);
    if (type == NULL)
        return parse_fail(parser, 2715, 16, 3, "Column, parameter, or variable #1: Cannot find data type %s.",
                          token->text);
    variable->number = type->number;
    variable->type = type->type;
    variable->length = type->length > 0 ? (uint32_t)type->length : 0;
    if (!parse_advance(parser))
        return false;
    if (type->length != LENGTH_NONE && tsql_token_is_mark(&parser->token, '(') &&
        !parse_length(parser, variable))
        return false;
    if (type->number || type->length <= 0)
        variable->length = 0; /* a precision is no limit on the text */
    return true;
}

static bool parse_declaration(struct parser *parser, struct tsql_item *item)
{
    if (parser->token.kind != TSQL_TOKEN_VARIABLE)
        return parse_near(parser);
    if (parse_find_variable(parser, parser->token.text, &item->index))
        return parse_fail(
            parser, 134, 15, 2,
            "The variable name '%s' has already been declared. Variable names must be unique within "
            "a query batch or stored procedure.",
            parser->token.text);
    if (parser->batch->variable_count == TSQL_VARIABLES_MAX)
        return parse_fail(parser, 50000, 16, 1, "A batch can declare at most %d variables.",
                          TSQL_VARIABLES_MAX);
    struct tsql_variable *variable = parse_alloc(parser, sizeof(*variable));
    if (variable == NULL)
        return false;
    variable->name = parser->token.text;
    if (!parse_advance(parser))
        return false;
    if (tsql_token_is(&parser->token, "AS") && !parse_advance(parser))
        return false;
    if (!parse_type(parser, variable))
        return false;
    if (tsql_token_is_mark(&parser->token, '=')) {
        if (!parse_advance(parser))
            return false;
        item->value = parse_expression(parser);
        if (item->value == NULL)
            return false;
    }
    /* Known from here on only: a variable cannot be its own initial value. */
    *parser->batch->variable_end = variable;
    parser->batch->variable_end = &variable->next;
    parser->batch->variable_count++;
    return true;
}

bool parse_declare(struct parser *parser, struct tsql_statement *statement)
{
    return parse_list(parser, &statement->items, parse_declaration, &statement->item_count);
}

/* ---- parameters ---- */

static bool is_output(const struct tsql_token *token)
{
    return tsql_token_is(token, "OUTPUT") || tsql_token_is(token, "OUT");
}

bool parse_parameters(struct parser *parser)
{
    if (!parse_advance(parser))
        return false;
    while (parser->token.kind != TSQL_TOKEN_END) {
        struct tsql_item item = {0};
        if (!parse_declaration(parser, &item))
            return false;
        if (is_output(&parser->token) && !parse_advance(parser))
            return false;
        if (parser->token.kind == TSQL_TOKEN_END)
            break;
        if (!parse_mark(parser, ','))
            return false;
        if (parser->token.kind == TSQL_TOKEN_END)
            return parse_near(parser);
    }
    return true;
}

/* [@name =] value [OUTPUT] */
static bool parse_argument(struct parser *parser, struct tsql_item *item)
{
    if (parse_assignment_follows(parser)) {
        item->name = parser->token.text;
        if (!parse_advance(parser) || !parse_mark(parser, '='))
            return false;
    }
    item->value = parse_expression(parser);
    if (item->value == NULL)
        return false;
    if (!is_output(&parser->token))
        return true;
    if (item->value->kind != TSQL_TERM_VARIABLE || item->value->next != NULL)
        return parse_fail(parser, 179, 15, 1,
                          "Cannot use the OUTPUT option when passing a constant to a stored procedure.");
    item->output = true;
    item->index = item->value->index;
    return parse_advance(parser);
}

bool parse_arguments(struct parser *parser, struct tsql_statement *statement)
{
    struct tsql_item **end = &statement->items;
    while (tsql_token_is_mark(&parser->token, ',')) {
        if (!parse_advance(parser))
            return false;
        struct tsql_item item = {0};
        if (!parse_argument(parser, &item))
            return false;
        if (statement->declarations == NULL) {
            statement->declarations = item.value;
            continue;
        }
        struct tsql_item *added = parse_item(parser, &end);
        if (added == NULL)
            return false;
        *added = item;
        statement->item_count++;
    }
    return true;
}
