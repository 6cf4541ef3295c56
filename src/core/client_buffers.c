/* Buffer areas and buffer handles as the client sees them (spec 3.11, 8). */
#include <errno.h>

#include "client_internal.h"

/* --- areas --- */

static int map_area(struct client_set *set, uint32_t area)
{
    char name[OS_NAME_MAX];
    uint64_t size = shared_read(&set->segment.header->area_sizes[area]);
    segment_area_name(&set->segment, area, name);
    int error = os_memory_open(name, &set->areas[area]);
    if (error != 0) {
        /* ENOENT: the set is over and its names are gone. Our trouble, not the set's. */
        return segment_is_aborted(&set->segment) ? VD_E_ABORT
               : error == ENOENT                 ? VD_E_PROTOCOL
                                                 : client_from_errno(error);
    }
    if (set->areas[area].size != size) {
        os_memory_unmap(&set->areas[area]);
        segment_abort(&set->segment, SERVER_ABORT_CORRUPT);
        return VD_E_ABORT;
    }
    return 0;
}

int client_map_areas(struct client_set *set)
{
    uint32_t count = shared_acquire(&set->segment.header->area_count);
    uint32_t mapped = atomic_load(&set->area_count);
    if (count > SHARED_AREAS_MAX) {
        segment_abort(&set->segment, SERVER_ABORT_CORRUPT);
        return VD_E_ABORT;
    }
    for (; mapped < count; mapped++) {
        int result = map_area(set, mapped);
        if (result != 0) {
            return result;
        }
        atomic_store(&set->area_count, mapped + 1);
    }
    return 0;
}

void client_unmap_areas(struct client_set *set)
{
    for (uint32_t i = 0; i < SHARED_AREAS_MAX; i++) {
        os_memory_unmap(&set->areas[i]);
    }
    atomic_store(&set->area_count, 0);
}

/* Areas may be added at any time; the first command or handle that names a new one makes us look. */
static bool area_is_mapped(struct client_set *set, uint32_t area)
{
    if (area < atomic_load(&set->area_count)) {
        return true;
    }
    lock_take(&set->lock);
    client_map_areas(set);
    bool mapped = area < atomic_load(&set->area_count);
    lock_give(&set->lock);
    return mapped;
}

uint8_t *client_buffer_address(struct client_set *set, uint32_t area, uint64_t offset, uint64_t size)
{
    if (area >= SHARED_AREAS_MAX || !area_is_mapped(set, area)) {
        return NULL;
    }
    const struct os_memory *memory = &set->areas[area];
    bool inside = offset >= set->prefix_zone && offset <= memory->size && memory->size - offset >= size;
    return inside ? (uint8_t *)memory->address + offset : NULL;
}

/* --- handles: the area's index, and the buffer's offset in 512-byte blocks plus one --- */

enum {
    HANDLE_UNIT = 512, /* no block is smaller (spec 7), so every buffer starts at a multiple */
    HANDLE_BITS = 24   /* of the offset: an area is smaller than 4 GiB */
};

_Static_assert((1ull << 32) / HANDLE_UNIT < 1ull << HANDLE_BITS, "offsets fit");
_Static_assert(SHARED_AREAS_MAX <= 1 << (31 - HANDLE_BITS), "handles are positive ints (spec 3.11)");

static int find_handle(struct client_set *set, const uint8_t *buffer, uint32_t *handle)
{
    bool over = client_is_terminated(set) && !segment_is_aborted(&set->segment);
    if (buffer == NULL || handle == NULL || over || !client_holds_buffer(set, buffer)) {
        return VD_E_INVALID;
    }
    for (uint32_t i = 0; i < atomic_load(&set->area_count); i++) {
        uintptr_t base = (uintptr_t)set->areas[i].address;
        uintptr_t at = (uintptr_t)buffer;
        if (at >= base && at - base < set->areas[i].size && (at - base) % HANDLE_UNIT == 0) {
            *handle = i << HANDLE_BITS | ((uint32_t)((at - base) / HANDLE_UNIT) + 1);
            return 0;
        }
    }
    return VD_E_INVALID;
}

int client_set_get_buffer_handle(struct client_set *set, const uint8_t *buffer, uint32_t *handle)
{
    if (!gate_enter(&set->gate)) {
        return VD_E_PROTOCOL;
    }
    lock_take(&set->lock);
    int result = find_handle(set, buffer, handle);
    lock_give(&set->lock);
    gate_leave(&set->gate);
    return result;
}

int client_set_map_buffer_handle(struct client_set *set, uint32_t handle, uint8_t **buffer)
{
    if (!gate_enter(&set->gate)) {
        return VD_E_PROTOCOL;
    }
    uint32_t block = handle & ((1u << HANDLE_BITS) - 1);
    uint8_t *address = NULL;
    if (buffer != NULL && block != 0) {
        address = client_buffer_address(set, handle >> HANDLE_BITS, (uint64_t)(block - 1) * HANDLE_UNIT, 1);
    }
    if (address != NULL) {
        *buffer = address;
    }
    gate_leave(&set->gate);
    return address != NULL ? 0 : VD_E_INVALID;
}
