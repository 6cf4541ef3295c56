/* html_data.c - what the page's script draws from.
 *
 * A sweep has ten thousand runs that say nearly the same: whatever repeats (faults, sites, operations, lines of call
 * sequences) is held once in a table and named by its index, and the commands that repeat runs share their ends. Read
 * by html/page.js, which has the same list of columns.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "html.h"
#include "results.h"
#include "rules.h"

/* Distinct values, in the order in which they came. */
struct table {
    json_t *values;
    json_t *index; /* compact text -> index */
};

struct data {
    struct table faults, sites, operations, ends, notes, seen, calls;
    json_t *finding_index; /* rule and fingerprint -> index of the sweep's findings */
    const char *repeat;    /* some run's command */
    size_t before, after;  /* how many bytes all commands share at their ends, without overlap */
};

/* Takes the value over. */
static json_t *table_add(struct table *table, json_t *value)
{
    char *text = json_dumps(value, JSON_COMPACT | JSON_SORT_KEYS | JSON_ENCODE_ANY);
    json_t *index = text ? json_object_get(table->index, text) : NULL;

    if (text && !index) {
        index = json_integer((json_int_t)json_array_size(table->values));
        json_object_set_new(table->index, text, index);
        json_array_append(table->values, value);
    }
    json_decref(value);
    free(text);
    return json_incref(index);
}

static json_t *member(const json_t *object, const char *key)
{
    json_t *value = json_object_get(object, key);

    return value ? json_incref(value) : json_null();
}

/* The named members as an array; absent ones are null. */
static json_t *members(const json_t *object, const char *const *keys, size_t count)
{
    json_t *values = json_array();

    for (size_t i = 0; i < count; i++) {
        json_array_append_new(values, member(object, keys[i]));
    }
    return values;
}
#define MEMBERS(object, ...)                            \
    members(object, (const char *const[]){__VA_ARGS__}, \
            sizeof((const char *const[]){__VA_ARGS__}) / sizeof(const char *))

/* ---- findings ---- */

static char *finding_key(const json_t *finding)
{
    json_t *key = MEMBERS(finding, "rule", "fingerprint");
    char *text = json_dumps(key, JSON_COMPACT);

    json_decref(key);
    return text;
}

static void index_findings(struct data *data, const json_t *sweep)
{
    const json_t *finding;
    size_t i;

    json_array_foreach(json_object_get(sweep, "findings"), i, finding)
    {
        char *key = finding_key(finding);

        if (key) {
            json_object_set_new(data->finding_index, key, json_integer((json_int_t)i));
        }
        free(key);
    }
}

/* A run's findings as the distinct one each is, with what only this run says of it. */
static json_t *seen_value(struct data *data, const json_t *run)
{
    json_t *list = json_array(), *finding;
    size_t i;

    json_array_foreach(json_object_get(run, "findings"), i, finding)
    {
        char *key = finding_key(finding);
        json_t *index = key ? json_object_get(data->finding_index, key) : NULL;
        json_t *seen = MEMBERS(finding, "message", "call", "device", "thread", "count");

        json_array_insert(seen, 0, index ? index : json_null());
        json_array_append_new(list, table_add(&data->seen, seen));
        free(key);
    }
    return list;
}

/* The text of the rules that findings name. */
static json_t *rules_value(const json_t *sweep)
{
    json_t *rules = json_object(), *finding;
    size_t i;

    json_array_foreach(json_object_get(sweep, "findings"), i, finding)
    {
        const struct rule_info *rule = rule_find(results_text(finding, "rule"));

        if (rule) {
            json_object_set_new(rules, rule->id,
                                json_pack("[s, s, s, s]", rule->says, rule->why, rule->fix, rule->source));
        }
    }
    return rules;
}

/* ---- runs ---- */

enum {
    SETS_MAX = 10, /* names a run's texts are shared over; a digit tells which */
    SET_MIN = 4    /* bytes; shorter ones are found in other words */
};

/* Which set's name the text begins with; SETS_MAX: none. */
static size_t set_at(const json_t *operations, const char *text, size_t *length)
{
    const json_t *operation;
    size_t i;

    json_array_foreach(operations, i, operation)
    {
        const char *name = results_text(operation, "set");

        *length = strlen(name);
        if (i < SETS_MAX && *length >= SET_MIN && strncmp(text, name, *length) == 0) {
            return i;
        }
    }
    return SETS_MAX;
}

/* The text with each set's name as U+0001 and its operation's digit. */
static json_t *shared_text(const json_t *operations, const char *text)
{
    char *copy = NULL;
    size_t size = 0;
    FILE *out = open_memstream(&copy, &size);
    json_t *value;

    if (!out) {
        return json_string(text);
    }
    while (*text) {
        size_t length, set = set_at(operations, text, &length);

        if (set < SETS_MAX) {
            fprintf(out, "\x01%zu", set);
            text += length;
        } else {
            fputs(*text == '\x01' ? "\xef\xbf\xbd" : (const char[]){*text, '\0'}, out);
            text++;
        }
    }
    value = fclose(out) == 0 ? json_stringn(copy, size) : NULL;
    free(copy);
    return value;
}

/* Set names differ from run to run (clients make them unique), and nearly nothing else does: without them, whole
 * operations and calls are the same. */
static json_t *shared_value(const json_t *operations, const json_t *value)
{
    json_t *copy, *member_value;
    const char *key;
    size_t i;

    if (json_is_string(value)) {
        return shared_text(operations, json_string_value(value));
    }
    if (json_is_array(value)) {
        copy = json_array();
        json_array_foreach(value, i, member_value)
        {
            json_array_append_new(copy, shared_value(operations, member_value));
        }
        return copy;
    }
    if (!json_is_object(value)) {
        return json_deep_copy(value);
    }
    copy = json_object();
    json_object_foreach((json_t *)value, key, member_value)
    {
        json_object_set_new(copy, key, shared_value(operations, member_value));
    }
    return copy;
}

/* Takes the value over. */
static json_t *add_shared(struct table *table, const json_t *run, json_t *value)
{
    json_t *index = table_add(table, shared_value(json_object_get(run, "operations"), value));

    json_decref(value);
    return index;
}

static json_t *sets_value(const json_t *run)
{
    json_t *list = json_array(), *operation;
    size_t i;

    json_array_foreach(json_object_get(run, "operations"), i, operation)
    {
        json_array_append_new(list, json_string(results_text(operation, "set")));
    }
    return list;
}

static json_t *operations_value(struct data *data, const json_t *run)
{
    json_t *list = json_array(), *operation;
    size_t i;

    json_array_foreach(json_object_get(run, "operations"), i, operation)
    {
        json_array_append_new(
            list, add_shared(&data->operations, run,
                             MEMBERS(operation, "id", "set", "database", "statement", "issued_by", "messages",
                                     "outcome", "bytes", "client_says", "durable")));
    }
    return list;
}

/* Three numbers a call: its line in the table, its number and its time, each less the one before. */
static json_t *calls_value(struct data *data, const json_t *run)
{
    const json_t *calls = json_object_get(run, "calls"), *call;
    json_int_t number = 0, time = 0;
    json_t *list;
    size_t i;

    if (!json_is_array(calls)) {
        return json_null();
    }
    list = json_array();
    json_array_foreach(calls, i, call)
    {
        json_int_t n = results_number(call, "n", number), t = results_number(call, "t_us", time);

        json_array_append_new(
            list, add_shared(&data->calls, run,
                             MEMBERS(call, "side", "thread", "device", "text", "result", "fault", "rules")));
        json_array_append_new(list, json_integer(results_difference(n, number)));
        json_array_append_new(list, json_integer(results_difference(t, time)));
        number = n;
        time = t;
    }
    return list;
}

static const char *repeat_of(const json_t *run)
{
    const char *repeat = results_text(run, "repeat");

    return *repeat ? repeat : results_text(json_array_get(json_object_get(run, "findings"), 0), "repeat");
}

static bool is_within_character(char byte)
{
    return ((unsigned char)byte & 0xc0) == 0x80;
}

/* What all commands begin and end with, in whole characters. */
static void find_common(struct data *data, const json_t *runs)
{
    const json_t *run;
    size_t i, shortest = SIZE_MAX;

    json_array_foreach(runs, i, run)
    {
        const char *repeat = repeat_of(run);
        size_t length = strlen(repeat), before = 0, after = 0;

        if (!*repeat) {
            continue;
        }
        if (!data->repeat) {
            data->repeat = repeat;
            data->before = length;
            data->after = length;
        }
        shortest = length < shortest ? length : shortest;
        while (before < data->before && before < length && repeat[before] == data->repeat[before]) {
            before++;
        }
        while (after < data->after && after < length &&
               repeat[length - 1 - after] == data->repeat[strlen(data->repeat) - 1 - after]) {
            after++;
        }
        data->before = before;
        data->after = after;
    }
    if (data->repeat && data->after > shortest - data->before) {
        data->after = shortest - data->before;
    }
    while (data->repeat && data->before > 0 && is_within_character(data->repeat[data->before])) {
        data->before--;
    }
    while (data->repeat && data->after > 0 &&
           is_within_character(data->repeat[strlen(data->repeat) - data->after])) {
        data->after--;
    }
}

/* What the run's command has between the common ends; 0 where that is its key, null without a command. */
static json_t *middle_value(const struct data *data, const json_t *run)
{
    const char *repeat = repeat_of(run), *key = results_text(run, "key");
    size_t ends = data->before + data->after, length = strlen(repeat);

    if (!*repeat) {
        return json_null();
    }
    if (length - ends == strlen(key) && strncmp(repeat + data->before, key, length - ends) == 0) {
        return json_integer(0);
    }
    return json_stringn(repeat + data->before, length - ends);
}

static json_t *run_value(struct data *data, const json_t *run)
{
    const json_t *client = json_object_get(run, "client");

    return json_pack(
        "[o, o, o, i, i, s, o, o, o, o, o, o, o, o]", member(run, "id"),
        table_add(&data->faults, MEMBERS(run, "fault", "class")),
        table_add(&data->sites, json_string(results_text(run, "site"))),
        json_is_true(json_object_get(run, "persistent")), (int)results_kind(run), results_text(run, "key"),
        middle_value(data, run), table_add(&data->ends, MEMBERS(client, "exit", "signal", "timed_out")),
        member(client, "wall_ms"),
        table_add(&data->notes, MEMBERS(run, "vacuous", "again", "dialect", "server", "error")),
        seen_value(data, run), operations_value(data, run), calls_value(data, run), sets_value(run));
}

static json_t *runs_value(struct data *data, const json_t *runs)
{
    json_t *values = json_array(), *run;
    size_t i;

    json_array_foreach(runs, i, run)
    {
        json_array_append_new(values, run_value(data, run));
    }
    return values;
}

/* ---- all of it ---- */

static json_t *findings_value(const json_t *sweep)
{
    json_t *values = json_array(), *finding;
    size_t i;

    json_array_foreach(json_object_get(sweep, "findings"), i, finding)
    {
        json_array_append_new(values, MEMBERS(finding, "rule", "severity", "message", "function", "backtrace",
                                              "grade", "plan", "minimised", "assumption"));
    }
    return values;
}

/* The names of sites in the order in which the clean run came to them: that of the matrix. */
static json_t *names_value(const json_t *sweep)
{
    struct table names = {json_array(), json_object()};
    const json_t *site;
    size_t i;

    json_array_foreach(json_object_get(sweep, "sites"), i, site)
    {
        json_decref(table_add(&names, json_string(results_text(site, "name"))));
    }
    json_decref(names.index);
    return names.values;
}

json_t *html_data(const json_t *sweep)
{
    struct data data = {.finding_index = json_object()};
    struct table *const tables[] = {&data.faults, &data.sites, &data.operations, &data.ends,
                                    &data.notes,  &data.seen,  &data.calls};
    const char *const table_names[] = {"faults", "sites", "operations", "ends", "notes", "seen", "calls"};
    json_t *runs = json_object_get(sweep, "runs"), *root;

    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        *tables[i] = (struct table){json_array(), json_object()};
    }
    index_findings(&data, sweep);
    find_common(&data, runs);
    root = json_pack(
        "{s:o, s:o, s:o, s:o, s:o}", "runs", runs_value(&data, runs), "findings", findings_value(sweep),
        "rules", rules_value(sweep), "names", names_value(sweep), "repeat",
        data.repeat ? json_pack("[o, o]", json_stringn(data.repeat, data.before),
                                json_stringn(data.repeat + strlen(data.repeat) - data.after, data.after))
                    : json_null());
    for (size_t i = 0; i < sizeof tables / sizeof tables[0]; i++) {
        if (root) {
            json_object_set(root, table_names[i], tables[i]->values);
        }
        json_decref(tables[i]->values);
        json_decref(tables[i]->index);
    }
    json_decref(data.finding_index);
    return root;
}
