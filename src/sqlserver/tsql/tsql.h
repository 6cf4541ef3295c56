/* tsql.h - the part of T-SQL that VDI clients send (spec 13), from text to statements.
 *
 * Responsible for: lexing and parsing one batch (what stands between two GO), SQL Server's own messages for
 * what it cannot parse, the table of WITH options, and the values of variables and expressions. Not
 * responsible for: GO, scripting variables and commands of sqlcmd (batch.h), carrying statements out
 * (sqlcmd/), backups (engine/).
 *
 * Ownership: a batch owns all memory its statements point to; tsql_batch_free releases it in one go.
 * Errors: 0, EINVAL with *error filled, or ENOMEM. Input is any bytes: bounded in size, no recursion.
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

/* An expression is a sum of terms: `+` joins strings and adds integers. */
enum tsql_term_kind {
    TSQL_TERM_NULL,
    TSQL_TERM_STRING,
    TSQL_TERM_NUMBER,
    TSQL_TERM_VARIABLE,
    TSQL_TERM_GLOBAL
};
enum tsql_global {
    TSQL_VERSION,
    TSQL_SERVERNAME,
    TSQL_SERVICENAME,
    TSQL_SPID,
    TSQL_ERROR,
    TSQL_GLOBAL_COUNT
};
struct tsql_term {
    enum tsql_term_kind kind;
    uint32_t index;   /* of the variable in the batch, or enum tsql_global */
    const char *text; /* of a string or number, without quotes */
    struct tsql_term *next;
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
    TSQL_ASSIGN,   /* DECLARE, SET, SELECT @v = : items: variables (index) with values */
    TSQL_SELECT,   /* items: columns; name is the alias */
    TSQL_PRINT,    /* subject */
    TSQL_USE,      /* subject: database */
    TSQL_EXECUTE,  /* subject: the batch to run, EXEC(...) or sp_executesql */
    TSQL_NOCOUNT,  /* SET NOCOUNT: on */
    TSQL_REGISTER, /* EXEC sp_addumpdevice ...: without effect, but to be told (VDI-SQL-003) */
    TSQL_MODEL,    /* ALTER DATABASE ... SET RECOVERY: subject: database; item: its name is the model's */
    TSQL_BEGIN,    /* BEGIN TRANSACTION */
    TSQL_END,      /* COMMIT; on: ROLLBACK */
    TSQL_IGNORED,  /* harmless and without effect here: SET ANSI_NULLS ON, other ALTER DATABASE ... */
};

struct tsql_item {
    uint32_t index;   /* of the variable assigned to */
    const char *name; /* alias of a column, or NULL */
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
    struct tsql_item *options;
    struct tsql_statement *next;
};

/* A declared variable. Values are kept as text; the type decides truncation and what `+` means. */
struct tsql_variable {
    const char *name; /* with its @ */
    bool number;
    uint32_t length; /* characters kept of a string; 0 = all */
    struct tsql_variable *next;
};

struct tsql_batch;
int tsql_parse(const char *text, size_t length, struct tsql_batch **batch, struct tsql_error *error);
const struct tsql_statement *tsql_first(const struct tsql_batch *batch);
void tsql_batch_free(struct tsql_batch *batch);

/* ---- values ---- */

struct tsql_value {
    char *text; /* malloc'd; NULL: the SQL value NULL */
    bool number;
};

/* The variables of one execution of a batch. The batch must outlive them; so must `globals`. */
struct tsql_values;
int tsql_values_new(const struct tsql_batch *batch, const char *const globals[TSQL_GLOBAL_COUNT],
                    struct tsql_values **values);
void tsql_values_free(struct tsql_values *values);

/* EINVAL: 245 (conversion) or 8152 (too long); the caller frees value->text. */
int tsql_evaluate(const struct tsql_values *values, const struct tsql_term *expression,
                  struct tsql_value *value, struct tsql_error *error);
/* Carries out a TSQL_ASSIGN statement. */
int tsql_assign(struct tsql_values *values, const struct tsql_statement *statement, struct tsql_error *error);
/* The value as an integer: 245 if it is none; NULL counts as 0. */
int tsql_integer(const struct tsql_value *value, int64_t *number, struct tsql_error *error);

/* Characters (not bytes) of UTF-8 text; of `text` at most `length` bytes are looked at. */
size_t tsql_characters(const char *text, size_t length);
/* Bytes of the first TSQL_NEAR_MAX characters, as the precision of a %.*s. */
int tsql_near_length(const char *text);

#endif
