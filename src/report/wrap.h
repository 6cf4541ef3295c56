/* wrap.h - text for a person, wrapped between words. Errors of the stream stay with the stream. */
#ifndef VDIFAULT_WRAP_H
#define VDIFAULT_WRAP_H

#include <stdio.h>

enum {
    WRAP_INDENT = 12 /* where what follows a label starts */
};

/* The words of `text` from the column `at` on, where the stream stands, in lines of at most `width`; further lines
 * start at `indent`. */
void wrap_words(FILE *out, int width, int indent, int at, const char *text);

/* "  label     text", continued under the text. */
void wrap_labelled(FILE *out, int width, const char *label, const char *text);

#endif
