/* operations.c - what became of each operation: the server's view, the client's results, and whether the
 * stored stream proved restorable.
 */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "durability.h"
#include "vdierror.h"

enum {
    MESSAGE_SUCCESS = 3014,  /* spec 13 */
    SEVERITY_OF_ERRORS = 11, /* and above; below, messages inform */
};

/* ---- the server's events ---- */

static void statement_begin(struct checker *checker, const struct event *event, struct statement *statement,
                            const char *text)
{
    bool known = event->arg[1] >= PROCESS_CLIENT && event->arg[1] <= PROCESS_VERIFY;

    if (statement->text) {
        return; /* a number used twice in one process: the first stays */
    }
    statement->text = state_copy_text(checker, text);
    statement->sequence = event->sequence;
    statement->issued_by = known ? (enum process_role)event->arg[1] : PROCESS_CLIENT;
    checker->judgement.server_processes_statements++;
}

static void statement_open(struct checker *checker, const struct event *event, struct statement *statement,
                           const char *text)
{
    struct operation_state *operation = state_operation(checker, event->operation, event->sequence);

    if (!operation || statement->operation >= 0) {
        return;
    }
    statement->operation = event->operation;
    statement->linked = true;
    statement->backup = event->arg[2] == 1;
    operation->statement = statement;
    statements_open(checker, event, statement);
    free(operation->shown.database);
    operation->shown.database = state_copy_text(checker, text);
}

static void statement_message(struct checker *checker, const struct event *event, struct statement *statement,
                              const char *text)
{
    struct operation_message *messages;

    if (statement->message_count >= MESSAGES_MAX) {
        return;
    }
    messages = realloc(statement->messages, (statement->message_count + 1) * sizeof *messages);
    if (!messages) {
        checker->out_of_memory = true;
        return;
    }
    statement->messages = messages;
    if (event->arg[1] == MESSAGE_SUCCESS && !statement->success_told) {
        statement->success_told = event->sequence;
    }
    if (event->arg[2] >= SEVERITY_OF_ERRORS && !statement->error_told) {
        statement->error_told = event->sequence;
    }
    messages[statement->message_count++] = (struct operation_message){.number = (int32_t)event->arg[1],
                                                                      .severity = (int32_t)event->arg[2],
                                                                      .text = state_copy_text(checker, text)};
    transfer_message(state_find_operation(checker, statement->operation), (int32_t)event->arg[1],
                     event->sequence);
}

static void statement_stream(struct checker *checker, const struct event *event, struct statement *statement,
                             const char *text)
{
    (void)text;
    transfer_stream(state_find_operation(checker, statement->operation), event);
    statement->streams++;
    if (event->arg[3] != 0 || (event->arg[4] != 0 && event->arg[4] != -1)) {
        statement->refused = true;
    }
}

static void statement_end(struct checker *checker, const struct event *event, struct statement *statement,
                          const char *text)
{
    struct operation_state *operation = state_find_operation(checker, statement->operation);

    (void)text;
    statement->ended = true;
    statement->ended_sequence = event->sequence;
    statement->ended_ns = event->time_ns;
    statement->bytes = (uint64_t)event->arg[2];
    statement->hash = (uint64_t)event->arg[3];
    statement->first_lsn = (uint64_t)event->arg[4];
    statement->last_lsn = (uint64_t)event->arg[5];
    statement->outcome = event->arg[1] == STATEMENT_SUCCESS   ? OUTCOME_SUCCESS
                         : event->arg[1] == STATEMENT_ABORTED ? OUTCOME_ABORTED
                                                              : OUTCOME_FAILED;
    if (operation) {
        operation->waiting = false;
    }
    if (!operation || statement->outcome == OUTCOME_SUCCESS) {
        return;
    }
    for (struct vdi_set *set = checker->sets; set; set = set->next) {
        if (set->operation == operation->shown.id && set_is_live(set) && !set->server_ended) {
            set->server_ended = true;
            set->server_ended_sequence = event->sequence;
        }
    }
}

static void server_wait(struct checker *checker, const struct event *event, struct statement *statement,
                        const char *text)
{
    int32_t id = event->operation >= 0 ? event->operation : statement->operation;
    struct operation_state *operation = state_find_operation(checker, id);

    (void)text;
    if (operation) {
        operation->waiting = event->kind == EVENT_SERVER_WAIT && !statement->ended;
        operation->wait_device = event->device;
    }
}

typedef void server_handler(struct checker *checker, const struct event *event, struct statement *statement,
                            const char *text);
static server_handler *const server_handlers[EVENT_KIND_COUNT] = {
    [EVENT_STATEMENT_BEGIN] = statement_begin, [EVENT_STATEMENT_DEVICE] = statements_device,
    [EVENT_STATEMENT_OPEN] = statement_open,   [EVENT_MESSAGE] = statement_message,
    [EVENT_STREAM] = statement_stream,         [EVENT_STATEMENT_END] = statement_end,
    [EVENT_SERVER_WAIT] = server_wait,         [EVENT_SERVER_RESUME] = server_wait,
};

void operations_server_event(struct checker *checker, const struct event *event, const char *text)
{
    struct statement *statement;

    assert(event->kind < EVENT_KIND_COUNT);
    if (!server_handlers[event->kind]) {
        return;
    }
    statement = state_statement(checker, event->process, event->arg[0]);
    if (statement) {
        server_handlers[event->kind](checker, event, statement, text);
    }
}

/* ---- the client's results ---- */

/* Results that belong to a transfer that goes well. */
static bool is_legitimate(uint16_t function, int32_t result)
{
    return result >= 0 || result == VD_E_TIMEOUT || result == VD_E_CLOSE ||
           (result == VD_E_OPEN && function == VDI_FN_OPEN_DEVICE);
}

/* Calls that carry the transfer; what Close and SignalAbort return comes after it. */
static bool carries_transfer(uint16_t function)
{
    return function == VDI_FN_GET_CONFIGURATION || function == VDI_FN_OPEN_DEVICE ||
           function == VDI_FN_GET_COMMAND || function == VDI_FN_COMPLETE_COMMAND;
}

void operations_call_result(struct checker *checker, const struct vdi_set *set, const struct call *call,
                            int32_t result)
{
    struct operation_state *operation = state_find_operation(checker, call->operation);

    if (!operation || is_legitimate(call->function, result)) {
        return;
    }
    if (operation->error.sequence == 0) {
        operation->error = *call;
        operation->error_result = result;
    }
    /* A client that aborted for itself knows why; only if the server failed, too, does it count (above). */
    if (operation->failure.sequence == 0 && !set->client_aborted && carries_transfer(call->function) &&
        (result == VD_E_ABORT || set->closed_by_fault)) {
        operation->failure = *call;
        operation->failure_result = result;
    }
}

/* ---- at the end of the run ---- */

/* Whether `statement` names this set in a VIRTUAL_DEVICE clause: its name between quotes. */
bool statement_names_set(const struct statement *statement, const char *set)
{
    size_t length = set ? strlen(set) : 0;

    for (const char *at = statement->text; at && length; at++) {
        at = strstr(at, set);
        if (!at) {
            return false;
        }
        if (at > statement->text && at[-1] == '\'' && at[length] == '\'') {
            return true;
        }
    }
    return false;
}

/* Gives operations that no statement reached the statement that was meant for them: by the set's name, so
 * that the report can show why the server refused. */
static void link_refused_statements(struct checker *checker)
{
    for (struct statement *statement = checker->statements; statement; statement = statement->next) {
        struct operation_state *best = NULL;

        if (statement->linked) {
            continue;
        }
        for (struct operation_state *operation = checker->operations; operation;
             operation = operation->next) {
            if (!operation->statement && statement_names_set(statement, operation->shown.set)) {
                best = operation; /* the oldest: lists are newest first */
            }
        }
        if (best) {
            best->statement = statement;
            statement->linked = true;
        }
    }
}

/* A VIRTUAL_DEVICE statement that failed for want of a set. Other statements are no operations of ours. */
static bool is_stray(const struct statement *statement)
{
    return !statement->linked && statement->text && statement->outcome != OUTCOME_SUCCESS &&
           strcasestr(statement->text, "VIRTUAL_DEVICE");
}

/* A statement for which the client never made a set is an operation, too: one that was not reached. */
static void add_stray_statements(struct checker *checker)
{
    int32_t next_id = 0;

    for (const struct operation_state *operation = checker->operations; operation;
         operation = operation->next) {
        next_id = operation->shown.id >= next_id && operation->shown.id < INT32_MAX ? operation->shown.id + 1
                                                                                    : next_id;
    }
    for (struct statement *statement = checker->statements; statement; statement = statement->next) {
        struct operation_state *operation;

        if (!is_stray(statement) || state_find_operation(checker, next_id)) {
            continue;
        }
        operation = state_operation(checker, next_id, statement->sequence);
        if (operation) {
            operation->statement = statement;
            statement->linked = true;
            next_id += next_id < INT32_MAX;
        }
    }
}

bool operation_is_unseen(const struct operation_state *operation)
{
    return operation->configured && !operation->statement;
}

bool operation_is_verify(const struct checker *checker, const struct operation_state *operation)
{
    return operation->shown.issued_by == PROCESS_VERIFY ||
           (checker->verify_ended && checker->client_exit_sequence &&
            operation->first_sequence > checker->client_exit_sequence);
}

static void fill_operation(const struct checker *checker, struct operation_state *operation)
{
    struct operation *shown = &operation->shown;
    struct statement *statement = operation->statement;

    if (statement) {
        shown->statement = statement->text;
        shown->issued_by = statement->issued_by;
        shown->message_count = statement->message_count;
        shown->messages = statement->messages;
        if (statement->operation >= 0) {
            shown->is_backup = statement->backup;
            shown->outcome = statement->ended ? statement->outcome : OUTCOME_FAILED;
            shown->bytes = statement->bytes;
            shown->hash = statement->hash;
        }
    }
    bool verify = operation_is_verify(checker, operation);
    bool verified =
        operation->first_sequence < checker->proof ? checker->stored_is_verified : checker->verify_succeeded;

    shown->client_says = !verify ? jobs_claim(checker, operation) : verified ? CLAIM_SUCCESS : CLAIM_FAILURE;
    shown->job = verify ? -1 : jobs_number(checker, operation);
}

bool same_database(const struct operation *a, const struct operation *b)
{
    return a->database && b->database && strcasecmp(a->database, b->database) == 0;
}

/* The verification that speaks about this backup: the newest RESTORE of its database and kind. */
static const struct operation_state *find_verification(const struct checker *checker,
                                                       const struct operation_state *backup)
{
    for (const struct operation_state *other = checker->operations; other; other = other->next) {
        if (operation_is_verify(checker, other) && !other->shown.is_backup &&
            log_chain_same_kind(backup, other) &&
            (same_database(&backup->shown, &other->shown) || !other->shown.database)) {
            return other;
        }
    }
    return NULL;
}

static bool is_newest_backup(const struct checker *checker, const struct operation_state *backup)
{
    for (const struct operation_state *other = checker->operations; other; other = other->next) {
        if (other->shown.id > backup->shown.id && other->shown.is_backup &&
            other->shown.outcome == OUTCOME_SUCCESS && !operation_is_verify(checker, other) &&
            same_database(&backup->shown, &other->shown)) {
            return false;
        }
    }
    return true;
}

/* Yes: it came back whole. No: the verification failed, which is what it is for. Without one, nobody looked.
 */
static enum durable judge_verification(const struct checker *checker, const struct operation_state *backup)
{
    const struct operation_state *verification = find_verification(checker, backup);

    if (!checker->verify_ended || !backup->shown.is_backup || backup->shown.outcome != OUTCOME_SUCCESS ||
        backup->effects & FAULT_ALTERS_DATA || operation_is_verify(checker, backup)) {
        return DURABLE_NOT_OBSERVABLE;
    }
    if (log_chain_is_lost(checker, backup)) {
        return DURABLE_NO;
    }
    if (!is_newest_backup(checker, backup) || (verification && log_chain_missing(verification))) {
        return DURABLE_NOT_OBSERVABLE;
    }
    if (!verification) {
        return checker->verify_succeeded ? DURABLE_NOT_OBSERVABLE : DURABLE_NO;
    }
    return checker->verify_succeeded && verification->shown.outcome == OUTCOME_SUCCESS &&
                   verification->shown.bytes == backup->shown.bytes &&
                   verification->shown.hash == backup->shown.hash
               ? DURABLE_YES
               : DURABLE_NO;
}

int operations_settle(struct checker *checker)
{
    durability_look_back(checker);
    link_refused_statements(checker);
    add_stray_statements(checker);
    /* Who issued the statements must be known of all before anything is compared. */
    for (struct operation_state *operation = checker->operations; operation; operation = operation->next) {
        fill_operation(checker, operation);
    }
    for (struct operation_state *operation = checker->operations; operation; operation = operation->next) {
        enum durable seen = durability_of(checker, operation->shown.id);

        operation->restored = judge_verification(checker, operation);
        operation->shown.restored = operation->restored;
        operation->shown.disproved = durability_is_disproved(checker, operation);
        operation->shown.durable =
            operation->restored == DURABLE_NO || seen == DURABLE_NOT_OBSERVABLE ? operation->restored : seen;
        if (seen == DURABLE_NO) {
            durability_show_sinks(checker, &operation->shown);
        }
    }
    return checker->out_of_memory ? ENOMEM : 0;
}
