/* profile.c - see profile.h. */
#include "profile.h"

#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fault.h"
#include "near.h"
#include "text_out.h"

enum {
    STEPS_A_LINE = 24 /* as printed: a line stays below the parser's limit */
};

const struct profile_point_info profile_points[PROFILE_POINTS] = {
    [PROFILE_OPEN_ACTIVE] = {"open-active", "open", "protocol"},
    [PROFILE_GET_AFTER_CLOSE] = {"get-after-close", "close", "protocol"},
    [PROFILE_CLOSE_OPEN] = {"close-open", "open", "noerror"},
    [PROFILE_TIMEOUT_UNIT] = {"timeout-unit", "ms", "s"},
    [PROFILE_GETCFG_ABORTED] = {"getcfg-aborted", "abort", "noerror"},
    [PROFILE_SEVERAL_COMMANDS] = {"several-commands", NULL, NULL},
    [PROFILE_COMPLETE_SENT] = {"complete-sent", NULL, NULL},
    [PROFILE_SHORT_READ] = {"short-read", NULL, NULL},
};

static const char *const kind_words[PROFILE_KINDS] = {"backup", "restore"};

/* ---- parsing ---- */

/* What is left of a line, and where its word begins. */
struct words {
    const char *line;
    const char *at;
    size_t length; /* of the word; 0: none is left */
    struct fault_error *error;
};

static bool next_word(struct words *words)
{
    words->at += words->length;
    words->at += strspn(words->at, " \t");
    words->length = strcspn(words->at, " \t");
    return words->length != 0;
}

__attribute__((format(printf, 2, 3))) static int refuse(struct words *words, const char *expected, ...)
{
    char text[sizeof words->error->message / 2];
    va_list arguments;
    va_start(arguments, expected);
    vsnprintf(text, sizeof text, expected, arguments);
    va_end(arguments);
    int shown = (int)(words->length < 40 ? words->length : 40);
    snprintf(words->error->message, sizeof words->error->message, "bad profile: '%.*s': expected %s", shown,
             words->at, text);
    words->error->offset = (size_t)(words->at - words->line);
    return EINVAL;
}

static bool is_word(const struct words *words, const char *word)
{
    return strlen(word) == words->length && memcmp(words->at, word, words->length) == 0;
}

/* Decimal digits within the word, from `least` to `most`. */
static bool read_number(const struct words *words, const char **at, uint32_t least, uint32_t most,
                        uint32_t *value)
{
    const char *end = words->at + words->length;
    const char *begin = *at;
    uint64_t number = 0;
    for (; *at < end && **at >= '0' && **at <= '9' && number <= UINT32_MAX; (*at)++) {
        number = number * 10 + (uint64_t)(**at - '0');
    }
    *value = (uint32_t)number;
    return *at > begin && number >= least && number <= most;
}

static bool read_whole(const struct words *words, uint32_t least, uint32_t most, uint32_t *value)
{
    const char *at = words->at;
    return read_number(words, &at, least, most, value) && at == words->at + words->length;
}

/* "*COUNT", or nothing. */
static bool read_count(const struct words *words, const char *at, uint32_t *count)
{
    const char *end = words->at + words->length;
    *count = 1;
    if (at < end && *at == '*') {
        at++;
        return read_number(words, &at, 1, INT32_MAX, count) && at == end;
    }
    return at == end;
}

static bool read_step(const struct words *words, struct profile_step *step)
{
    static const char pause[] = "pause:";
    const char *at = words->at;
    step->count = 1;
    if (is_word(words, "flush")) {
        step->what = PROFILE_FLUSH;
        return true;
    }
    if (words->length > sizeof pause - 1 && memcmp(at, pause, sizeof pause - 1) == 0) {
        step->what = PROFILE_PAUSE;
        at += sizeof pause - 1;
        return read_number(words, &at, 1, PROFILE_MS_MAX, &step->value) && at == words->at + words->length;
    }
    if (words->length >= 3 && memcmp(at, "mix", 3) == 0) {
        step->what = PROFILE_MIX;
        return read_count(words, at + 3, &step->count);
    }
    step->what = PROFILE_TRANSFERS;
    return read_number(words, &at, 1, PROFILE_SIZE_MAX, &step->value) && read_count(words, at, &step->count);
}

static int parse_device(struct words *words, enum profile_kind kind, struct profile *profile)
{
    struct profile_operation *operation = &profile->operations[kind];
    uint32_t device = 0;
    if (!next_word(words) || !read_whole(words, 0, PROFILE_DEVICES_MAX - 1, &device)) {
        return refuse(words, "a device from 0 to %d", PROFILE_DEVICES_MAX - 1);
    }
    uint32_t steps = 0;
    for (; next_word(words); steps++) {
        struct profile_step step = {.kind = (uint8_t)kind, .device = (uint8_t)device};
        if (!read_step(words, &step)) {
            return refuse(words, "SIZE, SIZE*COUNT, mix*COUNT, flush or pause:MS, with a size from 1 to %d",
                          PROFILE_SIZE_MAX);
        }
        if (!profile_add(profile, &step)) {
            return refuse(words, "at most %d steps in all", PROFILE_STEPS_MAX);
        }
    }
    operation->device_count = operation->device_count > device ? operation->device_count : device + 1;
    return steps > 0 ? 0 : refuse(words, "SIZE, SIZE*COUNT, mix*COUNT, flush or pause:MS");
}

static int parse_mix(struct words *words, enum profile_kind kind, struct profile *profile)
{
    struct profile_operation *operation = &profile->operations[kind];
    uint32_t count = 0;
    for (; next_word(words); count++) {
        const char *at = words->at;
        if (count == PROFILE_MIX_MAX) {
            return refuse(words, "at most %d sizes in a mix", PROFILE_MIX_MAX);
        }
        if (!read_number(words, &at, 1, PROFILE_SIZE_MAX, &operation->mix_size[count]) ||
            at == words->at + words->length || *at++ != ':' ||
            !read_number(words, &at, 1, INT32_MAX, &operation->mix_weight[count]) ||
            at != words->at + words->length) {
            return refuse(words, "SIZE:WEIGHT, with a size from 1 to %d", PROFILE_SIZE_MAX);
        }
    }
    operation->mix_count = count;
    return count > 0 ? 0 : refuse(words, "SIZE:WEIGHT");
}

/* A list with a value a device. */
struct list {
    const char *expected;
    uint32_t least, most;
    bool or_more; /* "N+" is one, too */
};

static int parse_list(struct words *words, const struct list *list, uint32_t *values, bool *more,
                      uint32_t *found)
{
    uint32_t count = 0;
    for (; next_word(words); count++) {
        const char *at = words->at;
        const char *end = words->at + words->length;
        if (count == PROFILE_DEVICES_MAX) {
            return refuse(words, "at most %d devices", PROFILE_DEVICES_MAX);
        }
        bool good = read_number(words, &at, list->least, list->most, &values[count]);
        more[count] = list->or_more && at < end && *at == '+';
        if (!good || at + more[count] != end) {
            return refuse(words, "%s from %" PRIu32 " to %" PRIu32, list->expected, list->least, list->most);
        }
    }
    *found = count;
    return count > 0 ? 0 : refuse(words, "%s of each device", list->expected);
}

static int parse_outstanding(struct words *words, enum profile_kind kind, struct profile *profile)
{
    static const struct list list = {"N or N+", 1, PROFILE_OUTSTANDING_MAX, true};
    struct profile_operation *operation = &profile->operations[kind];
    uint32_t values[PROFILE_DEVICES_MAX] = {0};
    int status = parse_list(words, &list, values, operation->at_least, &operation->outstanding_count);
    for (uint32_t i = 0; i < PROFILE_DEVICES_MAX; i++) {
        operation->outstanding[i] = (uint8_t)values[i];
    }
    return status;
}

static int parse_buffers(struct words *words, enum profile_kind kind, struct profile *profile)
{
    bool good =
        next_word(words) && read_whole(words, 1, PROFILE_BUFFERS_MAX, &profile->operations[kind].buffers);
    return good && !next_word(words) ? 0 : refuse(words, "one number from 1 to %d", PROFILE_BUFFERS_MAX);
}

static int parse_sizes(struct words *words, enum profile_kind kind, struct profile *profile)
{
    struct profile_operation *operation = &profile->operations[kind];
    uint32_t block = 0, transfer = 0;
    if (!next_word(words) || !read_whole(words, PROFILE_BLOCK_LEAST, PROFILE_UNIT, &block) ||
        (block & (block - 1)) != 0) {
        return refuse(words, "a BLOCKSIZE: a power of two from %d to %d", PROFILE_BLOCK_LEAST, PROFILE_UNIT);
    }
    if (!next_word(words) || !read_whole(words, PROFILE_UNIT, PROFILE_SIZE_MAX, &transfer) ||
        transfer % PROFILE_UNIT != 0 || next_word(words)) {
        return refuse(words, "a MAXTRANSFERSIZE: one multiple of %d up to %d", PROFILE_UNIT,
                      PROFILE_SIZE_MAX);
    }
    operation->block_size = block;
    operation->max_transfer = transfer;
    return 0;
}

static int parse_order(struct words *words, enum profile_kind kind, struct profile *profile)
{
    static const struct list list = {"a device", 0, PROFILE_DEVICES_MAX - 1, false};
    struct profile_operation *operation = &profile->operations[kind];
    uint32_t values[PROFILE_DEVICES_MAX] = {0};
    bool more[PROFILE_DEVICES_MAX];
    bool seen[PROFILE_DEVICES_MAX] = {false};
    int status = parse_list(words, &list, values, more, &operation->order_count);
    for (uint32_t i = 0; status == 0 && i < operation->order_count; i++) {
        if (values[i] >= operation->order_count || seen[values[i]]) {
            return refuse(words, "each device from 0 on once, not %" PRIu32, values[i]);
        }
        seen[values[i]] = true;
        operation->order[i] = (uint8_t)values[i];
    }
    return status;
}

static int parse_close(struct words *words, enum profile_kind kind, struct profile *profile)
{
    static const struct list list = {"milliseconds", 0, PROFILE_MS_MAX, false};
    struct profile_operation *operation = &profile->operations[kind];
    bool more[PROFILE_DEVICES_MAX];
    return parse_list(words, &list, operation->close_ms, more, &operation->close_count);
}

static const struct {
    const char *word;
    int (*parse)(struct words *words, enum profile_kind kind, struct profile *profile);
} items[] = {
    {"device", parse_device},   {"mix", parse_mix},     {"outstanding", parse_outstanding},
    {"buffers", parse_buffers}, {"order", parse_order}, {"close", parse_close},
    {"sizes", parse_sizes},
};

int profile_parse(const char *rest, struct profile *profile, struct fault_error *error)
{
    struct words words = {.line = rest, .at = rest, .error = error};
    enum profile_kind kind = PROFILE_BACKUP;
    next_word(&words);
    while (kind < PROFILE_KINDS && !is_word(&words, kind_words[kind])) {
        kind++;
    }
    if (kind == PROFILE_KINDS) {
        return refuse(&words, "backup or restore");
    }
    next_word(&words);
    for (size_t i = 0; i < sizeof items / sizeof items[0]; i++) {
        if (is_word(&words, items[i].word)) {
            return items[i].parse(&words, kind, profile);
        }
    }
    return refuse(&words, "device, mix, outstanding, buffers, sizes, order or close");
}

static bool begins_with(struct words *words, const char *word)
{
    size_t length = strlen(word);
    return words->length >= length && memcmp(words->at, word, length) == 0 &&
           (words->length == length || words->at[length] == ':');
}

static int parse_point(struct words *words, enum profile_point point, struct profile *profile)
{
    const struct profile_point_info *info = &profile_points[point];
    size_t name = strlen(info->name);
    char reading[16] = "";
    if (words->length > name + 1) {
        snprintf(reading, sizeof reading, "%.*s", (int)(words->length - name - 1), words->at + name + 1);
    }
    bool other = info->other != NULL && strcmp(reading, info->other) == 0;
    if (info->usual == NULL && words->length != name) {
        return refuse(words, "%s, without a reading", info->name);
    }
    if (info->usual != NULL && !other && strcmp(reading, info->usual) != 0) {
        return refuse(words, "%s:%s or %s:%s", info->name, info->usual, info->name, info->other);
    }
    profile->recorded |= 1u << point;
    profile->other = (profile->other & ~(1u << point)) | (uint32_t)other << point;
    return 0;
}

int profile_parse_recorded(const char *rest, struct profile *profile, struct fault_error *error)
{
    struct words words = {.line = rest, .at = rest, .error = error};
    uint32_t count = 0;
    for (; next_word(&words); count++) {
        struct near_word near;
        char hint[96];
        uint32_t point = 0;
        near_start(&near, words.at, strcspn(words.at, ": \t"));
        while (point < PROFILE_POINTS && !begins_with(&words, profile_points[point].name)) {
            near_offer(&near, profile_points[point++].name);
        }
        if (point == PROFILE_POINTS) {
            return refuse(&words, "an open point such as %s%s", profile_points[PROFILE_SEVERAL_COMMANDS].name,
                          near_text(&near, hint, sizeof hint));
        }
        int status = parse_point(&words, (enum profile_point)point, profile);
        if (status != 0) {
            return status;
        }
    }
    return count > 0
               ? 0
               : refuse(&words, "an open point such as %s", profile_points[PROFILE_SEVERAL_COMMANDS].name);
}

/* ---- printing ---- */

static void format_step(const struct profile_step *step, struct text_out *out)
{
    switch (step->what) {
    case PROFILE_FLUSH:
        text_put(out, " flush");
        return;
    case PROFILE_PAUSE:
        text_put(out, " pause:%" PRIu32, step->value);
        return;
    case PROFILE_MIX:
        text_put(out, " mix");
        break;
    default:
        text_put(out, " %" PRIu32, step->value);
        break;
    }
    if (step->count > 1) {
        text_put(out, "*%" PRIu32, step->count);
    }
}

static void format_steps(const struct profile *profile, struct text_out *out)
{
    uint32_t on_line = 0;
    for (uint32_t i = 0; i < profile->step_count; i++) {
        const struct profile_step *step = &profile->steps[i];
        bool goes_on = i > 0 && step[-1].kind == step->kind && step[-1].device == step->device;
        if (!goes_on || on_line == STEPS_A_LINE) {
            text_put(out, "%sserver profile %s device %u", i > 0 ? "\n" : "", kind_words[step->kind],
                     (unsigned)step->device);
            on_line = 0;
        }
        format_step(step, out);
        on_line++;
    }
    text_put(out, "%s", profile->step_count > 0 ? "\n" : "");
}

static void format_begin(struct text_out *out, enum profile_kind kind, const char *word)
{
    text_put(out, "server profile %s %s", kind_words[kind], word);
}

static void format_operation(const struct profile *profile, enum profile_kind kind, struct text_out *out)
{
    const struct profile_operation *operation = &profile->operations[kind];
    for (uint32_t i = 0; i < operation->mix_count; i++) {
        if (i == 0) {
            format_begin(out, kind, "mix");
        }
        text_put(out, " %" PRIu32 ":%" PRIu32 "%s", operation->mix_size[i], operation->mix_weight[i],
                 i + 1 == operation->mix_count ? "\n" : "");
    }
    for (uint32_t i = 0; i < operation->outstanding_count; i++) {
        if (i == 0) {
            format_begin(out, kind, "outstanding");
        }
        text_put(out, " %u%s%s", (unsigned)operation->outstanding[i], operation->at_least[i] ? "+" : "",
                 i + 1 == operation->outstanding_count ? "\n" : "");
    }
    if (operation->block_size != 0) {
        format_begin(out, kind, "sizes");
        text_put(out, " %" PRIu32 " %" PRIu32 "\n", operation->block_size, operation->max_transfer);
    }
    if (operation->buffers != 0) {
        format_begin(out, kind, "buffers");
        text_put(out, " %" PRIu32 "\n", operation->buffers);
    }
    for (uint32_t i = 0; i < operation->order_count; i++) {
        if (i == 0) {
            format_begin(out, kind, "order");
        }
        text_put(out, " %u%s", (unsigned)operation->order[i], i + 1 == operation->order_count ? "\n" : "");
    }
    for (uint32_t i = 0; i < operation->close_count; i++) {
        if (i == 0) {
            format_begin(out, kind, "close");
        }
        text_put(out, " %" PRIu32 "%s", operation->close_ms[i], i + 1 == operation->close_count ? "\n" : "");
    }
}

void profile_format(const struct profile *profile, struct text_out *out)
{
    format_steps(profile, out);
    for (enum profile_kind kind = PROFILE_BACKUP; kind < PROFILE_KINDS; kind++) {
        format_operation(profile, kind, out);
    }
    bool first = true;
    for (uint32_t point = 0; point < PROFILE_POINTS; point++) {
        if ((profile->recorded >> point & 1) != 0) {
            const struct profile_point_info *info = &profile_points[point];
            const char *reading = (profile->other >> point & 1) != 0 ? info->other : info->usual;
            text_put(out, "%s %s%s%s", first ? "server recorded" : "", info->name, reading != NULL ? ":" : "",
                     reading != NULL ? reading : "");
            first = false;
        }
    }
    text_put(out, "%s", first ? "" : "\n");
}
