/* memory.c - the wrapped allocations, out of memory.def.
 *
 * Each ends in a jump: a frame of ours would be in the way of whoever looks up its own caller to say who allocated
 * what, as sanitizers do. So this file is optimised whatever the build.
 */
#include <errno.h>
#include <malloc.h>
#include <stdlib.h>

#include "sys.h"

#define SYS_ALLOCATION(type, failed, name, parameters, arguments, denied)           \
    __attribute__((visibility("default"))) type name parameters                     \
    {                                                                               \
        static _Atomic(void *) slot_;                                               \
        __typeof__(&name) definition_ = (__typeof__(&name))sys_next(&slot_, #name); \
        if (definition_ == NULL) {                                                  \
            return failed;                                                          \
        }                                                                           \
        denied;                                                                     \
        return definition_ arguments;                                               \
    }
#include "memory.def"
