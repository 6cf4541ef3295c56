/* unmap.c - munmap as everybody calls it: what the library takes back is no source of aliases any more. */
#include <dlfcn.h>
#include <errno.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "guard.h"
#include "inject.h"
#include "next.h"

typedef int munmap_function(void *, size_t);

static _Atomic(void *) next;

/* Once, before main: a look-up may itself unmap, and must not happen in the child of a threaded process. */
__attribute__((constructor)) static void look_up_early(void)
{
    dlsym_function *lookup = next_dlsym();
    atomic_store_explicit(&next, lookup == NULL ? NULL : lookup(RTLD_NEXT, "munmap"), memory_order_release);
}

/* Not always the bare system call: somebody else (a sanitizer) may watch mappings, too. */
INJECT_EXPORT int munmap(void *address, size_t length)
{
    munmap_function *definition = (munmap_function *)atomic_load_explicit(&next, memory_order_acquire);
    guard_unmapped(address, length); /* before: afterwards another thread may have the addresses */
    return definition == NULL ? (int)syscall(SYS_munmap, address, length) : definition(address, length);
}
