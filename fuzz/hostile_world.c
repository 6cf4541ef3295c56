/* See hostile_world.h. */
#include "hostile_world.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "hostile_check.h"
#include "sim.h"

/* --- checks --- */

void hostile_fail(const char *format, ...)
{
    struct sim_fiber program;
    va_list arguments;
    sim_look(0, &program);
    va_start(arguments, format);
    fprintf(stderr, "hostile peer: in %s: ", program.function);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    abort();
}

void begin(const struct function *function)
{
    sim_call(function->name != NULL ? function->name : model_function_name(function->model));
}

static bool is_listed(enum model_function function, int result)
{
    for (int state = 0; function != MODEL_FUNCTION_COUNT && state < MODEL_STATE_COUNT; state++) {
        if (model_allows(function, (enum model_state)state, result, MODEL_DEFAULTS)) {
            return true;
        }
    }
    return false;
}

int check(const struct function *function, int result)
{
    bool known = result == 0 || result == VD_ERROR((uint32_t)result & 0xf);
    if (!is_listed(function->model, result) && (!known || (CODE(result) & function->more) == 0)) {
        hostile_fail("result 0x%x is not documented", (unsigned)result);
    }
    return result;
}

static void touch(uint8_t *at)
{
    static uint8_t sum;
    sum = (uint8_t)(sum + *at);
    *at = sum;
}

void check_buffer(uint8_t *buffer, uint64_t prefix, uint64_t size)
{
    if (!sim_maps(buffer - prefix, prefix + size)) {
        hostile_fail("a buffer outside the set");
    }
    if (prefix > 0) {
        touch(buffer - prefix);
    }
    if (size > 0) {
        touch(buffer);
        touch(buffer + size - 1);
    }
}

void check_configuration(const struct VDConfig *config)
{
    if (config->deviceCount < 1 || config->deviceCount > SERVER_DEVICES_MAX) {
        hostile_fail("%u devices", config->deviceCount);
    }
}

/* --- the world --- */

const char *world_device_name(uint32_t index)
{
    static const char *const names[] = {"hostile/set", "hostile-1", "hostile-2", "nobody"};
    return names[index % (sizeof names / sizeof names[0])];
}

int world_begin(struct world *world)
{
    *world = (struct world){.device_count = 1};
    recorded_begin(WORLD_SERVER_PROCESS);
    for (uint32_t i = 0; i < 2; i++) {
        world->clients[i].calls = (struct recorded_client){client_set_new(), i, WORLD_CLIENT_PROCESS + i};
    }
    world->server.set = server_set_new();
    return world->clients[0].calls.set != NULL && world->clients[1].calls.set != NULL &&
                   world->server.set != NULL
               ? 0
               : ENOMEM;
}

void world_end(struct world *world)
{
    for (int i = 0; i < 2; i++) {
        if (world->clients[i].open) {
            world_close(&world->clients[i]);
        }
    }
    if (world->server.open) {
        world_server_close(&world->server);
    }
    client_set_free(world->clients[0].calls.set);
    client_set_free(world->clients[1].calls.set);
    server_set_free(world->server.set);
}
