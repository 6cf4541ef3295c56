/* serve.c - a server of TDS, or the proxy, for the time of a command: the "real" server of what is recorded, outside any
 * run.
 *
 * usage: tds_serve SQLSERVER [OPTION...] -- COMMAND [ARGUMENT...]
 * The command finds ADDRESS:PORT in VDIFAULT_TDS. The result is its exit status; the server's is added where it did not
 * end well.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    BACKLOG = 16,
    ARGUMENTS_MOST = 32,
    EXIT_HARNESS = 99,
};

static int fail(const char *what)
{
    fprintf(stderr, "tds_serve: %s: %s\n", what, strerror(errno));
    return EXIT_HARNESS;
}

static int listen_somewhere(void)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof address;
    char text[64];
    int listener = socket(AF_INET, SOCK_STREAM, 0);
    if (listener < 0 || bind(listener, (struct sockaddr *)&address, length) != 0 ||
        listen(listener, BACKLOG) != 0 || getsockname(listener, (struct sockaddr *)&address, &length) != 0) {
        return -1;
    }
    snprintf(text, sizeof text, "127.0.0.1:%u", ntohs(address.sin_port));
    setenv("VDIFAULT_TDS", text, 1);
    return listener;
}

static pid_t start(char **arguments, int closed, bool bare)
{
    pid_t process = fork();
    if (process == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (closed >= 0) {
            close(closed);
        }
        if (bare) {
            unsetenv("LD_PRELOAD"); /* it is no client */
        }
        execvp(arguments[0], arguments);
        fail(arguments[0]);
        _exit(EXIT_HARNESS);
    }
    return process;
}

static int status_of(pid_t process)
{
    int how;
    while (waitpid(process, &how, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(how) ? WEXITSTATUS(how) : 128 + WTERMSIG(how);
}

int main(int argc, char **argv)
{
    char *server[ARGUMENTS_MOST] = {argc > 1 ? argv[1] : NULL}, number[16];
    int command = 2, count = 1;
    for (; command < argc && strcmp(argv[command], "--") != 0 && count < ARGUMENTS_MOST - 3; command++) {
        server[count++] = argv[command];
    }
    if (command + 1 >= argc || strcmp(argv[command], "--") != 0) {
        fputs("usage: tds_serve SQLSERVER [OPTION...] -- COMMAND [ARGUMENT...]\n", stderr);
        return EXIT_HARNESS;
    }
    int listener = listen_somewhere();
    if (listener < 0) {
        return fail("no port on 127.0.0.1");
    }
    snprintf(number, sizeof number, "%d", listener);
    server[count++] = (char[]){"--socket"};
    server[count++] = number;
    pid_t serving = start(server, -1, true);
    pid_t working = serving > 0 ? start(argv + command + 1, listener, false) : -1;
    close(listener);
    if (working < 0) {
        return fail("fork");
    }
    int status = status_of(working);
    kill(serving, SIGTERM);
    int server_status = status_of(serving);
    if (server_status != 0) {
        fprintf(stderr, "tds_serve: the server ended with %d\n", server_status);
    }
    return status != 0 ? status : server_status;
}
