/* sweep_calls.h - the calls around a fault, for sweep_fixture.c. */
#ifndef VDIFAULT_TESTS_SWEEP_CALLS_H
#define VDIFAULT_TESTS_SWEEP_CALLS_H

#include <jansson.h>

/* rule: of the finding at the end; NULL: none. device -1: none. */
json_t *sweep_calls(const char *kind, const char *site, int nth, int device, const char *rule);

#endif
