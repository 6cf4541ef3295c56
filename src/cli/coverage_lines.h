/* coverage_lines.h - what llvm-cov and gcov tell, as lines of files: of the runs without a fault, and of all.
 *
 * Ownership: the table's memory is its own, until cover_table_free. Errors: 0 or errno. Threads: one.
 */
#ifndef VDIFAULT_COVERAGE_LINES_H
#define VDIFAULT_COVERAGE_LINES_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <time.h>

#include "line_set.h"
#include "symbols.h"

struct cover_file {
    char *path;
    struct line_set known;   /* has code */
    struct line_set clean;   /* ran without a fault */
    struct line_set ran;     /* ... in any run */
    struct line_set partial; /* a part of it never ran in any run */
    json_t *functions;       /* by name and first line, as reports have them */
};

struct cover_table {
    struct cover_file *files;
    size_t count;
    bool clean;                    /* what is taken is of the runs without a fault */
    bool llvm;                     /* something was of llvm-cov */
    const struct symbols *symbols; /* who tells C++ names; NULL: they stay the linker's */
    time_t built;                  /* the programs: of a file that was changed later the text is not told */
};

/* counters_take: `context` is the table. */
int cover_take_llvm(void *context, const json_t *object);
int cover_take_gcov(void *context, const json_t *object);
void cover_table_free(struct cover_table *table);

/* "tool" and "files" of a report's coverage, with the source text of what did not run where it can be read. NULL: no
 * memory. */
json_t *cover_table_value(const struct cover_table *table);

#endif
