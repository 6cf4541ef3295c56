/* Configuration as the server does it (spec 4, 7). */
#include <string.h>

#include "server_internal.h"

int server_set_get_configuration(struct server_set *set, struct VDConfig *config)
{
    int result = server_enter(set, PHASE_CONNECTED, PHASE_INITIALIZED);
    if (result != 0) {
        return result;
    }
    *config = atomic_load(&set->phase) == PHASE_INITIALIZED ? set->config : set->client_config;
    server_leave(set);
    return 0;
}

static bool configuration_is_valid(uint32_t block_size, uint32_t alignment, uint32_t max_transfer_size)
{
    return is_power_of_two(block_size) && block_size >= 512 && block_size <= 65536 &&
           is_power_of_two(alignment) && alignment >= block_size && alignment <= 65536 &&
           max_transfer_size >= 65536 && max_transfer_size % 65536 == 0 && max_transfer_size <= 4u << 20;
}

int server_set_begin_configuration(struct server_set *set, uint32_t features, uint32_t block_size,
                                   uint32_t alignment, uint32_t max_transfer_size, uint32_t timeout)
{
    (void)timeout; /* for buffer areas a client declares itself, which no Linux client can (spec 16, 11) */
    int result = server_enter(set, PHASE_CONNECTED, PHASE_CONNECTED);
    if (result != 0) {
        return result;
    }
    alignment = alignment != 0 ? alignment : block_size;
    if (configuration_is_valid(block_size, alignment, max_transfer_size)) {
        set->config.features = features;
        set->config.blockSize = block_size;
        set->config.alignment = alignment;
        set->config.maxTransferSize = max_transfer_size;
        set->config.maxIODepth = 4; /* deprecated, always reported so (spec 5.1) */
        atomic_store(&set->phase, PHASE_CONFIGURING);
        shared_release(&set->segment.header->phase, PHASE_CONFIGURING);
    } else {
        result = VD_E_INVALID;
    }
    server_leave(set);
    return result;
}

/* --- device names --- */

static bool name_is_free(const struct server_set *set, uint32_t index, const char *name)
{
    for (uint32_t i = 0; i < set->segment.device_count; i++) {
        if (i != index && strcmp(set->names[i], name) == 0) {
            return false; /* VDI-SQL-002 */
        }
    }
    return true;
}

int server_set_name_device(struct server_set *set, uint32_t index, const char *name)
{
    int result = server_enter(set, PHASE_CONNECTED, PHASE_CONFIGURING);
    if (result != 0) {
        return result;
    }
    if (index < set->segment.device_count && set_name_is_valid(name) && name_is_free(set, index, name)) {
        strcpy(set->names[index], name);
    } else {
        result = VD_E_INVALID;
    }
    server_leave(set);
    return result;
}

static bool all_have_names(const struct server_set *set)
{
    for (uint32_t i = 0; i < set->segment.device_count; i++) {
        if (set->names[i][0] == '\0') {
            return false;
        }
    }
    return true;
}

static void publish_names(struct server_set *set)
{
    for (uint32_t i = 0; i < set->segment.device_count; i++) {
        struct shared_device *device = &set->segment.header->devices[i];
        for (size_t j = 0; set->names[i][j] != '\0'; j++) { /* the object is zeroed */
            shared_write(&device->name[j], (uint8_t)set->names[i][j]);
        }
    }
}

/* --- EndConfiguration --- */

int server_set_end_configuration(struct server_set *set)
{
    int result = server_enter(set, PHASE_CONFIGURING, PHASE_CONFIGURING);
    if (result != 0) {
        return result;
    }
    result = all_have_names(set) ? server_buffers_allocate(set) : VD_E_INVALID;
    if (result == 0) {
        publish_names(set);
        segment_write_config(set->segment.header->server_config, &set->config);
        atomic_store(&set->phase, PHASE_INITIALIZED);
        shared_release(&set->segment.header->phase, PHASE_INITIALIZED);
        event_notify(&set->segment.header->client_event);
    }
    server_leave(set);
    return result;
}
