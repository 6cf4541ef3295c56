/* connect.c - a connection that the client opens to SQL Server by itself goes to the simulated one (servers.h).
 *
 * Drivers of every language call these functions: ODBC, JDBC and .NET, Python, Node.js. Go makes the system calls itself;
 * that is told where its program is a static one (exec_file.h). Only TCP is touched, the datagram that asks for the port
 * of a named instance, and no name but those of --server.
 */
#include <dlfcn.h>
#include <errno.h>
#include <netdb.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "inject.h"
#include "next.h"
#include "runstate.h"
#include "servers.h"

enum network_function {
    NETWORK_CONNECT,
    NETWORK_GETADDRINFO,
    NETWORK_GETHOSTBYNAME,
    NETWORK_GETHOSTBYNAME2,
    NETWORK_GETHOSTBYNAME_R,
    NETWORK_GETHOSTBYNAME2_R,
    NETWORK_SENDTO,
    NETWORK_SENDMSG,
    NETWORK_SENDMMSG,
    NETWORK_COUNT
};

static const char *const names[NETWORK_COUNT] = {"connect",        "getaddrinfo",     "gethostbyname",
                                                 "gethostbyname2", "gethostbyname_r", "gethostbyname2_r",
                                                 "sendto",         "sendmsg",         "sendmmsg"};
static _Atomic(void *) found[NETWORK_COUNT];

static void *real(enum network_function function)
{
    void *definition = atomic_load_explicit(&found[function], memory_order_acquire);
    if (definition == NULL) {
        definition = next_dlsym()(RTLD_NEXT, names[function]);
        atomic_store_explicit(&found[function], definition, memory_order_release);
    }
    return definition;
}

/* ---- what cannot work so is told ---- */

/* `format` has one %s. */
static void note(const char *format, const char *name)
{
    struct event event = {.kind = EVENT_NOTE, .side = EVENT_SIDE_CLIENT, .device = -1, .operation = -1};
    char text[EVENT_TEXT_MAX];
    int saved = errno;
    snprintf(text, sizeof(text), format, name);
    if (inject_is_active() && run_state_is_recorded() && run_is_first(run_name_hash(text))) {
        event.arg[0] = NOTE_INTERPOSER;
        event_record(&event, text);
    }
    errno = saved;
}

static void note_unknown(const char *name)
{
    if (servers_are_set() && name != NULL) {
        note(
            "the client looks up '%.200s', which is not known here: if that is its SQL Server, --server says "
            "so",
            name);
    }
}

/* ---- connections ---- */

static int type_of(int file)
{
    int type = 0;
    socklen_t size = sizeof(type);
    return getsockopt(file, SOL_SOCKET, SO_TYPE, &type, &size) == 0 ? type : 0;
}

/* What is sent over IPv6 goes to an IPv4 address. */
static void open_to_four(int file, const union servers_address *address)
{
    if (address->any.sa_family == AF_INET6) {
        setsockopt(file, IPPROTO_IPV6, IPV6_V6ONLY, &(int){0}, sizeof(int));
    }
}

INJECT_EXPORT int connect(int file, const struct sockaddr *address, socklen_t length)
{
    int (*next)(int, const struct sockaddr *, socklen_t) =
        (int (*)(int, const struct sockaddr *, socklen_t))real(NETWORK_CONNECT);
    union servers_address other;
    int saved = errno;
    if (!servers_are_set()) {
        if (servers_port_of(address, length) == SERVERS_PORT) {
            note("the client connects to a SQL Server %s itself: with --tds the simulated one answers",
                 "(port 1433)");
        }
    } else {
        int type = type_of(file);
        bool taken = type == SOCK_STREAM  ? servers_take(address, length, &other, &length)
                     : type == SOCK_DGRAM ? servers_take_question(address, length, &other, &length)
                                          : false;
        if (taken) {
            address = &other.any;
            open_to_four(file, &other);
        }
    }
    errno = saved;
    return next(file, address, length);
}

/* ---- datagrams ---- */

/* Whether what is sent to this address is a question for a port; then where it goes. */
static bool redirect(int file, const void *address, socklen_t length, union servers_address *other,
                     socklen_t *other_length)
{
    int saved = errno;
    bool taken = address != NULL && servers_take_question(address, length, other, other_length) &&
                 type_of(file) == SOCK_DGRAM;
    if (taken) {
        open_to_four(file, other);
    }
    errno = saved;
    return taken;
}

/* For whom a call is passed on: the outer one's may have been interrupted by a signal handler of the client. */
static const void *pass_on_for(const void *caller)
{
    const void *outer = inject_thread.passed_on_for;
    inject_thread.passed_on_for = caller;
    return outer;
}

INJECT_EXPORT ssize_t sendto(int file, const void *bytes, size_t size, int flags,
                             const struct sockaddr *address, socklen_t length)
{
    ssize_t (*next)(int, const void *, size_t, int, const struct sockaddr *, socklen_t) =
        (ssize_t(*)(int, const void *, size_t, int, const struct sockaddr *, socklen_t))real(NETWORK_SENDTO);
    union servers_address other;
    socklen_t other_length = 0;
    bool taken = redirect(file, address, length, &other, &other_length);
    const void *outer = pass_on_for(__builtin_return_address(0));
    ssize_t sent =
        next(file, bytes, size, flags, taken ? &other.any : address, taken ? other_length : length);
    pass_on_for(outer);
    return sent;
}

INJECT_EXPORT ssize_t sendmsg(int file, const struct msghdr *message, int flags)
{
    ssize_t (*next)(int, const struct msghdr *, int) =
        (ssize_t(*)(int, const struct msghdr *, int))real(NETWORK_SENDMSG);
    union servers_address other;
    struct msghdr copy;
    socklen_t length = 0;
    if (message != NULL && redirect(file, message->msg_name, message->msg_namelen, &other, &length)) {
        copy = *message;
        copy.msg_name = &other;
        copy.msg_namelen = length;
        message = &copy;
    }
    const void *outer = pass_on_for(__builtin_return_address(0));
    ssize_t sent = next(file, message, flags);
    pass_on_for(outer);
    return sent;
}

/* Of several messages those before the first question are sent as they are, and then it alone: as a call may. */
INJECT_EXPORT int sendmmsg(int file, struct mmsghdr *messages, unsigned int count, int flags)
{
    int (*next)(int, struct mmsghdr *, unsigned int, int) =
        (int (*)(int, struct mmsghdr *, unsigned int, int))real(NETWORK_SENDMMSG);
    union servers_address other;
    socklen_t length = 0;
    unsigned int before = 0;
    while (messages != NULL && before < count &&
           !redirect(file, messages[before].msg_hdr.msg_name, messages[before].msg_hdr.msg_namelen, &other,
                     &length)) {
        before++;
    }
    if (messages == NULL || before > 0 || count == 0) {
        return next(file, messages, messages != NULL ? before : count, flags);
    }
    struct mmsghdr copy = messages[0];
    copy.msg_hdr.msg_name = &other;
    copy.msg_hdr.msg_namelen = length;
    int sent = next(file, &copy, 1, flags);
    messages[0].msg_len = copy.msg_len;
    return sent;
}

/* ---- names ---- */

static uint16_t port_of_service(const char *service)
{
    static const char registered[] = "ms-sql-s";
    if (service == NULL) {
        return 0;
    }
    return strcmp(service, registered) == 0 ? SERVERS_PORT : (uint16_t)strtoul(service, NULL, 10);
}

INJECT_EXPORT int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                              struct addrinfo **result)
{
    int (*next)(const char *, const char *, const struct addrinfo *, struct addrinfo **) = (int (*)(
        const char *, const char *, const struct addrinfo *, struct addrinfo **))real(NETWORK_GETADDRINFO);
    char numeric[SERVERS_ADDRESS_MAX];
    int family = hints != NULL ? hints->ai_family : AF_UNSPEC;
    bool looks_up = hints == NULL || (hints->ai_flags & AI_NUMERICHOST) == 0;
    if (looks_up && servers_name(node, family, port_of_service(service), numeric)) {
        return next(numeric, service, hints, result);
    }
    int error = next(node, service, hints, result);
    if (looks_up && (error == EAI_NONAME || error == EAI_AGAIN)) {
        note_unknown(node);
    }
    return error;
}

static struct hostent *told(const char *name, struct hostent *host)
{
    if (host == NULL) {
        note_unknown(name);
    }
    return host;
}

INJECT_EXPORT struct hostent *gethostbyname(const char *name)
{
    struct hostent *(*next)(const char *) = (struct hostent * (*)(const char *)) real(NETWORK_GETHOSTBYNAME);
    char numeric[SERVERS_ADDRESS_MAX];
    return servers_name(name, AF_INET, 0, numeric) ? next(numeric) : told(name, next(name));
}

INJECT_EXPORT struct hostent *gethostbyname2(const char *name, int family)
{
    struct hostent *(*next)(const char *, int) =
        (struct hostent * (*)(const char *, int)) real(NETWORK_GETHOSTBYNAME2);
    char numeric[SERVERS_ADDRESS_MAX];
    return servers_name(name, family, 0, numeric) ? next(numeric, family) : told(name, next(name, family));
}

INJECT_EXPORT int gethostbyname_r(const char *name, struct hostent *host, char *buffer, size_t size,
                                  struct hostent **result, int *error)
{
    int (*next)(const char *, struct hostent *, char *, size_t, struct hostent **, int *) =
        (int (*)(const char *, struct hostent *, char *, size_t, struct hostent **, int *))real(
            NETWORK_GETHOSTBYNAME_R);
    char numeric[SERVERS_ADDRESS_MAX];
    return next(servers_name(name, AF_INET, 0, numeric) ? numeric : name, host, buffer, size, result, error);
}

INJECT_EXPORT int gethostbyname2_r(const char *name, int family, struct hostent *host, char *buffer,
                                   size_t size, struct hostent **result, int *error)
{
    int (*next)(const char *, int, struct hostent *, char *, size_t, struct hostent **, int *) =
        (int (*)(const char *, int, struct hostent *, char *, size_t, struct hostent **, int *))real(
            NETWORK_GETHOSTBYNAME2_R);
    char numeric[SERVERS_ADDRESS_MAX];
    return next(servers_name(name, family, 0, numeric) ? numeric : name, family, host, buffer, size, result,
                error);
}
