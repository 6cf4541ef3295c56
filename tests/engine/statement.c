/* See statement.h. */
#include "statement.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "os.h"

static void report(void *context, const struct sql_message *message)
{
    struct statement *statement = context;
    assert_true(statement->count < STATEMENT_MESSAGES_MAX);
    uint32_t i = statement->count++;
    statement->messages[i].number = message->number;
    statement->messages[i].severity = message->severity;
    snprintf(statement->messages[i].text, sizeof statement->messages[i].text, "%s", message->text);
}

static void describe(void *context, const struct engine_backup_set *set)
{
    struct statement *statement = context;
    statement->set_count++;
    statement->set = *set;
    snprintf(statement->database, sizeof statement->database, "%s", set->database);
    statement->set.database = statement->database;
}

void statement_init(struct statement *statement, enum engine_operation operation, uint32_t devices)
{
    memset(statement, 0, sizeof *statement);
    plan_init(&statement->plan);
    for (uint32_t i = 0; i < devices; i++) {
        snprintf(statement->device_names[i], sizeof statement->device_names[i], i == 0 ? "set" : "set-%u", i);
        statement->devices[i] = statement->device_names[i];
    }
    statement->request = (struct engine_request){.operation = operation,
                                                 .store = true,
                                                 .database = "pubs",
                                                 .device_count = devices,
                                                 .devices = statement->devices,
                                                 .statement = 3};
}

void statement_begin(struct statement *statement)
{
    struct engine_options options = {.plan = &statement->plan,
                                     .catalog = statement->catalog,
                                     .verification = statement->verification,
                                     .open_patience_ms = statement->patience_ms,
                                     .report = report,
                                     .describe = describe,
                                     .report_context = statement};
    statement->count = 0;
    statement->set_count = 0;
    assert_int_equal(engine_new(&statement->request, &options, &statement->engine), 0);
}

enum engine_status statement_finish(struct statement *statement)
{
    enum engine_status status;
    while ((status = engine_step(statement->engine)) == ENGINE_RUNNING) {
        engine_wait(statement->engine, OS_FOREVER);
    }
    statement->leaving = engine_leaving(statement->engine);
    engine_free(statement->engine);
    statement->engine = NULL;
    return status;
}

enum engine_status statement_run(struct statement *statement)
{
    statement_begin(statement);
    return statement_finish(statement);
}

void statement_expect(const struct statement *statement, const int32_t *numbers)
{
    uint32_t i = 0;
    for (; numbers[i] != 0 || i < statement->count; i++) {
        if (i >= statement->count || numbers[i] != statement->messages[i].number) {
            for (uint32_t j = 0; j < statement->count; j++) {
                print_error("message %d: %s\n", statement->messages[j].number, statement->messages[j].text);
            }
            fail_msg("message %u: expected %d", i, numbers[i]);
        }
        assert_int_equal(statement->messages[i].severity < 11, numbers[i] == 3014 || numbers[i] == 4035 ||
                                                                   numbers[i] == 3211 || numbers[i] == 3197 ||
                                                                   numbers[i] == 3198);
    }
}

const char *statement_text(const struct statement *statement, int32_t number)
{
    for (uint32_t i = 0; i < statement->count; i++) {
        if (statement->messages[i].number == number) {
            return statement->messages[i].text;
        }
    }
    fail_msg("no message %d", number);
    return "";
}
