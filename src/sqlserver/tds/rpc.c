/* rpc.c - see rpc.h. */
#include "rpc.h"

#include <errno.h>
#include <stdlib.h>
#include <strings.h>

#include "tds_version.h"

enum {
    BY_NUMBER = 0xffff,
    STATUS_OUTPUT = 0x01,
    SEPARATOR_71 = 0x80,
    SEPARATOR = 0xff,
    SEPARATOR_NO_EXECUTION = 0xfe,
    HEADER_LEAST = 6,
};

int tds_headers_skip(struct tds_reader *reader, uint32_t version, struct tds_error *error)
{
    if (version < TDS_VERSION_72) {
        return 0;
    }
    struct tds_reader all = *reader;
    uint32_t total = tds_u32(&all);
    if (all.cut || total < sizeof total || tds_take(reader, total) == NULL) {
        return tds_refuse(error, "ALL_HEADERS of %u bytes in a request of %zu", total, tds_left(reader));
    }
    all.end = reader->at;
    while (tds_left(&all) > 0) {
        uint32_t length = tds_u32(&all);
        if (length < HEADER_LEAST || tds_take(&all, length - sizeof length) == NULL) {
            return tds_refuse(error, "a header of %u bytes, beyond ALL_HEADERS' %u", length, total);
        }
    }
    return 0;
}

int tds_batch_read(struct tds_reader *reader, char **text, struct tds_error *error)
{
    size_t size = tds_left(reader);
    *text = NULL;
    if (size % 2 != 0) {
        return tds_refuse(error, "a batch of %zu bytes; expected characters of two", size);
    }
    *text = tds_text(tds_take(reader, size), size);
    return *text != NULL ? 0 : ENOMEM;
}

static const struct {
    const char *name;
    uint16_t procedure;
} numbered[] = {
    {"sp_executesql", TDS_SP_EXECUTESQL}, {"sp_prepare", TDS_SP_PREPARE},     {"sp_execute", TDS_SP_EXECUTE},
    {"sp_prepexec", TDS_SP_PREPEXEC},     {"sp_unprepare", TDS_SP_UNPREPARE},
};

static int read_name(struct tds_reader *reader, struct tds_rpc *rpc, struct tds_error *error)
{
    uint32_t length = tds_u16(reader);
    if (length == BY_NUMBER) {
        rpc->procedure = tds_u16(reader);
        if (reader->cut || rpc->procedure == TDS_NAMED || rpc->procedure > TDS_SP_MOST) {
            return tds_refuse(error, "an RPC of procedure number %u; expected 1 to %d", rpc->procedure,
                              TDS_SP_MOST);
        }
        return 0;
    }
    const uint8_t *name = tds_take(reader, 2 * (uint64_t)length);
    if (name == NULL || length == 0) {
        return tds_refuse(error, "an RPC whose name of %u characters is not within its message", length);
    }
    rpc->name = tds_text(name, 2 * (size_t)length);
    for (size_t i = 0; rpc->name != NULL && i < sizeof numbered / sizeof numbered[0]; i++) {
        if (strcasecmp(rpc->name, numbered[i].name) == 0) {
            rpc->procedure = numbered[i].procedure;
        }
    }
    return rpc->name != NULL ? 0 : ENOMEM;
}

static bool at_separator(struct tds_reader *reader, uint32_t version)
{
    uint8_t byte = *reader->at;
    bool separator =
        version < TDS_VERSION_72 ? byte == SEPARATOR_71 : byte == SEPARATOR || byte == SEPARATOR_NO_EXECUTION;
    if (separator) {
        tds_u8(reader);
    }
    return separator;
}

static int read_parameter(struct tds_reader *reader, struct tds_parameter *parameter, struct tds_error *error)
{
    size_t length = tds_u8(reader);
    const uint8_t *name = tds_take(reader, 2 * length);
    uint8_t status = tds_u8(reader);
    if (reader->cut) {
        return tds_refuse(error, "a parameter whose name of %zu characters is not within its message",
                          length);
    }
    parameter->output = (status & STATUS_OUTPUT) != 0;
    parameter->name = tds_text(name, 2 * length);
    int rc = parameter->name != NULL ? tds_type_read(reader, &parameter->declared, error) : ENOMEM;
    return rc == 0 ? tds_value_read_as(reader, &parameter->declared, &parameter->value, error) : rc;
}

static int read_parameters(struct tds_reader *reader, uint32_t version, struct tds_rpc *rpc,
                           struct tds_error *error)
{
    uint32_t capacity = 0;
    int rc = 0;
    while (rc == 0 && tds_left(reader) > 0 && !at_separator(reader, version)) {
        if (rpc->count == TDS_PARAMETERS_MOST) {
            return tds_refuse(error, "an RPC of more than %d parameters", TDS_PARAMETERS_MOST);
        }
        if (rpc->count == capacity) {
            capacity = capacity == 0 ? 8 : 2 * capacity;
            struct tds_parameter *parameters = reallocarray(rpc->parameters, capacity, sizeof *parameters);
            if (parameters == NULL) {
                return ENOMEM;
            }
            rpc->parameters = parameters;
        }
        rpc->parameters[rpc->count] = (struct tds_parameter){0};
        rc = read_parameter(reader, &rpc->parameters[rpc->count++], error);
    }
    return rc;
}

int tds_rpc_read(struct tds_reader *reader, uint32_t version, struct tds_rpc *rpc, struct tds_error *error)
{
    *rpc = (struct tds_rpc){0};
    int rc = read_name(reader, rpc, error);
    tds_u16(reader); /* options: columns are always described, which a client that knows them may skip */
    if (rc == 0 && reader->cut) {
        rc = tds_refuse(error, "an RPC that ends before its options");
    }
    return rc == 0 ? read_parameters(reader, version, rpc, error) : rc;
}

void tds_rpc_free(struct tds_rpc *rpc)
{
    for (uint32_t i = 0; i < rpc->count; i++) {
        free(rpc->parameters[i].name);
        tds_value_free(&rpc->parameters[i].value);
    }
    free(rpc->parameters);
    free(rpc->name);
    *rpc = (struct tds_rpc){0};
}
