/* state.c - the checker's memory: lists with limits, found by number. */
#include "durability.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Makes a node unless the list is full. Running out of memory is remembered, not fatal: what cannot be
 * remembered is not judged. */
static void *new_node(struct checker *checker, uint32_t *count, uint32_t limit, size_t size)
{
    void *node;

    if (*count >= limit) {
        return NULL;
    }
    node = calloc(1, size);
    if (!node) {
        checker->out_of_memory = true;
        return NULL;
    }
    ++*count;
    return node;
}

struct vdi_set *state_set(struct checker *checker, uint64_t id)
{
    struct vdi_set *set;

    if (id == 0) {
        return NULL;
    }
    for (set = checker->sets; set; set = set->next) {
        if (set->id == id) {
            return set;
        }
    }
    set = new_node(checker, &checker->set_count, SETS_MAX, sizeof *set);
    if (set) {
        set->id = id;
        set->operation = -1;
        set->next = checker->sets;
        checker->sets = set;
    }
    return set;
}

struct thread_state *state_thread(struct checker *checker, uint32_t process, uint32_t thread)
{
    struct thread_state *found;

    for (found = checker->threads; found; found = found->next) {
        if (found->thread == thread && found->process == process) {
            return found;
        }
    }
    found = new_node(checker, &checker->thread_count, THREADS_MAX, sizeof *found);
    if (found) {
        found->process = process;
        found->thread = thread;
        found->next = checker->threads;
        checker->threads = found;
    }
    return found;
}

struct process_state *state_process(struct checker *checker, uint32_t process)
{
    struct process_state *found;

    for (found = checker->processes; found; found = found->next) {
        if (found->process == process) {
            return found;
        }
    }
    found = new_node(checker, &checker->process_count, PROCESSES_MAX, sizeof *found);
    if (found) {
        found->process = process;
        found->next = checker->processes;
        checker->processes = found;
    }
    return found;
}

struct operation_state *state_find_operation(struct checker *checker, int32_t id)
{
    struct operation_state *found = checker->operations;

    while (found && found->shown.id != id) {
        found = found->next;
    }
    return found;
}

struct operation_state *state_operation(struct checker *checker, int32_t id, uint64_t sequence)
{
    struct operation_state *found;

    if (id < 0) {
        return NULL;
    }
    found = state_find_operation(checker, id);
    if (found) {
        return found;
    }
    found = new_node(checker, &checker->operation_count, OPERATIONS_MAX, sizeof *found);
    if (found) {
        found->shown.id = id;
        found->shown.issued_by = PROCESS_CLIENT;
        found->wait_device = -1;
        found->first_sequence = sequence;
        found->next = checker->operations;
        checker->operations = found;
    }
    return found;
}

struct statement *state_statement(struct checker *checker, uint32_t process, int64_t number)
{
    struct statement *found;

    for (found = checker->statements; found; found = found->next) {
        if (found->process == process && found->number == number) {
            return found;
        }
    }
    found = new_node(checker, &checker->statement_count, STATEMENTS_MAX, sizeof *found);
    if (found) {
        found->process = process;
        found->number = number;
        found->operation = -1;
        found->issued_by = PROCESS_CLIENT;
        found->next = checker->statements;
        checker->statements = found;
    }
    return found;
}

struct device *state_device(struct vdi_set *set, int16_t index)
{
    return set && index >= 0 && index < DEVICES_MAX ? &set->devices[index] : NULL;
}

char *state_copy_text(struct checker *checker, const char *text)
{
    char *copy = strndup(text ? text : "", EVENT_TEXT_MAX);

    if (!copy) {
        checker->out_of_memory = true;
    }
    return copy;
}

static void drop_refusals(struct vdi_set *set)
{
    while (set->refusals) {
        struct refusal *refusal = set->refusals;

        set->refusals = refusal->next;
        free(refusal);
    }
    set->refusal_count = 0;
}

static void drop_life(struct vdi_set *set)
{
    drop_refusals(set);
    for (int i = 0; i < DEVICES_MAX; i++) {
        commands_drop_all(&set->devices[i]);
    }
}

void state_new_life(struct vdi_set *set)
{
    struct vdi_set kept = {
        .next = set->next, .id = set->id, .operation = -1, .name = set->name, .pending = set->pending};

    kept.earlier_life_cut = set->earlier_life_cut || set_is_aborted(set);
    drop_life(set);
    *set = kept;
}

bool set_is_live(const struct vdi_set *set)
{
    return set->state != SET_NONE;
}

bool set_is_aborted(const struct vdi_set *set)
{
    return set->abort_returned || set->client_aborted || set->fault_aborted || set->server_ended ||
           set->closed_by_fault;
}

static void free_operations(struct checker *checker)
{
    while (checker->operations) {
        struct operation_state *operation = checker->operations;

        checker->operations = operation->next;
        free(operation->shown.set);
        free(operation->shown.database);
        free(operation->shown.sinks);
        free(operation);
    }
    free(checker->judgement.operations);
    checker->judgement.operations = NULL;
}

static void free_statements(struct checker *checker)
{
    while (checker->statements) {
        struct statement *statement = checker->statements;

        checker->statements = statement->next;
        for (uint32_t i = 0; i < statement->message_count; i++) {
            free(statement->messages[i].text);
        }
        for (uint32_t i = 0; i < NAMES_MAX; i++) {
            free(statement->devices.names[i]);
        }
        free(statement->messages);
        free(statement->text);
        free(statement);
    }
}

/* Frees a list whose nodes start with `next` and own at most one string, at `text_offset` (0: none). */
static void free_list(void *head, size_t text_offset)
{
    while (head) {
        void *next;

        memcpy(&next, head, sizeof next);
        if (text_offset) {
            char *text;

            memcpy(&text, (char *)head + text_offset, sizeof text);
            free(text);
        }
        free(head);
        head = next;
    }
}

void state_free(struct checker *checker)
{
    durability_free(checker);
    jobs_free(checker);
    for (struct vdi_set *set = checker->sets; set; set = set->next) {
        drop_life(set);
    }
    free_list(checker->sets, offsetof(struct vdi_set, name));
    free_list(checker->threads, 0);
    free_list(checker->processes, 0);
    free_operations(checker);
    free_statements(checker);
    free_list(checker->modules, offsetof(struct module, path));
    free_list(checker->stacks, 0);
    free_list(checker->leftovers, offsetof(struct leftover, text));
}
