/* trace_internal.h - what writer and reader of trace files share. Not for other files. */
#ifndef VDIFAULT_TRACE_INTERNAL_H
#define VDIFAULT_TRACE_INTERNAL_H

#define XXH_INLINE_ALL
#include <xxhash.h>

#include "trace.h"

enum {
    TRACE_TEXT_BYTES = sizeof(((struct event *)0)->text),
    TRACE_TEXT_RECORDS_MAX = EVENT_TEXT_MAX / TRACE_TEXT_BYTES,
    TRACE_ALIGN = 8
};

static inline uint64_t trace_hash(uint32_t kind, uint32_t length, const void *bytes)
{
    return XXH64(bytes, length, (uint64_t)kind << 32 | length);
}

#endif
