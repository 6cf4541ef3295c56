/* tsql.h - the part of T-SQL that VDI clients send (spec 13), from text to statements.
 *
 * Responsible for: lexing and parsing one batch (what stands between two GO), SQL Server's own messages for
 * what it cannot parse, the table of WITH options, and the values of variables and expressions. Not
 * responsible for: GO, scripting variables and commands of sqlcmd (batch.h), carrying statements out
 * (session/), backups (engine/).
 *
 * Ownership: a batch owns all memory its statements point to; tsql_batch_free releases it in one go.
 * Errors: 0, EINVAL with *error filled, or ENOMEM. Input is any bytes: bounded in size and in nesting.
 * Threads: no shared state; one batch belongs to one thread.
 */
#ifndef VDIFAULT_TSQL_H
#define VDIFAULT_TSQL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    TSQL_BATCH_MAX = 1 << 20,  /* bytes of a batch; also of any one value */
    TSQL_IDENTIFIER_MAX = 128, /* characters, SQL Server's sysname */
    TSQL_ERROR_TEXT_MAX = 1024,
    TSQL_VARIABLES_MAX = 256, /* in one batch; keeps look-up cheap on hostile input */
    TSQL_NEAR_MAX = 128,      /* characters of the text at fault that a message quotes */
    TSQL_NESTING_MAX = 32,    /* of calls and conditions within each other */
};

/* A message of SQL Server's own: number, severity ("Level"), state and text, and the line within the batch.
 */
struct tsql_error {
    int32_t number;
    int32_t severity;
    int32_t state;
    uint32_t line; /* from 1 */
    char text[TSQL_ERROR_TEXT_MAX];
};
void tsql_error_set(struct tsql_error *error, int32_t number, int32_t severity, int32_t state,
                    const char *format, ...) __attribute__((format(printf, 5, 6)));

/* An expression is a sum of terms: `+` joins strings and adds integers. What else there is has a term to itself. */
enum tsql_term_kind {
    TSQL_TERM_NULL,
    TSQL_TERM_STRING,
    TSQL_TERM_NUMBER,
    TSQL_TERM_VARIABLE,
    TSQL_TERM_GLOBAL,
    TSQL_TERM_CALL,   /* of a built-in function (functions.h) */
    TSQL_TERM_CASE,   /* CASE */
    TSQL_TERM_COLUMN, /* of the row at hand */
};
enum tsql_global {
    TSQL_VERSION,
    TSQL_SERVERNAME,
    TSQL_SERVICENAME,
    TSQL_SPID,
    TSQL_ERROR,
    TSQL_TRANCOUNT,
    TSQL_ROWCOUNT,
    TSQL_MICROSOFTVERSION,
    TSQL_LANGUAGE,
    TSQL_LANGID,
    TSQL_OPTIONS,
    TSQL_DATEFIRST,
    TSQL_LOCK_TIMEOUT,
    TSQL_MAX_PRECISION,
    TSQL_NESTLEVEL,
    TSQL_TEXTSIZE,
    TSQL_GLOBAL_COUNT
};
struct tsql_term {
    enum tsql_term_kind kind;
    uint32_t index;   /* of the variable in the batch, or enum tsql_global */
    const char *text; /* of a string or number, without quotes; a column's name */
    const struct tsql_call *call;
    const struct tsql_branch *branches; /* of CASE: the last may be without a condition, ELSE */
    struct tsql_term *next;
};

/* What WHERE and WHEN ask. */
enum tsql_test {
    TSQL_AND = 1, /* left, right */
    TSQL_OR,
    TSQL_NOT,    /* left */
    TSQL_EXISTS, /* query */
    TSQL_NULL,   /* value IS NULL */
    TSQL_LIKE,   /* value, others: the first is the pattern */
    TSQL_IN,     /* value, others */
    TSQL_EQUAL,
    TSQL_LESS,
    TSQL_GREATER,
};
struct tsql_condition {
    enum tsql_test test;
    struct tsql_condition *left, *right;
    struct tsql_term *value;
    struct tsql_item *others;
    struct tsql_query *query;
};
struct tsql_branch {
    struct tsql_condition *condition;
    struct tsql_term *value;
    struct tsql_branch *next;
};

/* FROM one table. */
struct tsql_query {
    const char *schema; /* "" if none is named; "dbo", "sys" */
    const char *table;
    struct tsql_condition *where; /* NULL: all rows */
    struct tsql_item *order;      /* in turn; on: descending */
    struct tsql_item
        *aggregates;       /* the calls of COUNT, MAX and MIN in what is selected: one row comes of all */
    struct tsql_term *top; /* NULL: all */
    bool distinct;
};

/* ---- WITH options ---- */

enum tsql_option_value {
    TSQL_VALUE_NONE,
    TSQL_VALUE_NUMBER,
    TSQL_VALUE_NUMBER_OPTIONAL, /* STATS [= n] */
    TSQL_VALUE_STRING,          /* '...', @v, or a number (FILE = 1 needs both readings) */
    TSQL_VALUE_STRING_PAIR,     /* MOVE 'a' TO 'b' */
    TSQL_VALUE_MARK,            /* STOPATMARK = 'mark' [AFTER 'time'] */
    TSQL_VALUE_GROUP_OPTIONAL,  /* COMPRESSION [(ALGORITHM = x)] */
    TSQL_VALUE_GROUP,           /* ENCRYPTION (ALGORITHM = x, SERVER CERTIFICATE = y) */
};

enum tsql_option_id {
    TSQL_OPTION_OTHER,
    TSQL_BLOCKSIZE,
    TSQL_BUFFERCOUNT,
    TSQL_MAXTRANSFERSIZE,
    TSQL_STATS,
    TSQL_REPLACE,
    TSQL_SNAPSHOT,
    TSQL_DIFFERENTIAL,
    TSQL_COPY_ONLY,
    TSQL_NO_RECOVERY, /* NORECOVERY and STANDBY */
    TSQL_INIT,        /* INIT and FORMAT */
    TSQL_FILE
};

struct tsql_option_info {
    const char *name;
    enum tsql_option_id id; /* those that reach the engine */
    enum tsql_option_value value;
    bool backup;                     /* allowed with BACKUP */
    bool restore;                    /* allowed with RESTORE */
    uint8_t group;                   /* options of one group exclude each other; 0: may repeat */
    uint32_t minimum, maximum, step; /* of a number; maximum 0: any */
};
extern const struct tsql_option_info tsql_option_table[];
extern const size_t tsql_option_count;

/* Checks a number against the option's range: 3250, or 3253 for a block size. */
int tsql_option_check(const struct tsql_option_info *info, int64_t value, struct tsql_error *error);

/* ---- statements ---- */

enum tsql_statement_kind {
    TSQL_BACKUP = 1, /* subject: database; items: devices; options */
    TSQL_RESTORE,    /* the same; no devices: RESTORE DATABASE x WITH RECOVERY */
    TSQL_VERIFYONLY, /* items: devices; options */
    TSQL_HEADERONLY,
    TSQL_LABELONLY,
    TSQL_FILELISTONLY,
    TSQL_ASSIGN, /* DECLARE, SET, SELECT @v = : items: variables (index) with values */
    TSQL_SELECT, /* items: columns, without a value: all of them; name is the alias; query: FROM */
    TSQL_QUERY,  /* a SELECT with a FROM that is none of the simple ones: its text, and `reason` */
    TSQL_PRINT,  /* subject */
    TSQL_USE,    /* subject: database */
    TSQL_EXECUTE, /* subject: the batch to run, EXEC(...) or sp_executesql; declarations and items: parameters */
    TSQL_NOCOUNT,  /* SET NOCOUNT: on */
    TSQL_IMPLICIT, /* SET IMPLICIT_TRANSACTIONS: on */
    TSQL_NOEXEC,   /* SET FMTONLY, SET NOEXEC: on */
    TSQL_REGISTER, /* EXEC sp_addumpdevice ...: without effect, but to be told (VDI-SQL-003) */
    TSQL_MODEL,    /* ALTER DATABASE ... SET RECOVERY: subject: database; item: its name is the model's */
    TSQL_BEGIN,    /* BEGIN TRANSACTION */
    TSQL_END,      /* COMMIT; on: ROLLBACK */
    TSQL_IF,       /* condition, skip */
    TSQL_JUMP,     /* where ELSE stands: skip */
    TSQL_IGNORED,  /* harmless and without effect here: SET ANSI_NULLS ON, other ALTER DATABASE ... */
};

struct tsql_item {
    bool on;
    uint32_t index;   /* of the variable assigned to, or that takes the value of an output parameter */
    bool output;      /* of a parameter: it has such a variable */
    const char *name; /* alias of a column, name of a parameter, or NULL */
    const struct tsql_option_info *option;
    struct tsql_term *value; /* NULL: none given */
    struct tsql_item *next;
};

struct tsql_statement {
    enum tsql_statement_kind kind;
    uint32_t line;    /* of its first word, from 1 */
    const char *text; /* its source, `length` bytes of the batch's copy, not terminated */
    size_t length;
    bool log; /* BACKUP/RESTORE LOG */
    bool on;
    struct tsql_term *subject;
    struct tsql_item *items;
    uint32_t item_count;
    struct tsql_term *declarations; /* of the parameters: the text behind a DECLARE */
    struct tsql_item *options;
    struct tsql_query *query;
    const struct tsql_condition *condition; /* of IF */
    const struct tsql_statement *skip; /* TSQL_JUMP, and TSQL_IF whose condition fails, go on behind it */
    const char *reason;                /* what a TSQL_QUERY was refused for */
    struct tsql_statement *next;
};

/* What a result set tells a value as, where its text does not say it. */
enum tsql_type {
    TSQL_TYPE_NONE, /* a text, or a number by its digits */
    TSQL_TYPE_BIT,
    TSQL_TYPE_TINYINT,
    TSQL_TYPE_SMALLINT,
    TSQL_TYPE_INT,
    TSQL_TYPE_BIGINT,
    TSQL_TYPE_DATETIME,
    TSQL_TYPE_DATE /* told as text, as real servers do to old drivers */
};

/* A declared variable. Values are kept as text; the type decides truncation and what `+` means. */
struct tsql_variable {
    const char *name; /* with its @ */
    bool number;
    enum tsql_type type;
    uint32_t length; /* characters kept of a string; 0 = all */
    struct tsql_variable *next;
};

struct tsql_batch;
int tsql_parse(const char *text, size_t length, struct tsql_batch **batch, struct tsql_error *error);
/* With variables that are declared elsewhere, "@a int, @b nvarchar(10) OUTPUT": the batch's first. */
int tsql_parse_declared(const char *text, size_t length, const char *declarations, struct tsql_batch **batch,
                        struct tsql_error *error);
/* The variables declared so, in their order; those of the batch itself follow. */
const struct tsql_variable *tsql_parameters(const struct tsql_batch *batch, uint32_t *count);
const struct tsql_statement *tsql_first(const struct tsql_batch *batch);
void tsql_batch_free(struct tsql_batch *batch);

/* ---- values ---- */

struct tsql_value {
    char *text; /* malloc'd; NULL: the SQL value NULL */
    bool number;
    enum tsql_type type;
};

struct tsql_values;

struct tsql_call;

/* Who knows what an expression asks for that is no value of the batch. The first three give a malloc'd text, or EINVAL with *error,
 * or ENOMEM. */
struct tsql_source {
    int (*call)(void *context, uint32_t function, const struct tsql_value *arguments, uint32_t count,
                struct tsql_value *value, struct tsql_error *error); /* enum tsql_function_id */
    int (*column)(void *context, const char *name, struct tsql_value *value, struct tsql_error *error);
    /* one of the query's aggregates, once all its rows are known */
    int (*aggregate)(void *context, const struct tsql_call *call, struct tsql_value *value);
    int (*exists)(void *context, const struct tsql_values *values, const struct tsql_query *query, int *truth,
                  struct tsql_error *error);
    void *context;
};

/* The variables of one execution of a batch. The batch must outlive them; so must `globals`. */
int tsql_values_new(const struct tsql_batch *batch, const char *const globals[TSQL_GLOBAL_COUNT],
                    struct tsql_values **values);
void tsql_values_free(struct tsql_values *values);
/* From now on; NULL, as at first: what is asked for is NULL. Outlives the values. */
void tsql_values_ask(struct tsql_values *values, const struct tsql_source *source);

/* EINVAL: 245 (conversion) or 8152 (too long); the caller frees value->text. */
int tsql_evaluate(const struct tsql_values *values, const struct tsql_term *expression,
                  struct tsql_value *value, struct tsql_error *error);
/* *truth: 1 it holds, 0 it does not, -1 unknown, as whatever NULL is compared with. */
int tsql_holds(const struct tsql_values *values, const struct tsql_condition *condition, int *truth,
               struct tsql_error *error);
/* As strcmp: numbers by value, texts without regard to case. Neither may be NULL. */
int tsql_compare(const struct tsql_value *left, const struct tsql_value *right);
/* Carries out a TSQL_ASSIGN statement. */
int tsql_assign(struct tsql_values *values, const struct tsql_statement *statement, struct tsql_error *error);
/* Gives the variable a copy of the text, as an assignment does. */
int tsql_set(struct tsql_values *values, uint32_t index, const char *text, struct tsql_error *error);
/* NULL: SQL's NULL. Until it is assigned to. */
const char *tsql_get(const struct tsql_values *values, uint32_t index);
/* The value as an integer: 245 if it is none; NULL counts as 0. */
int tsql_integer(const struct tsql_value *value, int64_t *number, struct tsql_error *error);

/* Characters (not bytes) of UTF-8 text; of `text` at most `length` bytes are looked at. */
size_t tsql_characters(const char *text, size_t length);
/* Bytes of the first TSQL_NEAR_MAX characters, as the precision of a %.*s. */
int tsql_near_length(const char *text);

#endif
