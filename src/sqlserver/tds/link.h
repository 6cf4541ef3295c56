/* link.h - the bytes of one connection: a socket, and TLS between it and TDS where that was agreed on.
 *
 * Responsible for: whole messages from the peer; packets to it; a handshake within PRELOGIN packets, or before everything
 * (TDS 8); deadlines. Encryption of the login alone ends when the peer's next packet is not encrypted: some drivers
 * encrypt the first packet, some all of the login.
 * While a write waits, what the peer sends meanwhile is read, to a bound: a peer that does not read may still say so.
 *
 * Errors: 0; ECONNRESET: the peer has closed; ETIMEDOUT; EINTR: *interrupted was set; ENOMEM; EPROTO with *error.
 * Ownership: the link owns neither socket nor context. One thread.
 */
#ifndef VDIFAULT_TDS_LINK_H
#define VDIFAULT_TDS_LINK_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "packet.h"

enum tds_link_mode {
    TDS_LINK_PLAIN,
    TDS_LINK_HANDSHAKE,  /* TLS within PRELOGIN packets */
    TDS_LINK_LOGIN_ONLY, /* what the peer sends may be encrypted, packet by packet; what it is sent is not */
    TDS_LINK_TLS,
};

struct tds_link {
    int socket; /* non-blocking */
    const atomic_bool *interrupted;
    int64_t deadline; /* os_now(); for everything */
    enum tds_link_mode mode;
    SSL *ssl;
    struct tds_buffer raw;      /* as it came from the socket */
    struct tds_buffer plain;    /* decrypted */
    struct tds_input handshake; /* PRELOGIN packets with TLS in them */
    struct tds_input input;     /* the message that arrives, or has arrived */
    bool encrypted;             /* TDS_LINK_LOGIN_ONLY: its packet that is being read is */
    bool whole;                 /* it has: until tds_link_next */
    struct tds_error error;
};

/* Waits for the first byte: whether it is TLS's. */
int tds_link_peek_tls(struct tds_link *link, bool *tls);
/* Carries out a handshake, and takes over ssl (NULL: ENOMEM). within: in PRELOGIN packets; login_only: what comes afterwards is not encrypted. */
int tds_link_handshake(struct tds_link *link, SSL *ssl, bool within, bool login_only);
/* Waits for a whole message in link->input. */
int tds_link_next(struct tds_link *link);
/* Reads what is there without waiting: link->whole says whether a message is. */
int tds_link_look(struct tds_link *link);
int tds_link_write(struct tds_link *link, const uint8_t *bytes, size_t size);

/* For who passes on what comes, instead of tds_link_next. Reads from the socket without waiting. */
int tds_link_read(struct tds_link *link);
/* Some of what was read comes to be in link->plain, which the caller empties; nothing: more must be read. *encrypted: so
 * it came. */
int tds_link_piece(struct tds_link *link, bool *encrypted);
/* Writes as it came from the other side: that of the login alone may be encrypted. */
int tds_link_pass(struct tds_link *link, const uint8_t *bytes, size_t size, bool encrypted);
void tds_link_free(struct tds_link *link);

#endif
