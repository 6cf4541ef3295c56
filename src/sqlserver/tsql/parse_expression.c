/* parse_expression.c - expressions, variables, and the statements made of them: DECLARE, SET, SELECT. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse.h"
#include "words.h"

enum {
    TSQL_PARENTHESES_MAX = 1024
};

static const char *const global_names[TSQL_GLOBAL_COUNT] = {
    [TSQL_VERSION] = "@@VERSION", [TSQL_SERVERNAME] = "@@SERVERNAME", [TSQL_SERVICENAME] = "@@SERVICENAME",
    [TSQL_SPID] = "@@SPID",       [TSQL_ERROR] = "@@ERROR",
};

/* Lengths: what a declaration without one gives. LENGTH_NONE: the type takes none, all is kept. */
enum {
    LENGTH_NONE = -1
};
static const struct type_info {
    const char *name;
    bool number;
    int16_t length;
} types[] = {
    {"bigint", true, LENGTH_NONE},
    {"binary", false, 1},
    {"bit", true, LENGTH_NONE},
    {"char", false, 1},
    {"date", false, LENGTH_NONE},
    {"datetime", false, LENGTH_NONE},
    {"datetime2", false, 0},
    {"datetimeoffset", false, 0},
    {"decimal", true, 0},
    {"float", true, 0},
    {"int", true, LENGTH_NONE},
    {"integer", true, LENGTH_NONE},
    {"money", true, LENGTH_NONE},
    {"nchar", false, 1},
    {"numeric", true, 0},
    {"nvarchar", false, 1},
    {"real", true, LENGTH_NONE},
    {"smalldatetime", false, LENGTH_NONE},
    {"smallint", true, LENGTH_NONE},
    {"sysname", false, 128},
    {"time", false, 0},
    {"tinyint", true, LENGTH_NONE},
    {"uniqueidentifier", false, LENGTH_NONE},
    {"varbinary", false, 1},
    {"varchar", false, 1},
};

/* ---- terms ---- */

struct tsql_term *parse_term(struct parser *parser, enum tsql_term_kind kind, const char *text)
{
    struct tsql_term *term = parse_alloc(parser, sizeof(*term));
    if (term != NULL) {
        term->kind = kind;
        term->text = text;
    }
    return term;
}

static bool find_variable(const struct parser *parser, const char *name, uint32_t *index)
{
    *index = 0;
    for (const struct tsql_variable *v = parser->batch->variables; v != NULL; v = v->next, ++*index) {
        if (strcasecmp(v->name, name) == 0)
            return true;
    }
    return false;
}

static bool find_global(const char *name, uint32_t *index)
{
    for (*index = 0; *index < TSQL_GLOBAL_COUNT; ++*index) {
        if (strcasecmp(global_names[*index], name) == 0)
            return true;
    }
    return false;
}

struct tsql_term *parse_variable(struct parser *parser)
{
    enum tsql_term_kind kind = TSQL_TERM_VARIABLE;
    uint32_t index;
    if (find_global(parser->token.text, &index)) {
        kind = TSQL_TERM_GLOBAL;
    } else if (!find_variable(parser, parser->token.text, &index)) {
        parse_fail(parser, 137, 15, 2, "Must declare the scalar variable \"%s\".", parser->token.text);
        return NULL;
    }
    struct tsql_term *term = parse_term(parser, kind, parser->token.text);
    if (term == NULL || !parse_advance(parser))
        return NULL;
    term->index = index;
    return term;
}

/* A word where a value is expected: a function or column that the simulated server does not have. */
static bool refuse_word(struct parser *parser)
{
    struct tsql_token word = parser->token;
    if (word.kind == TSQL_TOKEN_WORD && tsql_word_is_reserved(word.text))
        return parse_near(parser);
    if (!parse_advance(parser))
        return false;
    bool call = tsql_token_is_mark(&parser->token, '(');
    parser->token = word;
    return call ? parse_fail(parser, 195, 15, 10, "'%s' is not a recognized built-in function name.",
                             word.text)
                : parse_fail(parser, 207, 16, 1, "Invalid column name '%s'.", word.text);
}

static struct tsql_term *parse_negative(struct parser *parser)
{
    if (!parse_advance(parser))
        return NULL;
    if (parser->token.kind != TSQL_TOKEN_NUMBER) {
        parse_near(parser);
        return NULL;
    }
    size_t length = strlen(parser->token.text);
    char *text = parse_alloc(parser, length + 2);
    if (text == NULL)
        return NULL;
    text[0] = '-';
    memcpy(text + 1, parser->token.text, length + 1);
    struct tsql_term *term = parse_term(parser, TSQL_TERM_NUMBER, text);
    return term != NULL && parse_advance(parser) ? term : NULL;
}

static struct tsql_term *parse_operand(struct parser *parser)
{
    const struct tsql_token *token = &parser->token;
    enum tsql_term_kind kind = TSQL_TERM_STRING;
    if (token->kind == TSQL_TOKEN_VARIABLE)
        return parse_variable(parser);
    if (tsql_token_is_mark(token, '-'))
        return parse_negative(parser);
    if (token->kind == TSQL_TOKEN_NUMBER) {
        kind = TSQL_TERM_NUMBER;
    } else if (tsql_token_is(token, "NULL")) {
        kind = TSQL_TERM_NULL;
    } else if (token->kind == TSQL_TOKEN_WORD || token->kind == TSQL_TOKEN_NAME) {
        refuse_word(parser);
        return NULL;
    } else if (token->kind != TSQL_TOKEN_STRING && token->kind != TSQL_TOKEN_QUOTED) {
        parse_near(parser);
        return NULL;
    }
    struct tsql_term *term = parse_term(parser, kind, token->text);
    return term != NULL && parse_advance(parser) ? term : NULL;
}

/* Takes any run of `mark`, counting up (or down) *depth. */
static bool parse_parentheses(struct parser *parser, char mark, int step, int *depth)
{
    while (tsql_token_is_mark(&parser->token, mark) && (step > 0 || *depth > 0)) {
        *depth += step;
        if (*depth > TSQL_PARENTHESES_MAX)
            return parse_fail(
                parser, 191, 15, 1,
                "Some part of your SQL statement is nested too deeply. Rewrite the query or break it "
                "up into smaller queries.");
        if (!parse_advance(parser))
            return false;
    }
    return true;
}

/* Parentheses change nothing in a sum, so they are only counted: no recursion, no tree. */
struct tsql_term *parse_expression(struct parser *parser)
{
    struct tsql_term *first = NULL, **end = &first;
    int depth = 0;
    for (;;) {
        if (!parse_parentheses(parser, '(', 1, &depth))
            return NULL;
        *end = parse_operand(parser);
        if (*end == NULL)
            return NULL;
        end = &(*end)->next;
        if (!parse_parentheses(parser, ')', -1, &depth))
            return NULL;
        if (!tsql_token_is_mark(&parser->token, '+'))
            break;
        if (!parse_advance(parser))
            return NULL;
    }
    if (depth != 0) {
        parse_near(parser);
        return NULL;
    }
    return first;
}

struct tsql_term *parse_name(struct parser *parser)
{
    const struct tsql_token *token = &parser->token;
    if (token->kind == TSQL_TOKEN_VARIABLE)
        return parse_variable(parser);
    bool bare = token->kind == TSQL_TOKEN_WORD && !tsql_word_is_reserved(token->text);
    if (!bare && token->kind != TSQL_TOKEN_NAME && token->kind != TSQL_TOKEN_QUOTED) {
        parse_near(parser);
        return NULL;
    }
    struct tsql_term *term = parse_term(parser, TSQL_TERM_STRING, token->text);
    return term != NULL && parse_advance(parser) ? term : NULL;
}

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

static bool parse_type(struct parser *parser, struct tsql_variable *variable)
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
    if (find_variable(parser, parser->token.text, &item->index))
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
    struct tsql_item **end = &statement->items;
    for (;;) {
        struct tsql_item *item = parse_item(parser, &end);
        if (item == NULL || !parse_declaration(parser, item))
            return false;
        statement->item_count++;
        if (!tsql_token_is_mark(&parser->token, ','))
            return true;
        if (!parse_advance(parser))
            return false;
    }
}

/* ---- SET, SELECT ---- */

/* @v = expression, or @v += expression. */
static bool parse_assignment(struct parser *parser, struct tsql_item *item)
{
    struct tsql_term *self = NULL;
    if (!find_variable(parser, parser->token.text, &item->index))
        return parse_fail(parser, 137, 15, 1, "Must declare the scalar variable \"%s\".", parser->token.text);
    const char *name = parser->token.text;
    if (!parse_advance(parser))
        return false;
    if (tsql_token_is_mark(&parser->token, '+')) {
        self = parse_term(parser, TSQL_TERM_VARIABLE, name);
        if (self == NULL || !parse_advance(parser))
            return false;
        self->index = item->index;
    }
    if (!parse_mark(parser, '='))
        return false;
    item->value = parse_expression(parser);
    if (item->value == NULL)
        return false;
    if (self != NULL) {
        self->next = item->value;
        item->value = self;
    }
    return true;
}

bool parse_set(struct parser *parser, struct tsql_statement *statement)
{
    struct tsql_item **end = &statement->items;
    if (parser->token.kind == TSQL_TOKEN_VARIABLE) {
        struct tsql_item *item = parse_item(parser, &end);
        statement->item_count = 1;
        return item != NULL && parse_assignment(parser, item);
    }
    if (parser->token.kind != TSQL_TOKEN_WORD)
        return parse_near(parser);
    if (tsql_token_is(&parser->token, "NOCOUNT")) {
        statement->kind = TSQL_NOCOUNT;
        if (!parse_advance(parser))
            return false;
        statement->on = tsql_token_is(&parser->token, "ON");
        return statement->on ? parse_advance(parser) : parse_word(parser, "OFF");
    }
    if (!tsql_word_is_setting(parser->token.text))
        return parse_fail(parser, 195, 15, 5, "'%s' is not a recognized SET option.", parser->token.text);
    statement->kind = TSQL_IGNORED;
    return parse_advance(parser) && parse_skip(parser);
}

/* Whether the variable at hand is assigned to: looks one token further without taking it. */
static bool assignment_follows(const struct parser *parser)
{
    struct tsql_lexer ahead = parser->lexer;
    struct tsql_error ignored;
    ahead.error = &ignored;
    struct tsql_token token;
    tsql_lexer_next(&ahead, &token);
    if (tsql_token_is_mark(&token, '+'))
        tsql_lexer_next(&ahead, &token);
    return parser->token.kind == TSQL_TOKEN_VARIABLE && tsql_token_is_mark(&token, '=');
}

static bool parse_column(struct parser *parser, struct tsql_item *item)
{
    item->value = parse_expression(parser);
    if (item->value == NULL)
        return false;
    bool as = tsql_token_is(&parser->token, "AS");
    if (as && !parse_advance(parser))
        return false;
    const struct tsql_token *token = &parser->token;
    bool word = token->kind == TSQL_TOKEN_WORD && !tsql_word_is_reserved(token->text);
    if (word || token->kind == TSQL_TOKEN_NAME || token->kind == TSQL_TOKEN_QUOTED ||
        token->kind == TSQL_TOKEN_STRING) {
        item->name = token->text;
        return parse_advance(parser);
    }
    return as ? parse_near(parser) : true;
}

bool parse_select(struct parser *parser, struct tsql_statement *statement)
{
    struct tsql_item **end = &statement->items;
    for (;; statement->item_count++) {
        enum tsql_statement_kind kind = assignment_follows(parser) ? TSQL_ASSIGN : TSQL_SELECT;
        if (statement->items != NULL && kind != statement->kind)
            return parse_fail(
                parser, 141, 15, 1,
                "A SELECT statement that assigns a value to a variable must not be combined with "
                "data-retrieval operations.");
        statement->kind = kind;
        struct tsql_item *item = parse_item(parser, &end);
        if (item == NULL)
            return false;
        bool ok = kind == TSQL_ASSIGN ? parse_assignment(parser, item) : parse_column(parser, item);
        if (!ok)
            return false;
        if (!tsql_token_is_mark(&parser->token, ','))
            break;
        if (!parse_advance(parser))
            return false;
    }
    statement->item_count++;
    if (tsql_token_is(&parser->token, "FROM") || tsql_token_is(&parser->token, "INTO"))
        return parse_unsupported(parser);
    return true;
}
