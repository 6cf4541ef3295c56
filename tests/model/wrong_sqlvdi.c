/* wrong_sqlvdi.c - a VDI library that is wrong in one cell of the client table: everything it does not define
 * is found in the library it is linked with. WRONG says which cell, and how. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif
#include <dlfcn.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "vdi.h"
#include "vdierror.h"

#define EXPORT __attribute__((visibility("default")))

static void *next(const char *symbol)
{
    void *address = dlsym(RTLD_NEXT, symbol);
    if (address == NULL) {
        abort();
    }
    return address;
}

#if WRONG <= 3
static int real_get_configuration(ClientVirtualDeviceSet *set, time_t timeout, VDConfig *config)
{
    int (*real)(ClientVirtualDeviceSet *, time_t, VDConfig *);
    void *address = next("_ZN22ClientVirtualDeviceSet16GetConfigurationElP8VDConfig");
    memcpy(&real, &address, sizeof real);
    return real(set, timeout, config);
}
#endif

#if WRONG == 1 || WRONG == 2
static bool is_terminated(ClientVirtualDeviceSet *set)
{
    ClientVirtualDevice *device;
    VDConfig config;
    return real_get_configuration(set, 0, &config) == 0 &&
           vdi_set_open_device(set, (char *)"no such device", &device) == VD_E_PROTOCOL;
}
#endif

#if WRONG == 1 /* GetConfiguration in Normally Terminated is VD_E_PROTOCOL */

EXPORT int vdi_set_get_configuration(ClientVirtualDeviceSet *set, time_t timeout, VDConfig *config)
{
    int result = real_get_configuration(set, timeout, config);
    return result == 0 && is_terminated(set) ? VD_E_PROTOCOL : result;
}

#elif WRONG == 2 /* CompleteCommand in Normally Terminated crashes */

static ClientVirtualDeviceSet *last_set;

EXPORT int vdi_set_open_device(ClientVirtualDeviceSet *set, char *name, ClientVirtualDevice **device)
{
    int (*real)(ClientVirtualDeviceSet *, char *, ClientVirtualDevice **);
    void *address = next("_ZN22ClientVirtualDeviceSet10OpenDeviceEPcPP19ClientVirtualDevice");
    memcpy(&real, &address, sizeof real);
    last_set = set;
    return real(set, name, device);
}

EXPORT int vdi_device_complete_command(ClientVirtualDevice *device, VDC_Command *command, int completion_code,
                                       unsigned long bytes_transferred, int64_t position)
{
    int (*real)(ClientVirtualDevice *, VDC_Command *, int, unsigned long, int64_t);
    void *address = next("_ZN19ClientVirtualDevice15CompleteCommandEP11VDC_Commandiml");
    memcpy(&real, &address, sizeof real);
    if (is_terminated(last_set)) {
        abort();
    }
    return real(device, command, completion_code, bytes_transferred, position);
}

#elif WRONG == 3 /* MapBufferHandle in Configurable never returns */

EXPORT int vdi_set_map_buffer_handle(ClientVirtualDeviceSet *set, int handle, uint8_t **buffer)
{
    int (*real)(ClientVirtualDeviceSet *, int, uint8_t **);
    void *address = next("_ZN22ClientVirtualDeviceSet15MapBufferHandleEiPPh");
    VDConfig config;
    memcpy(&real, &address, sizeof real);
    while (real_get_configuration(set, 0, &config) == VD_E_TIMEOUT) {
        pause();
    }
    return real(set, handle, buffer);
}

#elif WRONG == 4 /* SignalAbort in Active is VD_E_BUSY and does nothing: no case can come to Abort */

static ClientVirtualDeviceSet *active_set;

EXPORT int vdi_set_open_device(ClientVirtualDeviceSet *set, char *name, ClientVirtualDevice **device)
{
    int (*real)(ClientVirtualDeviceSet *, char *, ClientVirtualDevice **);
    void *address = next("_ZN22ClientVirtualDeviceSet10OpenDeviceEPcPP19ClientVirtualDevice");
    memcpy(&real, &address, sizeof real);
    int result = real(set, name, device);
    active_set = result == 0 ? set : result == VD_E_PROTOCOL ? NULL : active_set;
    return result;
}

EXPORT int vdi_set_signal_abort(ClientVirtualDeviceSet *set)
{
    int (*real)(ClientVirtualDeviceSet *);
    void *address = next("_ZN22ClientVirtualDeviceSet11SignalAbortEv");
    memcpy(&real, &address, sizeof real);
    return set == active_set ? VD_E_BUSY : real(set);
}

#else /* GetCommand on a device of a set that was closed crashes, as the documents allow it to */

static bool closed;

EXPORT int vdi_set_close(ClientVirtualDeviceSet *set)
{
    int (*real)(ClientVirtualDeviceSet *);
    void *address = next("_ZN22ClientVirtualDeviceSet5CloseEv");
    memcpy(&real, &address, sizeof real);
    closed = true;
    return real(set);
}

EXPORT int vdi_device_get_command(ClientVirtualDevice *device, time_t timeout, VDC_Command **command)
{
    int (*real)(ClientVirtualDevice *, time_t, VDC_Command **);
    void *address = next("_ZN19ClientVirtualDevice10GetCommandElPP11VDC_Command");
    memcpy(&real, &address, sizeof real);
    if (closed) {
        abort();
    }
    return real(device, timeout, command);
}

#endif
