/* parse_condition.c - what WHERE and WHEN ask: comparisons, LIKE, IN, IS NULL, BETWEEN; AND, OR, NOT. */
#include "parse.h"

enum {
    CONDITIONS_MAX = 1024 /* in a batch */
};

static struct tsql_condition *new_condition(struct parser *parser, enum tsql_test test)
{
    /* A chain of AND is as deep as it is long. */
    if (++parser->conditions > CONDITIONS_MAX) {
        parse_too_deep(parser);
        return NULL;
    }
    struct tsql_condition *condition = parse_alloc(parser, sizeof(*condition));
    if (condition != NULL)
        condition->test = test;
    return condition;
}

static struct tsql_condition *join(struct parser *parser, enum tsql_test test, struct tsql_condition *left,
                                   struct tsql_condition *right)
{
    struct tsql_condition *condition =
        left != NULL && (right != NULL || test == TSQL_NOT) ? new_condition(parser, test) : NULL;
    if (condition != NULL) {
        condition->left = left;
        condition->right = right;
    }
    return condition;
}

/* value TEST expression */
static struct tsql_condition *parse_against(struct parser *parser, enum tsql_test test,
                                            struct tsql_term *value)
{
    struct tsql_condition *condition = new_condition(parser, test);
    struct tsql_item **end = condition != NULL ? &condition->others : NULL;
    struct tsql_item *item = condition != NULL ? parse_item(parser, &end) : NULL;
    if (item == NULL)
        return NULL;
    condition->value = value;
    item->value = parse_expression(parser);
    return item->value != NULL ? condition : NULL;
}

static bool parse_item_value(struct parser *parser, struct tsql_item *item)
{
    item->value = parse_expression(parser);
    return item->value != NULL;
}

static struct tsql_condition *parse_in(struct parser *parser, struct tsql_term *value)
{
    struct tsql_condition *condition = new_condition(parser, TSQL_IN);
    if (condition == NULL || !parse_mark(parser, '('))
        return NULL;
    condition->value = value;
    bool whole = parse_list(parser, &condition->others, parse_item_value, NULL) && parse_mark(parser, ')');
    return whole ? condition : NULL;
}

/* value BETWEEN low AND high: not less than the one, not greater than the other. */
static struct tsql_condition *parse_between(struct parser *parser, struct tsql_term *value)
{
    struct tsql_condition *low = join(parser, TSQL_NOT, parse_against(parser, TSQL_LESS, value), NULL);
    if (low == NULL || !parse_word(parser, "AND"))
        return NULL;
    struct tsql_condition *high = join(parser, TSQL_NOT, parse_against(parser, TSQL_GREATER, value), NULL);
    return join(parser, TSQL_AND, low, high);
}

static struct tsql_condition *parse_null(struct parser *parser, struct tsql_term *value)
{
    bool not = tsql_token_is(&parser->token, "NOT");
    if ((not &&!parse_advance(parser)) || !parse_word(parser, "NULL"))
        return NULL;
    struct tsql_condition *condition = new_condition(parser, TSQL_NULL);
    if (condition == NULL)
        return NULL;
    condition->value = value;
    return not ? join(parser, TSQL_NOT, condition, NULL) : condition;
}

/* = <> != < > <= >= !< !>: which test it is, and whether it is to fail. */
static bool parse_operator(struct parser *parser, enum tsql_test *test, bool * not )
{
    char first = parser->token.kind == TSQL_TOKEN_PUNCTUATION ? parser->token.text[0] : 0;
    if (first != '=' && first != '<' && first != '>' && first != '!')
        return parse_near(parser);
    if (!parse_advance(parser))
        return false;
    char second = parser->token.kind == TSQL_TOKEN_PUNCTUATION ? parser->token.text[0] : 0;
    bool pair =
        first != '=' && (second == '=' || (second == '>' && first != '>') || (second == '<' && first == '!'));
    if (first == '!' && !pair)
        return parse_near(parser);
    char decides = first == '!' ? second : first;
    *not = pair; /* a <= b: not a > b */
    if (!pair || first == '!')
        *test = decides == '=' ? TSQL_EQUAL : decides == '<' ? TSQL_LESS : TSQL_GREATER;
    else if (second == '>')
        *test = TSQL_EQUAL;
    else
        *test = first == '<' ? TSQL_GREATER : TSQL_LESS;
    return pair ? parse_advance(parser) : true;
}

static struct tsql_condition *parse_test(struct parser *parser)
{
    struct tsql_condition *condition;
    enum tsql_test test = TSQL_EQUAL;
    bool not = false;
    struct tsql_term *value = parse_expression(parser);
    if (value == NULL)
        return NULL;
    if (tsql_token_is(&parser->token, "IS"))
        return parse_advance(parser) ? parse_null(parser, value) : NULL;
    bool negated = tsql_token_is(&parser->token, "NOT");
    if (negated && !parse_advance(parser))
        return NULL;
    if (tsql_token_is(&parser->token, "LIKE"))
        condition = parse_advance(parser) ? parse_against(parser, TSQL_LIKE, value) : NULL;
    else if (tsql_token_is(&parser->token, "IN"))
        condition = parse_advance(parser) ? parse_in(parser, value) : NULL;
    else if (tsql_token_is(&parser->token, "BETWEEN"))
        condition = parse_advance(parser) ? parse_between(parser, value) : NULL;
    else
        condition = parse_operator(parser, &test, &not ) ? parse_against(parser, test, value) : NULL;
    return negated || not ? join(parser, TSQL_NOT, condition, NULL) : condition;
}

/* Whether the parenthesis at hand holds a condition, rather than a part of an expression: what follows it tells. */
static bool is_group(const struct parser *parser)
{
    struct tsql_lexer ahead = parser->lexer;
    struct tsql_error ignored;
    struct tsql_token token = parser->token;
    int depth = 0;
    ahead.error = &ignored;
    do {
        depth += tsql_token_is_mark(&token, '(') - tsql_token_is_mark(&token, ')');
        tsql_lexer_next(&ahead, &token);
    } while (depth > 0 && token.kind != TSQL_TOKEN_END && token.kind != TSQL_TOKEN_ERROR);
    bool more = token.kind == TSQL_TOKEN_PUNCTUATION && token.text[0] != ')' && token.text[0] != ';';
    return !more && !tsql_token_is(&token, "IS") && !tsql_token_is(&token, "IN") &&
           !tsql_token_is(&token, "LIKE") && !tsql_token_is(&token, "NOT") &&
           !tsql_token_is(&token, "BETWEEN");
}

static struct tsql_condition *parse_factor(struct parser *parser)
{
    struct tsql_condition *condition = NULL;
    if (!parse_enter(parser))
        return NULL;
    if (tsql_token_is(&parser->token, "NOT")) {
        condition = parse_advance(parser) ? join(parser, TSQL_NOT, parse_factor(parser), NULL) : NULL;
    } else if (tsql_token_is(&parser->token, "EXISTS")) {
        condition = parse_advance(parser) ? new_condition(parser, TSQL_EXISTS) : NULL;
        if (condition != NULL)
            condition->query = parse_exists(parser);
        if (condition != NULL && condition->query == NULL)
            condition = NULL;
    } else if (tsql_token_is_mark(&parser->token, '(') && is_group(parser)) {
        condition = parse_advance(parser) ? parse_condition(parser) : NULL;
        if (condition != NULL && !parse_mark(parser, ')'))
            condition = NULL;
    } else {
        condition = parse_test(parser);
    }
    parser->nesting--;
    return condition;
}

static struct tsql_condition *parse_all_of(struct parser *parser)
{
    struct tsql_condition *condition = parse_factor(parser);
    while (condition != NULL && tsql_token_is(&parser->token, "AND"))
        condition = parse_advance(parser) ? join(parser, TSQL_AND, condition, parse_factor(parser)) : NULL;
    return condition;
}

struct tsql_condition *parse_condition(struct parser *parser)
{
    struct tsql_condition *condition = parse_all_of(parser);
    while (condition != NULL && tsql_token_is(&parser->token, "OR"))
        condition = parse_advance(parser) ? join(parser, TSQL_OR, condition, parse_all_of(parser)) : NULL;
    return condition;
}
