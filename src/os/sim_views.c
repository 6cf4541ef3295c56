/* The arena that all objects of a world are in, and the views of it: one for each process, which is what it sees of
 * shared memory, and one for ourselves.
 *
 * They are made once: a new world begins at the start of the same arena again. With AddressSanitizer all of a process's
 * view is poisoned but what sim_view_show has shown of it. */
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim_asan.h"
#include "sim_internal.h"

enum {
    LARGE = 1 << 20 /* bytes, of which few are ever touched: to give them back is faster than to clear them */
};

static uint32_t made;  /* a bit a view */
static bool inherited; /* the arena is the parent's, too */

static void on_fork(void)
{
    inherited = true;
}

static int reserve_room(void)
{
    size_t size = (size_t)(SIM_OWN_VIEW + 1) * SIM_ARENA + OS_MEMORY_ALIGNMENT;
    uint8_t *room = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (room == MAP_FAILED) {
        return errno;
    }
    sim_hot.views =
        room + (OS_MEMORY_ALIGNMENT - (uintptr_t)room % OS_MEMORY_ALIGNMENT) % OS_MEMORY_ALIGNMENT;
    return pthread_atfork(NULL, NULL, on_fork);
}

/* Our own view: all others are made of it. The file is closed at once, since descriptors are a client's to close. */
static int make_arena(void)
{
    int error = sim_hot.views == NULL ? reserve_room() : 0;
    if (error != 0) {
        return error;
    }
    int file = memfd_create("sim", MFD_CLOEXEC);
    if (file < 0) {
        return errno;
    }
    void *own = sim_view(SIM_OWN_VIEW, 0);
    if (ftruncate(file, SIM_ARENA) != 0 ||
        mmap(own, SIM_ARENA, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, file, 0) == MAP_FAILED) {
        error = errno;
    } else {
        made |= UINT32_C(1) << SIM_OWN_VIEW;
    }
    close(file);
    return error;
}

static bool is_made(uint32_t view)
{
    return (made >> view & 1) != 0;
}

int sim_view_need(uint32_t view)
{
    int error = is_made(SIM_OWN_VIEW) ? 0 : make_arena();
    if (error != 0 || is_made(view)) {
        return error;
    }
    if (mremap(sim_view(SIM_OWN_VIEW, 0), 0, SIM_ARENA, MREMAP_MAYMOVE | MREMAP_FIXED, sim_view(view, 0)) ==
        MAP_FAILED) {
        return errno;
    }
    sim_view_hide(view, 0, SIM_ARENA);
    made |= UINT32_C(1) << view;
    return 0;
}

uint8_t *sim_view(uint32_t view, size_t place)
{
    return sim_hot.views + (size_t)view * SIM_ARENA + place;
}

void sim_view_clear(size_t place, size_t size)
{
    size_t pages = (size + OS_MEMORY_ALIGNMENT - 1) / OS_MEMORY_ALIGNMENT * OS_MEMORY_ALIGNMENT;
    uint8_t *at = sim_view(SIM_OWN_VIEW, place);
    if (size < LARGE || madvise(at, pages, MADV_REMOVE) != 0) {
        memset(at, 0, size);
    }
}

void sim_view_show(uint32_t view, size_t place, size_t size)
{
    asan_show(sim_view(view, place), size);
}

void sim_view_hide(uint32_t view, size_t place, size_t size)
{
    asan_hide(sim_view(view, place), size);
}

void sim_views_reset(void)
{
    if (inherited) {
        made = 0;
    }
    inherited = false;
}
