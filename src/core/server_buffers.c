/* Shared buffers (spec 4, 7, 8): requested, cut from areas, handed out and taken back. */
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

/* --- requests --- */

static bool shape_is_valid(uint32_t size, uint32_t alignment)
{
    return size != 0 && alignment <= 65536 && (alignment == 0 || is_power_of_two(alignment));
}

static void add_class(struct server_set *set, uint32_t size, uint32_t alignment, uint32_t count)
{
    alignment = alignment > set->config.alignment ? alignment : set->config.alignment;
    uint64_t lead = align_up(set->config.prefixZoneSize, alignment);
    set->classes[set->class_count++] = (struct buffer_class){.size = size,
                                                             .alignment = alignment,
                                                             .count = count,
                                                             .lead = lead,
                                                             .stride = align_up(lead + size, alignment)};
}

int server_set_request_buffers(struct server_set *set, uint32_t size, uint32_t alignment, uint32_t count)
{
    int result = server_enter(set, PHASE_CONFIGURING, PHASE_INITIALIZED);
    if (result != 0) {
        return result;
    }
    if (server_is_terminated(set)) {
        result = VD_E_PROTOCOL;
    } else if (!shape_is_valid(size, alignment) || count == 0) {
        result = VD_E_INVALID;
    } else if (set->class_count == BUFFER_CLASSES_MAX || count > BUFFERS_PER_CLASS_MAX) {
        result = VD_E_MEMORY;
    } else {
        add_class(set, size, alignment, count);
        if (atomic_load(&set->phase) == PHASE_INITIALIZED) {
            result = server_buffers_allocate(set);
            set->class_count -= result != 0;
        }
    }
    server_leave(set);
    return result;
}

static bool class_fits(const struct buffer_class *class, uint32_t size, uint32_t alignment)
{
    return class->size >= size && class->alignment >= alignment;
}

int server_set_query_available_buffers(struct server_set *set, uint32_t size, uint32_t alignment,
                                       uint32_t *count)
{
    if (!server_enter_any(set)) {
        return VD_E_PROTOCOL;
    }
    int result = 0;
    /* Also in Abort: the one sourced cell that nothing contradicts and that puts state first (spec 2.4). */
    if (atomic_load(&set->phase) < PHASE_CONFIGURING || segment_is_aborted(&set->segment) ||
        server_is_terminated(set)) {
        result = VD_E_PROTOCOL;
    } else if (count == NULL || !shape_is_valid(size, alignment)) {
        result = VD_E_INVALID;
    } else {
        *count = 0;
        for (uint32_t i = 0; i < set->class_count; i++) {
            const struct buffer_class *class = &set->classes[i];
            for (uint32_t j = 0; class_fits(class, size, alignment) && j < class->count; j++) {
                *count += class->used == NULL || class->used[j] == 0;
            }
        }
    }
    server_leave(set);
    return result;
}

/* --- areas --- */

/* Places every class that has no area yet behind the one before; returns the size of the whole, 0 if there is
 * none. */
static uint64_t place_classes(struct server_set *set, uint32_t area)
{
    uint64_t end = 0;
    for (uint32_t i = 0; i < set->class_count; i++) {
        struct buffer_class *class = &set->classes[i];
        if (class->used == NULL) {
            class->area = area;
            class->offset = align_up(end, 65536);
            end = class->offset + class->stride * class->count;
        }
    }
    return end;
}

static int make_area(struct server_set *set, uint32_t area, uint64_t size)
{
    char name[OS_NAME_MAX];
    segment_area_name(&set->segment, area, name);
    if (os_memory_create(size, &set->areas[area]) != 0) {
        return VD_E_MEMORY;
    }
    if (os_memory_publish(&set->areas[area], name) != 0) {
        os_memory_unmap(&set->areas[area]);
        return VD_E_MEMORY;
    }
    return 0;
}

/* `first` is the first class without an area: all behind it have none either. */
static int allocate_maps(struct server_set *set, uint32_t first)
{
    for (uint32_t i = first; i < set->class_count; i++) {
        set->classes[i].used = calloc(set->classes[i].count, 1);
        if (set->classes[i].used == NULL) {
            return VD_E_MEMORY;
        }
    }
    return 0;
}

static void free_maps(struct server_set *set, uint32_t first)
{
    for (uint32_t i = first; i < set->class_count; i++) {
        free(set->classes[i].used);
        set->classes[i].used = NULL;
    }
}

static uint32_t first_unplaced(const struct server_set *set)
{
    uint32_t first = 0;
    while (first < set->class_count && set->classes[first].used != NULL) {
        first++;
    }
    return first;
}

int server_buffers_allocate(struct server_set *set)
{
    uint32_t area = atomic_load(&set->area_count);
    uint32_t first = first_unplaced(set);
    uint64_t size = place_classes(set, area);
    bool initial = atomic_load(&set->phase) != PHASE_INITIALIZED;
    if (size == 0) {
        set->config.bufferAreaSize = 0;
        return 0;
    }
    /* bufferAreaSize has 32 bits, and so have offsets in handles (spec 3.11). */
    int result = size <= UINT32_MAX && area < SHARED_AREAS_MAX ? allocate_maps(set, first) : VD_E_MEMORY;
    if (result == 0) {
        result = make_area(set, area, size);
    }
    if (result != 0) {
        free_maps(set, first);
        set->class_count = initial ? 0 : set->class_count; /* "no buffer space": requests start anew */
        return result;
    }
    if (initial) {
        set->config.bufferAreaSize = (uint32_t)size;
    }
    atomic_store(&set->area_count, area + 1);
    shared_write(&set->segment.header->area_sizes[area], size);
    shared_release(&set->segment.header->area_count, area + 1);
    return 0;
}

void server_buffers_release(struct server_set *set)
{
    char name[OS_NAME_MAX];
    for (uint32_t i = 0; i < atomic_load(&set->area_count); i++) {
        segment_area_name(&set->segment, i, name);
        os_memory_unlink(name); /* usually gone; not if the client closed before the area had its name */
        os_memory_unmap(&set->areas[i]);
    }
    free_maps(set, 0);
    atomic_store(&set->area_count, 0);
    set->class_count = 0;
}

bool server_buffers_find(const struct server_set *set, const uint8_t *address, uint32_t size, uint32_t *area,
                         uint64_t *offset)
{
    uintptr_t at = (uintptr_t)address;
    for (uint32_t i = 0; i < atomic_load(&set->area_count); i++) {
        uintptr_t base = (uintptr_t)set->areas[i].address;
        if (at >= base && at - base < set->areas[i].size && set->areas[i].size - (at - base) >= size) {
            *area = i;
            *offset = at - base;
            return true;
        }
    }
    return false;
}

/* --- buffers --- */

/* The smallest class with a free cell, so that large buffers stay for large requests. */
static struct buffer_class *find_class(struct server_set *set, uint32_t size, uint32_t alignment)
{
    struct buffer_class *best = NULL;
    for (uint32_t i = 0; i < set->class_count; i++) {
        struct buffer_class *class = &set->classes[i];
        if (class_fits(class, size, alignment) && memchr(class->used, 0, class->count) != NULL &&
            (best == NULL || class->size < best->size)) {
            best = class;
        }
    }
    return best;
}

int server_set_allocate_buffer(struct server_set *set, uint8_t **buffer, uint32_t size, uint32_t alignment)
{
    *buffer = NULL;
    int result = server_enter(set, PHASE_INITIALIZED, PHASE_INITIALIZED);
    if (result != 0) {
        return result;
    }
    struct buffer_class *class = NULL;
    if (server_is_terminated(set)) {
        result = VD_E_PROTOCOL;
    } else if (!shape_is_valid(size, alignment)) {
        result = VD_E_INVALID;
    } else if ((class = find_class(set, size, alignment)) == NULL) {
        result = VD_E_MEMORY;
    } else {
        uint8_t *cell = memchr(class->used, 0, class->count);
        uint64_t at = class->offset + (uint64_t)(cell - class->used) * class->stride + class->lead;
        *cell = 1;
        *buffer = (uint8_t *)set->areas[class->area].address + at;
    }
    server_leave(set);
    return result;
}

/* The cell that hands out this address, or NULL. */
static uint8_t *find_cell(struct server_set *set, uint32_t area, uint64_t at)
{
    for (uint32_t i = 0; i < set->class_count; i++) {
        const struct buffer_class *class = &set->classes[i];
        uint64_t first = class->offset + class->lead;
        uint64_t cell = at >= first ? (at - first) / class->stride : class->count;
        if (class->used != NULL && class->area == area && cell < class->count &&
            first + cell * class->stride == at) {
            return &class->used[cell];
        }
    }
    return NULL;
}

/* Also after an abort and at the end: cleaning up is always allowed (spec 9.1). */
int server_set_free_buffer(struct server_set *set, uint8_t *buffer, uint32_t size)
{
    if (!server_enter_any(set)) {
        return VD_E_PROTOCOL;
    }
    uint32_t area;
    uint64_t offset;
    uint8_t *cell =
        server_buffers_find(set, buffer, size, &area, &offset) ? find_cell(set, area, offset) : NULL;
    int result = VD_E_INVALID;
    if (atomic_load(&set->phase) != PHASE_INITIALIZED && !segment_is_aborted(&set->segment)) {
        result = VD_E_PROTOCOL;
    } else if (cell != NULL && *cell != 0) {
        *cell = 0;
        result = 0;
    }
    server_leave(set);
    return result;
}

int server_set_is_shared_buffer(struct server_set *set, const uint8_t *address)
{
    uint32_t area;
    uint64_t offset;
    bool shared = false;
    if (gate_enter(&set->gate)) {
        shared = server_buffers_find(set, address, 1, &area, &offset);
        gate_leave(&set->gate);
    }
    return shared;
}
