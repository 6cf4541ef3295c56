/* abi.c - libsqlvdi.so: the C++ ABI of the client library (spec 3.1), exported from C.
 *
 * Each function's symbol is the C++ method's, by the asm labels of vdi.h. Both classes hold one private
 * pointer; it is ours to use. Everything else is src/core.
 */
#include <stddef.h>

#include "client.h"
#include "vdi.h"

#define EXPORT __attribute__((visibility("default")))

_Static_assert(sizeof(ClientVirtualDeviceSet) == 8 && sizeof(ClientVirtualDevice) == 8,
               "one pointer (spec 3.1)");

static struct client_set *core(ClientVirtualDeviceSet *set)
{
    return (struct client_set *)set->cvds;
}

EXPORT void vdi_set_init(ClientVirtualDeviceSet *set)
{
    set->cvds = (struct CVDS *)client_set_new();
}

EXPORT void vdi_set_destroy(ClientVirtualDeviceSet *set)
{
    client_set_free(core(set));
    set->cvds = NULL;
}

EXPORT int vdi_set_create(ClientVirtualDeviceSet *set, char *name, VDConfig *cfg)
{
    return core(set) == NULL ? VD_E_MEMORY : client_set_create(core(set), name, cfg);
}

EXPORT int vdi_set_get_configuration(ClientVirtualDeviceSet *set, time_t timeout, VDConfig *cfg)
{
    return core(set) == NULL ? VD_E_PROTOCOL : client_set_get_configuration(core(set), timeout, cfg);
}

EXPORT int vdi_set_open_device(ClientVirtualDeviceSet *set, char *name, ClientVirtualDevice **device)
{
    struct client_device *opened = NULL;
    if (device != NULL) {
        *device = NULL;
    }
    if (core(set) == NULL) {
        return VD_E_PROTOCOL;
    }
    int result = client_set_open_device(core(set), name, device != NULL ? &opened : NULL);
    if (result == 0) {
        *device = client_device_object(opened);
    }
    return result;
}

EXPORT int vdi_set_close(ClientVirtualDeviceSet *set)
{
    return core(set) == NULL ? VD_E_PROTOCOL : client_set_close(core(set));
}

EXPORT int vdi_set_signal_abort(ClientVirtualDeviceSet *set)
{
    return core(set) == NULL ? VD_E_PROTOCOL : client_set_signal_abort(core(set));
}

EXPORT int vdi_set_open_in_secondary(ClientVirtualDeviceSet *set, char *name)
{
    return core(set) == NULL ? VD_E_MEMORY : client_set_open_in_secondary(core(set), name);
}

EXPORT int vdi_set_get_buffer_handle(ClientVirtualDeviceSet *set, uint8_t *buffer, unsigned int *handle)
{
    return core(set) == NULL ? VD_E_PROTOCOL : client_set_get_buffer_handle(core(set), buffer, handle);
}

EXPORT int vdi_set_map_buffer_handle(ClientVirtualDeviceSet *set, int handle, uint8_t **buffer)
{
    return core(set) == NULL ? VD_E_PROTOCOL
                             : client_set_map_buffer_handle(core(set), (uint32_t)handle, buffer);
}

EXPORT void vdi_set_register_device_closed(ClientVirtualDeviceSet *set)
{
    if (core(set) != NULL) {
        client_set_register_device_closed(core(set));
    }
}

/* A device object that did not come from OpenDevice is of no set: its calls give VD_E_PROTOCOL. One that did
 * belongs to its set, yet the class has a public destructor: `delete` takes the object and leaves the device.
 */
EXPORT void vdi_device_init(ClientVirtualDevice *device)
{
    device->cvd = NULL;
}

EXPORT void vdi_device_destroy(ClientVirtualDevice *device)
{
    if (device->cvd != NULL) {
        client_device_object_deleted((struct client_device *)device->cvd);
        device->cvd = NULL;
    }
}

EXPORT int vdi_device_get_command(ClientVirtualDevice *device, time_t timeout, VDC_Command **command)
{
    struct client_device *core_device = (struct client_device *)device->cvd;
    if (core_device == NULL) {
        if (command != NULL) {
            *command = NULL;
        }
        return VD_E_PROTOCOL;
    }
    return client_device_get_command(core_device, timeout, command);
}

EXPORT int vdi_device_complete_command(ClientVirtualDevice *device, VDC_Command *command, int completion_code,
                                       unsigned long bytes_transferred, int64_t position)
{
    struct client_device *core_device = (struct client_device *)device->cvd;
    if (core_device == NULL) {
        return VD_E_PROTOCOL;
    }
    return client_device_complete_command(core_device, command, completion_code, bytes_transferred, position);
}

/* The base-object twins of constructors and destructors: the classes have no bases, so they are the same. */
extern void twin_set_init(ClientVirtualDeviceSet *set) VDI_SYMBOL("_ZN22ClientVirtualDeviceSetC2Ev")
    __attribute__((alias(VDI_PREFIX "_ZN22ClientVirtualDeviceSetC1Ev"), visibility("default")));
extern void twin_set_destroy(ClientVirtualDeviceSet *set) VDI_SYMBOL("_ZN22ClientVirtualDeviceSetD2Ev")
    __attribute__((alias(VDI_PREFIX "_ZN22ClientVirtualDeviceSetD1Ev"), visibility("default")));
extern void twin_device_init(ClientVirtualDevice *device) VDI_SYMBOL("_ZN19ClientVirtualDeviceC2Ev")
    __attribute__((alias(VDI_PREFIX "_ZN19ClientVirtualDeviceC1Ev"), visibility("default")));
extern void twin_device_destroy(ClientVirtualDevice *device) VDI_SYMBOL("_ZN19ClientVirtualDeviceD2Ev")
    __attribute__((alias(VDI_PREFIX "_ZN19ClientVirtualDeviceD1Ev"), visibility("default")));
