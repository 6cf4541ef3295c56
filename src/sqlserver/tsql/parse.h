/* parse.h - what the parts of the parser share. Internal to tsql/.
 *
 * A recursive-descent parser that never recurses: the grammar it takes has no nesting but parentheses, and
 * those are counted. Functions return false once something went wrong; parser->status then says what.
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
};

struct parser {
    struct tsql_lexer lexer;
    struct tsql_token token;    /* the one to be looked at */
    struct tsql_token previous; /* the one before: errors at the end are reported near it */
    struct tsql_batch *batch;
    struct tsql_error *error;
    int status; /* 0, EINVAL with *error, or ENOMEM */
};

/* parse.c */
bool parse_advance(struct parser *parser);
bool parse_near(struct parser *parser); /* fails: 102, 156 or 319 at the current token; returns false */
bool parse_fail(struct parser *parser, int32_t number, int32_t severity, int32_t state, const char *format,
                ...) __attribute__((format(printf, 5, 6)));
bool parse_unsupported(struct parser *parser);            /* fails: 40517 at the current token */
bool parse_word(struct parser *parser, const char *word); /* takes the word, or fails near what is there */
bool parse_mark(struct parser *parser, char mark);
void *parse_alloc(struct parser *parser, size_t size); /* NULL: failed */
struct tsql_item *parse_item(struct parser *parser,
                             struct tsql_item ***end); /* a new one at the list's end */

/* parse_expression.c */
struct tsql_term *parse_term(struct parser *parser, enum tsql_term_kind kind, const char *text);
struct tsql_term *parse_variable(struct parser *parser);   /* a use of a variable: 137 if undeclared */
struct tsql_term *parse_expression(struct parser *parser); /* NULL: failed */
struct tsql_term *parse_name(struct parser *parser);       /* identifier or variable */
bool parse_declare(struct parser *parser, struct tsql_statement *statement);
bool parse_set(struct parser *parser, struct tsql_statement *statement);
bool parse_select(struct parser *parser, struct tsql_statement *statement);

/* parse_backup.c: the current token is the one after the verb */
bool parse_backup(struct parser *parser, struct tsql_statement *statement);
bool parse_restore(struct parser *parser, struct tsql_statement *statement);

/* Skips the rest of a statement that has no effect here. */
bool parse_skip(struct parser *parser);

#endif
