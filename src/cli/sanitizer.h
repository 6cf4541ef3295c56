/* sanitizer.h - the reports that the client's sanitizers wrote into the run's folder. */
#ifndef VDIFAULT_SANITIZER_H
#define VDIFAULT_SANITIZER_H

#include <stdint.h>

#include "rundir.h"

/* `line` is the report's first telling line. */
typedef void sanitizer_report(void *context, uint32_t process, const char *line);

/* Copies each report to stderr, hands it to `visit`, and removes it, so that a second look finds what is new.
 */
void sanitizer_collect(const struct rundir *dir, sanitizer_report *visit, void *context);

#endif
