/* client_via_abi.c - core/client.h over the C++ ABI of the libsqlvdi.so that the process has loaded (spec 3), and so over
 * libvdifault.so in front of it. It takes the place of the core's client side: a player linked with it makes a client's
 * calls as a client does, while its server is the core's own.
 *
 * What a client gets is passed on as it is: a device is the object of the class. */
#include <stdlib.h>

#include "client.h"

struct client_set {
    ClientVirtualDeviceSet object;
};

static ClientVirtualDevice *object_of(struct client_device *device)
{
    return (ClientVirtualDevice *)(void *)device;
}

/* The interface's names are not const, and the library does not write to them. */
static char *name_of(const char *name)
{
    union {
        const char *given;
        char *name;
    } same = {.given = name};
    return same.name;
}

struct client_set *client_set_new(void)
{
    struct client_set *set = malloc(sizeof *set);
    if (set != NULL) {
        vdi_set_init(&set->object);
    }
    return set;
}

void client_set_free(struct client_set *set)
{
    if (set != NULL) {
        vdi_set_destroy(&set->object);
        free(set);
    }
}

int client_set_create(struct client_set *set, const char *name, const struct VDConfig *config)
{
    struct VDConfig own = *config;
    return vdi_set_create(&set->object, name_of(name), &own);
}

int client_set_open_in_secondary(struct client_set *set, const char *name)
{
    return vdi_set_open_in_secondary(&set->object, name_of(name));
}

int client_set_get_configuration(struct client_set *set, int64_t timeout, struct VDConfig *config)
{
    return vdi_set_get_configuration(&set->object, timeout, config);
}

int client_set_open_device(struct client_set *set, const char *name, struct client_device **device)
{
    ClientVirtualDevice *object = object_of(*device);
    int result = vdi_set_open_device(&set->object, name_of(name), &object);
    *device = (struct client_device *)(void *)object;
    return result;
}

int client_set_get_buffer_handle(struct client_set *set, const uint8_t *buffer, uint32_t *handle)
{
    union {
        const uint8_t *given;
        uint8_t *buffer;
    } same = {.given = buffer};
    return vdi_set_get_buffer_handle(&set->object, same.buffer, handle);
}

int client_set_map_buffer_handle(struct client_set *set, uint32_t handle, uint8_t **buffer)
{
    return vdi_set_map_buffer_handle(&set->object, (int)handle, buffer);
}

void client_set_register_device_closed(struct client_set *set)
{
    vdi_set_register_device_closed(&set->object);
}

int client_set_signal_abort(struct client_set *set)
{
    return vdi_set_signal_abort(&set->object);
}

int client_set_close(struct client_set *set)
{
    return vdi_set_close(&set->object);
}

int client_device_get_command(struct client_device *device, int64_t timeout, struct VDC_Command **command)
{
    return vdi_device_get_command(object_of(device), timeout, command);
}

int client_device_complete_command(struct client_device *device, struct VDC_Command *command, int32_t code,
                                   uint64_t bytes_transferred, int64_t position)
{
    return vdi_device_complete_command(object_of(device), command, code, bytes_transferred, position);
}
