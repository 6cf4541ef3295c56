/* next.h - the table of interposed functions and where the real ones are (design 4.2).
 *
 * The next definition of a function is the one a client's own dlsym found, else the one behind us in the
 * search order, else the one of a loaded libsqlvdi.so that is in nobody's search order (RTLD_LOCAL). Any
 * thread; no lock of ours. A pointer stays NULL, and is looked for again, until a library has been loaded; a
 * library that a pointer was found in is never unloaded again, whoever closes it.
 */
#ifndef VDIFAULT_NEXT_H
#define VDIFAULT_NEXT_H

#include <stdatomic.h>
#include <stdbool.h>

#include "vdi.h"

enum next_function {
    NEXT_SET_C1,
    NEXT_SET_C2,
    NEXT_SET_D1,
    NEXT_SET_D2,
    NEXT_CREATE,
    NEXT_GET_CONFIGURATION,
    NEXT_OPEN_DEVICE,
    NEXT_CLOSE,
    NEXT_SIGNAL_ABORT,
    NEXT_OPEN_IN_SECONDARY,
    NEXT_GET_BUFFER_HANDLE,
    NEXT_MAP_BUFFER_HANDLE,
    NEXT_REGISTER_DEVICE_CLOSED,
    NEXT_DEVICE_C1,
    NEXT_DEVICE_C2,
    NEXT_DEVICE_D1,
    NEXT_DEVICE_D2,
    NEXT_GET_COMMAND,
    NEXT_COMPLETE_COMMAND,
    NEXT_COUNT
};

typedef void set_void_function(ClientVirtualDeviceSet *);
typedef int set_int_function(ClientVirtualDeviceSet *);
typedef int create_function(ClientVirtualDeviceSet *, char *, VDConfig *);
typedef int get_configuration_function(ClientVirtualDeviceSet *, time_t, VDConfig *);
typedef int open_device_function(ClientVirtualDeviceSet *, char *, ClientVirtualDevice **);
typedef int open_in_secondary_function(ClientVirtualDeviceSet *, char *);
typedef int get_buffer_handle_function(ClientVirtualDeviceSet *, uint8_t *, unsigned int *);
typedef int map_buffer_handle_function(ClientVirtualDeviceSet *, int, uint8_t **);
typedef void device_void_function(ClientVirtualDevice *);
typedef int get_command_function(ClientVirtualDevice *, time_t, VDC_Command **);
typedef int complete_command_function(ClientVirtualDevice *, VDC_Command *, int, unsigned long, int64_t);

/* The variants of constructors and destructors that vdi.h does not name: same functions to us (spec 3.1). */
void vdi_set_init_base(ClientVirtualDeviceSet *set) VDI_SYMBOL("_ZN22ClientVirtualDeviceSetC2Ev");
void vdi_set_destroy_base(ClientVirtualDeviceSet *set) VDI_SYMBOL("_ZN22ClientVirtualDeviceSetD2Ev");
void vdi_device_init_base(ClientVirtualDevice *device) VDI_SYMBOL("_ZN19ClientVirtualDeviceC2Ev");
void vdi_device_destroy_base(ClientVirtualDevice *device) VDI_SYMBOL("_ZN19ClientVirtualDeviceD2Ev");

extern _Atomic(void *) next_found[NEXT_COUNT];
void *next_find(enum next_function function); /* what has not been found yet */

/* NULL: no library has it. */
static inline void *next_definition(enum next_function function)
{
    void *definition = atomic_load_explicit(&next_found[function], memory_order_acquire);
    return definition != NULL ? definition : next_find(function);
}

/* `address` is in a library that a definition was found in, or (a tail call's return address) in ours. */
bool next_is_library(const void *address);

/* ... in such a library, and not in ours. */
bool next_is_vdi_library(const void *address);

/* What a client gets that asks for `name` and would have got `found`: our wrapper, which will use `found`. */
void *next_wrapper(const char *name);
void next_learn(const char *name, void *found);

/* The real dlsym and others that are looked up by us, past our own definitions. */
typedef void *dlsym_function(void *, const char *);
dlsym_function *next_dlsym(void);

#endif
