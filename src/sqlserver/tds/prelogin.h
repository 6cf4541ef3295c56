/* prelogin.h - PRELOGIN (MS-TDS 2.2.6.5): what a client asks for before it logs in, what it is answered, and who of the
 * two encrypts what.
 *
 * Pure. Errors: 0, or EPROTO with *error. The options borrow the message. Any thread.
 */
#ifndef VDIFAULT_TDS_PRELOGIN_H
#define VDIFAULT_TDS_PRELOGIN_H

#include "bytes.h"

enum tds_encrypt {
    TDS_ENCRYPT_OFF, /* the login alone */
    TDS_ENCRYPT_ON,
    TDS_ENCRYPT_NOT_SUPPORTED,
    TDS_ENCRYPT_REQUIRED,
    TDS_ENCRYPT_COUNT
};

struct tds_prelogin {
    uint8_t version[4]; /* of the client's library */
    enum tds_encrypt encrypt;
    char instance[64]; /* "": none was named */
    bool mars;
    bool federated;
    bool nonce;
};

int tds_prelogin_read(const uint8_t *bytes, size_t size, struct tds_prelogin *prelogin,
                      struct tds_error *error);

/* What the server can do. */
enum tds_encryption {
    TDS_ENCRYPTION_SUPPORTED,
    TDS_ENCRYPTION_NONE,
    TDS_ENCRYPTION_REQUIRED,
    TDS_ENCRYPTION_COUNT
};

struct tds_agreement {
    enum tds_encrypt answer;
    bool tls;        /* a handshake comes next */
    bool login_only; /* and encryption ends with the login */
    bool refused;    /* the client cannot do what the server requires */
};
struct tds_agreement tds_prelogin_agree(enum tds_encryption server, enum tds_encrypt client);

/* The body of the answer. No MARS: a session has one statement at a time. */
void tds_prelogin_answer(struct tds_buffer *out, const struct tds_prelogin *prelogin,
                         enum tds_encrypt answer);

#endif
