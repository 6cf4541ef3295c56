/* connection.c - see connection.h. */
#include "connection.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

#include "answer.h"
#include "login.h"
#include "os.h"
#include "procedure.h"
#include "session.h"
#include "tds_version.h"
#include "tls.h"

enum {
    NS_PER_MS = 1000000,
    SEVERITY_INFORMATION = 10,
    SEVERITY_LOGIN = 14,
    SEVERITY_FATAL = 20,
    FEATURE_UTF8 = 0x0a,
    TRANSACTION_BEGINS = 0x01, /* of a commit's or rollback's flags */
    GOODBYE_MS = 500,          /* for a peer that is to read why it was refused */
};

struct connection {
    const struct tds_server *server;
    int32_t spid;
    struct tds_link link;
    struct tds_answer answer;
    struct tds_prelogin prelogin;
    struct tds_login login;
    struct session *session;
    struct tds_procedures procedures;
    bool over; /* the plan has taken the connection, or a login was refused in words */
};

/* ---- PRELOGIN and TLS ---- */

static int refuse_type(struct connection *connection, const char *expected)
{
    uint8_t type = connection->link.input.type;
    return tds_refuse(&connection->link.error, "a message of type 0x%02x%s; expected %s", type,
                      type == TDS_OLD_LOGIN ? " (a login of TDS 4.2 or 5.0)" : "", expected);
}

static int answer_prelogin(struct connection *connection, enum tds_encrypt answer)
{
    tds_prelogin_answer(&connection->answer.output.tokens, &connection->prelogin, answer);
    tds_output_cut(&connection->answer.output, TDS_RESPONSE, true, true);
    struct tds_buffer *packets = &connection->answer.packets;
    int rc = packets->failed ? ENOMEM : tds_link_write(&connection->link, packets->bytes, packets->length);
    packets->length = 0;
    return rc;
}

/* TLS first (TDS 8): what a PRELOGIN says of encryption means nothing then. */
static int agree_on_encryption(struct connection *connection, bool strict)
{
    enum tds_encrypt wanted = connection->prelogin.encrypt;
    struct tds_agreement agreement = tds_prelogin_agree(connection->server->encryption, wanted);
    if (strict) {
        return answer_prelogin(connection, TDS_ENCRYPT_NOT_SUPPORTED);
    }
    int rc = answer_prelogin(connection, agreement.answer);
    if (rc == 0 && agreement.refused) {
        return tds_refuse(&connection->link.error, "%s",
                          connection->server->encryption == TDS_ENCRYPTION_NONE
                              ? "the client requires encryption; the server has none"
                              : "the client has no encryption; the server requires it");
    }
    if (rc == 0 && agreement.tls) {
        rc = tds_link_handshake(&connection->link, tds_tls_accept(connection->server->tls, false), true,
                                agreement.login_only);
    }
    return rc;
}

/* PRELOGIN may be left out: clients before 2000 did. */
static int before_login(struct connection *connection)
{
    struct tds_link *link = &connection->link;
    bool strict = false;
    int rc = tds_link_peek_tls(link, &strict);
    if (rc == 0 && strict) {
        rc = connection->server->encryption == TDS_ENCRYPTION_NONE
                 ? tds_refuse(&link->error, "TLS before PRELOGIN (TDS 8); the server has no encryption")
                 : tds_link_handshake(link, tds_tls_accept(connection->server->tls, true), false, false);
    }
    rc = rc == 0 ? tds_link_next(link) : rc;
    if (rc == 0 && link->input.type == TDS_PRELOGIN) {
        const struct tds_buffer *message = &link->input.message;
        rc = tds_prelogin_read(message->bytes, message->length, &connection->prelogin, &link->error);
        rc = rc == 0 ? agree_on_encryption(connection, strict) : rc;
        rc = rc == 0 ? tds_link_next(link) : rc;
    }
    return rc;
}

/* ---- LOGIN7 ---- */

static void refuse_login(struct connection *connection, int32_t number, int32_t severity, const char *text)
{
    tds_answer_say(&connection->answer, number, severity, 1, text);
    connection->answer.failed = true;
    tds_answer_end(&connection->answer);
    connection->over = true;
}

static int read_login(struct connection *connection)
{
    struct tds_link *link = &connection->link;
    struct tds_buffer *message = &link->input.message;
    if (link->input.type != TDS_LOGIN7) {
        return refuse_type(connection, "LOGIN7 (0x10)");
    }
    int rc = tds_login_read(message->bytes, message->length, &connection->login, &link->error);
    tds_login_wipe(message->bytes, message->length);
    connection->answer.tokens.version = rc == 0 ? connection->login.version : TDS_VERSION_74;
    if (rc == EPROTO) {
        refuse_login(
            connection, 17832, SEVERITY_FATAL,
            "The login packet used to open the connection is structurally invalid; the connection has been "
            "closed. Please contact the vendor of the client library.");
    } else if (rc == 0 && (connection->login.integrated || connection->login.federated)) {
        refuse_login(connection, 18452, SEVERITY_LOGIN,
                     "Login failed. The login is from an untrusted domain and cannot be used with Integrated "
                     "authentication.");
        rc =
            tds_refuse(&link->error, "a login with %s; expected a user and a password, whichever they are",
                       connection->login.integrated ? "integrated authentication" : "a token of a directory");
    }
    return rc;
}

static int open_session(struct connection *connection)
{
    const struct tds_login *login = &connection->login;
    struct session_settings settings = {
        .plan = connection->server->plan,
        .catalog = connection->server->catalog,
        .activity = connection->server->activity,
        .answers = connection->server->answers,
        .results = &connection->answer.results,
        .interrupted = connection->server->interrupted,
        .role = connection->server->role,
        .server = connection->server->name,
        .login = login->user,
        .application = login->application,
        .host = login->host,
        .spid = connection->spid,
        .restricted = strcasecmp(login->user, "guest") == 0,
    };
    struct session_result result = {0};
    int rc = session_new(&settings, &connection->session);
    if (rc == 0 && login->database[0] != '\0') {
        rc = session_use(connection->session, login->database, &result);
    }
    if (rc == 0 && result.severity > SEVERITY_INFORMATION) {
        refuse_login(connection, 4060, 11,
                     "Cannot open the database requested by the login. The login failed.");
        return tds_refuse(&connection->link.error, "a login for a database that cannot be");
    }
    return rc;
}

/* What the client takes to be in use without being told. */
static void note_database(struct connection *connection)
{
    snprintf(connection->answer.database, sizeof connection->answer.database, "%s",
             session_database(connection->session));
}

static void answer_login(struct connection *connection)
{
    static const struct tds_feature utf8 = {FEATURE_UTF8, 1, {1}};
    struct tds_answer *answer = &connection->answer;
    struct tds_tokens *tokens = &answer->tokens;
    char text[64 + TDS_DATABASE_MOST], size[16], first[16];
    note_database(connection);
    snprintf(text, sizeof text, "Changed database context to '%s'.", answer->database);
    snprintf(size, sizeof size, "%u", connection->login.packet_size);
    snprintf(first, sizeof first, "%d", TDS_PACKET_FIRST);
    tds_put_environment(tokens, TDS_ENVIRONMENT_DATABASE, answer->database, "master");
    tds_answer_say(answer, 5701, SEVERITY_INFORMATION, 2, text);
    tds_put_environment(tokens, TDS_ENVIRONMENT_COLLATION, NULL, NULL);
    tds_put_environment(tokens, TDS_ENVIRONMENT_LANGUAGE, "us_english", "");
    tds_answer_say(answer, 5703, SEVERITY_INFORMATION, 1, "Changed language setting to us_english.");
    tds_put_loginack(tokens);
    tds_put_environment(tokens, TDS_ENVIRONMENT_PACKET_SIZE, size, first);
    if (connection->login.utf8) {
        tds_put_features(tokens, &utf8, 1);
    }
    tds_answer_end(answer);
    answer->silent = false;
    answer->output.packet_size = connection->login.packet_size;
}

static int log_in(struct connection *connection)
{
    int rc = before_login(connection);
    rc = rc == 0 ? read_login(connection) : rc;
    rc = rc == 0 ? open_session(connection) : rc;
    if (rc == 0) {
        answer_login(connection);
        connection->link.deadline = OS_FOREVER;
        connection->link.input.most = TDS_MESSAGE_MOST;
    }
    return rc;
}

/* ---- requests ---- */

static int run(struct connection *connection, const struct session_call *call)
{
    struct session_result result = {0};
    int rc = session_call(connection->session, call, &result);
    connection->over = result.leaving >= ENGINE_LOST;
    return rc;
}

static int run_batch(struct connection *connection, const char *text)
{
    return run(connection, &(struct session_call){.text = text, .length = strlen(text)});
}

static int take_batch(struct connection *connection, struct tds_reader *reader)
{
    char *text = NULL;
    int rc = tds_batch_read(reader, &text, &connection->link.error);
    rc = rc == 0 ? run_batch(connection, text) : rc;
    free(text);
    if (rc == 0 && !connection->over) {
        tds_answer_end(&connection->answer);
    }
    return rc;
}

static bool is_reset(const struct tds_rpc *rpc)
{
    return rpc->name != NULL && strcasecmp(rpc->name, "sp_reset_connection") == 0;
}

static int reset(struct connection *connection, bool keep_transaction)
{
    tds_procedures_forget(&connection->procedures);
    tds_put_environment(&connection->answer.tokens, TDS_ENVIRONMENT_RESET, NULL, NULL);
    int rc = session_reset(connection->session, keep_transaction);
    note_database(connection);
    return rc;
}

static int run_call(struct connection *connection, const struct tds_rpc *rpc, bool more)
{
    struct tds_answer *answer = &connection->answer;
    struct tds_call call = {0};
    struct tsql_error error = {0};
    answer->in_procedure = true;
    int rc = is_reset(rpc) ? reset(connection, false)
                           : tds_procedure_call(&connection->procedures, rpc, &call, &error);
    if (rc == EINVAL) {
        tds_answer_say(answer, error.number, error.severity, error.state, error.text);
        answer->failed = true;
        rc = 0;
    } else if (rc == 0 && call.run.text != NULL) {
        answer->parameters = call.run.count > 0 ? &rpc->parameters[call.first] : NULL;
        answer->first_ordinal = call.first;
        rc = run(connection, &call.run);
    }
    if (rc == 0 && !connection->over) {
        const char *name = call.gives_handle ? rpc->parameters[0].name : "";
        tds_answer_end_call(answer, call.gives_handle ? &call.handle : NULL, name,
                            more && !answer->attention);
    }
    tds_call_free(&call);
    return rc;
}

static int take_calls(struct connection *connection, struct tds_reader *reader)
{
    bool go_on = true;
    int rc = 0;
    while (rc == 0 && go_on && !connection->over) {
        struct tds_rpc rpc;
        rc = tds_rpc_read(reader, connection->login.version, &rpc, &connection->link.error);
        bool more = tds_left(reader) > 0;
        bool attention = false;
        if (rc == 0) {
            rc = run_call(connection, &rpc, more);
            attention = atomic_load(connection->server->interrupted);
        }
        go_on = more && !attention;
        tds_rpc_free(&rpc);
    }
    return rc;
}

/* A driver's own begin, commit and rollback, the latter two of which may begin the next transaction, too. Names and
 * isolation have no effect. */
static int take_transaction(struct connection *connection, struct tds_reader *reader)
{
    static const struct {
        uint16_t request;
        bool goes_on;
        const char *batch; /* NULL: of a distributed transaction */
    } table[] = {
        {0, false, NULL},
        {1, false, NULL},
        {5, false, "BEGIN TRANSACTION"},
        {6, false, NULL},
        {7, true, "COMMIT TRANSACTION"},
        {8, true, "ROLLBACK TRANSACTION"},
        {9, false, "SAVE TRANSACTION"},
    };
    uint16_t request = tds_u16(reader);
    size_t i = 0, count = sizeof table / sizeof table[0];
    while (i < count && table[i].request != request) {
        i++;
    }
    if (i == count || reader->cut) {
        return tds_refuse(&connection->link.error, "a transaction request %u; expected 5, 7 or 8", request);
    }
    int rc = 0;
    if (table[i].batch != NULL) {
        rc = run_batch(connection, table[i].batch);
        tds_take(reader, tds_u8(reader)); /* its name */
    } else {
        tds_answer_say(&connection->answer, 8501, 16, 3, "MSDTC on server is unavailable.");
        connection->answer.failed = true;
    }
    if (rc == 0 && table[i].goes_on && (tds_u8(reader) & TRANSACTION_BEGINS) != 0) {
        rc = run_batch(connection, "BEGIN TRANSACTION");
    }
    if (rc == 0) {
        tds_answer_end(&connection->answer);
    }
    return rc;
}

static int take_request(struct connection *connection, uint8_t type, const struct tds_buffer *message)
{
    struct tds_reader reader = tds_reader(message->bytes, message->length);
    struct tds_link *link = &connection->link;
    if (link->input.reset) {
        int rc = reset(connection, link->input.keep_transaction);
        if (rc != 0) {
            return rc;
        }
    }
    int rc = tds_headers_skip(&reader, connection->login.version, &link->error);
    switch (rc == 0 ? type : 0) {
    case 0:
        return rc;
    case TDS_BATCH:
        return take_batch(connection, &reader);
    case TDS_RPC:
        return take_calls(connection, &reader);
    default:
        return take_transaction(connection, &reader);
    }
}

static int run_request(struct connection *connection)
{
    struct tds_input *input = &connection->link.input;
    struct tds_answer *answer = &connection->answer;
    uint8_t type = input->type;
    if (type == TDS_ATTENTION) { /* nothing runs that it could end */
        tds_answer_acknowledge(answer);
        return 0;
    }
    if (input->ignored) {
        answer->failed = true;
        tds_answer_end(answer);
        return 0;
    }
    if (type != TDS_BATCH && type != TDS_RPC && type != TDS_TRANSACTION) {
        return refuse_type(connection, "a batch (0x01), an RPC (0x03), an attention or a transaction (0x0e)");
    }
    /* The next message may arrive while this one is carried out. */
    struct tds_buffer message = input->message;
    input->message = (struct tds_buffer){0};
    int rc = take_request(connection, type, &message);
    tds_buffer_free(&message);
    if (!atomic_load(connection->server->leaving)) {
        atomic_store(connection->server->interrupted, false);
    }
    if (rc == ENOMEM) {
        tds_answer_say(answer, 701, 17, 123,
                       "There is insufficient system memory in resource pool 'default' to run this query.");
        answer->failed = true;
        tds_answer_end(answer);
        rc = 0;
    }
    return rc;
}

static int serve_requests(struct connection *connection)
{
    int rc = 0;
    while (rc == 0 && !connection->over && !connection->answer.results.broken) {
        rc = tds_link_next(&connection->link);
        rc = rc == 0 ? run_request(connection) : rc;
    }
    if (rc == EPROTO && !connection->over) {
        char text[sizeof connection->link.error.text + 80];
        snprintf(text, sizeof text,
                 "The incoming tabular data stream (TDS) protocol stream is incorrect: %s.",
                 connection->link.error.text);
        refuse_login(connection, 4002, SEVERITY_FATAL, text);
    }
    return rc;
}

/* ---- the end ---- */

/* With bytes of its own unread, a peer would not get our last ones. */
static void say_goodbye(struct connection *connection)
{
    struct pollfd poll_for = {.fd = connection->link.socket, .events = POLLIN};
    int64_t until = os_now() + (int64_t)GOODBYE_MS * NS_PER_MS;
    uint8_t bytes[1024];
    ssize_t size = 1;
    shutdown(connection->link.socket, SHUT_WR);
    while (size > 0 && os_now() < until && poll(&poll_for, 1, GOODBYE_MS) > 0) {
        size = recv(connection->link.socket, bytes, sizeof bytes, MSG_DONTWAIT);
    }
}

static void tell(const struct connection *connection, int rc, struct tds_error *error)
{
    const struct tds_link *link = &connection->link;
    bool between = tds_input_is_between(&link->input) && link->raw.length == 0;
    *error = link->error;
    if (rc == ETIMEDOUT) {
        tds_refuse(error, "no login within %d seconds", connection->server->login_seconds);
    } else if (rc == ECONNRESET && !between) {
        tds_refuse(error, "closed in the middle of a message");
    } else if (rc != EPROTO) {
        error->text[0] = '\0';
    }
}

void tds_connection_serve(int socket, int32_t spid, const struct tds_server *server, struct tds_error *error)
{
    struct connection connection = {
        .server = server,
        .spid = spid,
        .link = {.socket = socket,
                 .interrupted = server->leaving,
                 .deadline = os_now() + (int64_t)server->login_seconds * 1000 * NS_PER_MS,
                 .input = {.most = TDS_LOGIN_MOST}},
    };
    tds_answer_init(&connection.answer, &connection.link, server->name, server->interrupted);
    connection.answer.output.session = (uint16_t)spid;
    int rc = log_in(&connection);
    rc = rc == 0 ? serve_requests(&connection) : rc;
    if (rc == EPROTO) {
        say_goodbye(&connection);
    }
    tell(&connection, rc, error);
    session_free(connection.session);
    tds_procedures_forget(&connection.procedures);
    tds_login_free(&connection.login);
    tds_answer_free(&connection.answer);
    tds_link_free(&connection.link);
}
