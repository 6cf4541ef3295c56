/* login.h - LOGIN7 (MS-TDS 2.2.6.4): who logs in, to what, and what it can do.
 *
 * Responsible for: offsets and lengths that nothing vouches for; that a password is read by nobody: its place in the
 * message is checked, and then forgotten (tds_login_wipe), for it is only obfuscated there.
 *
 * Pure. Errors: 0, ENOMEM, or EPROTO with *error. Strings are owned until tds_login_free. Any thread.
 */
#ifndef VDIFAULT_TDS_LOGIN_H
#define VDIFAULT_TDS_LOGIN_H

#include "bytes.h"

struct tds_login {
    uint32_t version; /* tds_version.h: what both sides speak, 7.1 to 7.4 */
    uint32_t packet_size;
    char *host;
    char *user;
    char *application;
    char *server;
    char *language;
    char *database; /* each "" where none was given */
    bool integrated;
    bool utf8;      /* asked for the features UTF8_SUPPORT ... */
    bool recovery;  /* ... and SESSIONRECOVERY */
    bool federated; /* the token of a directory instead of a password */
};

int tds_login_read(const uint8_t *bytes, size_t size, struct tds_login *login, struct tds_error *error);
void tds_login_free(struct tds_login *login);

/* Overwrites both passwords in the message, wherever it says that they are. */
void tds_login_wipe(uint8_t *bytes, size_t size);

#endif
