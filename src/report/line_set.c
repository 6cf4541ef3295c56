/* line_set.c - see line_set.h. */
#include "line_set.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int line_set_add(struct line_set *set, uint32_t line)
{
    if (line == 0 || line > LINE_MAX_NUMBER) {
        return EINVAL;
    }
    if (line >= set->size) {
        uint32_t size = line + line / 2 + 64;
        uint8_t *has = realloc(set->has, size);

        if (!has) {
            return ENOMEM;
        }
        memset(has + set->size, 0, size - set->size);
        set->has = has;
        set->size = size;
    }
    set->has[line] = 1;
    return 0;
}

bool line_set_has(const struct line_set *set, uint32_t line)
{
    return line < set->size && set->has[line];
}

uint32_t line_set_count(const struct line_set *set)
{
    uint32_t count = 0;

    for (uint32_t line = 1; line < set->size; line++) {
        count += set->has[line];
    }
    return count;
}

void line_set_free(struct line_set *set)
{
    free(set->has);
    *set = (struct line_set){0};
}

static uint32_t read_line(const char **text)
{
    char *end = NULL;
    unsigned long line = **text >= '0' && **text <= '9' ? strtoul(*text, &end, 10) : 0;

    *text = end ? end : *text;
    return line <= LINE_MAX_NUMBER ? (uint32_t)line : 0;
}

int line_set_parse(struct line_set *set, const char *text)
{
    while (*text) {
        uint32_t first = read_line(&text), last = first;

        if (*text == '-') {
            text++;
            last = read_line(&text);
        }
        if (first == 0 || last < first || (*text && *text != ',')) {
            return EINVAL;
        }
        for (uint32_t line = first; line <= last; line++) {
            int error = line_set_add(set, line);

            if (error) {
                return error;
            }
        }
        text += *text == ',';
    }
    return 0;
}

char *line_set_format(const struct line_set *set)
{
    char *text = NULL;
    size_t length = 0;
    FILE *out = open_memstream(&text, &length);

    if (!out) {
        return NULL;
    }
    for (uint32_t line = 1; line < set->size; line++) {
        uint32_t first = line;

        if (!set->has[line]) {
            continue;
        }
        while (line_set_has(set, line + 1)) {
            line++;
        }
        fprintf(out, "%s%u", ftell(out) > 0 ? "," : "", first);
        if (line > first) {
            fprintf(out, "-%u", line);
        }
    }
    return fclose(out) == 0 ? text : (free(text), NULL);
}
