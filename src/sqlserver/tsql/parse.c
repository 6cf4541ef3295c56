/* parse.c - a batch: its statements one after the other, and how errors are worded. */
#include "parse.h"

#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "words.h"

void tsql_error_set(struct tsql_error *error, int32_t number, int32_t severity, int32_t state,
                    const char *format, ...)
{
    *error = (struct tsql_error){.number = number, .severity = severity, .state = state, .line = 1};
    va_list args;
    va_start(args, format);
    vsnprintf(error->text, sizeof(error->text), format, args);
    va_end(args);
}

bool parse_fail(struct parser *parser, int32_t number, int32_t severity, int32_t state, const char *format,
                ...)
{
    assert(parser->status == 0);
    char text[TSQL_ERROR_TEXT_MAX];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    tsql_error_set(parser->error, number, severity, state, "%s", text);
    parser->error->line = parser->token.line;
    parser->status = EINVAL;
    return false;
}

bool parse_near(struct parser *parser)
{
    if (parser->token.kind == TSQL_TOKEN_END)
        parser->token = parser->previous;
    const char *text = parser->token.text;
    if (tsql_token_is(&parser->token, "WITH"))
        return parse_fail(
            parser, 319, 15, 1,
            "Incorrect syntax near the keyword '%s'. If this statement is a common table "
            "expression, an xmlnamespaces clause or a change tracking context clause, the previous "
            "statement must be terminated with a semicolon.",
            text);
    if (parser->token.kind == TSQL_TOKEN_WORD && tsql_word_is_reserved(text))
        return parse_fail(parser, 156, 15, 1, "Incorrect syntax near the keyword '%s'.", text);
    return parse_fail(parser, 102, 15, 1, "Incorrect syntax near '%.*s'.", tsql_near_length(text), text);
}

/* Statements of T-SQL that a simulated server need not know are refused by name, so that nobody looks for a
 * mistake where there is none. */
bool parse_unsupported(struct parser *parser)
{
    return parse_fail(parser, 40517, 16, 1,
                      "Keyword or statement option '%s' is not supported in this version of SQL Server.",
                      parser->token.text);
}

bool parse_too_deep(struct parser *parser)
{
    return parse_fail(parser, 191, 15, 1,
                      "Some part of your SQL statement is nested too deeply. Rewrite the query or break it "
                      "up into smaller queries.");
}

bool parse_advance(struct parser *parser)
{
    assert(parser->status == 0);
    parser->previous = parser->token;
    tsql_lexer_next(&parser->lexer, &parser->token);
    if (parser->token.kind == TSQL_TOKEN_ERROR)
        parser->status = parser->error->number == 0 ? ENOMEM : EINVAL;
    return parser->status == 0;
}

bool parse_word(struct parser *parser, const char *word)
{
    return tsql_token_is(&parser->token, word) ? parse_advance(parser) : parse_near(parser);
}

bool parse_mark(struct parser *parser, char mark)
{
    return tsql_token_is_mark(&parser->token, mark) ? parse_advance(parser) : parse_near(parser);
}

void *parse_alloc(struct parser *parser, size_t size)
{
    void *memory = arena_alloc(&parser->batch->arena, size);
    if (memory == NULL)
        parser->status = ENOMEM;
    return memory;
}

struct tsql_item *parse_item(struct parser *parser, struct tsql_item ***end)
{
    struct tsql_item *item = parse_alloc(parser, sizeof(*item));
    if (item != NULL) {
        **end = item;
        *end = &item->next;
    }
    return item;
}

bool parse_list(struct parser *parser, struct tsql_item **end,
                bool (*take)(struct parser *parser, struct tsql_item *item), uint32_t *count)
{
    for (;;) {
        struct tsql_item *item = parse_item(parser, &end);
        if (item == NULL || !take(parser, item))
            return false;
        if (count != NULL)
            ++*count;
        if (!tsql_token_is_mark(&parser->token, ','))
            return true;
        if (!parse_advance(parser))
            return false;
    }
}

bool parse_skip(struct parser *parser)
{
    while (parser->token.kind != TSQL_TOKEN_END && !tsql_token_is_mark(&parser->token, ';')) {
        if (parser->token.kind == TSQL_TOKEN_WORD && tsql_word_starts_carried(parser->token.text))
            return true;
        if (parser->nesting > 0 &&
            (tsql_token_is(&parser->token, "END") || tsql_token_is(&parser->token, "ELSE")))
            return true;
        if (!parse_advance(parser))
            return false;
    }
    return true;
}

/* RECOVERY is the current token. */
static bool parse_model(struct parser *parser, struct tsql_statement *statement)
{
    struct tsql_item **end = &statement->items;
    if (!parse_advance(parser))
        return false;
    if (parser->token.kind != TSQL_TOKEN_WORD)
        return parse_near(parser);
    struct tsql_item *item = parse_item(parser, &end);
    if (item == NULL)
        return false;
    statement->kind = TSQL_MODEL;
    item->name = parser->token.text;
    return parse_advance(parser) && parse_skip(parser);
}

/* ALTER DATABASE x SET ...: the SET belongs to it and must not be taken for the next statement. */
static bool parse_alter(struct parser *parser, struct tsql_statement *statement)
{
    if (!tsql_token_is(&parser->token, "DATABASE"))
        return parse_unsupported(parser);
    if (!parse_advance(parser))
        return false;
    struct tsql_term *database = parse_name(parser);
    if (database == NULL)
        return false;
    if (parser->token.kind != TSQL_TOKEN_WORD)
        return parse_near(parser);
    bool set = tsql_token_is(&parser->token, "SET");
    if (!parse_advance(parser))
        return false;
    if (set && tsql_token_is(&parser->token, "RECOVERY")) {
        statement->subject = database;
        return parse_model(parser, statement);
    }
    return parse_skip(parser);
}

static bool is_transaction(const struct tsql_token *token)
{
    return tsql_token_is(token, "TRAN") || tsql_token_is(token, "TRANSACTION");
}

/* [TRANSACTION] [name] [WITH MARK ...]: the name may be a variable that the batch lacks, as it has no effect. */
static bool parse_transaction(struct parser *parser)
{
    if (is_transaction(&parser->token) || tsql_token_is(&parser->token, "WORK")) {
        if (!parse_advance(parser))
            return false;
    }
    const struct tsql_token *token = &parser->token;
    bool name = token->kind == TSQL_TOKEN_NAME || token->kind == TSQL_TOKEN_VARIABLE ||
                (token->kind == TSQL_TOKEN_WORD && !tsql_word_is_reserved(token->text));
    if (name && !parse_advance(parser))
        return false;
    return tsql_token_is(token, "WITH") ? parse_skip(parser) : true;
}

/* Other than BEGIN ... END: BEGIN TRY and the like are none of what is carried out here. */
static bool parse_begin(struct parser *parser, struct tsql_statement *statement)
{
    (void)statement;
    if (!is_transaction(&parser->token)) {
        parser->token = parser->previous;
        return parse_unsupported(parser);
    }
    return parse_transaction(parser);
}

static bool parse_commit(struct parser *parser, struct tsql_statement *statement)
{
    (void)statement;
    return parse_transaction(parser);
}

static bool parse_rollback(struct parser *parser, struct tsql_statement *statement)
{
    statement->on = true;
    return parse_transaction(parser);
}

static bool parse_checkpoint(struct parser *parser, struct tsql_statement *statement)
{
    (void)statement;
    return parse_skip(parser);
}

static bool parse_print(struct parser *parser, struct tsql_statement *statement)
{
    statement->subject = parse_expression(parser);
    return statement->subject != NULL;
}

static bool parse_use(struct parser *parser, struct tsql_statement *statement)
{
    if (parser->token.kind == TSQL_TOKEN_VARIABLE)
        return parse_near(parser);
    statement->subject = parse_name(parser);
    return statement->subject != NULL;
}

/* The name of a procedure, of up to four parts, any but the last empty: its last part in *last. */
static bool parse_procedure(struct parser *parser, struct tsql_token *last)
{
    for (int parts = 0; parts < 4; parts++) {
        if (!tsql_token_is_mark(&parser->token, '.')) {
            if (parser->token.kind != TSQL_TOKEN_NAME && parser->token.kind != TSQL_TOKEN_WORD)
                return parse_near(parser);
            *last = parser->token;
            if (!parse_advance(parser))
                return false;
        }
        if (!tsql_token_is_mark(&parser->token, '.'))
            return true;
        if (!parse_advance(parser))
            return false;
    }
    return parse_near(parser);
}

/* EXEC (expression), EXEC sp_executesql expression, or EXEC sp_addumpdevice arguments. */
static bool parse_execute(struct parser *parser, struct tsql_statement *statement)
{
    bool parenthesis = tsql_token_is_mark(&parser->token, '(');
    if (!parenthesis) {
        struct tsql_token name = {0};
        if (!parse_procedure(parser, &name))
            return false;
        if (strcasecmp(name.text, "sp_addumpdevice") == 0) {
            statement->kind = TSQL_REGISTER;
            return parse_skip(parser);
        }
        if (strcasecmp(name.text, "sp_executesql") != 0)
            return parse_fail(parser, 2812, 16, 62, "Could not find stored procedure '%s'.", name.text);
        bool named = parse_assignment_follows(parser); /* @stmt = */
        if (named && (!parse_advance(parser) || !parse_mark(parser, '=')))
            return false;
    }
    statement->subject = parse_expression(parser); /* takes the parentheses too */
    if (statement->subject == NULL)
        return false;
    return parenthesis || parse_arguments(parser, statement);
}

static const struct verb {
    const char *word;
    enum tsql_statement_kind kind; /* as long as the parser does not know better */
    bool (*parse)(struct parser *parser, struct tsql_statement *statement);
} verbs[] = {
    {"BACKUP", TSQL_BACKUP, parse_backup},
    {"RESTORE", TSQL_RESTORE, parse_restore},
    {"DECLARE", TSQL_ASSIGN, parse_declare},
    {"SET", TSQL_ASSIGN, parse_set},
    {"SELECT", TSQL_SELECT, parse_select},
    {"PRINT", TSQL_PRINT, parse_print},
    {"USE", TSQL_USE, parse_use},
    {"EXEC", TSQL_EXECUTE, parse_execute},
    {"EXECUTE", TSQL_EXECUTE, parse_execute},
    {"ALTER", TSQL_IGNORED, parse_alter},
    {"BEGIN", TSQL_BEGIN, parse_begin},
    {"COMMIT", TSQL_END, parse_commit},
    {"ROLLBACK", TSQL_END, parse_rollback},
    {"CHECKPOINT", TSQL_IGNORED, parse_checkpoint},
};

static const struct verb *find_verb(const struct tsql_token *token)
{
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (tsql_token_is(token, verbs[i].word))
            return &verbs[i];
    }
    return NULL;
}

static bool parse_no_verb(struct parser *parser)
{
    const struct tsql_token *token = &parser->token;
    if (token->kind != TSQL_TOKEN_WORD)
        return parse_near(parser);
    if (tsql_word_starts_other(token->text))
        return parse_unsupported(parser);
    /* Only the first statement of a batch may leave EXEC out. */
    if (parser->batch->first == NULL && !tsql_word_is_reserved(token->text))
        return parse_fail(parser, 2812, 16, 62, "Could not find stored procedure '%s'.", token->text);
    return parse_near(parser);
}

void parse_append(struct parser *parser, struct tsql_statement *statement)
{
    if (parser->batch->last != NULL)
        parser->batch->last->next = statement;
    else
        parser->batch->first = statement;
    parser->batch->last = statement;
}

bool parse_statement(struct parser *parser)
{
    if (parse_is_flow(parser))
        return parse_flow(parser);
    const struct verb *verb = find_verb(&parser->token);
    if (verb == NULL)
        return parse_no_verb(parser);
    struct tsql_statement *statement = parse_alloc(parser, sizeof(*statement));
    if (statement == NULL)
        return false;
    size_t start = parser->token.start;
    statement->kind = verb->kind;
    statement->line = parser->token.line;
    statement->text = parser->lexer.text + start;
    if (!parse_advance(parser) || !verb->parse(parser, statement))
        return false;
    statement->length = parser->previous.end - start;
    parse_append(parser, statement);
    return true;
}

static bool parse_all(struct parser *parser)
{
    if (!parse_advance(parser))
        return false;
    while (parser->token.kind != TSQL_TOKEN_END) {
        bool ok = tsql_token_is_mark(&parser->token, ';') ? parse_advance(parser) : parse_statement(parser);
        if (!ok)
            return false;
    }
    return true;
}

static bool parse_text(struct parser *parser, const char *text, size_t length,
                       bool (*parse)(struct parser *parser))
{
    struct arena *arena = &parser->batch->arena;
    parser->lexer = (struct tsql_lexer){.length = length, .line = 1, .arena = arena, .error = parser->error};
    parser->lexer.text = arena_copy(arena, text, length);
    parser->token = parser->previous = (struct tsql_token){.text = "", .line = 1};
    if (parser->lexer.text == NULL)
        parser->status = ENOMEM;
    return parser->status == 0 && parse(parser);
}

int tsql_parse_declared(const char *text, size_t length, const char *declarations, struct tsql_batch **out,
                        struct tsql_error *error)
{
    *out = NULL;
    if (length > TSQL_BATCH_MAX) {
        tsql_error_set(error, 50000, 16, 1, "The batch has %zu bytes; at most %d are accepted.", length,
                       TSQL_BATCH_MAX);
        return EINVAL;
    }
    struct tsql_batch *batch = calloc(1, sizeof(*batch));
    if (batch == NULL)
        return ENOMEM;
    batch->variable_end = &batch->variables;
    struct parser parser = {.batch = batch, .error = error};
    if (parse_text(&parser, declarations, strlen(declarations), parse_parameters)) {
        batch->parameter_count = batch->variable_count;
        parse_text(&parser, text, length, parse_all);
    }
    if (parser.status != 0) {
        tsql_batch_free(batch);
        return parser.status;
    }
    *out = batch;
    return 0;
}

int tsql_parse(const char *text, size_t length, struct tsql_batch **batch, struct tsql_error *error)
{
    return tsql_parse_declared(text, length, "", batch, error);
}

const struct tsql_variable *tsql_parameters(const struct tsql_batch *batch, uint32_t *count)
{
    *count = batch->parameter_count;
    return batch->variables;
}

const struct tsql_statement *tsql_first(const struct tsql_batch *batch)
{
    return batch->first;
}

void tsql_batch_free(struct tsql_batch *batch)
{
    if (batch == NULL)
        return;
    arena_free(&batch->arena);
    free(batch);
}
