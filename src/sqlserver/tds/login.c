/* login.c - see login.h. */
#include "login.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "packet.h"
#include "tds_version.h"

enum {
    FIXED_SIZE = 94, /* with the places of all that varies; 86 before 7.2 */
    FIXED_SIZE_71 = 86,
    OFFSET_PASSWORD = 44,
    OFFSET_SSPI = 78,
    OFFSET_NEW_PASSWORD = 86,
    PLACE_SIZE = 4,
    NAME_MOST = 128, /* characters of each name */
    PATH_MOST = 260,
    FLAG2_INTEGRATED = 0x80,
    FLAG3_EXTENSION = 0x10,
    FEATURE_RECOVERY = 0x01,
    FEATURE_FEDERATED = 0x02,
    FEATURE_UTF8 = 0x0a,
    FEATURE_END = 0xff,
};

/* What varies, in the order of the message: an offset from its start, and characters. */
static const struct place {
    const char *name;
    uint16_t at;
    uint16_t most; /* characters, or bytes of what is no text */
    bool bytes;
    size_t member; /* of struct tds_login; 0: only checked */
} places[] = {
    {"HostName", 36, NAME_MOST, false, offsetof(struct tds_login, host)},
    {"UserName", 40, NAME_MOST, false, offsetof(struct tds_login, user)},
    {"Password", OFFSET_PASSWORD, NAME_MOST, false, 0},
    {"AppName", 48, NAME_MOST, false, offsetof(struct tds_login, application)},
    {"ServerName", 52, NAME_MOST, false, offsetof(struct tds_login, server)},
    {"Extension", 56, UINT8_MAX, true, 0},
    {"CltIntName", 60, NAME_MOST, false, 0},
    {"Language", 64, NAME_MOST, false, offsetof(struct tds_login, language)},
    {"Database", 68, NAME_MOST, false, offsetof(struct tds_login, database)},
    {"SSPI", OFFSET_SSPI, UINT16_MAX, true, 0},
    {"AtchDBFile", 82, PATH_MOST, false, 0},
    {"ChangePassword", OFFSET_NEW_PASSWORD, NAME_MOST, false, 0},
};

/* Of the message: the bytes at a place of it. `cut`: there are none. */
static struct tds_reader at_place(const uint8_t *bytes, size_t size, const struct place *place,
                                  size_t *length)
{
    struct tds_reader reader = tds_reader(bytes, size);
    tds_take(&reader, place->at);
    size_t offset = tds_u16(&reader);
    *length = tds_u16(&reader);
    struct tds_reader value = tds_reader(bytes, size);
    value.cut = reader.cut;
    if (*length > 0) { /* the offset of nothing may be anything */
        tds_take(&value, offset);
    }
    return value;
}

static int read_places(const uint8_t *bytes, size_t size, uint32_t fixed, struct tds_login *login,
                       struct tds_error *error)
{
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++) {
        size_t length = 0;
        const struct place *place = &places[i];
        if (fixed < place->at + (uint32_t)PLACE_SIZE) {
            continue;
        }
        struct tds_reader value = at_place(bytes, size, place, &length);
        if (length > place->most) {
            return tds_refuse(error, "LOGIN7 with a %s of %zu %s; expected at most %u", place->name, length,
                              place->bytes ? "bytes" : "characters", place->most);
        }
        const uint8_t *text = tds_take(&value, place->bytes ? length : 2 * length);
        if (text == NULL) {
            return tds_refuse(error, "LOGIN7 whose %s is not within its %zu bytes", place->name, size);
        }
        if (place->member != 0) {
            char *string = tds_text(text, 2 * length);
            if (string == NULL) {
                return ENOMEM;
            }
            memcpy((char *)login + place->member, &string, sizeof string);
        }
    }
    return 0;
}

/* The features are where the four bytes at the place "Extension" say. */
static int read_features(const uint8_t *bytes, size_t size, struct tds_login *login, struct tds_error *error)
{
    static const struct place extension = {.name = "Extension", .at = 56};
    size_t length = 0;
    struct tds_reader value = at_place(bytes, size, &extension, &length);
    uint32_t offset = tds_u32(&value);
    struct tds_reader reader = tds_reader(bytes, size);
    reader.cut = value.cut || length < sizeof offset;
    tds_take(&reader, offset);
    for (uint8_t feature = tds_u8(&reader); feature != FEATURE_END && !reader.cut;
         feature = tds_u8(&reader)) {
        tds_take(&reader, tds_u32(&reader));
        login->utf8 = login->utf8 || feature == FEATURE_UTF8;
        login->recovery = login->recovery || feature == FEATURE_RECOVERY;
        login->federated = login->federated || feature == FEATURE_FEDERATED;
    }
    return reader.cut ? tds_refuse(error, "LOGIN7 whose features are not within its %zu bytes", size) : 0;
}

/* What the client offers, and what the server speaks of it: 0 for nothing. */
static uint32_t common_version(uint32_t version)
{
    static const uint32_t known[] = {TDS_VERSION_74, TDS_VERSION_73B, TDS_VERSION_73A, TDS_VERSION_72};
    if (version >> 24 < TDS_VERSION_71 >>
        24) { /* 8.0 is 0x08...; 7.0 and before are 0x70..., 0x07..., 0x04... */
        return version == TDS_VERSION_80 ? TDS_VERSION_74 : 0;
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (version >= known[i]) {
            return known[i];
        }
    }
    return TDS_VERSION_71;
}

int tds_login_read(const uint8_t *bytes, size_t size, struct tds_login *login, struct tds_error *error)
{
    struct tds_reader reader = tds_reader(bytes, size);
    *login = (struct tds_login){0};
    uint32_t length = tds_u32(&reader), version = tds_u32(&reader), packet_size = tds_u32(&reader);
    tds_take(&reader, 13); /* program, process, connection; OptionFlags1 */
    uint8_t flags2 = tds_u8(&reader);
    tds_u8(&reader); /* TypeFlags */
    uint8_t flags3 = tds_u8(&reader);
    tds_take(&reader, FIXED_SIZE_71 - 28);
    if (reader.cut || length > size || length < FIXED_SIZE_71) {
        return tds_refuse(error, "LOGIN7 of %zu bytes that says it has %u; expected at least %d", size,
                          length, FIXED_SIZE_71);
    }
    login->version = common_version(version);
    if (login->version == 0) {
        return tds_refuse(error, "LOGIN7 for TDS version 0x%08x; expected 7.1 to 7.4, or 8.0", version);
    }
    login->packet_size = packet_size == 0                 ? TDS_PACKET_FIRST
                         : packet_size < TDS_PACKET_LEAST ? TDS_PACKET_LEAST
                         : packet_size > TDS_PACKET_MOST  ? TDS_PACKET_MOST
                                                          : packet_size;
    login->integrated = (flags2 & FLAG2_INTEGRATED) != 0;
    uint32_t fixed = login->version >= TDS_VERSION_72 ? FIXED_SIZE : FIXED_SIZE_71;
    if (length < fixed) {
        return tds_refuse(error, "LOGIN7 of %u bytes; expected at least %u", length, fixed);
    }
    int rc = read_places(bytes, length, fixed, login, error);
    if (rc == 0 && (flags3 & FLAG3_EXTENSION) != 0 && login->version >= TDS_VERSION_74) {
        rc = read_features(bytes, length, login, error);
    }
    return rc;
}

void tds_login_free(struct tds_login *login)
{
    free(login->host);
    free(login->user);
    free(login->application);
    free(login->server);
    free(login->language);
    free(login->database);
    *login = (struct tds_login){0};
}

static void wipe_place(uint8_t *bytes, size_t size, uint16_t at)
{
    size_t length = 0;
    struct tds_reader value = at_place(bytes, size, &(struct place){.at = at}, &length);
    size_t rest = tds_left(&value);
    if (!value.cut && length > 0) {
        explicit_bzero(bytes + (size - rest), 2 * length < rest ? 2 * length : rest);
    }
}

void tds_login_wipe(uint8_t *bytes, size_t size)
{
    wipe_place(bytes, size, OFFSET_PASSWORD);
    if (size >= FIXED_SIZE) {
        wipe_place(bytes, size, OFFSET_NEW_PASSWORD);
    }
}
