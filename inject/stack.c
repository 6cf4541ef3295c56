/* stack.c - see stack.h. */
#include "stack.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <ucontext.h>
#include <unistd.h>

#include "runstate_internal.h"

enum {
    STACKS_MAX = 1024
};

struct known {
    _Atomic uint64_t key; /* 0: free */
    _Atomic uint32_t number;
};

static struct known stacks[STACKS_MAX];

static void explain_module(uint64_t address)
{
    struct event event = {.kind = EVENT_MODULE, .side = EVENT_SIDE_CLIENT, .device = -1, .operation = -1};
    char self[PATH_MAX];
    const char *path = "";
    Dl_info info;
    struct link_map *map = NULL;
    event.arg[1] = (int64_t)address;
    event.arg[2] = (int64_t)address + 1;
    if (dladdr1((void *)(uintptr_t)address, &info, (void **)&map, RTLD_DL_LINKMAP) != 0 && map != NULL) {
        event.arg[0] = (int64_t)map->l_addr;
        path = info.dli_fname != NULL ? info.dli_fname : "";
        if (path[0] != '/') { /* the program itself, as the user typed it */
            ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
            self[length > 0 ? length : 0] = '\0';
            path = self;
        }
    }
    event_record(&event, path);
}

static uint32_t explain_stack(uint64_t address)
{
    struct event event = {.kind = EVENT_STACK, .side = EVENT_SIDE_CLIENT, .device = -1, .operation = -1};
    char text[24];
    explain_module(address);
    snprintf(text, sizeof(text), "%llx", (unsigned long long)address);
    event.stack = atomic_fetch_add(&run_state_attach()->stack_count, 1) + 1;
    event.arg[0] = 1;
    event_record(&event, text);
    return event.stack;
}

/* A stack is known to this process under its address: a child explains its own again, hence the number. */
static uint32_t number_of(uint64_t address)
{
    uint64_t key = (address * 0x9e3779b97f4a7c15u) ^ (run_process() * 0xc2b2ae3d27d4eb4fu);
    key = key == 0 ? 1 : key;
    for (size_t i = 0, at = key % STACKS_MAX; i < STACKS_MAX; i++, at = (at + 1) % STACKS_MAX) {
        uint64_t known = atomic_load_explicit(&stacks[at].key, memory_order_acquire);
        if (known == key) {
            uint32_t number = atomic_load_explicit(&stacks[at].number, memory_order_relaxed);
            return number != 0 ? number : explain_stack(address);
        }
        if (known == 0 && atomic_compare_exchange_strong(&stacks[at].key, &known, key)) {
            uint32_t number = explain_stack(address);
            atomic_store_explicit(&stacks[at].number, number, memory_order_relaxed);
            return number;
        }
    }
    return explain_stack(address); /* full: explained once too often rather than never */
}

static uint32_t number_if_recorded(uint64_t address)
{
    int saved = errno;
    uint32_t number = address != 0 && run_state_is_recorded() ? number_of(address) : 0;
    errno = saved;
    return number;
}

uint32_t stack_of_call(const void *caller)
{
    return caller == NULL ? 0 : number_if_recorded((uint64_t)(uintptr_t)caller - 1);
}

uint32_t stack_of_signal(const void *context)
{
    const ucontext_t *interrupted = context;
#if defined(__x86_64__)
    return number_if_recorded((uint64_t)interrupted->uc_mcontext.gregs[REG_RIP]);
#else
    return number_if_recorded((uint64_t)interrupted->uc_mcontext.pc);
#endif
}
