/* to_c.c - see to_c.h. */
#include "to_c.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum {
    COLUMNS = 110
};

void to_c_string(FILE *out, const char *text)
{
    fputc('"', out);
    for (const char *at = text; *at != '\0'; at++) {
        unsigned char byte = (unsigned char)*at;
        /* The second of two question marks could begin a trigraph. */
        if (byte == '"' || byte == '\\' || (byte == '?' && at > text && at[-1] == '?')) {
            fprintf(out, "\\%c", byte);
        } else if (byte == '\n') {
            fprintf(out, "\\n");
        } else if (byte < 0x20 || byte >= 0x7f) {
            fprintf(out, "\\%03o", byte); /* three digits: what follows is no part of it */
        } else {
            fputc(byte, out);
        }
    }
    fputc('"', out);
}

/* A byte inside of a comment: neither its end, nor another one's beginning, nor what joins or replaces characters. */
static void put_comment_byte(FILE *out, const char *word, size_t index)
{
    unsigned char byte = (unsigned char)word[index];
    char before = index > 0 ? word[index - 1] : '\0';
    if ((byte == '/' && before == '*') || (byte == '*' && before == '/') || (byte == '?' && before == '?')) {
        fputc(' ', out);
    }
    fputc(byte < 0x20 || byte >= 0x7f || byte == '\\' ? '.' : byte, out);
}

/* `first` is before the first line, `margin` before the others. */
static void put_text(FILE *out, const char *first, const char *margin, const char *text)
{
    size_t indent = strspn(text, " ");
    size_t begin = strlen(margin) + indent;
    size_t column = begin;
    fprintf(out, "%s%*s", first, (int)indent, "");
    for (const char *word = text + indent; *word != '\0';) {
        size_t length = strcspn(word, " \n");
        if (column > begin && column + 1 + length > COLUMNS) {
            fprintf(out, "\n%s%*s", margin, (int)indent, "");
            column = begin;
        }
        column += (size_t)fprintf(out, "%s", column > begin ? " " : "") + length;
        for (size_t i = 0; i < length; i++) {
            put_comment_byte(out, word, i);
        }
        word += length + strspn(word + length, " \n");
    }
}

void to_c_paragraph(FILE *out, const char *text)
{
    put_text(out, " * ", " * ", text);
    fputc('\n', out);
}

void to_c_comment(FILE *out, const char *text)
{
    put_text(out, "    /* ", "     * ", text);
    fprintf(out, " */\n");
}

void to_c_name(const char *text, char *name, size_t size)
{
    size_t used = 0;
    for (; *text != '\0' && used + 1 < size; text++) {
        bool part = isalnum((unsigned char)*text) != 0;
        if (part && used == 0 && isdigit((unsigned char)*text)) {
            name[used++] = '_';
        }
        if (part || (used > 0 && name[used - 1] != '_')) {
            name[used++] = part ? *text : '_';
        }
    }
    while (used > 0 && name[used - 1] == '_') {
        used--;
    }
    name[used] = '\0';
}

void to_c_includes(FILE *out)
{
    fprintf(out,
            "#include <setjmp.h>\n#include <stdarg.h>\n#include <stddef.h>\n#include <stdint.h>\n"
            "#include <unistd.h>\n\n"
            "#include <cmocka.h>\n");
}

void to_c_main(FILE *out, const char *name)
{
    fprintf(out,
            "int main(void)\n{\n"
            "    const struct CMUnitTest tests[] = {cmocka_unit_test_setup_teardown(%s, setup, teardown)};\n"
            "    return cmocka_run_group_tests(tests, NULL, NULL);\n}\n",
            name);
}
