/* memory.c - the wrapped allocations, out of memory.def.
 *
 * Each ends in a jump: a frame of ours would be in the way of whoever looks up its own caller to say who allocated
 * what, as sanitizers do. So this file is optimised whatever the build.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "sys.h"

#define SYS_ALLOCATION(type, failed, name, parameters, arguments, denied) static _Atomic(void *) name##_slot;
#include "memory.def"
#undef SYS_ALLOCATION

/* All of them at once, unless somebody allocates even earlier: dlerror allocates while it works on the last error, and a
 * dlsym of ours in the middle of that would free what it works on. */
__attribute__((constructor)) static void find_all(void)
{
#define SYS_ALLOCATION(type, failed, name, parameters, arguments, denied) (void)sys_next(&name##_slot, #name);
#include "memory.def"
#undef SYS_ALLOCATION
}

#define SYS_ALLOCATION(type, failed, name, parameters, arguments, denied)                 \
    __attribute__((visibility("default"))) type name parameters                           \
    {                                                                                     \
        __typeof__(&name) definition_ = (__typeof__(&name))sys_next(&name##_slot, #name); \
        if (definition_ == NULL) {                                                        \
            return failed;                                                                \
        }                                                                                 \
        denied;                                                                           \
        return definition_ arguments;                                                     \
    }
#include "memory.def"
