/* server_fixture.h - both ends of one set in this process, the server's brought to a cell of its table or of
 * the device table. Fixture of the model's tests. */
#ifndef SERVER_FIXTURE_H
#define SERVER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "client.h"
#include "model.h"
#include "server.h"

enum {
    FIXTURE_DEVICES_MAX = 2,
    FIXTURE_TRANSFER = 65536,
    FIXTURE_BUFFERS = 4,
    FIXTURE_COMMANDS = 20,
};

struct server_fixture {
    uint32_t devices;
    struct client_set *client;
    struct client_device *client_device[FIXTURE_DEVICES_MAX];
    struct server_set *set;
    struct server_device *device[FIXTURE_DEVICES_MAX];
    uint8_t *buffer; /* one that AllocateBuffer gave; NULL: none was */
    struct VDS_Command commands[FIXTURE_COMMANDS];
    uint32_t sent;
    struct VDC_Command *held[FIXTURE_COMMANDS]; /* by the client */
    uint32_t held_count;
};

void fixture_new(struct server_fixture *f, uint32_t devices); /* a client's set; the server: Does Not Exist */
/* `opened` server devices in Active. */
void fixture_bring(struct server_fixture *f, enum model_state state, uint32_t opened);
/* A server device, and for the client a set, of a life that is over. */
void fixture_live_once(struct server_fixture *f);
/* Sends a command without buffer to device 0: the result. A refused one must have been called back already,
 * with the code of spec 4; the others must not. */
int fixture_send(struct server_fixture *f, int32_t code);
void fixture_fetch(struct server_fixture *f); /* the client takes the next command of device 0 */
int fixture_complete(struct server_fixture *f, uint32_t held, int32_t code);
void fixture_free(struct server_fixture *f);

#endif
