/* pair.h - both ends of one set, brought to any state of the life cycle. Fixture of the core's tests. */
#ifndef PAIR_H
#define PAIR_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "client.h"
#include "server.h"

enum {
    PAIR_DEVICES_MAX = 64,
    PAIR_TRANSFER = 65536
};

struct pair {
    char name[64];
    uint32_t device_count;
    struct client_set *client;
    struct server_set *server; /* NULL until pair_open */
    struct client_device *devices[PAIR_DEVICES_MAX];
    struct server_device *server_devices[PAIR_DEVICES_MAX];
};

const char *pair_device_name(const struct pair *pair, uint32_t index, char out[80]);
void pair_prepare(struct pair *pair, uint32_t device_count);   /* a name and a set that does not exist */
void pair_create(struct pair *pair, uint32_t device_count);    /* client: Configurable */
void pair_open(struct pair *pair);                             /* server: Connected */
void pair_configure(struct pair *pair, uint32_t buffer_count); /* server: Initializing */
void pair_get_configuration(struct pair *pair);                /* client: Initializing */
void pair_activate(struct pair *pair);                         /* both: Active, all devices open */
void pair_start(struct pair *pair, uint32_t device_count);     /* all of the above */
void pair_close_devices(struct pair *pair);                    /* server closes all, client sees VD_E_CLOSE */
void pair_free(struct pair *pair);

/* How many objects of ours are in /dev/shm: VDI_NAMESPACE is set to one of the test's own. */
uint32_t pair_objects_left(void);

#endif
