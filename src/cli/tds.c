/* tds.c - see tds.h. */
#include "tds.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launch.h"
#include "session.h"

enum {
    BACKLOG = 64
};

/* ---- options ---- */

/* A port from `least`, and nothing behind it. */
static bool read_port(const char *text, long least, uint16_t *port)
{
    char *end = NULL;
    long value = strtol(text, &end, 10);
    *port = (uint16_t)value;
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && value >= least && value <= UINT16_MAX;
}

const char *tds_take_address(struct tds_options *options, const char *value)
{
    static const char expected[] =
        "expected ADDRESS:PORT with an IPv4 address that clients can connect to, for example "
        "127.0.0.1:0 (a free port)";
    char address[INET_ADDRSTRLEN];
    uint16_t port = 0;
    const char *colon = value != NULL ? strrchr(value, ':') : NULL;
    options->address = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    if (value != NULL) {
        if (colon == NULL || (size_t)(colon - value) >= sizeof address || !read_port(colon + 1, 0, &port)) {
            return expected;
        }
        snprintf(address, sizeof address, "%.*s", (int)(colon - value), value);
        if (inet_pton(AF_INET, address, &options->address.sin_addr) != 1 ||
            options->address.sin_addr.s_addr == htonl(INADDR_ANY)) {
            return expected;
        }
        options->address.sin_port = htons(port);
    }
    options->wanted = true;
    return NULL;
}

const char *tds_take_server(struct tds_options *options, const char *value)
{
    static const char expected[] =
        "expected a host name or an address, with :PORT if only that port is meant";
    size_t used = strlen(options->servers);
    uint16_t port = 0;
    const char *end = value[0] == '[' ? strchr(value, ']') : NULL;
    const char *colon = strchr(end != NULL ? end : value, ':');
    bool is_six = end == NULL && colon != NULL && strchr(colon + 1, ':') != NULL;
    if (value[0] == '\0' || colon == value || strpbrk(value, " \t\\") != NULL ||
        (colon != NULL && !is_six && !read_port(colon + 1, 1, &port))) {
        return strchr(value, '\\') != NULL ? "expected the host alone, without \\INSTANCE" : expected;
    }
    int size =
        snprintf(options->servers + used, sizeof options->servers - used, "%s%s", used > 0 ? " " : "", value);
    return (size_t)size < sizeof options->servers - used ? NULL : "expected fewer";
}

/* ---- the port ---- */

static void close_one(int *file)
{
    if (*file > 0) {
        close(*file);
    }
    *file = 0;
}

int tds_listen(struct tds *tds, const struct tds_options *options, char *why, size_t size)
{
    struct sockaddr_in address = options->address;
    socklen_t length = sizeof address;
    char text[INET_ADDRSTRLEN];
    *tds = (struct tds){0};
    if (!options->wanted) {
        return 0;
    }
    inet_ntop(AF_INET, &address.sin_addr, text, sizeof text);
    tds->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (tds->socket < 0 || setsockopt(tds->socket, SOL_SOCKET, SO_REUSEADDR, &(int){1}, sizeof(int)) != 0 ||
        bind(tds->socket, (struct sockaddr *)&address, length) != 0 || listen(tds->socket, BACKLOG) != 0 ||
        getsockname(tds->socket, (struct sockaddr *)&address, &length) != 0) {
        snprintf(why, size,
                 "--tds: cannot listen at %s:%u: %s; expected an address of this machine and a free port",
                 text, ntohs(options->address.sin_port), strerror(errno));
        tds_close(tds);
        return -1;
    }
    tds->questions = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (tds->questions < 0 || bind(tds->questions, (struct sockaddr *)&address, length) != 0) {
        close_one(&tds->questions); /* another's: named instances are not found, all else is */
    }
    snprintf(tds->place, sizeof tds->place, "%s:%u", text, ntohs(address.sin_port));
    return 0;
}

int tds_renew(struct tds *tds, const struct tds_options *options, char *why, size_t size)
{
    if (tds->socket == 0 || options->address.sin_port != 0) {
        return 0;
    }
    tds_close(tds);
    return tds_listen(tds, options, why, size);
}

void tds_close(struct tds *tds)
{
    close_one(&tds->socket);
    close_one(&tds->questions);
}

/* ---- named instances ---- */

/* [MS-SQLR]: what a client asks, and the first byte of the answer. */
enum {
    ASK_ALL_BROADCAST = 2,
    ASK_ALL = 3,
    ASK_INSTANCE = 4, /* ... and its name */
    ANSWER = 5
};

/* That of the one server that has one; where a port alone decides, that. */
static unsigned instance_port(const struct tds_options *options)
{
    const char *colon = strrchr(options->servers, ':');
    uint16_t port = 0;
    return strchr(options->servers, ' ') == NULL && colon != NULL && read_port(colon + 1, 1, &port) ? port
                                                                                                    : 1433;
}

void tds_answer(const struct tds *tds, const struct tds_options *options)
{
    struct sockaddr_in from;
    socklen_t length = sizeof from;
    char question[64], answer[256];
    ssize_t got;
    while ((got = recvfrom(tds->questions, question, sizeof question - 1, 0, (struct sockaddr *)&from,
                           &length)) > 0) {
        question[got] = '\0';
        if (question[0] < ASK_ALL_BROADCAST || question[0] > ASK_INSTANCE) {
            continue;
        }
        const char *name = question[0] == ASK_INSTANCE ? question + 1 : "MSSQLSERVER";
        int size = snprintf(answer + 3, sizeof answer - 3,
                            "ServerName;VDIFAULT;InstanceName;%s;IsClustered;No;Version;16.0.1000.6;tcp;%u;;",
                            name, instance_port(options));
        answer[0] = ANSWER;
        answer[1] = (char)(size & 0xff);
        answer[2] = (char)(size >> 8);
        (void)sendto(tds->questions, answer, (size_t)size + 3, 0, (struct sockaddr *)&from, length);
        length = sizeof from;
    }
}

/* ---- the process ---- */

static void turn_away(int listening)
{
    for (int file; (file = accept4(listening, NULL, NULL, SOCK_CLOEXEC)) >= 0;) {
        close(file);
    }
}

static enum environment_kind kind_of(int client)
{
    return client == ENVIRONMENT_VERIFY  ? ENVIRONMENT_SERVER_VERIFY
           : client == ENVIRONMENT_AGAIN ? ENVIRONMENT_SERVER_AGAIN
                                         : ENVIRONMENT_SERVER;
}

static int launch_server(struct session *session, char *const *environment)
{
    const struct session_setup *setup = &session->setup;
    const struct tds_options *options = &setup->options->tds;
    char number[16];
    char *const answering[] = {(char *)"sqlserver",
                               (char *)"--socket",
                               number,
                               options->answers[0] != '\0' ? (char *)"--answers" : NULL,
                               (char *)options->answers,
                               NULL};
    char *const passing[] = {
        (char *)"tds-proxy", (char *)"--socket",      number, (char *)"--server", (char *)options->servers,
        (char *)"--record",  (char *)options->record, NULL};
    int null = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int output = setup->output > 0 ? setup->output : STDERR_FILENO;
    snprintf(number, sizeof number, "%d", setup->tds->socket);
    const struct launch launch = {.path = setup->parts->sql_server,
                                  .argv = options->record[0] != '\0' ? passing : answering,
                                  .environment = environment,
                                  .standard = {null, output, output},
                                  .inherited = setup->tds->socket};
    int error = null < 0 ? errno : launch_start(&launch, &session->server);
    if (null >= 0) {
        close(null);
    }
    return error;
}

int tds_start(struct session *session, int kind)
{
    const struct session_setup *setup = &session->setup;
    if (setup->tds == NULL || setup->tds->socket == 0) {
        return 0;
    }
    const struct environment_choice choice = {.answers = setup->options->tds.answers};
    char **environment = environment_make(kind_of(kind), &session->dir, setup->parts, &choice, environ);
    turn_away(setup->tds->socket);
    session->deserted = false;
    int error = environment != NULL ? launch_server(session, environment) : ENOMEM;
    environment_free(environment);
    if (error != 0) {
        session->server = 0;
        snprintf(session->error, sizeof session->error, "--tds: cannot start '%s': %s",
                 setup->parts->sql_server, strerror(error));
    }
    return error;
}

void tds_note_client(struct session *session)
{
    const struct run_options *options = session->setup.options;
    char text[512];
    bool told = false;
    for (int i = 1; i < options->client_argc; i++) {
        told = told || strstr(options->client_argv[i], "{tds") != NULL;
    }
    if (options->tds.wanted && session->setup.client->is_go && !told) {
        snprintf(text, sizeof text,
                 "'%.200s' is a Go program: it connects past the C library, so that --tds cannot send its "
                 "connections "
                 "to the simulated server; give it {tds} as the address",
                 session->setup.client->path);
        session_event(session, (struct event){.kind = EVENT_NOTE, .arg = {NOTE_INTERPOSER}}, text);
    }
}

bool tds_ended(struct session *session, pid_t pid, int status, bool killed)
{
    if (pid != session->server || pid == 0) {
        return false;
    }
    session->server = 0;
    if (!killed && session->error[0] == '\0') {
        snprintf(session->error, sizeof session->error,
                 "--tds: the simulated server ended by itself (%s %d): nobody answered at %s any more",
                 WIFEXITED(status) ? "exit status" : "signal",
                 WIFEXITED(status) ? WEXITSTATUS(status) : WTERMSIG(status), session->setup.tds->place);
    }
    return true;
}
