/* parse_backup.c - BACKUP and RESTORE: subject, virtual devices, WITH options (spec 13). */
#include <string.h>
#include <strings.h>

#include "parse.h"

static const char *verb_name(const struct tsql_statement *statement)
{
    return statement->kind == TSQL_BACKUP ? "BACKUP" : "RESTORE";
}

/* A device's name or an option's text: one literal or variable, no expression. */
static struct tsql_term *parse_string(struct parser *parser)
{
    const struct tsql_token *token = &parser->token;
    if (token->kind == TSQL_TOKEN_VARIABLE)
        return parse_variable(parser);
    if (token->kind != TSQL_TOKEN_STRING && token->kind != TSQL_TOKEN_QUOTED) {
        parse_near(parser);
        return NULL;
    }
    struct tsql_term *term = parse_term(parser, TSQL_TERM_STRING, token->text);
    return term != NULL && parse_advance(parser) ? term : NULL;
}

static struct tsql_term *parse_number(struct parser *parser)
{
    enum tsql_token_kind kind = parser->token.kind;
    if (kind == TSQL_TOKEN_NUMBER || kind == TSQL_TOKEN_VARIABLE || tsql_token_is_mark(&parser->token, '-')) {
        struct tsql_token first = parser->token;
        struct tsql_term *term = parse_expression(parser);
        if (term != NULL && term->next != NULL) { /* one number, not a sum */
            parser->token = first;
            parse_near(parser);
            return NULL;
        }
        return term;
    }
    parse_near(parser);
    return NULL;
}

/* ---- devices ---- */

static bool parse_device(struct parser *parser, struct tsql_item *item)
{
    static const char *const others[] = {"DISK", "TAPE", "URL", "FILE", "DATABASE_SNAPSHOT"};
    for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
        if (tsql_token_is(&parser->token, others[i]))
            return parse_unsupported(parser);
    }
    if (!parse_word(parser, "VIRTUAL_DEVICE") || !parse_mark(parser, '='))
        return false;
    item->value = parse_string(parser);
    return item->value != NULL;
}

static bool parse_devices(struct parser *parser, struct tsql_statement *statement)
{
    return parse_list(parser, &statement->items, parse_device, &statement->item_count);
}

/* ---- options ---- */

static const struct tsql_option_info *find_option(const struct tsql_statement *statement, const char *name)
{
    for (size_t i = 0; i < tsql_option_count; i++) {
        const struct tsql_option_info *info = &tsql_option_table[i];
        bool allowed = statement->kind == TSQL_BACKUP ? info->backup : info->restore;
        if (allowed && strcasecmp(info->name, name) == 0)
            return info;
    }
    return NULL;
}

/* ( ... ) with balanced parentheses inside; its content has no meaning here. */
static bool skip_group(struct parser *parser)
{
    uint32_t depth = 0;
    if (!tsql_token_is_mark(&parser->token, '('))
        return parse_near(parser);
    do {
        if (parser->token.kind == TSQL_TOKEN_END)
            return parse_near(parser);
        if (tsql_token_is_mark(&parser->token, '('))
            depth++;
        if (tsql_token_is_mark(&parser->token, ')'))
            depth--;
        if (!parse_advance(parser))
            return false;
    } while (depth > 0);
    return true;
}

static bool parse_pair(struct parser *parser, struct tsql_item *item)
{
    item->value = parse_string(parser);
    if (item->value == NULL || !parse_word(parser, "TO"))
        return false;
    struct tsql_term *target = parse_string(parser);
    if (target == NULL)
        return false;
    item->name = target->text;
    return true;
}

static bool parse_text(struct parser *parser, struct tsql_item *item)
{
    if (!parse_mark(parser, '='))
        return false;
    item->value = parser->token.kind == TSQL_TOKEN_NUMBER ? parse_number(parser) : parse_string(parser);
    return item->value != NULL;
}

static bool parse_value(struct parser *parser, struct tsql_item *item)
{
    switch (item->option->value) {
    case TSQL_VALUE_NONE:
        return true;
    case TSQL_VALUE_NUMBER_OPTIONAL:
        if (!tsql_token_is_mark(&parser->token, '='))
            return true;
        /* fall through */
    case TSQL_VALUE_NUMBER:
        if (!parse_mark(parser, '='))
            return false;
        item->value = parse_number(parser);
        return item->value != NULL;
    case TSQL_VALUE_STRING:
        return parse_text(parser, item);
    case TSQL_VALUE_STRING_PAIR:
        return parse_pair(parser, item);
    case TSQL_VALUE_MARK:
        if (!parse_text(parser, item))
            return false;
        if (!tsql_token_is(&parser->token, "AFTER"))
            return true;
        return parse_advance(parser) && parse_string(parser) != NULL;
    case TSQL_VALUE_GROUP_OPTIONAL:
        return tsql_token_is_mark(&parser->token, '(') ? skip_group(parser) : true;
    case TSQL_VALUE_GROUP:
        return skip_group(parser);
    }
    return parse_near(parser);
}

static bool parse_option(struct parser *parser, struct tsql_statement *statement, struct tsql_item ***end)
{
    if (parser->token.kind != TSQL_TOKEN_WORD)
        return parse_near(parser);
    const char *name = parser->token.text;
    const struct tsql_option_info *info = find_option(statement, name);
    if (info == NULL)
        return parse_fail(parser, 155, 15, 1, "'%s' is not a recognized %s option.", name,
                          verb_name(statement));
    for (const struct tsql_item *other = statement->options; info->group != 0 && other != NULL;
         other = other->next) {
        if (other->option->group == info->group)
            return parse_fail(parser, 3031, 16, 1,
                              "Option '%s' conflicts with option(s) '%s'. Remove the conflicting option and "
                              "reissue the statement.",
                              name, other->option->name);
    }
    struct tsql_item *item = parse_item(parser, end);
    if (item == NULL)
        return false;
    item->option = info;
    return parse_advance(parser) && parse_value(parser, item);
}

static bool parse_options(struct parser *parser, struct tsql_statement *statement)
{
    struct tsql_item **end = &statement->options;
    if (!tsql_token_is(&parser->token, "WITH"))
        return true;
    do {
        if (!parse_advance(parser) || !parse_option(parser, statement, &end))
            return false;
    } while (tsql_token_is_mark(&parser->token, ','));
    return true;
}

/* ---- statements ---- */

static bool parse_subject(struct parser *parser, struct tsql_statement *statement)
{
    statement->log = tsql_token_is(&parser->token, "LOG");
    if (!statement->log && !tsql_token_is(&parser->token, "DATABASE"))
        return parse_near(parser);
    if (!parse_advance(parser))
        return false;
    statement->subject = parse_name(parser);
    return statement->subject != NULL;
}

bool parse_backup(struct parser *parser, struct tsql_statement *statement)
{
    return parse_subject(parser, statement) && parse_word(parser, "TO") && parse_devices(parser, statement) &&
           parse_options(parser, statement);
}

bool parse_restore(struct parser *parser, struct tsql_statement *statement)
{
    static const struct {
        const char *word;
        enum tsql_statement_kind kind;
    } forms[] = {
        {"VERIFYONLY", TSQL_VERIFYONLY},
        {"HEADERONLY", TSQL_HEADERONLY},
        {"LABELONLY", TSQL_LABELONLY},
        {"FILELISTONLY", TSQL_FILELISTONLY},
    };
    for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
        if (tsql_token_is(&parser->token, forms[i].word)) {
            statement->kind = forms[i].kind;
            return parse_advance(parser) && parse_word(parser, "FROM") && parse_devices(parser, statement) &&
                   parse_options(parser, statement);
        }
    }
    if (!parse_subject(parser, statement))
        return false;
    if (tsql_token_is(&parser->token, "FROM")) {
        if (!parse_advance(parser) || !parse_devices(parser, statement))
            return false;
    }
    return parse_options(parser, statement);
}
