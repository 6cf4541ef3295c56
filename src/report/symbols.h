/* symbols.h - where in a program an address is: function, source file and line.
 *
 * Reads the modules' files, not the processes (which may have ended): an address is what was recorded, less
 * the module's load base. Threads: one at a time per object. Errors: what cannot be found is answered less
 * precisely, down to module+offset.
 */
#ifndef VDIFAULT_SYMBOLS_H
#define VDIFAULT_SYMBOLS_H

#include <stddef.h>
#include <stdint.h>

struct symbols;

int symbols_new(struct symbols **symbols); /* 0 or ENOMEM */
void symbols_free(struct symbols *symbols);

/* "file.c:42 function", "function+0x12 (module)" or "module+0x1234" of the instruction at `address`, or of the one
 * whose last byte that is. */
void symbols_describe(struct symbols *symbols, const char *module, uint64_t base, uint64_t address,
                      char *text, size_t size);

/* The same in few words that stay as they are from run to run: "module function", or "module+0x1234". */
void symbols_stable_name(struct symbols *symbols, const char *module, uint64_t base, uint64_t address,
                         char *text, size_t size);

#endif
