/* sanitizer_text.h - a report of a sanitizer's, out of the text it came in: what is wrong, and where.
 *
 * Responsible for: the reports of AddressSanitizer, LeakSanitizer, MemorySanitizer, ThreadSanitizer and
 * UndefinedBehaviorSanitizer, of gcc and clang. Of several in one text the first counts.
 * Ownership: `text` is the caller's. Errors: a text without a report has none; a report of an unknown form has a line,
 * and maybe no kind. Threads: any, with texts of their own.
 */
#ifndef VDIFAULT_SANITIZER_TEXT_H
#define VDIFAULT_SANITIZER_TEXT_H

#include <stdint.h>
#include <stdio.h>

enum {
    SANITIZER_LINE_MAX = 512,
    SANITIZER_KIND_MAX = 48,
    SANITIZER_NAME_MAX = 64,
    SANITIZER_FRAMES_MAX = 16,
};

struct sanitizer_frame {
    uint64_t address;                  /* 0: of UndefinedBehaviorSanitizer's line */
    char function[SANITIZER_NAME_MAX]; /* "": unknown */
    char path[SANITIZER_LINE_MAX];     /* of the source, as it was compiled; "": unknown */
    unsigned line;                     /* 0: unknown */
};

struct sanitizer_text {
    char line[SANITIZER_LINE_MAX]; /* the first telling one; "": no report */
    char kind[SANITIZER_KIND_MAX]; /* "heap-use-after-free", "signed integer overflow" */
    struct sanitizer_frame frames[SANITIZER_FRAMES_MAX]; /* the first stack behind that line, inmost first */
    uint32_t frame_count;
};

/* To the end of `in`; each line also goes to `copy`, unless NULL. */
void sanitizer_text_read(FILE *in, FILE *copy, struct sanitizer_text *text);

#endif
