/* exchange.h - one connection between a client and a real server, looked at from between: what was asked, and answered.
 *
 * Responsible for: following both streams of packets, in whatever pieces they come; which answer belongs to which query;
 * the text by which answers will be found: a batch's, a call's of sp_executesql and of prepared statements with its
 * parameters by name, any other as EXECUTE calls it; leaving out BACKUP and RESTORE, what the simulated server carries
 * out by itself, what was cancelled, and passwords. Logins are passed over: no byte of one is kept.
 * Not responsible for: moving bytes. Whatever cannot be followed is told in one line; nothing is ever refused.
 *
 * Pure. Ownership: tds_exchange_free releases what it holds. One thread.
 */
#ifndef VDIFAULT_TDS_EXCHANGE_H
#define VDIFAULT_TDS_EXCHANGE_H

#include "answers.h"
#include "packet.h"

struct tds_stream {
    struct tds_buffer message; /* without headers; of those that matter */
    uint8_t type;
    uint8_t header[TDS_HEADER_SIZE];
    uint8_t header_length;
    bool begun, last, cancelled, too_long;
    uint32_t left; /* of the packet at hand */
};

struct tds_statement; /* that was prepared */

struct tds_exchange {
    void (*keep)(void *context, struct answer *answer); /* may take it over, and empties it then */
    void (*tell)(void *context, const char *line);
    void *context;
    /* all zero at the start, but for version: the newest there is */
    uint32_t version;
    bool lost;      /* it cannot be followed any more */
    bool encrypted; /* columns may be */
    bool prelogin;  /* its answer, which is no tokens, comes next */
    struct tds_stream client, server;
    char *query;    /* whose answer comes next; NULL: none that is kept */
    char *prepared; /* the statement that gets a handle with it */
    struct tds_statement *statements;
    uint32_t statement_count;
};

void tds_exchange_asked(struct tds_exchange *exchange, const uint8_t *bytes, size_t size);
void tds_exchange_answered(struct tds_exchange *exchange, const uint8_t *bytes, size_t size);
void tds_exchange_free(struct tds_exchange *exchange);

#endif
