/* text_out.h - text put together piece by piece in a caller's buffer; what does not fit is counted, as snprintf does.
 *
 * Ownership: the buffer is the caller's. Errors: none; `used` beyond `size` says that there was no room.
 * Threads: none of its own. libc only, no allocation; safe in a client.
 */
#ifndef VDIFAULT_TEXT_OUT_H
#define VDIFAULT_TEXT_OUT_H

#include <stddef.h>

/* `used` is the length of the whole, were there room for it. With a size there is always a NUL at the end. */
struct text_out {
    char *text; /* may be NULL if `size` is 0 */
    size_t size, used;
};

void text_put(struct text_out *out, const char *format, ...) __attribute__((format(printf, 2, 3)));

#endif
