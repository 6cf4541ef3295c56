/* answers_file.c - see answers_file.h. */
#include "answers_file.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    FILE_MAX = 64 << 20,
    COLUMNS_MAX = 1024,
    PRECISION_DEFAULT = 18,
    PRECISION_MAX = 38,
    SEVERITY_MAX = 25
};

static const char *const type_names[RESULTS_TYPE_COUNT] = {
    [RESULTS_BIT] = "bit",           [RESULTS_TINYINT] = "tinyint",
    [RESULTS_SMALLINT] = "smallint", [RESULTS_INT] = "int",
    [RESULTS_BIGINT] = "bigint",     [RESULTS_NUMERIC] = "numeric",
    [RESULTS_NVARCHAR] = "nvarchar", [RESULTS_VARBINARY] = "varbinary",
    [RESULTS_DATETIME] = "datetime", [RESULTS_UNIQUEIDENTIFIER] = "uniqueidentifier",
};

struct reader {
    const char *path;
    char *message;
    const char *text;
    size_t length, at;
    uint32_t line; /* of the element at hand */
};

const char *answers_type_name(enum results_type type)
{
    return type > 0 && type < RESULTS_TYPE_COUNT ? type_names[type] : NULL;
}

__attribute__((format(printf, 3, 4))) static int fail(struct reader *reader, uint32_t line,
                                                      const char *format, ...)
{
    int used = snprintf(reader->message, ANSWERS_MESSAGE_MAX, "answers '%s', line %u: ", reader->path, line);
    va_list args;
    va_start(args, format);
    if (used > 0 && used < ANSWERS_MESSAGE_MAX)
        vsnprintf(reader->message + used, (size_t)(ANSWERS_MESSAGE_MAX - used), format, args);
    va_end(args);
    return EINVAL;
}

/* ---- one answer ---- */

/* An optional number of an object. */
static int take_number(struct reader *reader, const json_t *object, const char *key, int64_t least,
                       int64_t most, int64_t *number)
{
    const json_t *value = json_object_get(object, key);
    if (value == NULL)
        return 0;
    *number = json_integer_value(value);
    if (!json_is_integer(value) || *number < least || *number > most)
        return fail(reader, reader->line, "\"%s\": expected a number from %lld to %lld", key,
                    (long long)least, (long long)most);
    return 0;
}

static int take_type(struct reader *reader, const char *name, const char *word, enum results_type *type)
{
    for (int i = RESULTS_BIT; i < RESULTS_TYPE_COUNT; i++) {
        if (strcasecmp(type_names[i], word) == 0) {
            *type = (enum results_type)i;
            return 0;
        }
    }
    return fail(
        reader, reader->line,
        "column \"%s\" has type \"%s\"; expected bit, tinyint, smallint, int, bigint, numeric, nvarchar, "
        "varbinary, datetime or uniqueidentifier",
        name, word);
}

static int take_column(struct reader *reader, const json_t *value, struct results_column *column)
{
    const char *name = json_string_value(json_object_get(value, "name"));
    const char *type = json_string_value(json_object_get(value, "type"));
    int64_t length = 0, precision = PRECISION_DEFAULT, scale = 0;
    if (name == NULL)
        return fail(reader, reader->line,
                    "expected columns of the form {\"name\": \"n\", \"type\": \"int\"}");
    int rc = take_type(reader, name, type != NULL ? type : "nvarchar", &column->type);
    if (rc == 0)
        rc = take_number(reader, value, "length", 0, 8000, &length);
    if (rc == 0)
        rc = take_number(reader, value, "precision", 1, PRECISION_MAX, &precision);
    if (rc == 0)
        rc = take_number(reader, value, "scale", 0, precision, &scale);
    if (rc != 0)
        return rc;
    column->length = (uint16_t)length;
    column->precision = column->type == RESULTS_NUMERIC ? (uint8_t)precision : 0;
    column->scale = column->type == RESULTS_NUMERIC ? (uint8_t)scale : 0;
    column->name = strdup(name);
    return column->name == NULL ? ENOMEM : 0;
}

/* Digits, maybe with a sign before and a point between them. */
static bool is_decimal(const char *text)
{
    static const char digits[] = "0123456789";
    text += *text == '-';
    size_t whole = strspn(text, digits);
    size_t point = text[whole] == '.', behind = strspn(text + whole + point, digits);
    return text[whole + point + behind] == '\0' && whole + behind > 0 &&
           whole + behind <= PRECISION_MAX + (size_t)(text[0] == '0');
}

static bool is_moment(const char *text)
{
    int year, month, day, hour, minute, second, used = 0;
    if (sscanf(text, "%4d-%2d-%2d %2d:%2d:%2d%n", &year, &month, &day, &hour, &minute, &second, &used) != 6 ||
        used != 19)
        return false;
    size_t fraction = text[used] == '.' ? 1 + strspn(text + used + 1, "0123456789") : 0;
    return text[used + fraction] == '\0' && year >= 1753 && month >= 1 && month <= 12 && day >= 1 &&
           day <= 31 && hour >= 0 && hour < 24 && minute >= 0 && minute < 60 && second >= 0 && second < 60;
}

static bool is_guid(const char *text)
{
    size_t at = 0;
    for (; text[at] != '\0'; at++) {
        bool dash = at == 8 || at == 13 || at == 18 || at == 23;
        if (dash ? text[at] != '-' : strchr("0123456789abcdefABCDEF", text[at]) == NULL)
            return false;
    }
    return at == 36;
}

/* A value of the type, as text (session_results.h): what is none would be NULL on the wire. */
static bool is_of_type(const char *text, enum results_type type)
{
    size_t length = strlen(text);
    if (type == RESULTS_BIT)
        return strcmp(text, "0") == 0 || strcmp(text, "1") == 0;
    if (type == RESULTS_NUMERIC)
        return is_decimal(text);
    if (results_is_number(type)) {
        char *end;
        errno = 0;
        long long number = strtoll(text, &end, 10);
        long long most = type == RESULTS_TINYINT    ? 255
                         : type == RESULTS_SMALLINT ? INT16_MAX
                         : type == RESULTS_INT      ? INT32_MAX
                                                    : INT64_MAX;
        long long least = type == RESULTS_TINYINT ? 0 : -most - 1;
        return errno == 0 && length > 0 && *end == '\0' && number >= least && number <= most;
    }
    if (type == RESULTS_VARBINARY)
        return length >= 2 && length % 2 == 0 && strncasecmp(text, "0x", 2) == 0 &&
               text[2 + strspn(text + 2, "0123456789abcdefABCDEF")] == '\0';
    if (type == RESULTS_UNIQUEIDENTIFIER)
        return is_guid(text);
    return type != RESULTS_DATETIME || is_moment(text);
}

static int take_cell(struct reader *reader, const json_t *value, const struct results_column *column,
                     char **cell)
{
    if (json_is_null(value))
        return 0;
    if (json_is_string(value))
        *cell = strdup(json_string_value(value));
    else if (json_is_boolean(value))
        *cell = strdup(json_is_true(value) ? "1" : "0");
    else if (json_is_number(value))
        *cell = json_dumps(value, JSON_ENCODE_ANY | JSON_REAL_PRECISION(15));
    else
        return fail(reader, reader->line, "column \"%s\": expected null, text, a number, true or false",
                    column->name);
    if (*cell == NULL)
        return ENOMEM;
    if (!is_of_type(*cell, column->type))
        return fail(reader, reader->line, "column \"%s\": '%.100s' is no value of type %s", column->name,
                    *cell, type_names[column->type]);
    return 0;
}

static int take_rows(struct reader *reader, const json_t *rows, struct answer_set *set)
{
    size_t count = json_array_size(rows), width = set->column_count;
    if (rows != NULL && !json_is_array(rows))
        return fail(reader, reader->line, "\"rows\": expected an array of arrays");
    set->cells = calloc(count * width + 1, sizeof(*set->cells));
    if (set->cells == NULL)
        return ENOMEM;
    set->row_count = (uint32_t)count;
    for (size_t row = 0; row < count; row++) {
        const json_t *values = json_array_get(rows, row);
        if (!json_is_array(values) || json_array_size(values) != width)
            return fail(reader, reader->line, "row %zu: expected an array of %zu values, one a column",
                        row + 1, width);
        for (size_t i = 0; i < width; i++) {
            int rc =
                take_cell(reader, json_array_get(values, i), &set->columns[i], &set->cells[row * width + i]);
            if (rc != 0)
                return rc;
        }
    }
    return 0;
}

static int take_set(struct reader *reader, const json_t *object, struct answer_set *set)
{
    const json_t *columns = json_object_get(object, "columns");
    size_t count = json_array_size(columns);
    if (!json_is_array(columns) || count == 0 || count > COLUMNS_MAX)
        return fail(reader, reader->line, "\"columns\": expected an array of 1 to %d columns", COLUMNS_MAX);
    set->columns = calloc(count, sizeof(*set->columns));
    if (set->columns == NULL)
        return ENOMEM;
    for (size_t i = 0; i < count; i++) {
        int rc = take_column(reader, json_array_get(columns, i), &set->columns[set->column_count]);
        if (rc != 0)
            return rc;
        set->column_count++;
    }
    return take_rows(reader, json_object_get(object, "rows"), set);
}

static int take_sets(struct reader *reader, const json_t *object, struct answer *answer)
{
    const json_t *results = json_object_get(object, "results");
    bool one = json_object_get(object, "columns") != NULL || json_object_get(object, "rows") != NULL;
    if (results != NULL && (one || !json_is_array(results)))
        return fail(reader, reader->line,
                    "\"results\": expected an array, in place of \"columns\" and \"rows\"");
    size_t count = one ? 1 : json_array_size(results);
    answer->sets = calloc(count + 1, sizeof(*answer->sets));
    if (answer->sets == NULL)
        return ENOMEM;
    for (size_t i = 0; i < count; i++) {
        answer->set_count++; /* what it holds so far is released with it */
        int rc = take_set(reader, one ? object : json_array_get(results, i), &answer->sets[i]);
        if (rc != 0)
            return rc;
    }
    return 0;
}

static int take_message(struct reader *reader, const json_t *object, struct sql_message *message)
{
    const char *text = json_string_value(json_object_get(object, "text"));
    int64_t number = 50000, severity = 10, state = 1;
    if (text == NULL)
        return fail(
            reader, reader->line,
            "\"messages\": expected objects of the form {\"number\": 50000, \"severity\": 16, \"state\": 1, "
            "\"text\": \"...\"}");
    int rc = take_number(reader, object, "number", 0, INT32_MAX, &number);
    if (rc == 0)
        rc = take_number(reader, object, "severity", 0, SEVERITY_MAX, &severity);
    if (rc == 0)
        rc = take_number(reader, object, "state", 0, 255, &state);
    if (rc != 0)
        return rc;
    *message = (struct sql_message){(int32_t)number, (int32_t)severity, (int32_t)state, strdup(text)};
    return message->text == NULL ? ENOMEM : 0;
}

static int take_messages(struct reader *reader, const json_t *object, struct answer *answer)
{
    const json_t *messages = json_object_get(object, "messages");
    size_t count = json_array_size(messages);
    if (messages != NULL && !json_is_array(messages))
        return fail(reader, reader->line, "\"messages\": expected an array");
    answer->messages = calloc(count + 1, sizeof(*answer->messages));
    int rc = answer->messages == NULL ? ENOMEM : 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = take_message(reader, json_array_get(messages, i), &answer->messages[i]);
        answer->message_count += rc == 0;
    }
    return rc;
}

static int take_answer(struct reader *reader, const json_t *object, struct answer *answer)
{
    static const char *const keys[] = {"query", "columns", "rows", "results", "messages"};
    const char *key;
    json_t *value;
    const char *query = json_string_value(json_object_get(object, "query"));
    if (!json_is_object(object) || query == NULL)
        return fail(reader, reader->line, "expected an object with a \"query\", a text");
    json_object_foreach((json_t *)object, key, value)
    {
        bool known = false;
        for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++)
            known = known || strcmp(keys[i], key) == 0;
        if (!known)
            return fail(reader, reader->line,
                        "\"%.100s\": expected query, columns, rows, results or messages", key);
    }
    answer->query = answers_normalise(query, strlen(query));
    if (answer->query == NULL)
        return ENOMEM;
    if (answer->query[0] == '\0')
        return fail(reader, reader->line, "\"query\": expected more than blanks");
    int rc = take_sets(reader, object, answer);
    return rc == 0 ? take_messages(reader, object, answer) : rc;
}

/* ---- the file ---- */

static char next_character(struct reader *reader)
{
    for (; reader->at < reader->length; reader->at++) {
        char c = reader->text[reader->at];
        if (c == '\n')
            reader->line++;
        else if (c != ' ' && c != '\t' && c != '\r')
            return c;
    }
    return '\0';
}

/* Element by element, so that what is wrong with one is said with its line. */
static int take_element(struct reader *reader, struct answers *answers)
{
    json_error_t error;
    json_t *element = json_loadb(reader->text + reader->at, reader->length - reader->at,
                                 JSON_DISABLE_EOF_CHECK | JSON_REJECT_DUPLICATES, &error);
    if (element == NULL)
        return fail(reader, reader->line + (uint32_t)(error.line > 0 ? error.line - 1 : 0),
                    "expected JSON: %s", error.text);
    int rc = ENOMEM;
    struct answer *grown = realloc(answers->items, (answers->count + 1) * sizeof(*grown));
    if (grown != NULL) {
        answers->items = grown;
        grown[answers->count] = (struct answer){0};
        rc = take_answer(reader, element, &grown[answers->count++]);
    }
    for (size_t end = reader->at + (size_t)error.position; reader->at < end; reader->at++)
        reader->line += reader->text[reader->at] == '\n';
    json_decref(element);
    return rc;
}

static int take_array(struct reader *reader, struct answers *answers)
{
    int rc = 0;
    if (next_character(reader) != '[')
        return fail(reader, reader->line, "expected an array of answers, [{\"query\": ...}, ...]");
    do {
        reader->at++;
        char c = next_character(reader);
        if (c == ']' && answers->count == 0)
            break;
        rc = take_element(reader, answers);
    } while (rc == 0 && next_character(reader) == ',');
    if (rc == 0 && next_character(reader) != ']')
        return fail(reader, reader->line, "expected , or ] behind an answer");
    reader->at += rc == 0;
    if (rc == 0 && next_character(reader) != '\0')
        return fail(reader, reader->line, "expected nothing behind the array");
    return rc;
}

/* Every process that answers reads it anew: a pipe has it once, and a FIFO that nobody writes would be waited for. */
static int open_file(const char *path)
{
    struct stat status;
    int file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (file >= 0 && (fstat(file, &status) != 0 || S_ISFIFO(status.st_mode))) {
        close(file);
        errno = ESPIPE;
        file = -1;
    }
    return file;
}

static int read_file(const char *path, char **text, size_t *length)
{
    size_t capacity = 0;
    int descriptor = open_file(path);
    FILE *file = descriptor >= 0 ? fdopen(descriptor, "r") : NULL;
    int rc = file == NULL ? errno : 0;
    *text = NULL;
    *length = 0;
    while (rc == 0 && !feof(file)) {
        if (*length == capacity) {
            capacity = capacity > 0 ? 2 * capacity : 65536;
            char *grown = capacity <= FILE_MAX ? realloc(*text, capacity) : NULL;
            if (grown == NULL) {
                rc = capacity <= FILE_MAX ? ENOMEM : EFBIG;
                break;
            }
            *text = grown;
        }
        *length += fread(*text + *length, 1, capacity - *length, file);
        rc = ferror(file) ? (errno != 0 ? errno : EIO) : 0;
    }
    if (file != NULL)
        fclose(file);
    else if (descriptor >= 0)
        close(descriptor);
    return rc;
}

int answers_load(const char *path, struct answers **out, char message[ANSWERS_MESSAGE_MAX])
{
    static const char byte_order_mark[] = "\xef\xbb\xbf"; /* some editors begin a file of UTF-8 with it */
    char *text;
    struct reader reader = {.path = path, .message = message, .line = 1};
    struct answers *answers = calloc(1, sizeof(*answers));
    int rc = read_file(path, &text, &reader.length);
    message[0] = '\0';
    reader.text = text;
    if (rc == 0 && reader.length >= sizeof(byte_order_mark) - 1 &&
        memcmp(text, byte_order_mark, sizeof(byte_order_mark) - 1) == 0) {
        reader.text += sizeof(byte_order_mark) - 1;
        reader.length -= sizeof(byte_order_mark) - 1;
    }
    if (rc == 0)
        rc = answers == NULL ? ENOMEM : take_array(&reader, answers);
    if (rc != 0) {
        if (message[0] == '\0')
            snprintf(message, ANSWERS_MESSAGE_MAX, "answers '%s' cannot be read: %s", path,
                     rc == ESPIPE ? "expected a file that can be read again, no pipe" : strerror(rc));
        answers_free(answers);
        answers = NULL;
    }
    free(text);
    *out = answers;
    return rc;
}

int answers_from_environment(struct answers **answers, char message[ANSWERS_MESSAGE_MAX])
{
    const char *path = getenv("VDIFAULT_ANSWERS");
    *answers = NULL;
    return path == NULL || path[0] == '\0' ? 0 : answers_load(path, answers, message);
}
