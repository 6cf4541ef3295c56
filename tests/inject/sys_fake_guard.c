/* sys_fake_guard.c - a guard of known answers: the client's own block is a held buffer, and each touch is noted. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "sys_words.h"
#include "witness.h"

#define EXPORT __attribute__((visibility("default")))

extern char fake_guard_block[SYS_BLOCK_BYTES];
extern char fake_guard_log[SYS_LOG_BYTES];
EXPORT char fake_guard_block[SYS_BLOCK_BYTES];
EXPORT char fake_guard_log[SYS_LOG_BYTES];

static int is_held(const void *address)
{
    uintptr_t at = (uintptr_t)address, start = (uintptr_t)fake_guard_block;
    return at >= start && at < start + SYS_BLOCK_BYTES;
}

EXPORT void vdifault_guard_touch(const void *start, size_t length, int is_write, const char *function)
{
    size_t used = strlen(fake_guard_log);
    if (is_held(start)) {
        snprintf(fake_guard_log + used, sizeof fake_guard_log - used, "%s%s:%s%zu", used > 0 ? " " : "",
                 function, is_write ? "fills" : "takes", length);
    }
}

EXPORT uint64_t vdifault_guard_fetch_of(const void *address)
{
    return is_held(address) ? SYS_FETCH : 0;
}
