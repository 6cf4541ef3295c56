/* main.c - sqlserver: the simulated server on a port. The runner binds and listens; each connection is a process, which
 * a fault may take without the others.
 *
 * usage: sqlserver --socket FD [--answers FILE] [--encryption MODE] [--login-timeout SECONDS]
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "answers_file.h"
#include "children.h"
#include "connection.h"
#include "engine_time.h"
#include "start.h"
#include "tls.h"

enum {
    EXIT_OPTIONS = 1,
    EXIT_PLAN = 2,
    LOGIN_SECONDS = 15,
    FIRST_SPID = 51, /* those below are the server's own */
    NAME_MAX_LENGTH = 128,
};

static atomic_bool leaving;
static atomic_bool interrupted;

static void on_signal(int number)
{
    (void)number;
    atomic_store(&leaving, true);
    atomic_store(&interrupted, true);
    engine_time_leave();
}

/* ---- options ---- */

struct options {
    int socket;
    enum tds_encryption encryption;
    int32_t login_seconds;
};

static bool take_number(const char *name, const char *text, int least, int32_t *number)
{
    char *end;
    long value = strtol(text, &end, 10);
    if (*text == '\0' || *end != '\0' || value < least || value > INT32_MAX) {
        fprintf(stderr, "sqlserver: %s '%s': expected a number from %d\n", name, text, least);
        return false;
    }
    *number = (int32_t)value;
    return true;
}

static bool take_encryption(const char *text, enum tds_encryption *encryption)
{
    static const char *const modes[TDS_ENCRYPTION_COUNT] = {
        [TDS_ENCRYPTION_SUPPORTED] = "supported",
        [TDS_ENCRYPTION_NONE] = "none",
        [TDS_ENCRYPTION_REQUIRED] = "required",
    };
    for (int i = 0; i < TDS_ENCRYPTION_COUNT; i++) {
        if (strcmp(text, modes[i]) == 0) {
            *encryption = (enum tds_encryption)i;
            return true;
        }
    }
    fprintf(stderr, "sqlserver: --encryption '%s': expected supported, none or required\n", text);
    return false;
}

static bool take_options(int argc, char **argv, struct options *options)
{
    static const struct option known[] = {
        {"socket", required_argument, NULL, 's'},
        {"answers", required_argument, NULL, 'a'},
        {"encryption", required_argument, NULL, 'e'},
        {"login-timeout", required_argument, NULL, 't'},
        {0},
    };
    int option;
    bool good = true;
    *options = (struct options){.socket = -1, .login_seconds = LOGIN_SECONDS};
    while (good && (option = getopt_long(argc, argv, "", known, NULL)) != -1) {
        good = option == 's'   ? take_number("--socket", optarg, 0, &options->socket)
               : option == 'e' ? take_encryption(optarg, &options->encryption)
               : option == 't' ? take_number("--login-timeout", optarg, 1, &options->login_seconds)
               : option == 'a' ? setenv("VDIFAULT_ANSWERS", optarg, 1) == 0
                               : false;
    }
    if (good && (optind < argc || options->socket < 0)) {
        fputs(
            "usage: sqlserver --socket FD [--answers FILE] [--encryption supported|none|required] "
            "[--login-timeout SECONDS]\n",
            stderr);
        good = false;
    }
    return good;
}

/* ---- a connection ---- */

static void name_peer(int socket, char *text, size_t size)
{
    struct sockaddr_in6 peer = {0};
    socklen_t length = sizeof peer;
    char address[INET6_ADDRSTRLEN] = "?";
    if (getpeername(socket, (struct sockaddr *)&peer, &length) != 0) {
        snprintf(text, size, "a peer that is gone");
        return;
    }
    struct sockaddr_in *peer4 = (struct sockaddr_in *)&peer;
    const void *bytes = peer.sin6_family == AF_INET ? (void *)&peer4->sin_addr : (void *)&peer.sin6_addr;
    inet_ntop(peer.sin6_family, bytes, address, sizeof address);
    snprintf(text, size, "%s:%u", address, ntohs(peer.sin6_port)); /* where both kinds have it */
}

/* Statements are interrupted by SIGTERM; a connection ends with its server, however that ends. */
static void become_connection(pid_t server, const sigset_t *mask)
{
    struct sigaction action = {.sa_handler = on_signal};
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != server) {
        _exit(EXIT_PLAN);
    }
    engine_time_prepare();
    sigemptyset(&action.sa_mask);
    sigaction(SIGINT, &action, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigprocmask(SIG_SETMASK, mask, NULL);
}

static int serve(int socket, int32_t spid, struct tds_server *server)
{
    struct tds_error error;
    char message[START_MESSAGE_MAX];
    char peer[INET6_ADDRSTRLEN + 16];
    int status = EXIT_PLAN;
    name_peer(socket, peer, sizeof peer);
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &(int){1}, sizeof(int)); /* small answers, at once */
    if (start_catalog(&server->catalog, message) == 0 && start_activity(&server->activity, message) == 0) {
        tds_connection_serve(socket, spid, server, &error);
        if (error.text[0] != '\0') {
            fprintf(stderr, "sqlserver: connection from %s: %s\n", peer, error.text);
        }
        status = EXIT_SUCCESS;
    } else {
        fprintf(stderr, "sqlserver: %s\n", message);
    }
    activity_close(server->activity);
    catalog_close(server->catalog);
    SSL_CTX_free(server->tls);
    return status;
}

/* ---- the server ---- */

struct listener {
    int socket;
    int signals;
    sigset_t mask; /* of a connection */
    int32_t next_spid;
    struct tds_children children;
    struct tds_server server;
};

static void accept_one(struct listener *listener)
{
    pid_t self = getpid();
    int socket = accept4(listener->socket, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (socket < 0) {
        return; /* who wanted to connect has gone again */
    }
    int32_t spid = listener->next_spid++;
    pid_t process = fork();
    if (process == 0) {
        tds_children_forget(&listener->children);
        close(listener->socket);
        close(listener->signals);
        become_connection(self, &listener->mask);
        exit(serve(socket, spid, &listener->server));
    }
    if (process < 0) {
        fprintf(stderr, "sqlserver: a connection is refused: %s\n", strerror(errno));
        close(socket);
        return;
    }
    tds_children_add(&listener->children, process, socket);
}

/* Until SIGTERM or SIGINT. */
static void listen_on(struct listener *listener)
{
    struct pollfd polls[2 + TDS_CHILDREN_MOST];
    bool over = false;
    while (!over) {
        bool room = listener->children.count < TDS_CHILDREN_MOST;
        polls[0] = (struct pollfd){.fd = listener->signals, .events = POLLIN};
        polls[1] = (struct pollfd){.fd = room ? listener->socket : -1, .events = POLLIN};
        uint32_t count = 2 + tds_children_watch(&listener->children, polls + 2);
        if (poll(polls, count, -1) < 0) {
            continue;
        }
        struct signalfd_siginfo signal;
        if ((polls[0].revents & POLLIN) != 0 &&
            read(listener->signals, &signal, sizeof signal) == sizeof signal) {
            over = signal.ssi_signo != SIGCHLD;
            tds_children_reap(&listener->children);
        }
        for (uint32_t i = 2; i < count; i++) {
            if (polls[i].revents != 0) {
                tds_children_lost(&listener->children, polls[i].fd);
            }
        }
        if (!over && (polls[1].revents & POLLIN) != 0) {
            accept_one(listener);
        }
    }
    close(listener->socket);
    tds_children_end(&listener->children);
}

static bool prepare(struct listener *listener)
{
    sigset_t signals;
    sigemptyset(&signals);
    sigaddset(&signals, SIGCHLD);
    sigaddset(&signals, SIGINT);
    sigaddset(&signals, SIGTERM);
    signal(SIGCHLD, SIG_DFL); /* whoever started us may have ignored it */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN); /* seen by a failing write */
    sigprocmask(SIG_BLOCK, &signals, &listener->mask);
    listener->signals = signalfd(-1, &signals, SFD_CLOEXEC | SFD_NONBLOCK);
    listener->server.tls = tds_tls_new();
    if (listener->server.tls == NULL) {
        fprintf(stderr, "sqlserver: no certificate can be made: %s\n", tds_tls_error());
    }
    int flags = fcntl(listener->socket, F_GETFL);
    if (flags < 0 || fcntl(listener->socket, F_SETFL, flags | O_NONBLOCK) != 0 ||
        fcntl(listener->socket, F_SETFD, FD_CLOEXEC) != 0) {
        fprintf(stderr, "sqlserver: --socket %d: %s; expected a socket that listens\n", listener->socket,
                strerror(errno));
        return false;
    }
    return listener->signals >= 0 && listener->server.tls != NULL;
}

int main(int argc, char **argv)
{
    static struct plan plan;
    static struct listener listener;
    static char name[NAME_MAX_LENGTH];
    struct options options;
    struct answers *answers = NULL;
    char message[START_MESSAGE_MAX];
    _Static_assert(sizeof message >= ANSWERS_MESSAGE_MAX, "either's");
    if (!take_options(argc, argv, &options)) {
        return EXIT_OPTIONS;
    }
    if (gethostname(name, sizeof name - 1) != 0) {
        strcpy(name, "localhost");
    }
    if (start_plan(&plan, message) != 0 || answers_from_environment(&answers, message) != 0) {
        fprintf(stderr, "sqlserver: %s\n", message);
        return EXIT_PLAN;
    }
    listener = (struct listener){
        .socket = options.socket,
        .next_spid = FIRST_SPID,
        .children = {.plan = &plan},
        .server = {.name = name,
                   .plan = &plan,
                   .answers = answers,
                   .role = start_role(),
                   .encryption = options.encryption,
                   .login_seconds = options.login_seconds,
                   .leaving = &leaving,
                   .interrupted = &interrupted},
    };
    if (!prepare(&listener)) {
        return EXIT_OPTIONS;
    }
    listen_on(&listener);
    SSL_CTX_free(listener.server.tls);
    answers_free(answers);
    return EXIT_SUCCESS;
}
