/* conform_judge.h - what all the cases of a library say together.
 *
 * Responsible for: which reading of each contradiction the library takes; which cells fit, differ, or could
 * not be determined. Pure: it looks at runs and does nothing else.
 */
#ifndef VDIFAULT_CONFORM_JUDGE_H
#define VDIFAULT_CONFORM_JUDGE_H

#include "conform_case.h"

enum {
    CONFORM_CASES_MAX = 512
};

enum conform_verdict {
    CONFORM_OK,
    CONFORM_OPEN,    /* it differs from our choice where the documents are silent */
    CONFORM_UNKNOWN, /* could not be determined */
    CONFORM_DIFFERS,
};

struct conform_row {
    struct client_case one;
    struct conform_run run;
    enum conform_verdict verdict;
    char expected[96];
    char got[256]; /* or, if unknown, why */
};

enum conform_reading {
    CONFORM_UNTOLD, /* no case could tell */
    CONFORM_USUAL,
    CONFORM_OTHER,
};

struct conform_result {
    struct conform_row rows[CONFORM_CASES_MAX];
    size_t count;
    enum conform_reading readings[MODEL_DIALECT_UNOFFERED]; /* by dialect; [0] is not used */
    size_t verdicts[CONFORM_DIFFERS + 1];                   /* how many rows of each */
};

void conform_judge(struct conform_result *result);

/* Of a cell: the gravest of its rows. */
enum conform_verdict conform_cell(const struct conform_result *result, enum model_function function,
                                  enum model_state state);

#endif
