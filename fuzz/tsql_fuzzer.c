/* tsql_fuzzer.c - T-SQL: scripts into batches, batches into statements, their values, and what is recorded of them.
 *
 * An input is a script as sqlcmd takes it. Every batch is parsed and carried out as far as that takes no server:
 * variables are assigned, options and subjects evaluated, EXEC's text parsed in its turn.
 *
 * Promises: what is refused is refused with a number, a text and a line of the batch; a batch that the splitter holds
 * to be at its end leaves no quotation or comment open for the lexer; a statement is a piece of its batch; what the
 * parser takes for a password is not in what is recorded.
 */
#include <errno.h>
#include <stdint.h>
#include <string.h>
#include <strings.h>

#include "batch.h"
#include "promise.h"
#include "redact.h"
#include "tsql.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    PARSED_MAX = 256 << 10, /* bytes of an input's batches, EXEC's among them: time is for other inputs */
    UNCLOSED_QUOTE = 105,
    UNCLOSED_COMMENT = 113
};

/* A password that is told from the text around it. */
static const char secret[] = "S3cr3t";

static const char *const globals[TSQL_GLOBAL_COUNT] = {
    [TSQL_VERSION] = "version", [TSQL_SERVERNAME] = "server", [TSQL_SERVICENAME] = "service",
    [TSQL_SPID] = "51",         [TSQL_ERROR] = "0",
};

struct text {
    const char *at;
    size_t length;
};

struct work {
    size_t budget; /* bytes that are still to be parsed */
};

static size_t occurrences(const char *text, size_t length, const char *word)
{
    size_t count = 0;
    for (const char *at = text; (at = memmem(at, length - (size_t)(at - text), word, strlen(word))) != NULL;
         at++) {
        count++;
    }
    return count;
}

static void check_error(struct text text, const struct tsql_error *error)
{
    PROMISE(error->number > 0);
    PROMISE(error->line >= 1 && error->line <= 1 + occurrences(text.at, text.length, "\n"));
    PROMISE(error->text[0] != '\0' && memchr(error->text, '\0', sizeof error->text) != NULL);
}

/* ---- passwords ---- */

static size_t secrets_in_passwords(const struct tsql_statement *statement)
{
    size_t count = 0;
    for (const struct tsql_item *option = statement->options; option != NULL; option = option->next) {
        bool password = strcmp(option->option->name, "PASSWORD") == 0 ||
                        strcmp(option->option->name, "MEDIAPASSWORD") == 0;
        if (password && option->value != NULL && option->value->text != NULL) {
            count += occurrences(option->value->text, strlen(option->value->text), secret);
        }
    }
    return count;
}

/* Only where every secret of the statement is a password's: elsewhere it is a word like another. */
static void check_redacted(const struct tsql_statement *statement)
{
    size_t passwords = secrets_in_passwords(statement);
    if (passwords == 0 || occurrences(statement->text, statement->length, secret) != passwords) {
        return;
    }
    char *text = strndup(statement->text, statement->length);
    char *redacted = text != NULL ? redact_text(text) : NULL;
    PROMISE(redacted == NULL || strstr(redacted, secret) == NULL);
    free(redacted);
    free(text);
}

/* ---- carrying out ---- */

static void run_batch(struct work *work, struct text text, bool closed);

static void check_value(const struct tsql_values *values, const struct tsql_term *term, struct text text)
{
    struct tsql_error error = {.line = 1};
    struct tsql_value value;
    int64_t number;
    int status = tsql_evaluate(values, term, &value, &error);
    PROMISE(status == 0 || status == EINVAL || status == ENOMEM);
    if (status == 0) {
        PROMISE(value.text == NULL || strlen(value.text) <= TSQL_BATCH_MAX);
        status = tsql_integer(&value, &number, &error);
    }
    if (status == EINVAL) {
        check_error(text, &error);
    }
    free(value.text);
}

static void check_items(const struct tsql_values *values, const struct tsql_item *items, struct text text)
{
    for (const struct tsql_item *item = items; item != NULL; item = item->next) {
        check_value(values, item->value, text);
        if (item->option != NULL && item->option->maximum != 0) {
            struct tsql_error error = {.line = 1};
            if (tsql_option_check(item->option, item->option->maximum + INT64_C(1), &error) != 0) {
                check_error(text, &error);
            }
        }
    }
}

/* Asked for: nothing is known, as of a function that has no answer. */
static int say_nothing(void *context, uint32_t function, const struct tsql_value *arguments, uint32_t count,
                       struct tsql_value *value, struct tsql_error *error)
{
    (void)context, (void)error;
    PROMISE(function != 0 && (count == 0 || arguments != NULL));
    *value = (struct tsql_value){0};
    return 0;
}

/* A column of every name, which holds its name. */
static int say_name(void *context, const char *name, struct tsql_value *value, struct tsql_error *error)
{
    (void)context, (void)error;
    *value = (struct tsql_value){.text = strdup(name)};
    return value->text == NULL ? ENOMEM : 0;
}

static int say_total(void *context, const struct tsql_call *call, struct tsql_value *value)
{
    (void)context;
    PROMISE(call != NULL);
    *value = (struct tsql_value){.text = strdup("1"), .number = true};
    return value->text == NULL ? ENOMEM : 0;
}

static int say_none(void *context, const struct tsql_values *values, const struct tsql_query *query,
                    int *truth, struct tsql_error *error)
{
    (void)context;
    *truth = 1;
    return query->where != NULL ? tsql_holds(values, query->where, truth, error) : 0;
}

static const struct tsql_source source = {say_nothing, say_name, say_total, say_none, NULL};

static void check_query(const struct tsql_values *values, const struct tsql_query *query, struct text text)
{
    struct tsql_error error = {.line = 1};
    int truth = 1;
    if (query->where != NULL && tsql_holds(values, query->where, &truth, &error) == EINVAL) {
        check_error(text, &error);
    }
    PROMISE(truth >= -1 && truth <= 1);
    check_value(values, query->top, text);
    check_items(values, query->order, text);
}

static void execute(struct work *work, const struct tsql_values *values, const struct tsql_term *subject)
{
    struct tsql_error error;
    struct tsql_value value;
    if (tsql_evaluate(values, subject, &value, &error) == 0 && value.text != NULL) {
        run_batch(work, (struct text){value.text, strlen(value.text)}, false);
    }
    free(value.text);
}

static void run_statements(struct work *work, struct text text, const struct tsql_batch *batch,
                           struct tsql_values *values)
{
    uint32_t line = 1;
    for (const struct tsql_statement *s = tsql_first(batch); s != NULL; s = s->next) {
        struct tsql_error error = {.line = 1};
        PROMISE(s->length <= text.length && memmem(text.at, text.length, s->text, s->length) != NULL);
        PROMISE(s->line >= line && s->line <= 1 + occurrences(text.at, text.length, "\n"));
        line = s->line;
        check_redacted(s);
        if (s->kind == TSQL_ASSIGN && tsql_assign(values, s, &error) == EINVAL) {
            check_error(text, &error);
        }
        check_value(values, s->subject, text);
        check_items(values, s->items, text);
        check_items(values, s->options, text);
        int truth = 1;
        if (s->condition != NULL && tsql_holds(values, s->condition, &truth, &error) == EINVAL) {
            check_error(text, &error);
        }
        PROMISE((s->kind == TSQL_IF || s->kind == TSQL_JUMP) == (s->skip != NULL));
        if (s->query != NULL) {
            check_query(values, s->query, text);
        }
        if (s->kind == TSQL_EXECUTE) {
            execute(work, values, s->subject);
        }
    }
}

/* `closed`: the splitter saw no quotation and no comment open at its end. */
static void run_batch(struct work *work, struct text text, bool closed)
{
    struct tsql_batch *batch = NULL;
    struct tsql_values *values = NULL;
    struct tsql_error error = {0};
    if (text.length >= work->budget) {
        return;
    }
    work->budget -= text.length + 1;
    int status = tsql_parse(text.at, text.length, &batch, &error);
    PROMISE(status == 0 || status == EINVAL || status == ENOMEM);
    if (status == EINVAL) {
        check_error(text, &error);
        PROMISE(!closed || (error.number != UNCLOSED_QUOTE && error.number != UNCLOSED_COMMENT));
    }
    if (status == 0 && tsql_values_new(batch, globals, &values) == 0) {
        tsql_values_ask(values, &source);
        run_statements(work, text, batch, values);
    }
    tsql_values_free(values);
    tsql_batch_free(batch);
}

static void run_script(struct work *work, struct tsql_script *script)
{
    bool blank = tsql_script_is_blank(script);
    bool closed = script->quote == 0 && script->comment == 0;
    PROMISE(script->length <= (size_t)TSQL_BATCH_MAX + 1);
    if (!blank) {
        run_batch(work, (struct text){script->text, script->length}, closed);
    }
    tsql_script_clear(script);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct work work = {.budget = PARSED_MAX};
    struct tsql_script script = {0};
    const char *at = (const char *)data, *end = at + size;
    while (at < end) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t length = (size_t)((stop != NULL ? stop : end) - at);
        if (tsql_script_line(&script, at, length) == TSQL_LINE_GO) {
            run_script(&work, &script);
        }
        at += length + (stop != NULL);
    }
    run_script(&work, &script);
    tsql_script_free(&script);
    return 0;
}
