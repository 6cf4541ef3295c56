/* sys.c - see sys.h: who looks, and the next definitions. */
#include "sys.h"

#include <dlfcn.h>
#include <errno.h>

#include "witness.h"

/* Without libvdifault.so there is nobody to record. */
#pragma weak vdifault_sees

/* This thread is in our own work: what it calls there is not the client's. Initial-exec: reaching it allocates
 * nothing. */
static _Thread_local bool inside __attribute__((tls_model("initial-exec")));

/* Wrappers are called before our constructor has run, by those of other libraries: each looks up for itself. */
void *sys_next(_Atomic(void *) *slot, const char *name)
{
    void *definition = atomic_load_explicit(slot, memory_order_acquire);
    if (definition == NULL) {
        int saved = errno;
        definition = dlsym(RTLD_NEXT, name);
        atomic_store_explicit(slot, definition, memory_order_release);
        errno = definition != NULL ? saved : ENOSYS;
    }
    return definition;
}

bool sys_begin(struct sys_call *call, const char *name, const void *caller)
{
    if (inside || vdifault_sees == NULL) {
        return false;
    }
    *call = (struct sys_call){.name = name, .error = errno, .descriptor = -1};
    inside = true;
    call->seen = vdifault_sees(caller);
    if (!call->seen) {
        sys_pause(call);
    }
    return call->seen;
}

void sys_pause(struct sys_call *call)
{
    inside = false;
    errno = call->error;
}

void sys_resume(struct sys_call *call)
{
    call->error = errno;
    inside = true;
}

void sys_end(struct sys_call *call)
{
    sys_pause(call);
}
