/* guard_access.c - the client touched what it must not: told once, let through; see guard.h. */
#include <errno.h>
#include <sched.h>
#include <signal.h>
#include <stddef.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "faults.h"
#include "guard_internal.h"
#include "inject.h"
#include "stack.h"
#include "witness.h"

enum {
    PATIENCE_SECONDS = 30
};

/* ---- telling ---- */

static int64_t offset_of(const struct slot *slot, uintptr_t address)
{
    return (int64_t)(address - atomic_load_explicit(&slot->data, memory_order_relaxed));
}

static enum access_what what_of(const struct slot *slot, int64_t offset)
{
    if (slot_is_command(slot)) {
        return ACCESS_COMMAND;
    }
    if (offset < -(int64_t)slot->prefix) {
        return ACCESS_BEFORE_BUFFER;
    }
    return offset >= (int64_t)atomic_load(&slot->size) ? ACCESS_BEYOND_BUFFER : ACCESS_BUFFER;
}

static void obey(void)
{
    if (guard_on_finding() == ON_FINDING_STOP) {
        syscall(SYS_kill, getpid(), SIGSTOP);
    } else if (guard_on_finding() == ON_FINDING_ABORT) {
        const struct sigaction none = {.sa_handler = SIG_DFL};
        sigset_t only;
        sigaction(SIGABRT, &none, NULL);
        sigemptyset(&only);
        sigaddset(&only, SIGABRT);
        sigprocmask(SIG_UNBLOCK, &only, NULL);
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), SIGABRT);
    }
}

static uint32_t stack_of(const struct access *access)
{
    return access->context != NULL ? stack_of_signal(access->context) : stack_of_call(access->caller);
}

void access_tell(struct slot *slot, enum slot_state state, const struct access *access)
{
    static const uint8_t told[] = {[ACCESS_BUFFER] = TOLD_CONTENT,
                                   [ACCESS_COMMAND] = TOLD_CONTENT,
                                   [ACCESS_BEFORE_BUFFER] = TOLD_BEFORE,
                                   [ACCESS_BEYOND_BUFFER] = TOLD_BEYOND};
    int64_t offset = offset_of(slot, access->address);
    enum access_what what = what_of(slot, offset);
    bool can_know = state == SLOT_HELD || !slot->only_by_thread || slot->thread == &inject_thread;
    if ((slot->told & told[what]) != 0 || !can_know) {
        return;
    }
    slot->told |= told[what];
    struct event event = {.kind = EVENT_ACCESS,
                          .side = EVENT_SIDE_CLIENT,
                          .function = access->function,
                          .device = (int16_t)slot->device,
                          .operation = slot->operation,
                          .set = slot->set_number,
                          .call = atomic_load(&slot->call),
                          .stack = stack_of(access)};
    event.arg[0] = what;
    event.arg[1] = access->is_write ? ACCESS_WRITE : ACCESS_READ;
    event.arg[2] = slot->when;
    event.arg[3] = offset;
    event.arg[4] = slot->code;
    event.arg[5] = (int64_t)atomic_load(&slot->size);
    event.arg[6] = (int64_t)slot->taken_by;
    event_record(&event, access->text);
    obey();
}

/* ---- abort(at=touch) ---- */

/* The slot is released meanwhile: the fault takes as long as its server does. Not while the thread is in the library,
 * as a handler of the client's may be: the library's locks are its own. */
void access_first(struct slot *slot)
{
    uint64_t faults = slot->at_touch;
    struct call call = call_on_set(VDI_FN_GET_COMMAND, slot->set, NULL);
    call.sequence = atomic_load(&slot->call);
    call.operation = slot->operation;
    call.device_index = slot->device;
    slot->at_touch = 0;
    slot_release(slot, SLOT_HELD);
    if (inject_thread.inside == 0) {
        faults_when_due(&call, faults);
    }
    if (slot_claim(slot, SLOT_BIT(HELD)) == SLOT_HELD) {
        if (atomic_load(&slot->call) == call.sequence && slot->is_withheld) {
            slot->is_withheld = false;
            pages_grant(slot, slot->protection);
        }
        slot_release(slot, SLOT_HELD);
    }
}

/* ---- traps ---- */

static bool is_granted(const struct slot *slot, uintptr_t address)
{
    return address >= (uintptr_t)slot->first && address < (uintptr_t)slot->first + slot->granted;
}

/* What the access meets then is what it would have met, as far as that is known. */
static void let_through(struct slot *slot, uintptr_t address)
{
    if (is_granted(slot, address)) {
        pages_let_through(slot);
    } else {
        slot_open_page(slot, (const void *)address);
    }
}

/* The state that follows. */
static enum slot_state trapped_in(struct slot *slot, enum slot_state state, const struct access *access)
{
    bool inside = is_granted(slot, access->address);
    bool allowed = state == SLOT_OPENED ||
                   (state == SLOT_HELD && (!access->is_write || (slot->protection & PROT_WRITE)));
    if (inside && allowed) {
        sched_yield(); /* another thread has just changed, or is about to change, the protection */
        return state;
    }
    access_tell(slot, state, access);
    if (state == SLOT_GONE) {
        return state;
    }
    let_through(slot, access->address);
    if (state == SLOT_REVOKED) {
        pages_let_through(slot);
        return SLOT_OPENED;
    }
    return state;
}

/* Trying the same again and again for so long is no use. */
static bool has_patience(const void *address)
{
    static _Thread_local struct {
        const void *address;
        int64_t until;
    } last __attribute__((tls_model("initial-exec")));
    int64_t now = inject_now();
    if (last.address != address || now > last.until + INT64_C(1000000000)) {
        last.address = address;
        last.until = now + PATIENCE_SECONDS * INT64_C(1000000000);
    }
    return now < last.until;
}

bool guard_trapped(const void *address, bool is_write, const void *context)
{
    const struct access access = {
        .address = (uintptr_t)address, .is_write = is_write, .text = "", .context = context};
    struct slot *slot = arena_slot(address);
    enum slot_state state =
        slot_claim(slot, SLOT_BIT(HELD) | SLOT_BIT(REVOKED) | SLOT_BIT(OPENED) | SLOT_BIT(GONE));
    if (state == SLOT_BUSY) {
        return atomic_load(&slot->state) != SLOT_FREE && has_patience(address);
    }
    if (state == SLOT_HELD && slot->at_touch != 0 && is_granted(slot, access.address)) {
        access_first(slot);
        return true;
    }
    enum slot_state next = trapped_in(slot, state, &access);
    slot_release(slot, next);
    return next != SLOT_GONE && has_patience(address);
}

/* ---- system calls ---- */

static void open_pages(struct slot *slot, uintptr_t from, uintptr_t to)
{
    for (uintptr_t page = arena_page_down(from); page < to; page += arena_page()) {
        if (!is_granted(slot, page)) {
            slot_open_page(slot, (const void *)page);
        }
    }
}

/* One slot's part of what a system call is about to touch. */
static enum slot_state touched_in(struct slot *slot, enum slot_state state, struct access access,
                                  uintptr_t end)
{
    uintptr_t data = atomic_load(&slot->data);
    uintptr_t behind = data + atomic_load(&slot->size);
    uintptr_t start = access.address;
    bool allowed = state == SLOT_HELD && (!access.is_write || (slot->protection & PROT_WRITE) != 0);
    if (start < behind && end > data && !allowed && state != SLOT_OPENED) {
        access.address = start > data ? start : data;
        access_tell(slot, state, &access);
        if (state != SLOT_GONE) {
            pages_let_through(slot);
        }
    }
    if (state == SLOT_GONE) {
        return state;
    }
    if (start < data - slot->prefix) {
        access.address = start;
        access_tell(slot, state, &access);
        open_pages(slot, start, data);
    }
    /* How much a read will bring is known to nobody: the kernel stops at the guard page. */
    if (end > behind && (!access.is_write || start >= behind)) {
        access.address = start > behind ? start : behind;
        access_tell(slot, state, &access);
        open_pages(slot, behind, end);
    }
    return state == SLOT_REVOKED ? SLOT_OPENED : state;
}

static void touch_slot(struct slot *slot, const struct access *access, uintptr_t end)
{
    uint32_t states = SLOT_BIT(HELD) | SLOT_BIT(REVOKED) | SLOT_BIT(OPENED) | SLOT_BIT(GONE);
    enum slot_state state = slot_claim(slot, states);
    if (state == SLOT_HELD && slot->at_touch != 0) {
        access_first(slot);
        state = slot_claim(slot, states);
    }
    if (state != SLOT_BUSY) {
        slot_release(slot, touched_in(slot, state, *access, end));
    }
}

INJECT_EXPORT void vdifault_guard_touch(const void *start, size_t length, int is_write, const char *function)
{
    if (!arena_contains(start) || length == 0) {
        return;
    }
    int saved = errno;
    struct slot *slot = arena_slot(start);
    uintptr_t limit = (uintptr_t)arena_slot_start(slot) + arena_slot_length(slot);
    uintptr_t end = length < limit - (uintptr_t)start ? (uintptr_t)start + length : limit;
    const struct access access = {.address = (uintptr_t)start,
                                  .is_write = is_write != 0,
                                  .text = function != NULL ? function : "",
                                  .caller = __builtin_return_address(0)};
    touch_slot(slot, &access, end);
    errno = saved;
}

/* ---- whose a byte is ---- */

INJECT_EXPORT uint64_t vdifault_guard_fetch_of(const void *address)
{
    struct slot *slot = arena_slot(address);
    if (slot == NULL) {
        return shadow_fetch_at(address);
    }
    if (slot_is_command(slot) || atomic_load(&slot->state) != SLOT_HELD) {
        return 0;
    }
    uint64_t call = atomic_load(&slot->call);
    uintptr_t data = atomic_load(&slot->data);
    size_t size = atomic_load(&slot->size);
    bool is_same = atomic_load(&slot->state) == SLOT_HELD && atomic_load(&slot->call) == call;
    uintptr_t at = (uintptr_t)address;
    return is_same && at >= data - slot->prefix && at < data + size ? call : 0;
}
