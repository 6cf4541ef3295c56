/* spill.h - memory that grows without moving: in memory up to a limit, beyond it in a file.
 *
 * What lies in the file is the kernel's to write out when memory runs short, so that the events of a run of any length
 * do not fill the machine. The file has no name from the start: nobody else can cut it short, and nothing stays behind.
 * Its room is reserved before use. Ownership: the memory is the spill's until spill_free. Threads: one.
 */
#ifndef VDIFAULT_SPILL_H
#define VDIFAULT_SPILL_H

#include <stddef.h>
#include <stdint.h>

struct spill {
    uint8_t *base; /* NULL: nothing yet; never moves afterwards */
    size_t size;   /* bytes that can be used */
    size_t limit;  /* bytes kept in memory */
    const char *folder;
    int file; /* -1: none yet */
};

/* `folder` is where the file is made; it must live as long as the spill. */
void spill_init(struct spill *spill, const char *folder, size_t limit);
void spill_free(struct spill *spill);

/* Makes at least `bytes` bytes usable. 0 or errno: what there was stays usable. */
int spill_grow(struct spill *spill, size_t bytes);

#endif
