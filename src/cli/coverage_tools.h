/* coverage_tools.h - the compilers' own tools, which merge and read counters (coverage.h).
 *
 * A folder of counters has llvm/ with *.profraw or the merged all.profdata, and gcov/ with *.gcda by the path of their
 * object file. Errors: 0, or -1 with `why` in words. Threads: one.
 */
#ifndef VDIFAULT_COVERAGE_TOOLS_H
#define VDIFAULT_COVERAGE_TOOLS_H

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* Whether a program left anything below the folder. */
bool counters_are_in(const char *folder);

/* Adds the counters of `folder` to those of group/merged; the folder is gone then. What cannot be read is left out; -1
 * is a tool that does not run. */
int counters_merge(const char *group, const char *const *folders, size_t count, char *why, size_t size);

/* What llvm-cov export and gcov --json-format tell of merged counters, for each object they print. */
typedef int counters_take(void *context, const json_t *object);
struct counters_reader {
    const json_t *programs; /* paths, for llvm-cov */
    counters_take *llvm;
    counters_take *gcov;
    void *context;
};
int counters_read(const char *merged, const struct counters_reader *reader, char *why, size_t size);

#endif
