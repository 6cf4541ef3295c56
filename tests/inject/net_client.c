/* net_client.c - connects by TCP and prints the line that it is sent.
 *
 *   net_client HOW NAME PORT    HOW: any, four, six (getaddrinfo for this family), named (the service as a name),
 *                               host, host2, host_r, host2_r (gethostbyname...), and then with -late after it the
 *                               socket does not block
 *
 *   net_client ask|ask-connected|ask-msg|ask-mmsg ADDRESS INSTANCE    which port the named instance has, by UDP
 *
 * Exit status: 0; 2 the name is not known, 3 no connection, 4 nothing was sent.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netdb.h>
#include <poll.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static bool find_info(const char *how, const char *name, const char *port, struct sockaddr_storage *address,
                      socklen_t *length)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
    struct addrinfo *list = NULL;
    hints.ai_family = strcmp(how, "four") == 0 ? AF_INET : strcmp(how, "six") == 0 ? AF_INET6 : AF_UNSPEC;
    if (getaddrinfo(name, strcmp(how, "named") == 0 ? NULL : port, &hints, &list) != 0) {
        return false;
    }
    memcpy(address, list->ai_addr, list->ai_addrlen);
    *length = list->ai_addrlen;
    if (strcmp(how, "named") == 0) {
        ((struct sockaddr_in *)address)->sin_port = htons((uint16_t)atoi(port));
    }
    freeaddrinfo(list);
    return true;
}

static bool find_host(const char *how, const char *name, const char *port, struct sockaddr_storage *address,
                      socklen_t *length)
{
    struct hostent host, *found = NULL;
    char buffer[1024];
    int error = 0;
    if (strcmp(how, "host2") == 0) {
        found = gethostbyname2(name, AF_INET);
    } else if (strcmp(how, "host_r") == 0) {
        gethostbyname_r(name, &host, buffer, sizeof buffer, &found, &error);
    } else if (strcmp(how, "host2_r") == 0) {
        gethostbyname2_r(name, AF_INET, &host, buffer, sizeof buffer, &found, &error);
    } else {
        found = gethostbyname(name);
    }
    if (found == NULL) {
        return false;
    }
    struct sockaddr_in *four = (struct sockaddr_in *)address;
    *four = (struct sockaddr_in){.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(port))};
    memcpy(&four->sin_addr, found->h_addr_list[0], sizeof four->sin_addr);
    *length = sizeof *four;
    return true;
}

static bool reach(int file, const struct sockaddr *address, socklen_t length, bool late)
{
    int error = 0;
    socklen_t size = sizeof error;
    if (late) {
        fcntl(file, F_SETFL, O_NONBLOCK);
    }
    if (connect(file, address, length) == 0) {
        return true;
    }
    struct pollfd wait = {.fd = file, .events = POLLOUT};
    bool done = late && errno == EINPROGRESS && poll(&wait, 1, 5000) == 1 &&
                getsockopt(file, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error == 0;
    fcntl(file, F_SETFL, 0);
    return done;
}

static bool send_question(const char *how, int file, struct sockaddr_in *server, const char *question)
{
    struct iovec part = {(char *)question, strlen(question) + 1};
    struct mmsghdr message = {
        .msg_hdr = {.msg_name = server, .msg_namelen = sizeof *server, .msg_iov = &part, .msg_iovlen = 1}};
    ssize_t size = (ssize_t)part.iov_len;
    if (strcmp(how, "ask-connected") == 0) {
        return connect(file, (struct sockaddr *)server, sizeof *server) == 0 &&
               send(file, question, part.iov_len, 0) == size;
    }
    if (strcmp(how, "ask-msg") == 0) {
        return sendmsg(file, &message.msg_hdr, 0) == size;
    }
    if (strcmp(how, "ask-mmsg") == 0) {
        return sendmmsg(file, &message, 1, 0) == 1 && message.msg_len == (unsigned)size;
    }
    return sendto(file, question, part.iov_len, 0, (struct sockaddr *)server, sizeof *server) == size;
}

static int ask(const char *how, const char *address, const char *instance)
{
    struct sockaddr_in server = {.sin_family = AF_INET, .sin_port = htons(1434)};
    char question[64], answer[256];
    int file = socket(AF_INET, SOCK_DGRAM, 0);
    struct pollfd wait = {.fd = file, .events = POLLIN};
    snprintf(question, sizeof question, "\004%s", instance);
    inet_pton(AF_INET, address, &server.sin_addr);
    if (!send_question(how, file, &server, question) || poll(&wait, 1, 5000) != 1) {
        return 3;
    }
    ssize_t got = recv(file, answer, sizeof answer - 1, 0);
    if (got < 4 || answer[0] != 5 || (unsigned char)answer[1] + 256 * (unsigned char)answer[2] != got - 3) {
        return 4;
    }
    answer[got] = '\0';
    printf("%s\n", answer + 3);
    return 0;
}

int main(int argc, char **argv)
{
    struct sockaddr_storage address;
    socklen_t length = 0;
    char how[16], line[128];
    if (argc != 4) {
        return 1;
    }
    if (strncmp(argv[1], "ask", 3) == 0) {
        return ask(argv[1], argv[2], argv[3]);
    }
    snprintf(how, sizeof how, "%.*s", (int)strcspn(argv[1], "-"), argv[1]);
    bool is_host = strncmp(how, "host", 4) == 0;
    if (!(is_host ? find_host : find_info)(how, argv[2], argv[3], &address, &length)) {
        return 2;
    }
    int file = socket(address.ss_family, SOCK_STREAM, 0);
    if (file < 0 || !reach(file, (struct sockaddr *)&address, length, strstr(argv[1], "-late") != NULL)) {
        return 3;
    }
    FILE *stream = fdopen(file, "r");
    if (stream == NULL || fgets(line, sizeof line, stream) == NULL) {
        return 4;
    }
    printf("%s", line);
    return 0;
}
