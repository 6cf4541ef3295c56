/* buggy.h - the bugs of the buggy client, one a row: which rule each breaks, and how to make it show. */
#ifndef CLIENT_BUGGY_H
#define CLIENT_BUGGY_H

enum bug_id {
    BUG_CREATE_TWICE,
    BUG_OPEN_BEFORE_CONFIG,
    BUG_OPEN_TOO_FEW,
    BUG_GET_AFTER_CLOSE,
    BUG_GET_AFTER_ABORT,
    BUG_FORGET_WRITE,
    BUG_COMPLETE_TWICE,
    BUG_ACCEPT_UNKNOWN,
    BUG_CLOSE_AFTER_FLUSH,
    BUG_CLOSE_ON_TIMEOUT,
    BUG_USE_AFTER_CLOSE,
    BUG_CLOSE_TWICE,
    BUG_CLAIM_SUCCESS,
    BUG_WAIT_FOR_EVER,
    BUG_CRASH_ON_ABORT,
    BUG_NO_CLOSE,
    BUG_SPIN,
    BUG_CLAIM_FAILURE,
    BUG_LOSE_BACKUP,
    BUG_QUIT_MIDWAY,
    BUG_COUNT
};

struct bug {
    const char *name;
    const char *rule;      /* that it breaks, and no other if it can be helped */
    const char *function;  /* at which the rule is broken; "-": the run as a whole */
    const char *fault;     /* that makes it show, as --fault takes it; "-": none */
    const char *operation; /* "restore" needs a backup made before with the same --set and --dir */
    int devices;
    const char *what;
};

extern const struct bug bug_table[BUG_COUNT];

const struct bug *bug_find(const char *name); /* NULL if unknown */
void bug_list(void); /* prints the table: a bug a line, the fields of struct bug separated by tabs */

#endif
