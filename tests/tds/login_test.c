/* login_test.c - PRELOGIN and LOGIN7: what is read of them, who encrypts what, and every offset and length spoilt. */
#include <stdlib.h>

#include "login.h"
#include "packet.h"
#include "prelogin.h"
#include "tds_check.h"
#include "tds_version.h"

/* ---- PRELOGIN ---- */

static const uint8_t prelogin_bytes[] = {0, 0, 26, 0, 6, 1,   0,  32, 0, 1, 2, 0, 33, 0,   2, 3, 0, 35, 0, 4,
                                         4, 0, 39, 0, 1, 255, 16, 1,  2, 3, 4, 5, 0,  'x', 0, 9, 9, 9,  9, 1};

static void prelogin_is_read(void **state)
{
    (void)state;
    struct tds_prelogin prelogin;
    struct tds_error error;
    assert_int_equal(tds_prelogin_read(prelogin_bytes, sizeof prelogin_bytes, &prelogin, &error), 0);
    assert_int_equal(prelogin.version[0], 16);
    assert_int_equal(prelogin.encrypt, TDS_ENCRYPT_OFF);
    assert_string_equal(prelogin.instance, "x");
    assert_true(prelogin.mars && !prelogin.federated && !prelogin.nonce);
}

static void prelogin_is_refused(void **state)
{
    (void)state;
    static const struct {
        uint8_t bytes[16];
        size_t size;
        const char *words;
    } table[] = {
        {{0}, 0, "without the end of its options"},
        {{255}, 1, "without options"},
        {{0, 0, 6, 0}, 4, "without the end"},
        {{1, 0, 6, 0, 1, 255, 0}, 7, "first option is 0x01"},
        {{0, 0, 6, 0, 6, 255, 1, 2, 3, 4, 5}, 11, "option 0x00 at 6 of 6 bytes"},
        {{0, 255, 255, 255, 255, 255}, 6, "option 0x00 at 65535"},
        {{0, 0, 6, 0, 1, 255, 1}, 7, "a VERSION of 1 bytes"},
        {{0, 0, 6, 0, 0, 255}, 6, "a VERSION of 0 bytes"},
    };
    struct tds_prelogin prelogin;
    struct tds_error error;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_refused(tds_prelogin_read(table[i].bytes, table[i].size, &prelogin, &error), error,
                       table[i].words);
    }
    uint8_t bytes[sizeof prelogin_bytes];
    memcpy(bytes, prelogin_bytes, sizeof bytes);
    bytes[32] = 4;
    assert_refused(tds_prelogin_read(bytes, sizeof bytes, &prelogin, &error), error, "none of OFF");
}

static void the_answer_is_a_prelogin(void **state)
{
    (void)state;
    struct tds_prelogin prelogin = {.federated = true};
    struct tds_error error;
    struct tds_buffer out = {0};
    tds_prelogin_answer(&out, &prelogin, TDS_ENCRYPT_REQUIRED);
    assert_int_equal(tds_prelogin_read(out.bytes, out.length, &prelogin, &error), 0);
    assert_int_equal(prelogin.version[0], TDS_SERVER_MAJOR);
    assert_int_equal(prelogin.encrypt, TDS_ENCRYPT_REQUIRED);
    assert_false(prelogin.mars || prelogin.federated);
    tds_buffer_free(&out);
}

static void encryption_is_agreed_on(void **state)
{
    (void)state;
    static const struct {
        enum tds_encryption server;
        enum tds_encrypt client, answer;
        bool tls, login_only, refused;
    } table[] = {
        {TDS_ENCRYPTION_SUPPORTED, TDS_ENCRYPT_OFF, TDS_ENCRYPT_OFF, true, true, false},
        {TDS_ENCRYPTION_SUPPORTED, TDS_ENCRYPT_ON, TDS_ENCRYPT_ON, true, false, false},
        {TDS_ENCRYPTION_SUPPORTED, TDS_ENCRYPT_NOT_SUPPORTED, TDS_ENCRYPT_NOT_SUPPORTED, false, false, false},
        {TDS_ENCRYPTION_NONE, TDS_ENCRYPT_OFF, TDS_ENCRYPT_NOT_SUPPORTED, false, false, false},
        {TDS_ENCRYPTION_NONE, TDS_ENCRYPT_ON, TDS_ENCRYPT_NOT_SUPPORTED, false, false, true},
        {TDS_ENCRYPTION_REQUIRED, TDS_ENCRYPT_OFF, TDS_ENCRYPT_REQUIRED, true, false, false},
        {TDS_ENCRYPTION_REQUIRED, TDS_ENCRYPT_NOT_SUPPORTED, TDS_ENCRYPT_REQUIRED, false, false, true},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct tds_agreement agreement = tds_prelogin_agree(table[i].server, table[i].client);
        assert_int_equal(agreement.answer, table[i].answer);
        assert_int_equal(agreement.tls, table[i].tls);
        assert_int_equal(agreement.login_only, table[i].login_only);
        assert_int_equal(agreement.refused, table[i].refused);
    }
}

/* ---- LOGIN7 ---- */

static void patch(struct tds_buffer *buffer, size_t at, uint64_t value, uint32_t size)
{
    for (uint32_t i = 0; i < size; i++) {
        buffer->bytes[at + i] = (uint8_t)(value >> (8 * i));
    }
}

static void place(struct tds_buffer *buffer, size_t at, const char *text)
{
    size_t offset = buffer->length;
    patch(buffer, at, offset, 2);
    patch(buffer, at + 2, tds_put_text(buffer, text, SIZE_MAX), 2);
}

enum {
    PACKET_SIZE = 8000,
    FIXED = 94
};

static void make_login(struct tds_buffer *buffer)
{
    static const uint8_t nothing[FIXED];
    tds_put(buffer, nothing, sizeof nothing);
    patch(buffer, 4, TDS_VERSION_74, 4);
    patch(buffer, 8, PACKET_SIZE, 4);
    buffer->bytes[27] = 0x10;
    place(buffer, 36, "host");
    place(buffer, 40, "sa");
    place(buffer, 44, "secret");
    place(buffer, 48, "program");
    place(buffer, 52, "server");
    place(buffer, 68, "msdb");
    place(buffer, 56, "??");
    patch(buffer, 56 + 2, 4, 2);
    size_t extension = buffer->length - 4;
    patch(buffer, extension, buffer->length, 4);
    static const uint8_t features[] = {1, 0, 0, 0, 0, 0x0a, 1, 0, 0, 0, 1, 0xff};
    tds_put(buffer, features, sizeof features);
    patch(buffer, 0, buffer->length, 4);
}

static void login_is_read(void **state)
{
    (void)state;
    struct tds_buffer bytes = {0};
    struct tds_login login;
    struct tds_error error;
    make_login(&bytes);
    assert_int_equal(tds_login_read(bytes.bytes, bytes.length, &login, &error), 0);
    assert_int_equal(login.version, TDS_VERSION_74);
    assert_int_equal(login.packet_size, PACKET_SIZE);
    assert_string_equal(login.host, "host");
    assert_string_equal(login.user, "sa");
    assert_string_equal(login.application, "program");
    assert_string_equal(login.server, "server");
    assert_string_equal(login.language, "");
    assert_string_equal(login.database, "msdb");
    assert_true(login.utf8 && login.recovery && !login.federated && !login.integrated);
    tds_login_free(&login);
    tds_buffer_free(&bytes);
}

static void passwords_are_wiped(void **state)
{
    (void)state;
    struct tds_buffer bytes = {0}, secret = {0};
    put_wide(&secret, "secret");
    make_login(&bytes);
    place(&bytes, 86, "secret");
    tds_login_wipe(bytes.bytes, bytes.length);
    assert_null(memmem(bytes.bytes, bytes.length, secret.bytes, secret.length));
    patch(&bytes, 44, bytes.length - 1, 2); /* reaches out of the message */
    patch(&bytes, 86, 0xffffffff, 4);
    tds_login_wipe(bytes.bytes, bytes.length);
    tds_login_wipe(bytes.bytes, 10);
    tds_buffer_free(&bytes);
    tds_buffer_free(&secret);
}

static void versions_are_settled(void **state)
{
    (void)state;
    static const uint32_t table[][2] = {
        {0x71000001, TDS_VERSION_71},
        {TDS_VERSION_72, TDS_VERSION_72},
        {TDS_VERSION_73A, TDS_VERSION_73A},
        {0x730b0003, TDS_VERSION_73B},
        {0x74000004, TDS_VERSION_74},
        {0x75000000, TDS_VERSION_74},
        {0x08000000, TDS_VERSION_74},
        {0x70000000, 0},
        {0x07000000, 0},
        {0, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct tds_buffer bytes = {0};
        struct tds_login login;
        struct tds_error error;
        make_login(&bytes);
        patch(&bytes, 4, table[i][0], 4);
        int rc = tds_login_read(bytes.bytes, bytes.length, &login, &error);
        assert_int_equal(rc, table[i][1] != 0 ? 0 : EPROTO);
        assert_int_equal(login.version, table[i][1]);
        tds_login_free(&login);
        tds_buffer_free(&bytes);
    }
}

/* Each in a message that is right otherwise. */
static void login_is_refused(void **state)
{
    (void)state;
    static const struct {
        size_t at;
        uint64_t value;
        uint32_t size;
        const char *words;
    } table[] = {
        {0, 0, 4, "says it has 0"},
        {0, 0xffffffff, 4, "says it has 4294967295"},
        {0, 90, 4, "expected at least 94"},
        {4, 0x04000000, 4, "TDS version 0x04000000"},
        {36, 0xffff, 2, "HostName is not within"},
        {42, 0xffff, 2, "a UserName of 65535 characters"},
        {44, 0xfff0, 2, "Password is not within"},
        {46, 129, 2, "a Password of 129"},
        {70, 128, 2, "Database is not within"},
        {56, 0xfff0, 2, "Extension is not within"},
        {58, 2, 2, "features are not within"},
        {80, 0xffff, 2, "SSPI is not within"},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct tds_buffer bytes = {0};
        struct tds_login login;
        struct tds_error error;
        make_login(&bytes);
        patch(&bytes, table[i].at, table[i].value, table[i].size);
        assert_refused(tds_login_read(bytes.bytes, bytes.length, &login, &error), error, table[i].words);
        tds_login_free(&login);
        tds_buffer_free(&bytes);
    }
}

/* A message may end anywhere: read exactly, so that a byte too far is seen by the sanitizer. */
static void login_may_end_anywhere(void **state)
{
    (void)state;
    struct tds_buffer bytes = {0};
    make_login(&bytes);
    for (size_t size = 0; size < bytes.length; size++) {
        struct tds_login login;
        struct tds_error error;
        uint8_t *exact = malloc(size > 0 ? size : 1);
        assert_non_null(exact);
        memcpy(exact, bytes.bytes, size);
        if (size >= 4) {
            memcpy(exact, &(uint32_t){(uint32_t)size}, sizeof(uint32_t));
        }
        assert_int_equal(tds_login_read(exact, size, &login, &error), EPROTO);
        tds_login_wipe(exact, size);
        tds_login_free(&login);
        free(exact);
    }
    tds_buffer_free(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(prelogin_is_read),
        cmocka_unit_test(prelogin_is_refused),
        cmocka_unit_test(the_answer_is_a_prelogin),
        cmocka_unit_test(encryption_is_agreed_on),
        cmocka_unit_test(login_is_read),
        cmocka_unit_test(passwords_are_wiped),
        cmocka_unit_test(versions_are_settled),
        cmocka_unit_test(login_is_refused),
        cmocka_unit_test(login_may_end_anywhere),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
