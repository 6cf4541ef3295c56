/* garbage_test.c - bytes that are no T-SQL, or nearly: the parser and the script reader survive them.
 *
 * Deterministic: a fixed seed. Under the sanitizers any misstep ends the program.
 */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "batch.h"
#include "tsql.h"

enum {
    ROUNDS = 40000,
    PIECES_MAX = 24,
    TEXT_MAX = 1024
};

static uint64_t seed = 20240607;

static uint32_t next(uint32_t limit) /* xorshift64 */
{
    seed ^= seed << 13;
    seed ^= seed >> 7;
    seed ^= seed << 17;
    return (uint32_t)(seed >> 33) % limit;
}

static const char *const pieces[] = {
    "BACKUP ",    "RESTORE ",   "DATABASE ",
    "LOG ",       "db ",        "[d]] ]",
    "TO ",        "FROM ",      "VIRTUAL_DEVICE",
    "=",          "'s'",        "N'x",
    "'",          "\"",         "[",
    "@v ",        "@@SPID",     "DECLARE ",
    "int ",       "varchar(",   "max",
    ")",          "(",          ",",
    ";",          "WITH ",      "STATS ",
    "MOVE ",      "1",          "0x1F",
    "-",          "--",         "\n",
    "/*",         "*/",         "SET ",
    "SELECT ",    "PRINT ",     "EXEC ",
    "NULL ",      "+",          ".",
    "NOCOUNT ",   "ON ",        "VERIFYONLY ",
    "BLOCKSIZE",  "GO\n",       ":exit",
    "USE ",       "ALTER ",     "AFTER ",
    "STOPATMARK", "ENCRYPTION", "sp_executesql ",
};

static size_t make(char *text)
{
    size_t length = 0;
    for (uint32_t i = next(PIECES_MAX); i > 0; i--) {
        if (next(8) == 0) {
            text[length++] = (char)next(256);
        } else {
            const char *piece = pieces[next(sizeof(pieces) / sizeof(pieces[0]))];
            memcpy(text + length, piece, strlen(piece));
            length += strlen(piece);
        }
    }
    return length;
}

static void run_assignments(const struct tsql_batch *batch)
{
    static const char *const globals[TSQL_GLOBAL_COUNT] = {"v", "s", "n", "1", "0"};
    struct tsql_values *values;
    struct tsql_error error;
    assert_int_equal(tsql_values_new(batch, globals, &values), 0);
    for (const struct tsql_statement *s = tsql_first(batch); s != NULL; s = s->next) {
        if (s->kind == TSQL_ASSIGN)
            tsql_assign(values, s, &error);
    }
    tsql_values_free(values);
}

static void test_garbage(void **state)
{
    (void)state;
    uint32_t accepted = 0, refused = 0;
    for (uint32_t round = 0; round < ROUNDS; round++) {
        char buffer[TEXT_MAX];
        size_t length = make(buffer);
        char *text = malloc(length + 1); /* exact size: reading past it is seen */
        assert_non_null(text);
        memcpy(text, buffer, length);
        struct tsql_batch *batch;
        struct tsql_error error;
        int rc = tsql_parse(text, length, &batch, &error);
        struct tsql_script script = {0};
        tsql_script_line(&script, text, length);
        tsql_script_free(&script);
        free(text);
        if (rc == 0) {
            accepted++;
            run_assignments(batch);
            tsql_batch_free(batch);
        } else {
            refused++;
            assert_int_equal(rc, EINVAL);
            assert_true(error.number > 0 && error.line > 0 && error.severity >= 15 && error.text[0] != '\0');
        }
    }
    assert_true(accepted > ROUNDS / 100 && refused > ROUNDS / 2); /* both ways are really taken */
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_garbage)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
