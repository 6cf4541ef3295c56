/* suppress.h - findings that the user knows and does not want to hear of.
 *
 * An entry is RULE, RULE@FUNCTION or RULE@module:NAME; '*' stands for any characters in each part. FUNCTION is one
 * of the client's, as the report names it, in any frame of the finding's stack, or the VDI function that was
 * called; NAME the file name of a program or library in any frame. A file of entries has one a line; '#' begins a
 * comment at the start of a line or after a blank.
 *
 * Responsible for: reading entries, dropping the findings they name, knowing which were of no use. Errors: 0,
 * ENOMEM, or EINVAL with `why` filled. Threads: one at a time.
 */
#ifndef VDIFAULT_REPORT_SUPPRESS_H
#define VDIFAULT_REPORT_SUPPRESS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "rules.h"
#include "symbols.h"

enum {
    SUPPRESSION_MAX = 512 /* length of an entry */
};

struct suppression {
    char *text;       /* as given */
    char *rule;       /* pattern */
    char *where;      /* pattern, or NULL: anywhere */
    bool is_module;   /* ... of module names */
    const char *file; /* borrowed; NULL: of the command line */
    uint32_t line;
    uint64_t used; /* how many findings it dropped */
};

/* Zero is empty. */
struct suppressions {
    struct suppression *list;
    size_t count;
};

int suppressions_add(struct suppressions *suppressions, const char *entry, char *why, size_t size);
/* Every entry of the file. `name` is kept, for messages. */
int suppressions_read(struct suppressions *suppressions, FILE *file, const char *name, char *why,
                      size_t size);
void suppressions_free(struct suppressions *suppressions);

/* Removes what is to be ignored; returns how many findings stay. The first entry that fits counts. */
size_t suppressions_apply(struct suppressions *suppressions, struct symbols *symbols,
                          struct finding *findings, size_t count);

/* The entry that would ignore this finding and those like it. */
void suppression_for(struct symbols *symbols, const struct finding *finding, char *text, size_t size);

#endif
