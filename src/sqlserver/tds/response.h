/* response.h - what a real server answered: the token stream of a response (MS-TDS 2.2.7) as an answer (answers.h).
 *
 * Responsible for: every token that a server sends to a batch, a call or a login, in versions 7.1 to 7.4; values as text
 * in the types that answers have, others as nvarchar. Refused, because what follows could not be told apart: COMPUTE's
 * tokens, and what is no token.
 *
 * Pure. Errors: 0, ENOMEM, or EPROTO with *error. The response owns what it holds until tds_response_free. Any thread.
 */
#ifndef VDIFAULT_TDS_RESPONSE_H
#define VDIFAULT_TDS_RESPONSE_H

#include "answers.h"
#include "bytes.h"

struct tds_response {
    struct answer answer; /* without a query. Messages of USE, which come with each login, are left out */
    uint32_t version;     /* of LOGINACK; 0: it has none */
    bool encrypted;  /* columns may be from here on, which is more than is read here: FEATUREEXTACK says so */
    bool cancelled;  /* an attention ended it */
    bool has_handle; /* the first output parameter's, if it is a number: that of a prepared statement */
    int32_t handle;
};

/* A whole message. version: what was agreed on (tds_version.h); a LOGINACK in it changes it for what follows. */
int tds_response_read(const uint8_t *bytes, size_t size, uint32_t version, struct tds_response *response,
                      struct tds_error *error);
void tds_response_free(struct tds_response *response);

#endif
