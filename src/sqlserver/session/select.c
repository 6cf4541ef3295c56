/* select.c - SELECT: of values, one row; from a table of the system; or what somebody has given an answer for. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "answers.h"
#include "functions.h"
#include "redact.h"
#include "selection.h"
#include "tables.h"

enum {
    NAMED_MAX = 64,
    INVALID_COLUMN = 207,
    INVALID_OBJECT = 208
};

/* Texts that a query compares names with: databases that are asked for. */
struct named {
    char *names[NAMED_MAX];
    uint32_t count;
};

/* ---- answers from outside ---- */

void session_tell_answer(struct session *session, const struct answer *answer)
{
    for (uint32_t s = 0; s < answer->set_count; s++) {
        const struct answer_set *set = &answer->sets[s];
        session_columns(session, set->columns, set->column_count);
        for (uint32_t row = 0; row < set->row_count; row++)
            session_row(session, (const char *const *)set->cells + (size_t)row * set->column_count,
                        set->column_count);
        session_rows_end(session);
    }
    for (uint32_t m = 0; m < answer->message_count; m++)
        session_report(session, &answer->messages[m]);
}

/* Nobody is to take an empty result for an answer. */
static void no_answer(struct session *session, const struct tsql_statement *statement, const char *reason)
{
    char *text = answers_normalise(statement->text, statement->length);
    char *query = text != NULL ? redact_text(text) : NULL;
    session_say(session, 50000, 16, 1,
                "vdifault's server has no answer for this query (%s): %.*s. Give it one with --answers FILE.",
                reason, query != NULL ? tsql_near_length(query) : 0, query != NULL ? query : "");
    free(query);
    free(text);
    session->stop = true;
}

/* ---- which databases a query names ---- */

static void take_name(struct named *named, const struct tsql_values *values, const struct tsql_term *term)
{
    struct tsql_error ignored;
    struct tsql_value value = {0};
    if (named->count < NAMED_MAX && term->kind != TSQL_TERM_COLUMN &&
        tsql_evaluate(values, term, &value, &ignored) == 0 && value.text != NULL && !value.number)
        named->names[named->count++] = value.text;
    else
        free(value.text);
}

/* The name itself, or in a function of text: LOWER(name). */
static bool is_name(const struct tsql_term *term)
{
    while (term->kind == TSQL_TERM_CALL && term->next == NULL && tsql_is_pure(term->call->function->id) &&
           term->call->count > 0)
        term = term->call->arguments->value;
    return term->kind == TSQL_TERM_COLUMN && term->next == NULL &&
           (strcasecmp(term->text, "name") == 0 || strcasecmp(term->text, "database_name") == 0);
}

/* DB_ID('x') */
static void take_id(struct named *named, const struct tsql_values *values, const struct tsql_term *term)
{
    if (term->kind == TSQL_TERM_CALL && term->call->function->id == TSQL_FUNCTION_DB_ID &&
        term->call->arguments != NULL)
        take_name(named, values, term->call->arguments->value);
}

static void take_names(struct named *named, const struct tsql_values *values,
                       const struct tsql_condition *condition)
{
    if (condition == NULL)
        return;
    if (condition->test <= TSQL_NOT) {
        take_names(named, values, condition->left);
        take_names(named, values, condition->right);
        return;
    }
    if (condition->test != TSQL_EQUAL && condition->test != TSQL_IN)
        return;
    take_id(named, values, condition->value);
    for (const struct tsql_item *item = condition->others; item != NULL; item = item->next) {
        take_id(named, values, item->value);
        if (is_name(condition->value))
            take_name(named, values, item->value);
        else if (is_name(item->value))
            take_name(named, values, condition->value);
    }
}

/* ---- rows ---- */

int session_column(void *context, const char *name, struct tsql_value *value, struct tsql_error *error)
{
    const struct session *session = context;
    uint32_t column;
    *value = (struct tsql_value){0};
    if (session->table == NULL || !table_find_column(session->table, name, &column)) {
        tsql_error_set(error, INVALID_COLUMN, 16, 1, "Invalid column name '%s'.", name);
        return EINVAL;
    }
    value->number = results_is_number(table_column(session->table, column)->type);
    value->type = selection_type(table_column(session->table, column)->type);
    const char *text = session->row < table_row_count(session->table)
                           ? table_cell(session->table, session->row, column)
                           : NULL;
    value->text = text != NULL ? strdup(text) : NULL;
    return text != NULL && value->text == NULL ? ENOMEM : 0;
}

/* ORDER BY a column's number or alias. */
static const struct tsql_term *key_of(const struct tsql_statement *statement, const struct tsql_term *term)
{
    int64_t at = 1, number = term->kind == TSQL_TERM_NUMBER ? strtoll(term->text, NULL, 10) : 0;
    if (term->next != NULL)
        return term;
    for (const struct tsql_item *item = statement->items; item != NULL; item = item->next, at++) {
        bool alias =
            term->kind == TSQL_TERM_COLUMN && item->name != NULL && strcasecmp(item->name, term->text) == 0;
        if (item->value != NULL && (at == number || alias))
            return item->value;
    }
    return term;
}

/* What is selected: * is every column of the table; what goes into variables is evaluated when it does. */
static void plan_items(const struct table *table, const struct tsql_statement *statement,
                       struct selection_column *at)
{
    if (statement->kind == TSQL_ASSIGN) {
        at->row = true;
        return;
    }
    for (const struct tsql_item *item = statement->items; item != NULL; item = item->next) {
        for (uint32_t i = 0; item->value == NULL && i < table_column_count(table); i++) {
            const struct results_column *column = table_column(table, i);
            *at++ = (struct selection_column){.name = column->name, .type = column, .column = i};
        }
        if (item->value == NULL)
            continue;
        uint32_t found;
        if (item->value->kind == TSQL_TERM_COLUMN && item->value->next == NULL &&
            table_find_column(table, item->value->text, &found))
            at->type = table_column(table, found);
        at->name = item->name;
        at++->value = item->value;
    }
}

static int plan_columns(const struct session *session, const struct tsql_statement *statement,
                        struct selection *selection)
{
    const struct table *table = session->table;
    uint32_t width = statement->kind == TSQL_ASSIGN, keys = 0;
    for (const struct tsql_item *item = statement->items; item != NULL && statement->kind != TSQL_ASSIGN;
         item = item->next)
        width += item->value != NULL ? 1 : table_column_count(table);
    for (const struct tsql_item *item = statement->query->order; item != NULL; item = item->next)
        keys++;
    int rc = selection_new(width, keys, selection);
    if (rc != 0)
        return rc;
    plan_items(table, statement, selection->columns);
    struct selection_column *key = selection->columns + width;
    for (const struct tsql_item *item = statement->query->order; item != NULL; item = item->next)
        *key++ = (struct selection_column){.value = key_of(statement, item->value), .descending = item->on};
    return 0;
}

static int take_cell(const struct session *session, const struct tsql_values *values,
                     const struct selection_column *column, struct tsql_value *cell, struct tsql_error *error)
{
    if (column->value != NULL)
        return tsql_evaluate(values, column->value, cell, error);
    if (column->row)
        return asprintf(&cell->text, "%u", session->row) < 0 ? ENOMEM : 0;
    const char *text = table_cell(session->table, session->row, column->column);
    cell->number = results_is_number(column->type->type);
    cell->text = text != NULL ? strdup(text) : NULL;
    return text != NULL && cell->text == NULL ? ENOMEM : 0;
}

static int take_row(const struct session *session, const struct tsql_values *values,
                    struct selection *selection, struct tsql_error *error)
{
    struct tsql_value *cells;
    int rc = selection_add(selection, &cells);
    for (uint32_t i = 0; i < selection->width + selection->keys && rc == 0; i++)
        rc = take_cell(session, values, &selection->columns[i], &cells[i], error);
    return rc;
}

/* ---- COUNT, MAX, MIN ---- */

int session_aggregate(void *context, const struct tsql_call *call, struct tsql_value *value)
{
    const struct session *session = context;
    const struct tsql_value *total = session->totals;
    for (const struct tsql_item *item = session->aggregates; item != NULL; item = item->next, total++) {
        if (item->value->call == call) {
            *value = (struct tsql_value){total->text != NULL ? strdup(total->text) : NULL, total->number,
                                         total->type};
            return total->text != NULL && value->text == NULL ? ENOMEM : 0;
        }
    }
    return 0;
}

static int begin_totals(struct session *session, const struct tsql_query *query)
{
    uint32_t count = 0;
    for (const struct tsql_item *item = query->aggregates; item != NULL; item = item->next)
        count++;
    session->totals = calloc((size_t)count + 1, sizeof(*session->totals));
    if (session->totals == NULL)
        return ENOMEM;
    session->aggregates = query->aggregates;
    struct tsql_value *total = session->totals;
    for (const struct tsql_item *item = query->aggregates; item != NULL; item = item->next, total++) {
        const struct tsql_call *call = item->value->call;
        const struct tsql_term *argument = call->count > 0 ? call->arguments->value : NULL;
        uint32_t column;
        if (call->function->id == TSQL_FUNCTION_COUNT) {
            bool big = strcasecmp(call->function->name, "COUNT_BIG") == 0;
            *total = (struct tsql_value){strdup("0"), true, big ? TSQL_TYPE_BIGINT : TSQL_TYPE_INT};
            if (total->text == NULL)
                return ENOMEM;
        } else if (argument->kind == TSQL_TERM_COLUMN && argument->next == NULL &&
                   table_find_column(session->table, argument->text,
                                     &column)) { /* the type also of no rows */
            total->number = results_is_number(table_column(session->table, column)->type);
            total->type = selection_type(table_column(session->table, column)->type);
        }
    }
    return 0;
}

static void end_totals(struct session *session)
{
    struct tsql_value *total = session->totals;
    for (const struct tsql_item *item = session->aggregates; item != NULL; item = item->next, total++)
        free(total->text);
    free(session->totals);
    session->totals = NULL;
    session->aggregates = NULL;
}

/* Takes one more row into the total. */
static int add_to_total(const struct tsql_values *values, const struct tsql_call *call,
                        struct tsql_value *total, struct tsql_error *error)
{
    struct tsql_value value = {0};
    enum tsql_function_id id = call->function->id;
    int rc = call->count > 0 ? tsql_evaluate(values, call->arguments->value, &value, error) : 0;
    bool counts = rc == 0 && (call->count == 0 || value.text != NULL);
    if (counts && id == TSQL_FUNCTION_COUNT) {
        char *more = NULL;
        if (asprintf(&more, "%lld", strtoll(total->text, NULL, 10) + 1) < 0)
            rc = ENOMEM;
        free(rc == 0 ? total->text : NULL);
        total->text = rc == 0 ? more : total->text;
    } else if (counts) {
        int order = total->text != NULL ? tsql_compare(&value, total) : 0;
        if (total->text == NULL || (id == TSQL_FUNCTION_MAX ? order > 0 : order < 0)) {
            struct tsql_value kept = value;
            value.text = total->text;
            *total = kept;
        }
    }
    free(value.text);
    return rc;
}

static int add_to_totals(struct session *session, const struct tsql_values *values, struct tsql_error *error)
{
    struct tsql_value *total = session->totals;
    int rc = 0;
    for (const struct tsql_item *item = session->aggregates; item != NULL && rc == 0;
         item = item->next, total++)
        rc = add_to_total(values, item->value->call, total, error);
    return rc;
}

/* ---- SELECT ---- */

/* Each row of the table that the condition holds for; or the one row that they all come to, even if there are none. */
static int take_rows(struct session *session, const struct tsql_statement *statement,
                     const struct tsql_values *values, struct selection *selection, struct tsql_error *error)
{
    const struct tsql_query *query = statement->query;
    int rc = begin_totals(session, query);
    for (session->row = 0; session->row < table_row_count(session->table) && rc == 0; session->row++) {
        int truth = 1;
        if (query->where != NULL)
            rc = tsql_holds(values, query->where, &truth, error);
        if (rc != 0 || truth != 1)
            continue;
        rc = query->aggregates != NULL ? add_to_totals(session, values, error)
                                       : take_row(session, values, selection, error);
    }
    return rc == 0 && query->aggregates != NULL ? take_row(session, values, selection, error) : rc;
}

/* Row by row, in their order: the last one stays, and what is added to a variable is added for each. */
static int assign_rows(struct session *session, const struct tsql_statement *statement,
                       struct tsql_values *values, const struct selection *selection,
                       struct tsql_error *error)
{
    int rc = 0;
    for (uint32_t i = 0; i < selection->count && rc == 0; i++) {
        session->row = (uint32_t)strtoul(selection_row(selection, i)->text, NULL, 10);
        rc = tsql_assign(values, statement, error);
    }
    session->rows = selection->count;
    return rc;
}

static int finish(struct session *session, const struct tsql_statement *statement, struct tsql_values *values,
                  struct selection *selection, struct tsql_error *error)
{
    const struct tsql_query *query = statement->query;
    selection_order(selection);
    if (query->distinct)
        selection_distinct(selection);
    if (query->top != NULL) {
        struct tsql_value top;
        int64_t count = 0;
        int rc = tsql_evaluate(values, query->top, &top, error);
        if (rc == 0)
            rc = tsql_integer(&top, &count, error);
        free(top.text);
        if (rc != 0)
            return rc;
        selection_cut(selection, count < 0 ? 0 : count > UINT32_MAX ? UINT32_MAX : (uint32_t)count);
    }
    return statement->kind == TSQL_ASSIGN ? assign_rows(session, statement, values, selection, error)
                                          : selection_tell(session, selection);
}

static int open_table(struct session *session, const struct tsql_values *values,
                      const struct tsql_query *query, struct named *named, struct tsql_error *error)
{
    take_names(named, values, query->where);
    int rc =
        table_open(session, query->table, (const char *const *)named->names, named->count, &session->table);
    if (rc != 0 || session->table != NULL)
        return rc;
    tsql_error_set(error, INVALID_OBJECT, 16, 1, "Invalid object name '%s'.", query->table);
    return EINVAL;
}

static void close_table(struct session *session, struct named *named)
{
    table_free(session->table);
    session->table = NULL;
    for (uint32_t i = 0; i < named->count; i++)
        free(named->names[i]);
}

/* A column that the table has not, or an expression that fails: there is no answer. */
static int select_from(struct session *session, const struct tsql_statement *statement,
                       struct tsql_values *values)
{
    struct named named = {.count = 0};
    struct selection selection = {0};
    struct tsql_error error;
    if (session->implicit_transactions && session->transactions == 0)
        session_begin_transaction(session);
    int rc = open_table(session, values, statement->query, &named, &error);
    if (rc == 0)
        rc = plan_columns(session, statement, &selection);
    if (rc == 0)
        rc = take_rows(session, statement, values, &selection, &error);
    if (rc == 0)
        rc = finish(session, statement, values, &selection, &error);
    if (rc == EINVAL) {
        no_answer(session, statement, error.text);
        rc = 0;
    }
    selection_free(&selection);
    end_totals(session);
    close_table(session, &named);
    return rc;
}

int session_exists(void *context, const struct tsql_values *values, const struct tsql_query *query,
                   int *truth, struct tsql_error *error)
{
    struct session *session = context;
    struct named named = {.count = 0};
    *truth = 0;
    if (session->table != NULL) { /* whose row a name means could not be told */
        tsql_error_set(error, 156, 15, 1, "a query within a query");
        return EINVAL;
    }
    int rc = open_table(session, values, query, &named, error);
    for (session->row = 0; rc == 0 && *truth != 1 && session->row < table_row_count(session->table);
         session->row++) {
        *truth = 1;
        if (query->where != NULL)
            rc = tsql_holds(values, query->where, truth, error);
    }
    *truth = rc == 0 && (*truth == 1 || query->aggregates != NULL);
    close_table(session, &named);
    return rc;
}

int session_test(struct session *session, const struct tsql_statement *statement,
                 const struct tsql_values *values, bool *holds)
{
    struct tsql_error error;
    int truth;
    int rc = tsql_holds(values, statement->condition, &truth, &error);
    *holds = rc == 0 && truth == 1;
    if (rc == EINVAL) {
        no_answer(session, statement, error.text);
        rc = 0;
    }
    return rc;
}

static int select_values(struct session *session, const struct tsql_statement *statement,
                         const struct tsql_values *values)
{
    struct selection selection;
    struct tsql_error error;
    int rc = selection_new(statement->item_count, 0, &selection);
    uint32_t at = 0;
    for (const struct tsql_item *item = statement->items; item != NULL && rc == 0; item = item->next, at++)
        selection.columns[at] = (struct selection_column){.name = item->name, .value = item->value};
    if (rc == 0)
        rc = take_row(session, values, &selection, &error);
    if (rc == 0)
        rc = selection_tell(session, &selection);
    selection_free(&selection);
    if (rc == EINVAL &&
        (error.number == INVALID_COLUMN || error.number == INVALID_OBJECT)) { /* of an EXISTS */
        no_answer(session, statement, error.text);
        return 0;
    }
    return session_expression_failed(session, rc, &error);
}

int session_select(struct session *session, const struct tsql_statement *statement,
                   struct tsql_values *values)
{
    const struct answer *answer = answers_find(session->settings.answers, statement->text, statement->length);
    if (answer != NULL) {
        session_tell_answer(session, answer);
        return 0;
    }
    if (statement->kind == TSQL_QUERY) {
        no_answer(session, statement, statement->reason);
        return 0;
    }
    return statement->query != NULL ? select_from(session, statement, values)
                                    : select_values(session, statement, values);
}
