/* packet_test.c - packets in pieces of every size, messages of several packets, what is no packet; text both ways. */
#include <stdlib.h>

#include "packet.h"
#include "tds_check.h"

enum {
    MESSAGE_SIZE = 3000
};

static void cut(struct tds_output *output, struct tds_buffer *out, size_t size, uint32_t packet_size)
{
    *output = (struct tds_output){.out = out, .packet_size = packet_size, .packet = 1};
    for (size_t i = 0; i < size; i++) {
        tds_put_u8(&output->tokens, (uint8_t)(i * 7));
    }
}

static void messages_survive_any_cut(void **state)
{
    (void)state;
    static const uint32_t pieces[] = {1, 7, 8, 9, 511, 512, 513, 100000};
    static const size_t sizes[] = {0, 1, 503, 504, 505, 1008, MESSAGE_SIZE};
    for (size_t p = 0; p < sizeof pieces / sizeof pieces[0]; p++) {
        for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
            struct tds_output output;
            struct tds_buffer out = {0};
            struct tds_input input = {.most = MESSAGE_SIZE};
            struct tds_error error;
            bool whole = false;
            cut(&output, &out, sizes[s], TDS_PACKET_LEAST);
            tds_output_cut(&output, TDS_RPC, false, false);
            tds_output_cut(&output, TDS_RPC, true, false);
            tds_output_cut(&output, TDS_RPC, true, true);
            for (size_t at = 0; at < out.length;) {
                size_t used, size = out.length - at < pieces[p] ? out.length - at : pieces[p];
                assert_false(whole);
                assert_int_equal(tds_input_take(&input, out.bytes + at, size, &used, &whole, &error), 0);
                assert_int_equal(used, size);
                assert_int_equal(whole, tds_input_is_between(&input));
                at += used;
            }
            assert_true(whole);
            assert_int_equal(input.type, TDS_RPC);
            assert_int_equal(input.message.length, sizes[s]);
            for (size_t i = 0; i < sizes[s]; i++) {
                assert_int_equal(input.message.bytes[i], (uint8_t)(i * 7));
            }
            tds_input_free(&input);
            tds_buffer_free(&out);
            tds_buffer_free(&output.tokens);
        }
    }
}

static void two_messages_come_apart(void **state)
{
    (void)state;
    static const uint8_t bytes[] = {1, 9, 0, 10, 0, 0, 1, 0, 'a', 'b', 6, 1, 0,  8,
                                    0, 0, 1, 0,  3, 3, 0, 9, 0,   0,   1, 0, 'c'};
    struct tds_input input = {.most = 10};
    struct tds_error error;
    size_t used = 0, at = 0;
    bool whole;
    assert_int_equal(tds_input_take(&input, bytes, sizeof bytes, &used, &whole, &error), 0);
    assert_true(whole && input.reset && !input.keep_transaction && !input.ignored);
    assert_int_equal(used, 10);
    assert_memory_equal(input.message.bytes, "ab", 2);
    at += used;
    assert_int_equal(tds_input_take(&input, bytes + at, sizeof bytes - at, &used, &whole, &error), 0);
    assert_true(whole && !input.reset);
    assert_int_equal(input.type, TDS_ATTENTION);
    assert_int_equal(input.message.length, 0);
    at += used;
    assert_int_equal(tds_input_take(&input, bytes + at, sizeof bytes - at, &used, &whole, &error), 0);
    assert_true(whole && input.ignored);
    assert_int_equal(input.type, TDS_RPC);
    tds_input_free(&input);
}

static void what_is_no_packet_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[20];
        size_t size;
        const char *words;
    } table[] = {
        {{'G', 'E', 'T', ' ', '/', ' ', 'H', 'T'}, 8, "type 0x47"},
        {{1, 1, 0, 7, 0, 0, 1, 0}, 8, "a packet of 7 bytes"},
        {{1, 1, 0xff, 0xff, 0, 0, 1, 0}, 8, "a packet of 65535 bytes"},
        {{1, 0, 0, 8, 0, 0, 1, 0, 3, 1, 0, 8, 0, 0, 2, 0}, 16, "within a message of type 0x01"},
        {{1, 1, 0, 13, 0, 0, 1, 0}, 8, "of more than 4 bytes"},
        {{1, 0, 0, 11, 0, 0, 1, 0, 1, 2, 3, 1, 1, 0, 10, 0, 0, 1, 0}, 19, "of more than 4 bytes"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct tds_input input = {.most = 4};
        struct tds_error error;
        size_t used;
        bool whole;
        assert_refused(tds_input_take(&input, table[i].bytes, table[i].size, &used, &whole, &error), error,
                       table[i].words);
        tds_input_free(&input);
    }
}

static void text_goes_both_ways(void **state)
{
    (void)state;
    static const char text[] = "a\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80";
    struct tds_buffer wide = {0};
    assert_int_equal(tds_put_text(&wide, text, SIZE_MAX), 5);
    char *again = tds_text(wide.bytes, wide.length);
    assert_string_equal(again, text);
    free(again);
    tds_buffer_free(&wide);
    assert_int_equal(tds_put_text(&wide, text, 4), 3); /* no half of a pair */
    tds_buffer_free(&wide);
    assert_int_equal(tds_put_text(&wide, "\xff\xc3", SIZE_MAX), 2);
    assert_memory_equal(wide.bytes, "\xfd\xff\xfd\xff", 4);
    tds_buffer_free(&wide);
    static const uint8_t odd[] = {'a', 0, 0, 0, 0x00, 0xd8, 'b', 0, 'c'};
    again = tds_text(odd, sizeof odd);
    assert_string_equal(again,
                        "a\xef\xbf\xbd\xef\xbf\xbd"
                        "b");
    free(again);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(messages_survive_any_cut),
        cmocka_unit_test(two_messages_come_apart),
        cmocka_unit_test(what_is_no_packet_is_refused),
        cmocka_unit_test(text_goes_both_ways),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
