/* batch.h - scripts: lines in, batches out.
 *
 * Responsible for: telling GO and sqlcmd's own commands from T-SQL, which takes knowing whether a line begins
 * inside a string, a quoted name or a comment. Not responsible for: what commands mean, scripting variables.
 * Ownership: the script owns its text. Errors: enum values. One thread.
 */
#ifndef VDIFAULT_BATCH_H
#define VDIFAULT_BATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum tsql_line {
    TSQL_LINE_TEXT,    /* added to the batch */
    TSQL_LINE_GO,      /* ends the batch: run it script->repeat times, then tsql_script_clear */
    TSQL_LINE_COMMAND, /* ":name ...", "!!...", "exit...", "quit" or "reset": the caller's */
    TSQL_LINE_NO_MEMORY,
};

struct tsql_script {
    char *text; /* the batch so far; not terminated, NULL if empty */
    size_t length;
    size_t capacity;
    uint32_t repeat;        /* of the last GO */
    const char *terminator; /* the word for GO; NULL = "GO" */
    char quote;             /* the character that ends what the last line left open; 0 = nothing open */
    uint32_t comment;       /* depth of comments left open */
};

/* Takes one line, without its line end. A batch beyond TSQL_BATCH_MAX is kept at one byte more than that, for
 * tsql_parse to refuse. */
enum tsql_line tsql_script_line(struct tsql_script *script, const char *line, size_t length);
void tsql_script_clear(struct tsql_script *script); /* empties the batch, keeps the memory */
bool tsql_script_is_blank(const struct tsql_script *script);
void tsql_script_free(struct tsql_script *script);

#endif
