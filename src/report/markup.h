/* markup.h - text that others wrote, inside XML and HTML. Internal to src/report. */
#ifndef VDIFAULT_MARKUP_H
#define VDIFAULT_MARKUP_H

#include <jansson.h>
#include <stdio.h>

/* As character data or within a quoted attribute: no byte of it is read as markup. What neither XML 1.0 nor HTML may
 * hold (control characters, U+FFFE and U+FFFF), and what changes the direction of writing, becomes U+FFFD. `text` is
 * UTF-8, as JSON's strings are. */
void markup_text(FILE *out, const char *text);

/* The value as JSON inside a <script> of HTML: nothing of it can end the element. 0 or errno. */
int markup_json(FILE *out, const json_t *value);

#endif
