/* json_text.h - strings of events and clients as JSON. Internal to src/report. */
#ifndef VDIFAULT_JSON_TEXT_H
#define VDIFAULT_JSON_TEXT_H

#include <jansson.h>

/* A string; bytes that are no UTF-8 become '?', since JSON cannot carry them. NULL gives null. */
json_t *json_text(const char *text);

#endif
