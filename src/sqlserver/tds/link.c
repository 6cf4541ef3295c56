/* link.c - see link.h. */
#include "link.h"

#include <errno.h>
#include <openssl/err.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <sys/socket.h>
#include <time.h>

#include "os.h"
#include "tls.h"

enum {
    CHUNK = 16384,
    UNREAD_MOST = 64 << 10, /* bytes that are read while nobody asks for them */
    RECORD_HEADER_SIZE = 5,
    RECORD_FIRST = 0x14, /* types of TLS's records; no packet of TDS has one of these */
    RECORD_LAST = 0x17,
    NS_PER_S = 1000000000,
};

/* ---- the socket ---- */

/* A signal whose handler sets *interrupted ends the wait, also if it comes right before: it is held back until then. */
static int wait_unless_interrupted(const struct tds_link *link, struct pollfd *poll_for,
                                   const struct timespec *limit)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    int count = atomic_load(link->interrupted) ? 0 : ppoll(poll_for, 1, limit, &before);
    int error = count < 0 ? errno : 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = error;
    return count;
}

static int wait_for(struct tds_link *link, short events, short *seen)
{
    struct pollfd poll_for = {.fd = link->socket, .events = events};
    int64_t left = link->deadline - os_now();
    left = left < 0 ? 0 : left;
    struct timespec limit = {.tv_sec = left / NS_PER_S, .tv_nsec = left % NS_PER_S};
    int count = wait_unless_interrupted(link, &poll_for, link->deadline == OS_FOREVER ? NULL : &limit);
    *seen = count > 0 ? poll_for.revents : 0;
    if (count < 0 && errno != EINTR) {
        return errno;
    }
    if (atomic_load(link->interrupted)) {
        return EINTR;
    }
    return count == 0 && link->deadline != OS_FOREVER && os_now() >= link->deadline ? ETIMEDOUT : 0;
}

/* What is there, if anything. */
static int receive(struct tds_link *link)
{
    uint8_t bytes[CHUNK];
    ssize_t size = recv(link->socket, bytes, sizeof bytes, MSG_DONTWAIT);
    if (size == 0) {
        return ECONNRESET;
    }
    if (size < 0) {
        return errno == EAGAIN || errno == EINTR ? 0 : ECONNRESET;
    }
    tds_put(&link->raw, bytes, (size_t)size);
    return link->raw.failed ? ENOMEM : 0;
}

static int wait_and_receive(struct tds_link *link)
{
    short seen;
    int rc = wait_for(link, POLLIN, &seen);
    return rc == 0 && seen != 0 ? receive(link) : rc;
}

static int send_all(struct tds_link *link, const uint8_t *bytes, size_t size)
{
    int rc = 0;
    while (rc == 0 && size > 0) {
        ssize_t sent = send(link->socket, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
        if (sent >= 0) {
            bytes += sent;
            size -= (size_t)sent;
            continue;
        }
        if (errno != EAGAIN && errno != EINTR) {
            return ECONNRESET;
        }
        short seen;
        bool room = link->raw.length < UNREAD_MOST;
        rc = wait_for(link, POLLOUT | (room ? POLLIN : 0), &seen);
        if (rc == 0 && (seen & POLLIN) != 0) {
            rc = receive(link);
        }
    }
    return rc;
}

/* ---- TLS ---- */

static int refuse_tls(struct tds_link *link)
{
    return tds_refuse(&link->error, "TLS: %s", tds_tls_error());
}

static bool at_packet(const struct tds_input *input)
{
    return input->left == 0 && input->header_length % TDS_HEADER_SIZE == 0;
}

/* Bytes of the TLS record that raw begins with: 0: it is none, or not all of it is there (*wanting). */
static size_t record_size(const struct tds_link *link, bool *wanting)
{
    const uint8_t *raw = link->raw.bytes;
    size_t size = link->raw.length;
    *wanting = size == 0;
    if (size == 0 || raw[0] < RECORD_FIRST || raw[0] > RECORD_LAST) {
        return 0;
    }
    size_t record =
        size < RECORD_HEADER_SIZE ? SIZE_MAX : RECORD_HEADER_SIZE + ((size_t)raw[3] << 8 | raw[4]);
    *wanting = size < record;
    return *wanting ? 0 : record;
}

/* The same, where the login alone is encrypted: of the packet that comes next, or of what is left of one. */
static size_t login_record_size(struct tds_link *link, bool *wanting)
{
    *wanting = link->raw.length == 0;
    if (!at_packet(&link->input) && !link->encrypted) {
        return 0;
    }
    size_t record = record_size(link, wanting);
    link->encrypted = record > 0 || *wanting;
    return record;
}

static int feed_tls(struct tds_link *link, size_t size)
{
    int written = size > 0 ? BIO_write(SSL_get_rbio(link->ssl), link->raw.bytes, (int)size) : 0;
    tds_drop(&link->raw, size);
    return written == (int)size ? 0 : ENOMEM;
}

static int decrypt(struct tds_link *link)
{
    uint8_t bytes[CHUNK];
    int size;
    ERR_clear_error();
    while ((size = SSL_read(link->ssl, bytes, sizeof bytes)) > 0) {
        tds_put(&link->plain, bytes, (size_t)size);
    }
    OPENSSL_cleanse(bytes, sizeof bytes);
    if (link->plain.failed) {
        return ENOMEM;
    }
    switch (SSL_get_error(link->ssl, size)) {
    case SSL_ERROR_WANT_READ:
        return 0;
    case SSL_ERROR_ZERO_RETURN:
        return link->mode == TDS_LINK_LOGIN_ONLY ? 0 : link->plain.length > 0 ? 0 : ECONNRESET;
    default:
        return refuse_tls(link);
    }
}

/* Bytes of raw that belong to the packet which is being read, as far as that is known. */
static size_t packet_piece(const struct tds_link *link, const struct tds_input *input)
{
    size_t header = (size_t)TDS_HEADER_SIZE - input->header_length % TDS_HEADER_SIZE;
    size_t wanted = input->left > 0 ? input->left : header;
    return wanted < link->raw.length ? wanted : link->raw.length;
}

/* Some of raw becomes plain. *wanting: not without more bytes. */
static int convert(struct tds_link *link, bool *wanting)
{
    size_t size = link->raw.length;
    *wanting = size == 0;
    if (link->mode == TDS_LINK_TLS) {
        int rc = feed_tls(link, size);
        return rc == 0 ? decrypt(link) : rc;
    }
    if (link->mode == TDS_LINK_LOGIN_ONLY) {
        size_t record = login_record_size(link, wanting);
        if (record > 0) {
            int rc = feed_tls(link, record);
            return rc == 0 ? decrypt(link) : rc;
        }
    }
    size = *wanting ? 0 : packet_piece(link, &link->input); /* behind it, there may be a handshake */
    if (size > 0) {
        tds_put(&link->plain, link->raw.bytes, size);
        tds_drop(&link->raw, size);
    }
    return link->plain.failed ? ENOMEM : 0;
}

/* What TLS has to send. */
static int flush_tls(struct tds_link *link, bool within)
{
    struct tds_buffer out = {0};
    struct tds_output output = {.out = &out, .packet_size = TDS_PACKET_FIRST, .packet = 1};
    uint8_t bytes[CHUNK];
    int size;
    while ((size = BIO_read(SSL_get_wbio(link->ssl), bytes, sizeof bytes)) > 0) {
        tds_put(within ? &output.tokens : &out, bytes, (size_t)size);
    }
    if (output.tokens.length > 0) {
        tds_output_cut(&output, TDS_PRELOGIN, true, true);
    }
    int rc = out.failed || output.tokens.failed ? ENOMEM : send_all(link, out.bytes, out.length);
    tds_buffer_free(&output.tokens);
    tds_buffer_free(&out);
    return rc;
}

/* Moves bytes of the handshake from raw to TLS. *wanting: not without more. */
static int feed_handshake(struct tds_link *link, bool within, bool *wanting)
{
    *wanting = link->raw.length == 0;
    if (*wanting || !within) {
        return feed_tls(link, link->raw.length);
    }
    size_t record = at_packet(&link->handshake) ? record_size(link, wanting) : 0;
    if (record > 0 || *wanting) {
        return feed_tls(link, record); /* a driver that has done with packets before the server has */
    }
    size_t used;
    bool whole;
    size_t piece = packet_piece(link, &link->handshake);
    int rc = tds_input_take(&link->handshake, link->raw.bytes, piece, &used, &whole, &link->error);
    if (rc == 0 && link->handshake.type != 0 && link->handshake.type != TDS_PRELOGIN) {
        rc = tds_refuse(&link->error, "a message of type 0x%02x within the TLS handshake",
                        link->handshake.type);
    }
    tds_drop(&link->raw, used);
    if (rc == 0 && whole) {
        const struct tds_buffer *message = &link->handshake.message;
        int size = (int)message->length;
        rc = size > 0 && BIO_write(SSL_get_rbio(link->ssl), message->bytes, size) != size ? ENOMEM : 0;
    }
    return rc;
}

int tds_link_handshake(struct tds_link *link, SSL *ssl, bool within, bool login_only)
{
    link->ssl = ssl;
    int rc = ssl != NULL ? 0 : ENOMEM;
    bool done = false;
    link->handshake.most = TDS_LOGIN_MOST;
    link->mode = TDS_LINK_HANDSHAKE;
    while (rc == 0 && !done) {
        bool wanting = false;
        ERR_clear_error();
        int answer = SSL_do_handshake(link->ssl);
        int how = SSL_get_error(link->ssl, answer);
        done = answer == 1;
        rc = flush_tls(link, within); /* its alert, too, if it has failed */
        if (rc == 0 && !done) {
            rc = how == SSL_ERROR_WANT_READ ? feed_handshake(link, within, &wanting) : refuse_tls(link);
        }
        if (rc == 0 && wanting) {
            rc = wait_and_receive(link);
        }
    }
    link->mode = login_only ? TDS_LINK_LOGIN_ONLY : TDS_LINK_TLS;
    return rc;
}

/* ---- messages ---- */

/* As far as the bytes go that are here. */
static int take_message(struct tds_link *link)
{
    bool wanting = false;
    int rc = 0;
    while (rc == 0 && !link->whole && !wanting) {
        size_t used;
        if (link->plain.length == 0) {
            rc = convert(link, &wanting);
            wanting = wanting && link->plain.length == 0; /* TLS had some left */
            continue;
        }
        rc = tds_input_take(&link->input, link->plain.bytes, link->plain.length, &used, &link->whole,
                            &link->error);
        OPENSSL_cleanse(link->plain.bytes, used); /* it may have been a password */
        tds_drop(&link->plain, used);
    }
    return rc;
}

int tds_link_next(struct tds_link *link)
{
    int rc = link->whole ? 0 : take_message(link);
    while (rc == 0 && !link->whole) {
        rc = wait_and_receive(link);
        rc = rc == 0 ? take_message(link) : rc;
    }
    link->whole = false;
    return rc;
}

int tds_link_look(struct tds_link *link)
{
    short seen;
    struct pollfd poll_for = {.fd = link->socket, .events = POLLIN | POLLRDHUP};
    int rc = 0;
    seen = poll(&poll_for, 1, 0) > 0 ? poll_for.revents : 0;
    if ((seen & POLLIN) != 0 && link->raw.length < UNREAD_MOST) {
        rc = receive(link);
    }
    if (rc == 0 && !link->whole) {
        rc = take_message(link);
    }
    return rc == 0 && (seen & (POLLRDHUP | POLLHUP | POLLERR)) != 0 ? ECONNRESET : rc;
}

int tds_link_peek_tls(struct tds_link *link, bool *tls)
{
    int rc = 0;
    while (rc == 0 && link->raw.length == 0) {
        rc = wait_and_receive(link);
    }
    *tls = rc == 0 && link->raw.bytes[0] >= RECORD_FIRST && link->raw.bytes[0] <= RECORD_LAST;
    return rc;
}

static int write_tls(struct tds_link *link, const uint8_t *bytes, size_t size)
{
    int rc = 0;
    while (rc == 0 && size > 0) {
        int piece = size < CHUNK ? (int)size : CHUNK;
        ERR_clear_error();
        rc = SSL_write(link->ssl, bytes, piece) == piece ? flush_tls(link, false) : refuse_tls(link);
        bytes += piece;
        size -= (size_t)piece;
    }
    return rc;
}

int tds_link_write(struct tds_link *link, const uint8_t *bytes, size_t size)
{
    return link->mode == TDS_LINK_TLS ? write_tls(link, bytes, size) : send_all(link, bytes, size);
}

/* ---- for who passes on what comes ---- */

int tds_link_read(struct tds_link *link)
{
    return receive(link);
}

int tds_link_piece(struct tds_link *link, bool *encrypted)
{
    bool wanting = false, whole;
    size_t used = 0;
    int rc = 0;
    *encrypted = link->mode == TDS_LINK_TLS;
    while (rc == 0 && link->plain.length == 0 && !wanting) {
        bool record = link->mode == TDS_LINK_LOGIN_ONLY && login_record_size(link, &wanting) > 0;
        if (link->mode == TDS_LINK_LOGIN_ONLY && at_packet(&link->input) && !record && !wanting) {
            link->mode = TDS_LINK_PLAIN; /* the login is over */
        }
        *encrypted = *encrypted || record;
        rc = wanting ? 0 : convert(link, &wanting);
    }
    if (rc == 0 && link->mode == TDS_LINK_LOGIN_ONLY && link->plain.length > 0 &&
        tds_input_take(&link->input, link->plain.bytes, link->plain.length, &used, &whole, &link->error) !=
            0) {
        link->mode = TDS_LINK_PLAIN;
    }
    return rc;
}

int tds_link_pass(struct tds_link *link, const uint8_t *bytes, size_t size, bool encrypted)
{
    bool tls = link->mode == TDS_LINK_TLS || (encrypted && link->ssl != NULL);
    return tls ? write_tls(link, bytes, size) : send_all(link, bytes, size);
}

void tds_link_free(struct tds_link *link)
{
    SSL_free(link->ssl);
    tds_buffer_free(&link->raw);
    tds_buffer_free(&link->plain);
    tds_input_free(&link->handshake);
    tds_input_free(&link->input);
}
