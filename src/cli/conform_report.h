/* conform_report.h - the result of `vdifault conform` as text and as JSON. */
#ifndef VDIFAULT_CONFORM_REPORT_H
#define VDIFAULT_CONFORM_REPORT_H

#include <stdio.h>

#include "conform_judge.h"

void conform_print(FILE *out, const struct conform_result *result, const char *library, const char *server,
                   bool color);

/* 0 or errno. */
int conform_write_json(FILE *out, const struct conform_result *result, const char *library,
                       const char *server, int exit_status);

#endif
