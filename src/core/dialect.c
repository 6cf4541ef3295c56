#include "dialect.h"

#include <errno.h>
#include <string.h>

const struct dialect_info dialect_table[DIALECT_CHOICES] = {
    [DIALECT_OPEN_ACTIVE] = {"open-active", "X1", "open", "protocol",
                             "OpenDevice that finds nothing to open is VD_E_PROTOCOL, not VD_E_OPEN or "
                             "VD_E_INVALID"},
    [DIALECT_GET_AFTER_CLOSE] = {"get-after-close", "X2", "close", "protocol",
                                 "GetCommand after VD_E_CLOSE is VD_E_PROTOCOL at once, also while other "
                                 "devices are open"},
    [DIALECT_CLOSE_OPEN] = {"close-open", "X3", "open", "noerror",
                            "Close with open devices returns NOERROR; it aborts all the same"},
    [DIALECT_TIMEOUT_UNIT] = {"timeout-unit", "X6", "ms", "s", "timeouts count seconds"},
    [DIALECT_GETCFG_ABORTED] = {"getcfg-aborted", "spec 14", "abort", "noerror",
                                "GetConfiguration succeeds on an aborted set; the next call tells"},
};

static bool is_word(const char *text, size_t length, const char *word)
{
    return strlen(word) == length && memcmp(text, word, length) == 0;
}

static bool parse_item(const char *item, size_t length, struct dialect *dialect)
{
    const char *colon = memchr(item, ':', length);
    size_t name = colon != NULL ? (size_t)(colon - item) : length;
    for (int i = 0; colon != NULL && i < DIALECT_CHOICES; i++) {
        const struct dialect_info *info = &dialect_table[i];
        bool other = is_word(colon + 1, length - name - 1, info->other);
        if (is_word(item, name, info->name) &&
            (other || is_word(colon + 1, length - name - 1, info->usual))) {
            dialect->other[i] = other;
            return true;
        }
    }
    return false;
}

int dialect_parse(const char *text, struct dialect *dialect, const char **error)
{
    *dialect = (struct dialect){0};
    *error = NULL;
    while (text != NULL && *text != '\0') {
        size_t length = strcspn(text, ",");
        if (!parse_item(text, length, dialect)) {
            *error = text;
            return EINVAL;
        }
        text += length + (text[length] == ',');
    }
    return 0;
}
