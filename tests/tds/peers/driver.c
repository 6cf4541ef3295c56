/* driver.c - see driver.h. */
#include "driver.h"

#include <sqlext.h>
#include <string.h>

enum {
    TEXT_MAX = 4096
};

/* The driver's words: what SQL Server sent, with its number. Whether `wanted` is among the numbers. */
static bool print_messages(SQLSMALLINT kind, SQLHANDLE handle, int wanted, FILE *out)
{
    SQLCHAR state[6], text[TEXT_MAX];
    SQLINTEGER number;
    SQLSMALLINT length;
    bool seen = false;
    for (SQLSMALLINT i = 1;
         SQL_SUCCEEDED(SQLGetDiagRec(kind, handle, i, state, &number, text, sizeof text, &length)); i++) {
        fprintf(out, "Msg %d, State %s: %s\n", (int)number, (char *)state, (char *)text);
        seen = seen || number == wanted;
    }
    fflush(out);
    return seen;
}

static void print_rows(SQLHSTMT statement, FILE *out)
{
    SQLSMALLINT columns = 0;
    SQLNumResultCols(statement, &columns);
    while (columns > 0 && SQL_SUCCEEDED(SQLFetch(statement))) {
        for (SQLSMALLINT i = 1; i <= columns; i++) {
            char text[TEXT_MAX];
            SQLLEN length;
            bool got =
                SQL_SUCCEEDED(SQLGetData(statement, (SQLUSMALLINT)i, SQL_C_CHAR, text, sizeof text, &length));
            fprintf(out, "%s%s", i > 1 ? "|" : "", !got ? "?" : length == SQL_NULL_DATA ? "NULL" : text);
        }
        fprintf(out, "\n");
    }
    fflush(out);
}

bool driver_open(struct driver *driver, const char *server, const char *encryption, FILE *out)
{
    char text[512];
    const char *colon = strrchr(server, ':');
    int host = colon != NULL ? (int)(colon - server) : (int)strlen(server);
    *driver = (struct driver){0};
    snprintf(text, sizeof text,
             "Driver=%s;Server=%.*s;Port=%s;UID=sa;PWD=secret;TDS_Version=7.4;Encryption=%s", ODBC_DRIVER,
             host, server, colon != NULL ? colon + 1 : "1433", encryption != NULL ? encryption : "request");
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_ENV, SQL_NULL_HANDLE, &driver->environment))) {
        return false;
    }
    SQLSetEnvAttr(driver->environment, SQL_ATTR_ODBC_VERSION, (SQLPOINTER)SQL_OV_ODBC3, 0);
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_DBC, driver->environment, &driver->connection))) {
        return false;
    }
    SQLRETURN rc = SQLDriverConnect(driver->connection, NULL, (SQLCHAR *)text, SQL_NTS, NULL, 0, NULL,
                                    SQL_DRIVER_NOPROMPT);
    if (!SQL_SUCCEEDED(rc)) {
        print_messages(SQL_HANDLE_DBC, driver->connection, 0, out);
    }
    return SQL_SUCCEEDED(rc);
}

bool driver_run(struct driver *driver, const char *text, FILE *out)
{
    SQLHSTMT statement;
    bool good = true, told = driver->success == 0;
    if (!SQL_SUCCEEDED(SQLAllocHandle(SQL_HANDLE_STMT, driver->connection, &statement))) {
        return false;
    }
    atomic_store(&driver->statement, statement);
    SQLRETURN rc = SQLExecDirect(statement, (SQLCHAR *)text, SQL_NTS);
    while (good && rc != SQL_NO_DATA) {
        if (rc != SQL_SUCCESS) {
            told = print_messages(SQL_HANDLE_STMT, statement, driver->success, out) || told;
        }
        good = SQL_SUCCEEDED(rc);
        if (good) {
            print_rows(statement, out);
            rc = SQLMoreResults(statement);
        }
    }
    atomic_store(&driver->statement, NULL);
    SQLFreeHandle(SQL_HANDLE_STMT, statement);
    return good && told;
}

void driver_cancel(struct driver *driver)
{
    SQLHSTMT statement = atomic_load(&driver->statement);
    if (statement != NULL) {
        SQLCancel(statement);
    }
}

void driver_close(struct driver *driver)
{
    if (driver->connection != NULL) {
        SQLDisconnect(driver->connection);
        SQLFreeHandle(SQL_HANDLE_DBC, driver->connection);
    }
    if (driver->environment != NULL) {
        SQLFreeHandle(SQL_HANDLE_ENV, driver->environment);
    }
}
