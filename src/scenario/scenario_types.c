/* scenario_types.c - types of arguments and the text of their values; see scenario_types.h. */
#include "scenario_types.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "event.h"
#include "vdi.h"

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

const char *const scenario_process_names[SCENARIO_PROCESS_COUNT] = {
    [SCENARIO_CLIENT] = "client", [SCENARIO_SECONDARY] = "secondary", [SCENARIO_ANOTHER] = "another",
    [SCENARIO_SERVER] = "server", [SCENARIO_WORLD] = "world",
};

const char *const scenario_schedule_names[SCENARIO_SCHEDULE_COUNT] = {
    [SCENARIO_IN_ORDER] = "in-order",
    [SCENARIO_ROUND_ROBIN] = "round-robin",
    [SCENARIO_RANDOM] = "random",
    [SCENARIO_PCT] = "pct",
};

/* ---- words: of values from a type's first_word to its last_word (word_of) ---- */

static const char *device_word(int32_t value)
{
    (void)value;
    return "unknown";
}

static const char *name_word(int32_t value)
{
    static const char *const words[SCENARIO_NAME_COUNT] = {
        [SCENARIO_NAME_SET] = "set",           [SCENARIO_NAME_OTHER] = "other",
        [SCENARIO_NAME_LONGEST] = "longest",   [SCENARIO_NAME_EMPTY] = "empty",
        [SCENARIO_NAME_TOO_LONG] = "too-long", [SCENARIO_NAME_BACKSLASH] = "backslash",
    };
    return words[value];
}

static const char *buffer_word(int32_t value)
{
    return value == 0 ? "none" : value == SCENARIO_BUFFERS_MAX + 1 ? "foreign" : NULL;
}

static const char *handle_word(int32_t value)
{
    (void)value;
    return "none";
}

static const char *process_word(int32_t value)
{
    return scenario_process_names[value];
}

static const char *memory_word(int32_t value)
{
    static const char *const words[SCENARIO_WORD_COUNT] = {
#define HEADER(field)             "header." #field
#define DEVICE(field)             "device." #field
#define RING(field)               "ring." #field
#define SLOT(field)               "slot." #field
#define CONTROL(field)            "control"
#define AREA(field)               "area"
#define WORD(region, name, field) region(field),
#include "words.def"
    };
    return words[value];
}

static const char *time_word(int32_t value)
{
    (void)value;
    return "forever";
}

/* ---- the types ---- */

static const int64_t features[] = {VDF_LikePipe,
                                   VDF_LikeTape,
                                   VDF_LikeDisk,
                                   VDF_LikeDisk | VDF_Removable,
                                   VDF_FileMarks,
                                   VDF_RequestComplete,
                                   VDF_SnapshotPrepare,
                                   VDF_WriteMedia,
                                   VDF_ReadMedia,
                                   VDF_WriteMedia | VDF_CompleteEnabled,
                                   0x8,
                                   0x80000000,
                                   0xffffffff};
static const int64_t codes[] = {0,    6,    7,    38,   39,   50,   112, 995,
                                1100, 1101, 1104, 1117, 1129, 1450, -1,  INT32_MAX};
static const int64_t numbers[] = {0,    1,     2,     3,     4,       5,          15,         16,        17,
                                  63,   64,    65,    511,   512,     513,        1000,       1024,      4095,
                                  4096, 65535, 65536, 65537, 1 << 20, 0x7fffffff, 0x80000000, 0xffffffff};
/* A slice of waiting is 250 ms; the last two: as nanoseconds they do and do not fit into 64 bits. */
static const int64_t times[] = {
    0, 1, -1, 249, 250, 251, 1000, 60000, INT32_MAX, INT64_MAX, INT64_MAX / 1000000, INT64_MAX / 1000000 + 1};
static const int64_t wide[] = {0,          1,           511,       512,       513,        1024,
                               65535,      65536,       65537,     1 << 20,   0x7fffffff, 0x80000000,
                               0xffffffff, 0x100000000, INT64_MAX, INT64_MIN, -512,       -1};
/* Counts and states; sizes and the places where areas end; signs. */
static const int64_t values[] = {0,    1,          2,          3,          4,         5,        15,
                                 16,   17,         63,         64,         65,        512,      1024,
                                 3072, 3073,       4095,       4096,       65535,     65536,    -512,
                                 -1,   0x7fffffff, 0x80000000, 0xffffffff, INT64_MAX, INT64_MIN};

#define ALL       .min = 1, .max = 0
#define TRY(list) .tries = (list), .try_count = COUNT(list)

const struct scenario_type_info scenario_types[SCENARIO_TYPE_COUNT] = {
    [SCENARIO_NOTHING] = {.expected = "nothing"},
    [SCENARIO_DEVICE] = {.expected = "a device, 0 to 7 or 'unknown'",
                         .max = SCENARIO_DEVICES_MAX,
                         .numbers = true,
                         .word = device_word,
                         .first_word = SCENARIO_DEVICES_MAX,
                         .last_word = SCENARIO_DEVICES_MAX},
    [SCENARIO_NAME] = {.expected = "a name: set, other, longest, empty, too-long or backslash",
                       .max = SCENARIO_NAME_COUNT - 1,
                       .word = name_word,
                       .last_word = SCENARIO_NAME_COUNT - 1},
    [SCENARIO_FEATURES] = {.expected = "features, as LikeTape|RequestComplete or 0x2173",
                           ALL,
                           .is_unsigned = true,
                           .numbers = true,
                           TRY(features)},
    [SCENARIO_COMMAND] = {.expected = "a command, as Write, or 0 to 20",
                          .max = VDC_Complete + 1,
                          .numbers = true,
                          .word = vdi_command_name,
                          .first_word = VDC_Read,
                          .last_word = VDC_Complete},
    [SCENARIO_CODE] = {.expected = "a completion code, as SUCCESS, ERROR_DISK_FULL or 31",
                       ALL,
                       .numbers = true,
                       .word = vdi_completion_name,
                       .last_word = 1450,
                       TRY(codes)},
    [SCENARIO_HELD] = {.expected = "a command in hand, 0 to 15",
                       .max = SCENARIO_HELD_MAX - 1,
                       .numbers = true},
    [SCENARIO_BUFFER] = {.expected = "a buffer, 1 to 8, 'none' or 'foreign'",
                         .max = SCENARIO_BUFFERS_MAX + 1,
                         .numbers = true,
                         .word = buffer_word,
                         .last_word = SCENARIO_BUFFERS_MAX + 1},
    [SCENARIO_HANDLE] = {.expected = "a handle, 1 to 8 or 'none'",
                         .max = SCENARIO_HANDLES_MAX,
                         .numbers = true,
                         .word = handle_word},
    [SCENARIO_NUMBER] =
        {.expected = "a number of 32 bits", ALL, .is_unsigned = true, .numbers = true, TRY(numbers)},
    [SCENARIO_TARGET] = {.expected = "a process: client, secondary, another or server",
                         .max = SCENARIO_SERVER,
                         .word = process_word,
                         .last_word = SCENARIO_SERVER},
    [SCENARIO_ACTOR] = {.expected = "a thread, as client, client.2 or server.4",
                        .max = SCENARIO_WORLD * SCENARIO_THREADS_MAX - 1},
    [SCENARIO_WORD] = {.expected = "a word of shared memory, as header.phase, ring.turn, control or area",
                       .max = SCENARIO_WORD_COUNT - 1,
                       .word = memory_word,
                       .last_word = SCENARIO_WORD_COUNT - 1},
    [SCENARIO_MS] = {.expected = "milliseconds or 'forever'",
                     .min = -1,
                     .max = INT64_MAX,
                     .numbers = true,
                     .word = time_word,
                     .first_word = -1,
                     .last_word = -1,
                     TRY(times)},
    [SCENARIO_BYTES] =
        {.expected = "a number of 64 bits", ALL, .is_unsigned = true, .numbers = true, TRY(wide)},
    [SCENARIO_POSITION] = {.expected = "a number of 64 bits, with a sign or without",
                           ALL,
                           .numbers = true,
                           TRY(wide)},
    [SCENARIO_VALUE] =
        {.expected = "a number of 64 bits", ALL, .is_unsigned = true, .numbers = true, TRY(values)},
};

int64_t scenario_value_settle(enum scenario_type type, int64_t value)
{
    const struct scenario_type_info *info = &scenario_types[type];
    if (info->min > info->max || (value >= info->min && value <= info->max)) {
        return value;
    }
    if (info->min < 0) {
        return info->min; /* a timeout below -1 is as good as that */
    }
    return (int64_t)((uint64_t)value % (uint64_t)(info->max + 1));
}

/* ---- features ---- */

/* What stands for several bits comes first. */
static const struct {
    uint32_t bits;
    const char *name;
} feature_names[] = {
    {VDF_LikeTape, "LikeTape"},
    {VDF_Removable, "Removable"},
    {VDF_Rewind, "Rewind"},
    {VDF_Position, "Position"},
    {VDF_SkipBlocks, "SkipBlocks"},
    {VDF_ReversePosition, "ReversePosition"},
    {VDF_Discard, "Discard"},
    {VDF_FileMarks, "FileMarks"},
    {VDF_RandomAccess, "RandomAccess"},
    {VDF_SnapshotPrepare, "SnapshotPrepare"},
    {VDF_EnumFrozenFiles, "EnumFrozenFiles"},
    {VDF_VSSWriter, "VSSWriter"},
    {VDF_RequestComplete, "RequestComplete"},
    {VDF_WriteMedia, "WriteMedia"},
    {VDF_ReadMedia, "ReadMedia"},
    {VDF_CompleteEnabled, "CompleteEnabled"},
    {(uint32_t)VDF_LatchStats, "LatchStats"},
};

static int print_features(uint32_t bits, char *text, size_t size)
{
    char all[SCENARIO_VALUE_TEXT];
    size_t used = 0;
    all[0] = '\0';
    for (size_t i = 0; i < COUNT(feature_names); i++) {
        if ((bits & feature_names[i].bits) == feature_names[i].bits) {
            used += (size_t)snprintf(all + used, sizeof all - used, "%s%s", used != 0 ? "|" : "",
                                     feature_names[i].name);
            bits &= ~feature_names[i].bits;
        }
    }
    if (bits != 0 || used == 0) {
        snprintf(all + used, sizeof all - used, "%s0x%" PRIx32, used != 0 ? "|" : "", bits);
    }
    return snprintf(text, size, "%s", all);
}

static bool parse_feature(const char *text, size_t length, uint32_t *bits)
{
    int64_t number = 0;
    for (size_t i = 0; i < COUNT(feature_names); i++) {
        if (scenario_text_is(text, length, feature_names[i].name)) {
            *bits |= feature_names[i].bits;
            return true;
        }
    }
    if (!scenario_number_parse(text, length, true, &number) || (uint64_t)number > UINT32_MAX) {
        return false;
    }
    *bits |= (uint32_t)number;
    return true;
}

static bool parse_features(const char *text, size_t length, int64_t *value)
{
    uint32_t bits = 0;
    for (size_t at = 0;;) {
        const char *bar = memchr(text + at, '|', length - at);
        size_t end = bar != NULL ? (size_t)(bar - text) : length;
        if (!parse_feature(text + at, end - at, &bits)) {
            return false;
        }
        if (bar == NULL) {
            *value = bits;
            return true;
        }
        at = end + 1;
    }
}

/* ---- numbers, actors, values ---- */

static int digit_of(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : 16;
}

bool scenario_number_parse(const char *text, size_t length, bool is_unsigned, int64_t *value)
{
    bool negative = !is_unsigned && length > 0 && text[0] == '-';
    size_t at = negative;
    int base = length > at + 2 && text[at] == '0' && text[at + 1] == 'x' ? 16 : 10;
    uint64_t number = 0, limit = is_unsigned ? UINT64_MAX : (uint64_t)INT64_MAX + negative;
    at += base == 16 ? 2 : 0;
    if (at == length) {
        return false;
    }
    for (; at < length; at++) {
        int digit = digit_of(text[at]);
        if (digit >= base || number > (limit - (uint64_t)digit) / (uint64_t)base) {
            return false;
        }
        number = number * (uint64_t)base + (uint64_t)digit;
    }
    *value = (int64_t)(negative ? 0 - number : number);
    return true;
}

bool scenario_actor_parse(const char *text, size_t length, uint8_t *who)
{
    const char *dot = memchr(text, '.', length);
    size_t name = dot != NULL ? (size_t)(dot - text) : length;
    int64_t thread = 1;
    if (dot != NULL && (!scenario_number_parse(dot + 1, length - name - 1, true, &thread) || thread < 1 ||
                        thread > SCENARIO_THREADS_MAX)) {
        return false;
    }
    for (int i = 0; i < SCENARIO_PROCESS_COUNT; i++) {
        if (scenario_text_is(text, name, scenario_process_names[i])) {
            *who = scenario_actor((enum scenario_process)i, (uint32_t)thread - 1);
            return i != SCENARIO_WORLD || thread == 1;
        }
    }
    return false;
}

int scenario_actor_print(uint8_t who, char *text, size_t size)
{
    const char *name = scenario_process_names[scenario_actor_process(who)];
    uint32_t thread = scenario_actor_thread(who);
    return thread == 0 ? snprintf(text, size, "%s", name)
                       : snprintf(text, size, "%s.%" PRIu32, name, thread + 1);
}

static const char *word_of(const struct scenario_type_info *info, int64_t value)
{
    bool may = info->word != NULL && value >= info->first_word && value <= info->last_word;
    return may ? info->word((int32_t)value) : NULL;
}

int scenario_value_print(enum scenario_type type, int64_t value, char *text, size_t size)
{
    const struct scenario_type_info *info = &scenario_types[type];
    const char *word = word_of(info, value);
    if (type == SCENARIO_FEATURES) {
        return print_features((uint32_t)value, text, size);
    }
    if (type == SCENARIO_ACTOR) {
        return scenario_actor_print((uint8_t)value, text, size);
    }
    if (word != NULL) {
        return snprintf(text, size, "%s", word);
    }
    if (type == SCENARIO_VALUE) {
        return snprintf(text, size, "0x%" PRIx64, (uint64_t)value);
    }
    return info->is_unsigned ? snprintf(text, size, "%" PRIu64, (uint64_t)value)
                             : snprintf(text, size, "%" PRId64, value);
}

/* A number of a field of 32 bits has no more than those. */
static bool fits(enum scenario_type type, int64_t value)
{
    const struct scenario_type_info *info = &scenario_types[type];
    if (type == SCENARIO_NUMBER) {
        return value >= 0 && value <= UINT32_MAX;
    }
    if (type == SCENARIO_CODE) {
        return value >= INT32_MIN && value <= INT32_MAX;
    }
    return info->min > info->max || (value >= info->min && value <= info->max);
}

/* Where a type has values worth trying, those with a word are among them. */
static bool parse_word(const struct scenario_type_info *info, const char *text, size_t length, int64_t *value)
{
    bool listed = info->tries != NULL;
    int64_t count = listed ? (int64_t)info->try_count : (int64_t)info->last_word - info->first_word + 1;
    for (int64_t i = 0; i < count; i++) {
        int64_t candidate = listed ? info->tries[i] : info->first_word + i;
        const char *word = word_of(info, candidate);
        if (word != NULL && scenario_text_is(text, length, word)) {
            *value = candidate;
            return true;
        }
    }
    return false;
}

bool scenario_value_parse(enum scenario_type type, const char *text, size_t length, int64_t *value)
{
    const struct scenario_type_info *info = &scenario_types[type];
    uint8_t who = 0;
    if (type == SCENARIO_FEATURES) {
        return parse_features(text, length, value);
    }
    if (type == SCENARIO_ACTOR) {
        bool known = scenario_actor_parse(text, length, &who);
        *value = who;
        return known && scenario_actor_process(who) != SCENARIO_WORLD;
    }
    return parse_word(info, text, length, value) ||
           (info->numbers && scenario_number_parse(text, length, info->is_unsigned, value) &&
            fits(type, *value));
}

const char *scenario_expected_word(const struct scenario_line *line)
{
    int32_t result = 0;
    if (!scenario_expected(line, &result)) {
        return NULL;
    }
    bool truth = scenario_verb_info(line->verb)->gives == SCENARIO_RESULT_TRUTH;
    return !truth ? vdi_result_name(result) : result != 0 ? "TRUE" : "FALSE";
}
