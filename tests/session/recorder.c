/* recorder.c - see recorder.h. */
#include "recorder.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "activity.h"
#include "answers_file.h"

struct recorder recorder;
struct plan plan;
struct session_settings settings;
struct session *session;
atomic_bool interrupted;

__attribute__((format(printf, 1, 2))) static void record(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int used = vsnprintf(recorder.text + recorder.length, RECORD_MAX - recorder.length, format, args);
    va_end(args);
    assert_true(used >= 0 && recorder.length + (size_t)used < RECORD_MAX);
    recorder.length += (size_t)used;
}

static void take_message(struct results *results, const struct sql_message *message, uint32_t line)
{
    assert_ptr_equal(results, &recorder.results);
    record("message %d %d", message->number, message->severity);
    if (line > 1)
        record(" line %u", line);
    record(": %s\n", message->text);
}

static void take_columns(struct results *results, const struct results_column *columns, uint32_t count)
{
    assert_ptr_equal(results, &recorder.results);
    for (uint32_t i = 0; i < count; i++) {
        record("%s%s%s%s", i == 0 ? "columns " : ", ", columns[i].name, columns[i].name[0] != '\0' ? " " : "",
               answers_type_name(columns[i].type));
        if (columns[i].type == RESULTS_NUMERIC)
            record("(%u,%u)", columns[i].precision, columns[i].scale);
        if (columns[i].type == RESULTS_NVARCHAR || columns[i].type == RESULTS_VARBINARY)
            record("(%u)", columns[i].length);
    }
    record("\n");
}

static void take_row(struct results *results, const char *const *values, uint32_t count)
{
    assert_ptr_equal(results, &recorder.results);
    for (uint32_t i = 0; i < count; i++)
        record("%s%s", i == 0 ? "row " : "|", values[i] != NULL ? values[i] : "NULL");
    record("\n");
}

static void take_done(struct results *results, const struct results_done *done)
{
    assert_ptr_equal(results, &recorder.results);
    record("done");
    if (done->counted)
        record(" %" PRId64, done->rows);
    if (done->kind == TSQL_SELECT)
        record(" of SELECT");
    record("%s\n", done->failed ? " failed" : "");
}

static void take_database(struct results *results, const char *name)
{
    assert_ptr_equal(results, &recorder.results);
    record("database %s\n", name);
}

static void take_transaction(struct results *results, enum results_transaction what)
{
    assert_ptr_equal(results, &recorder.results);
    record("transaction %d\n", what);
}

static void take_parameter(struct results *results, uint32_t index, const char *value)
{
    assert_ptr_equal(results, &recorder.results);
    record("parameter %u = %s\n", index, value != NULL ? value : "NULL");
}

static bool look(struct results *results)
{
    assert_ptr_equal(results, &recorder.results);
    recorder.looks++;
    if (recorder.attention != NULL)
        atomic_store(recorder.attention, true);
    return recorder.gone;
}

struct session_result expect_call(const struct session_call *call, const char *told)
{
    struct session_result result;
    fake.event_count = 0;
    recorder.length = 0;
    recorder.text[0] = '\0';
    if (session == NULL)
        assert_int_equal(session_new(&settings, &session), 0);
    assert_int_equal(session_call(session, call, &result), 0);
    if (told != NULL)
        assert_string_equal(recorder.text, told);
    return result;
}

struct session_result expect_batch(const char *batch, const char *told)
{
    const struct session_call call = {.text = batch, .length = strlen(batch)};
    return expect_call(&call, told);
}

void expect_rows(const char *query, const char *rows)
{
    char kept[RECORD_MAX] = "";
    const struct session_call call = {.text = query, .length = strlen(query)};
    expect_call(&call, NULL);
    for (char *line = strtok(recorder.text, "\n"); line != NULL; line = strtok(NULL, "\n")) {
        if (strncmp(line, "row ", 4) == 0)
            strcat(strcat(kept, line + 4), "\n");
        else if (strncmp(line, "message", 7) == 0)
            strcat(strcat(kept, line), "\n");
    }
    assert_string_equal(kept, rows);
}

int setup(void **state)
{
    (void)state;
    fake_reset();
    plan = (struct plan){.size = 8 << 20};
    atomic_store(&interrupted, false);
    recorder = (struct recorder){.results = {.message = take_message,
                                             .columns = take_columns,
                                             .row = take_row,
                                             .done = take_done,
                                             .database = take_database,
                                             .transaction = take_transaction,
                                             .parameter = take_parameter,
                                             .gone = look}};
    settings = (struct session_settings){.plan = &plan,
                                         .results = &recorder.results,
                                         .interrupted = &interrupted,
                                         .role = PROCESS_CLIENT,
                                         .server = "SRV",
                                         .spid = 51};
    session = NULL;
    return 0;
}

int teardown(void **state)
{
    (void)state;
    session_free(session);
    catalog_close(settings.catalog);
    activity_close(settings.activity);
    return 0;
}
