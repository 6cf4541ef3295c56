/* output.h - whom sqlcmd's session answers: prints messages and result sets, in sqlcmd's own format.
 *
 * Ownership: borrows the streams; output_end releases what it holds of a result set, whose widths are known only once
 * it has ended. Errors: a reader that is gone, or no memory for its rows, is remembered (results.broken), never fatal.
 * Everything is flushed at once: clients read a pipe and wait for lines. One thread.
 */
#ifndef VDIFAULT_SQLCMD_OUTPUT_H
#define VDIFAULT_SQLCMD_OUTPUT_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "options.h"
#include "session_results.h"

enum {
    OUTPUT_SERVER_MAX = 256
};

struct output {
    struct results results; /* the session's; first */
    FILE *out;
    FILE *err;
    const struct sqlcmd_options *options;
    char server[OUTPUT_SERVER_MAX]; /* as messages name it */
    /* the result set that is being told */
    const struct results_column *columns; /* the session's */
    uint32_t column_count;
    char **cells; /* row by row; NULL is SQL's NULL */
    size_t cell_count, cell_capacity;
};

void output_init(struct output *output, const struct sqlcmd_options *options, FILE *out, FILE *err);
void output_end(struct output *output);
void output_text(struct output *output, const char *text, size_t length);

#endif
