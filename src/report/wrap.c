/* wrap.c - see wrap.h. */
#include "wrap.h"

#include <string.h>

static const char *skip_blanks(const char *text)
{
    return text + strspn(text, " \n");
}

void wrap_words(FILE *out, int width, int indent, int at, const char *text)
{
    const char *gap = "";

    for (text = skip_blanks(text); *text != '\0'; text = skip_blanks(text)) {
        int word = (int)strcspn(text, " \n");

        if (gap[0] != '\0' && at + 1 + word > width) {
            fprintf(out, "\n%*s", indent, "");
            at = indent;
            gap = "";
        }
        at += fprintf(out, "%s%.*s", gap, word, text);
        text += word;
        gap = " ";
    }
    fputc('\n', out);
}

void wrap_labelled(FILE *out, int width, const char *label, const char *text)
{
    int at = fprintf(out, "  %-*s ", WRAP_INDENT - 3, label);

    wrap_words(out, width, WRAP_INDENT, at, text);
}
