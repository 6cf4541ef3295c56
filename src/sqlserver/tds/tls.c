/* tls.c - see tls.h. */
#include "tls.h"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/x509v3.h>
#include <string.h>

enum {
    VALID_SECONDS = 7 * 24 * 3600, /* on both sides of now: clocks differ */
};

static const unsigned char protocol[] = {7, 't', 'd', 's', '/', '8', '.', '0'};

static bool name_it(X509 *certificate)
{
    X509_NAME *name = X509_get_subject_name(certificate);
    X509_EXTENSION *names =
        X509V3_EXT_conf_nid(NULL, NULL, NID_subject_alt_name, "DNS:localhost,IP:127.0.0.1,IP:::1");
    bool named =
        names != NULL &&
        X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const unsigned char *)"vdifault", -1, -1, 0) &&
        X509_set_issuer_name(certificate, name) && X509_add_ext(certificate, names, -1);
    X509_EXTENSION_free(names);
    return named;
}

static X509 *make_certificate(EVP_PKEY *key)
{
    X509 *certificate = X509_new();
    if (certificate == NULL || !X509_set_version(certificate, X509_VERSION_3) ||
        !ASN1_INTEGER_set(X509_get_serialNumber(certificate), 1) ||
        X509_gmtime_adj(X509_getm_notBefore(certificate), -VALID_SECONDS) == NULL ||
        X509_gmtime_adj(X509_getm_notAfter(certificate), VALID_SECONDS) == NULL ||
        !X509_set_pubkey(certificate, key) || !name_it(certificate) ||
        X509_sign(certificate, key, EVP_sha256()) == 0) {
        X509_free(certificate);
        return NULL;
    }
    return certificate;
}

/* A client that offers no protocol gets none, one that offers others is refused. */
static int choose_protocol(SSL *ssl, const unsigned char **out, unsigned char *length,
                           const unsigned char *in, unsigned int size, void *context)
{
    (void)ssl, (void)context;
    unsigned char *chosen;
    if (SSL_select_next_proto(&chosen, length, protocol, sizeof protocol, in, size) !=
        OPENSSL_NPN_NEGOTIATED) {
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    }
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

SSL_CTX *tds_tls_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    EVP_PKEY *key = EVP_EC_gen("P-256");
    X509 *certificate = key != NULL ? make_certificate(key) : NULL;
    bool made = context != NULL && certificate != NULL &&
                SSL_CTX_use_certificate(context, certificate) == 1 &&
                SSL_CTX_use_PrivateKey(context, key) == 1 &&
                SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1;
    if (made) {
        /* No tickets: nothing may come behind a handshake that only the login needs. */
        SSL_CTX_set_options(context, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
        SSL_CTX_set_num_tickets(context, 0);
        SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
        SSL_CTX_set_alpn_select_cb(context, choose_protocol, NULL);
    } else {
        SSL_CTX_free(context);
        context = NULL;
    }
    X509_free(certificate);
    EVP_PKEY_free(key);
    return context;
}

SSL_CTX *tds_tls_client_new(void)
{
    SSL_CTX *context = SSL_CTX_new(TLS_client_method());
    if (context != NULL) {
        SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
        SSL_CTX_set_security_level(context, 0); /* old servers have small keys */
        SSL_CTX_set_min_proto_version(context, TLS1_VERSION);
    }
    return context;
}

/* Between two memory BIOs. */
static SSL *make_tls(SSL_CTX *context, bool strict)
{
    SSL *ssl = SSL_new(context);
    BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
    if (ssl == NULL || in == NULL || out == NULL ||
        SSL_set_max_proto_version(ssl, strict ? TLS1_3_VERSION : TLS1_2_VERSION) != 1) {
        SSL_free(ssl);
        BIO_free(in);
        BIO_free(out);
        return NULL;
    }
    SSL_set_bio(ssl, in, out); /* owns both */
    return ssl;
}

SSL *tds_tls_accept(SSL_CTX *context, bool strict)
{
    SSL *ssl = make_tls(context, strict);
    if (ssl != NULL) {
        SSL_set_accept_state(ssl);
    }
    return ssl;
}

SSL *tds_tls_connect(SSL_CTX *context, bool strict, const char *host)
{
    SSL *ssl = make_tls(context, strict);
    if (ssl != NULL) {
        SSL_set_connect_state(ssl);
        (void)SSL_set_tlsext_host_name(ssl, host);
        (void)(strict && SSL_set_alpn_protos(ssl, protocol, sizeof protocol));
    }
    return ssl;
}

const char *tds_tls_error(void)
{
    unsigned long error = ERR_peek_last_error();
    const char *reason = error != 0 ? ERR_reason_error_string(error) : NULL;
    ERR_clear_error();
    return reason != NULL ? reason : "the handshake failed";
}
