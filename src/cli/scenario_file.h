/* scenario_file.h - a scenario from a file: text, or binary as a fuzzing engine leaves what it found.
 *
 * Responsible for: telling the forms apart, and saying in words what a file is that is neither. One thread.
 */
#ifndef VDIFAULT_SCENARIO_FILE_H
#define VDIFAULT_SCENARIO_FILE_H

#include <stdbool.h>
#include <stddef.h>

#include "scenario.h"

enum {
    SCENARIO_FILE_ERROR = 512
};

struct scenario_file {
    bool binary;
    bool plan; /* it is no scenario, but it is the plan of a client's run (plan.h) */
    char error[SCENARIO_FILE_ERROR];
    struct scenario scenario;
};

/* The path "-" is stdin. 0, or an errno with `error`: what is wrong, where (line and column), and what was expected. A text's lines of a plan go on
 * top of *plan; NULL: there must be none. */
int scenario_file_read(const char *path, struct scenario_file *file, struct plan *plan);

#endif
