/* results_coverage.h - which lines of the client a sweep's runs reached: the "coverage" of its report.
 *
 *     { "tool": "llvm-cov"|"gcov", "runs": n, "lost": [ids of runs that lost counters],
 *       "lines": n, "clean": n (without a fault), "faults": n (with faults alone), "missed": n,
 *       "files": [{"file", "clean", "faults", "missed": "3-7,12", "partial": lines that ran but for a part of them,
 *                  "functions": [{"name", "first", "last"}], "source": {"12": "text of the line"}}],
 *       "unreached": [{"file", "function", "first", "last", "kind": "path"|"part"|"function", "text"}] }
 *
 * A path is lines that never ran of a function that did; a function is one that never ran at all. Objects may come
 * from files and hold anything. Ownership: arguments are borrowed. Errors: 0 or errno. Threads: one at a time per
 * object.
 */
#ifndef VDIFAULT_RESULTS_COVERAGE_H
#define VDIFAULT_RESULTS_COVERAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

/* Sets the numbers and "unreached", from the files. */
int coverage_conclude(json_t *coverage);
/* Adds what another shard reached; concludes. EINVAL: one of them is no coverage. */
int coverage_merge(json_t *coverage, const json_t *other);

/* How much of the files' names is the folder that they share. */
size_t coverage_folder(const json_t *coverage);

/* The numbers, and what no fault reached; nothing for null. */
void coverage_text(FILE *out, const json_t *coverage, bool color);

#endif
