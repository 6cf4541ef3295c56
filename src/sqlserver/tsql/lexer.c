/* lexer.c - see lexer.h. Every loop moves `at` forward and stops at `length`. */
#include "lexer.h"

#include <assert.h>
#include <string.h>
#include <strings.h>

static int peek(const struct tsql_lexer *lexer, size_t ahead)
{
    return lexer->length - lexer->at > ahead ? (unsigned char)lexer->text[lexer->at + ahead] : -1;
}

static bool is_digit(int c)
{
    return c >= '0' && c <= '9';
}

static bool is_hex(int c)
{
    return is_digit(c) || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
}

/* Letters of any alphabet: bytes of a multi-byte UTF-8 character are all >= 0x80. */
static bool is_word_start(int c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '#' || c >= 0x80;
}

static bool is_word(int c)
{
    return is_word_start(c) || is_digit(c) || c == '$' || c == '@';
}

static void advance(struct tsql_lexer *lexer)
{
    if (lexer->text[lexer->at] == '\n')
        lexer->line++;
    lexer->at++;
}

static void fail(struct tsql_lexer *lexer, struct tsql_token *token, int number, const char *start,
                 const char *near)
{
    tsql_error_set(lexer->error, number, 15, 1, "%s%.*s'.", start, tsql_near_length(near), near);
    lexer->error->line = token->line;
    token->kind = TSQL_TOKEN_ERROR;
}

/* Skips one comment, nested ones inside included; false: its end is missing. */
static bool skip_block_comment(struct tsql_lexer *lexer)
{
    size_t depth = 0;
    do {
        if (peek(lexer, 0) == '/' && peek(lexer, 1) == '*') {
            depth++;
            lexer->at += 2;
        } else if (peek(lexer, 0) == '*' && peek(lexer, 1) == '/') {
            depth--;
            lexer->at += 2;
        } else if (peek(lexer, 0) < 0) {
            return false;
        } else {
            advance(lexer);
        }
    } while (depth > 0);
    return true;
}

static bool skip_blanks(struct tsql_lexer *lexer)
{
    for (;;) {
        int c = peek(lexer, 0);
        if (c == ' ' || (c >= '\t' && c <= '\r')) {
            advance(lexer);
        } else if (c == '-' && peek(lexer, 1) == '-') {
            while (peek(lexer, 0) >= 0 && peek(lexer, 0) != '\n')
                lexer->at++;
        } else if (c == '/' && peek(lexer, 1) == '*') {
            if (!skip_block_comment(lexer))
                return false;
        } else {
            return true;
        }
    }
}

/* Takes everything up to `close`; a doubled `close` stands for itself. `at` is behind the opening quote. */
static void take_quoted(struct tsql_lexer *lexer, struct tsql_token *token, int close)
{
    size_t start = lexer->at, length = 0;
    bool closed = false, nul = false;
    while (!closed && peek(lexer, 0) >= 0) {
        int c = peek(lexer, 0);
        if (c == close && peek(lexer, 1) == close)
            lexer->at++;
        else if (c == close)
            closed = true;
        if (c == 0)
            nul = true;
        if (!closed)
            length++;
        advance(lexer);
    }
    char *text = arena_alloc(lexer->arena, length + 1);
    if (text == NULL) {
        token->kind = TSQL_TOKEN_ERROR;
        lexer->error->number = 0;
        return;
    }
    for (size_t i = 0, from = start; i < length; i++, from++) {
        text[i] = lexer->text[from];
        if ((unsigned char)text[i] == close)
            from++;
    }
    token->text = text;
    if (!closed)
        fail(lexer, token, 105, "Unclosed quotation mark after the character string '", text);
    else if (nul)
        fail(lexer, token, 102, "Incorrect syntax near '", text);
}

static void take_number(struct tsql_lexer *lexer)
{
    if (peek(lexer, 0) == '0' && (peek(lexer, 1) == 'x' || peek(lexer, 1) == 'X')) {
        lexer->at += 2;
        while (is_hex(peek(lexer, 0)))
            lexer->at++;
        return;
    }
    while (is_digit(peek(lexer, 0)))
        lexer->at++;
    if (peek(lexer, 0) == '.') {
        lexer->at++;
        while (is_digit(peek(lexer, 0)))
            lexer->at++;
    }
}

static void take_bare(struct tsql_lexer *lexer, struct tsql_token *token)
{
    int c = peek(lexer, 0);
    if (is_digit(c)) {
        token->kind = TSQL_TOKEN_NUMBER;
        take_number(lexer);
    } else if (c == '@' || is_word_start(c)) {
        token->kind = c == '@' ? TSQL_TOKEN_VARIABLE : TSQL_TOKEN_WORD;
        while (is_word(peek(lexer, 0)))
            lexer->at++;
    } else {
        token->kind = TSQL_TOKEN_PUNCTUATION;
        advance(lexer);
    }
    token->text = arena_copy(lexer->arena, lexer->text + token->start, lexer->at - token->start);
    if (token->text == NULL) {
        token->kind = TSQL_TOKEN_ERROR;
        lexer->error->number = 0;
    } else if (c == 0) {
        fail(lexer, token, 102, "Incorrect syntax near '", "");
    }
}

/* Identifiers have a length: 1 to 128 characters. */
static void check_identifier(struct tsql_lexer *lexer, struct tsql_token *token)
{
    bool identifier = token->kind == TSQL_TOKEN_WORD || token->kind == TSQL_TOKEN_NAME ||
                      token->kind == TSQL_TOKEN_VARIABLE;
    if (!identifier)
        return;
    if (token->text[0] == '\0') {
        tsql_error_set(
            lexer->error, 1038, 15, 4,
            "An object or column name is missing or empty. For SELECT INTO statements, verify each "
            "column has a name. For other statements, look for empty alias names. Aliases defined as "
            "\"\" or [] are not allowed. Change the alias to a valid name.");
    } else if (tsql_characters(token->text, strlen(token->text)) > TSQL_IDENTIFIER_MAX) {
        tsql_error_set(lexer->error, 103, 15, 4,
                       "The identifier that starts with '%.*s' is too long. Maximum length is %d.",
                       tsql_near_length(token->text), token->text, TSQL_IDENTIFIER_MAX);
    } else {
        return;
    }
    lexer->error->line = token->line;
    token->kind = TSQL_TOKEN_ERROR;
}

void tsql_lexer_next(struct tsql_lexer *lexer, struct tsql_token *token)
{
    assert(lexer->at <= lexer->length);
    bool blanks = skip_blanks(lexer);
    *token = (struct tsql_token){.kind = TSQL_TOKEN_END, .line = lexer->line, .start = lexer->at, .text = ""};
    int c = peek(lexer, 0);
    if (!blanks) {
        fail(lexer, token, 113, "Missing end comment mark '*/", "");
    } else if (c == '\'' || ((c == 'N' || c == 'n') && peek(lexer, 1) == '\'')) {
        token->kind = TSQL_TOKEN_STRING;
        lexer->at += c == '\'' ? 1 : 2;
        take_quoted(lexer, token, '\'');
    } else if (c == '[' || c == '"') {
        token->kind = c == '[' ? TSQL_TOKEN_NAME : TSQL_TOKEN_QUOTED;
        lexer->at++;
        take_quoted(lexer, token, c == '[' ? ']' : '"');
    } else if (c >= 0) {
        take_bare(lexer, token);
    }
    token->end = lexer->at;
    check_identifier(lexer, token);
}

bool tsql_token_is(const struct tsql_token *token, const char *word)
{
    return token->kind == TSQL_TOKEN_WORD && strcasecmp(token->text, word) == 0;
}

bool tsql_token_is_mark(const struct tsql_token *token, char mark)
{
    return token->kind == TSQL_TOKEN_PUNCTUATION && token->text[0] == mark;
}
