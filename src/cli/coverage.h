/* coverage.h - `vdifault sweep --coverage`: the counters that an instrumented client leaves, from each run's folder to
 * the "coverage" of the report (src/report/results_coverage.h).
 *
 * Programs of clang (-fprofile-instr-generate -fcoverage-mapping) and of gcc (--coverage) write their counters when
 * they exit; one of clang with -mllvm -runtime-counter-relocation has them in the file all the time. They are merged
 * and read by the compilers' own tools, child processes: llvm-profdata and llvm-cov, gcov-tool and gcov, or what
 * LLVM_PROFDATA, LLVM_COV, GCOV_TOOL and GCOV name.
 *
 * The folder: clean/ and faults/<worker's process number>/, in each a folder a run, and merged/ with the sum of those
 * that are gone. It lies beside the journal, if there is one, for a sweep that goes on later. Ownership: the folder is
 * the coverage's until coverage_close; workers have copies of the struct and write to folders of their own. Errors: in
 * words, `error`. Threads: one.
 */
#ifndef VDIFAULT_COVERAGE_H
#define VDIFAULT_COVERAGE_H

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "rundir.h"
#include "session.h"

struct coverage {
    char folder[RUN_PATH_MAX]; /* "": not asked for; the calls do nothing */
    char group[RUN_PATH_MAX];  /* clean/ or faults/<process number>/ */
    char run[RUN_PATH_MAX];    /* of the run that is made */
    bool continuous;           /* counters are in the file all the time, as far as known */
    uint32_t waiting;          /* folders of runs that are not merged yet */
    uint32_t clean_runs;
    bool keep;
    json_t *programs; /* files that runs had loaded: paths */
    char error[SESSION_MESSAGE_MAX];
};

/* Beside the journal, or in a folder for temporary files when that is NULL; `fresh`: what is there is of another sweep.
 * 0, or -1 with coverage->error. */
int coverage_open(struct coverage *coverage, const char *journal, bool fresh);
/* `keep`: for a sweep that goes on. */
void coverage_close(struct coverage *coverage, bool keep);

/* Around a pass of the client: where it is to leave its counters, for the session. A clean pass has no id. */
void coverage_begin_clean(struct coverage *coverage, struct session_setup *setup);
void coverage_begin(struct coverage *coverage, struct session_setup *setup, uint32_t id);
/* True: all its processes did. Its events name the programs. */
bool coverage_end(struct coverage *coverage, struct session_setup *setup, const struct session *session);

/* After the clean passes: whether anything can come of it. 0, or -1 with coverage->error. */
int coverage_check(struct coverage *coverage);
/* At the end: the report's object. `runs` is the report's array of them. NULL with coverage->error. */
json_t *coverage_value(struct coverage *coverage, const json_t *runs);

#endif
