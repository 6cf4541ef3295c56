/* fault_format.c - a fault as canonical text, and the values of its arguments. See fault.h. */
#include <inttypes.h>
#include <string.h>

#include "event.h"
#include "fault_internal.h"
#include "text_out.h"

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

static void format_arguments(const struct fault *fault, struct text_out *out)
{
    const struct fault_info *info = &fault_table[fault->kind];
    char before = '(';
    for (const struct fault_arg_info *arg = info->args; arg->type != 0; arg++) {
        int32_t value = fault->arg[arg->arg];
        if (value == arg->fallback) {
            continue;
        }
        text_put(out, "%c%s=", before, arg->name);
        before = ',';
        size_t length = 0;
        const char *word =
            arg->type == FAULT_VALUE_CHOICE ? fault_value_word(arg->values, value, &length) : NULL;
        if (word != NULL) {
            text_put(out, "%.*s", (int)length, word);
        } else {
            text_put(out, "%" PRId32, value);
        }
    }
    if (before == ',') {
        text_put(out, ")");
    }
}

static void format_site(const struct fault_site *site, struct text_out *out)
{
    const char *command = vdi_command_name(site->command);
    text_put(out, "@%s", command != NULL ? command : vdi_function_names[site->function]);
    if (site->nth == FAULT_NTH_LAST) {
        text_put(out, "#last");
    } else if (site->nth == FAULT_NTH_NEXT) {
        text_put(out, site->and_later ? "#next+" : "#next");
    } else if (site->and_later && site->nth == 1) {
        text_put(out, "#*");
    } else if (site->and_later || site->nth != 1) {
        text_put(out, "#%" PRId32 "%s", site->nth, site->and_later ? "+" : "");
    }
    if (site->device == FAULT_DEVICE_EACH) {
        text_put(out, ":*");
    } else if (site->device != FAULT_DEVICE_ANY) {
        text_put(out, ":%" PRId32, site->device);
    }
    if (site->operation != 0) {
        text_put(out, "/%" PRId32, site->operation);
    }
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
    struct text_out out = {text, size, 0};
    text_put(&out, "%s", fault_table[fault->kind].name);
    format_arguments(fault, &out);
    if (!same_site(&fault->site, &defaults.site)) {
        format_site(&fault->site, &out);
    }
    return (int)out.used;
}
