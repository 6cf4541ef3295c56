/* functions.h - the built-in functions of T-SQL that expressions may call.
 *
 * Responsible for: which there are, how many arguments they take, and what those come to that depend on nothing but
 * their arguments. The others are asked of whoever evaluates (struct tsql_source). NULL in is NULL out, but for those
 * that are there to deal with it.
 */
#ifndef VDIFAULT_TSQL_FUNCTIONS_H
#define VDIFAULT_TSQL_FUNCTIONS_H

#include "tsql.h"

enum tsql_function_id {
    /* of their arguments alone */
    TSQL_FUNCTION_CAST = 1, /* CAST and CONVERT; the type is the call's */
    TSQL_FUNCTION_CHARINDEX,
    TSQL_FUNCTION_COALESCE, /* ISNULL too */
    TSQL_FUNCTION_LEFT,
    TSQL_FUNCTION_LEN,
    TSQL_FUNCTION_LOWER,
    TSQL_FUNCTION_LTRIM,
    TSQL_FUNCTION_PARSENAME,
    TSQL_FUNCTION_QUOTENAME,
    TSQL_FUNCTION_REPLACE,
    TSQL_FUNCTION_RIGHT,
    TSQL_FUNCTION_RTRIM,
    TSQL_FUNCTION_SUBSTRING,
    TSQL_FUNCTION_UPPER,
    /* of rows */
    TSQL_FUNCTION_COUNT,
    TSQL_FUNCTION_MAX,
    TSQL_FUNCTION_MIN,
    /* of the server and the session */
    TSQL_FUNCTION_APP_NAME,
    TSQL_FUNCTION_CONNECTIONPROPERTY,
    TSQL_FUNCTION_DATABASEPROPERTYEX,
    TSQL_FUNCTION_DB_ID,
    TSQL_FUNCTION_DB_NAME,
    TSQL_FUNCTION_GETDATE,
    TSQL_FUNCTION_GETUTCDATE,
    TSQL_FUNCTION_HAS_PERMISSION, /* HAS_DBACCESS, HAS_PERMS_BY_NAME */
    TSQL_FUNCTION_HOST_NAME,
    TSQL_FUNCTION_IS_SRVROLEMEMBER, /* and IS_MEMBER, IS_ROLEMEMBER */
    TSQL_FUNCTION_OBJECT_ID,
    TSQL_FUNCTION_SCHEMA_NAME,
    TSQL_FUNCTION_SERVERPROPERTY,
    TSQL_FUNCTION_SESSIONPROPERTY,
    TSQL_FUNCTION_SUSER_SNAME,
    TSQL_FUNCTION_USER_NAME,
};

struct tsql_function {
    const char *name;
    enum tsql_function_id id;
    uint8_t minimum, maximum; /* arguments */
    bool bare;                /* written without parentheses */
};

struct tsql_call {
    const struct tsql_function *function;
    struct tsql_item *arguments;
    uint32_t count;
    struct tsql_variable type; /* of TSQL_FUNCTION_CAST */
};

const struct tsql_function *tsql_find_function(const char *name); /* NULL: there is none */
static inline bool tsql_is_aggregate(enum tsql_function_id id)
{
    return id >= TSQL_FUNCTION_COUNT && id <= TSQL_FUNCTION_MIN;
}
static inline bool tsql_is_pure(enum tsql_function_id id)
{
    return id < TSQL_FUNCTION_COUNT;
}

/* EXISTS, asked of who knows the rows (struct tsql_source). */
int tsql_ask_exists(const struct tsql_values *values, const struct tsql_query *query, int *truth,
                    struct tsql_error *error);
/* To the type: its text is one of the type's; what is too long is cut. 0, EINVAL with *error, or ENOMEM. */
int tsql_convert(const struct tsql_variable *type, struct tsql_value *value, struct tsql_error *error);
/* The value of one that is pure, malloc'd. 0, EINVAL with *error, or ENOMEM. */
int tsql_call_pure(const struct tsql_call *call, const struct tsql_value *arguments, struct tsql_value *value,
                   struct tsql_error *error);

#endif
