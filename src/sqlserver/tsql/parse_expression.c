/* parse_expression.c - expressions, variables, and the statements made of them: SET. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "parse.h"
#include "words.h"

enum {
    TSQL_PARENTHESES_MAX = 1024
};

static const char *const global_names[TSQL_GLOBAL_COUNT] = {
    [TSQL_VERSION] = "@@VERSION",
    [TSQL_SERVERNAME] = "@@SERVERNAME",
    [TSQL_SERVICENAME] = "@@SERVICENAME",
    [TSQL_SPID] = "@@SPID",
    [TSQL_ERROR] = "@@ERROR",
    [TSQL_TRANCOUNT] = "@@TRANCOUNT",
    [TSQL_ROWCOUNT] = "@@ROWCOUNT",
    [TSQL_MICROSOFTVERSION] = "@@MICROSOFTVERSION",
    [TSQL_LANGUAGE] = "@@LANGUAGE",
    [TSQL_LANGID] = "@@LANGID",
    [TSQL_OPTIONS] = "@@OPTIONS",
    [TSQL_DATEFIRST] = "@@DATEFIRST",
    [TSQL_LOCK_TIMEOUT] = "@@LOCK_TIMEOUT",
    [TSQL_MAX_PRECISION] = "@@MAX_PRECISION",
    [TSQL_NESTLEVEL] = "@@NESTLEVEL",
    [TSQL_TEXTSIZE] = "@@TEXTSIZE",
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

bool parse_find_variable(const struct parser *parser, const char *name, uint32_t *index)
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
    } else if (!parse_find_variable(parser, parser->token.text, &index)) {
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

bool parse_enter(struct parser *parser)
{
    if (++parser->nesting <= TSQL_NESTING_MAX)
        return true;
    return parse_too_deep(parser);
}

/* A column of the table that the query is of: [[schema.]table.]name. */
static struct tsql_term *parse_column_name(struct parser *parser)
{
    for (int parts = 1;; parts++) {
        struct tsql_token name = parser->token, next;
        bool word = name.kind == TSQL_TOKEN_WORD && !tsql_word_is_reserved(name.text);
        if (word && parse_peek(parser, &next) && tsql_token_is_mark(&next, '(')) {
            refuse_word(parser);
            return NULL;
        }
        if (parts > 4 || (!word && name.kind != TSQL_TOKEN_NAME && name.kind != TSQL_TOKEN_QUOTED)) {
            parse_near(parser);
            return NULL;
        }
        if (!parse_advance(parser))
            return NULL;
        if (!tsql_token_is_mark(&parser->token, '.'))
            return parse_term(parser, TSQL_TERM_COLUMN, name.text);
        if (!parse_advance(parser))
            return NULL;
    }
}

static struct tsql_term *parse_operand(struct parser *parser)
{
    const struct tsql_token *token = &parser->token;
    enum tsql_term_kind kind = TSQL_TERM_STRING;
    bool name = token->kind == TSQL_TOKEN_WORD || token->kind == TSQL_TOKEN_NAME;
    if (token->kind == TSQL_TOKEN_WORD && parse_is_call(parser))
        return parse_call(parser);
    if (parser->query && name && !tsql_token_is(token, "NULL"))
        return parse_column_name(parser);
    if (token->kind == TSQL_TOKEN_VARIABLE)
        return parse_variable(parser);
    if (tsql_token_is_mark(token, '-'))
        return parse_negative(parser);
    if (token->kind == TSQL_TOKEN_NUMBER) {
        kind = TSQL_TERM_NUMBER;
    } else if (tsql_token_is(token, "NULL")) {
        kind = TSQL_TERM_NULL;
    } else if (name) {
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
            return parse_too_deep(parser);
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

/* ---- SET ---- */

bool parse_peek(const struct parser *parser, struct tsql_token *token)
{
    struct tsql_lexer ahead = parser->lexer;
    struct tsql_error ignored;
    ahead.error = &ignored;
    tsql_lexer_next(&ahead, token);
    return token->kind != TSQL_TOKEN_ERROR;
}

bool parse_assignment_follows(const struct parser *parser)
{
    struct tsql_lexer ahead = parser->lexer;
    struct tsql_error ignored;
    struct tsql_token token;
    ahead.error = &ignored;
    tsql_lexer_next(&ahead, &token);
    if (tsql_token_is_mark(&token, '+'))
        tsql_lexer_next(&ahead, &token);
    return parser->token.kind == TSQL_TOKEN_VARIABLE && tsql_token_is_mark(&token, '=');
}

/* @v = expression, or @v += expression. */
bool parse_assignment(struct parser *parser, struct tsql_item *item)
{
    struct tsql_term *self = NULL;
    if (!parse_find_variable(parser, parser->token.text, &item->index))
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

/* SET NOCOUNT, XACT_ABORT ON: the others have no effect. */
static bool skip_settings(struct parser *parser)
{
    while (tsql_token_is_mark(&parser->token, ',')) {
        if (!parse_advance(parser))
            return false;
        if (!tsql_word_is_setting(parser->token.text))
            return parse_near(parser);
        if (!parse_advance(parser))
            return false;
    }
    return true;
}

bool parse_set(struct parser *parser, struct tsql_statement *statement)
{
    static const struct {
        const char *word;
        enum tsql_statement_kind kind;
    } switches[] = {
        {"NOCOUNT", TSQL_NOCOUNT},
        {"IMPLICIT_TRANSACTIONS", TSQL_IMPLICIT},
        {"FMTONLY", TSQL_NOEXEC},
        {"NOEXEC", TSQL_NOEXEC},
    };
    struct tsql_item **end = &statement->items;
    if (parser->token.kind == TSQL_TOKEN_VARIABLE) {
        struct tsql_item *item = parse_item(parser, &end);
        statement->item_count = 1;
        return item != NULL && parse_assignment(parser, item);
    }
    if (parser->token.kind != TSQL_TOKEN_WORD)
        return parse_near(parser);
    for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
        if (!tsql_token_is(&parser->token, switches[i].word))
            continue;
        statement->kind = switches[i].kind;
        if (!parse_advance(parser) || !skip_settings(parser))
            return false;
        statement->on = tsql_token_is(&parser->token, "ON");
        return statement->on ? parse_advance(parser) : parse_word(parser, "OFF");
    }
    if (!tsql_word_is_setting(parser->token.text))
        return parse_fail(parser, 195, 15, 5, "'%s' is not a recognized SET option.", parser->token.text);
    statement->kind = TSQL_IGNORED;
    return parse_advance(parser) && parse_skip(parser);
}
