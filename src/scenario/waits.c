/* waits.c - see waits.h. */
#include "waits.h"

#include <sys/mman.h>
#include <unistd.h>

#include "runstate_internal.h"

enum {
    PROBES = 64 /* slots that are looked at for one thread */
};

struct run_waits *run_waits_map(const char *folder, bool create)
{
    int error = 0;
    if (create) {
        struct run_waits *made = run_new_file(folder, "waits", sizeof(*made), &error);
        if (made != NULL) {
            made->magic = RUN_WAITS_MAGIC;
        }
        return made;
    }
    int file = run_open_file(folder, "waits", sizeof(struct run_waits));
    struct run_waits *waits = file >= 0 ? run_map_file(file, sizeof(*waits)) : NULL;
    if (file >= 0) {
        close(file);
    }
    if (waits != NULL && waits->magic != RUN_WAITS_MAGIC) {
        munmap(waits, sizeof(*waits));
        waits = NULL;
    }
    return waits;
}

static uint64_t owner_of(uint32_t process, uint32_t thread)
{
    return (uint64_t)process << 32 | thread;
}

struct run_wait *run_wait_claim(struct run_waits *waits, uint32_t process, uint32_t thread)
{
    uint64_t owner = owner_of(process, thread);
    for (uint32_t i = 0; i < PROBES; i++) {
        struct run_wait *wait = &waits->slots[(thread + i) % RUN_WAITS_MAX];
        uint64_t found = 0;
        if (atomic_load(&wait->owner) == owner ||
            atomic_compare_exchange_strong(&wait->owner, &found, owner)) {
            atomic_store(&wait->active, 0);
            atomic_fetch_add(&wait->serial, 1);
            atomic_store(&wait->descriptor_count, 0);
            return wait;
        }
    }
    return NULL;
}

void run_wait_release(struct run_wait *wait)
{
    atomic_store(&wait->active, 0);
    atomic_store(&wait->owner, 0);
}

const struct run_wait *run_wait_find(const struct run_waits *waits, uint32_t process, uint32_t thread)
{
    for (uint32_t i = 0; i < PROBES; i++) {
        const struct run_wait *wait = &waits->slots[(thread + i) % RUN_WAITS_MAX];
        if (atomic_load(&wait->owner) == owner_of(process, thread)) {
            return atomic_load(&wait->active) != 0 ? wait : NULL;
        }
    }
    return NULL;
}

void run_waits_leave(struct run_waits *waits, uint32_t process)
{
    struct run_wait *mark = run_wait_claim(waits, process, 0);
    if (mark != NULL) {
        atomic_store(&mark->active, 1);
    }
}

bool run_waits_is_leaving(const struct run_waits *waits, uint32_t process)
{
    return run_wait_find(waits, process, 0) != NULL;
}
