/* client_operation.h - the part of an operation that only the shared code of the reference clients uses. */
#ifndef CLIENT_OPERATION_H
#define CLIENT_OPERATION_H

#include "client_common.h"

struct operation *operation_new(const struct client_options *options, bool backup); /* NULL: out of memory */
void operation_free(struct operation *operation); /* after operation_statement_succeeded; accepts NULL */
/* For an operation whose statement another process issues: the end of `socket` is the end of the statement. */
int operation_follow(struct operation *operation, int socket); /* 0 or errno */
void operation_unfollow(struct operation *operation);          /* after shutdown of the socket */
const char *operation_reason(const struct operation *operation);
const char *operation_output(const struct operation *operation); /* what sqlcmd printed; "" if nothing */

#endif
