/* tds_fuzzer.c - TDS: what a client may send to the server's port, from packets to the batches that calls become.
 *
 * An input is a byte that says how its rest arrives (in one, or in pieces made up from it), and then a client's bytes
 * without TLS. Every message is decoded by its type, in whatever order they come.
 *
 * Promises: how bytes are cut into reads changes nothing; a message has a bound; what is refused is refused in words; a
 * login's passwords are gone from its message after it was read; a value's text is UTF-8 in one line of T-SQL, with
 * which nothing else begins or ends; our own answers can be read with the same decoders.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>

#include "login.h"
#include "packet.h"
#include "prelogin.h"
#include "procedure.h"
#include "promise.h"
#include "random.h"
#include "rpc.h"
#include "tds_version.h"
#include "tokens.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    MESSAGE_MOST = 64 << 10,
    LITERAL_MOST = 4 << 10, /* of those that are parsed: time is for other inputs */
    HASH_PRIME = 16777619,
};

/* What is known of a client so far. */
struct client {
    uint32_t version;
    struct tds_procedures procedures;
    uint32_t hash; /* of all messages, their types and refusals */
};

static void note(struct client *client, const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    for (size_t i = 0; i < size; i++) {
        client->hash = (client->hash ^ at[i]) * HASH_PRIME;
    }
}

static void check_error(int rc, const struct tds_error *error)
{
    PROMISE(rc == 0 || rc == EPROTO || rc == ENOMEM);
    PROMISE(rc != EPROTO ||
            (error->text[0] != '\0' && memchr(error->text, '\0', sizeof error->text) != NULL));
}

/* UTF-8 that goes to UTF-16 and back unchanged. */
static void check_text(const char *text)
{
    struct tds_buffer wide = {0};
    if (text == NULL) {
        return;
    }
    tds_put_text(&wide, text, SIZE_MAX);
    char *again = wide.failed ? NULL : tds_text(wide.bytes, wide.length);
    PROMISE(again == NULL || strcmp(again, text) == 0);
    free(again);
    tds_buffer_free(&wide);
}

/* ---- messages ---- */

static void take_prelogin(const struct tds_buffer *message)
{
    struct tds_prelogin prelogin;
    struct tds_error error = {.text = ""};
    struct tds_buffer answer = {0};
    int rc = tds_prelogin_read(message->bytes, message->length, &prelogin, &error);
    check_error(rc, &error);
    if (rc != 0) {
        return;
    }
    PROMISE(memchr(prelogin.instance, '\0', sizeof prelogin.instance) != NULL);
    for (int server = 0; server < TDS_ENCRYPTION_COUNT; server++) {
        struct tds_agreement agreement = tds_prelogin_agree((enum tds_encryption)server, prelogin.encrypt);
        struct tds_prelogin own;
        tds_prelogin_answer(&answer, &prelogin, agreement.answer);
        PROMISE(!(agreement.refused && agreement.tls));
        PROMISE(answer.failed || tds_prelogin_read(answer.bytes, answer.length, &own, &error) == 0);
        tds_buffer_free(&answer);
    }
}

static void check_wiped(const struct tds_buffer *message)
{
    static const size_t places[] = {44, 86};
    for (size_t i = 0; i < 2; i++) {
        struct tds_reader reader = tds_reader(message->bytes, message->length);
        tds_take(&reader, places[i]);
        size_t offset = tds_u16(&reader), length = 2 * (size_t)tds_u16(&reader);
        for (size_t at = 0; at < length; at++) {
            PROMISE(message->bytes[offset + at] == 0);
        }
    }
}

static void take_login(struct client *client, struct tds_buffer *message)
{
    struct tds_login login;
    struct tds_error error = {.text = ""};
    int rc = tds_login_read(message->bytes, message->length, &login, &error);
    check_error(rc, &error);
    if (rc == 0) {
        PROMISE(login.packet_size >= TDS_PACKET_LEAST && login.packet_size <= TDS_PACKET_MOST);
        PROMISE(login.version >= TDS_VERSION_71 && login.version <= TDS_VERSION_74);
        client->version = login.version;
    }
    check_text(login.host);
    check_text(login.user);
    check_text(login.application);
    check_text(login.server);
    check_text(login.language);
    check_text(login.database);
    /* With the places that lie over one another, or over the places themselves, there is nothing to hold it to. */
    bool plain = rc == 0 && login.version >= TDS_VERSION_72;
    for (size_t i = 0; plain && i < 2; i++) {
        struct tds_reader reader = tds_reader(message->bytes + (i == 0 ? 44 : 86), 4);
        plain = tds_u16(&reader) >= 94 || tds_u16(&reader) == 0;
    }
    tds_login_wipe(message->bytes, message->length);
    if (plain) {
        check_wiped(message);
    }
    tds_login_free(&login);
}

static void check_value(const struct tds_value *value)
{
    struct tds_buffer text = {0};
    struct tsql_batch *batch = NULL;
    struct tsql_error error;
    if (value->text == NULL || strlen(value->text) > LITERAL_MOST) {
        return;
    }
    check_text(value->text);
    PROMISE(value->kind != TDS_VALUE_NUMBER || strspn(value->text, "-.0123456789") == strlen(value->text));
    PROMISE(value->kind != TDS_VALUE_BINARY ||
            strspn(value->text, "0x123456789abcdef") == strlen(value->text));
    if (value->kind == TDS_VALUE_TEXT) {
        tds_put_string(&text, "PRINT ");
        tds_value_literal(&text, value);
        int rc = text.failed ? ENOMEM : tsql_parse((char *)text.bytes, text.length, &batch, &error);
        PROMISE(rc == 0 || rc == ENOMEM);
        PROMISE(rc != 0 || (tsql_first(batch) != NULL && tsql_first(batch)->next == NULL));
        PROMISE(rc != 0 || strcmp(tsql_first(batch)->subject->text, value->text) == 0);
    }
    tsql_batch_free(batch);
    tds_buffer_free(&text);
}

static void take_calls(struct client *client, struct tds_reader *reader)
{
    int rc = 0;
    while (rc == 0 && tds_left(reader) > 0) {
        struct tds_rpc rpc;
        struct tds_call call = {0};
        struct tds_error error = {.text = ""};
        struct tsql_error refusal = {0};
        rc = tds_rpc_read(reader, client->version, &rpc, &error);
        check_error(rc, &error);
        note(client, error.text, strlen(error.text));
        PROMISE(rpc.count <= TDS_PARAMETERS_MOST);
        for (uint32_t i = 0; i < rpc.count; i++) {
            check_value(&rpc.parameters[i].value);
        }
        if (rc == 0) {
            int called = tds_procedure_call(&client->procedures, &rpc, &call, &refusal);
            PROMISE(called != EINVAL || (refusal.number > 0 && refusal.text[0] != '\0'));
            PROMISE(called == 0 || call.run.text == NULL || called == ENOMEM);
            PROMISE(call.first + call.run.count <= rpc.count || call.run.text == NULL);
            note(client, call.run.text, call.run.length);
        }
        tds_call_free(&call);
        tds_rpc_free(&rpc);
    }
    PROMISE(client->procedures.count <= TDS_PREPARED_MOST);
    PROMISE(client->procedures.bytes <= TDS_PREPARED_BYTES_MOST);
}

/* A text of the client's, said to it again in a token and in packets of the least size. */
static void say_again(const struct client *client, const char *text)
{
    struct tds_buffer out = {0};
    struct tds_output output = {.out = &out, .packet_size = TDS_PACKET_LEAST, .packet = 1};
    struct tds_tokens tokens = {.out = &output.tokens, .version = client->version, .server = "server"};
    struct results_column column = {.name = "", .type = RESULTS_NVARCHAR};
    struct sql_message message = {50000, 16, 1, text};
    struct tds_input input = {.most = TDS_MESSAGE_MOST};
    struct tds_error error;
    size_t used = 0;
    bool whole = false;
    tds_put_message(&tokens, &message, "", 1);
    tds_put_columns(&tokens, &column, 1);
    tds_put_row(&tokens, &column, &text, 1);
    tds_put_done(&tokens, TDS_DONE, TDS_STATUS_COUNT, 0, 1);
    size_t length = output.tokens.length;
    tds_output_cut(&output, TDS_RESPONSE, true, true);
    if (!out.failed && !output.tokens.failed) {
        PROMISE(tds_input_take(&input, out.bytes, out.length, &used, &whole, &error) == 0);
        PROMISE(whole && used == out.length && input.message.length == length);
    }
    tds_input_free(&input);
    tds_buffer_free(&output.tokens);
    tds_buffer_free(&out);
}

static void take_batch(const struct client *client, struct tds_reader *reader)
{
    struct tds_error error = {.text = ""};
    char *text = NULL;
    int rc = tds_batch_read(reader, &text, &error);
    check_error(rc, &error);
    if (rc == 0) {
        check_text(text);
        say_again(client, text);
    }
    free(text);
}

static void take_message(struct client *client, struct tds_input *input)
{
    struct tds_reader reader = tds_reader(input->message.bytes, input->message.length);
    struct tds_error error = {.text = ""};
    PROMISE(input->message.length <= MESSAGE_MOST);
    note(client, &input->type, 1);
    note(client, input->message.bytes, input->message.length);
    if (input->type == TDS_PRELOGIN) {
        take_prelogin(&input->message);
    } else if (input->type == TDS_LOGIN7) {
        take_login(client, &input->message);
    } else if (input->type == TDS_BATCH || input->type == TDS_RPC) {
        int rc = tds_headers_skip(&reader, client->version, &error);
        check_error(rc, &error);
        if (rc == 0 && input->type == TDS_RPC) {
            take_calls(client, &reader);
        } else if (rc == 0) {
            take_batch(client, &reader);
        }
    }
}

/* ---- a stream ---- */

/* `cut`: 0: all at once. */
static uint32_t take_stream(const uint8_t *data, size_t size, uint64_t cut)
{
    struct client client = {.version = TDS_VERSION_74};
    struct tds_input input = {.most = MESSAGE_MOST};
    struct tds_error error = {.text = ""};
    uint64_t state = cut;
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < size;) {
        size_t piece = cut == 0 ? size - at : 1 + random_next(&state) % 64;
        size_t used = 0;
        bool whole = false;
        piece = piece < size - at ? piece : size - at;
        rc = tds_input_take(&input, data + at, piece, &used, &whole, &error);
        check_error(rc, &error);
        PROMISE(rc != 0 || whole || used == piece);
        at += used;
        if (rc == 0 && whole) {
            PROMISE(tds_input_is_between(&input));
            take_message(&client, &input);
        }
    }
    note(&client, error.text, strlen(error.text));
    tds_procedures_forget(&client.procedures);
    tds_input_free(&input);
    return client.hash;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1) {
        return 0;
    }
    uint32_t whole = take_stream(data + 1, size - 1, 0);
    uint32_t pieces = take_stream(data + 1, size - 1, 1 + data[0]);
    PROMISE(whole == pieces);
    return 0;
}
