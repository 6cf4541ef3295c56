/* page.h - text for a person, laid out for the terminal: labels, wrapped paragraphs, headings.
 *
 * Colour only on a terminal and without NO_COLOR; lines of at most 100 columns, or the terminal's if it has fewer.
 * Errors of the stream stay with the stream. One thread a page.
 */
#ifndef VDIFAULT_PAGE_H
#define VDIFAULT_PAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

enum page_tint {
    PAGE_PLAIN,
    PAGE_RED,
    PAGE_GREEN
};

struct page {
    FILE *out;
    bool color;
    int width;
};

/* The page of a stream; `out` stays the caller's. */
void page_start(struct page *page, FILE *out);

/* A line in bold, and `rest` behind it, not in bold; "" for none. */
void page_heading(struct page *page, enum page_tint tint, const char *heading, const char *rest);

/* The label, then the text wrapped between words, each line at the same column. */
void page_labelled(struct page *page, const char *label, const char *text);

/* A paragraph from the first column on. */
void page_paragraph(struct page *page, const char *text);

/* Whole lines as they are, indented. */
void page_code(struct page *page, const char *text, size_t length);

#endif
