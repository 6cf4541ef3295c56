/* servers.c - see servers.h. */
#include "servers.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "runstate.h"

enum {
    NAME_BYTES = 256,
    NAMES_MAX = 254
};

#define OWN_NETWORK UINT32_C(0x7f564400) /* 127.86.68.0 */

/* One entry of the list. */
struct server {
    char name[NAME_BYTES];
    uint32_t number; /* its place in the list, from 1 */
    uint16_t port;   /* 0: any */
    bool is_local;
    int family;              /* AF_UNSPEC: a name */
    struct in6_addr address; /* IPv4 as mapped */
};

static const char *setting(const char *name)
{
    const char *value = run_variable(name);
    return value != NULL ? value : "";
}

static void map(uint32_t four, struct in6_addr *six)
{
    const uint8_t bytes[16] = {[10] = 0xff,
                               [11] = 0xff,
                               [12] = (uint8_t)(four >> 24),
                               [13] = (uint8_t)(four >> 16),
                               [14] = (uint8_t)(four >> 8),
                               [15] = (uint8_t)four};
    memcpy(six->s6_addr, bytes, sizeof(bytes));
}

static uint32_t unmap(const struct in6_addr *six)
{
    const uint8_t *byte = six->s6_addr + 12;
    return (uint32_t)byte[0] << 24 | (uint32_t)byte[1] << 16 | (uint32_t)byte[2] << 8 | byte[3];
}

static uint16_t read_port(const char *text)
{
    char *end = NULL;
    unsigned long port = strtoul(text, &end, 10);
    return port <= UINT16_MAX && end != text ? (uint16_t)port : 0;
}

static void recognise(struct server *server)
{
    struct in_addr four;
    server->is_local = strcasecmp(server->name, "localhost") == 0;
    server->family = AF_UNSPEC;
    if (inet_pton(AF_INET, server->name, &four) == 1) {
        server->family = AF_INET;
        map(ntohl(four.s_addr), &server->address);
    } else if (inet_pton(AF_INET6, server->name, &server->address) == 1) {
        server->family = AF_INET6;
    }
    if (server->is_local && server->port == 0) {
        server->port = SERVERS_PORT;
    }
}

/* "NAME", "NAME:PORT", "ADDRESS", "[ADDRESS]:PORT". Moves *list behind it; false: there is none any more. */
static bool next_server(const char **list, struct server *server)
{
    const char *start = *list + strspn(*list, " ");
    size_t length = strcspn(start, " ");
    char text[NAME_BYTES];
    *list = start + length;
    if (length == 0 || server->number == NAMES_MAX) {
        return false;
    }
    snprintf(text, sizeof(text), "%.*s", (int)length, start);
    server->number++;
    server->port = 0;
    bool is_bracketed = text[0] == '[';
    char *end = is_bracketed ? strchr(text, ']') : strchr(text, ':');
    bool has_port = end != NULL && (is_bracketed || strchr(end + 1, ':') == NULL);
    if (has_port) {
        server->port = read_port(end + (is_bracketed && end[1] == ':' ? 2 : 1));
        *end = '\0';
    }
    memcpy(server->name, text + is_bracketed, sizeof(server->name) - is_bracketed);
    recognise(server);
    return true;
}

/* ---- connections ---- */

/* Its address, IPv4 as mapped. */
static uint16_t take_apart(const struct sockaddr *address, socklen_t length, struct in6_addr *six)
{
    union servers_address copy;
    if (address == NULL || length < sizeof(copy.four)) {
        return 0;
    }
    memcpy(&copy, address, length < sizeof(copy) ? length : sizeof(copy));
    if (copy.any.sa_family == AF_INET) {
        map(ntohl(copy.four.sin_addr.s_addr), six);
        return ntohs(copy.four.sin_port);
    }
    if (copy.any.sa_family != AF_INET6 || length < sizeof(copy.six)) {
        return 0;
    }
    *six = copy.six.sin6_addr;
    return ntohs(copy.six.sin6_port);
}

uint16_t servers_port_of(const struct sockaddr *address, socklen_t length)
{
    struct in6_addr six;
    return take_apart(address, length, &six);
}

static bool is_at(const struct server *server, const struct in6_addr *address)
{
    bool is_four = IN6_IS_ADDR_V4MAPPED(address);
    uint32_t four = unmap(address);
    if (server->is_local) {
        return IN6_IS_ADDR_LOOPBACK(address) ||
               (is_four && four >> 24 == IN_LOOPBACKNET && (four & UINT32_C(0xffffff00)) != OWN_NETWORK);
    }
    if (server->family == AF_UNSPEC) {
        return is_four && four == (OWN_NETWORK | server->number);
    }
    return memcmp(&server->address, address, sizeof(*address)) == 0;
}

/* `any_port`: of a server of the list. */
static bool is_meant(const struct in6_addr *address, bool is_port, uint16_t port, bool any_port)
{
    const char *list = setting("VDIFAULT_SERVER");
    struct server server = {.number = 0};
    bool meant = list[0] == '\0' && is_port;
    while (!meant && next_server(&list, &server)) {
        meant = (any_port || server.port == 0 || server.port == port) && is_at(&server, address);
    }
    return meant;
}

bool servers_are_set(void)
{
    return setting("VDIFAULT_TDS")[0] != '\0';
}

/* VDIFAULT_TDS for a socket of this family. */
static bool take_end_point(sa_family_t family, union servers_address *other, socklen_t *other_length)
{
    const char *end = setting("VDIFAULT_TDS");
    struct server end_point = {.number = 0};
    if (!next_server(&end, &end_point) || end_point.family != AF_INET) {
        return false;
    }
    memset(other, 0, sizeof(*other));
    if (family == AF_INET) {
        *other_length = sizeof(other->four);
        other->four.sin_family = AF_INET;
        other->four.sin_port = htons(end_point.port);
        other->four.sin_addr.s_addr = htonl(unmap(&end_point.address));
    } else {
        *other_length = sizeof(other->six);
        other->six.sin6_family = AF_INET6;
        other->six.sin6_port = htons(end_point.port);
        other->six.sin6_addr = end_point.address;
    }
    return true;
}

bool servers_take(const struct sockaddr *address, socklen_t length, union servers_address *other,
                  socklen_t *other_length)
{
    struct in6_addr six;
    uint16_t port = servers_are_set() ? take_apart(address, length, &six) : 0;
    return port != 0 && is_meant(&six, port == SERVERS_PORT, port, false) &&
           take_end_point(address->sa_family, other, other_length);
}

bool servers_take_question(const struct sockaddr *address, socklen_t length, union servers_address *other,
                           socklen_t *other_length)
{
    struct in6_addr six;
    uint16_t port = take_apart(address, length, &six);
    return port == SERVERS_QUESTION_PORT && servers_are_set() && is_meant(&six, true, port, true) &&
           take_end_point(address->sa_family, other, other_length);
}

/* ---- names ---- */

static bool is_called(const struct server *server, const char *name)
{
    size_t length = strlen(name);
    length -= length > 0 && name[length - 1] == '.';
    return server->family == AF_UNSPEC && !server->is_local && strlen(server->name) == length &&
           strncasecmp(server->name, name, length) == 0;
}

bool servers_name(const char *name, int family, uint16_t port, char text[SERVERS_ADDRESS_MAX])
{
    const char *list = servers_are_set() ? setting("VDIFAULT_SERVER") : "";
    struct server server = {.number = 0};
    while (name != NULL && next_server(&list, &server)) {
        if (is_called(&server, name) && (server.port == 0 || port == 0 || server.port == port)) {
            snprintf(text, SERVERS_ADDRESS_MAX, "%s127.86.68.%u", family == AF_INET6 ? "::ffff:" : "",
                     server.number);
            return true;
        }
    }
    return false;
}
