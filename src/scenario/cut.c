/* cut.c - see cut.h. */
#include "cut.h"

#include <errno.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runstate.h"

enum {
    WATCHED_MAX = RUN_RINGS_MAX + 2 /* the rings, the run's state, and its table of waits */
};

static struct {
    _Atomic uintptr_t base; /* 0: free; published last */
    size_t size;
    atomic_bool cut;
} watched[WATCHED_MAX];

static int watched_count;
static struct sigaction before_us;
static uintptr_t page_size;

static void on_bus_error(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    uintptr_t address = (uintptr_t)info->si_addr;
    (void)context;
    for (size_t i = 0; i < WATCHED_MAX; i++) {
        uintptr_t base = atomic_load(&watched[i].base);
        if (base == 0 || address < base || address - base >= watched[i].size) {
            continue;
        }
        void *page = (void *)(address & ~(page_size - 1));
        if (mmap(page, page_size, PROT_READ | PROT_WRITE, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) ==
            MAP_FAILED) {
            break;
        }
        atomic_store(&watched[i].cut, true);
        errno = saved;
        return;
    }
    sigaction(number, &before_us, NULL); /* not ours: the instruction faults again, for whom it concerns */
    errno = saved;
}

static void take_over(void)
{
    struct sigaction action = {.sa_sigaction = on_bus_error, .sa_flags = SA_SIGINFO};
    page_size = (uintptr_t)sysconf(_SC_PAGESIZE);
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &before_us);
}

int cut_watch(void *base, size_t size)
{
    for (int i = 0; i < WATCHED_MAX; i++) {
        if (atomic_load(&watched[i].base) == 0) {
            if (watched_count++ == 0) {
                take_over();
            }
            watched[i].size = size;
            atomic_store(&watched[i].cut, false);
            atomic_store(&watched[i].base, (uintptr_t)base);
            return i;
        }
    }
    return CUT_NONE;
}

void cut_forget(int watch)
{
    if (watch != CUT_NONE) {
        atomic_store(&watched[watch].base, 0);
        if (--watched_count == 0) {
            sigaction(SIGBUS, &before_us, NULL);
        }
    }
}

bool cut_noticed(int watch)
{
    return watch != CUT_NONE && atomic_load(&watched[watch].cut);
}
