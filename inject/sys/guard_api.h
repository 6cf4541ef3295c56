/* guard_api.h - what the guard of libvdifault.so answers; bound weakly, as there may be none. */
#ifndef VDIFAULT_SYS_GUARD_API_H
#define VDIFAULT_SYS_GUARD_API_H

#include <stddef.h>
#include <stdint.h>

/* `function` is about to read (is_write 0) or write these bytes by means that no page protection sees. */
void vdifault_guard_touch(const void *start, size_t length, int is_write, const char *function);
/* The GetCommand that fetched the command whose buffer, in the client's hands, the address lies in; 0: none. */
uint64_t vdifault_guard_fetch_of(const void *address);

#endif
