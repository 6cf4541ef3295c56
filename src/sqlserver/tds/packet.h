/* packet.h - messages of TDS, and the packets they are cut into (MS-TDS 2.2.3).
 *
 * Responsible for: joining a peer's packets, which arrive in any pieces, to messages of a bounded size; cutting our
 * messages into packets of the size that was agreed on. Pure: bytes in, bytes out.
 *
 * Errors: 0, ENOMEM, or EPROTO with *error saying what was wrong: the connection is of no more use then.
 * Ownership: struct tds_input owns its message. One thread.
 */
#ifndef VDIFAULT_TDS_PACKET_H
#define VDIFAULT_TDS_PACKET_H

#include "bytes.h"

enum tds_message_type {
    TDS_BATCH = 0x01,
    TDS_OLD_LOGIN = 0x02,
    TDS_RPC = 0x03,
    TDS_RESPONSE = 0x04,
    TDS_ATTENTION = 0x06,
    TDS_BULK_LOAD = 0x07,
    TDS_FEDERATED = 0x08,
    TDS_TRANSACTION = 0x0e,
    TDS_LOGIN7 = 0x10,
    TDS_SSPI = 0x11,
    TDS_PRELOGIN = 0x12,
};

enum {
    TDS_HEADER_SIZE = 8,
    TDS_PACKET_LEAST = 512,
    TDS_PACKET_FIRST = 4096, /* before anything is agreed on */
    TDS_PACKET_MOST = 32767,
    TDS_MESSAGE_MOST =
        4 << 20, /* of a request: a batch of the longest text that is taken, and room for parameters */
    TDS_LOGIN_MOST = 128 << 10, /* of everything before a login has succeeded */
};

/* What arrives. All zero but `most`: nothing yet. */
struct tds_input {
    struct tds_buffer message; /* without headers */
    size_t most;               /* bytes a message may have */
    uint8_t type;              /* enum tds_message_type */
    bool reset;                /* the session is to start afresh before it ... */
    bool keep_transaction;     /* ... but for its transaction */
    bool ignored;              /* it was given up half-way: not to be carried out */
    /* the packet that is being read */
    uint8_t header[TDS_HEADER_SIZE];
    uint8_t header_length;
    bool last;
    uint32_t left; /* bytes of its data that are missing */
};

/* Takes bytes until they are used up or a message is whole, which the next call forgets. */
int tds_input_take(struct tds_input *input, const uint8_t *bytes, size_t size, size_t *used, bool *whole,
                   struct tds_error *error);
bool tds_input_is_between(const struct tds_input *input); /* no message has been begun */
void tds_input_free(struct tds_input *input);

/* What is sent. */
struct tds_output {
    struct tds_buffer tokens; /* of the message, and not yet cut */
    struct tds_buffer *out;   /* where the packets go */
    uint32_t packet_size;
    uint16_t session; /* in each header */
    uint8_t packet;   /* number of the next */
};

/* Cuts full packets off; `flush`: what is left, too; `end`: the message ends with that, even an empty one. */
void tds_output_cut(struct tds_output *output, enum tds_message_type type, bool flush, bool end);

#endif
