/* hostile_world.h - both sides of a set as the hostile-peer harness drives them, and what may come of each call.
 *
 * Every call on a set goes through here: its steps are counted, its result is looked up in the list of results
 * the documents give its function (spec 3, 4; design 5), and what it hands out is checked: buffers lie inside a
 * mapping, prefix zone and all, and can be touched; nothing is handed out twice; each command is called back
 * exactly once. A deviation ends the process (hostile_fail).
 */
#ifndef HOSTILE_WORLD_H
#define HOSTILE_WORLD_H

#include <stdbool.h>
#include <stdint.h>

#include "client.h"
#include "recorded_calls.h"
#include "server.h"

enum {
    WORLD_DEVICES = 8, /* device handles kept of each side */
    WORLD_COMMANDS = 40,
    WORLD_BUFFERS = 16,
    WORLD_CLIENT_PROCESS = 1, /* as events number them: they are one process of the simulation's */
    WORLD_SERVER_PROCESS = 3,
};

struct world_held {
    struct client_device *device;
    uint32_t place; /* among the client's */
    struct VDC_Command *command;
};

struct world_client {
    struct recorded_client calls;
    bool open;       /* Create or OpenInSecondary succeeded, no Close since */
    bool aborted;    /* knows of the abort */
    uint32_t prefix; /* bytes before each buffer, as this side was told */
    uint32_t device_count;
    struct client_device *devices[WORLD_DEVICES];
    uint32_t held_count;
    struct world_held held[WORLD_COMMANDS];
};

struct world_sent {
    struct VDS_Command command;
    bool outstanding;
};

struct world_buffer {
    uint8_t *address;
    uint32_t size;
};

struct world_server {
    struct server_set *set;
    bool open;
    bool aborted;
    uint32_t prefix; /* bytes before each buffer, as this side read them */
    uint32_t device_count;
    struct server_device *devices[WORLD_DEVICES];
    uint32_t buffer_count;
    struct world_buffer buffers[WORLD_BUFFERS];
    struct world_sent sent[WORLD_COMMANDS];
    uint32_t resend; /* so many commands are sent again from inside their callback */
};

struct world {
    uint32_t device_count;
    struct world_client clients[2]; /* the primary, a secondary */
    struct world_server server;
};

int world_begin(struct world *world); /* ENOMEM */
void world_end(struct world *world);  /* closes and frees all */

/* Names of devices by number; the last is nobody's. */
const char *world_device_name(uint32_t index);

int world_create(struct world *world, struct world_client *client, const struct VDConfig *config);
int world_open_in_secondary(struct world_client *client);
int world_get_configuration(struct world_client *client, int64_t timeout);
int world_open_device(struct world_client *client, uint32_t name);
int world_get_command(struct world_client *client, uint32_t device, int64_t timeout);
int world_complete_command(struct world_client *client, uint32_t device, uint32_t held, int32_t code,
                           uint64_t bytes, int64_t position);
int world_buffer_handles(struct world_client *from, struct world_client *to, uint32_t held);
int world_map_buffer_handle(struct world_client *client, uint32_t handle);
int world_signal_abort(struct world_client *client);
int world_close(struct world_client *client);

int world_server_open(struct world *world);
int world_server_get_configuration(struct world_server *server);
int world_begin_configuration(struct world_server *server, uint32_t features, uint32_t block_size,
                              uint32_t alignment, uint32_t max_transfer);
int world_name_device(struct world_server *server, uint32_t index, uint32_t name);
int world_request_buffers(struct world_server *server, uint32_t size, uint32_t alignment, uint32_t count);
int world_query_buffers(struct world_server *server, uint32_t size, uint32_t alignment);
int world_end_configuration(struct world_server *server);
int world_server_open_device(struct world_server *server);
int world_allocate_buffer(struct world_server *server, uint32_t size, uint32_t alignment);
int world_free_buffer(struct world_server *server, uint32_t buffer);
int world_is_shared_buffer(struct world_server *server, uint32_t buffer);
int world_send_command(struct world_server *server, uint32_t device, int32_t code, uint32_t buffer,
                       uint32_t size);
int world_run_completions(struct world_server *server);
void world_ask_server(struct world_server *server, uint32_t device); /* what has no result code */
int world_server_wait(struct world_server *server, int64_t timeout_ns);
int world_completion_agent(struct world_server *server); /* only where it need not wait for anybody */
int world_close_device(struct world_server *server, uint32_t device);
int world_server_signal_abort(struct world_server *server);
int world_server_close(struct world_server *server);

#endif
