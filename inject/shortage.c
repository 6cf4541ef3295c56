/* shortage.c - see shortage.h. */
#include "shortage.h"

#include <elf.h>
#include <errno.h>
#include <link.h>
#include <sys/auxv.h>

#include "deeds.h"
#include "failures.h"
#include "next.h"
#include "witness.h"

/* A thread between two VDI calls, or in one. */
struct moment {
    uint64_t armed; /* faults that the next thing asked for meets, a bit each */
    uint64_t fired; /* of those */
    uint64_t call;
    int32_t operation;
    int32_t device;
    uint32_t told;   /* what was asked for, when probing: a bit per enum denial */
    uint32_t shared; /* allocations of shared memory in this call */
    bool inside;     /* the VDI call */
};
static _Thread_local struct moment moment __attribute__((tls_model("initial-exec")));

INJECT_EXPORT _Atomic uint32_t vdifault_denials;

static const struct {
    enum fault_kind kind;
    enum event_reach reach;
} denials[DENIAL_COUNT] = {
    [DENIAL_MEMORY] = {FAULT_MEMORY_FULL, REACH_MEMORY},
    [DENIAL_OPEN] = {FAULT_OPEN_ERROR, REACH_OPEN},
    [DENIAL_SHARED_MEMORY] = {FAULT_SHM_FULL, REACH_SHARED_MEMORY},
};

void shortage_watch(void)
{
    const struct plan *plan = &inject_loaded.plan;
    uint32_t watched = 0;
    for (uint32_t what = 0; what < DENIAL_COUNT; what++) {
        bool wanted = inject_loaded.probes;
        for (uint32_t i = 0; i < plan->fault_count; i++) {
            wanted = wanted || plan->faults[i].kind == denials[what].kind;
        }
        watched |= (uint32_t)wanted << what;
    }
    atomic_store(&vdifault_denials, watched);
}

/* ---- moments ---- */

static void begin_moment(const struct call *call, uint64_t armed, bool inside)
{
    moment = (struct moment){
        .armed = armed,
        .call = call->sequence,
        .operation = call->operation,
        .device = call->device_index,
        .inside = inside,
    };
}

/* What a fault calls is within the client's call. */
void shortage_call_began(const struct call *call)
{
    if ((call->flags & EVENT_FLAG_BY_FAULT) == 0) {
        begin_moment(call, 0, true);
    }
}

void shortage_call_ended(const struct call *call)
{
    if ((call->flags & EVENT_FLAG_BY_FAULT) != 0) {
        return;
    }
    if (moment.shared > 0 && inject_plan()->probes) {
        failures_reached(REACH_SHARED_MEMORY, call->sequence, call->operation, call->device_index,
                         moment.shared);
    }
    begin_moment(call, call->later, false);
}

/* ---- arming ---- */

void deed_run_short(struct call *call, uint32_t fault)
{
    run_fault_take_back(fault); /* it has not happened yet, and will not if nothing is asked for */
    call->later |= UINT64_C(1) << fault;
}

void deed_run_short_inside(struct call *call, uint32_t fault)
{
    (void)call;
    run_fault_take_back(fault);
    moment.armed |= UINT64_C(1) << fault;
}

/* ---- what is denied ---- */

static bool fires(uint32_t fault)
{
    uint64_t bit = UINT64_C(1) << fault;
    if ((moment.fired & bit) != 0) {
        return true; /* it goes on: that is no further firing */
    }
    if (!run_fault_fire(fault, deed_fault(fault))) {
        moment.armed &= ~bit; /* another device was faster */
        return false;
    }
    struct call call = call_on_set(VDI_FN_NONE, NULL, NULL);
    call.sequence = moment.call;
    call.operation = moment.operation;
    call.device_index = moment.device;
    moment.fired |= bit;
    moment.armed &= deed_fault(fault)->site.and_later ? ~UINT64_C(0) : ~bit;
    call_fault(&call, fault);
    return true;
}

static int error_of(enum denial what, const struct fault *fault)
{
    return what == DENIAL_MEMORY ? ENOMEM : fault_errno(fault);
}

/* 0: it may have it. */
static int deny(enum denial what)
{
    for (uint32_t i = 0; i < PLAN_FAULTS_MAX && moment.armed >> i != 0; i++) {
        const struct fault *fault = (moment.armed >> i & 1) != 0 ? deed_fault(i) : NULL;
        if (fault == NULL || fault->kind != denials[what].kind) {
            continue;
        }
        uint32_t nth = (uint32_t)fault->arg[FAULT_ARG_NTH];
        bool meets = what != DENIAL_SHARED_MEMORY || moment.shared == nth ||
                     (fault->site.and_later && moment.shared > nth);
        if (meets && fires(i)) {
            return error_of(what, fault);
        }
    }
    return 0;
}

/* The loader allocates what a thread's variables need when they are first touched, and ends the process if it
 * cannot. */
static bool is_loader(const void *address)
{
    const ElfW(Ehdr) *file = (const ElfW(Ehdr) *)getauxval(AT_BASE); /* NOLINT: the kernel's word */
    if (file == NULL || (const char *)address < (const char *)file) {
        return false;
    }
    const ElfW(Phdr) *parts = (const ElfW(Phdr) *)((const char *)file + file->e_phoff);
    uintptr_t end = 0;
    for (size_t i = 0; i < file->e_phnum; i++) {
        uintptr_t last = parts[i].p_vaddr + parts[i].p_memsz;
        end = parts[i].p_type == PT_LOAD && last > end ? last : end;
    }
    return (const char *)address < (const char *)file + end;
}

INJECT_EXPORT int vdifault_denies(enum denial what, const void *caller)
{
    int saved = errno;
    int error = 0;
    bool is_asked = what == DENIAL_SHARED_MEMORY ? moment.inside && next_is_vdi_library(caller)
                                                 : !moment.inside && moment.call != 0 &&
                                                       !next_is_library(caller) && !is_loader(caller);
    if (!is_asked) {
        return 0;
    }
    if (what == DENIAL_SHARED_MEMORY) {
        moment.shared++;
    } else if (inject_plan()->probes && (moment.told >> what & 1) == 0) {
        moment.told |= 1u << what;
        failures_reached(denials[what].reach, moment.call, moment.operation, moment.device, 1);
    }
    error = moment.armed == 0 ? 0 : deny(what);
    errno = saved;
    return error;
}
