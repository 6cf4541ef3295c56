/* text_print.h - what the parts of the text report share. Internal to src/report. */
#ifndef VDIFAULT_REPORT_TEXT_PRINT_H
#define VDIFAULT_REPORT_TEXT_PRINT_H

#include "view.h"
#include "wrap.h"

#define TEXT_BOLD   "\033[1m"
#define TEXT_RED    "\033[31m"
#define TEXT_YELLOW "\033[33m"
#define TEXT_GREEN  "\033[32m"
#define TEXT_PLAIN  "\033[0m"

/* The code, or "" where colors are not wanted. */
const char *text_color(const struct report_input *input, const char *code);

/* "label      text", wrapped between words, continued under the text. */
void text_labelled(FILE *out, const char *label, const char *text);
void text_heading(FILE *out, const struct report_input *input, const char *heading);

/* The findings, the most severe first, with the calls around them and around faults. */
void text_findings(FILE *out, const struct view *view);

#endif
