/* lexer.h - T-SQL tokens.
 *
 * Responsible for: white space, -- and nested comments, quoting and its escapes, line numbers.
 * Not responsible for: keywords (words.h); a word is a word here.
 * Errors: token TSQL_TOKEN_ERROR, the message in lexer->error (105, 113, 102, 103, 1038); ENOMEM as number 0.
 */
#ifndef VDIFAULT_LEXER_H
#define VDIFAULT_LEXER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arena.h"
#include "tsql.h"

enum tsql_token_kind {
    TSQL_TOKEN_END,
    TSQL_TOKEN_ERROR,
    TSQL_TOKEN_WORD,     /* identifier or keyword */
    TSQL_TOKEN_NAME,     /* [identifier] */
    TSQL_TOKEN_QUOTED,   /* "...": an identifier, or a string where only a string can stand */
    TSQL_TOKEN_STRING,   /* '...' or N'...' */
    TSQL_TOKEN_NUMBER,   /* digits, decimals, 0x... */
    TSQL_TOKEN_VARIABLE, /* @v, @@v */
    TSQL_TOKEN_PUNCTUATION,
};

struct tsql_token {
    enum tsql_token_kind kind;
    uint32_t line;
    size_t start, end; /* in the batch */
    const char *text;  /* quotes and escapes taken off; NUL-terminated, arena memory */
};

struct tsql_lexer {
    const char *text;
    size_t length;
    size_t at;
    uint32_t line;
    struct arena *arena;
    struct tsql_error *error;
};

void tsql_lexer_next(struct tsql_lexer *lexer, struct tsql_token *token);
bool tsql_token_is(const struct tsql_token *token, const char *word); /* an unquoted word, in any case */
bool tsql_token_is_mark(const struct tsql_token *token, char mark);

#endif
