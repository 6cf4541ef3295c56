/* tds_tokens_fuzzer.c - what a server may answer to a query, as who records answers follows it.
 *
 * An input is a byte that says in which version and in which pieces, and then the tokens of a response. They arrive in
 * packets behind a query, as between a client and a server.
 *
 * Promises: how packets and reads cut them changes nothing; whatever is not kept is told in words; what is kept is
 * whole, and can be found again by its query.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "exchange.h"
#include "promise.h"
#include "random.h"
#include "tds_version.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum {
    TOKENS_MOST = 16 << 10,
};

struct outcome {
    struct answers kept;
    uint32_t told;
};

static void keep(void *context, struct answer *answer)
{
    struct outcome *outcome = context;
    uint32_t place = 0;
    for (uint32_t s = 0; s < answer->set_count; s++) {
        const struct answer_set *set = &answer->sets[s];
        PROMISE(set->column_count > 0);
        for (uint32_t i = 0; i < set->column_count; i++) {
            PROMISE(set->columns[i].name != NULL && set->columns[i].type > 0 &&
                    set->columns[i].type < RESULTS_TYPE_COUNT);
        }
    }
    for (uint32_t i = 0; i < answer->message_count; i++) {
        PROMISE(answer->messages[i].text != NULL && answer->messages[i].number >= 0);
    }
    PROMISE(answers_add(&outcome->kept, answer, &place) == 0 && place == 0);
}

static void tell(void *context, const char *line)
{
    PROMISE(line[0] != '\0');
    ((struct outcome *)context)->told++;
}

static void put_packets(struct tds_buffer *out, enum tds_message_type type, const void *bytes, size_t size,
                        uint32_t packet_size)
{
    struct tds_output output = {.out = out, .packet_size = packet_size, .packet = 1};
    tds_put(&output.tokens, bytes, size);
    tds_output_cut(&output, type, true, true);
    tds_buffer_free(&output.tokens);
}

static struct outcome follow(const uint8_t *data, size_t size, uint32_t version, uint64_t cut)
{
    static const uint8_t question[] = {'S', 0, 'E', 0, 'L', 0, 'E', 0, 'C', 0, 'T', 0, ' ', 0, '1', 0};
    struct outcome outcome = {.told = 0};
    struct tds_exchange exchange = {
        .keep = keep, .tell = tell, .context = &outcome, .version = TDS_VERSION_71};
    struct tds_buffer asked = {0}, answered = {0};
    put_packets(&asked, TDS_BATCH, question, sizeof question, TDS_PACKET_FIRST);
    put_packets(&answered, TDS_RESPONSE, data, size, cut == 0 ? TDS_PACKET_MOST : TDS_PACKET_LEAST);
    tds_exchange_asked(&exchange, asked.bytes, asked.length);
    exchange.version = version;
    for (size_t at = 0; at < answered.length;) {
        size_t piece = cut == 0 ? answered.length : 1 + random_next(&cut) % 64;
        piece = piece < answered.length - at ? piece : answered.length - at;
        tds_exchange_answered(&exchange, answered.bytes + at, piece);
        at += piece;
    }
    PROMISE(!exchange.lost && exchange.query == NULL);
    tds_exchange_free(&exchange);
    tds_buffer_free(&asked);
    tds_buffer_free(&answered);
    return outcome;
}

static void release(struct outcome *outcome)
{
    for (uint32_t i = 0; i < outcome->kept.count; i++) {
        answer_free(&outcome->kept.items[i]);
    }
    free(outcome->kept.items);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1 || size > TOKENS_MOST) {
        return 0;
    }
    uint32_t version = (data[0] & 1) != 0 ? TDS_VERSION_71 : TDS_VERSION_74;
    struct outcome whole = follow(data + 1, size - 1, version, 0);
    struct outcome pieces = follow(data + 1, size - 1, version, 1 + data[0]);
    PROMISE(whole.kept.count == pieces.kept.count && whole.told == pieces.told);
    PROMISE(whole.kept.count == 0 || answers_find(&whole.kept, "select 1", 8) == whole.kept.items);
    release(&whole);
    release(&pieces);
    return 0;
}
