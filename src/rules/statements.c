/* statements.c - the rules about the client's own statements: VDI-SQL-001 to 004, VDI-CFG-010.
 *
 * Statements that somebody else issues (--sql, --verify) are not the client's to answer for. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "state.h"

enum {
    NOT_SYSADMIN = 3265
};

void statements_device(struct checker *checker, const struct event *event, struct statement *statement,
                       const char *text)
{
    struct statement_devices *devices = &statement->devices;
    int64_t place = event->arg[1];

    if (place < 0 || place >= NAMES_MAX || event->arg[2] <= place || event->arg[2] > NAMES_MAX ||
        devices->names[place]) {
        return;
    }
    devices->count = (uint32_t)event->arg[2];
    devices->names[place] = state_copy_text(checker, text);
    devices->known += devices->names[place] != NULL;
}

bool statement_is_for(const struct statement *statement, const char *set)
{
    return statement->devices.names[0] ? set && strcmp(statement->devices.names[0], set) == 0
                                       : statement_names_set(statement, set);
}

/* ---- VDI-CFG-010 ---- */

void statements_open(struct checker *checker, const struct event *event, const struct statement *statement)
{
    const struct operation_state *operation = state_find_operation(checker, event->operation);
    const struct call *create = operation ? &operation->bringup.create : NULL;

    if (create && create->device_count && event->arg[1] > 0 && event->arg[1] != create->device_count &&
        statement->issued_by == PROCESS_CLIENT) {
        finding_add(checker, "VDI-CFG-010", create, event->operation, -1,
                    "Create called with deviceCount %u; the statement has %lld VIRTUAL_DEVICE clauses",
                    create->device_count, (long long)event->arg[1]);
    }
}

/* ---- VDI-SQL-001 ---- */

static bool is_name_of_a_set(const struct checker *checker, const char *name)
{
    for (const struct operation_state *operation = checker->operations; operation;
         operation = operation->next) {
        if (operation->created && operation->shown.set && strcmp(operation->shown.set, name) == 0) {
            return true;
        }
    }
    return false;
}

/* The one set that was there for this statement and that no statement reached. NULL: none, or no telling. */
static const struct operation_state *set_left_alone(const struct checker *checker,
                                                    const struct statement *statement)
{
    const struct operation_state *alone = NULL;

    for (const struct operation_state *operation = checker->operations; operation;
         operation = operation->next) {
        bool was_there = operation->created && operation->first_sequence < statement->ended_sequence &&
                         (!operation->bringup.given_up || operation->bringup.given_up > statement->sequence);

        if (was_there && (!operation->statement || operation->statement == statement)) {
            if (alone) {
                return NULL;
            }
            alone = operation;
        }
    }
    return alone;
}

static void judge_first_name(struct checker *checker, const struct statement *statement)
{
    const char *first = statement->devices.names[0];
    const struct operation_state *alone;

    if (!first || statement->operation >= 0 || !statement->ended || statement->outcome == OUTCOME_SUCCESS ||
        is_name_of_a_set(checker, first)) {
        return;
    }
    alone = set_left_alone(checker, statement);
    if (alone && alone->shown.set) {
        finding_add(checker, "VDI-SQL-001", &alone->bringup.create, alone->shown.id, -1,
                    "the first VIRTUAL_DEVICE clause says '%.160s', the set was created as '%.160s'", first,
                    alone->shown.set);
    }
}

/* ---- VDI-SQL-002 ---- */

static void judge_duplicates(struct checker *checker, const struct statement *statement, int32_t operation)
{
    const struct statement_devices *devices = &statement->devices;

    for (uint32_t i = 0; i < devices->count; i++) {
        for (uint32_t j = 0; j < i; j++) {
            if (devices->names[i] && devices->names[j] && strcmp(devices->names[i], devices->names[j]) == 0) {
                finding_add(checker, "VDI-SQL-002", NULL, operation, -1,
                            "the VIRTUAL_DEVICE clauses %u and %u both say '%.200s'", j + 1, i + 1,
                            devices->names[i]);
                return;
            }
        }
    }
}

/* ---- VDI-SQL-003 ---- */

/* Past blanks, comments and strings, none of which is a word. */
static const char *skip_no_word(const char *at)
{
    for (;;) {
        const char *end = NULL;

        if (*at == '\'') {
            end = strchr(at + 1, '\'');
        } else if (strncmp(at, "--", 2) == 0) {
            end = strchr(at, '\n');
        } else if (strncmp(at, "/*", 2) == 0) {
            end = strstr(at + 2, "*/");
            end = end ? end + 1 : NULL;
        } else if (*at && !isalnum((unsigned char)*at) && *at != '_') {
            end = at;
        } else {
            return at;
        }
        if (!end) {
            return at + strlen(at);
        }
        at = end + 1;
    }
}

/* sp_addumpdevice [@devtype =] [N]'virtual_device', ... */
static bool registers_virtual_device(const char *text)
{
    static const char procedure[] = "sp_addumpdevice", type[] = "'virtual_device'", name[] = "@devtype";

    for (const char *at = skip_no_word(text); *at; at = skip_no_word(at)) {
        size_t length = strspn(at, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_");
        bool found = length == sizeof procedure - 1 && strncasecmp(at, procedure, length) == 0;

        at += length ? length : 1;
        if (found) {
            at += strspn(at, "] \t\r\n");
            at += strncasecmp(at, name, sizeof name - 1) == 0 ? sizeof name - 1 : 0;
            at += strspn(at, " \t\r\n=");
            at += *at == 'N' || *at == 'n';
            return strncasecmp(at, type, sizeof type - 1) == 0;
        }
    }
    return false;
}

static void judge_registration(struct checker *checker, const struct statement *statement, int32_t operation)
{
    if (statement->text && registers_virtual_device(statement->text)) {
        finding_add(checker, "VDI-SQL-003", NULL, operation, -1, "a virtual device is registered: %.300s",
                    statement->text);
    }
}

/* ---- VDI-SQL-004 ---- */

static void judge_login(struct checker *checker, const struct statement *statement, int32_t operation)
{
    for (uint32_t i = 0; i < statement->message_count; i++) {
        if (statement->messages[i].number == NOT_SYSADMIN) {
            finding_add(checker, "VDI-SQL-004", NULL, operation, -1,
                        "message %d: the login that issued the statement is no sysadmin", NOT_SYSADMIN);
            return;
        }
    }
}

static int32_t operation_of(const struct checker *checker, const struct statement *statement)
{
    for (const struct operation_state *operation = checker->operations; operation;
         operation = operation->next) {
        if (operation->statement == statement) {
            return operation->shown.id;
        }
    }
    return -1;
}

void statements_settle(struct checker *checker)
{
    for (const struct statement *statement = checker->statements; statement; statement = statement->next) {
        int32_t operation = operation_of(checker, statement);

        if (statement->issued_by != PROCESS_CLIENT) {
            continue;
        }
        judge_first_name(checker, statement);
        judge_duplicates(checker, statement, operation);
        judge_registration(checker, statement, operation);
        judge_login(checker, statement, operation);
    }
}
