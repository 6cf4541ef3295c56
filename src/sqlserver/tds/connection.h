/* connection.h - one client of the server, from its first byte to its last: PRELOGIN, TLS, LOGIN7, requests.
 *
 * Responsible for: the order of messages (MS-TDS 3.3.5), the login, running what is asked in one session, attentions,
 * the end of a connection that the plan takes away: it is closed without DONE. Any user and password may log in; `guest`
 * is no sysadmin.
 * Not responsible for: accepting connections, and where plans and catalogs come from (main.c).
 *
 * Errors: a peer whose bytes are wrong is told where TDS has words for it, and the connection ends; *error says what was
 * wrong, "" that nothing was. Threads: one; *leaving and *interrupted may be set by a signal handler.
 */
#ifndef VDIFAULT_TDS_CONNECTION_H
#define VDIFAULT_TDS_CONNECTION_H

#include <openssl/ssl.h>
#include <stdatomic.h>

#include "bytes.h"
#include "event.h"
#include "plan.h"
#include "prelogin.h"

struct activity;
struct answers;

struct tds_server {
    const char *name; /* as messages give it, and @@SERVERNAME */
    const struct plan *plan;
    const struct answers *answers; /* --answers; NULL: none */
    struct catalog *catalog;       /* NULL: the server remembers nothing */
    struct activity *activity;     /* NULL: sessions do not see each other */
    enum process_role role;
    enum tds_encryption encryption;
    SSL_CTX *tls;
    int32_t login_seconds;      /* for everything up to the login's answer */
    const atomic_bool *leaving; /* the process is to end */
    atomic_bool *interrupted;   /* the statement that runs is; set with `leaving`, too */
};

/* The socket is non-blocking, and stays the caller's. */
void tds_connection_serve(int socket, int32_t spid, const struct tds_server *server, struct tds_error *error);

#endif
