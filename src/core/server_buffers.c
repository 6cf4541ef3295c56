/* Shared buffers (spec 7, 8): requested before EndConfiguration, cut from one area, handed out and taken
 * back. */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server_internal.h"

bool is_power_of_two(uint32_t value)
{
    return value != 0 && (value & (value - 1)) == 0;
}

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) & ~(alignment - 1);
}

int server_set_request_buffers(struct server_set *set, uint32_t size, uint32_t alignment, uint32_t count)
{
    if (segment_is_aborted(&set->segment)) {
        return VD_E_ABORT;
    }
    if (set->phase != PHASE_CONFIGURING) {
        return VD_E_PROTOCOL;
    }
    alignment = alignment > set->config.alignment ? alignment : set->config.alignment;
    if (size == 0 || count == 0 || !is_power_of_two(alignment) || alignment > 65536) {
        return VD_E_INVALID;
    }
    if (set->class_count == BUFFER_CLASSES_MAX || count > BUFFERS_PER_CLASS_MAX) {
        return VD_E_MEMORY;
    }
    uint64_t lead = align_up(set->config.prefixZoneSize, alignment);
    set->classes[set->class_count++] = (struct buffer_class){.size = size,
                                                             .alignment = alignment,
                                                             .count = count,
                                                             .lead = lead,
                                                             .stride = align_up(lead + size, alignment)};
    return 0;
}

/* Places every class behind the one before; returns the size of the whole area, 0 if nothing was requested.
 */
static uint64_t place_classes(struct server_set *set)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < set->class_count; i++) {
        struct buffer_class *class = &set->classes[i];
        class->offset = align_up(end, 65536);
        end = class->offset + class->stride * class->count;
    }
    return end;
}

static int allocate_maps(struct server_set *set)
{
    for (uint32_t i = 0; i < set->class_count; i++) {
        set->classes[i].used = calloc(set->classes[i].count, 1);
        if (set->classes[i].used == NULL) {
            return VD_E_MEMORY;
        }
    }
    return 0;
}

int server_buffers_allocate_area(struct server_set *set)
{
    uint64_t size = place_classes(set);
    if (size > UINT32_MAX) {
        return VD_E_MEMORY; /* bufferAreaSize is 32 bits */
    }
    int result = allocate_maps(set);
    if (result == 0 && size != 0) {
        if (os_memory_create(size, &set->buffers) != 0 ||
            os_memory_publish(&set->buffers, set->segment.buffer_name) != 0) {
            result = VD_E_MEMORY;
        }
    }
    if (result != 0) {
        server_buffers_release(set);
        return result;
    }
    set->buffers_named = size != 0;
    set->config.bufferAreaSize = (uint32_t)size;
    shared_write(&set->segment.header->buffer_size, size);
    return 0;
}

void server_buffers_release(struct server_set *set)
{
    if (set->buffers_named) {
        /* Usually gone long since. Not if the client closed before the object had its name. */
        os_memory_unlink(set->segment.buffer_name);
        set->buffers_named = false;
    }
    os_memory_unmap(&set->buffers);
    for (uint32_t i = 0; i < set->class_count; i++) {
        free(set->classes[i].used);
    }
    set->class_count = 0;
}

int64_t server_buffers_offset(const struct server_set *set, const uint8_t *address, uint32_t size)
{
    uintptr_t base = (uintptr_t)set->buffers.address;
    uintptr_t at = (uintptr_t)address;
    if (base == 0 || at < base || at - base > set->buffers.size || set->buffers.size - (at - base) < size) {
        return -1;
    }
    return (int64_t)(at - base);
}

int server_set_allocate_buffer(struct server_set *set, uint8_t **buffer, uint32_t size, uint32_t alignment)
{
    *buffer = NULL;
    if (segment_is_aborted(&set->segment)) {
        return VD_E_ABORT;
    }
    if (set->phase != PHASE_INITIALIZED) {
        return VD_E_PROTOCOL;
    }
    if (alignment != 0 && !is_power_of_two(alignment)) {
        return VD_E_INVALID;
    }
    for (uint32_t i = 0; i < set->class_count; i++) {
        struct buffer_class *class = &set->classes[i];
        uint8_t *cell = class->size >= size && class->alignment >= alignment
                            ? memchr(class->used, 0, class->count)
                            : NULL;
        if (cell != NULL) {
            *cell = 1;
            uint64_t at = class->offset + (uint64_t)(cell - class->used) * class->stride + class->lead;
            *buffer = (uint8_t *)set->buffers.address + at;
            return 0;
        }
    }
    return VD_E_MEMORY;
}

int server_set_free_buffer(struct server_set *set, uint8_t *buffer, uint32_t size)
{
    int64_t at = server_buffers_offset(set, buffer, size);
    for (uint32_t i = 0; at >= 0 && i < set->class_count; i++) {
        struct buffer_class *class = &set->classes[i];
        uint64_t first = class->offset + class->lead;
        uint64_t cell = ((uint64_t)at - first) / class->stride;
        if ((uint64_t)at >= first && cell < class->count && first + cell * class->stride == (uint64_t)at &&
            class->used[cell] != 0) {
            class->used[cell] = 0;
            return 0;
        }
    }
    return VD_E_INVALID;
}
