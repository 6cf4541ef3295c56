/* stack_explain.c - see stack_explain.h. */
#include "stack_explain.h"

#include <assert.h>
#include <dlfcn.h>
#include <link.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "next.h"
#include "runstate_internal.h"

enum {
    MODULES_MAX = 256,
    ADDRESS_TEXT = 17 /* 16 digits and a space, or the end */
};

/* A file that is mapped now. */
struct module {
    uint64_t base, start, end;
    const char *name; /* as the loader has it: "" is the program itself; NULL: no module */
};

/* What was told of a module. */
struct told {
    _Atomic uint64_t start; /* 0: not filled yet */
    uint64_t end, name;
    uint32_t process;
};
static struct told modules[MODULES_MAX];
static _Atomic uint32_t module_count;

typedef int find_object_function(void *, struct dl_find_object *);

/* glibc 2.35 and later; takes no lock, so a signal handler may ask. */
static find_object_function *find_object(void)
{
    static _Atomic(find_object_function *) found;
    static atomic_bool asked;
    if (!atomic_load_explicit(&asked, memory_order_acquire)) {
        atomic_store_explicit(&found,
                              (find_object_function *)dlvsym(RTLD_DEFAULT, "_dl_find_object", "GLIBC_2.35"),
                              memory_order_relaxed);
        atomic_store_explicit(&asked, true, memory_order_release);
    }
    return atomic_load_explicit(&found, memory_order_relaxed);
}

/* Fills `module` with what has the address; where nobody knows, with the address alone. */
static void find_module(uint64_t address, struct module *module)
{
    struct dl_find_object object = {0};
    struct link_map *map = NULL;
    Dl_info info;
    find_object_function *find = find_object();
    *module = (struct module){.start = address, .end = address + 1};
    if (find != NULL && find((void *)(uintptr_t)address, &object) == 0) {
        map = object.dlfo_link_map;
        module->start = (uint64_t)(uintptr_t)object.dlfo_map_start;
        module->end = (uint64_t)(uintptr_t)object.dlfo_map_end;
    } else if (find == NULL) {
        dladdr1((void *)(uintptr_t)address, &info, (void **)&map, RTLD_DL_LINKMAP);
    }
    if (map != NULL) {
        module->base = (uint64_t)map->l_addr;
        module->name = map->l_name;
    }
}

/* The newest of this process that lies there decides: another may have been unloaded before. */
static bool is_told(const struct module *module, uint64_t name)
{
    uint32_t count = atomic_load_explicit(&module_count, memory_order_acquire);
    for (uint32_t i = count < MODULES_MAX ? count : MODULES_MAX; i-- > 0;) {
        uint64_t start = atomic_load_explicit(&modules[i].start, memory_order_acquire);
        if (start != 0 && modules[i].process == run_process() && start < module->end &&
            modules[i].end > module->start) {
            return start == module->start && modules[i].end == module->end && modules[i].name == name;
        }
    }
    return false;
}

static void remember(const struct module *module, uint64_t name)
{
    uint32_t at = atomic_load(&module_count);
    do {
        if (at >= MODULES_MAX) {
            return; /* told again rather than never */
        }
    } while (!atomic_compare_exchange_weak(&module_count, &at, at + 1));
    modules[at].end = module->end;
    modules[at].name = name;
    modules[at].process = run_process();
    atomic_store_explicit(&modules[at].start, module->start, memory_order_release);
}

/* The loader has no full path: of the program, and of what was loaded relative to where the client is. Not
 * inlined, for the sake of signal handlers with small stacks: they need it only if nobody did before. */
__attribute__((noinline)) static void tell_with_path(struct event *event, const char *name)
{
    char path[EVENT_TEXT_MAX];
    if (name[0] == '\0') {
        ssize_t length = readlink("/proc/self/exe", path, sizeof(path) - 1);
        path[length > 0 ? length : 0] = '\0';
    } else if (getcwd(path, sizeof(path)) != NULL) {
        size_t used = strlen(path);
        snprintf(path + used, sizeof(path) - used, "/%s", name);
    } else {
        snprintf(path, sizeof(path), "%s", name);
    }
    event_record(event, path);
}

static void tell_module(uint64_t address)
{
    struct event event = {.kind = EVENT_MODULE, .side = EVENT_SIDE_CLIENT, .device = -1, .operation = -1};
    struct module module;
    find_module(address, &module);
    uint64_t name = module.name == NULL ? 0 : run_name_hash(module.name);
    if (is_told(&module, name)) {
        return;
    }
    event.arg[0] = (int64_t)module.base;
    event.arg[1] = (int64_t)module.start;
    event.arg[2] = (int64_t)module.end;
    if (module.name == NULL || module.name[0] == '/' ||
        (module.name[0] != '\0' && strchr(module.name, '/') == NULL)) {
        event_record(&event, module.name);
    } else {
        tell_with_path(&event, module.name);
    }
    remember(&module, name);
}

uint32_t stack_explain(const uint64_t *frames, uint32_t count)
{
    struct event event = {.kind = EVENT_STACK, .side = EVENT_SIDE_CLIENT, .device = -1, .operation = -1};
    char text[STACK_FRAMES_MAX * ADDRESS_TEXT];
    size_t used = 0;
    assert(count <= STACK_FRAMES_MAX);
    text[0] = '\0';
    for (uint32_t i = 0; i < count; i++) {
        tell_module(frames[i]);
        used += (size_t)snprintf(text + used, sizeof(text) - used, i == 0 ? "%llx" : " %llx",
                                 (unsigned long long)frames[i]);
    }
    event.arg[0] = count;
    event.stack = atomic_fetch_add(&run_state_attach()->stack_count, 1) + 1;
    event_record(&event, text);
    return event.stack;
}
