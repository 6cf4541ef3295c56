/* parse_select.c - SELECT: of values, into variables, or from one table. */
#include <errno.h>
#include <string.h>

#include "functions.h"
#include "parse.h"
#include "words.h"

static bool is_alias(const struct tsql_token *token)
{
    bool word = token->kind == TSQL_TOKEN_WORD && !tsql_word_is_reserved(token->text);
    return word || token->kind == TSQL_TOKEN_NAME || token->kind == TSQL_TOKEN_QUOTED ||
           token->kind == TSQL_TOKEN_STRING;
}

/* Whether `*` or `alias.*` is at hand. */
static bool parse_star(struct parser *parser, bool *star)
{
    struct tsql_token next;
    if (is_alias(&parser->token) && parse_peek(parser, &next) && tsql_token_is_mark(&next, '.')) {
        struct parser ahead = *parser;
        struct tsql_error ignored;
        ahead.lexer.error = ahead.error = &ignored;
        if (parse_advance(&ahead) && parse_advance(&ahead) && tsql_token_is_mark(&ahead.token, '*') &&
            !(parse_advance(parser) && parse_advance(parser)))
            return false;
    }
    *star = tsql_token_is_mark(&parser->token, '*');
    return *star ? parse_advance(parser) : true;
}

/* expression [AS] alias, or alias = expression. */
static bool parse_column(struct parser *parser, struct tsql_item *item)
{
    struct tsql_token next;
    bool star = false;
    if (is_alias(&parser->token) && parse_peek(parser, &next) && tsql_token_is_mark(&next, '=')) {
        item->name = parser->token.text;
        if (!parse_advance(parser) || !parse_advance(parser))
            return false;
    }
    if (parser->query && !parse_star(parser, &star))
        return false;
    if (star)
        return true;
    item->value = parse_expression(parser);
    if (item->value == NULL)
        return false;
    bool as = tsql_token_is(&parser->token, "AS");
    if (as && !parse_advance(parser))
        return false;
    if (item->name == NULL && item->value->kind == TSQL_TERM_COLUMN && item->value->next == NULL)
        item->name = item->value->text;
    if (!is_alias(&parser->token))
        return as ? parse_near(parser) : true;
    item->name = parser->token.text;
    return parse_advance(parser);
}

static bool parse_items(struct parser *parser, struct tsql_statement *statement)
{
    struct tsql_item **end = &statement->items;
    for (;; statement->item_count++) {
        enum tsql_statement_kind kind = parse_assignment_follows(parser) ? TSQL_ASSIGN : TSQL_SELECT;
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
    return true;
}

/* ---- FROM ---- */

/* [[server.]database.]schema.]table; what stands before the schema is no matter here. */
static bool parse_table(struct parser *parser, struct tsql_query *query)
{
    query->schema = query->table = "";
    for (int parts = 0; parts < 4; parts++) {
        const struct tsql_token *token = &parser->token;
        query->schema = query->table;
        query->table = "";
        if (!tsql_token_is_mark(token, '.')) {
            if (!is_alias(token) || token->kind == TSQL_TOKEN_STRING)
                return parse_near(parser);
            query->table = token->text;
            if (!parse_advance(parser))
                return false;
        }
        if (!tsql_token_is_mark(token, '.'))
            return query->table[0] != '\0' || parse_near(parser);
        if (!parse_advance(parser))
            return false;
    }
    return parse_near(parser);
}

/* [AS] alias, [WITH] (NOLOCK) */
static bool parse_hints(struct parser *parser)
{
    bool as = tsql_token_is(&parser->token, "AS");
    if (as && !parse_advance(parser))
        return false;
    bool alias = is_alias(&parser->token) && parser->token.kind != TSQL_TOKEN_STRING;
    if (as && !alias)
        return parse_near(parser);
    if (alias && !parse_advance(parser))
        return false;
    if (tsql_token_is(&parser->token, "WITH") && !parse_advance(parser))
        return false;
    if (!tsql_token_is_mark(&parser->token, '('))
        return true;
    return parse_advance(parser) && parse_word(parser, "NOLOCK") && parse_mark(parser, ')');
}

/* Only what is selected may have aggregates. */
static bool parse_selected(struct parser *parser, struct tsql_statement *statement, struct tsql_query *query)
{
    struct tsql_item **outer = parser->aggregates;
    parser->aggregates = parser->query ? &query->aggregates : NULL;
    bool ok = parse_items(parser, statement);
    parser->aggregates = outer;
    return ok;
}

static bool parse_key(struct parser *parser, struct tsql_item *item)
{
    item->value = parse_expression(parser);
    if (item->value == NULL)
        return false;
    item->on = tsql_token_is(&parser->token, "DESC");
    return (!item->on && !tsql_token_is(&parser->token, "ASC")) || parse_advance(parser);
}

static bool parse_order(struct parser *parser, struct tsql_query *query)
{
    return parse_word(parser, "BY") && parse_list(parser, &query->order, parse_key, NULL);
}

static bool parse_from(struct parser *parser, struct tsql_query *query)
{
    if (!parse_table(parser, query) || !parse_hints(parser))
        return false;
    if (tsql_token_is(&parser->token, "WHERE")) {
        query->where = parse_advance(parser) ? parse_condition(parser) : NULL;
        if (query->where == NULL)
            return false;
    }
    if (tsql_token_is(&parser->token, "ORDER"))
        return parse_advance(parser) && parse_order(parser, query);
    return true;
}

/* Between SELECT and its columns. */
static bool parse_extent(struct parser *parser, struct tsql_query *query)
{
    query->distinct = tsql_token_is(&parser->token, "DISTINCT");
    if ((query->distinct || tsql_token_is(&parser->token, "ALL")) && !parse_advance(parser))
        return false;
    if (!tsql_token_is(&parser->token, "TOP"))
        return true;
    if (!parse_advance(parser))
        return false;
    bool parenthesis = tsql_token_is_mark(&parser->token, '(');
    if (!parenthesis && parser->token.kind != TSQL_TOKEN_NUMBER)
        return parse_near(parser);
    if (parenthesis) {
        query->top = parse_expression(parser);
    } else {
        query->top = parse_term(parser, TSQL_TERM_NUMBER, parser->token.text);
        return query->top != NULL && parse_advance(parser);
    }
    return query->top != NULL;
}

/* (SELECT anything FROM ...): whether there is such a row. */
struct tsql_query *parse_exists(struct parser *parser)
{
    struct tsql_query *query = parse_alloc(parser, sizeof(*query));
    struct tsql_statement unused = {0};
    bool outer = parser->query;
    parser->query = true;
    bool ok = query != NULL && parse_mark(parser, '(') && parse_word(parser, "SELECT") &&
              parse_extent(parser, query) && parse_selected(parser, &unused, query) &&
              parse_word(parser, "FROM") && parse_from(parser, query) && parse_mark(parser, ')');
    parser->query = outer;
    return ok ? query : NULL;
}

/* ---- SELECT ---- */

static bool starts_statement(const struct tsql_token *token)
{
    return token->kind == TSQL_TOKEN_WORD &&
           (tsql_word_starts_carried(token->text) || tsql_word_starts_other(token->text) ||
            tsql_token_is(token, "ROLLBACK") || tsql_token_is(token, "ELSE") || tsql_token_is(token, "END"));
}

static bool at_end(const struct parser *parser)
{
    return parser->token.kind == TSQL_TOKEN_END || tsql_token_is_mark(&parser->token, ';') ||
           starts_statement(&parser->token);
}

/* To the end of a SELECT that may be anything. *query: it asks for more than values. */
static bool skip_select(struct parser *parser, bool *query)
{
    static const char *const joins[] = {"UNION", "ALL", "EXCEPT", "INTERSECT"};
    int depth = 0, cases = 0;
    bool joined = false;
    *query = false;
    while (parser->token.kind != TSQL_TOKEN_END && !tsql_token_is_mark(&parser->token, ';')) {
        const struct tsql_token *token = &parser->token;
        if (depth <= 0 && cases <= 0 && !joined && starts_statement(token))
            return true;
        *query = *query || tsql_token_is(token, "FROM") || tsql_token_is(token, "INTO");
        cases += tsql_token_is(token, "CASE") - tsql_token_is(token, "END");
        depth += tsql_token_is_mark(token, '(') - tsql_token_is_mark(token, ')');
        joined = false;
        for (size_t i = 0; i < sizeof(joins) / sizeof(joins[0]); i++)
            joined = joined || tsql_token_is(token, joins[i]);
        if (!parse_advance(parser))
            return false;
    }
    return true;
}

static bool parse_known(struct parser *parser, struct tsql_statement *statement)
{
    struct tsql_query *query = parse_alloc(parser, sizeof(*query));
    if (query == NULL || !parse_extent(parser, query) || !parse_selected(parser, statement, query))
        return false;
    if (tsql_token_is(&parser->token, "FROM")) {
        if (!parse_advance(parser) || !parse_from(parser, query))
            return false;
        statement->query = query;
    }
    return !parser->query || at_end(parser) || parse_near(parser);
}

/* What asks for more than values and is no simple query is kept as text: somebody may have an answer for it. */
bool parse_select(struct parser *parser, struct tsql_statement *statement)
{
    struct parser ahead = *parser, before = *parser;
    struct tsql_error error = {0};
    bool query = false;
    ahead.lexer.error = ahead.error = &error;
    if (!skip_select(&ahead, &query))
        query = false; /* the error is found again */
    parser->query = query;
    bool ok = parse_known(parser, statement);
    parser->query = false;
    parser->nesting = before.nesting;
    if (ok || !query || parser->status != EINVAL)
        return ok;
    char *copy = arena_copy(&parser->batch->arena, parser->error->text, strlen(parser->error->text));
    ahead.error = before.error;
    ahead.lexer.error = before.lexer.error;
    *parser = ahead;
    if (copy == NULL) {
        parser->status = ENOMEM;
        return false;
    }
    statement->kind = TSQL_QUERY;
    statement->items = NULL;
    statement->item_count = 0;
    statement->query = NULL;
    statement->reason = copy;
    return true;
}
