/* server_test.c - the program on its port, byte by byte: what is refused is refused in one line of standard error, who
 * stalls is sent away, attentions are acknowledged, who has gone disturbs nobody.
 */
#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "packet.h"
#include "tds_check.h"
#include "tds_version.h"

enum {
    DEADLINE_MS = 20000,
    FIXED = 94,
    LINE_MAX_LENGTH = 512,
};

struct server {
    pid_t process;
    FILE *words; /* its standard error */
    struct sockaddr_in address;
};

static int start_server(void **state)
{
    static struct server server;
    socklen_t length = sizeof server.address;
    int ends[2], listener = socket(AF_INET, SOCK_STREAM, 0);
    server.address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    assert_int_equal(bind(listener, (struct sockaddr *)&server.address, length), 0);
    assert_int_equal(listen(listener, 16), 0);
    assert_int_equal(getsockname(listener, (struct sockaddr *)&server.address, &length), 0);
    assert_int_equal(pipe(ends), 0);
    server.process = fork();
    if (server.process == 0) {
        char number[16];
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        snprintf(number, sizeof number, "%d", listener);
        dup2(ends[1], STDERR_FILENO);
        close(ends[0]);
        close(ends[1]);
        execl(SQLSERVER, SQLSERVER, "--socket", number, "--login-timeout", "1", NULL);
        _exit(127);
    }
    close(listener);
    close(ends[1]);
    server.words = fdopen(ends[0], "r");
    *state = &server;
    return server.process > 0 && server.words != NULL ? 0 : -1;
}

static int stop_server(void **state)
{
    struct server *server = *state;
    int status = -1;
    kill(server->process, SIGTERM);
    waitpid(server->process, &status, 0);
    fclose(server->words);
    return status == 0 ? 0 : -1;
}

static int connect_to(const struct server *server)
{
    const struct timeval deadline = {.tv_sec = DEADLINE_MS / 1000};
    int client = socket(AF_INET, SOCK_STREAM, 0);
    setsockopt(client, SOL_SOCKET, SO_RCVTIMEO, &deadline, sizeof deadline);
    assert_int_equal(connect(client, (const struct sockaddr *)&server->address, sizeof server->address), 0);
    return client;
}

static void send_bytes(int client, const void *bytes, size_t size)
{
    assert_int_equal(send(client, bytes, size, MSG_NOSIGNAL), size);
}

static void send_message(int client, uint8_t type, const struct tds_buffer *body)
{
    struct tds_buffer out = {0};
    struct tds_output output = {.out = &out, .packet_size = TDS_PACKET_LEAST, .packet = 1};
    tds_put(&output.tokens, body->bytes, body->length);
    tds_output_cut(&output, type, true, true);
    send_bytes(client, out.bytes, out.length);
    tds_buffer_free(&out);
    tds_buffer_free(&output.tokens);
}

/* The next message of the server's. */
static void read_message(int client, struct tds_input *input)
{
    struct tds_error error;
    bool whole = false;
    while (!whole) {
        uint8_t byte;
        size_t used;
        assert_int_equal(recv(client, &byte, 1, 0), 1);
        assert_int_equal(tds_input_take(input, &byte, 1, &used, &whole, &error), 0);
    }
    assert_int_equal(input->type, TDS_RESPONSE);
}

static void expect_end(int client)
{
    uint8_t bytes[1024];
    ssize_t size;
    while ((size = recv(client, bytes, sizeof bytes, 0)) > 0) {
    }
    assert_true(size == 0 || errno == ECONNRESET);
    close(client);
}

static void expect_line(const struct server *server, const char *words)
{
    char line[LINE_MAX_LENGTH];
    struct pollfd poll_for = {.fd = fileno(server->words), .events = POLLIN};
    assert_int_equal(poll(&poll_for, 1, DEADLINE_MS), 1);
    assert_non_null(fgets(line, sizeof line, server->words));
    assert_memory_equal(line, "sqlserver: connection from 127.0.0.1:", 37);
    if (strstr(line, words) == NULL) {
        fail_msg("'%s' does not say '%s'", line, words);
    }
}

static int log_in_as(const struct server *server, uint32_t version)
{
    static const uint8_t nothing[FIXED];
    struct tds_buffer login = {0};
    struct tds_input answer = {.most = TDS_LOGIN_MOST};
    int client = connect_to(server);
    tds_put(&login, nothing, sizeof nothing);
    login.bytes[0] = FIXED;
    memcpy(login.bytes + 4, &version, 4);
    send_message(client, TDS_LOGIN7, &login);
    read_message(client, &answer);
    assert_int_equal(answer.message.bytes[0], 0xe3);
    tds_input_free(&answer);
    tds_buffer_free(&login);
    return client;
}

static int log_in(const struct server *server)
{
    return log_in_as(server, TDS_VERSION_74);
}

static void send_batch(int client, const char *text)
{
    static const uint8_t headers[] = {4, 0, 0, 0};
    struct tds_buffer body = {0};
    tds_put(&body, headers, sizeof headers);
    put_wide(&body, text);
    send_message(client, TDS_BATCH, &body);
    tds_buffer_free(&body);
}

/* The last token of the message is a DONE with that status. */
static void expect_done(int client, uint16_t status)
{
    struct tds_input input = {.most = TDS_MESSAGE_MOST};
    read_message(client, &input);
    assert_true(input.message.length >= 13);
    const uint8_t *done = input.message.bytes + input.message.length - 13;
    assert_int_equal(done[0], 0xfd);
    assert_int_equal(done[1], status);
    tds_input_free(&input);
}

/* ---- tests ---- */

static void hostile_bytes_are_refused_in_a_line(void **state)
{
    static const struct {
        const char *bytes;
        size_t size;
        const char *words;
    } table[] = {
        {"GET / HTTP/1.1\r\n\r\n", 18, "a packet of type 0x47, which TDS does not have"},
        {"\x12\x01\0\x07\0\0\1\0", 8, "a packet of 7 bytes; expected 8 to 32767"},
        {"\x12\x01\0\x09\0\0\1\0\xff", 9, "PRELOGIN without options"},
        {"\x10\x01\0\x0c\0\0\1\0\1\0\0\0", 12, "LOGIN7 of 4 bytes that says it has 1"},
        {"\x02\x01\0\x08\0\0\1\0", 8, "a login of TDS 4.2 or 5.0"},
        {"\x16\x03\x01\0\x05hello", 10, "TLS: "},
        {"\x12\x01\0\x1a\0\0\1\0\0\0\x0b\0\6\1\0\x11\0\1\xff\0\0\0\0\0\0\1\x16\3\1\0\5hello", 36, "TLS: "},
    };
    const struct server *server = *state;
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        int client = connect_to(server);
        send_bytes(client, table[i].bytes, table[i].size);
        shutdown(client, SHUT_WR);
        expect_end(client);
        expect_line(server, table[i].words);
    }
}

static void who_stalls_is_sent_away(void **state)
{
    const struct server *server = *state;
    int client = connect_to(server);
    send_bytes(client, "\x12\x01\0", 3);
    expect_end(client);
    expect_line(server, "no login within 1 seconds");
}

static void a_message_has_a_limit(void **state)
{
    const struct server *server = *state;
    static const uint8_t packet[TDS_PACKET_MOST] = {TDS_LOGIN7, 0, 0x7f, 0xff};
    int client = connect_to(server);
    for (int i = 0; i < 5; i++) {
        if (send(client, packet, sizeof packet, MSG_NOSIGNAL) < 0) {
            break;
        }
    }
    expect_end(client);
    expect_line(server, "a message of type 0x10 of more than 131072 bytes");
}

static void a_logged_in_peer_is_told(void **state)
{
    const struct server *server = *state;
    struct tds_input answer = {.most = TDS_MESSAGE_MOST};
    struct tds_buffer words = {0};
    int client = log_in(server);
    send_bytes(client, "\x07\x01\0\x08\0\0\1\0", 8);
    read_message(client, &answer);
    assert_int_equal(answer.message.bytes[0], 0xaa);
    put_wide(&words, "a message of type 0x07");
    assert_non_null(memmem(answer.message.bytes, answer.message.length, words.bytes, words.length));
    tds_input_free(&answer);
    tds_buffer_free(&words);
    expect_end(client);
    expect_line(server, "a message of type 0x07; expected a batch (0x01)");
}

static void attentions_are_acknowledged(void **state)
{
    int client = log_in(*state);
    send_bytes(client, "\x06\x01\0\x08\0\0\1\0", 8); /* nothing runs */
    expect_done(client, 0x20);
    send_batch(client, "BACKUP DATABASE d TO VIRTUAL_DEVICE = 'nobody'"); /* waits for its set */
    send_bytes(client, "\x06\x01\0\x08\0\0\1\0", 8);
    expect_done(client, 0x02);
    expect_done(client, 0x20);
    send_bytes(client, "\x01\x03\0\x0a\0\0\1\0zz", 10); /* given up by its sender */
    expect_done(client, 0x02);
    send_batch(client, "PRINT 1 PRINT 2");
    expect_done(client, 0);
    close(client);
}

/* The whole of the next message is these tokens. */
static void expect_tokens(int client, const char *tokens, size_t size)
{
    struct tds_input input = {.most = TDS_MESSAGE_MOST};
    read_message(client, &input);
    assert_int_equal(input.message.length, size);
    assert_memory_equal(input.message.bytes, tokens, size);
    tds_input_free(&input);
}

#define EXPECT(client, tokens) expect_tokens(client, tokens, sizeof(tokens) - 1)
#define DESCRIPTOR             "\1\0\0\0\0\0\0\0"
#define BEGUN                  "\xe3\x0b\0\x08\x08" DESCRIPTOR "\0"
#define COMMITTED              "\xe3\x0b\0\x09\0\x08" DESCRIPTOR
#define ROLLED_BACK            "\xe3\x0b\0\x0a\0\x08" DESCRIPTOR
#define DONE(status)           "\xfd" status "\0\0\0\0\0\0\0\0\0\0\0"
#define REQUEST(size)          "\x0e\1\0" size "\0\0\1\0\4\0\0\0"

/* A driver that commits all the time asks for the next transaction with each commit. */
static void transactions_follow_each_other(void **state)
{
    int client = log_in(*state);
    send_bytes(client, REQUEST("\x10") "\5\0\0\0", 16);
    EXPECT(client, BEGUN DONE("\0"));
    send_bytes(client, REQUEST("\x12") "\7\0\0\1\0\0", 18);
    EXPECT(client, COMMITTED DONE("\1") BEGUN DONE("\0"));
    send_bytes(client, REQUEST("\x10") "\x08\0\0\0", 16);
    EXPECT(client, ROLLED_BACK DONE("\0"));
    send_bytes(client, REQUEST("\x10") "\7\0\0\0", 16); /* none is open, and so none has ended */
    expect_done(client, 0x02);
    send_bytes(client, REQUEST("\x10") "\0\0\0\0", 16); /* a distributed one */
    expect_done(client, 0x02);
    send_batch(client, "BEGIN TRAN"); /* in words */
    EXPECT(client, BEGUN DONE("\0"));
    close(client);
    struct tds_buffer batch = {0};
    client = log_in_as(*state, TDS_VERSION_71); /* older than what tells of them */
    put_wide(&batch, "BEGIN TRAN");
    send_message(client, TDS_BATCH, &batch);
    EXPECT(client, "\xfd\0\0\0\0\0\0\0\0");
    tds_buffer_free(&batch);
    close(client);
}

#define TEXT_TYPE       "\xe7\x40\x1f\x09\x04\xd0\0\x34"
#define IN_CALL(status) "\xff" status "\0\0\0\0\0\0\0\0\0\0\0"
#define END_OF_CALL     "\x79\0\0\0\0"
#define CALL(status)    "\xfe" status "\0\0\0\0\0\0\0\0\0\0\0"

static void put_text(struct tds_buffer *body, const char *text)
{
    tds_put(body, "\0\0" TEXT_TYPE, 2 + sizeof TEXT_TYPE - 1);
    tds_put_u16(body, (uint16_t)(2 * strlen(text)));
    put_wide(body, text);
}

/* A call of sp_executesql. */
static void put_call(struct tds_buffer *body, const char *statement, const char *definitions)
{
    tds_put(body, "\xff\xff\x0a\0\0\0", 6);
    put_text(body, statement);
    if (definitions != NULL) {
        put_text(body, definitions);
    }
}

static void send_call(int client, struct tds_buffer *body)
{
    send_message(client, TDS_RPC, body);
    tds_buffer_free(body);
}

static void calls_give_back_their_outputs(void **state)
{
    int client = log_in(*state);
    struct tds_buffer body = {0};
    tds_put_u32(&body, 4);
    put_call(&body, "SET @n += 1", "@n int OUTPUT, @t nvarchar(2) OUTPUT");
    tds_put(&body, "\2@\0n\0\1\x26\4\4\6\0\0\0", 13);
    tds_put(&body, "\2@\0t\0\1\xe7\4\0\x09\x04\xd0\0\x34\xff\xff", 16);
    send_call(client, &body);
    EXPECT(client, IN_CALL("\1") END_OF_CALL
           "\xac\2\0\2@\0n\0\1\0\0\0\0\0\0\x26\4\4\7\0\0\0"
           "\xac\3\0\2@\0t\0\1\0\0\0\0\0\0\xe7\4\0\x09\x04\xd0\0\x34\xff\xff" CALL("\0"));
    close(client);
}

/* Several in one request: one that fails leaves no mark on the next. */
static void calls_fail_by_themselves(void **state)
{
    int client = log_in(*state);
    struct tds_input input = {.most = TDS_MESSAGE_MOST};
    struct tds_buffer body = {0};
    static const char end[] = CALL("\3") IN_CALL("\1") END_OF_CALL CALL("\0");
    tds_put_u32(&body, 4);
    put_call(&body, "FROB", NULL);
    tds_put_u8(&body, 0xff);
    put_call(&body, "SET NOCOUNT ON", NULL);
    send_call(client, &body);
    read_message(client, &input);
    assert_true(input.message.length > sizeof end);
    assert_memory_equal(input.message.bytes + input.message.length - (sizeof end - 1), end, sizeof end - 1);
    tds_input_free(&input);
    close(client);
}

/* Both at once: the second is carried out after the first. */
static void requests_wait_for_their_turn(void **state)
{
    int client = log_in(*state);
    send_batch(client, "BACKUP DATABASE d TO VIRTUAL_DEVICE = 'nobody'");
    send_batch(client, "SELECT 1");
    expect_done(client, 0x02);
    expect_done(client, 0x10);
    close(client);
}

/* With a statement under way. */
static void who_has_gone_disturbs_nobody(void **state)
{
    int client = log_in(*state);
    send_batch(client, "BACKUP DATABASE d TO VIRTUAL_DEVICE = 'nobody'");
    close(client);
    client = log_in(*state);
    send_batch(client, "PRINT 'others are not disturbed'");
    expect_done(client, 0);
    close(client);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(hostile_bytes_are_refused_in_a_line),
        cmocka_unit_test(who_stalls_is_sent_away),
        cmocka_unit_test(a_message_has_a_limit),
        cmocka_unit_test(a_logged_in_peer_is_told),
        cmocka_unit_test(attentions_are_acknowledged),
        cmocka_unit_test(transactions_follow_each_other),
        cmocka_unit_test(calls_give_back_their_outputs),
        cmocka_unit_test(calls_fail_by_themselves),
        cmocka_unit_test(requests_wait_for_their_turn),
        cmocka_unit_test(who_has_gone_disturbs_nobody),
    };
    return cmocka_run_group_tests(tests, start_server, stop_server);
}
