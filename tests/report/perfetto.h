/* perfetto.h - whether a file keeps the rules of the Trace Event Format. */
#ifndef TEST_REPORT_PERFETTO_H
#define TEST_REPORT_PERFETTO_H

#include <jansson.h>
#include <stddef.h>

struct perfetto {
    size_t slices;   /* B with its E */
    size_t commands; /* b with its e */
    size_t flows;    /* s with its f */
    size_t instants;
};

/* Fails the test where a rule is broken: every B has its E on the same thread, properly nested; times ascend; b and e
 * share category, id and process; a flow begins and ends within slices; all members have their types. */
void perfetto_check(const char *text, struct perfetto *seen);

#endif
