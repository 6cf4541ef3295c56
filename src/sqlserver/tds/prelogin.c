/* prelogin.c - see prelogin.h. */
#include "prelogin.h"

#include <string.h>

#include "tds_version.h"

enum {
    OPTION_VERSION = 0x00,
    OPTION_ENCRYPTION = 0x01,
    OPTION_INSTANCE = 0x02,
    OPTION_THREAD = 0x03,
    OPTION_MARS = 0x04,
    OPTION_FEDERATED = 0x06,
    OPTION_NONCE = 0x07,
    OPTION_END = 0xff,
    OPTION_HEADER_SIZE = 5,
    VERSION_SIZE = 6,
    NONCE_SIZE = 32,
    CLIENT_CERTIFICATE = 0x80,
};

static int read_option(struct tds_prelogin *prelogin, uint8_t option, struct tds_reader value,
                       struct tds_error *error)
{
    size_t length = tds_left(&value);
    const uint8_t *bytes = value.at;
    switch (option) {
    case OPTION_VERSION:
        if (length != VERSION_SIZE) {
            return tds_refuse(error, "PRELOGIN with a VERSION of %zu bytes; expected %d", length,
                              VERSION_SIZE);
        }
        memcpy(prelogin->version, bytes, sizeof prelogin->version);
        return 0;
    case OPTION_ENCRYPTION:
        if (length != 1 || (bytes[0] & ~CLIENT_CERTIFICATE) >= TDS_ENCRYPT_COUNT) {
            return tds_refuse(error, "PRELOGIN with an ENCRYPTION that is none of OFF, ON, NOT_SUP and REQ");
        }
        prelogin->encrypt = bytes[0] & ~CLIENT_CERTIFICATE;
        return 0;
    case OPTION_INSTANCE:
        length = length < sizeof prelogin->instance ? length : sizeof prelogin->instance - 1;
        if (length > 0) {
            memcpy(prelogin->instance, bytes, length);
        }
        return 0;
    case OPTION_MARS:
        prelogin->mars = length > 0 && bytes[0] != 0;
        return 0;
    case OPTION_FEDERATED:
        prelogin->federated = length > 0 && bytes[0] != 0;
        return 0;
    case OPTION_NONCE:
        prelogin->nonce = length == NONCE_SIZE;
        return 0;
    default: /* THREADID, TRACEID, and what later versions add */
        return 0;
    }
}

int tds_prelogin_read(const uint8_t *bytes, size_t size, struct tds_prelogin *prelogin,
                      struct tds_error *error)
{
    struct tds_reader reader = tds_reader(bytes, size);
    uint8_t option;
    bool first = true;
    int rc = 0;
    *prelogin = (struct tds_prelogin){.encrypt = TDS_ENCRYPT_NOT_SUPPORTED};
    while (rc == 0 && (option = tds_u8(&reader)) != OPTION_END) {
        size_t offset = tds_u16_be(&reader), length = tds_u16_be(&reader);
        if (reader.cut) {
            return tds_refuse(error, "PRELOGIN without the end of its options");
        }
        if (first && option != OPTION_VERSION) {
            return tds_refuse(error, "PRELOGIN whose first option is 0x%02x; expected VERSION", option);
        }
        if (offset > size || length > size - offset) {
            return tds_refuse(error,
                              "PRELOGIN with option 0x%02x at %zu of %zu bytes, beyond the message's %zu",
                              option, offset, length, size);
        }
        rc = read_option(prelogin, option, tds_reader(bytes + offset, length), error);
        first = false;
    }
    if (rc == 0 && first) {
        return tds_refuse(error, "PRELOGIN without options; expected VERSION");
    }
    return rc;
}

struct tds_agreement tds_prelogin_agree(enum tds_encryption server, enum tds_encrypt client)
{
    static const struct tds_agreement table[TDS_ENCRYPTION_COUNT][TDS_ENCRYPT_COUNT] = {
        [TDS_ENCRYPTION_SUPPORTED] = {[TDS_ENCRYPT_OFF] = {.answer = TDS_ENCRYPT_OFF,
                                                           .tls = true,
                                                           .login_only = true},
                                      [TDS_ENCRYPT_ON] = {.answer = TDS_ENCRYPT_ON, .tls = true},
                                      [TDS_ENCRYPT_NOT_SUPPORTED] = {.answer = TDS_ENCRYPT_NOT_SUPPORTED},
                                      [TDS_ENCRYPT_REQUIRED] = {.answer = TDS_ENCRYPT_ON, .tls = true}},
        [TDS_ENCRYPTION_NONE] = {[TDS_ENCRYPT_OFF] = {.answer = TDS_ENCRYPT_NOT_SUPPORTED},
                                 [TDS_ENCRYPT_ON] = {.answer = TDS_ENCRYPT_NOT_SUPPORTED, .refused = true},
                                 [TDS_ENCRYPT_NOT_SUPPORTED] = {.answer = TDS_ENCRYPT_NOT_SUPPORTED},
                                 [TDS_ENCRYPT_REQUIRED] = {.answer = TDS_ENCRYPT_NOT_SUPPORTED,
                                                           .refused = true}},
        [TDS_ENCRYPTION_REQUIRED] = {[TDS_ENCRYPT_OFF] = {.answer = TDS_ENCRYPT_REQUIRED, .tls = true},
                                     [TDS_ENCRYPT_ON] = {.answer = TDS_ENCRYPT_ON, .tls = true},
                                     [TDS_ENCRYPT_NOT_SUPPORTED] = {.answer = TDS_ENCRYPT_REQUIRED,
                                                                    .refused = true},
                                     [TDS_ENCRYPT_REQUIRED] = {.answer = TDS_ENCRYPT_ON, .tls = true}},
    };
    return table[server][client];
}

void tds_prelogin_answer(struct tds_buffer *out, const struct tds_prelogin *prelogin, enum tds_encrypt answer)
{
    static const uint8_t version[VERSION_SIZE] = {TDS_SERVER_MAJOR, TDS_SERVER_MINOR, TDS_SERVER_BUILD >> 8,
                                                  TDS_SERVER_BUILD & 0xff};
    const uint8_t encrypt = (uint8_t)answer, none = 0;
    const struct {
        uint8_t option;
        uint16_t length; /* 0 of INSTOPT would be an error: one byte 0 is "the instance is right" */
        const uint8_t *bytes;
        bool wanted;
    } options[] = {
        {OPTION_VERSION, VERSION_SIZE, version, true},
        {OPTION_ENCRYPTION, 1, &encrypt, true},
        {OPTION_INSTANCE, 1, &none, true},
        {OPTION_THREAD, 0, &none, true},
        {OPTION_MARS, 1, &none, true},
        {OPTION_FEDERATED, 1, &none, prelogin->federated},
    };
    size_t count = sizeof options / sizeof options[0];
    uint32_t offset = 1;
    for (size_t i = 0; i < count; i++) {
        offset += options[i].wanted ? OPTION_HEADER_SIZE : 0;
    }
    for (size_t i = 0; i < count; i++) {
        if (options[i].wanted) {
            tds_put_u8(out, options[i].option);
            tds_put_u16_be(out, (uint16_t)offset);
            tds_put_u16_be(out, options[i].length);
            offset += options[i].length;
        }
    }
    tds_put_u8(out, OPTION_END);
    for (size_t i = 0; i < count; i++) {
        tds_put(out, options[i].bytes, options[i].wanted ? options[i].length : 0);
    }
}
