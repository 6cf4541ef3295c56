/* unwind.c - see unwind.h. */
#include "unwind.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>
#include <unwind.h>

#include "next.h"
#include "runstate_internal.h"

typedef _Unwind_Reason_Code backtrace_function(_Unwind_Trace_Fn, void *);
typedef _Unwind_Ptr ip_function(struct _Unwind_Context *, int *);
typedef _Unwind_Word cfa_function(struct _Unwind_Context *);
typedef _Unwind_Word register_function(struct _Unwind_Context *, int);

enum {
    FRAME_POINTER = 6 /* rbp, as DWARF numbers registers on x86-64 */
};

static ip_function *get_ip;
static cfa_function *get_cfa;
static register_function *get_register;
static _Atomic(backtrace_function *) walk; /* published last */

static void find_unwinder(void)
{
    int saved = errno;
    void *library = dlopen("libgcc_s.so.1", RTLD_NOW | RTLD_LOCAL);
    dlsym_function *lookup = next_dlsym();
    if (library != NULL && lookup != NULL) {
        get_ip = (ip_function *)lookup(library, "_Unwind_GetIPInfo");
        get_cfa = (cfa_function *)lookup(library, "_Unwind_GetCFA");
        get_register = (register_function *)lookup(library, "_Unwind_GetGR");
        void *found = lookup(library, "_Unwind_Backtrace");
        if (get_ip != NULL && get_cfa != NULL && get_register != NULL) {
            atomic_store_explicit(&walk, (backtrace_function *)found, memory_order_release);
        }
    }
    errno = saved;
}

void unwind_prepare(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    if (atomic_load_explicit(&walk, memory_order_relaxed) == NULL) {
        run_once(&once, find_unwinder);
    }
}

struct walker {
    unwind_visit *visit;
    void *context;
};

static _Unwind_Reason_Code take(struct _Unwind_Context *at, void *argument)
{
    const struct walker *walker = argument;
    int interrupted = 0;
    struct unwind_frame frame = {.address = get_ip(at, &interrupted)};
    frame.interrupted = interrupted != 0;
#if defined(__x86_64__)
    /* "CFA" is the caller's stack pointer once the call has returned: the return address lies right below. */
    frame.slot = frame.interrupted ? 0 : get_cfa(at) - sizeof(void *);
    frame.pointer = get_register(at, FRAME_POINTER);
#endif
    return frame.address != 0 && walker->visit(walker->context, &frame) ? _URC_NO_REASON : _URC_END_OF_STACK;
}

void unwind_stack(unwind_visit *visit, void *context)
{
    backtrace_function *function = atomic_load_explicit(&walk, memory_order_acquire);
    struct walker walker = {.visit = visit, .context = context};
    if (function != NULL) {
        function(take, &walker);
    }
}
