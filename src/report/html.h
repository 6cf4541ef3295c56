/* html.h - the parts of html.c. Internal to src/report. */
#ifndef VDIFAULT_HTML_H
#define VDIFAULT_HTML_H

#include <jansson.h>
#include <stdio.h>

/* The files of html/, embedded at build time. */
extern const char html_page[], html_style[], html_script[];

/* What the script draws from: runs as short rows of numbers, all that repeats held once in tables. NULL: no memory. */
json_t *html_data(const json_t *sweep);

/* Without the script readable: what the sweep came to, and its distinct findings. */
void html_summary(FILE *out, const json_t *sweep);
void html_findings(FILE *out, const json_t *sweep);

/* Sites that are not reached alike each time, below the matrix; nothing without any. 0 or ENOMEM. */
int html_unsteady(FILE *out, const json_t *sweep);

/* Nothing without coverage. */
void html_coverage(FILE *out, const json_t *sweep);

/* The client's arguments as one line. */
void html_client(FILE *out, const json_t *sweep);

#endif
