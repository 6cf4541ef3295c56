/* output.h - what sqlcmd prints: messages and result sets, in its own format.
 *
 * Ownership: borrows the streams. Errors: a reader that is gone is remembered (output_gone), never fatal.
 * Everything is flushed at once: clients read a pipe and wait for lines. One thread.
 */
#ifndef VDIFAULT_SQLCMD_OUTPUT_H
#define VDIFAULT_SQLCMD_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "engine.h"
#include "options.h"

enum {
    OUTPUT_SERVER_MAX = 256
};

struct output {
    FILE *out;
    FILE *err;
    const struct sqlcmd_options *options;
    char server[OUTPUT_SERVER_MAX]; /* as messages name it */
    bool gone;
};

/* One column of a one-row result. */
struct output_column {
    const char *name;  /* "" without an alias */
    const char *value; /* NULL prints as NULL */
    bool number;       /* right-aligned */
};

void output_init(struct output *output, const struct sqlcmd_options *options, FILE *out, FILE *err);
void output_message(struct output *output, const struct sql_message *message, uint32_t line);
void output_row(struct output *output, const struct output_column *columns, uint32_t count,
                bool rows_affected);
void output_text(struct output *output, const char *text, size_t length);
bool output_gone(struct output *output); /* nobody reads any more; one poll() */

#endif
