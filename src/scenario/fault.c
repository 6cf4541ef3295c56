/* fault.c - the parser of fault specifications. See fault.h for the grammar. */
#include "fault.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "fault_internal.h"
#include "near.h"
#include "runstate.h"
#include "text_out.h"
#include "vdi.h"

enum {
    FIRST_COMMAND = 1,
    LAST_COMMAND = 19,
    NTH_MAX = 1000000000
};

struct parser {
    const char *text;
    const char *at; /* what comes next */
    struct fault_error *error;
};

struct word {
    const char *text;
    size_t length;
};

__attribute__((format(printf, 3, 4))) static int fail(struct parser *p, const char *where, const char *format,
                                                      ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(p->error->message, sizeof(p->error->message), format, arguments);
    va_end(arguments);
    p->error->offset = (size_t)(where - p->text);
    return EINVAL;
}

static struct word take_word(struct parser *p, const char *stop)
{
    struct word word = {p->at, strcspn(p->at, stop)};
    p->at += word.length;
    return word;
}

static bool take_char(struct parser *p, char c)
{
    if (*p->at != c) {
        return false;
    }
    p->at++;
    return true;
}

static bool word_is(struct word word, const char *text)
{
    return strlen(text) == word.length && memcmp(word.text, text, word.length) == 0;
}

/* For messages: a word no longer than is worth reading. */
static int shown(struct word word)
{
    return word.length < 60 ? (int)word.length : 60;
}

/* A decimal number that is the whole word; -1 if it is not one or above `max`. */
static int32_t number(struct word word, int32_t max)
{
    int64_t value = 0;
    for (size_t i = 0; i < word.length; i++) {
        if (word.text[i] < '0' || word.text[i] > '9' || value > max) {
            return -1;
        }
        value = value * 10 + (word.text[i] - '0');
    }
    return word.length == 0 || value > max ? -1 : (int32_t)value;
}

static int parse_kind(struct parser *p, struct fault *fault)
{
    struct word word = take_word(p, "(@#:/ \t");
    if (word.length == 0) {
        return fail(p, word.text, "expected a fault kind such as 'early-close' (vdifault faults lists them)");
    }
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        if (word_is(word, fault_table[kind].name)) {
            fault_defaults((enum fault_kind)kind, fault);
            return 0;
        }
    }
    struct near_word near;
    char hint[64];
    near_start(&near, word.text, word.length);
    for (int kind = 0; kind < FAULT_KIND_COUNT; kind++) {
        near_offer(&near, fault_table[kind].name);
    }
    return fail(p, word.text, "unknown fault kind '%.*s'%s (vdifault faults lists them)", shown(word),
                word.text, near_text(&near, hint, sizeof(hint)));
}

static int parse_number_value(struct parser *p, const struct fault_arg_info *arg, struct word value,
                              struct fault *fault)
{
    int32_t given = number(value, arg->max);
    if (given < arg->min) {
        return fail(p, value.text, "bad value '%.*s' for '%s': expected a number from %d to %d", shown(value),
                    value.text, arg->name, arg->min, arg->max);
    }
    fault->arg[arg->arg] = given;
    return 0;
}

static int parse_value(struct parser *p, const struct fault_arg_info *arg, struct fault *fault)
{
    struct word value = take_word(p, ",)@");
    if (arg->type == FAULT_VALUE_NUMBER) {
        return parse_number_value(p, arg, value, fault);
    }
    int32_t index = fault_value_index(arg->values, value.text, value.length);
    if (index < 0) {
        return fail(p, value.text, "bad value '%.*s' for '%s': expected %s", shown(value), value.text,
                    arg->name, arg->values);
    }
    fault->arg[arg->arg] = index;
    return 0;
}

static int unknown_argument(struct parser *p, struct word name, const struct fault_info *info)
{
    struct near_word near;
    near_start(&near, name.text, name.length);
    char known[160] = "no arguments";
    struct text_out out = {known, sizeof(known), 0};
    for (const struct fault_arg_info *arg = info->args; arg->type != 0; arg++) {
        near_offer(&near, arg->name);
        text_put(&out, "%s%s=%s", out.used == 0 ? "" : ", ", arg->name, arg->values);
    }
    char hint[64];
    return fail(p, name.text, "'%s' has no argument '%.*s'%s (it takes %s)", info->name, shown(name),
                name.text, near_text(&near, hint, sizeof(hint)), known);
}

/* "unknown-command(77)": a value without a name belongs to the first argument left that can take it. */
static const struct fault_arg_info *bare_value(struct word word, const struct fault_info *info,
                                               uint32_t *given)
{
    for (const struct fault_arg_info *arg = info->args; arg->type != 0; arg++) {
        bool fits = arg->type == FAULT_VALUE_NUMBER
                        ? number(word, INT32_MAX) >= 0
                        : fault_value_index(arg->values, word.text, word.length) >= 0;
        if (fits && (*given & (1u << arg->arg)) == 0) {
            *given |= 1u << arg->arg;
            return arg;
        }
    }
    return NULL;
}

static int parse_argument(struct parser *p, struct fault *fault, uint32_t *given)
{
    const struct fault_info *info = &fault_table[fault->kind];
    struct word name = take_word(p, "=,)@");
    const struct fault_arg_info *bare = *p->at != '=' ? bare_value(name, info, given) : NULL;
    if (bare != NULL) {
        p->at = name.text;
        return parse_value(p, bare, fault);
    }
    for (const struct fault_arg_info *arg = info->args; arg->type != 0; arg++) {
        if (!word_is(name, arg->name)) {
            continue;
        }
        if (*given & (1u << arg->arg)) {
            return fail(p, name.text, "argument '%s' is given twice", arg->name);
        }
        *given |= 1u << arg->arg;
        if (!take_char(p, '=')) {
            return fail(p, p->at, "expected '=' after '%s'", arg->name);
        }
        return parse_value(p, arg, fault);
    }
    return unknown_argument(p, name, info);
}

static int parse_arguments(struct parser *p, struct fault *fault)
{
    uint32_t given = 0;
    const char *open = p->at - 1;
    do {
        int status = parse_argument(p, fault, &given);
        if (status != 0) {
            return status;
        }
    } while (take_char(p, ','));
    if (!take_char(p, ')')) {
        return fail(p, open, "'(' without its ')'");
    }
    return 0;
}

static int unknown_site(struct parser *p, struct word word)
{
    /* VDC_Write is a natural slip: look for what is behind the prefix. */
    size_t prefix = word.length > 4 && strncmp(word.text, "VDC_", 4) == 0 ? 4 : 0;
    struct near_word near;
    char hint[64];
    near_start(&near, word.text + prefix, word.length - prefix);
    for (uint16_t f = 1; f < VDI_FN_COUNT; f++) {
        near_offer(&near, prefix == 0 ? vdi_function_names[f] : NULL);
    }
    for (uint16_t c = FIRST_COMMAND; c <= LAST_COMMAND; c++) {
        near_offer(&near, vdi_command_name(c));
    }
    return fail(p, word.text,
                "unknown site '%.*s'%s (expected a VDI function, or a command without its VDC_ prefix)",
                shown(word), word.text, near_text(&near, hint, sizeof(hint)));
}

static int parse_site_name(struct parser *p, struct fault_site *site)
{
    struct word word = take_word(p, "#:/ \t");
    site->function = 0;
    site->command = 0;
    for (uint16_t f = 1; f < VDI_FN_COUNT; f++) {
        if (word_is(word, vdi_function_names[f])) {
            site->function = f;
            return 0;
        }
    }
    for (uint16_t c = FIRST_COMMAND; c <= LAST_COMMAND; c++) {
        if (word_is(word, vdi_command_name(c))) {
            site->command = c;
            return 0;
        }
    }
    return unknown_site(p, word);
}

static int parse_nth(struct parser *p, struct fault_site *site)
{
    struct word word = take_word(p, ":/ \t");
    if (word_is(word, "last")) {
        site->nth = FAULT_NTH_LAST;
        return 0;
    }
    if (word_is(word, "next") || word_is(word, "next+")) {
        site->nth = FAULT_NTH_NEXT;
        site->and_later = word.length > strlen("next");
        return 0;
    }
    struct word digits = word;
    site->and_later = word.length > 0 && strchr("+*", word.text[word.length - 1]) != NULL;
    digits.length -= site->and_later ? 1 : 0;
    site->nth = word_is(word, "*") ? 1 : number(digits, NTH_MAX);
    if (site->nth < 1 || (word.length > 1 && word.text[word.length - 1] == '*')) {
        return fail(p, word.text,
                    "bad count '%.*s': expected N, N+ (N from 1), 'last', 'next', 'next+' or '*'",
                    shown(word), word.text);
    }
    return 0;
}

static int parse_site(struct parser *p, struct fault_site *site)
{
    int status = parse_site_name(p, site);
    if (status == 0 && take_char(p, '#')) {
        status = parse_nth(p, site);
    }
    if (status == 0 && take_char(p, ':')) {
        struct word word = take_word(p, "/ \t");
        site->device = word_is(word, "*") ? FAULT_DEVICE_EACH : number(word, RUN_DEVICES_MAX - 1);
        if (site->device == -1) {
            status = fail(p, word.text, "bad device '%.*s': expected an index from 0 to %d, or '*'",
                          shown(word), word.text, RUN_DEVICES_MAX - 1);
        }
    }
    if (status == 0 && take_char(p, '/')) {
        struct word word = take_word(p, " \t");
        site->operation = number(word, RUN_OPERATIONS_MAX - 1);
        if (site->operation < 0) {
            status = fail(p, word.text, "bad operation '%.*s': expected an index from 0 to %d", shown(word),
                          word.text, RUN_OPERATIONS_MAX - 1);
        }
    }
    return status;
}

static int illegal_site(struct parser *p, const char *where, const struct fault *fault, const char *name)
{
    const struct fault_info *info = &fault_table[fault->kind];
    char legal[200] = ""; /* every function's name fits */
    struct text_out out = {legal, sizeof(legal), 0};
    for (uint32_t f = 1; f < VDI_FN_COUNT; f++) {
        if (info->functions & (1u << f)) {
            text_put(&out, "%s%s", out.used == 0 ? "" : ", ", vdi_function_names[f]);
        }
    }
    if (info->commands != 0) {
        text_put(&out, "%s%s command", out.used == 0 ? "" : " or ",
                 fault->site.command != 0 ? "another" : "a");
    }
    return fail(p, where, "'%s' cannot be placed at '%s': expected %s", info->name, name, legal);
}

/* What the grammar allows and the kind does not. */
static int check_site(struct parser *p, const char *where, const struct fault *fault)
{
    const struct fault_info *info = &fault_table[fault->kind];
    const struct fault_site *site = &fault->site;
    if (info->everywhere) {
        return 0;
    }
    bool legal =
        site->function != 0 ? (info->functions >> site->function) & 1 : (info->commands >> site->command) & 1;
    const char *name =
        site->function != 0 ? vdi_function_names[site->function] : vdi_command_name(site->command);
    if (!legal) {
        return illegal_site(p, where, fault, name);
    }
    bool of_device = site->command != 0 || site->function == VDI_FN_GET_COMMAND ||
                     site->function == VDI_FN_COMPLETE_COMMAND;
    if (!of_device && site->device != FAULT_DEVICE_ANY) {
        return fail(p, where, "'%s' is a call on the set: its site takes no ':' and device", name);
    }
    char why[FAULT_WHY_MAX];
    if (info->fits != NULL && !info->fits(fault, why, sizeof(why))) {
        return fail(p, where, "'%s' %s", info->name, why);
    }
    return 0;
}

/* What is left over. Parts of a site without the site are a guess at how it is written. */
static int unexpected(struct parser *p, const char *rest, const struct fault *fault)
{
    const struct fault_info *info = &fault_table[fault->kind];
    if (strchr("#:/", *rest) != NULL && info->default_site != NULL) {
        return fail(p, rest, "'%.40s' belongs to a site: expected it after '@SITE', such as %s@%s%.40s", rest,
                    info->name, info->default_site, rest);
    }
    return fail(p, rest, "unexpected '%.40s' after the fault", rest);
}

int fault_parse(const char *text, struct fault *fault, struct fault_error *error)
{
    *error = (struct fault_error){0};
    struct parser parser = {text, text + strspn(text, " \t"), error};
    struct parser *p = &parser;
    int status = parse_kind(p, fault);
    if (status == 0 && take_char(p, '(')) {
        status = parse_arguments(p, fault);
    }
    const char *site = p->at;
    if (status == 0 && *p->at == '@' && fault_table[fault->kind].everywhere) {
        return fail(p, p->at, "'%s' takes no site: it is at every call", fault_table[fault->kind].name);
    }
    if (status == 0 && take_char(p, '@')) {
        site = p->at;
        status = parse_site(p, &fault->site);
    } else if (status == 0 && fault_table[fault->kind].default_site == NULL &&
               !fault_table[fault->kind].everywhere) {
        const char *name = fault_table[fault->kind].name;
        return fail(p, p->at, "'%s' needs a site, such as %s@Write#2:0", name, name);
    }
    if (status == 0) {
        const char *rest = p->at + strspn(p->at, " \t");
        if (*rest != '\0') {
            return unexpected(p, rest, fault);
        }
        status = check_site(p, site, fault);
    }
    return status;
}
