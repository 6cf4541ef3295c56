/* plain.c - see plain.h. A sequence may come in pieces: its beginning is held back until it is known what it is. */
#include "plain.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "text_print.h"

enum {
    HELD_MAX = sizeof TEXT_YELLOW, /* as long as any of ours */
    C1_LEAD = 0xc2                 /* U+0080 to U+009F are this byte and one from 0x80 to 0x9f */
};

struct plain {
    FILE *out;
    size_t held_count;
    char held[HELD_MAX];
};

static const char replacement[] = "\xef\xbf\xbd";

enum match {
    MATCH_NONE,
    MATCH_BEGINNING,
    MATCH_WHOLE
};

static enum match match_own(const char *text, size_t length)
{
    static const char *const own[] = {TEXT_BOLD, TEXT_RED, TEXT_YELLOW, TEXT_GREEN, TEXT_PLAIN};
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (strncmp(own[i], text, length) == 0) {
            return own[i][length] == '\0' ? MATCH_WHOLE : MATCH_BEGINNING;
        }
    }
    return MATCH_NONE;
}

static bool is_control(unsigned char byte)
{
    return (byte < ' ' && byte != '\n' && byte != '\t') || byte == 0x7f;
}

/* What is held turned out to be text of others. */
static void put_held(struct plain *plain)
{
    for (size_t i = 0; i < plain->held_count; i++) {
        if (is_control((unsigned char)plain->held[i])) {
            fputs(replacement, plain->out);
        } else {
            fputc(plain->held[i], plain->out);
        }
    }
    plain->held_count = 0;
}

static void put_byte(struct plain *plain, char byte)
{
    bool after_lead = plain->held_count == 1 && (unsigned char)plain->held[0] == C1_LEAD;
    if (after_lead && ((unsigned char)byte & 0xe0) == 0x80) {
        fputs(replacement, plain->out);
        plain->held_count = 0;
        return;
    }
    plain->held[plain->held_count++] = byte;
    enum match match = match_own(plain->held, plain->held_count);
    if (match == MATCH_WHOLE) {
        fwrite(plain->held, 1, plain->held_count, plain->out);
        plain->held_count = 0;
    } else if (match == MATCH_NONE && plain->held_count > 1) {
        plain->held_count--; /* the last byte may begin a sequence of its own */
        put_held(plain);
        put_byte(plain, byte);
    } else if (match == MATCH_NONE && (unsigned char)byte != C1_LEAD) {
        put_held(plain);
    }
}

static ssize_t plain_write(void *cookie, const char *bytes, size_t size)
{
    struct plain *plain = cookie;
    for (size_t i = 0; i < size; i++) {
        put_byte(plain, bytes[i]);
    }
    return ferror(plain->out) ? 0 : (ssize_t)size;
}

static int plain_end(void *cookie)
{
    struct plain *plain = cookie;
    put_held(plain);
    int failed = fflush(plain->out) != 0 || ferror(plain->out);
    free(plain);
    return failed ? EOF : 0;
}

FILE *plain_open(FILE *out)
{
    struct plain *plain = malloc(sizeof *plain);
    FILE *stream = NULL;
    if (plain != NULL) {
        *plain = (struct plain){.out = out};
        stream = fopencookie(plain, "w", (cookie_io_functions_t){.write = plain_write, .close = plain_end});
    }
    if (stream == NULL) {
        free(plain);
    }
    return stream;
}

int plain_close(FILE *plain)
{
    errno = 0;
    return fclose(plain) == 0 ? 0 : errno != 0 ? errno : EIO;
}
