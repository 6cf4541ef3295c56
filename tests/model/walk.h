/* walk.h - the calls a random walk is made of: each with arguments of its own, on the core and for the model.
 */
#ifndef WALK_H
#define WALK_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "client.h"
#include "machine.h"
#include "server.h"

enum {
    WALK_DEVICES = 2,
    WALK_STEPS = 120,
    WALK_TRANSFER = 65536,
};

struct walk {
    uint64_t random;
    struct model_set model;
    struct client_set *client;
    struct server_set *server;
    struct client_device *client_devices[WALK_DEVICES];
    struct server_device *server_devices[WALK_DEVICES];
    struct VDC_Command *held[WALK_DEVICES][WALK_STEPS + 1]; /* by order */
    struct VDS_Command commands[WALK_DEVICES][WALK_STEPS + 1];
    struct model_call history[WALK_STEPS];
    int32_t results[WALK_STEPS];
    uint32_t length;
};

/* Below `below`; the same for the same walk. */
uint32_t walk_draw(struct walk *walk, uint32_t below);

/* How often each call is drawn: seldom what ends a walk. `device`: the side's own device object is needed. */
enum walk_need {
    WALK_NONE,
    WALK_OF_CLIENT,
    WALK_OF_SERVER
};
struct walk_row {
    enum model_function function;
    /* Makes the arguments, tells the model's call about them, and calls the core. */
    int32_t (*make)(struct walk *walk, struct model_call *call);
    uint32_t weight;
    enum walk_need device;
};
extern const struct walk_row walk_rows[];
extern const size_t walk_row_count;

#endif
