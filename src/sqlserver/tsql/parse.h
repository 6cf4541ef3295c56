/* parse.h - what the parts of the parser share. Internal to tsql/.
 *
 * A recursive-descent parser that recurses for calls, CASE and conditions only, to TSQL_NESTING_MAX: the grammar it
 * takes has no other nesting but parentheses, and those are counted. Functions return false once something went wrong; parser->status then says what.
 */
#ifndef VDIFAULT_PARSE_H
#define VDIFAULT_PARSE_H

#include "lexer.h"

struct tsql_batch {
    struct arena arena;
    struct tsql_statement *first, *last;
    struct tsql_variable *variables;
    struct tsql_variable **variable_end;
    uint32_t variable_count;
    uint32_t parameter_count; /* of the variables, the first */
};

struct parser {
    struct tsql_lexer lexer;
    struct tsql_token token;    /* the one to be looked at */
    struct tsql_token previous; /* the one before: errors at the end are reported near it */
    struct tsql_batch *batch;
    struct tsql_error *error;
    uint32_t nesting; /* of calls, conditions, CASE */
    uint32_t conditions;
    bool query;                    /* there is a row at hand: words are its columns */
    struct tsql_item **aggregates; /* end of its list of them; NULL: none may be called here */
    int status;                    /* 0, EINVAL with *error, or ENOMEM */
};

/* parse.c */
bool parse_advance(struct parser *parser);
bool parse_near(struct parser *parser); /* fails: 102, 156 or 319 at the current token; returns false */
bool parse_fail(struct parser *parser, int32_t number, int32_t severity, int32_t state, const char *format,
                ...) __attribute__((format(printf, 5, 6)));
bool parse_too_deep(struct parser *parser);               /* fails: 191 */
bool parse_unsupported(struct parser *parser);            /* fails: 40517 at the current token */
bool parse_word(struct parser *parser, const char *word); /* takes the word, or fails near what is there */
bool parse_mark(struct parser *parser, char mark);
void *parse_alloc(struct parser *parser, size_t size); /* NULL: failed */
struct tsql_item *parse_item(struct parser *parser,
                             struct tsql_item ***end); /* a new one at the list's end */
/* One or more with commas between, from `end` on, each taken by `take`. *count grows by them; NULL: nobody asks. */
bool parse_list(struct parser *parser, struct tsql_item **end,
                bool (*take)(struct parser *parser, struct tsql_item *item), uint32_t *count);

/* parse_expression.c */
struct tsql_term *parse_term(struct parser *parser, enum tsql_term_kind kind, const char *text);
struct tsql_term *parse_variable(struct parser *parser);   /* a use of a variable: 137 if undeclared */
struct tsql_term *parse_expression(struct parser *parser); /* NULL: failed */
struct tsql_term *parse_name(struct parser *parser);       /* identifier or variable */
bool parse_enter(struct parser *parser); /* one level deeper: 191; undone by --parser->nesting */
bool parse_peek(const struct parser *parser, struct tsql_token *token); /* the one after the token */
bool parse_set(struct parser *parser, struct tsql_statement *statement);

/* parse.c */
bool parse_statement(struct parser *parser);
void parse_append(struct parser *parser, struct tsql_statement *statement); /* to the batch */

/* parse_flow.c: IF and BEGIN ... END, from their first word */
bool parse_is_flow(const struct parser *parser);
bool parse_flow(struct parser *parser);

/* parse_call.c: calls and CASE, from their first word */
bool parse_is_call(const struct parser *parser);
struct tsql_term *parse_call(struct parser *parser);

/* parse_condition.c */
struct tsql_condition *parse_condition(struct parser *parser); /* NULL: failed */

/* parse_select.c */
struct tsql_query *parse_exists(struct parser *parser); /* from its parenthesis; NULL: failed */
bool parse_select(struct parser *parser, struct tsql_statement *statement);
bool parse_assignment(struct parser *parser, struct tsql_item *item);

bool parse_find_variable(const struct parser *parser, const char *name, uint32_t *index);
/* Whether the variable at hand is assigned to: looks one token further without taking it. */
bool parse_assignment_follows(const struct parser *parser);

/* parse_declare.c */
bool parse_type(struct parser *parser, struct tsql_variable *variable);
bool parse_declare(struct parser *parser, struct tsql_statement *statement);
bool parse_parameters(struct parser *parser); /* a list of declarations, and no more */
/* What follows the statement of sp_executesql: nothing, or its parameters' declarations and their values. */
bool parse_arguments(struct parser *parser, struct tsql_statement *statement);

/* parse_backup.c: the current token is the one after the verb */
bool parse_backup(struct parser *parser, struct tsql_statement *statement);
bool parse_restore(struct parser *parser, struct tsql_statement *statement);

/* Skips the rest of a statement that has no effect here. */
bool parse_skip(struct parser *parser);

#endif
