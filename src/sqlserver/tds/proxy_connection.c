/* proxy_connection.c - see proxy_connection.h. */
#include "proxy_connection.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>

#include "link.h"
#include "os.h"
#include "prelogin.h"
#include "tds_version.h"
#include "tls.h"

struct pair {
    const struct tds_proxy *proxy;
    struct tds_link client, server;
    struct tds_exchange exchange;
    bool followed;
};

static const atomic_bool never;

/* ---- before the login ---- */

/* Passes on the message that `from` has, with its type. */
static int pass_message(struct tds_link *from, struct tds_link *to)
{
    struct tds_buffer out = {0};
    struct tds_output output = {
        .tokens = from->input.message, .out = &out, .packet_size = TDS_PACKET_FIRST, .packet = 1};
    from->input.message = (struct tds_buffer){0};
    tds_output_cut(&output, (enum tds_message_type)from->input.type, true, true);
    int rc = out.failed ? ENOMEM : tds_link_write(to, out.bytes, out.length);
    tds_buffer_free(&output.tokens);
    tds_buffer_free(&out);
    return rc;
}

static int shake_hands(struct pair *pair, bool within, bool login_only)
{
    const struct tds_proxy *proxy = pair->proxy;
    int rc = tds_link_handshake(&pair->server, tds_tls_connect(proxy->client_tls, !within, proxy->host),
                                within, login_only);
    return rc == 0 ? tds_link_handshake(&pair->client, tds_tls_accept(proxy->server_tls, !within), within,
                                        login_only)
                   : rc;
}

/* PRELOGIN and its answer: who encrypts what. An answer that cannot be read is passed on, as is all after it. */
static int agree(struct pair *pair)
{
    struct tds_prelogin asked = {0}, answered = {0};
    struct tds_error error;
    const struct tds_buffer *message = &pair->client.input.message;
    bool readable = tds_prelogin_read(message->bytes, message->length, &asked, &error) == 0;
    int rc = pass_message(&pair->client, &pair->server);
    rc = rc == 0 ? tds_link_next(&pair->server) : rc;
    message = &pair->server.input.message;
    readable =
        readable && rc == 0 && tds_prelogin_read(message->bytes, message->length, &answered, &error) == 0;
    rc = rc == 0 ? pass_message(&pair->server, &pair->client) : rc;
    pair->followed = readable;
    bool tls = readable && answered.encrypt != TDS_ENCRYPT_NOT_SUPPORTED &&
               asked.encrypt != TDS_ENCRYPT_NOT_SUPPORTED;
    return rc == 0 && tls ? shake_hands(pair, true, answered.encrypt == TDS_ENCRYPT_OFF) : rc;
}

static int begin(struct pair *pair)
{
    bool strict = false;
    int rc = tds_link_peek_tls(&pair->client, &strict);
    if (rc == 0 && strict) {
        pair->followed = true;
        return shake_hands(pair, false, false);
    }
    rc = rc == 0 ? tds_link_next(&pair->client) : rc;
    if (rc != 0) {
        return rc;
    }
    return pair->client.input.type == TDS_PRELOGIN ? agree(pair) : pass_message(&pair->client, &pair->server);
}

/* ---- all else ---- */

/* What was read of one side goes to the other. */
static int pass(struct pair *pair, struct tds_link *from, struct tds_link *to)
{
    bool encrypted;
    int rc = tds_link_piece(from, &encrypted);
    while (rc == 0 && from->plain.length > 0) {
        if (pair->followed && from == &pair->client) {
            tds_exchange_asked(&pair->exchange, from->plain.bytes, from->plain.length);
        } else if (pair->followed) {
            tds_exchange_answered(&pair->exchange, from->plain.bytes, from->plain.length);
        }
        rc = tds_link_pass(to, from->plain.bytes, from->plain.length, encrypted);
        OPENSSL_cleanse(from->plain.bytes, from->plain.length); /* it may have been a password */
        tds_drop(&from->plain, from->plain.length);
        rc = rc == 0 ? tds_link_piece(from, &encrypted) : rc;
    }
    return rc;
}

static int pass_all(struct pair *pair)
{
    struct tds_link *const links[] = {&pair->client, &pair->server};
    struct pollfd polls[] = {{.fd = pair->client.socket, .events = POLLIN},
                             {.fd = pair->server.socket, .events = POLLIN}};
    int rc = pass(pair, links[0], links[1]); /* what came with the handshakes */
    rc = rc == 0 ? pass(pair, links[1], links[0]) : rc;
    while (rc == 0 && (polls[0].fd >= 0 || polls[1].fd >= 0)) {
        if (poll(polls, 2, -1) < 0) {
            rc = errno == EINTR ? 0 : errno;
            continue;
        }
        for (int i = 0; rc == 0 && i < 2; i++) {
            int read = polls[i].fd >= 0 && polls[i].revents != 0 ? tds_link_read(links[i]) : 0;
            if (read == 0) { /* also what came while the other side was written to */
                rc = read = pass(pair, links[i], links[1 - i]);
            }
            if (read == ECONNRESET) { /* so the other one learns of it, after all that came before */
                rc = 0;
                polls[i].fd = -1;
                shutdown(links[1 - i]->socket, SHUT_WR);
            }
        }
    }
    return rc;
}

void tds_proxy_pass(int client, int server, const struct tds_proxy *proxy, struct tds_error *error)
{
    struct pair pair = {
        .proxy = proxy,
        .client = {.socket = client, .interrupted = &never, .deadline = OS_FOREVER},
        .server = {.socket = server, .interrupted = &never, .deadline = OS_FOREVER},
        .exchange = {
            .keep = proxy->keep, .tell = proxy->tell, .context = proxy->context, .version = TDS_VERSION_74}};
    *error = (struct tds_error){.text = ""};
    pair.client.input.most = TDS_LOGIN_MOST;
    pair.server.input.most = TDS_LOGIN_MOST;
    int rc = begin(&pair);
    if (rc == 0 && !pair.followed) {
        proxy->tell(proxy->context, "a connection whose PRELOGIN cannot be read is passed on, and not kept");
    }
    rc = rc == 0 ? pass_all(&pair) : rc;
    if (rc == EPROTO) {
        *error = pair.client.error.text[0] != '\0' ? pair.client.error : pair.server.error;
    } else if (rc != 0 && rc != ECONNRESET) {
        tds_refuse(error, "%s", strerror(rc));
    }
    tds_exchange_free(&pair.exchange);
    tds_link_free(&pair.client);
    tds_link_free(&pair.server);
}
