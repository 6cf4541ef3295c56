/* arena.h - memory of one batch: many small allocations, one release.
 *
 * Ownership: everything from arena_alloc lives until arena_free. Errors: NULL, no memory. One thread.
 */
#ifndef VDIFAULT_ARENA_H
#define VDIFAULT_ARENA_H

#include <stddef.h>

struct arena_chunk;
struct arena {
    struct arena_chunk *chunks; /* newest first; NULL = empty */
    size_t used;                /* bytes of the newest */
};

void *arena_alloc(struct arena *arena, size_t size);                    /* zeroed, aligned for any object */
char *arena_copy(struct arena *arena, const char *text, size_t length); /* NUL-terminated */
void arena_free(struct arena *arena);

#endif
