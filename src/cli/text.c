/* text.c - {run}, shell quoting, seconds. */
#include "text.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dialect.h"
#include "redact.h"

static const struct text_mark *mark_at(const char *text, const struct text_mark *marks, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strncmp(text, marks[i].mark, strlen(marks[i].mark)) == 0) {
            return &marks[i];
        }
    }
    return NULL;
}

char *text_expand(const char *text, const struct text_mark *marks, size_t count)
{
    char *expanded = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&expanded, &size);
    if (out == NULL) {
        return NULL;
    }
    while (*text != '\0') {
        size_t length = strcspn(text + 1, "{") + 1; /* a mark begins with it */
        const struct text_mark *mark = mark_at(text, marks, count);
        if (mark != NULL) {
            fputs(mark->value, out);
            text += strlen(mark->mark);
        } else {
            fwrite(text, 1, length, out);
            text += length;
        }
    }
    if (fclose(out) != 0) {
        free(expanded);
        return NULL;
    }
    return expanded;
}

char *text_expand_run(const char *text, const char *folder)
{
    const struct text_mark mark = {"{run}", folder};
    return text_expand(text, &mark, 1);
}

static void quote(FILE *out, const char *word)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_@%+=:,./-";
    if (word[0] != '\0' && strspn(word, plain) == strlen(word)) {
        fputs(word, out);
        return;
    }
    fputc('\'', out);
    for (; *word != '\0'; word++) {
        if (*word == '\'') {
            fputs("'\\''", out);
        } else {
            fputc(*word, out);
        }
    }
    fputc('\'', out);
}

char *text_command_line(int argc, char *const *argv)
{
    char *line = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&line, &size);
    if (out == NULL) {
        return NULL;
    }
    for (int i = 0; i < argc; i++) {
        char *word = redact_argument(argc, argv, i);
        if (word == NULL) {
            fclose(out);
            free(line);
            return NULL;
        }
        if (i > 0) {
            fputc(' ', out);
        }
        quote(out, word);
        free(word);
    }
    if (fclose(out) != 0) {
        free(line);
        return NULL;
    }
    return line;
}

char *text_repeat_line(int argc, char *const *argv)
{
    const char *dialect = getenv(DIALECT_VARIABLE);
    char *command = text_command_line(argc, argv);
    char *whole = NULL;
    if (command == NULL || dialect == NULL || dialect[0] == '\0') {
        return command;
    }
    if (asprintf(&whole, DIALECT_VARIABLE "=%s %s", dialect, command) < 0) {
        whole = NULL;
    }
    free(command);
    return whole;
}

int text_seconds(const char *text, int64_t *milliseconds)
{
    char *end = NULL;
    if (strspn(text, "0123456789.") != strlen(text)) {
        return -1; /* strtod would take inf, nan, hex and signs */
    }
    double seconds = strtod(text, &end);
    if (end == text || *end != '\0' || !(seconds >= 0.001 && seconds <= 1e6)) {
        return -1;
    }
    *milliseconds = (int64_t)(seconds * 1000.0 + 0.5);
    return 0;
}
