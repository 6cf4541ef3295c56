/* packet.c - see packet.h. */
#include "packet.h"

#include <assert.h>
#include <errno.h>

enum {
    STATUS_END = 0x01,
    STATUS_IGNORE = 0x02,
    STATUS_RESET = 0x08,
    STATUS_RESET_KEEP = 0x10, /* the transaction stays */
};

static bool type_is_known(uint8_t type)
{
    static const bool known[] = {
        [TDS_BATCH] = true,     [TDS_OLD_LOGIN] = true, [TDS_RPC] = true,       [TDS_RESPONSE] = true,
        [TDS_ATTENTION] = true, [TDS_BULK_LOAD] = true, [TDS_FEDERATED] = true, [TDS_TRANSACTION] = true,
        [TDS_LOGIN7] = true,    [TDS_SSPI] = true,      [TDS_PRELOGIN] = true,
    };
    return type < sizeof known && known[type];
}

static int begin_packet(struct tds_input *input, bool first, struct tds_error *error)
{
    struct tds_reader reader = tds_reader(input->header, TDS_HEADER_SIZE);
    uint8_t type = tds_u8(&reader), status = tds_u8(&reader);
    uint32_t length = tds_u16_be(&reader);
    if (!type_is_known(type)) {
        return tds_refuse(error, "a packet of type 0x%02x, which TDS does not have", type);
    }
    if (length < TDS_HEADER_SIZE || length > TDS_PACKET_MOST) {
        return tds_refuse(error, "a packet of %u bytes; expected %d to %d", length, TDS_HEADER_SIZE,
                          TDS_PACKET_MOST);
    }
    if (!first && type != input->type) {
        return tds_refuse(error, "a packet of type 0x%02x within a message of type 0x%02x", type,
                          input->type);
    }
    input->left = length - TDS_HEADER_SIZE;
    if (input->left > input->most - input->message.length) {
        return tds_refuse(error, "a message of type 0x%02x of more than %zu bytes", type, input->most);
    }
    input->type = type;
    input->last = (status & STATUS_END) != 0;
    if (first) {
        input->reset = (status & (STATUS_RESET | STATUS_RESET_KEEP)) != 0;
        input->keep_transaction = (status & STATUS_RESET_KEEP) != 0;
    }
    input->ignored = input->last && (status & STATUS_IGNORE) != 0;
    return 0;
}

static bool is_begun(const struct tds_input *input)
{
    return input->type != 0 && !(input->last && input->left == 0);
}

bool tds_input_is_between(const struct tds_input *input)
{
    return !is_begun(input) && input->header_length % TDS_HEADER_SIZE == 0;
}

int tds_input_take(struct tds_input *input, const uint8_t *bytes, size_t size, size_t *used, bool *whole,
                   struct tds_error *error)
{
    struct tds_reader reader = tds_reader(bytes, size);
    int rc = 0;
    *whole = false;
    while (rc == 0 && !*whole && tds_left(&reader) > 0) {
        if (input->left == 0 && input->header_length == TDS_HEADER_SIZE) {
            input->header_length = 0; /* the packet before has ended */
        }
        if (input->header_length < TDS_HEADER_SIZE) {
            input->header[input->header_length++] = tds_u8(&reader);
            if (input->header_length < TDS_HEADER_SIZE) {
                continue;
            }
            bool first = !is_begun(input);
            if (first) {
                input->message.length = 0;
            }
            rc = begin_packet(input, first, error);
        }
        size_t piece = input->left < tds_left(&reader) ? input->left : tds_left(&reader);
        if (rc == 0) {
            tds_put(&input->message, tds_take(&reader, piece), piece);
            input->left -= (uint32_t)piece;
            *whole = input->last && input->left == 0;
            rc = input->message.failed ? ENOMEM : 0;
        }
    }
    *used = size - tds_left(&reader);
    return rc;
}

void tds_input_free(struct tds_input *input)
{
    tds_buffer_free(&input->message);
}

static void put_packet(struct tds_output *output, enum tds_message_type type, size_t from, size_t size,
                       bool end)
{
    tds_put_u8(output->out, (uint8_t)type);
    tds_put_u8(output->out, end ? STATUS_END : 0);
    tds_put_u16_be(output->out, (uint16_t)(size + TDS_HEADER_SIZE));
    tds_put_u16_be(output->out, output->session);
    tds_put_u8(output->out, output->packet++);
    tds_put_u8(output->out, 0);
    if (size > 0) {
        tds_put(output->out, output->tokens.bytes + from, size);
    }
}

void tds_output_cut(struct tds_output *output, enum tds_message_type type, bool flush, bool end)
{
    size_t most = output->packet_size - TDS_HEADER_SIZE, from = 0;
    assert(output->packet_size >= TDS_PACKET_LEAST && output->packet_size <= TDS_PACKET_MOST);
    while (output->tokens.length - from > most || (!end && output->tokens.length - from == most)) {
        put_packet(output, type, from, most, false);
        from += most;
    }
    if (end || (flush && output->tokens.length > from)) {
        put_packet(output, type, from, output->tokens.length - from, end);
        from = output->tokens.length;
    }
    tds_drop(&output->tokens, from);
    output->packet = end ? 1 : output->packet;
}
