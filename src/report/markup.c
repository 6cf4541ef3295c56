/* markup.c - see markup.h. */
#include "markup.h"

#include <errno.h>
#include <stdbool.h>

/* How a byte has to be written; NULL: as it is. */
static const char *replacement(unsigned char byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\'':
        return "&#39;";
    case '\n': /* an attribute's value would turn these into blanks */
        return "&#10;";
    case '\t':
        return "&#9;";
    case 0x7f:
        return "\xef\xbf\xbd";
    default:
        return byte < ' ' ? "\xef\xbf\xbd" : NULL;
    }
}

/* What would not be seen as it is written: U+FFFE, U+FFFF, and U+202A to 202E, U+2066 to 2069, which turn the order of
 * what follows. All of them are three bytes long. */
static bool is_unseen(const char *text)
{
    const unsigned char *bytes = (const unsigned char *)text;

    return (bytes[0] == 0xef && bytes[1] == 0xbf && bytes[2] >= 0xbe) ||
           (bytes[0] == 0xe2 && bytes[1] == 0x80 && bytes[2] >= 0xaa && bytes[2] <= 0xae) ||
           (bytes[0] == 0xe2 && bytes[1] == 0x81 && bytes[2] >= 0xa6 && bytes[2] <= 0xa9);
}

void markup_text(FILE *out, const char *text)
{
    for (; *text; text++) {
        const char *instead = replacement((unsigned char)*text);

        if (instead) {
            fputs(instead, out);
        } else if (is_unseen(text)) {
            fputs("\xef\xbf\xbd", out);
            text += 2;
        } else {
            fputc(*text, out);
        }
    }
}

/* '<' occurs in JSON's strings only, where it can be written by its number: no "</script", no "<!--". */
static int write_escaped(const char *bytes, size_t size, void *context)
{
    FILE *out = context;

    for (size_t i = 0; i < size; i++) {
        if (bytes[i] == '<') {
            fputs("\\u003c", out);
        } else {
            fputc(bytes[i], out);
        }
    }
    return ferror(out) ? -1 : 0;
}

int markup_json(FILE *out, const json_t *value)
{
    if (json_dump_callback(value, write_escaped, out, JSON_COMPACT | JSON_ENCODE_ANY) == 0) {
        return 0;
    }
    return errno != 0 ? errno : EIO;
}
