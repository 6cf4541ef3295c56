/* image.h - a file as it would be on disk had the machine stopped at a moment of the run (--prove-durability).
 *
 * What a sync that had ended by then, or a write through O_DSYNC, made durable is on disk; of everything else the
 * worst is assumed: it is not. The bytes are taken from the file as it is at the run's end; where something durable
 * was overwritten later, they are no longer there, and there is no image.
 * Threads: any, one at a time. Ownership: none kept.
 */
#ifndef VDIFAULT_IMAGE_H
#define VDIFAULT_IMAGE_H

#include <stddef.h>
#include <stdint.h>

#include "report.h"

enum image_result {
    IMAGE_SAME,    /* all of it was durable */
    IMAGE_MADE,    /* written */
    IMAGE_UNKNOWN, /* cannot be rebuilt; `why` says the reason */
};

/* The image of the file `identity` at the event of this sequence, copied from the descriptor `from` to `to`, an empty
 * file. `events` need not be sorted. */
enum image_result image_make(const struct report_event *events, size_t count, uint64_t identity,
                             uint64_t moment, int from, int to, char *why, size_t size);

#endif
