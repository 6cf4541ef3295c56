/* answer.h - a session's results as a response of TDS (struct results, session_results.h).
 *
 * Responsible for: the order of tokens; DONE, which says whether more comes and so waits for what comes; that a message
 * is on its way before the statement goes on: clients watch the progress of BACKUP; output parameters behind all else.
 * Looks for an attention and for a peer that is gone while the session runs, and interrupts it.
 *
 * Errors: what cannot be sent sets results.broken, and nothing is sent any more. One thread.
 */
#ifndef VDIFAULT_TDS_ANSWER_H
#define VDIFAULT_TDS_ANSWER_H

#include "link.h"
#include "rpc.h"
#include "session_results.h"
#include "tokens.h"

enum {
    TDS_DATABASE_MOST = 1024
};

struct tds_answer {
    struct results results; /* first */
    struct tds_link *link;
    struct tds_tokens tokens;
    struct tds_output output;
    struct tds_buffer packets;
    atomic_bool *interrupted;             /* the session's */
    char database[TDS_DATABASE_MOST];     /* in use, as the client knows it */
    bool silent;                          /* the login has not been answered yet */
    bool attention;                       /* is to be acknowledged */
    bool in_procedure;                    /* the tokens of a call */
    bool failed;                          /* a statement of the request has */
    const struct results_column *columns; /* of the result set that is being sent */
    /* of the call that runs: where its output parameters' values go, which parameters they are, and the first's number */
    struct tds_buffer returned;
    const struct tds_parameter *parameters;
    uint32_t first_ordinal;
    /* the end of what was last sent, until it is known whether more comes */
    bool pending;
    uint16_t status, command;
    uint64_t rows;
};

void tds_answer_init(struct tds_answer *answer, struct tds_link *link, const char *server,
                     atomic_bool *interrupted);
void tds_answer_free(struct tds_answer *answer);

/* What is to come before the next token: a DONE that waits. Whoever writes tokens of his own calls it first. */
void tds_answer_settle(struct tds_answer *answer);
/* A message of the server's, not of a statement's. */
void tds_answer_say(struct tds_answer *answer, int32_t number, int32_t severity, int32_t state,
                    const char *text);
/* Sends what there is. */
void tds_answer_flush(struct tds_answer *answer);
/* Ends a response. An attention that came meanwhile is acknowledged in a message of its own: drivers that have not yet
 * seen the beginning of the response wait for the end of both. */
void tds_answer_end(struct tds_answer *answer);
void tds_answer_acknowledge(struct tds_answer *answer); /* of an attention that had nothing to end */
/* Ends one call of a procedure; handle: NULL, or what its first parameter gives back; more: another one comes. */
void tds_answer_end_call(struct tds_answer *answer, const int32_t *handle, const char *name, bool more);

#endif
