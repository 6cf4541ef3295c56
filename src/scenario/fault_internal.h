/* fault_internal.h - what parsing and printing of faults share. Not for other folders. */
#ifndef VDIFAULT_FAULT_INTERNAL_H
#define VDIFAULT_FAULT_INTERNAL_H

#include "fault.h"

enum {
    FAULT_ARGS_MAX = sizeof(((struct fault_info *)0)->args) / sizeof(struct fault_arg_info)
};

/* Value of a named argument as a number: the index in the list of values, or the number itself. */
int32_t fault_argument(const struct fault *fault, const char *name);
void fault_set_argument(struct fault *fault, const char *name, int32_t value);

/* Index of `word` in a list "a|b|c", or -1. */
int32_t fault_value_index(const char *values, const char *word, size_t length);
/* The index-th word of such a list, with its length; NULL past the end. */
const char *fault_value_word(const char *values, int32_t index, size_t *length);

/* The fault a kind stands for when nothing but the kind is written; without a site if it has no default. */
void fault_defaults(enum fault_kind kind, struct fault *fault);

#endif
