/* link_test.c - a login that alone is encrypted (link.h): its packets in one TLS record, or each in two of any sizes,
 * and the plain message behind them.
 */
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "link.h"
#include "os.h"
#include "tds_check.h"
#include "tls.h"

enum {
    BODY = 300,
    DEADLINE_S = 20,
    BATCH = 40,
};

struct client {
    struct tds_link link;
    size_t cut; /* bytes of the login in its first record; 0: all */
    int rc;
};

static struct tds_buffer packet_of(enum tds_message_type type, size_t size)
{
    struct tds_buffer out = {0};
    struct tds_output output = {.out = &out, .packet_size = TDS_PACKET_LEAST, .packet = 1};
    for (size_t i = 0; i < size; i++) {
        uint8_t byte = (uint8_t)(type + i);
        tds_put(&output.tokens, &byte, 1);
    }
    tds_output_cut(&output, type, true, true);
    tds_buffer_free(&output.tokens);
    assert_false(out.failed);
    return out;
}

static void *send_login_and_batch(void *context)
{
    struct client *client = context;
    struct tds_buffer login = packet_of(TDS_LOGIN7, BODY), batch = packet_of(TDS_BATCH, BATCH);
    size_t first = client->cut > 0 ? client->cut : login.length;
    SSL_CTX *tls = tds_tls_client_new();
    int rc = tds_link_handshake(&client->link, tds_tls_connect(tls, false, "server"), true, true);
    rc = rc == 0 ? tds_link_pass(&client->link, login.bytes, first, true) : rc;
    if (rc == 0 && first < login.length) {
        rc = tds_link_pass(&client->link, login.bytes + first, login.length - first, true);
    }
    client->rc = rc == 0 ? tds_link_pass(&client->link, batch.bytes, batch.length, false) : rc;
    tds_buffer_free(&login);
    tds_buffer_free(&batch);
    SSL_CTX_free(tls);
    return NULL;
}

static void expect_message(struct tds_link *link, enum tds_message_type type, size_t size)
{
    assert_int_equal(tds_link_next(link), 0);
    assert_int_equal(link->input.type, type);
    assert_int_equal(link->input.message.length, size);
    for (size_t i = 0; i < size; i++) {
        assert_int_equal(link->input.message.bytes[i], (uint8_t)(type + i));
    }
}

static void check_cut(size_t cut)
{
    atomic_bool interrupted = false;
    int64_t deadline = os_now() + DEADLINE_S * INT64_C(1000000000);
    int ends[2];
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    struct tds_link server = {.socket = ends[0], .interrupted = &interrupted, .deadline = deadline};
    struct client client = {.link = {.socket = ends[1], .interrupted = &interrupted, .deadline = deadline},
                            .cut = cut};
    server.input.most = TDS_LOGIN_MOST;
    pthread_t thread;
    SSL_CTX *tls = tds_tls_new();
    assert_int_equal(pthread_create(&thread, NULL, send_login_and_batch, &client), 0);
    assert_int_equal(tds_link_handshake(&server, tds_tls_accept(tls, false), true, true), 0);
    expect_message(&server, TDS_LOGIN7, BODY);
    expect_message(&server, TDS_BATCH, BATCH);
    assert_int_equal(pthread_join(thread, NULL), 0);
    assert_int_equal(client.rc, 0);
    tds_link_free(&client.link);
    tds_link_free(&server);
    SSL_CTX_free(tls);
    close(ends[0]);
    close(ends[1]);
}

static void a_login_may_come_in_any_records(void **state)
{
    static const size_t cuts[] = {0, 1, TDS_HEADER_SIZE - 1, TDS_HEADER_SIZE, TDS_HEADER_SIZE + 1, BODY};
    (void)state;
    for (size_t i = 0; i < sizeof cuts / sizeof cuts[0]; i++) {
        check_cut(cuts[i]);
    }
}

/* ---- a signal right before a wait ---- */

static atomic_bool told_to_end;
static bool signal_comes;

static void end(int number)
{
    (void)number;
    atomic_store(&told_to_end, true);
}

int __real_ppoll(struct pollfd *files, nfds_t count, const struct timespec *limit, const sigset_t *mask);
int __wrap_ppoll(struct pollfd *files, nfds_t count, const struct timespec *limit, const sigset_t *mask);

int __wrap_ppoll(struct pollfd *files, nfds_t count, const struct timespec *limit, const sigset_t *mask)
{
    if (signal_comes) {
        signal_comes = false;
        raise(SIGTERM);
    }
    return __real_ppoll(files, count, limit, mask);
}

static void a_signal_right_before_a_wait_ends_it(void **state)
{
    const struct sigaction action = {.sa_handler = end};
    struct sigaction before;
    int ends[2];
    (void)state;
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends), 0);
    struct tds_link server = {.socket = ends[0],
                              .interrupted = &told_to_end,
                              .deadline = os_now() + DEADLINE_S * INT64_C(1000000000)};
    assert_int_equal(sigaction(SIGTERM, &action, &before), 0);
    signal_comes = true;
    assert_int_equal(tds_link_next(&server), EINTR);
    assert_false(signal_comes);
    assert_true(os_now() < server.deadline);
    assert_int_equal(sigaction(SIGTERM, &before, NULL), 0);
    tds_link_free(&server);
    close(ends[0]);
    close(ends[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(a_login_may_come_in_any_records),
                                       cmocka_unit_test(a_signal_right_before_a_wait_ends_it)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
