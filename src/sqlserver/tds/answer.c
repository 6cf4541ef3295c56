/* answer.c - see answer.h. */
#include "answer.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "column.h"
#include "tds_version.h"

enum {
    COMMAND_SELECT = 0xc1,
    SEVERITY_FATAL = 20,
};

static struct tds_answer *answer_of(struct results *results)
{
    return (struct tds_answer *)results;
}

static void send_packets(struct tds_answer *answer, bool flush, bool end)
{
    if (flush || answer->output.tokens.length >= answer->output.packet_size) {
        tds_output_cut(&answer->output, TDS_RESPONSE, flush, end);
        bool failed = answer->output.tokens.failed || answer->packets.failed;
        if (!failed && !answer->results.broken) {
            failed = tds_link_write(answer->link, answer->packets.bytes, answer->packets.length) != 0;
        }
        answer->packets.length = 0;
        answer->results.broken = answer->results.broken || failed;
    }
}

void tds_answer_settle(struct tds_answer *answer)
{
    if (answer->pending) {
        answer->pending = false;
        tds_put_done(&answer->tokens, answer->in_procedure ? TDS_DONE_IN_PROCEDURE : TDS_DONE,
                     answer->status | TDS_STATUS_MORE, answer->command, answer->rows);
    }
}

void tds_answer_flush(struct tds_answer *answer)
{
    send_packets(answer, true, false);
}

/* ---- what a session tells ---- */

/* What has severity 20 and no number are a driver's own words for a lost connection: its own driver says them. */
static void take_message(struct results *results, const struct sql_message *message, uint32_t line)
{
    struct tds_answer *answer = answer_of(results);
    if (message->number == 0 && message->severity >= SEVERITY_FATAL) {
        return;
    }
    tds_answer_settle(answer);
    tds_put_message(&answer->tokens, message, "", line);
    tds_answer_flush(answer);
}

static void take_columns(struct results *results, const struct results_column *columns, uint32_t count)
{
    struct tds_answer *answer = answer_of(results);
    tds_answer_settle(answer);
    answer->columns = columns;
    tds_put_columns(&answer->tokens, columns, count);
}

static void take_row(struct results *results, const char *const *values, uint32_t count)
{
    struct tds_answer *answer = answer_of(results);
    tds_put_row(&answer->tokens, answer->columns, values, count);
    send_packets(answer, false, false);
}

static void take_done(struct results *results, const struct results_done *done)
{
    struct tds_answer *answer = answer_of(results);
    tds_answer_settle(answer);
    answer->pending = true;
    answer->status =
        (uint16_t)((done->failed ? TDS_STATUS_ERROR : 0) | (done->counted ? TDS_STATUS_COUNT : 0));
    answer->command = done->kind == TSQL_SELECT ? COMMAND_SELECT : 0;
    answer->rows = done->counted ? (uint64_t)done->rows : 0;
    answer->failed = answer->failed || done->failed;
}

static void take_database(struct results *results, const char *name)
{
    struct tds_answer *answer = answer_of(results);
    char before[TDS_DATABASE_MOST];
    strcpy(before, answer->database);
    strncpy(answer->database, name, sizeof answer->database - 1);
    if (!answer->silent) {
        tds_answer_settle(answer);
        tds_put_environment(&answer->tokens, TDS_ENVIRONMENT_DATABASE, answer->database, before);
    }
}

static void take_transaction(struct results *results, enum results_transaction what)
{
    static const enum tds_environment kinds[] = {[RESULTS_BEGUN] = TDS_ENVIRONMENT_BEGIN,
                                                 [RESULTS_COMMITTED] = TDS_ENVIRONMENT_COMMIT,
                                                 [RESULTS_ROLLED_BACK] = TDS_ENVIRONMENT_ROLLBACK};
    struct tds_answer *answer = answer_of(results);
    if (answer->tokens.version < TDS_VERSION_72) { /* which does not know of them */
        return;
    }
    tds_answer_settle(answer);
    tds_put_environment(&answer->tokens, kinds[what], NULL, NULL);
}

/* They come behind the status of the call, which is not known yet. */
static void take_parameter(struct results *results, uint32_t index, const char *value)
{
    struct tds_answer *answer = answer_of(results);
    const struct tds_parameter *parameter = &answer->parameters[index];
    struct tds_tokens tokens = answer->tokens;
    struct results_column described;
    tokens.out = &answer->returned;
    tds_column_describe(parameter->declared.code, &parameter->declared, &described);
    described.name = parameter->name;
    tds_put_return_value(&tokens, (uint16_t)(answer->first_ordinal + index), &described, value);
}

/* An attention interrupts; any other message waits for its turn. */
static bool look(struct results *results)
{
    struct tds_answer *answer = answer_of(results);
    int rc = tds_link_look(answer->link);
    if (answer->link->whole && answer->link->input.type == TDS_ATTENTION) {
        answer->link->whole = false;
        answer->attention = true;
        atomic_store(answer->interrupted, true);
    }
    if (rc != 0) {
        answer->results.broken = true;
    }
    return answer->results.broken;
}

/* ---- responses ---- */

void tds_answer_init(struct tds_answer *answer, struct tds_link *link, const char *server,
                     atomic_bool *interrupted)
{
    *answer = (struct tds_answer){
        .results = {.message = take_message,
                    .columns = take_columns,
                    .row = take_row,
                    .done = take_done,
                    .database = take_database,
                    .transaction = take_transaction,
                    .parameter = take_parameter,
                    .gone = look},
        .link = link,
        .tokens = {.server = server},
        .output = {.packet_size = TDS_PACKET_FIRST, .packet = 1},
        .interrupted = interrupted,
        .database = "master",
        .silent = true,
    };
    answer->tokens.out = &answer->output.tokens;
    answer->output.out = &answer->packets;
}

void tds_answer_free(struct tds_answer *answer)
{
    tds_buffer_free(&answer->output.tokens);
    tds_buffer_free(&answer->packets);
    tds_buffer_free(&answer->returned);
}

void tds_answer_say(struct tds_answer *answer, int32_t number, int32_t severity, int32_t state,
                    const char *text)
{
    struct sql_message message = {number, severity, state, text};
    tds_answer_settle(answer);
    tds_put_message(&answer->tokens, &message, "", 1);
}

void tds_answer_acknowledge(struct tds_answer *answer)
{
    answer->attention = false;
    tds_put_done(&answer->tokens, TDS_DONE, TDS_STATUS_ATTENTION, 0, 0);
    send_packets(answer, true, true);
}

/* The last DONE is in the tokens. */
static void end_message(struct tds_answer *answer)
{
    answer->pending = false;
    answer->failed = false;
    send_packets(answer, true, true);
    if (answer->attention) {
        tds_answer_acknowledge(answer);
    }
}

void tds_answer_end(struct tds_answer *answer)
{
    uint16_t failed = answer->failed ? TDS_STATUS_ERROR : 0;
    if (answer->pending) {
        tds_put_done(&answer->tokens, TDS_DONE, answer->status, answer->command, answer->rows);
    } else {
        tds_put_done(&answer->tokens, TDS_DONE, failed, 0, 0);
    }
    end_message(answer);
}

void tds_answer_end_call(struct tds_answer *answer, const int32_t *handle, const char *name, bool more)
{
    char text[16];
    tds_answer_settle(answer);
    tds_put_return_status(&answer->tokens, 0);
    if (handle != NULL) {
        snprintf(text, sizeof text, "%d", *handle);
        tds_put_return_value(&answer->tokens, 0, &(struct results_column){.name = name, .type = RESULTS_INT},
                             text);
    }
    tds_put(answer->tokens.out, answer->returned.bytes, answer->returned.length);
    answer->tokens.out->failed |= answer->returned.failed;
    tds_buffer_free(&answer->returned);
    answer->in_procedure = false;
    uint16_t status = (uint16_t)((answer->failed ? TDS_STATUS_ERROR : 0) | (more ? TDS_STATUS_MORE : 0));
    tds_put_done(&answer->tokens, TDS_DONE_PROCEDURE, status, 0, 0);
    answer->failed = false;
    if (!more) {
        end_message(answer);
    }
}
