/* parse_call.c - calls of built-in functions, and CASE. */
#include "functions.h"
#include "parse.h"

/* A function's name is followed by a parenthesis, even one that is a reserved word. */
bool parse_is_call(const struct parser *parser)
{
    const struct tsql_function *function = tsql_find_function(parser->token.text);
    struct tsql_token next;
    if (tsql_token_is(&parser->token, "CASE"))
        return true;
    if (function == NULL)
        return false;
    return function->bare || (parse_peek(parser, &next) && tsql_token_is_mark(&next, '('));
}

static bool parse_argument(struct parser *parser, struct tsql_call *call, struct tsql_item ***end)
{
    struct tsql_item *item = parse_item(parser, end);
    if (item == NULL)
        return false;
    item->value = parse_expression(parser);
    call->count++;
    return item->value != NULL;
}

/* From behind the opening parenthesis to behind the closing one. */
static bool parse_arguments_of(struct parser *parser, struct tsql_call *call)
{
    struct tsql_item **end = &call->arguments;
    const struct tsql_function *function = call->function;
    bool converts = function->id == TSQL_FUNCTION_CAST, cast = converts && function->maximum == 1;
    if (converts && !cast && !(parse_type(parser, &call->type) && parse_mark(parser, ',')))
        return false;
    if (function->id == TSQL_FUNCTION_COUNT && tsql_token_is_mark(&parser->token, '*'))
        return parse_advance(parser) && parse_mark(parser, ')');
    while (!tsql_token_is_mark(&parser->token, ')')) {
        if (call->count > 0 && !parse_mark(parser, ','))
            return false;
        if (!parse_argument(parser, call, &end))
            return false;
        if (cast && !(parse_word(parser, "AS") && parse_type(parser, &call->type)))
            return false;
    }
    if (call->count < function->minimum || call->count > function->maximum)
        return parse_fail(parser, 174, 15, 1, "The %s function requires %u argument(s).", function->name,
                          function->minimum);
    if (converts)
        call->count = 1; /* a style is no matter of ours */
    return parse_advance(parser);
}

/* WHEN condition THEN value, or WHEN value THEN value of a CASE that names what is compared. */
static bool parse_branch(struct parser *parser, struct tsql_term *compared, struct tsql_branch *branch)
{
    if (!parse_advance(parser))
        return false;
    if (compared == NULL) {
        branch->condition = parse_condition(parser);
    } else {
        struct tsql_condition *equal = parse_alloc(parser, sizeof(*equal));
        struct tsql_item **end = equal != NULL ? &equal->others : NULL;
        struct tsql_item *item = equal != NULL ? parse_item(parser, &end) : NULL;
        if (item == NULL)
            return false;
        equal->test = TSQL_EQUAL;
        equal->value = compared;
        item->value = parse_expression(parser);
        branch->condition = item->value != NULL ? equal : NULL;
    }
    if (branch->condition == NULL || !parse_word(parser, "THEN"))
        return false;
    branch->value = parse_expression(parser);
    return branch->value != NULL;
}

static bool parse_case(struct parser *parser, struct tsql_term *term)
{
    const struct tsql_branch **end = &term->branches;
    struct tsql_term *compared = NULL;
    if (!tsql_token_is(&parser->token, "WHEN")) {
        compared = parse_expression(parser);
        if (compared == NULL)
            return false;
    }
    while (tsql_token_is(&parser->token, "WHEN")) {
        struct tsql_branch *branch = parse_alloc(parser, sizeof(*branch));
        if (branch == NULL || !parse_branch(parser, compared, branch))
            return false;
        *end = branch;
        end = (const struct tsql_branch **)&branch->next;
    }
    if (term->branches == NULL)
        return parse_near(parser);
    if (tsql_token_is(&parser->token, "ELSE")) {
        struct tsql_branch *branch = parse_alloc(parser, sizeof(*branch));
        if (branch == NULL || !parse_advance(parser))
            return false;
        branch->value = parse_expression(parser);
        if (branch->value == NULL)
            return false;
        *end = branch;
    }
    return parse_word(parser, "END");
}

/* What it counts or compares is no aggregate itself. */
static bool parse_aggregate(struct parser *parser, struct tsql_term *term, struct tsql_call *call)
{
    struct tsql_item **end = parser->aggregates;
    parser->aggregates = NULL;
    bool ok = parse_advance(parser) && parse_arguments_of(parser, call);
    parser->aggregates = end;
    if (ok && end == NULL)
        return parse_fail(parser, 147, 15, 1, "An aggregate may not appear here: %s.", call->function->name);
    struct tsql_item *item = ok ? parse_item(parser, &parser->aggregates) : NULL;
    if (item != NULL)
        item->value = term;
    return item != NULL;
}

struct tsql_term *parse_call(struct parser *parser)
{
    bool is_case = tsql_token_is(&parser->token, "CASE");
    struct tsql_term *term =
        parse_term(parser, is_case ? TSQL_TERM_CASE : TSQL_TERM_CALL, parser->token.text);
    struct tsql_call *call = term != NULL ? parse_alloc(parser, sizeof(*call)) : NULL;
    if (call == NULL || !parse_enter(parser))
        return NULL;
    term->call = call;
    call->function = tsql_find_function(parser->token.text);
    bool ok = parse_advance(parser);
    if (ok && is_case)
        ok = parse_case(parser, term);
    else if (ok && tsql_is_aggregate(call->function->id))
        ok = parse_aggregate(parser, term, call);
    else if (ok && !call->function->bare)
        ok = parse_advance(parser) && parse_arguments_of(parser, call);
    parser->nesting--;
    return ok ? term : NULL;
}
