/* servers.h - which connections of the client are meant for SQL Server, and where they go: VDIFAULT_TDS, which is
 * ADDRESS:PORT of the simulated server (IPv4, so that a socket of any family gets there).
 *
 * VDIFAULT_SERVER is a list, by blanks, of names and addresses, each with a port or without: then with any port
 * (localhost: 1433). Without it whatever has port 1433 is meant. A name is never looked up: it gets an address of its
 * own in 127.86.68.0/24, by which connect knows it again. Both variables are read at each question: these are few.
 *
 * Nothing is allocated; errno is preserved. Threads: any.
 */
#ifndef VDIFAULT_SERVERS_H
#define VDIFAULT_SERVERS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

enum {
    SERVERS_PORT = 1433,
    SERVERS_QUESTION_PORT = 1434, /* UDP */
    SERVERS_ADDRESS_MAX = 32      /* bytes of a numeric address in text */
};

union servers_address {
    struct sockaddr any;
    struct sockaddr_in four;
    struct sockaddr_in6 six;
};

/* The connection is meant for the server: `other` and the length are where it goes. */
bool servers_take(const struct sockaddr *address, socklen_t length, union servers_address *other,
                  socklen_t *other_length);

/* The same for a datagram that asks which port a named instance of SQL Server has. It is answered at VDIFAULT_TDS, by
 * UDP. */
bool servers_take_question(const struct sockaddr *address, socklen_t length, union servers_address *other,
                           socklen_t *other_length);

/* The name (in any case) is one of the list, for this port (0: whichever): in its place goes the numeric address. */
bool servers_name(const char *name, int family, uint16_t port, char text[SERVERS_ADDRESS_MAX]);

bool servers_are_set(void);                                                 /* there is a VDIFAULT_TDS */
uint16_t servers_port_of(const struct sockaddr *address, socklen_t length); /* 0: neither IPv4 nor IPv6 */

#endif
