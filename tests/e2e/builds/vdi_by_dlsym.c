/* vdi_by_dlsym.c - the interface of libsqlvdi.so, for a client that is not linked with it: the library is loaded
 * RTLD_LOCAL and asked for each function by name, as vendors' agents do that must also start without it. */
#include <dlfcn.h>
#include <stdio.h>
#include <stdlib.h>

#include "vdi.h"

static void *find(const char *symbol)
{
    static void *library;
    void *found = NULL;
    if (library == NULL) {
        library = dlopen("libsqlvdi.so", RTLD_NOW | RTLD_LOCAL);
    }
    if (library != NULL) {
        found = dlsym(library, symbol);
    }
    if (found == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        exit(3);
    }
    return found;
}

/* Defines `name`, which looks `symbol` up at its first call and calls it. */
#define BY_DLSYM(type, name, symbol, parameters, arguments) \
    type name parameters                                    \
    {                                                       \
        static type(*function) parameters;                  \
        if (function == NULL) {                             \
            *(void **)&function = find(symbol);             \
        }                                                   \
        return function arguments;                          \
    }

#define SET    "_ZN22ClientVirtualDeviceSet"
#define DEVICE "_ZN19ClientVirtualDevice"

static void (*set_init)(ClientVirtualDeviceSet *);
static void (*set_destroy)(ClientVirtualDeviceSet *);

void vdi_set_init(ClientVirtualDeviceSet *set)
{
    *(void **)&set_init = find(SET "C1Ev");
    set_init(set);
}

void vdi_set_destroy(ClientVirtualDeviceSet *set)
{
    *(void **)&set_destroy = find(SET "D1Ev");
    set_destroy(set);
}

BY_DLSYM(int, vdi_set_create, SET "6CreateEPcP8VDConfig",
         (ClientVirtualDeviceSet * set, char *name, VDConfig *config), (set, name, config))
BY_DLSYM(int, vdi_set_get_configuration, SET "16GetConfigurationElP8VDConfig",
         (ClientVirtualDeviceSet * set, time_t timeout, VDConfig *config), (set, timeout, config))
BY_DLSYM(int, vdi_set_open_device, SET "10OpenDeviceEPcPP19ClientVirtualDevice",
         (ClientVirtualDeviceSet * set, char *name, ClientVirtualDevice **device), (set, name, device))
BY_DLSYM(int, vdi_set_close, SET "5CloseEv", (ClientVirtualDeviceSet * set), (set))
BY_DLSYM(int, vdi_set_signal_abort, SET "11SignalAbortEv", (ClientVirtualDeviceSet * set), (set))
BY_DLSYM(int, vdi_set_open_in_secondary, SET "15OpenInSecondaryEPc",
         (ClientVirtualDeviceSet * set, char *name), (set, name))
BY_DLSYM(int, vdi_device_get_command, DEVICE "10GetCommandElPP11VDC_Command",
         (ClientVirtualDevice * device, time_t timeout, VDC_Command **command), (device, timeout, command))
BY_DLSYM(int, vdi_device_complete_command, DEVICE "15CompleteCommandEP11VDC_Commandiml",
         (ClientVirtualDevice * device, VDC_Command *command, int code, unsigned long bytes,
          int64_t position),
         (device, command, code, bytes, position))
