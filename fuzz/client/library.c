/* library.c - the VDI library that the interposer's code finds behind itself (next.h): src/sqlvdi over the simulation's
 * core, in this program. Built, as abi.c is, with names of its own for the functions of vdi.h (VDI_PREFIX): those that
 * the client links with are the interposer's.
 *
 * A Close by the fault early-close is put off to the set's next Create or its end, so that what the client holds stays
 * readable (design 4.4). Until then the set is aborted, which is what a Close with open devices comes to (design 5, X3).
 */
#include <stddef.h>

#include "guard.h"
#include "next.h"
#include "shadow.h"
#include "vdierror.h"
#include "world.h"

static int close_or_put_off(ClientVirtualDeviceSet *set)
{
    const struct shadow_set *shadow = shadow_set(set);
    if (shadow == NULL || atomic_load(&shadow->state) != SHADOW_CLOSED_BY_FAULT) {
        return vdi_set_close(set);
    }
    vdi_set_signal_abort(set);
    return VD_E_OPEN;
}

void guard_life_ended(const struct call *call)
{
    if (call->function != VDI_FN_DESTROY && call->set != NULL &&
        atomic_load(&call->set->state) == SHADOW_CLOSED_BY_FAULT) {
        vdi_set_close((ClientVirtualDeviceSet *)atomic_load(&call->set->object));
    }
}

_Atomic(void *) next_found[NEXT_COUNT] = {
    [NEXT_SET_C1] = (void *)vdi_set_init,
    [NEXT_SET_C2] = (void *)vdi_set_init,
    [NEXT_SET_D1] = (void *)vdi_set_destroy,
    [NEXT_SET_D2] = (void *)vdi_set_destroy,
    [NEXT_CREATE] = (void *)vdi_set_create,
    [NEXT_GET_CONFIGURATION] = (void *)vdi_set_get_configuration,
    [NEXT_OPEN_DEVICE] = (void *)vdi_set_open_device,
    [NEXT_CLOSE] = (void *)close_or_put_off,
    [NEXT_SIGNAL_ABORT] = (void *)vdi_set_signal_abort,
    [NEXT_OPEN_IN_SECONDARY] = (void *)vdi_set_open_in_secondary,
    [NEXT_GET_BUFFER_HANDLE] = (void *)vdi_set_get_buffer_handle,
    [NEXT_MAP_BUFFER_HANDLE] = (void *)vdi_set_map_buffer_handle,
    [NEXT_REGISTER_DEVICE_CLOSED] = (void *)vdi_set_register_device_closed,
    [NEXT_DEVICE_C1] = (void *)vdi_device_init,
    [NEXT_DEVICE_C2] = (void *)vdi_device_init,
    [NEXT_DEVICE_D1] = (void *)vdi_device_destroy,
    [NEXT_DEVICE_D2] = (void *)vdi_device_destroy,
    [NEXT_GET_COMMAND] = (void *)buffers_get_command,
    [NEXT_COMPLETE_COMMAND] = (void *)buffers_complete_command,
};

void *next_find(enum next_function function)
{
    return next_found[function];
}

/* Whose call it is says who makes it, not where from: nobody else calls the interposer's functions. */
bool next_is_library(const void *address)
{
    (void)address;
    return false;
}
