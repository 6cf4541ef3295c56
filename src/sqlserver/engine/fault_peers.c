/* fault_peers.c - see fault_peers.h. */
#include "fault_peers.h"

#include <stdio.h>
#include <string.h>

#include "engine_state.h"
#include "engine_time.h"
#include "fault_deeds.h"
#include "request.h"

enum {
    NS_PER_MS = 1000000,
    WORDS_MAX = 512,
    CHAT_LENGTH = 1024,
    KIB = 1024,
};

/* --- SQL Server's words. %d: the database, %v: the first device, %p: a permission, %w: where it is wanted --- */

struct words {
    int32_t number;
    int32_t severity;
    int32_t state;
    const char *text;
};

enum {
    LINES_MAX = 2,
    NUMBERS_MAX = 7,
};

/* How a statement ends. */
struct tale {
    struct words lines[LINES_MAX];
    enum engine_leaving leaving;
};

/* KILL and attention, whenever they come. */
#define KILLED                                                                                            \
    {                                                                                                     \
        {{596, 21, 1, "Cannot continue the execution because the session is in the kill state."},         \
         {0, 20, 0,                                                                                       \
          "A severe error occurred on the current command.  The results, if any, should be discarded."}}, \
            ENGINE_LOST                                                                                   \
    }
#define CANCELLED                         \
    {                                     \
        {{SQL_ABORTED}}, ENGINE_CANCELLED \
    }

/* By kind, and by the index of its number where it takes one. */
static const struct tale tales[FAULT_KIND_COUNT][NUMBERS_MAX] = {
    [FAULT_NO_SERVER] = {{.leaving = ENGINE_UNREACHABLE}},
    [FAULT_STATEMENT_REFUSED] =
        {{{{3201, 16, 1, "Cannot open backup device '%v'. Operating system error 5(Access is denied.)."}},
          ENGINE_STAYS},
         {{{911, 16, 11, "Database '%d' does not exist. Make sure that the name is entered correctly."}},
          ENGINE_STAYS},
         {{{262, 14, 1, "%p permission denied in database '%w'."}}, ENGINE_STAYS},
         {{{15404, 16, 19,
            "Could not obtain information about Windows NT group/user 'backup', error code 0x5."}},
          ENGINE_STAYS},
         {{{3023, 16, 2,
            "Backup, file manipulation operations (such as ALTER DATABASE ADD FILE) and encryption changes "
            "on a "
            "database must be serialized. Reissue the statement after the current backup or file "
            "manipulation "
            "operation is completed."}},
          ENGINE_STAYS},
         KILLED,
         CANCELLED},
    [FAULT_STATEMENT_FAILS] =
        {{{{9002, 17, 4, "The transaction log for database '%d' is full due to 'ACTIVE_BACKUP_OR_RESTORE'."}},
          ENGINE_STAYS},
         {{{701, 17, 123,
            "There is insufficient system memory in resource pool 'default' to run this query."}},
          ENGINE_STAYS},
         {{{845, 17, 1,
            "Time-out occurred while waiting for buffer latch type 4 for page (1:9), database ID 5."}},
          ENGINE_STAYS}},
    [FAULT_LATE_FAILURE] =
        {{{{845, 17, 1,
            "Time-out occurred while waiting for buffer latch type 4 for page (1:9), database ID 5."}},
          ENGINE_STAYS},
         {{{3634, 16, 1,
            "The operating system returned the error '112(There is not enough space on the disk.)' while "
            "attempting "
            "'SetEndOfFile' on '%d'."}},
          ENGINE_STAYS},
         KILLED,
         CANCELLED,
         {.leaving = ENGINE_LOST}},
    [FAULT_ERROR_AND_SUCCESS] =
        {{{{3009, 16, 1,
            "Could not insert a backup or restore history/detail record in the msdb database. This may "
            "indicate a "
            "problem with the msdb database. The backup/restore operation was still successful."}},
          ENGINE_STAYS}},
    [FAULT_KILL_SESSION] = {KILLED},
    [FAULT_ATTENTION] = {CANCELLED},
    [FAULT_SHUTDOWN] = {{{{6005, 10, 3, "SHUTDOWN is in progress."}}, ENGINE_LOST}},
    [FAULT_FAILOVER] = {{{{983, 14, 1,
                           "Unable to access availability database '%d' because the database replica is not "
                           "in the PRIMARY or "
                           "SECONDARY role. Connections to an availability database is permitted only when "
                           "the database replica is in "
                           "the PRIMARY or SECONDARY role. Try the operation again later."}},
                         ENGINE_STAYS}},
};

static const char *name_of(const struct engine *engine, char mark)
{
    bool backup = engine->request.operation == ENGINE_BACKUP; /* a RESTORE may have to make the database */
    switch (mark) {
    case 'v':
        return engine->devices[0].name;
    case 'p':
        return backup ? engine->statement : "CREATE DATABASE";
    case 'w':
        return backup ? engine->request.database : "master";
    default:
        return engine->request.database;
    }
}

static void say_words(struct engine *engine, const struct words *words)
{
    char text[WORDS_MAX];
    size_t used = 0;
    for (const char *at = words->text; *at != '\0' && used < sizeof text - 1; at++) {
        if (*at == '%') {
            const char *name = name_of(engine, *++at);
            size_t length = strnlen(name, sizeof text - 1 - used);
            memcpy(text + used, name, length);
            used += length;
        } else {
            text[used++] = *at;
        }
    }
    text[used] = '\0';
    engine_say(engine, words->number, words->severity, words->state, "%s", text);
}

static void tell(struct engine *engine, const struct fault *fault)
{
    const struct tale *tale = &tales[fault->kind][fault->arg[FAULT_ARG_NUMBER]];
    for (size_t i = 0; i < LINES_MAX && tale->lines[i].text != NULL; i++) {
        say_words(engine, &tale->lines[i]);
    }
    engine->leaving = tale->leaving;
}

/* --- arrivals --- */

static void record(int32_t operation, uint32_t index)
{
    struct event event = {
        .kind = EVENT_FAULT, .side = EVENT_SIDE_SERVER, .operation = operation, .device = -1, .arg = {index}};
    event_record(&event, NULL);
}

/* A fault of this kind that arrives now at the Create of the operation; NULL: none. Recorded. */
static const struct fault *arrive(const struct engine *engine, int32_t operation, enum fault_kind kind)
{
    const struct plan *plan = engine->options.plan;
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        const struct fault *fault = &plan->faults[i];
        if (fault->kind == kind && run_fault_arrive(i, fault, operation, -1)) {
            record(operation, i);
            return fault;
        }
    }
    return NULL;
}

/* --- the start --- */

enum fault_start fault_peers_start(struct engine *engine)
{
    int32_t operation = run_find_operation(engine->devices[0].name);
    const struct fault *fault;
    if (engine->started_by_faults) {
        return engine_time_now() < engine->held_until ? FAULT_START_WAIT : FAULT_START_GO;
    }
    if (operation < 0 || run_server_is_known(operation)) {
        return FAULT_START_GO; /* the set does not exist yet: a set that had this name before is not ours */
    }
    engine->started_by_faults = true;
    fault = arrive(engine, operation, FAULT_NO_SERVER);
    if (fault == NULL) {
        fault = arrive(engine, operation, FAULT_STATEMENT_REFUSED);
    }
    if (fault != NULL) {
        tell(engine, fault);
        return FAULT_START_END;
    }
    fault = arrive(engine, operation, FAULT_BUSY_DATABASE);
    if (fault != NULL) {
        int64_t wait = (int64_t)fault->arg[FAULT_ARG_MS] * NS_PER_MS;
        engine->held_until = engine_time_now() + wait;
        engine->open_deadline += wait;
        return FAULT_START_WAIT;
    }
    return FAULT_START_GO;
}

/* --- the middle and the end --- */

bool fault_peers_say_abort(struct engine *engine)
{
    const struct fault *fault = fault_agent_tale(engine->agent);
    if (fault != NULL) {
        tell(engine, fault);
    }
    return fault != NULL;
}

bool fault_peers_fail_late(struct engine *engine)
{
    const struct fault *fault = arrive(engine, engine->operation, FAULT_LATE_FAILURE);
    if (fault != NULL) {
        tell(engine, fault);
    }
    return fault != NULL;
}

void fault_peers_before_success(struct engine *engine)
{
    const struct fault *fault = arrive(engine, engine->operation, FAULT_ERROR_AND_SUCCESS);
    if (fault != NULL) {
        tell(engine, fault);
    }
}

/* --- before a command --- */

enum deed_result fault_deed_slow(const struct fault_arrival *arrival)
{
    fault_record(arrival->device, arrival->index);
    int64_t until = engine_time_now() + (int64_t)arrival->fault->arg[FAULT_ARG_MS] * NS_PER_MS;
    while (engine_time_now() < until) {
        engine_time_sleep(until, OS_FOREVER, -1);
    }
    return DEED_DONE;
}

/* Text without a number, as trace flags and PRINT give it; it is no message of the statement's. */
enum deed_result fault_deed_chatter(const struct fault_arrival *arrival)
{
    static const char line[] = "Backup/Restore buffer configuration parameters. ";
    const struct engine_options *options = &arrival->device->engine->options;
    char text[CHAT_LENGTH];
    struct sql_message chat = {.state = ENGINE_CHAT, .text = text};
    for (size_t i = 0; i < sizeof text - 1; i++) {
        text[i] = line[i % (sizeof line - 1)];
    }
    text[sizeof text - 1] = '\0'; /* with its line end as long as it is to be */
    fault_record(arrival->device, arrival->index);
    for (int32_t i = 0; options->report != NULL && i < arrival->fault->arg[FAULT_ARG_KIB]; i++) {
        options->report(options->report_context, &chat);
    }
    return DEED_DONE;
}
