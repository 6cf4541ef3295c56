/* symbols.h - where in a program an address is: function, source file and line, and what was inlined there.
 *
 * Reads the modules' files, not the processes (which may have ended): an address is what was recorded, less
 * the module's load base. Each place is looked up once and kept. Threads: one at a time per object. Errors: what
 * cannot be found is answered less precisely, down to module+offset.
 */
#ifndef VDIFAULT_SYMBOLS_H
#define VDIFAULT_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

/* Owned by the symbols, good as long as they are. */
struct symbols_place {
    const char *function; /* as the source has it, with its class, without parameters; NULL unknown */
    const char *file;     /* NULL unknown */
    int line;
    const char *module;                 /* name of its file; "?" unknown */
    uint64_t offset;                    /* in that file */
    const struct symbols_place *caller; /* the function it was inlined into, and where; NULL: it was not */
};

struct symbols;

int symbols_new(struct symbols **symbols); /* 0 or ENOMEM */
void symbols_free(struct symbols *symbols);

/* The place of the instruction at `address`, or of the one whose last byte that is. */
const struct symbols_place *symbols_find(struct symbols *symbols, const char *module, uint64_t base,
                                         uint64_t address);

/* A C++ function's name as the linker has it ("_Z...") as the source has it, without parameters; the caller's. NULL: it
 * is none, or there is no C++ runtime to tell. */
char *symbols_demangle(const struct symbols *symbols, const char *name);

/* "file.c:42 function", "module+0x1234 function" or "module+0x1234". */
void symbols_format(const struct symbols_place *place, char *text, size_t size);

#endif
