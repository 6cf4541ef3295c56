/* exchange.c - see exchange.h. */
#include "exchange.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lexer.h"
#include "procedure.h"
#include "redact.h"
#include "response.h"
#include "tds_version.h"

enum {
    STATUS_END = 0x01,
    STATUS_IGNORE = 0x02,
    STATEMENTS_MOST = 1024,
    LINE_MAX = 512,
};

struct tds_statement {
    int32_t handle;
    char *text;
};

__attribute__((format(printf, 2, 3))) static void tell(struct tds_exchange *exchange, const char *format, ...)
{
    char line[LINE_MAX];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    exchange->tell(exchange->context, line);
}

static void forget_question(struct tds_exchange *exchange)
{
    free(exchange->query);
    free(exchange->prepared);
    exchange->query = NULL;
    exchange->prepared = NULL;
}

static void lose(struct tds_exchange *exchange, const char *why)
{
    exchange->lost = true;
    forget_question(exchange);
    tell(exchange, "nothing more of this connection is kept: %s", why);
}

/* ---- packets ---- */

static bool is_wanted(const struct tds_stream *stream)
{
    return stream->type == TDS_BATCH || stream->type == TDS_RPC || stream->type == TDS_RESPONSE;
}

static int begin_packet(struct tds_stream *stream, struct tds_error *error)
{
    struct tds_reader reader = tds_reader(stream->header, TDS_HEADER_SIZE);
    uint8_t type = tds_u8(&reader), status = tds_u8(&reader);
    uint32_t length = tds_u16_be(&reader);
    stream->header_length = 0;
    if (type == 0 || type > TDS_PRELOGIN || length < TDS_HEADER_SIZE ||
        (stream->begun && type != stream->type)) {
        return tds_refuse(error, "a packet of type 0x%02x and %u bytes where none of TDS was expected%s",
                          type, length, type == 0x53 ? " (MARS)" : "");
    }
    if (!stream->begun) {
        stream->message.length = 0;
        stream->too_long = false;
    }
    stream->begun = true;
    stream->type = type;
    stream->last = (status & STATUS_END) != 0;
    stream->cancelled = stream->last && (status & STATUS_IGNORE) != 0;
    stream->left = length - TDS_HEADER_SIZE;
    return 0;
}

static void keep_piece(struct tds_stream *stream, const uint8_t *bytes, size_t size)
{
    stream->left -= (uint32_t)size;
    if (is_wanted(stream) && !stream->too_long) {
        stream->too_long = size > TDS_MESSAGE_MOST - stream->message.length;
        tds_put(&stream->message, bytes, stream->too_long ? 0 : size);
    }
}

/* Takes bytes until they are used up or a message is whole. */
static int take_bytes(struct tds_stream *stream, struct tds_reader *reader, bool *whole,
                      struct tds_error *error)
{
    int rc = 0;
    *whole = false;
    while (rc == 0 && !*whole && tds_left(reader) > 0) {
        if (stream->left == 0 && stream->header_length < TDS_HEADER_SIZE) {
            stream->header[stream->header_length++] = tds_u8(reader);
            if (stream->header_length < TDS_HEADER_SIZE) {
                continue;
            }
            rc = begin_packet(stream, error);
        }
        size_t piece = stream->left < tds_left(reader) ? stream->left : tds_left(reader);
        if (rc == 0) {
            keep_piece(stream, tds_take(reader, piece), piece);
            *whole = stream->last && stream->left == 0;
            stream->begun = !*whole;
        }
    }
    return rc == 0 && stream->message.failed ? ENOMEM : rc;
}

/* ---- what was asked ---- */

static bool has_backup(const char *text)
{
    return strcasestr(text, "BACKUP") != NULL || strcasestr(text, "RESTORE") != NULL;
}

/* BACKUP or RESTORE as a word, or in a string that may be executed. */
static bool backs_up(const char *text)
{
    struct tsql_error error;
    struct tsql_token token = {.kind = TSQL_TOKEN_WORD};
    struct arena arena = {0};
    struct tsql_lexer lexer = {
        .text = text, .length = strlen(text), .line = 1, .arena = &arena, .error = &error};
    bool found = false, quoted = false, executes = false;
    while (has_backup(text) && token.kind != TSQL_TOKEN_END && token.kind != TSQL_TOKEN_ERROR) {
        tsql_lexer_next(&lexer, &token);
        found |= tsql_token_is(&token, "BACKUP") || tsql_token_is(&token, "RESTORE");
        quoted |= token.kind == TSQL_TOKEN_STRING && has_backup(token.text);
        executes |= tsql_token_is(&token, "EXEC") || tsql_token_is(&token, "EXECUTE");
    }
    arena_free(&arena);
    return found || (quoted && executes);
}

/* What the simulated server carries out itself, and answers with nothing. */
static bool is_servers_own(const char *text)
{
    static const bool own[] = {
        [TSQL_USE] = true,     [TSQL_NOCOUNT] = true, [TSQL_IMPLICIT] = true, [TSQL_NOEXEC] = true,
        [TSQL_BEGIN] = true,   [TSQL_END] = true,     [TSQL_MODEL] = true,    [TSQL_ASSIGN] = true,
        [TSQL_IGNORED] = true, [TSQL_PRINT] = true};
    struct tsql_batch *batch = NULL;
    struct tsql_error error;
    bool all = tsql_parse(text, strlen(text), &batch, &error) == 0;
    for (const struct tsql_statement *s = all ? tsql_first(batch) : NULL; all && s != NULL; s = s->next) {
        all = s->kind < sizeof own / sizeof own[0] && own[s->kind];
    }
    tsql_batch_free(batch);
    return all;
}

/* Takes the text over. */
static void ask(struct tds_exchange *exchange, char *text)
{
    if (text != NULL && !backs_up(text) && !is_servers_own(text)) {
        char *shown = redact_text(text);
        exchange->query = shown != NULL ? answers_normalise(shown, strlen(shown)) : NULL;
        free(shown);
        if (exchange->query != NULL && exchange->query[0] == '\0') {
            forget_question(exchange);
        }
    }
    free(text);
}

static char *copy_parameter(const struct tds_rpc *rpc, uint32_t place)
{
    const char *text = place < rpc->count ? rpc->parameters[place].value.text : NULL;
    return text != NULL ? strdup(text) : NULL;
}

static char *copy_statement(const struct tds_exchange *exchange, const struct tds_rpc *rpc)
{
    const char *text = rpc->count > 0 ? rpc->parameters[0].value.text : NULL;
    int32_t handle = text != NULL ? (int32_t)strtol(text, NULL, 10) : 0;
    for (uint32_t i = exchange->statement_count; i > 0; i--) {
        if (exchange->statements[i - 1].handle == handle) {
            return strdup(exchange->statements[i - 1].text);
        }
    }
    return NULL;
}

static void ask_by_call(struct tds_exchange *exchange, const struct tds_rpc *rpc)
{
    struct tds_procedures none = {0};
    struct tds_call call;
    struct tsql_error error;
    switch (rpc->procedure) {
    case TDS_NAMED:
        if (strcasecmp(rpc->name, "sp_reset_connection") != 0 &&
            tds_procedure_call(&none, rpc, &call, &error) == 0) {
            ask(exchange, call.batch);
        }
        break;
    case TDS_SP_EXECUTESQL:
        ask(exchange, copy_parameter(rpc, 0));
        break;
    case TDS_SP_PREPARE:
        exchange->prepared = copy_parameter(rpc, 2);
        break;
    case TDS_SP_PREPEXEC:
        ask(exchange, copy_parameter(rpc, 2));
        exchange->prepared = copy_parameter(rpc, 2);
        break;
    case TDS_SP_EXECUTE:
        ask(exchange, copy_statement(exchange, rpc));
        break;
    default:
        break;
    }
}

static int take_call(struct tds_exchange *exchange, struct tds_reader *reader, struct tds_error *error)
{
    struct tds_rpc rpc;
    int rc = tds_rpc_read(reader, exchange->version, &rpc, error);
    if (rc == 0 && tds_left(reader) == 0) {
        ask_by_call(exchange, &rpc);
    } else if (rc == 0) {
        rc = tds_refuse(error, "several calls in one request");
    }
    tds_rpc_free(&rpc);
    return rc;
}

static void take_request(struct tds_exchange *exchange)
{
    struct tds_stream *stream = &exchange->client;
    struct tds_reader reader = tds_reader(stream->message.bytes, stream->message.length);
    struct tds_error error = {.text = ""};
    char *text = NULL;
    forget_question(exchange); /* also when it is an attention: what was asked is not answered whole */
    exchange->prelogin = stream->type == TDS_PRELOGIN;
    if (!is_wanted(stream) || stream->cancelled) {
        return;
    }
    if (stream->too_long) {
        tell(exchange, "a request of more than %d bytes is not kept", TDS_MESSAGE_MOST);
        return;
    }
    int rc = tds_headers_skip(&reader, exchange->version, &error);
    if (rc == 0 && stream->type == TDS_RPC) {
        rc = take_call(exchange, &reader, &error);
    } else if (rc == 0) {
        rc = tds_batch_read(&reader, &text, &error);
        ask(exchange, text);
    }
    if (rc != 0) {
        tell(exchange, "a request is not kept: %s", rc == EPROTO ? error.text : strerror(rc));
    }
}

void tds_exchange_asked(struct tds_exchange *exchange, const uint8_t *bytes, size_t size)
{
    struct tds_reader reader = tds_reader(bytes, size);
    struct tds_error error = {.text = "no memory"};
    bool whole = false;
    while (!exchange->lost && tds_left(&reader) > 0) {
        if (take_bytes(&exchange->client, &reader, &whole, &error) != 0) {
            lose(exchange, error.text);
        } else if (whole) {
            take_request(exchange);
        }
    }
}

/* ---- what was answered ---- */

/* Takes over the statement that was prepared. */
static void note_handle(struct tds_exchange *exchange, const struct tds_response *response)
{
    if (exchange->prepared == NULL || !response->has_handle) {
        return;
    }
    if (exchange->statement_count == STATEMENTS_MOST) { /* the oldest is hardly used any more */
        free(exchange->statements[0].text);
        memmove(exchange->statements, exchange->statements + 1,
                --exchange->statement_count * sizeof *exchange->statements);
    }
    struct tds_statement *grown =
        reallocarray(exchange->statements, exchange->statement_count + 1, sizeof *grown);
    if (grown != NULL) {
        exchange->statements = grown;
        grown[exchange->statement_count++] =
            (struct tds_statement){.handle = response->handle, .text = exchange->prepared};
        exchange->prepared = NULL;
    }
}

static void take_response(struct tds_exchange *exchange)
{
    struct tds_stream *stream = &exchange->server;
    struct tds_response response = {0};
    struct tds_error error = {.text = ""};
    const char *query = exchange->query != NULL ? exchange->query : "a call";
    if (exchange->prelogin || !is_wanted(stream)) {
        exchange->prelogin = false;
        return;
    }
    int rc = stream->too_long      ? tds_refuse(&error, "it has more than %d bytes", TDS_MESSAGE_MOST)
             : exchange->encrypted ? tds_refuse(&error, "its columns may be encrypted")
                                   : tds_response_read(stream->message.bytes, stream->message.length,
                                                       exchange->version, &response, &error);
    exchange->encrypted = exchange->encrypted || response.encrypted;
    exchange->version = response.version != 0 ? response.version : exchange->version;
    note_handle(exchange, &response);
    if (rc != 0 && (exchange->query != NULL || exchange->prepared != NULL)) {
        tell(exchange, "the answer to '%.200s' is not kept: %s", query,
             rc == EPROTO ? error.text : strerror(rc));
    } else if (rc == 0 && exchange->query != NULL && !response.cancelled) {
        response.answer.query = exchange->query;
        exchange->query = NULL;
        exchange->keep(exchange->context, &response.answer);
    }
    forget_question(exchange);
    tds_response_free(&response);
}

void tds_exchange_answered(struct tds_exchange *exchange, const uint8_t *bytes, size_t size)
{
    struct tds_reader reader = tds_reader(bytes, size);
    struct tds_error error = {.text = "no memory"};
    bool whole = false;
    while (!exchange->lost && tds_left(&reader) > 0) {
        if (take_bytes(&exchange->server, &reader, &whole, &error) != 0) {
            lose(exchange, error.text);
        } else if (whole) {
            take_response(exchange);
        }
    }
}

void tds_exchange_free(struct tds_exchange *exchange)
{
    forget_question(exchange);
    for (uint32_t i = 0; i < exchange->statement_count; i++) {
        free(exchange->statements[i].text);
    }
    free(exchange->statements);
    tds_buffer_free(&exchange->client.message);
    tds_buffer_free(&exchange->server.message);
}
