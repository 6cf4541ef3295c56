/* sanitizer_text.c - see sanitizer_text.h. */
#include "sanitizer_text.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define UNDEFINED "runtime error: "

static bool is_telling(const char *line)
{
    return strstr(line, "ERROR: ") != NULL || strstr(line, UNDEFINED) != NULL ||
           strstr(line, "WARNING: ThreadSanitizer") != NULL ||
           strstr(line, "WARNING: MemorySanitizer") != NULL;
}

/* The words before those that tell of one case only: addresses, sizes, numbers. */
static void read_kind(const char *text, char kind[SANITIZER_KIND_MAX])
{
    size_t length = 0;
    while (text[length] != '\0' && length < SANITIZER_KIND_MAX - 1) {
        const char *word = text + length;
        size_t size = strcspn(word, " :(\n");
        bool counts = strcspn(word, "0123456789") >= size && strncmp(word, "on ", 3) != 0;
        if (size == 0 || (length > 0 && !counts)) {
            break;
        }
        length += size;
        if (text[length] != ' ') {
            break;
        }
        length++;
    }
    length = length < SANITIZER_KIND_MAX ? length : SANITIZER_KIND_MAX - 1;
    while (length > 0 && text[length - 1] == ' ') {
        length--;
    }
    memcpy(kind, text, length);
    kind[length] = '\0';
}

/* "PATH:LINE" or "PATH:LINE:COLUMN", to the end of the text. */
static void read_place(const char *text, size_t length, struct sanitizer_frame *frame)
{
    unsigned long number = 0;
    for (int part = 0; part < 2; part++) {
        size_t digits = 0;
        while (digits < length && isdigit((unsigned char)text[length - 1 - digits])) {
            digits++;
        }
        if (digits == 0 || digits + 1 >= length || text[length - 1 - digits] != ':') {
            break;
        }
        number = strtoul(text + length - digits, NULL, 10);
        length -= digits + 1;
    }
    if (number > 0 && length < sizeof frame->path) {
        frame->line = (unsigned)number;
        memcpy(frame->path, text, length);
        frame->path[length] = '\0';
    }
}

/* "    #0 0x55d5aa915203 in main /src/client.c:3:60", or "    #0 0x55d5aa915203  (/bin/client+0xa3529)". */
static bool read_frame(const char *line, struct sanitizer_frame *frame)
{
    char *end;
    *frame = (struct sanitizer_frame){0};
    const char *at = line + strspn(line, " ");
    if (at[0] != '#' || !isdigit((unsigned char)at[1])) {
        return false;
    }
    at += 1 + strspn(at + 1, "0123456789");
    frame->address = strtoull(at, &end, 16);
    at = end + strspn(end, " ");
    if (strncmp(at, "in ", 3) != 0) {
        return true;
    }
    at += 3;
    size_t length = strcspn(at, " (\n");
    snprintf(frame->function, sizeof frame->function, "%.*s", (int)length, at);
    const char *place = strchr(at, '/'); /* what may stand before are a function's parameters */
    place = place != NULL ? place : strrchr(at, ' ');
    if (place != NULL) {
        while (place > at && place[-1] != ' ') {
            place--;
        }
        place += *place == ' ' ? 1 : 0;
        read_place(place, strcspn(place, "\n"), frame);
    }
    return true;
}

static void read_telling(const char *line, struct sanitizer_text *text)
{
    snprintf(text->line, sizeof text->line, "%.*s", (int)strcspn(line, "\n"), line);
    const char *undefined = strstr(text->line, UNDEFINED);
    const char *other = strstr(text->line, "Sanitizer: ");
    if (undefined != NULL) {
        read_kind(undefined + strlen(UNDEFINED), text->kind);
        size_t length = (size_t)(undefined - text->line);
        if (length > 2) { /* "PATH:LINE:COLUMN: " */
            read_place(text->line, length - 2, &text->frames[0]);
            text->frame_count = 1;
        }
    } else if (other != NULL) {
        read_kind(other + strlen("Sanitizer: "), text->kind);
    }
}

void sanitizer_text_read(FILE *in, FILE *copy, struct sanitizer_text *text)
{
    char *line = NULL;
    size_t capacity = 0;
    bool over = false; /* the stack is */
    struct sanitizer_frame frame;
    memset(text, 0, sizeof *text);
    while (getline(&line, &capacity, in) > 0) {
        if (copy != NULL) {
            fputs(line, copy);
        }
        if (text->line[0] == '\0') {
            if (is_telling(line)) {
                read_telling(line, text);
            }
        } else if (!over && read_frame(line, &frame)) {
            if (text->frame_count < SANITIZER_FRAMES_MAX) {
                text->frames[text->frame_count++] = frame;
            }
        } else {
            over = over || text->frame_count > 0;
        }
    }
    free(line);
}
