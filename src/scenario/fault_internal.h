/* fault_internal.h - what parsing and printing of faults share. Not for other folders. */
#ifndef VDIFAULT_FAULT_INTERNAL_H
#define VDIFAULT_FAULT_INTERNAL_H

#include "fault.h"

/* Index of `word` in a list "a|b|c", or -1. */
int32_t fault_value_index(const char *values, const char *word, size_t length);

/* The fault a kind stands for when nothing but the kind is written; without a site if it has no default. */
void fault_defaults(enum fault_kind kind, struct fault *fault);

/* ---- fault_calls.c: of rows, as in struct fault_info ---- */
bool fault_fits_close(const struct fault *fault, char *why, size_t size);
bool fault_fits_abort(const struct fault *fault, char *why, size_t size);
bool fault_fits_error(const struct fault *fault, char *why, size_t size);
bool fault_fits_error_after(const struct fault *fault, char *why, size_t size);

#endif
