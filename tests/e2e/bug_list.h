/* bug_list.h - the bugs of the buggy clients, as each of them lists its own (`buggy --list`, tests/clients/bug.h).
 * Fixture of the end-to-end tests; E2E_BUGGY names the clients. */
#ifndef E2E_BUG_LIST_H
#define E2E_BUG_LIST_H

#include "e2e.h"

enum bug_field {
    BUG_NAME,
    BUG_RULE,
    BUG_FUNCTION, /* "-": none, as in the following two */
    BUG_FAULT,
    BUG_OPERATION,
    BUG_DEVICES,
    BUG_OPTIONS,
    BUG_FIELDS = 8
};

typedef void take_bug(const char *client, char *const *bug, void *context);

/* Each bug of each client. */
void bugs_each(take_bug *take, void *context);

/* What follows verb and options of the caller's: the options that the bug needs, and the client with its arguments. */
void bugs_add_client(struct e2e_args *args, const char *client, char *const *bug);

#endif
