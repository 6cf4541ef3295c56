/* json_text.c - see json_text.h. */
#include "json_text.h"

#include <stdlib.h>
#include <string.h>

json_t *json_text(const char *text)
{
    json_t *value = text ? json_string(text) : json_null();
    char *copy;

    if (value || !text) {
        return value;
    }
    copy = strdup(text);
    if (!copy) {
        return NULL;
    }
    for (char *at = copy; *at; at++) {
        *at = (unsigned char)*at >= 0x80 ? '?' : *at;
    }
    value = json_string(copy);
    free(copy);
    return value;
}
