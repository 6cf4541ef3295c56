/* response.c - see response.h. */
#include "response.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "column.h"
#include "tds_version.h"
#include "token_numbers.h"
#include "tokens.h"

enum {
    FEATURE_ENCRYPTION = 0x04,
    NO_COLUMNS = 0xffff,
    MESSAGE_DATABASE = 5701,
    MESSAGE_LANGUAGE = 5703,
    SEVERITY_MOST = 25,
    COLUMNS_MOST = 1024,  /* of a file of answers */
    CELLS_MOST = 1 << 20, /* of a result set: a NULL may have no byte in its row */
};

struct parser {
    struct tds_reader reader;
    uint32_t version;
    struct tds_response *response;
    struct tds_error *error;
    struct tds_column *columns; /* of the set at hand */
    uint32_t count;             /* of these; 0: no rows may come */
    uint32_t capacity;          /* of its cells, in rows */
};

/* Room for one more in an array that doubles. */
static void *grow(void *array, uint32_t count, size_t size)
{
    bool full = count == 0 || (count >= 8 && (count & (count - 1)) == 0);
    return full ? reallocarray(array, count < 8 ? 8 : 2 * (size_t)count, size) : array;
}

/* ---- result sets ---- */

static int begin_set(struct parser *parser, uint32_t count)
{
    struct answer *answer = &parser->response->answer;
    struct answer_set *sets = grow(answer->sets, answer->set_count, sizeof *sets);
    if (sets == NULL) {
        return ENOMEM;
    }
    answer->sets = sets;
    struct answer_set *set = &sets[answer->set_count++];
    *set = (struct answer_set){.columns = calloc(count, sizeof *set->columns)};
    parser->columns = calloc(count, sizeof *parser->columns);
    parser->capacity = 0;
    return set->columns != NULL && parser->columns != NULL ? 0 : ENOMEM;
}

static int take_columns(struct parser *parser)
{
    uint32_t count = tds_u16(&parser->reader);
    free(parser->columns);
    parser->columns = NULL;
    parser->count = 0;
    if (count == NO_COLUMNS || count == 0) {
        return 0;
    }
    if (count > COLUMNS_MOST) {
        return tds_refuse(parser->error, "%u columns; answers have at most %d", count, COLUMNS_MOST);
    }
    int rc = begin_set(parser, count);
    struct answer_set *set = &parser->response->answer.sets[parser->response->answer.set_count - 1];
    for (uint32_t i = 0; rc == 0 && i < count; i++) {
        rc = tds_column_read(&parser->reader, parser->version, &parser->columns[i], &set->columns[i],
                             parser->error);
        set->column_count += rc == 0;
    }
    parser->count = rc == 0 ? count : 0;
    return rc;
}

static int make_room(struct parser *parser, struct answer_set *set)
{
    if (set->row_count < parser->capacity) {
        return 0;
    }
    uint32_t capacity = parser->capacity == 0 ? 8 : 2 * parser->capacity;
    if (set->row_count >= CELLS_MOST / set->column_count) {
        return tds_refuse(parser->error, "a result set of more than %d values", CELLS_MOST);
    }
    char **cells = reallocarray(set->cells, (size_t)capacity * set->column_count, sizeof *cells);
    if (cells == NULL) {
        return ENOMEM;
    }
    set->cells = cells;
    parser->capacity = capacity;
    return 0;
}

static int take_row(struct parser *parser, bool with_nulls)
{
    if (parser->count == 0) {
        return tds_refuse(parser->error, "a row without columns");
    }
    struct answer_set *set = &parser->response->answer.sets[parser->response->answer.set_count - 1];
    const uint8_t *nulls = with_nulls ? tds_take(&parser->reader, (parser->count + 7) / 8) : NULL;
    if (parser->reader.cut) {
        return tds_refuse(parser->error, "a row that ends within its NULLs");
    }
    int rc = make_room(parser, set);
    if (rc != 0) {
        return rc;
    }
    char **cells = set->cells + (size_t)set->row_count * parser->count;
    memset(cells, 0, parser->count * sizeof *cells);
    set->row_count++;
    for (uint32_t i = 0; rc == 0 && i < parser->count; i++) {
        if (nulls == NULL || (nulls[i / 8] >> i % 8 & 1) == 0) {
            rc = tds_column_value(&parser->reader, &parser->columns[i], &cells[i], parser->error);
        }
    }
    return rc;
}

/* ---- messages, output parameters, the login ---- */

static struct tds_reader within(struct parser *parser, uint64_t length)
{
    const uint8_t *at = tds_take(&parser->reader, length);
    return tds_reader(at, at != NULL ? (size_t)length : 0);
}

static int take_message(struct parser *parser)
{
    struct answer *answer = &parser->response->answer;
    struct tds_reader token = within(parser, tds_u16(&parser->reader));
    struct sql_message message = {.number = (int32_t)tds_u32(&token)};
    message.state = tds_u8(&token);
    message.severity = tds_u8(&token);
    size_t size = 2 * (size_t)tds_u16(&token);
    const uint8_t *text = tds_take(&token, size);
    if (token.cut || message.number < 0 || message.severity > SEVERITY_MOST) {
        return tds_refuse(parser->error, "a message that is none");
    }
    if (message.number == MESSAGE_DATABASE || message.number == MESSAGE_LANGUAGE) {
        return 0;
    }
    struct sql_message *messages = grow(answer->messages, answer->message_count, sizeof *messages);
    if (messages == NULL) {
        return ENOMEM;
    }
    answer->messages = messages;
    message.text = tds_text(text, size);
    if (message.text == NULL) {
        return ENOMEM;
    }
    messages[answer->message_count++] = message;
    return 0;
}

static int take_return_value(struct parser *parser)
{
    struct tds_column column = {0};
    struct results_column described;
    char *text = NULL;
    tds_u16(&parser->reader); /* its place */
    struct tds_reader name = within(parser, 2 * (uint64_t)tds_u8(&parser->reader));
    tds_u8(&parser->reader); /* of a parameter, or of a function */
    int rc = tds_column_read_type(&parser->reader, parser->version, &column, &described, parser->error);
    (void)name;
    if (rc == 0) {
        rc = tds_column_value(&parser->reader, &column, &text, parser->error);
    }
    if (rc == 0 && text != NULL && described.type == RESULTS_INT && !parser->response->has_handle) {
        parser->response->has_handle = true;
        parser->response->handle = (int32_t)strtol(text, NULL, 10);
    }
    free(text);
    return rc;
}

static void take_loginack(struct parser *parser)
{
    struct tds_reader token = within(parser, tds_u16(&parser->reader));
    tds_u8(&token); /* interface */
    uint32_t version = tds_u32_be(&token);
    version = version >> 24 == TDS_VERSION_71 >> 24 ? TDS_VERSION_71 : version;
    if (!token.cut) {
        parser->response->version = version;
        parser->version = version;
    }
}

static void take_features(struct parser *parser)
{
    uint8_t id;
    while (!parser->reader.cut && (id = tds_u8(&parser->reader)) != FEATURES_END) {
        parser->response->encrypted |= id == FEATURE_ENCRYPTION;
        tds_take(&parser->reader, tds_u32(&parser->reader));
    }
}

static void take_done(struct parser *parser)
{
    parser->response->cancelled |= (tds_u16(&parser->reader) & TDS_STATUS_ATTENTION) != 0;
    tds_u16(&parser->reader);
    tds_take(&parser->reader, parser->version >= TDS_VERSION_72 ? 8 : 4);
    parser->count = 0;
}

static int take_token(struct parser *parser, uint8_t token)
{
    struct tds_reader *reader = &parser->reader;
    switch (token) {
    case TOKEN_COLUMNS:
        return take_columns(parser);
    case TOKEN_ROW:
    case TOKEN_ROW_WITH_NULLS:
        return take_row(parser, token == TOKEN_ROW_WITH_NULLS);
    case TOKEN_ERROR:
    case TOKEN_INFO:
        return take_message(parser);
    case TOKEN_RETURN_VALUE:
        return take_return_value(parser);
    case TOKEN_LOGINACK:
        take_loginack(parser);
        return 0;
    case TOKEN_FEATURES:
        take_features(parser);
        return 0;
    case TDS_DONE:
    case TDS_DONE_PROCEDURE:
    case TDS_DONE_IN_PROCEDURE:
        take_done(parser);
        return 0;
    case TOKEN_OFFSET:
    case TOKEN_RETURN_STATUS:
        tds_take(reader, 4);
        return 0;
    case TOKEN_TABLE_NAMES:
    case TOKEN_COLUMN_INFO:
    case TOKEN_ORDER:
    case TOKEN_ENVIRONMENT:
    case TOKEN_SSPI:
        tds_take(reader, tds_u16(reader));
        return 0;
    case TOKEN_SESSION_STATE:
    case TOKEN_FEDERATED:
        tds_take(reader, tds_u32(reader));
        return 0;
    default:
        return tds_refuse(parser->error, "token 0x%02x", token);
    }
}

int tds_response_read(const uint8_t *bytes, size_t size, uint32_t version, struct tds_response *response,
                      struct tds_error *error)
{
    struct parser parser = {
        .reader = tds_reader(bytes, size), .version = version, .response = response, .error = error};
    int rc = 0;
    *response = (struct tds_response){0};
    while (rc == 0 && tds_left(&parser.reader) > 0) {
        rc = take_token(&parser, tds_u8(&parser.reader));
        if (rc == 0 && parser.reader.cut) {
            rc = tds_refuse(error, "a response that ends within a token");
        }
    }
    free(parser.columns);
    return rc;
}

void tds_response_free(struct tds_response *response)
{
    answer_free(&response->answer);
    *response = (struct tds_response){0};
}
