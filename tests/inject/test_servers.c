/* test_servers.c - which connections are meant for SQL Server, by --server and without. */
#include <arpa/inet.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "servers.h"

#define TDS "127.0.0.1:4000"

static socklen_t make(const char *text, uint16_t port, union servers_address *address)
{
    memset(address, 0, sizeof(*address));
    if (inet_pton(AF_INET, text, &address->four.sin_addr) == 1) {
        address->four.sin_family = AF_INET;
        address->four.sin_port = htons(port);
        return sizeof(address->four);
    }
    assert_int_equal(inet_pton(AF_INET6, text, &address->six.sin6_addr), 1);
    address->six.sin6_family = AF_INET6;
    address->six.sin6_port = htons(port);
    return sizeof(address->six);
}

static bool is_taken(const char *text, uint16_t port)
{
    union servers_address address, other, expected;
    socklen_t other_length = 0;
    socklen_t length = make(text, port, &address);
    if (!servers_take(&address.any, length, &other, &other_length)) {
        return false;
    }
    assert_int_equal(
        make(length == sizeof(struct sockaddr_in) ? "127.0.0.1" : "::ffff:127.0.0.1", 4000, &expected),
        other_length);
    assert_memory_equal(&other, &expected, other_length);
    return true;
}

static void by_port(void **state)
{
    (void)state;
    unsetenv("VDIFAULT_TDS");
    unsetenv("VDIFAULT_SERVER");
    assert_false(is_taken("10.0.0.1", 1433));
    setenv("VDIFAULT_TDS", TDS, 1);
    assert_true(is_taken("10.0.0.1", 1433));
    assert_true(is_taken("127.0.0.1", 1433));
    assert_true(is_taken("2001:db8::1", 1433));
    assert_true(is_taken("::ffff:10.0.0.1", 1433));
    assert_false(is_taken("10.0.0.1", 88));
    assert_false(is_taken("2001:db8::1", 53));
}

static void by_server(void **state)
{
    (void)state;
    static const struct {
        const char *servers, *address;
        uint16_t port;
        bool taken;
    } rows[] = {
        {"10.0.0.1", "10.0.0.1", 1433, true},
        {"10.0.0.1", "10.0.0.1", 50123, true},
        {"10.0.0.1", "::ffff:10.0.0.1", 50123, true},
        {"10.0.0.1", "10.0.0.2", 1433, false},
        {"10.0.0.1:1500", "10.0.0.1", 1500, true},
        {"10.0.0.1:1500", "10.0.0.1", 1433, false},
        {"2001:db8::1", "2001:db8::1", 7, true},
        {"[2001:db8::1]:1500", "2001:db8::1", 1500, true},
        {"[2001:db8::1]:1500", "2001:db8::1", 1501, false},
        {"one two 10.0.0.1", "10.0.0.1", 1433, true},
        {"one two", "127.86.68.2", 9, true},
        {"one two", "127.86.68.3", 1433, false},
        {"one:1500 two", "127.86.68.1", 1433, false},
        {"localhost", "127.0.0.1", 1433, true},
        {"localhost", "::1", 1433, true},
        {"localhost", "127.0.0.1", 5432, false},
        {"localhost:5000", "127.0.0.1", 5000, true},
        {"localhost one:1500", "127.86.68.2", 1433, false},
    };
    setenv("VDIFAULT_TDS", TDS, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setenv("VDIFAULT_SERVER", rows[i].servers, 1);
        if (is_taken(rows[i].address, rows[i].port) != rows[i].taken) {
            fail_msg("--server %s: %s port %u", rows[i].servers, rows[i].address, rows[i].port);
        }
    }
}

static void names(void **state)
{
    (void)state;
    char text[SERVERS_ADDRESS_MAX];
    setenv("VDIFAULT_TDS", TDS, 1);
    setenv("VDIFAULT_SERVER", "localhost sqlhost other.corp:1500 10.0.0.1", 1);
    assert_true(servers_name("SQLHOST", AF_UNSPEC, 0, text));
    assert_string_equal(text, "127.86.68.2");
    assert_true(servers_name("sqlhost.", AF_INET6, 1433, text));
    assert_string_equal(text, "::ffff:127.86.68.2");
    assert_true(servers_name("other.corp", AF_INET, 0, text));
    assert_true(servers_name("other.corp", AF_INET, 1500, text));
    assert_false(servers_name("other.corp", AF_INET, 80, text));
    assert_false(servers_name("other", AF_INET, 1500, text));
    assert_false(servers_name("sqlhost2", AF_INET, 0, text));
    assert_false(servers_name("localhost", AF_INET, 1433, text));
    assert_false(servers_name("10.0.0.1", AF_INET, 1433, text));
    assert_false(servers_name(NULL, AF_INET, 1433, text));
    unsetenv("VDIFAULT_TDS");
    assert_false(servers_name("sqlhost", AF_UNSPEC, 0, text));
}

static bool is_question(const char *text, uint16_t port)
{
    union servers_address address, other;
    socklen_t length = make(text, port, &address), other_length = 0;
    return servers_take_question(&address.any, length, &other, &other_length);
}

static void questions(void **state)
{
    (void)state;
    setenv("VDIFAULT_TDS", TDS, 1);
    unsetenv("VDIFAULT_SERVER");
    assert_true(is_question("10.0.0.1", 1434));
    assert_false(is_question("10.0.0.1", 1433));
    assert_false(is_question("10.0.0.1", 53));
    assert_false(is_taken("10.0.0.1", 1434));
    setenv("VDIFAULT_SERVER", "sqlhost:1500 10.0.0.1", 1);
    assert_true(is_question("10.0.0.1", 1434));
    assert_true(is_question("127.86.68.1", 1434));
    assert_false(is_question("10.0.0.2", 1434));
    unsetenv("VDIFAULT_TDS");
    assert_false(is_question("10.0.0.1", 1434));
}

/* What is no address, or a part of one. */
static void what_is_no_address(void **state)
{
    (void)state;
    union servers_address address, other;
    socklen_t length = make("10.0.0.1", 1433, &address);
    socklen_t other_length = 0;
    setenv("VDIFAULT_TDS", TDS, 1);
    unsetenv("VDIFAULT_SERVER");
    assert_false(servers_take(NULL, length, &other, &other_length));
    assert_false(servers_take(&address.any, length - 1, &other, &other_length));
    address.any.sa_family = AF_UNIX;
    assert_false(servers_take(&address.any, length, &other, &other_length));
    make("::1", 1433, &address);
    assert_false(servers_take(&address.any, sizeof(struct sockaddr_in), &other, &other_length));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_port),   cmocka_unit_test(by_server),          cmocka_unit_test(names),
        cmocka_unit_test(questions), cmocka_unit_test(what_is_no_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
