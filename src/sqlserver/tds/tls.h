/* tls.h - TLS as a server of TDS has it: a certificate that lives as long as the process, and its settings.
 *
 * Responsible for: a key (EC P-256) and a certificate signed with it, made in memory; TLS 1.2 within TDS 7, as SQL Server
 * has it, and up to 1.3 where TLS comes first (TDS 8, ALPN tds/8.0). Not for the bytes of a connection (link.h).
 *
 * Errors: NULL. Any thread.
 */
#ifndef VDIFAULT_TDS_TLS_H
#define VDIFAULT_TDS_TLS_H

#include <openssl/ssl.h>
#include <stdbool.h>

SSL_CTX *tds_tls_new(void);                         /* SSL_CTX_free */
SSL *tds_tls_accept(SSL_CTX *context, bool strict); /* between two memory BIOs; SSL_free */
/* The other side, which looks at nobody's certificate: for who records what a server answers. */
SSL_CTX *tds_tls_client_new(void);
SSL *tds_tls_connect(SSL_CTX *context, bool strict, const char *host);
const char *tds_tls_error(void); /* OpenSSL's words for what failed last, valid until the next call */

#endif
