/* procedure.c - see procedure.h. */
#include "procedure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

enum {
    PREPARE_LEAST = 3 /* parameters: where the handle goes, definitions, the statement */
};

struct tds_prepared {
    int32_t handle;
    char *definitions;
    char *statement;
    struct tds_prepared *next;
};

static size_t size_of(const struct tds_prepared *prepared)
{
    return strlen(prepared->definitions) + strlen(prepared->statement);
}

static void free_prepared(struct tds_prepared *prepared)
{
    if (prepared != NULL) {
        free(prepared->definitions);
        free(prepared->statement);
        free(prepared);
    }
}

void tds_procedures_forget(struct tds_procedures *procedures)
{
    while (procedures->first != NULL) {
        struct tds_prepared *prepared = procedures->first;
        procedures->first = prepared->next;
        free_prepared(prepared);
    }
    procedures->count = 0;
    procedures->bytes = 0;
}

/* ---- the procedures ---- */

/* A parameter's text; "": NULL, or there is none. */
static const char *text_of(const struct tds_rpc *rpc, uint32_t place)
{
    return place < rpc->count && rpc->parameters[place].value.text != NULL ? rpc->parameters[place].value.text
                                                                           : "";
}

static int refuse_call(struct tsql_error *error, int32_t number, int32_t severity, const char *words,
                       const char *name)
{
    tsql_error_set(error, number, severity, 1, words, name);
    error->line = 1;
    return EINVAL;
}

static int prepare(struct tds_procedures *procedures, const struct tds_rpc *rpc, struct tds_call *call,
                   struct tsql_error *error)
{
    const char *definitions = text_of(rpc, 1), *statement = text_of(rpc, 2);
    if (rpc->count < PREPARE_LEAST) {
        return refuse_call(error, 201, 16, "Procedure '%s' expects a handle, definitions and a statement.",
                           rpc->procedure == TDS_SP_PREPARE ? "sp_prepare" : "sp_prepexec");
    }
    size_t bytes = strlen(definitions) + strlen(statement);
    if (procedures->count == TDS_PREPARED_MOST || bytes > TDS_PREPARED_BYTES_MOST - procedures->bytes) {
        return refuse_call(error, 701, 17,
                           "There is insufficient system memory in resource pool '%s' to run this query.",
                           "default");
    }
    struct tds_prepared *prepared = calloc(1, sizeof *prepared);
    if (prepared == NULL || (prepared->definitions = strdup(definitions)) == NULL ||
        (prepared->statement = strdup(statement)) == NULL) {
        free_prepared(prepared);
        return ENOMEM;
    }
    prepared->handle = ++procedures->last_handle;
    prepared->next = procedures->first;
    procedures->first = prepared;
    procedures->count++;
    procedures->bytes += bytes;
    call->gives_handle = true;
    call->handle = prepared->handle;
    return 0;
}

static struct tds_prepared **find_prepared(struct tds_procedures *procedures, const struct tds_rpc *rpc)
{
    long handle = strtol(text_of(rpc, 0), NULL, 10);
    struct tds_prepared **at = &procedures->first;
    while (*at != NULL && (*at)->handle != handle) {
        at = &(*at)->next;
    }
    return *at != NULL ? at : NULL;
}

static void drop_prepared(struct tds_procedures *procedures, struct tds_prepared **at)
{
    struct tds_prepared *prepared = *at;
    *at = prepared->next;
    procedures->count--;
    procedures->bytes -= size_of(prepared);
    free_prepared(prepared);
}

/* Any other: as EXECUTE calls it. */
static int call_by_name(const struct tds_rpc *rpc, struct tds_call *call)
{
    struct tds_buffer text = {0};
    tds_put_string(&text, "EXECUTE ");
    tds_put_string(&text, rpc->name);
    for (uint32_t i = 0; i < rpc->count; i++) {
        const struct tds_parameter *parameter = &rpc->parameters[i];
        tds_put_string(&text, i == 0 ? " " : ", ");
        tds_put_string(&text, parameter->name);
        tds_put_string(&text, parameter->name[0] != '\0' ? " = " : "");
        tds_value_literal(&text, &parameter->value);
    }
    tds_put_u8(&text, 0);
    call->batch = (char *)text.bytes;
    call->run = (struct session_call){.text = call->batch, .length = text.length - !text.failed};
    return text.failed ? ENOMEM : 0;
}

/* With the values after the handle, or after the statement and its definitions. */
static int run_with(const char *definitions, const char *statement, const struct tds_rpc *rpc, uint32_t from,
                    struct tds_call *call)
{
    call->first = from < rpc->count ? from : rpc->count;
    call->run = (struct session_call){.text = statement,
                                      .length = strlen(statement),
                                      .declarations = definitions[0] != '\0' ? definitions : NULL,
                                      .count = rpc->count - call->first};
    call->parameters = calloc((size_t)call->run.count + 1, sizeof *call->parameters);
    for (uint32_t i = 0; call->parameters != NULL && i < call->run.count; i++) {
        const struct tds_parameter *parameter = &rpc->parameters[call->first + i];
        call->parameters[i] =
            (struct session_parameter){parameter->name, parameter->value.text, parameter->output};
    }
    call->run.parameters = call->parameters;
    return call->parameters != NULL ? 0 : ENOMEM;
}

void tds_call_free(struct tds_call *call)
{
    free(call->batch);
    free(call->parameters);
    *call = (struct tds_call){0};
}

int tds_procedure_call(struct tds_procedures *procedures, const struct tds_rpc *rpc, struct tds_call *call,
                       struct tsql_error *error)
{
    struct tds_prepared **prepared = NULL;
    int rc;
    *call = (struct tds_call){0};
    switch (rpc->procedure) {
    case TDS_NAMED:
        return call_by_name(rpc, call);
    case TDS_SP_EXECUTESQL:
        return run_with(text_of(rpc, 1), text_of(rpc, 0), rpc, 2, call);
    case TDS_SP_PREPARE:
        return prepare(procedures, rpc, call, error);
    case TDS_SP_PREPEXEC:
        prepared = find_prepared(procedures, rpc); /* the one before, which is no longer wanted */
        if (prepared != NULL) {
            drop_prepared(procedures, prepared);
        }
        rc = prepare(procedures, rpc, call, error);
        return rc == 0 ? run_with(text_of(rpc, 1), text_of(rpc, 2), rpc, 3, call) : rc;
    case TDS_SP_EXECUTE:
    case TDS_SP_UNPREPARE:
        prepared = find_prepared(procedures, rpc);
        if (prepared == NULL) {
            return refuse_call(error, 8179, 16, "Could not find prepared statement with handle %s.",
                               text_of(rpc, 0));
        }
        if (rpc->procedure == TDS_SP_UNPREPARE) {
            drop_prepared(procedures, prepared);
            return 0;
        }
        return run_with((*prepared)->definitions, (*prepared)->statement, rpc, 1, call);
    default:
        return refuse_call(error, 16902, 16, "The simulated server has no cursors%s.", "");
    }
}
