/* answer_test.c - what a server says: each token's bytes in the versions that differ, values of every type; calls of
 * procedures as batches.
 */
#include <stdio.h>
#include <stdlib.h>

#include "procedure.h"
#include "tds_check.h"
#include "tds_version.h"
#include "tokens.h"

/* ---- tokens ---- */

static void expect_bytes(struct tds_buffer *out, const char *hexadecimal)
{
    char text[1024], *at = text;
    assert_false(out->failed);
    for (size_t i = 0; i < out->length && at < text + sizeof text - 4; i++) {
        at += sprintf(at, "%02x", out->bytes[i]);
    }
    *at = '\0';
    assert_string_equal(text, hexadecimal);
    tds_buffer_free(out);
}

static void tokens_have_their_bytes(void **state)
{
    (void)state;
    struct tds_buffer out = {0};
    struct tds_tokens tokens = {.out = &out, .version = TDS_VERSION_74, .server = "s"};
    const struct sql_message error = {3013, 16, 1, "ab"}, print = {0, 0, 1, "c"};
    const struct tds_feature utf8 = {10, 1, {1}};
    tds_put_message(&tokens, &error, "", 2);
    expect_bytes(&out,
                 "aa1400c50b0000011002006100620001730000"
                 "02000000");
    tds_put_message(&tokens, &print, "p", 2);
    expect_bytes(&out, "ab14000000000001000100630001730001700002000000");
    tds_put_done(&tokens, TDS_DONE, TDS_STATUS_COUNT, 0xc1, 2);
    expect_bytes(&out, "fd1000c1000200000000000000");
    tds_put_return_status(&tokens, -1);
    expect_bytes(&out, "79ffffffff");
    tds_put_return_value(&tokens, 0, &(struct results_column){.name = "@h", .type = RESULTS_INT}, "5");
    expect_bytes(&out,
                 "ac0000024000680001000000000000260404"
                 "05000000");
    tds_put_features(&tokens, &utf8, 1);
    expect_bytes(&out, "ae0a0100000001ff");
    tds_put_environment(&tokens, TDS_ENVIRONMENT_DATABASE, "a", "b");
    expect_bytes(&out,
                 "e30700010161000162"
                 "00");
    tds_put_environment(&tokens, TDS_ENVIRONMENT_COLLATION, NULL, NULL);
    expect_bytes(&out,
                 "e308000705"
                 "0904d00034"
                 "00");
    tds_put_environment(&tokens, TDS_ENVIRONMENT_BEGIN, NULL, NULL);
    expect_bytes(&out,
                 "e30b0008"
                 "080100000000000000"
                 "00");
    tds_put_environment(&tokens, TDS_ENVIRONMENT_ROLLBACK, NULL, NULL);
    expect_bytes(&out,
                 "e30b000a"
                 "00"
                 "080100000000000000");
    tokens.version = TDS_VERSION_71;
    tds_put_message(&tokens, &error, "", 2);
    expect_bytes(&out,
                 "aa1200c50b0000011002006100620001730000"
                 "0200");
    tds_put_done(&tokens, TDS_DONE, 0, 0, 2);
    expect_bytes(&out, "fd0000000002000000");
    tds_put_loginack(&tokens);
    assert_memory_equal(out.bytes + 3, "\x01\x71\x00\x00\x01\x14", 6);
    tds_buffer_free(&out);
}

static void rows_have_their_bytes(void **state)
{
    (void)state;
    static const struct {
        struct results_column column;
        const char *value, *bytes; /* of a row, without its token */
    } table[] = {
        {{"", RESULTS_INT, 0, 0, 0}, "-2", "04feffffff"},
        {{"", RESULTS_BIGINT, 0, 0, 0}, "1", "080100000000000000"},
        {{"", RESULTS_BIT, 0, 0, 0}, "1", "0101"},
        {{"", RESULTS_TINYINT, 0, 0, 0}, "255", "01ff"},
        {{"", RESULTS_INT, 0, 0, 0}, "x", "00"}, /* no such value: NULL */
        {{"", RESULTS_NUMERIC, 0, 25, 1}, "-12.34", "11007b000000000000000000000000000000"},
        {{"", RESULTS_NVARCHAR, 2, 0, 0}, "abc", "040061006200"},
        {{"", RESULTS_NVARCHAR, 0, 0, 0},
         "a",
         "0200000000000000"
         "02000000"
         "6100"
         "00000000"},
        {{"", RESULTS_NVARCHAR, 0, 0, 0},
         "",
         "0000000000000000"
         "00000000"},
        {{"", RESULTS_VARBINARY, 4, 0, 0}, "0xab01", "0200ab01"},
        {{"", RESULTS_DATETIME, 0, 0, 0}, "1900-01-02 00:00:01.003", "08010000002d010000"},
        {{"", RESULTS_DATETIME, 0, 0, 0}, "1900-02-30", "00"},
        {{"", RESULTS_UNIQUEIDENTIFIER, 0, 0, 0},
         "00112233-4455-6677-8899-AABBCCDDEEFF",
         "1033221100554477668899aabbccddeeff"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct tds_buffer out = {0};
        struct tds_tokens tokens = {.out = &out, .version = TDS_VERSION_74, .server = ""};
        tds_put_row(&tokens, &table[i].column, &table[i].value, 1);
        assert_int_equal(out.bytes[0], 0xd1);
        memmove(out.bytes, out.bytes + 1, --out.length);
        expect_bytes(&out, table[i].bytes);
    }
}

static void nulls_are_bits_where_a_version_has_them(void **state)
{
    (void)state;
    const struct results_column columns[] = {{"", RESULTS_INT, 0, 0, 0}, {"", RESULTS_NVARCHAR, 9, 0, 0}};
    const char *const values[] = {"1", NULL};
    struct tds_buffer out = {0};
    struct tds_tokens tokens = {.out = &out, .version = TDS_VERSION_74, .server = ""};
    tds_put_row(&tokens, columns, values, 2);
    expect_bytes(&out,
                 "d202"
                 "0401000000");
    tokens.version = TDS_VERSION_72;
    tds_put_row(&tokens, columns, values, 2);
    expect_bytes(&out,
                 "d1"
                 "0401000000"
                 "ffff");
    tds_put_columns(&tokens, columns, 2);
    expect_bytes(&out,
                 "810200"
                 "00000000"
                 "0100"
                 "2604"
                 "00"
                 "00000000"
                 "0100"
                 "e71200"
                 "0904d00034"
                 "00");
    tokens.version = TDS_VERSION_71;
    tds_put_columns(&tokens, &(struct results_column){"a", RESULTS_NVARCHAR, 0, 0, 0}, 1); /* no max yet */
    expect_bytes(&out,
                 "810100"
                 "0000"
                 "0100"
                 "e7401f"
                 "0904d00034"
                 "016100");
}

/* ---- procedures ---- */

static struct tds_parameter text_parameter(const char *name, const char *text)
{
    return (struct tds_parameter){.name = (char *)name, .value = {TDS_VALUE_TEXT, (char *)text}};
}

static struct tds_parameter number_parameter(const char *name, const char *text)
{
    return (struct tds_parameter){.name = (char *)name, .value = {TDS_VALUE_NUMBER, (char *)text}};
}

static int call(struct tds_procedures *procedures, uint16_t procedure, struct tds_parameter *parameters,
                uint32_t count, struct tds_call *made, struct tsql_error *error)
{
    struct tds_rpc rpc = {
        .procedure = procedure, .name = (char *)"sp_x", .parameters = parameters, .count = count};
    *error = (struct tsql_error){0};
    return tds_procedure_call(procedures, &rpc, made, error);
}

static void expect_run(struct tds_call *made, const char *text, const char *declarations, uint32_t count)
{
    assert_int_equal(made->run.length, strlen(text));
    assert_memory_equal(made->run.text, text, strlen(text));
    assert_int_equal(made->run.declarations != NULL, declarations != NULL);
    if (declarations != NULL) {
        assert_string_equal(made->run.declarations, declarations);
    }
    assert_int_equal(made->run.count, count);
}

static void statements_get_their_parameters(void **state)
{
    (void)state;
    struct tds_procedures procedures = {0};
    struct tds_call made;
    struct tsql_error error;
    struct tds_parameter parameters[] = {
        text_parameter("", "PRINT @b"),
        text_parameter("", "@a decimal(9, 2) ,@b nvarchar(max) OUTPUT"),
        text_parameter("@B", "it's"),
        number_parameter("@a", "-1.50"),
    };
    parameters[2].output = true;
    assert_int_equal(call(&procedures, TDS_SP_EXECUTESQL, parameters, 4, &made, &error), 0);
    expect_run(&made, "PRINT @b", "@a decimal(9, 2) ,@b nvarchar(max) OUTPUT", 2);
    assert_int_equal(made.first, 2);
    assert_string_equal(made.run.parameters[0].name, "@B");
    assert_string_equal(made.run.parameters[0].value, "it's");
    assert_true(made.run.parameters[0].output && !made.run.parameters[1].output);
    assert_string_equal(made.run.parameters[1].value, "-1.50");
    tds_call_free(&made);
    assert_int_equal(call(&procedures, TDS_NAMED, parameters, 4, &made, &error), 0);
    expect_run(&made,
               "EXECUTE sp_x N'PRINT @b', N'@a decimal(9, 2) ,@b nvarchar(max) OUTPUT', @B = N'it''s', @a = "
               "-1.50",
               NULL, 0);
    tds_call_free(&made);
    assert_int_equal(call(&procedures, TDS_SP_EXECUTESQL, NULL, 0, &made, &error), 0);
    expect_run(&made, "", NULL, 0);
    tds_call_free(&made);
}

static void statements_are_prepared(void **state)
{
    (void)state;
    struct tds_procedures procedures = {0};
    struct tds_call made;
    struct tsql_error error;
    struct tds_parameter prepare[] = {
        number_parameter("@handle", NULL),
        text_parameter("", "@a int"),
        text_parameter("", "PRINT @a"),
        number_parameter("", "5"),
    };
    assert_int_equal(call(&procedures, TDS_SP_PREPARE, prepare, 3, &made, &error), 0);
    assert_true(made.gives_handle && made.handle == 1 && made.run.text == NULL);
    assert_int_equal(call(&procedures, TDS_SP_PREPEXEC, prepare, 4, &made, &error), 0);
    assert_true(made.gives_handle && made.handle == 2);
    expect_run(&made, "PRINT @a", "@a int", 1);
    assert_string_equal(made.run.parameters[0].value, "5");
    tds_call_free(&made);
    struct tds_parameter execute[] = {number_parameter("", "1"), number_parameter("", "7")};
    assert_int_equal(call(&procedures, TDS_SP_EXECUTE, execute, 2, &made, &error), 0);
    expect_run(&made, "PRINT @a", "@a int", 1);
    assert_string_equal(made.run.parameters[0].value, "7");
    tds_call_free(&made);
    assert_int_equal(call(&procedures, TDS_SP_UNPREPARE, execute, 1, &made, &error), 0);
    assert_int_equal(call(&procedures, TDS_SP_EXECUTE, execute, 2, &made, &error), EINVAL);
    assert_int_equal(error.number, 8179);
    assert_string_equal(error.text, "Could not find prepared statement with handle 1.");
    assert_int_equal(call(&procedures, 2, execute, 2, &made, &error), EINVAL);
    assert_int_equal(error.number, 16902);
    assert_int_equal(call(&procedures, TDS_SP_PREPARE, NULL, 0, &made, &error), EINVAL); /* no place for it */
    assert_int_equal(call(&procedures, TDS_SP_PREPEXEC, prepare, 2, &made, &error), EINVAL);
    assert_int_equal(error.number, 201);
    while (procedures.count < TDS_PREPARED_MOST) {
        assert_int_equal(call(&procedures, TDS_SP_PREPARE, prepare, 3, &made, &error), 0);
    }
    assert_int_equal(call(&procedures, TDS_SP_PREPARE, prepare, 3, &made, &error), EINVAL);
    assert_int_equal(error.number, 701);
    tds_procedures_forget(&procedures);
    assert_int_equal(procedures.bytes, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(tokens_have_their_bytes),
        cmocka_unit_test(rows_have_their_bytes),
        cmocka_unit_test(nulls_are_bits_where_a_version_has_them),
        cmocka_unit_test(statements_get_their_parameters),
        cmocka_unit_test(statements_are_prepared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
