/* parse_flow.c - IF and BEGIN ... END. Statements stay one list: an IF says where to go on if its condition fails. */
#include "parse.h"

static bool is_block(const struct parser *parser)
{
    static const char *const others[] = {"TRAN",         "TRANSACTION", "DISTRIBUTED", "TRY",
                                         "CONVERSATION", "DIALOG",      "CATCH"};
    struct tsql_token next;
    if (!tsql_token_is(&parser->token, "BEGIN") || !parse_peek(parser, &next))
        return false;
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (tsql_token_is(&next, others[i]))
            return false;
    }
    return true;
}

bool parse_is_flow(const struct parser *parser)
{
    return tsql_token_is(&parser->token, "IF") || is_block(parser);
}

static bool skip_semicolons(struct parser *parser)
{
    while (tsql_token_is_mark(&parser->token, ';')) {
        if (!parse_advance(parser))
            return false;
    }
    return true;
}

static bool parse_block(struct parser *parser)
{
    if (!parse_enter(parser) || !parse_advance(parser) || !skip_semicolons(parser))
        return false;
    while (!tsql_token_is(&parser->token, "END")) {
        if (parser->token.kind == TSQL_TOKEN_END)
            return parse_near(parser);
        if (!parse_statement(parser) || !skip_semicolons(parser))
            return false;
    }
    parser->nesting--;
    return parse_advance(parser);
}

/* What has no statement of its own: the IF itself, and the way around what follows an ELSE. */
static struct tsql_statement *begin(struct parser *parser, enum tsql_statement_kind kind)
{
    struct tsql_statement *statement = parse_alloc(parser, sizeof(*statement));
    if (statement != NULL) {
        statement->kind = kind;
        statement->line = parser->token.line;
        statement->text = parser->lexer.text + parser->token.start;
        statement->length = parser->token.end - parser->token.start;
    }
    return statement;
}

/* `;` may stand before ELSE; else it is not ours. */
static bool else_follows(const struct parser *parser)
{
    struct tsql_token next;
    return tsql_token_is(&parser->token, "ELSE") ||
           (tsql_token_is_mark(&parser->token, ';') && parse_peek(parser, &next) &&
            tsql_token_is(&next, "ELSE"));
}

static bool parse_if(struct parser *parser)
{
    size_t start = parser->token.start;
    struct tsql_statement *test = begin(parser, TSQL_IF);
    if (test == NULL || !parse_enter(parser) || !parse_advance(parser))
        return false;
    test->condition = parse_condition(parser);
    if (test->condition == NULL)
        return false;
    test->length = parser->previous.end - start;
    parse_append(parser, test);
    if (!parse_statement(parser))
        return false;
    if (else_follows(parser)) {
        if (!skip_semicolons(parser))
            return false;
        struct tsql_statement *around = begin(parser, TSQL_JUMP);
        if (around == NULL || !parse_advance(parser))
            return false;
        parse_append(parser, around);
        test->skip = around;
        if (!parse_statement(parser))
            return false;
        around->skip = parser->batch->last;
    } else {
        test->skip = parser->batch->last;
    }
    parser->nesting--;
    return true;
}

bool parse_flow(struct parser *parser)
{
    return tsql_token_is(&parser->token, "IF") ? parse_if(parser) : parse_block(parser);
}
