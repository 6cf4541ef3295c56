/* proxy_connection.h - one connection of a client to a real server, passed on.
 *
 * Responsible for: bytes in both directions, unchanged and in order, and TLS on both sides where they agree on it: the
 * client's ends here, at our certificate, and another begins here, whose server may have any. What the two say is
 * followed on the side (exchange.h), before it is passed on: what a client has got is kept.
 * Not responsible for: who connects, and where answers are kept (proxy.c).
 *
 * Errors: *error in words, "" that both sides have closed. Threads: one a connection.
 */
#ifndef VDIFAULT_TDS_PROXY_CONNECTION_H
#define VDIFAULT_TDS_PROXY_CONNECTION_H

#include <openssl/ssl.h>

#include "exchange.h"

struct tds_proxy {
    const char *host;
    const char *port;
    SSL_CTX *server_tls; /* towards the client */
    SSL_CTX *client_tls; /* towards the server */
    void (*keep)(void *context, struct answer *answer);
    void (*tell)(void *context, const char *line);
    void *context;
};

/* Both sockets are non-blocking, and stay the caller's. */
void tds_proxy_pass(int client, int server, const struct tds_proxy *proxy, struct tds_error *error);

#endif
