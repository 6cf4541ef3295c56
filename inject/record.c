/* record.c - see record.h. */
#include "record.h"

#include <dlfcn.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <unistd.h>

#include "runstate_internal.h"

enum {
    CALLERS_MAX = 1024
};

/* Call sites that have been explained, in this process: a child explains its own again, hence the number. */
static bool is_new_caller(const void *caller)
{
    static _Atomic uint64_t seen[CALLERS_MAX];
    uint64_t key =
        ((uint64_t)(uintptr_t)caller * 0x9e3779b97f4a7c15u) ^ (run_process() * 0xc2b2ae3d27d4eb4fu);
    key = key == 0 ? 1 : key;
    for (size_t i = 0, at = key % CALLERS_MAX; i < CALLERS_MAX; i++, at = (at + 1) % CALLERS_MAX) {
        uint64_t known = atomic_load_explicit(&seen[at], memory_order_relaxed);
        if (known == 0 && atomic_compare_exchange_strong(&seen[at], &known, key)) {
            return true;
        }
        if (known == key) {
            return false;
        }
    }
    return true; /* full: explained once too often rather than never */
}

static void explain_caller(const void *caller)
{
    struct event event = {.kind = EVENT_CALLER, .side = EVENT_SIDE_CLIENT, .device = -1, .operation = -1};
    char self[PATH_MAX];
    const char *path = "";
    Dl_info info;
    struct link_map *map = NULL;
    int saved = errno;
    event.arg[0] = (int64_t)(intptr_t)caller;
    if (dladdr1(caller, &info, (void **)&map, RTLD_DL_LINKMAP) != 0 && map != NULL) {
        event.arg[1] = (int64_t)map->l_addr;
        path = info.dli_fname != NULL ? info.dli_fname : "";
        if (path[0] != '/') { /* the program itself, as the user typed it */
            ssize_t length = readlink("/proc/self/exe", self, sizeof(self) - 1);
            self[length > 0 ? length : 0] = '\0';
            path = self;
        }
    }
    event_record(&event, path);
    errno = saved;
}

struct call call_on_set(enum vdi_function function, struct shadow_set *set)
{
    return (struct call){
        .function = function,
        .set = set,
        .operation = set == NULL ? -1 : atomic_load(&set->operation),
        .device_index = -1,
    };
}

struct call call_on_device(enum vdi_function function, struct shadow_device *device)
{
    return (struct call){
        .function = function,
        .set = device == NULL ? NULL : atomic_load(&device->set),
        .device = device,
        .operation = device == NULL ? -1 : atomic_load(&device->operation),
        .device_index = device == NULL ? -1 : atomic_load(&device->index),
    };
}

static struct event call_event(const struct call *call, enum event_kind kind)
{
    struct event event = {
        .kind = (uint8_t)kind,
        .side = EVENT_SIDE_CLIENT,
        .function = (uint16_t)call->function,
        .device = (int16_t)call->device_index,
        .operation = call->operation,
        .set = call->set == NULL ? 0 : atomic_load(&call->set->number),
        .call = call->sequence,
        .flags = call->flags,
    };
    memcpy(event.arg, call->arg, sizeof(call->arg));
    return event;
}

void call_begin(struct call *call, const void *caller, const char *text)
{
    if (caller != NULL && run_state_is_recorded() && is_new_caller(caller)) {
        explain_caller(caller);
    }
    struct event event = call_event(call, EVENT_CALL_BEGIN);
    event.arg[6] = (int64_t)(intptr_t)caller;
    call->sequence = event_record(&event, text);
    memset(call->arg, 0, sizeof(call->arg));
}

int call_end(struct call *call, int result)
{
    struct event event = call_event(call, EVENT_CALL_END);
    event.result = result;
    event_record(&event, NULL);
    return result;
}

void call_fault(const struct call *call, uint32_t fault)
{
    struct event event = call_event(call, EVENT_FAULT);
    memset(event.arg, 0, sizeof(event.arg));
    event.arg[0] = fault;
    event.flags = 0;
    event_record(&event, NULL);
}
