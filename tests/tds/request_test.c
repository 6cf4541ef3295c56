/* request_test.c - what clients ask: batches, calls by number and by name, and a value of every type. */
#include <stdlib.h>

#include "rpc.h"
#include "tds_check.h"
#include "tds_version.h"

#define BYTES(...)                                                             \
    {                                                                          \
        (const uint8_t[]){__VA_ARGS__}, sizeof((const uint8_t[]){__VA_ARGS__}) \
    }

struct bytes {
    const uint8_t *bytes;
    size_t size;
};

#define COLLATION 9, 4, 0xd0, 0, 0x34

static void values_become_text(void **state)
{
    (void)state;
    const struct {
        struct bytes bytes;
        const char *literal;
    } table[] = {
        {BYTES(0x1f), "NULL"},
        {BYTES(0x26, 1, 1, 0xff), "255"},
        {BYTES(0x26, 2, 2, 0xff, 0xff), "-1"},
        {BYTES(0x26, 4, 4, 0, 0, 0, 0x80), "-2147483648"},
        {BYTES(0x26, 8, 8, 1, 0, 0, 0, 1, 0, 0, 0), "4294967297"},
        {BYTES(0x26, 4, 0), "NULL"},
        {BYTES(0x38, 42, 0, 0, 0), "42"},
        {BYTES(0x68, 1, 1, 1), "1"},
        {BYTES(0x68, 1, 0), "NULL"},
        {BYTES(0x32, 0), "0"},
        {BYTES(0x6d, 8, 8, 0, 0, 0, 0, 0, 0, 0xf8, 0x3f), "1.5"},
        {BYTES(0x6d, 4, 4, 0, 0, 0xc0, 0xbf), "-1.5"},
        {BYTES(0x6a, 17, 18, 2, 5, 0, 0x39, 0x30, 0, 0), "-123.45"},
        {BYTES(0x6c, 5, 5, 3, 5, 1, 5, 0, 0, 0), "0.005"},
        {BYTES(0x6e, 8, 8, 0, 0, 0, 0, 0x10, 0x27, 0, 0), "1.0000"},
        {BYTES(0x6e, 4, 4, 0xf0, 0xd8, 0xff, 0xff), "-1.0000"},
        {BYTES(0xe7, 8, 0, COLLATION, 6, 0, 'i', 0, '\'', 0, 's', 0), "N'i''s'"},
        {BYTES(0xe7, 8, 0, COLLATION, 0, 0), "N''"},
        {BYTES(0xe7, 8, 0, COLLATION, 0xff, 0xff), "NULL"},
        {BYTES(0xe7, 0xff, 0xff, COLLATION, 0xfe, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2, 0, 0, 0, 'a',
               0, 2, 0, 0, 0, 'b', 0, 0, 0, 0, 0),
         "N'ab'"},
        {BYTES(0xe7, 0xff, 0xff, COLLATION, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff), "NULL"},
        {BYTES(0xe7, 0xff, 0xff, COLLATION, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), "N''"},
        {BYTES(0xa7, 8, 0, COLLATION, 2, 0, 'a', 0xe4), "N'a\xc3\xa4'"},
        {BYTES(0xa7, 8, 0, COLLATION, 3, 0, 'a', 0xc3, 0xa4), "N'a\xc3\xa4'"},
        {BYTES(0x63, 8, 0, 0, 0, COLLATION, 2, 0, 0, 0, 'x', 0), "N'x'"},
        {BYTES(0x23, 8, 0, 0, 0, COLLATION, 0xff, 0xff, 0xff, 0xff), "NULL"},
        {BYTES(0xa5, 8, 0, 2, 0, 0xab, 1), "0xab01"},
        {BYTES(0xa5, 8, 0, 0, 0), "0x"},
        {BYTES(0x24, 16, 16, 0x33, 0x22, 0x11, 0, 0x55, 0x44, 0x77, 0x66, 0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd,
               0xee, 0xff),
         "N'00112233-4455-6677-8899-AABBCCDDEEFF'"},
        {BYTES(0x6f, 8, 8, 0, 0, 0, 0, 0xff, 0x81, 0x8b, 1), "N'1900-01-01 23:59:59.997'"},
        {BYTES(0x6f, 4, 4, 59, 0, 61, 0), "N'1900-03-01 01:01:00.000'"},
        {BYTES(0x28, 3, 0, 0, 0), "N'0001-01-01'"},
        {BYTES(0x28, 3, 0xda, 0xb9, 0x37), "N'9999-12-31'"},
        {BYTES(0x29, 0, 3, 1, 0, 0), "N'00:00:01'"},
        {BYTES(0x2a, 3, 7, 0xe8, 3, 0, 0, 0x80, 0x46, 0x0b), "N'2024-02-29 00:00:01.000'"},
        {BYTES(0x2b, 0, 8, 0, 0, 0, 0x80, 0x46, 0x0b, 0xc4, 0xff), "N'2024-02-28 23:00:00 -01:00'"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct tds_reader reader = tds_reader(table[i].bytes.bytes, table[i].bytes.size);
        struct tds_value value;
        struct tds_error error = {.text = ""};
        struct tds_buffer out = {0};
        if (tds_value_read(&reader, &value, &error) != 0) {
            fail_msg("row %zu, %s: %s", i, table[i].literal, error.text);
        }
        assert_int_equal(tds_left(&reader), 0);
        tds_value_literal(&out, &value);
        tds_put_u8(&out, 0);
        assert_string_equal((char *)out.bytes, table[i].literal);
        tds_buffer_free(&out);
        tds_value_free(&value);
    }
}

static void values_are_refused(void **state)
{
    (void)state;
    const struct {
        struct bytes bytes;
        const char *words;
    } table[] = {
        {BYTES(0xf3), "type 0xf3 (table)"},
        {BYTES(0x01), "type 0x01 (unknown)"},
        {BYTES(0x26, 4, 3, 1, 2, 3), "3 bytes that are no int"},
        {BYTES(0x26, 4, 5, 1, 2, 3, 4, 5), "a int of 5 bytes in a parameter for 4"},
        {BYTES(0x26, 4, 4, 1), "ends after"},
        {BYTES(0xe7, 4, 0, COLLATION, 6, 0, 'a', 0, 'b', 0, 'c', 0), "of 6 bytes in a parameter for 4"},
        {BYTES(0xe7, 8, 0, COLLATION, 3, 0, 'a', 0, 'b'), "3 bytes that are no nvarchar"},
        {BYTES(0xe7, 0xff, 0xff, COLLATION, 9, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 1), "ends after"},
        {BYTES(0x6a, 17, 39, 0, 2, 1, 1), "a decimal(39, 0)"},
        {BYTES(0x29, 8, 1, 0), "a time(8)"},
        {BYTES(0x28, 3, 0xff, 0xff, 0xff), "3 bytes that are no date"},
        {BYTES(0x6d, 8, 8, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f), "8 bytes that are no float"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct tds_reader reader = tds_reader(table[i].bytes.bytes, table[i].bytes.size);
        struct tds_value value;
        struct tds_error error;
        assert_refused(tds_value_read(&reader, &value, &error), error, table[i].words);
        tds_value_free(&value);
    }
}

static void batches_are_text_behind_headers(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {22, 0, 0, 0, 18, 0, 0, 0, 2, 0,   1, 2,   3,
                                    4,  5, 6, 7, 8,  1, 0, 0, 0, 'G', 0, 'O', 0};
    struct tds_reader reader = tds_reader(bytes, sizeof bytes);
    struct tds_error error;
    char *text;
    assert_int_equal(tds_headers_skip(&reader, TDS_VERSION_74, &error), 0);
    assert_int_equal(tds_batch_read(&reader, &text, &error), 0);
    assert_string_equal(text, "GO");
    free(text);
    reader = tds_reader(bytes + 22, 4); /* as with 7.1 */
    assert_int_equal(tds_headers_skip(&reader, TDS_VERSION_71, &error), 0);
    assert_int_equal(tds_left(&reader), 4);
    reader = tds_reader(bytes, 20);
    assert_refused(tds_headers_skip(&reader, TDS_VERSION_74, &error), error, "ALL_HEADERS of 22 bytes");
    static const uint8_t wrong[] = {8, 0, 0, 0, 5, 0, 0, 0};
    reader = tds_reader(wrong, sizeof wrong);
    assert_refused(tds_headers_skip(&reader, TDS_VERSION_74, &error), error, "a header of 5 bytes");
    reader = tds_reader(bytes, 3);
    assert_refused(tds_batch_read(&reader, &text, &error), error, "a batch of 3 bytes");
}

static void calls_are_read(void **state)
{
    (void)state;
    struct tds_buffer bytes = {0};
    struct tds_rpc rpc;
    struct tds_error error;
    static const uint8_t first[] = {0xff, 0xff, 10, 0, 2, 0, 0, 1, 0x26, 4, 4, 7, 0, 0, 0, 0xff, 10, 0};
    tds_put(&bytes, first, sizeof first);
    put_wide(&bytes, "SP_PREPARE");
    static const uint8_t second[] = {0, 0, 2, '@', 0, 'p', 0, 0, 0x26, 4, 0};
    tds_put(&bytes, second, sizeof second);
    struct tds_reader reader = tds_reader(bytes.bytes, bytes.length);
    assert_int_equal(tds_rpc_read(&reader, TDS_VERSION_74, &rpc, &error), 0);
    assert_int_equal(rpc.procedure, TDS_SP_EXECUTESQL);
    assert_null(rpc.name);
    assert_int_equal(rpc.count, 1);
    assert_true(rpc.parameters[0].output);
    assert_string_equal(rpc.parameters[0].value.text, "7");
    tds_rpc_free(&rpc);
    assert_int_equal(tds_rpc_read(&reader, TDS_VERSION_74, &rpc, &error), 0);
    assert_int_equal(rpc.procedure, TDS_SP_PREPARE);
    assert_string_equal(rpc.parameters[0].name, "@p");
    assert_null(rpc.parameters[0].value.text);
    assert_int_equal(tds_left(&reader), 0);
    tds_rpc_free(&rpc);
    for (size_t size = 0; size < sizeof first - 3; size++) { /* cut anywhere */
        if (size == 6) {
            continue; /* a whole call without parameters */
        }
        reader = tds_reader(bytes.bytes, size);
        assert_int_equal(tds_rpc_read(&reader, TDS_VERSION_74, &rpc, &error), EPROTO);
        tds_rpc_free(&rpc);
    }
    bytes.bytes[2] = 16;
    reader = tds_reader(bytes.bytes, bytes.length);
    assert_refused(tds_rpc_read(&reader, TDS_VERSION_74, &rpc, &error), error, "procedure number 16");
    tds_rpc_free(&rpc);
    tds_buffer_free(&bytes);
}

static void calls_have_a_limit(void **state)
{
    (void)state;
    struct tds_buffer bytes = {0};
    struct tds_rpc rpc;
    struct tds_error error;
    tds_put(&bytes, (const uint8_t[]){0xff, 0xff, 10, 0, 0, 0}, 6);
    for (int i = 0; i <= TDS_PARAMETERS_MOST; i++) {
        tds_put(&bytes, (const uint8_t[]){0, 0, 0x1f}, 3);
    }
    struct tds_reader reader = tds_reader(bytes.bytes, bytes.length);
    assert_refused(tds_rpc_read(&reader, TDS_VERSION_74, &rpc, &error), error, "more than 2100 parameters");
    tds_rpc_free(&rpc);
    tds_buffer_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(values_become_text),
        cmocka_unit_test(values_are_refused),
        cmocka_unit_test(batches_are_text_behind_headers),
        cmocka_unit_test(calls_are_read),
        cmocka_unit_test(calls_have_a_limit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
