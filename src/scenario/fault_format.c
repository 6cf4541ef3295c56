/* fault_format.c - a fault as canonical text, and the values of its arguments. See fault.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "fault_internal.h"

const char *fault_value_word(const char *values, int32_t index, size_t *length)
{
    for (const char *word = values;; word++) {
        *length = strcspn(word, "|");
        if (index-- == 0) {
            return word;
        }
        word += *length;
        if (*word == '\0') {
            return NULL;
        }
    }
}

int32_t fault_value_index(const char *values, const char *word, size_t length)
{
    size_t known_length = 0;
    const char *known;
    for (int32_t i = 0; (known = fault_value_word(values, i, &known_length)) != NULL; i++) {
        if (known_length == length && memcmp(known, word, length) == 0) {
            return i;
        }
    }
    return -1;
}

void fault_defaults(enum fault_kind kind, struct fault *fault)
{
    *fault = (struct fault){.kind = kind, .site = {.nth = 1, .device = FAULT_DEVICE_ANY}};
    const struct fault_info *info = &fault_table[kind];
    for (const struct fault_arg_info *arg = info->args; arg->type != 0; arg++) {
        fault->arg[arg->arg] = arg->fallback;
    }
    for (uint16_t f = 1; info->default_site != NULL && f < VDI_FN_COUNT; f++) {
        if (strcmp(info->default_site, vdi_function_names[f]) == 0) {
            fault->site.function = f;
        }
    }
}

/* snprintf onto the end of a text whose length so far is *used; counts on when the text is full. */
#define APPEND(text, size, used, ...)                                     \
    ((used) += (size_t)snprintf((used) < (size) ? (text) + (used) : NULL, \
                                (used) < (size) ? (size) - (used) : 0, __VA_ARGS__))

static size_t format_arguments(const struct fault *fault, char *text, size_t size)
{
    const struct fault_info *info = &fault_table[fault->kind];
    size_t used = 0;
    for (const struct fault_arg_info *arg = info->args; arg->type != 0; arg++) {
        int32_t value = fault->arg[arg->arg];
        if (value == arg->fallback) {
            continue;
        }
        APPEND(text, size, used, "%c%s=", used == 0 ? '(' : ',', arg->name);
        size_t length = 0;
        const char *word =
            arg->type == FAULT_VALUE_CHOICE ? fault_value_word(arg->values, value, &length) : NULL;
        if (word != NULL) {
            APPEND(text, size, used, "%.*s", (int)length, word);
        } else {
            APPEND(text, size, used, "%" PRId32, value);
        }
    }
    if (used > 0) {
        APPEND(text, size, used, ")");
    }
    return used;
}

static size_t format_site(const struct fault_site *site, char *text, size_t size)
{
    const char *command = vdi_command_name(site->command);
    size_t used = 0;
    APPEND(text, size, used, "@%s", command != NULL ? command : vdi_function_names[site->function]);
    if (site->nth == FAULT_NTH_LAST) {
        APPEND(text, size, used, "#last");
    } else if (site->nth == FAULT_NTH_NEXT) {
        APPEND(text, size, used, site->and_later ? "#next+" : "#next");
    } else if (site->and_later && site->nth == 1) {
        APPEND(text, size, used, "#*");
    } else if (site->and_later || site->nth != 1) {
        APPEND(text, size, used, "#%" PRId32 "%s", site->nth, site->and_later ? "+" : "");
    }
    if (site->device == FAULT_DEVICE_EACH) {
        APPEND(text, size, used, ":*");
    } else if (site->device != FAULT_DEVICE_ANY) {
        APPEND(text, size, used, ":%" PRId32, site->device);
    }
    if (site->operation != 0) {
        APPEND(text, size, used, "/%" PRId32, site->operation);
    }
    return used;
}

static bool same_site(const struct fault_site *a, const struct fault_site *b)
{
    return a->function == b->function && a->command == b->command && a->nth == b->nth &&
           a->and_later == b->and_later && a->device == b->device && a->operation == b->operation;
}

int fault_format(const struct fault *fault, char *text, size_t size)
{
    struct fault defaults;
    fault_defaults(fault->kind, &defaults);
    char arguments[64] = "";
    char site[96] = "";
    format_arguments(fault, arguments, sizeof(arguments));
    if (!same_site(&fault->site, &defaults.site)) {
        format_site(&fault->site, site, sizeof(site));
    }
    return snprintf(text, size, "%s%s%s", fault_table[fault->kind].name, arguments, site);
}
