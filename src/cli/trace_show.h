/* trace_show.h - a loaded trace through one of the printers of trace_print.h. */
#ifndef VDIFAULT_TRACE_SHOW_H
#define VDIFAULT_TRACE_SHOW_H

#include <stdbool.h>
#include <stdio.h>

#include "trace_file.h"
#include "trace_print.h"

/* judged: the printer shows findings, so that they are made first. 0 or errno. */
int trace_show(FILE *out, const struct trace_loaded *loaded, const struct trace_filter *filter,
               int (*printer)(FILE *out, const struct trace_print *print), bool judged);

#endif
