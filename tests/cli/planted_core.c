/* Bugs in the core, for the player of test_cli_replay: the linker puts these in the places of the core's functions. */
#include <stdatomic.h>
#include <stdlib.h>

#include "client.h"
#include "server.h"
#include "vdierror.h"

int __real_server_device_close(struct server_device *device);
int __wrap_server_device_close(struct server_device *device);
int __wrap_server_set_query_available_buffers(struct server_set *set, uint32_t size, uint32_t alignment,
                                              uint32_t *count);
int __wrap_server_set_is_shared_buffer(struct server_set *set, const uint8_t *address);
int __wrap_client_set_map_buffer_handle(struct client_set *set, uint32_t handle, uint8_t **buffer);

/* A device can be closed twice. */
int __wrap_server_device_close(struct server_device *device)
{
    int result = __real_server_device_close(device);
    return result == VD_E_CLOSE ? 0 : result;
}

/* QueryAvailableBuffers crashes. */
int __wrap_server_set_query_available_buffers(struct server_set *set, uint32_t size, uint32_t alignment,
                                              uint32_t *count)
{
    (void)set, (void)size, (void)alignment, (void)count;
    abort();
}

/* MapBufferHandle crashes, too. */
int __wrap_client_set_map_buffer_handle(struct client_set *set, uint32_t handle, uint8_t **buffer)
{
    (void)set, (void)handle, (void)buffer;
    abort();
}

/* IsSharedBuffer has no end. */
int __wrap_server_set_is_shared_buffer(struct server_set *set, const uint8_t *address)
{
    atomic_uint looks = 0;
    (void)set, (void)address;
    while (atomic_load(&looks) < 2) {
        atomic_fetch_xor(&looks, 1);
    }
    return 0;
}
