/* dialect.h - the other readings of what the documents contradict (spec 2.6, 14; design 5).
 *
 * Each contradiction a client could meet has a default reading and another one. A client process is put under
 * others by VDI_DIALECT, a comma-separated list of NAME:VALUE, e.g. "timeout-unit:s,close-open:noerror". It is
 * read at Create and OpenInSecondary and holds for that life of the set.
 *
 * libc only, no allocation, no shared state.
 */
#ifndef VDIFAULT_CORE_DIALECT_H
#define VDIFAULT_CORE_DIALECT_H

#include <stdbool.h>
#include <stddef.h>

#define DIALECT_VARIABLE "VDI_DIALECT"

enum dialect_choice {
    DIALECT_OPEN_ACTIVE,     /* X1: OpenDevice in Active that opens nothing, for whatever reason */
    DIALECT_GET_AFTER_CLOSE, /* X2: GetCommand after VD_E_CLOSE while other devices are open */
    DIALECT_CLOSE_OPEN,      /* X3: Close with open devices */
    DIALECT_TIMEOUT_UNIT,    /* X6: unit of a positive timeout */
    DIALECT_GETCFG_ABORTED,  /* spec 14 item 1: GetConfiguration on a set that is already aborted */
    DIALECT_CHOICES
};

struct dialect_info {
    const char *name;
    const char *contradiction; /* where the spec describes it */
    const char *usual;         /* value of the default reading */
    const char *other;         /* value of the other one */
    const char *summary;       /* what the other reading changes */
};
extern const struct dialect_info dialect_table[DIALECT_CHOICES];

struct dialect {
    bool other[DIALECT_CHOICES]; /* all false: the default readings */
};

/* Parses VDI_DIALECT's value; NULL or empty gives the default readings. 0, or EINVAL with *error at the item
 * that is none. */
int dialect_parse(const char *text, struct dialect *dialect, const char **error);

#endif
