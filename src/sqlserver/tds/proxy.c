/* proxy.c - tds-proxy: between clients and a real SQL Server, keeping what these asked and were answered.
 *
 * usage: tds-proxy --socket FD --server HOST:PORT --record FILE
 *
 * FD is a TCP socket that listens already. FILE is written whenever there is something new: the process may be killed at
 * any time. What clients and server say to each other is never refused, changed, or held back.
 */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answers_write.h"
#include "proxy_connection.h"
#include "tls.h"

enum {
    EXIT_OPTIONS = 1,
    ANSWERS_MOST = 4096,
    HOST_MAX = 256,
};

static struct store {
    pthread_mutex_t lock;
    struct answers answers;
    int file;
    bool full;
} store = {.lock = PTHREAD_MUTEX_INITIALIZER, .file = -1};

static struct tds_proxy proxy;

static void tell(void *context, const char *line)
{
    (void)context;
    fprintf(stderr, "tds-proxy: %s\n", line);
}

static void keep(void *context, struct answer *answer)
{
    (void)context;
    uint32_t place = 0;
    pthread_mutex_lock(&store.lock);
    bool room = store.answers.count < ANSWERS_MOST;
    int rc = room ? answers_add(&store.answers, answer, &place) : 0;
    rc = room && rc == 0 ? answers_write(store.file, &store.answers, place) : rc;
    if (rc != 0 && rc != EEXIST) {
        fprintf(stderr, "tds-proxy: an answer cannot be kept: %s\n", strerror(rc));
    } else if (!room && !store.full) {
        fprintf(stderr, "tds-proxy: no more than %d answers are kept\n", ANSWERS_MOST);
    }
    store.full = !room;
    pthread_mutex_unlock(&store.lock);
}

/* ---- connections ---- */

static int connect_to(const struct addrinfo *address)
{
    int server = socket(address->ai_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (server >= 0 && connect(server, address->ai_addr, address->ai_addrlen) != 0) {
        int error = errno;
        close(server);
        errno = error;
        return -1;
    }
    return server;
}

static int connect_to_server(void)
{
    const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
    struct addrinfo *found = NULL;
    int server = -1;
    int error = getaddrinfo(proxy.host, proxy.port, &hints, &found);
    for (const struct addrinfo *at = found; at != NULL && server < 0; at = at->ai_next) {
        server = connect_to(at);
    }
    if (server < 0) {
        fprintf(stderr, "tds-proxy: cannot connect to %s:%s: %s\n", proxy.host, proxy.port,
                error != 0 ? gai_strerror(error) : strerror(errno));
    }
    freeaddrinfo(found);
    return server;
}

static void make_ready(int file)
{
    setsockopt(file, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* small questions, at once */
    fcntl(file, F_SETFL, fcntl(file, F_GETFL) | O_NONBLOCK);
}

static void *run_connection(void *argument)
{
    int client = (int)(intptr_t)argument;
    int server = connect_to_server();
    struct tds_error error;
    if (server >= 0) {
        make_ready(client);
        make_ready(server);
        tds_proxy_pass(client, server, &proxy, &error);
        if (error.text[0] != '\0') {
            fprintf(stderr, "tds-proxy: a connection has ended: %s\n", error.text);
        }
        close(server);
    }
    close(client);
    return NULL;
}

/* The file is whole at any time. */
static void leave(int number)
{
    (void)number;
    _exit(EXIT_SUCCESS);
}

static void accept_all(int listener)
{
    for (;;) {
        struct pollfd ready = {.fd = listener, .events = POLLIN};
        pthread_t thread;
        if (poll(&ready, 1, -1) < 0) {
            continue;
        }
        int client = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
        if (client < 0) {
            continue; /* who wanted to connect has gone again */
        }
        int error = pthread_create(&thread, NULL, run_connection, (void *)(intptr_t)client);
        if (error == 0) {
            pthread_detach(thread);
        } else {
            fprintf(stderr, "tds-proxy: a connection is refused: %s\n", strerror(error));
            close(client);
        }
    }
}

/* ---- options ---- */

struct options {
    long socket;
    const char *server;
    const char *record;
};

static bool take_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"socket", required_argument, NULL, 's'},
        {"server", required_argument, NULL, 'h'},
        {"record", required_argument, NULL, 'r'},
        {0},
    };
    int option;
    char *end = NULL;
    while ((option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        switch (option) {
        case 's':
            options->socket = strtol(optarg, &end, 10);
            break;
        case 'h':
            options->server = optarg;
            break;
        case 'r':
            options->record = optarg;
            break;
        default:
            return false;
        }
    }
    return optind == argc && end != NULL && *end == '\0' && options->socket >= 0 && options->server != NULL &&
           options->record != NULL;
}

/* HOST, HOST:PORT, ADDRESS, [ADDRESS]:PORT. */
static bool take_server(const char *text, char host[HOST_MAX])
{
    bool bracketed = text[0] == '[';
    const char *end = bracketed ? strchr(text, ']') : strchr(text, ':');
    const char *colon = end != NULL && bracketed ? end + 1 : end;
    bool alone = end == NULL || (!bracketed && strchr(end + 1, ':') != NULL);
    size_t length = alone ? strlen(text) : (size_t)(end - text);
    proxy.host = host;
    proxy.port = !alone && *colon == ':' ? colon + 1 : "1433";
    snprintf(host, HOST_MAX, "%.*s", (int)length - bracketed, text + bracketed);
    return host[0] != '\0' && length < HOST_MAX;
}

int main(int argc, char **argv)
{
    static char host[HOST_MAX];
    struct options options = {.socket = -1};
    if (!take_options(argc, argv, &options) || !take_server(options.server, host)) {
        fputs("usage: tds-proxy --socket FD --server HOST[:PORT] --record FILE\n", stderr);
        return EXIT_OPTIONS;
    }
    signal(SIGPIPE, SIG_IGN);
    signal(SIGTERM, leave);
    signal(SIGINT, leave);
    store.file = open(options.record, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    int rc = store.file < 0 ? errno : answers_write(store.file, &store.answers, 0);
    if (rc != 0) {
        fprintf(stderr, "tds-proxy: --record '%s': %s\n", options.record, strerror(rc));
        return EXIT_OPTIONS;
    }
    proxy.server_tls = tds_tls_new();
    proxy.client_tls = tds_tls_client_new();
    proxy.keep = keep;
    proxy.tell = tell;
    if (proxy.server_tls == NULL || proxy.client_tls == NULL) {
        fprintf(stderr, "tds-proxy: no TLS: %s\n", tds_tls_error());
        return EXIT_OPTIONS;
    }
    fcntl((int)options.socket, F_SETFD, FD_CLOEXEC);
    accept_all((int)options.socket);
}
