/* arena.c - see arena.h. */
#include "arena.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

enum {
    ARENA_CHUNK = 4096
};

struct arena_chunk {
    struct arena_chunk *next;
    size_t size;
    alignas(max_align_t) unsigned char data[];
};

void *arena_alloc(struct arena *arena, size_t size)
{
    const size_t align = alignof(max_align_t);
    size = (size + align - 1) / align * align;
    if (arena->chunks == NULL || arena->chunks->size - arena->used < size) {
        size_t bytes = size > ARENA_CHUNK ? size : ARENA_CHUNK;
        struct arena_chunk *chunk = calloc(1, sizeof(*chunk) + bytes);
        if (chunk == NULL)
            return NULL;
        chunk->next = arena->chunks;
        chunk->size = bytes;
        arena->chunks = chunk;
        arena->used = 0;
    }
    void *memory = arena->chunks->data + arena->used;
    arena->used += size;
    return memory;
}

char *arena_copy(struct arena *arena, const char *text, size_t length)
{
    char *copy = arena_alloc(arena, length + 1);
    if (copy != NULL && length > 0)
        memcpy(copy, text, length);
    return copy;
}

void arena_free(struct arena *arena)
{
    while (arena->chunks != NULL) {
        struct arena_chunk *chunk = arena->chunks;
        arena->chunks = chunk->next;
        free(chunk);
    }
    arena->used = 0;
}
