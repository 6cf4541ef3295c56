/* execute.c - batches: their statements in turn, their parameters, and EXEC, which runs a batch in a batch. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "answers.h"
#include "lexer.h"
#include "session_internal.h"

enum {
    SESSION_NESTING_MAX = 32
};

/* A call, and the values that its output parameters end with: one place each, or NULL if nobody asks. */
struct execution {
    const struct session_call *call;
    char **outputs;
    uint32_t depth;
};

static int run_batch(struct session *session, const struct execution *execution);

/* ---- parameters ---- */

/* The variable that parameter number `at` of the call gives a value. False: said why there is none. */
static bool find_parameter(struct session *session, const struct session_call *call,
                           const struct tsql_batch *batch, uint32_t at, uint32_t *index)
{
    const char *name = call->parameters[at].name;
    bool named = name != NULL && name[0] != '\0';
    uint32_t count;
    const struct tsql_variable *variable = tsql_parameters(batch, &count);
    for (*index = 0; *index < count; ++*index, variable = variable->next) {
        if (named ? strcasecmp(variable->name, name) == 0 : *index == at)
            return true;
    }
    if (named)
        session_say(session, 8145, 16, 1, "%.*s is not a parameter for procedure sp_executesql.",
                    tsql_near_length(name), name);
    else
        session_say(session, 8144, 16, 2, "Procedure or function has too many arguments specified.");
    return false;
}

/* Each declared parameter has a value. */
static bool check_parameters(struct session *session, const struct session_call *call,
                             const struct tsql_batch *batch, const bool *given)
{
    uint32_t count;
    const struct tsql_variable *variable = tsql_parameters(batch, &count);
    for (uint32_t i = 0; i < count; i++, variable = variable->next) {
        if (given[i])
            continue;
        session_say(
            session, 8178, 16, 1,
            "The parameterized query '(%.*s)%.*s' expects the parameter '%s', which was not supplied.",
            tsql_near_length(call->declarations), call->declarations, tsql_near_length(call->text),
            call->text, variable->name);
        return false;
    }
    return true;
}

/* *ready: the batch may run. */
static int take_parameters(struct session *session, const struct session_call *call,
                           const struct tsql_batch *batch, struct tsql_values *values, bool *ready)
{
    bool given[TSQL_VARIABLES_MAX] = {false};
    const struct tsql_statement whole = {.line = 1, .text = call->text, .length = call->length};
    struct tsql_error error;
    int rc = 0;
    session_statement_start(session, &whole);
    *ready = true;
    for (uint32_t i = 0; i < call->count && *ready; i++) {
        uint32_t index;
        *ready = find_parameter(session, call, batch, i, &index);
        if (!*ready)
            break;
        given[index] = true;
        rc = tsql_set(values, index, call->parameters[i].value, &error);
        *ready = rc == 0;
    }
    if (rc == EINVAL)
        rc = session_expression_failed(session, rc, &error);
    *ready = *ready && rc == 0 && check_parameters(session, call, batch, given);
    if (!*ready)
        session_statement_end(session);
    return rc;
}

/* What the output parameters of the call have come to. */
static int give_outputs(struct session *session, const struct execution *execution,
                        const struct tsql_batch *batch, const struct tsql_values *values)
{
    const struct session_call *call = execution->call;
    for (uint32_t i = 0; i < call->count && execution->outputs != NULL; i++) {
        uint32_t index;
        if (!call->parameters[i].output || !find_parameter(session, call, batch, i, &index))
            continue;
        const char *value = tsql_get(values, index);
        execution->outputs[i] = value != NULL ? strdup(value) : NULL;
        if (value != NULL && execution->outputs[i] == NULL)
            return ENOMEM;
    }
    return 0;
}

static void free_outputs(char **outputs, uint32_t count)
{
    for (uint32_t i = 0; i < count && outputs != NULL; i++)
        free(outputs[i]);
    free(outputs);
}

/* ---- EXEC ---- */

/* The text of an expression; NULL: it is SQL's NULL, or *failed and said why. */
static int evaluate(struct session *session, const struct tsql_values *values, const struct tsql_term *term,
                    char **text, bool *failed)
{
    struct tsql_error error;
    struct tsql_value value;
    int rc = tsql_evaluate(values, term, &value, &error);
    *failed = *failed || rc != 0;
    *text = value.text;
    return session_expression_failed(session, rc, &error);
}

/* The outer batch's variables take what the output parameters have come to. */
static int take_outputs(struct session *session, const struct tsql_statement *statement,
                        struct tsql_values *values, char *const *outputs)
{
    struct tsql_error error;
    int rc = 0;
    uint32_t i = 0;
    for (const struct tsql_item *item = statement->items; item != NULL && rc == 0; item = item->next, i++) {
        if (item->output)
            rc = tsql_set(values, item->index, outputs[i], &error);
    }
    return session_expression_failed(session, rc, &error);
}

static int run_inner(struct session *session, const struct tsql_statement *statement,
                     struct tsql_values *values, const struct execution *inner)
{
    if (inner->depth >= SESSION_NESTING_MAX) {
        session_say(session, 217, 16, 1,
                    "Maximum stored procedure, function, trigger, or view nesting level exceeded (limit %d).",
                    SESSION_NESTING_MAX);
        session->stop = true;
        return 0;
    }
    struct execution deeper = *inner;
    deeper.depth++;
    int rc = run_batch(session, &deeper);
    session_statement_at(session, statement); /* its statements have ended, and their text is gone */
    return rc == 0 ? take_outputs(session, statement, values, inner->outputs) : rc;
}

/* A batch of its own, which sees none of our variables but those it is given. Recursion is bounded as SQL Server's. */
static int run_execute(struct session *session, const struct tsql_statement *statement,
                       struct tsql_values *values, uint32_t depth)
{
    uint32_t count = statement->item_count;
    char *text = NULL, *declarations = NULL;
    char **given = calloc(count + 1, sizeof(*given)), **outputs = calloc(count + 1, sizeof(*outputs));
    struct session_parameter *parameters = calloc(count + 1, sizeof(*parameters));
    bool failed = false;
    int rc = given == NULL || outputs == NULL || parameters == NULL ? ENOMEM : 0;
    if (rc == 0)
        rc = evaluate(session, values, statement->subject, &text, &failed);
    if (rc == 0 && !failed && statement->declarations != NULL)
        rc = evaluate(session, values, statement->declarations, &declarations, &failed);
    uint32_t i = 0;
    for (const struct tsql_item *item = statement->items; item != NULL && rc == 0 && !failed;
         item = item->next, i++) {
        rc = evaluate(session, values, item->value, &given[i], &failed);
        if (rc == 0)
            parameters[i] = (struct session_parameter){item->name, given[i], item->output};
    }
    if (rc == 0 && !failed && text != NULL) {
        const struct session_call call = {text, strlen(text), declarations, parameters, count};
        const struct execution inner = {&call, outputs, depth};
        rc = run_inner(session, statement, values, &inner);
    }
    free_outputs(outputs, count);
    free_outputs(given, count);
    free(parameters);
    free(declarations);
    free(text);
    return rc;
}

/* ---- batches ---- */

static bool must_stop(const struct session *session)
{
    return session->stop || atomic_load(session->settings.interrupted) || session->settings.results->broken;
}

static int run_one(struct session *session, const struct tsql_statement *statement,
                   struct tsql_values *values, uint32_t depth)
{
    session_statement_start(session, statement);
    int rc = statement->kind == TSQL_EXECUTE ? run_execute(session, statement, values, depth)
                                             : session_statement(session, statement, values);
    session_statement_end(session);
    return rc;
}

/* Tells nothing of its own, unless nobody can say whether the condition holds. */
static int run_if(struct session *session, const struct tsql_statement *statement,
                  const struct tsql_values *values, const struct tsql_statement **behind)
{
    bool holds;
    session_statement_start(session, statement);
    int rc = session_test(session, statement, values, &holds);
    if (session->stop)
        session_statement_end(session);
    *behind = holds ? statement : statement->skip;
    return rc;
}

static int run_statements(struct session *session, const struct tsql_batch *batch, struct tsql_values *values,
                          uint32_t depth)
{
    int rc = 0;
    const struct tsql_statement *s = tsql_first(batch);
    while (s != NULL && rc == 0 && !must_stop(session)) {
        const struct tsql_statement *behind = s->kind == TSQL_JUMP ? s->skip : s;
        if (s->kind == TSQL_IF)
            rc = run_if(session, s, values, &behind);
        else if (s->kind != TSQL_JUMP)
            rc = run_one(session, s, values, depth);
        s = behind->next;
    }
    return rc;
}

/* Whether a word of the batch is BACKUP or RESTORE: that is carried out, whatever somebody has an answer for. */
static bool backs_up(const struct session_call *call)
{
    struct tsql_error error;
    struct tsql_token token;
    struct arena arena = {0};
    struct tsql_lexer lexer = {
        .text = call->text, .length = call->length, .line = 1, .arena = &arena, .error = &error};
    bool found = false;
    do {
        tsql_lexer_next(&lexer, &token);
        found = tsql_token_is(&token, "BACKUP") || tsql_token_is(&token, "RESTORE");
    } while (!found && token.kind != TSQL_TOKEN_END && token.kind != TSQL_TOKEN_ERROR);
    arena_free(&arena);
    return found;
}

/* A batch as a whole, before it is known what it is: one of statements that this server has not. */
static bool answer_batch(struct session *session, const struct session_call *call)
{
    const struct answer *answer = answers_find(session->settings.answers, call->text, call->length);
    if (answer == NULL || backs_up(call))
        return false;
    const struct tsql_statement whole = {
        .kind = TSQL_QUERY, .line = 1, .text = call->text, .length = call->length};
    session_statement_start(session, &whole);
    session_tell_answer(session, answer);
    session_statement_end(session);
    return true;
}

static int run_batch(struct session *session, const struct execution *execution)
{
    const struct session_call *call = execution->call;
    const char *declarations = call->declarations != NULL ? call->declarations : "";
    struct tsql_batch *batch = NULL;
    struct tsql_values *values = NULL;
    struct tsql_error error;
    bool ready = true;
    if (answer_batch(session, call))
        return 0;
    int rc = tsql_parse_declared(call->text, call->length, declarations, &batch, &error);
    if (rc == EINVAL) {
        const struct tsql_statement unknown = {
            .line = error.line, .text = call->text, .length = call->length};
        session_statement_start(session, &unknown);
        session_error(session, &error);
        session_statement_end(session);
        return 0;
    }
    if (rc == 0)
        rc = tsql_values_new(batch, session->globals, &values);
    if (rc == 0)
        tsql_values_ask(values, &session->source);
    if (rc == 0 && (call->count > 0 || call->declarations != NULL))
        rc = take_parameters(session, call, batch, values, &ready);
    if (rc == 0 && ready)
        rc = run_statements(session, batch, values, execution->depth);
    if (rc == 0 && ready)
        rc = give_outputs(session, execution, batch, values);
    tsql_values_free(values);
    tsql_batch_free(batch);
    return rc;
}

static void tell_outputs(struct session *session, const struct session_call *call, char *const *outputs)
{
    struct results *results = session->settings.results;
    for (uint32_t i = 0; i < call->count && results->parameter != NULL; i++) {
        if (call->parameters[i].output)
            results->parameter(results, i, outputs[i]);
    }
}

int session_call(struct session *session, const struct session_call *call, struct session_result *result)
{
    char **outputs = calloc((size_t)call->count + 1, sizeof(*outputs));
    *result = (struct session_result){0};
    session->result = result;
    session->stop = false;
    const struct execution execution = {call, outputs, 1};
    int rc = outputs != NULL ? run_batch(session, &execution) : ENOMEM;
    if (rc == 0 && result->leaving < ENGINE_LOST)
        tell_outputs(session, call, outputs);
    free_outputs(outputs, call->count);
    session->result = NULL;
    return rc;
}

int session_run(struct session *session, const char *batch, size_t length, struct session_result *result)
{
    const struct session_call call = {.text = batch, .length = length};
    return session_call(session, &call, result);
}
