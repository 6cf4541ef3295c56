/* answers_write.c - see answers_write.h. */
#include "answers_write.h"

#include <errno.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "answers_file.h"

static const char end[] = "\n]\n";

static json_t *describe(const struct results_column *column)
{
    json_t *object = json_pack("{s:s, s:s}", "name", column->name, "type", answers_type_name(column->type));
    if (column->length > 0) {
        json_object_set_new(object, "length", json_integer(column->length));
    }
    if (column->type == RESULTS_NUMERIC) {
        json_object_set_new(object, "precision", json_integer(column->precision));
        json_object_set_new(object, "scale", json_integer(column->scale));
    }
    return object;
}

static json_t *value_of(const char *cell, enum results_type type)
{
    return cell == NULL                                         ? json_null()
           : results_is_number(type) && type != RESULTS_NUMERIC ? json_integer(strtoll(cell, NULL, 10))
                                                                : json_string(cell);
}

static void put_set(json_t *object, const struct answer_set *set)
{
    json_t *columns = json_array(), *rows = json_array();
    for (uint32_t i = 0; i < set->column_count; i++) {
        json_array_append_new(columns, describe(&set->columns[i]));
    }
    for (uint32_t row = 0; row < set->row_count; row++) {
        json_t *values = json_array();
        for (uint32_t i = 0; i < set->column_count; i++) {
            const char *cell = set->cells[(size_t)row * set->column_count + i];
            json_array_append_new(values, value_of(cell, set->columns[i].type));
        }
        json_array_append_new(rows, values);
    }
    json_object_set_new(object, "columns", columns);
    json_object_set_new(object, "rows", rows);
}

static json_t *object_of(const struct answer *answer)
{
    json_t *object = json_pack("{s:s}", "query", answer->query);
    json_t *results = answer->set_count > 1 ? json_array() : NULL;
    for (uint32_t i = 0; i < answer->set_count; i++) {
        json_t *set = results != NULL ? json_object() : object;
        put_set(set, &answer->sets[i]);
        if (results != NULL) {
            json_array_append_new(results, set);
        }
    }
    if (results != NULL) {
        json_object_set_new(object, "results", results);
    }
    json_t *messages = answer->message_count > 0 ? json_array() : NULL;
    for (uint32_t i = 0; i < answer->message_count; i++) {
        const struct sql_message *message = &answer->messages[i];
        json_array_append_new(
            messages, json_pack("{s:i, s:i, s:i, s:s}", "number", (int)message->number, "severity",
                                (int)message->severity, "state", (int)message->state, "text", message->text));
    }
    if (messages != NULL) {
        json_object_set_new(object, "messages", messages);
    }
    return object;
}

static int print(FILE *out, const struct answers *answers, uint32_t from)
{
    int rc = 0;
    for (uint32_t i = from; rc == 0 && i < answers->count; i++) {
        json_t *object = object_of(&answers->items[i]);
        fputs(i == 0 ? "[\n" : ",\n", out);
        rc = object != NULL && json_dumpf(object, out, 0) == 0 ? 0 : ENOMEM;
        json_decref(object);
    }
    fputs(answers->count == 0 ? "[\n]\n" : end, out);
    return rc;
}

int answers_write(int file, const struct answers *answers, uint32_t place)
{
    char *text = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&text, &size);
    bool whole = place == 0 || place + 1 < answers->count;
    if (out == NULL) {
        return errno;
    }
    int rc = print(out, answers, whole ? 0 : place);
    if (fclose(out) != 0 && rc == 0) {
        rc = ENOMEM;
    }
    off_t length = lseek(file, 0, SEEK_END);
    off_t at = whole || length < (off_t)sizeof end ? 0 : length - (off_t)(sizeof end - 1);
    /* It only grows: in one write, nobody finds half of it. */
    if (rc == 0 && pwrite(file, text, size, at) != (ssize_t)size) {
        rc = errno != 0 ? errno : ENOSPC;
    }
    free(text);
    return rc;
}
