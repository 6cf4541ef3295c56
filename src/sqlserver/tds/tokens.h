/* tokens.h - what a server says: the token stream of a response (MS-TDS 2.2.7), byte for byte.
 *
 * Responsible for: the form of each token in the version that was agreed on. Not for their order (answer.h).
 *
 * Pure. Texts are UTF-8; what is longer than a token can hold is cut at its end. A failed buffer stays failed (bytes.h).
 * Any thread.
 */
#ifndef VDIFAULT_TDS_TOKENS_H
#define VDIFAULT_TDS_TOKENS_H

#include "bytes.h"
#include "session_results.h"

struct tds_tokens {
    struct tds_buffer *out;
    uint32_t version;   /* tds_version.h */
    const char *server; /* as messages name it */
};

void tds_put_loginack(struct tds_tokens *tokens);

enum tds_environment {
    TDS_ENVIRONMENT_DATABASE = 1,
    TDS_ENVIRONMENT_LANGUAGE = 2,
    TDS_ENVIRONMENT_PACKET_SIZE = 4,
    TDS_ENVIRONMENT_COLLATION = 7, /* the server's own; of this and the next ones, nothing is given */
    TDS_ENVIRONMENT_BEGIN = 8,     /* of the one transaction that a connection has at a time */
    TDS_ENVIRONMENT_COMMIT = 9,
    TDS_ENVIRONMENT_ROLLBACK = 10,
    TDS_ENVIRONMENT_RESET = 18,
};
void tds_put_environment(struct tds_tokens *tokens, enum tds_environment kind, const char *now,
                         const char *before);

/* INFO up to severity 10, else ERROR. */
void tds_put_message(struct tds_tokens *tokens, const struct sql_message *message, const char *procedure,
                     uint32_t line);

struct tds_feature {
    uint8_t id;
    uint8_t length;
    uint8_t data[1];
};
void tds_put_features(struct tds_tokens *tokens, const struct tds_feature *features, uint32_t count);

void tds_put_columns(struct tds_tokens *tokens, const struct results_column *columns, uint32_t count);
/* A value that is none of its column's type is sent as NULL. */
void tds_put_row(struct tds_tokens *tokens, const struct results_column *columns, const char *const *values,
                 uint32_t count);

enum tds_done {
    TDS_DONE = 0xfd,
    TDS_DONE_PROCEDURE = 0xfe,
    TDS_DONE_IN_PROCEDURE = 0xff,
};
enum {
    TDS_STATUS_MORE = 0x01,
    TDS_STATUS_ERROR = 0x02,
    TDS_STATUS_COUNT = 0x10,
    TDS_STATUS_ATTENTION = 0x20,
};
void tds_put_done(struct tds_tokens *tokens, enum tds_done kind, uint16_t status, uint16_t command,
                  uint64_t rows);
void tds_put_return_status(struct tds_tokens *tokens, int32_t status);
/* What a parameter of the call that was declared OUTPUT has come to. */
void tds_put_return_value(struct tds_tokens *tokens, uint16_t ordinal, const struct results_column *parameter,
                          const char *value);

#endif
