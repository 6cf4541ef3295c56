/* keep.c - see keep.h. */
#include "keep.h"

#include <dlfcn.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

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
static int real_munmap(void *address, size_t length)
{
    munmap_function *definition = (munmap_function *)atomic_load_explicit(&next, memory_order_acquire);
    return definition == NULL ? (int)syscall(SYS_munmap, address, length) : definition(address, length);
}

INJECT_EXPORT int munmap(void *address, size_t length)
{
    struct shadow_set *set = inject_thread.keeping;
    if (set == NULL) {
        return real_munmap(address, length);
    }
    /* One thread at a time keeps for a set: the one that closed it. Beyond the table the range is simply
     * kept. */
    uint32_t count = atomic_load(&set->kept_count);
    if (count < SHADOW_KEPT_MAX) {
        set->kept[count].address = address;
        set->kept[count].length = length;
        atomic_store(&set->kept_count, count + 1);
    }
    return 0;
}

void keep_begin(struct shadow_set *set)
{
    inject_thread.keeping = set;
}

void keep_end(void)
{
    inject_thread.keeping = NULL;
}

void keep_release(struct shadow_set *set)
{
    uint32_t count = set == NULL ? 0 : atomic_exchange(&set->kept_count, 0);
    for (uint32_t i = 0; i < count; i++) {
        real_munmap(set->kept[i].address, set->kept[i].length);
    }
}
