/* exchange_test.c - a client and a real server, followed: what is kept of their bytes, and by which query. */
#include <stdlib.h>

#include "exchange.h"
#include "tds_check.h"
#include "tds_version.h"

struct record {
    struct tds_exchange exchange;
    struct answer kept; /* the last one */
    uint32_t count;
    char told[512];
};

static void keep(void *context, struct answer *answer)
{
    struct record *record = context;
    answer_free(&record->kept);
    record->kept = *answer;
    *answer = (struct answer){0};
    record->count++;
}

static void tell(void *context, const char *line)
{
    struct record *record = context;
    strncpy(record->told, line, sizeof record->told - 1);
}

static struct record *begin(uint32_t version)
{
    struct record *record = calloc(1, sizeof *record);
    assert_non_null(record);
    record->exchange =
        (struct tds_exchange){.keep = keep, .tell = tell, .context = record, .version = version};
    return record;
}

static void end(struct record *record)
{
    tds_exchange_free(&record->exchange);
    answer_free(&record->kept);
    free(record);
}

static void send(struct record *record, enum tds_message_type type, const void *bytes, size_t size)
{
    struct tds_buffer out = {0};
    struct tds_output output = {.out = &out, .packet_size = TDS_PACKET_LEAST, .packet = 1};
    tds_put(&output.tokens, bytes, size);
    tds_output_cut(&output, type, true, true);
    for (size_t i = 0; i < out.length; i++) { /* in the smallest pieces */
        if (type == TDS_RESPONSE) {
            tds_exchange_answered(&record->exchange, out.bytes + i, 1);
        } else {
            tds_exchange_asked(&record->exchange, out.bytes + i, 1);
        }
    }
    tds_buffer_free(&output.tokens);
    tds_buffer_free(&out);
}

static void ask(struct record *record, const char *query)
{
    struct tds_buffer wide = {0};
    put_wide(&wide, query);
    send(record, TDS_BATCH, wide.bytes, wide.length);
    tds_buffer_free(&wide);
}

static const uint8_t done_71[] = {0xfd, 0, 0, 0, 0, 0, 0, 0, 0};

static void rows_are_kept(void **state)
{
    (void)state;
    static const uint8_t answer[] = {
        0x81, 4,    0,    0,    0,    1,    0,    0x26, 4, 1,    'i',  0,                   /* int */
        0,    0,    1,    0,    0x62, 0x49, 0x1f, 0,    0, 1,    'v',  0,                   /* sql_variant */
        0,    0,    1,    0,    0xaf, 2,    0,    9,    4, 0xd0, 0,    0x34, 1,    'c',  0, /* char(2) */
        0,    0,    1,    0,    0x3c, 1,    'm',  0,                                        /* money */
        0xd1, 4,    0xf9, 0xff, 0xff, 0xff, 11,   0,    0, 0,    0xe7, 7,    9,    4,    0xd0, 0, 0x34,
        8,    0,    '1',  0,    2,    0,    'h',  'i',  0, 0,    0,    0,    0x10, 0x27, 0,    0, /* 1.0000 */
        0xd2, 0x0f, /* all NULL */
        0xfd, 0x10, 0,    0xc1, 0,    2,    0,    0,    0,
    };
    struct record *record = begin(TDS_VERSION_71);
    ask(record, "select  I, v -- words\nfrom t;");
    send(record, TDS_RESPONSE, answer, sizeof answer);
    assert_string_equal(record->told, "");
    assert_int_equal(record->count, 1);
    assert_string_equal(record->kept.query, "select I, v from t");
    const struct answer_set *set = record->kept.sets;
    assert_int_equal(set->row_count, 2);
    assert_int_equal(set->columns[0].type, RESULTS_INT);
    assert_int_equal(set->columns[1].type, RESULTS_NVARCHAR);
    assert_int_equal(set->columns[2].length, 2);
    assert_int_equal(set->columns[3].scale, 4);
    assert_string_equal(set->cells[0], "-7");
    assert_string_equal(set->cells[1], "1");
    assert_string_equal(set->cells[2], "hi");
    assert_string_equal(set->cells[3], "1.0000");
    assert_null(set->cells[4]);
    end(record);
}

static void some_is_not_kept(void **state)
{
    (void)state;
    static const char *const queries[] = {"BACKUP DATABASE d TO VIRTUAL_DEVICE = 'x'",
                                          "EXEC('RESTORE DATABASE d FROM DISK = ''x''')", "USE master",
                                          "SET NOCOUNT ON", "BEGIN TRANSACTION"};
    static const uint8_t none[] = {0x42, 1, 2};
    struct record *record = begin(TDS_VERSION_71);
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++) {
        ask(record, queries[i]);
        send(record, TDS_RESPONSE, done_71, sizeof done_71);
        assert_int_equal(record->count, 0);
    }
    ask(record, "select 1");
    tds_exchange_asked(&record->exchange, (const uint8_t[]){TDS_ATTENTION, 1, 0, 8, 0, 0, 1, 0}, 8);
    send(record, TDS_RESPONSE, done_71, sizeof done_71);
    assert_int_equal(record->count, 0);
    ask(record, "select 2");
    send(record, TDS_RESPONSE, none, sizeof none);
    assert_int_equal(record->count, 0);
    assert_non_null(strstr(record->told, "the answer to 'select 2' is not kept: token 0x42"));
    ask(record, "select command from sys.dm_exec_requests where command like 'BACKUP%'");
    send(record, TDS_RESPONSE, done_71, sizeof done_71);
    assert_int_equal(record->count, 1);
    ask(record, "alter login l with password = 'hush'");
    send(record, TDS_RESPONSE, done_71, sizeof done_71);
    assert_int_equal(record->count, 2);
    assert_null(strstr(record->kept.query, "hush"));
    end(record);
}

static void what_is_no_tds_ends_it(void **state)
{
    (void)state;
    struct record *record = begin(TDS_VERSION_74);
    tds_exchange_asked(&record->exchange, (const uint8_t[]){0x53, 1, 0, 0, 16, 0, 0, 0}, 8);
    assert_true(record->exchange.lost);
    assert_non_null(strstr(record->told, "nothing more of this connection is kept"));
    assert_non_null(strstr(record->told, "MARS"));
    end(record);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rows_are_kept),
        cmocka_unit_test(some_is_not_kept),
        cmocka_unit_test(what_is_no_tds_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
