/* bundle_facts.h - what a support case asks first: which machine, which versions, which libraries. */
#ifndef VDIFAULT_BUNDLE_FACTS_H
#define VDIFAULT_BUNDLE_FACTS_H

#include <jansson.h>
#include <stddef.h>

/* System, kernel, glibc, processors. The caller's. */
json_t *facts_machine(void);

/* The client of a report and the libraries it ran with, as they are now: path, size, xxh64; what is not there any more
 * has null for both. The caller's. */
json_t *facts_libraries(const json_t *report);

/* 16 hex digits. */
void facts_hash(const void *data, size_t size, char text[17]);

#endif
