/* The server's buffers as they must be (spec 4, 7, 8): how many there are of each shape, and that none lies in
 * another. */
#include "play_internal.h"

enum {
    COUNT_MAX = 4096, /* buffers of one request */
    AREAS_MAX = 16,   /* of one set */
    CERTAIN_ROOM =
        16 << 20 /* bytes that any os has for all areas of a scenario, those that are gone included */
};

static uint64_t align_up(uint64_t value, uint64_t alignment)
{
    return (value + alignment - 1) / alignment * alignment;
}

bool play_shape_is_valid(uint32_t size, uint32_t alignment)
{
    return size != 0 && alignment <= 65536 && (alignment & (alignment - 1)) == 0;
}

static bool fits(const struct play_shape *shape, uint32_t size, uint32_t alignment)
{
    return shape->size >= size && shape->alignment >= alignment;
}

uint32_t play_count_free(const struct play_life *life, uint32_t size, uint32_t alignment)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < life->shape_count; i++) {
        const struct play_shape *shape = &life->shapes[i];
        count += fits(shape, size, alignment) ? shape->count - shape->used : 0;
    }
    return count;
}

/* --- requests --- */

static uint32_t true_alignment(const struct play_life *life, uint32_t alignment)
{
    uint32_t least = life->settled.alignment != 0 ? life->settled.alignment : 1; /* 0: not settled yet */
    return alignment > least ? alignment : least;
}

/* Each buffer with its prefix zone, and what it takes to align both. */
static uint64_t bytes_of(const struct play_life *life, uint32_t size, uint32_t alignment, uint32_t count)
{
    alignment = true_alignment(life, alignment);
    return align_up(align_up(life->asked.prefixZoneSize, alignment) + size, alignment) * count;
}

bool play_room_is_certain(const struct play *play, uint64_t bytes)
{
    uint64_t together = bytes + play->area_bytes;
    return together <= CERTAIN_ROOM && (play->host.has_room == NULL || play->host.has_room(together));
}

static enum model_situation room_for(const struct play *play, uint64_t bytes)
{
    return bytes > UINT32_MAX                  ? MODEL_NO_ROOM
           : play_room_is_certain(play, bytes) ? MODEL_ROOM
                                               : MODEL_NO_SITUATION;
}

/* Before EndConfiguration it is only noted down. */
enum model_situation play_room_for_request(const struct play *play, const struct play_life *life,
                                           uint32_t size, uint32_t alignment, uint32_t count)
{
    bool later = life->model.server == MODEL_CONFIGURABLE;
    if (life->shape_count == PLAY_SHAPES_MAX || count > COUNT_MAX ||
        (!later && life->area_count == AREAS_MAX)) {
        return MODEL_NO_ROOM;
    }
    return later ? MODEL_ROOM : room_for(play, bytes_of(life, size, alignment, count));
}

enum model_situation play_room_at_end(const struct play *play, const struct play_life *life)
{
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < life->shape_count; i++) {
        const struct play_shape *shape = &life->shapes[i];
        bytes = align_up(bytes, 65536) + bytes_of(life, shape->size, shape->alignment, shape->count);
    }
    return room_for(play, bytes);
}

void play_add_shape(struct play_life *life, uint32_t size, uint32_t alignment, uint32_t count)
{
    life->shapes[life->shape_count++] =
        (struct play_shape){.size = size, .alignment = true_alignment(life, alignment), .count = count};
}

void play_place_shapes(struct play *play, struct play_life *life)
{
    bool any = false;
    for (uint32_t i = 0; i < life->shape_count; i++) {
        struct play_shape *shape = &life->shapes[i];
        if (!shape->placed) {
            any = true;
            shape->placed = true;
            play->area_bytes += bytes_of(life, shape->size, shape->alignment, shape->count);
        }
    }
    life->area_count += any;
}

void play_forget_shapes(struct play_life *life)
{
    life->shape_count = 0;
}

/* --- buffers --- */

/* The smallest that fits and has one free, so that large buffers stay for large requests. */
static uint32_t choose_shape(const struct play_life *life, uint32_t size, uint32_t alignment)
{
    uint32_t best = PLAY_SHAPES_MAX;
    for (uint32_t i = 0; i < life->shape_count; i++) {
        const struct play_shape *shape = &life->shapes[i];
        if (fits(shape, size, alignment) && shape->used < shape->count &&
            (best == PLAY_SHAPES_MAX || shape->size < life->shapes[best].size)) {
            best = i;
        }
    }
    return best;
}

static bool overlap(const struct play_buffer *a, const struct play_buffer *b, uint32_t prefix)
{
    uintptr_t at = (uintptr_t)a->address - prefix, end = (uintptr_t)a->address + a->size;
    uintptr_t other = (uintptr_t)b->address - prefix, other_end = (uintptr_t)b->address + b->size;
    return at < other_end && other < end;
}

void play_add_buffer(struct play *play, uint8_t *address, uint32_t size, uint32_t alignment)
{
    struct play_life *life = play->server_life;
    uint32_t shape = choose_shape(life, size, alignment);
    struct play_buffer new = {.address = address, .size = size, .shape = shape, .live = true};
    if (address == NULL || shape == PLAY_SHAPES_MAX) {
        play_deviate(play, "it gave %s", address == NULL ? "no buffer" : "one more buffer than there are");
        return;
    }
    for (uint32_t i = 0; i < play->buffer_count; i++) {
        if (play->buffers[i].live && overlap(&new, &play->buffers[i], life->asked.prefixZoneSize)) {
            play_deviate(play, "buffer %u lies in buffer %u", play->buffer_count + 1, i + 1);
        }
    }
    if (((uintptr_t)address & (life->shapes[shape].alignment - 1)) != 0) {
        play_deviate(play, "buffer %u is not aligned to %u", play->buffer_count + 1,
                     life->shapes[shape].alignment);
    }
    life->shapes[shape].used++;
    play->buffers[play->buffer_count++] = new;
}

void play_free_buffer(struct play *play, struct play_buffer *buffer)
{
    if (buffer->shape < PLAY_SHAPES_MAX) {
        play->server_life->shapes[buffer->shape].used--;
    }
    buffer->live = false;
}

struct play_buffer *play_find_buffer(struct play *play, int32_t index, uint8_t **address)
{
    static uint8_t foreign[65536];
    *address = index == 0 ? NULL : foreign;
    if (index < 1 || (uint32_t)index > play->buffer_count || index > SCENARIO_BUFFERS_MAX) {
        return NULL;
    }
    *address = play->buffers[index - 1].address; /* another one may have the place by now */
    for (uint32_t i = 0; i < play->buffer_count; i++) {
        if (play->buffers[i].live && play->buffers[i].address == *address) {
            return &play->buffers[i];
        }
    }
    return NULL;
}
