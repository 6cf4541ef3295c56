/* local_server.h - the server behind a client case, in this process: the core's server side, driven by hand.
 */
#ifndef LOCAL_SERVER_H
#define LOCAL_SERVER_H

#include "client_cases.h"
#include "server.h"

enum {
    LOCAL_TRANSFER = 65536,
};

struct local_server {
    struct case_server base;
    struct server_set *set; /* NULL: nothing is served */
    uint32_t devices;
    struct server_device *device[2];
    struct VDS_Command commands[2][2];
};

void local_server_init(struct local_server *server);

#endif
