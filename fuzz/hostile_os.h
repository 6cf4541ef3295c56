/* hostile_os.h - os.h for the hostile-peer harness, and the stranger who writes into shared memory.
 *
 * One thread, virtual time. Shared objects are heap blocks of exactly their size, so that AddressSanitizer sees
 * a byte too far; every mapping of an object is the same block, freed with its last mapping and name. The core
 * is built with VDIFAULT_STEPS: the stranger may write before any of its accesses, also between two of one call
 * (what was checked is not what is used).
 *
 * Nothing blocks: a wait ends at once, with its deadline passed. A wait without a deadline, or a call of more
 * steps than any call needs, is an endless loop; hostile_fail ends the process.
 */
#ifndef HOSTILE_OS_H
#define HOSTILE_OS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum hostile_how {
    HOSTILE_SET,
    HOSTILE_ADD,
    HOSTILE_FLIP,
    HOSTILE_HOW_COUNT
};

/* One write of the stranger's: `width` bytes (1, 4 or 8) at `offset` of the index-th object, both taken modulo
 * what there is when it happens. */
struct hostile_write {
    uint32_t object;
    uint32_t offset;
    uint32_t width;
    enum hostile_how how;
    uint64_t value;
};

void hostile_begin(void); /* a new world: no objects, no writes to come */
/* Fails if a mapping is left, or, where nobody lied (`honest`), a name. Frees everything. */
void hostile_end(bool honest);

void hostile_write_now(const struct hostile_write *write);
void hostile_write_at(const struct hostile_write *write, uint32_t steps); /* that many steps from now */
/* From now on: every `interval` steps a write that `seed` makes up, `count` times. */
void hostile_storm(uint64_t seed, uint32_t interval, uint32_t count);

void hostile_call(const char *function);        /* a call begins: its steps are counted */
void hostile_set_alive(bool alive);             /* what os_process_alive says of everybody */
bool hostile_maps(const void *at, size_t size); /* [at, at + size) lies in one mapped object */

_Noreturn void hostile_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

#endif
