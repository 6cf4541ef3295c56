/* trap.c - see trap.h. */
#include "trap.h"

#include <dlfcn.h>
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <sys/syscall.h>
#include <ucontext.h>
#include <unistd.h>

#include "arena.h"
#include "guard.h"
#include "inject.h"
#include "next.h"

/* The C library's own, which nobody interposes; its headers do not declare it. */
extern int __sigaction(int number, const struct sigaction *action, struct sigaction *old);

typedef int sigaction_function(int, const struct sigaction *, struct sigaction *);
typedef sighandler_t signal_function(int, sighandler_t);
typedef int mask_function(int, const sigset_t *, sigset_t *);

enum {
    WATCHED = 2,
    VERSIONS = 16
};
static const int numbers[WATCHED] = {SIGSEGV, SIGBUS};

/* The client's action. Readers are handlers: a new version is written aside and then published. A reader would have to
 * sleep while 15 further ones are made to see a torn one. */
struct client_action {
    _Atomic uint32_t current;
    _Atomic uint32_t last; /* version given out */
    struct sigaction versions[VERSIONS];
};
static struct client_action actions[WATCHED];
static _Atomic bool installed[WATCHED];

static int watched(int number)
{
    for (int i = 0; i < WATCHED; i++) {
        if (numbers[i] == number) {
            return i;
        }
    }
    return -1;
}

static void *next_of(_Atomic(void *) *known, const char *name)
{
    void *found = atomic_load_explicit(known, memory_order_acquire);
    dlsym_function *lookup = found == NULL ? next_dlsym() : NULL;
    if (lookup != NULL) {
        found = lookup(RTLD_NEXT, name);
        atomic_store_explicit(known, found, memory_order_release);
    }
    return found;
}

/* ---- the handler ---- */

static struct sigaction client_action(int i)
{
    return actions[i].versions[atomic_load_explicit(&actions[i].current, memory_order_acquire) % VERSIONS];
}

static void set_client_action(int i, const struct sigaction *action)
{
    uint32_t version = atomic_fetch_add(&actions[i].last, 1) + 1;
    actions[i].versions[version % VERSIONS] = *action;
    atomic_store_explicit(&actions[i].current, version, memory_order_release);
}

static bool is_write(const void *context)
{
    const ucontext_t *interrupted = context;
#if defined(__x86_64__)
    enum {
        ERROR_WRITE = 2
    };
    return (interrupted->uc_mcontext.gregs[REG_ERR] & ERROR_WRITE) != 0;
#else
    /* The exception syndrome, among the records behind the registers; bit 6 of a data abort's says "write". */
    enum {
        ESR_WRITE = 0x40
    };
    const uint8_t *record = interrupted->uc_mcontext.__reserved;
    const uint8_t *end = record + sizeof(interrupted->uc_mcontext.__reserved);
    const struct _aarch64_ctx *header = (const struct _aarch64_ctx *)record;
    while (record + sizeof(*header) <= end && header->magic != 0 && header->size != 0) {
        if (header->magic == ESR_MAGIC) {
            return (((const struct esr_context *)header)->esr & ESR_WRITE) != 0;
        }
        record += header->size;
        header = (const struct _aarch64_ctx *)record;
    }
    return false;
#endif
}

/* What the kernel would have done. A fault happens again when we return; a signal that was sent must be again. */
static void die_by_default(int number, const siginfo_t *info)
{
    const struct sigaction none = {.sa_handler = SIG_DFL};
    __sigaction(number, &none, NULL);
    if (info->si_code <= 0) {
        syscall(SYS_tgkill, getpid(), syscall(SYS_gettid), number);
    }
}

static void hand_on(int i, siginfo_t *info, void *context)
{
    const struct sigaction action = client_action(i);
    if (action.sa_handler == SIG_IGN && info->si_code <= 0) {
        return;
    }
    if (action.sa_handler == SIG_DFL || action.sa_handler == SIG_IGN) {
        die_by_default(numbers[i], info);
        return;
    }
    if ((action.sa_flags & SA_RESETHAND) != 0) {
        const struct sigaction none = {.sa_handler = SIG_DFL};
        set_client_action(i, &none);
    }
    action.sa_sigaction(numbers[i], info, context); /* a plain handler does not mind more arguments */
}

/* ---- on whose stack ---- */

enum {
    FRAME_MAX = 64 * 1024, /* of a signal and our way here; the kernel's are below 12 KiB */
    RED_ZONE = 128
};

static uintptr_t interrupted_stack(const void *context)
{
    const ucontext_t *interrupted = context;
#if defined(__x86_64__)
    return (uintptr_t)interrupted->uc_mcontext.gregs[REG_RSP];
#else
    return (uintptr_t)interrupted->uc_mcontext.sp;
#endif
}

/* guard_trapped with the stack pointer at `stack`; unwinding finds the way back by the frame pointer. */
bool trap_on_stack(const void *address, bool is_write, const void *context, uintptr_t stack);
#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".hidden trap_on_stack\n"
    ".globl trap_on_stack\n"
    ".type trap_on_stack, @function\n"
    "trap_on_stack:\n"
    "    .cfi_startproc\n"
    "    endbr64\n"
    "    pushq %rbp\n"
    "    .cfi_adjust_cfa_offset 8\n"
    "    .cfi_rel_offset %rbp, 0\n"
    "    movq %rsp, %rbp\n"
    "    .cfi_def_cfa_register %rbp\n"
    "    movq %rcx, %rsp\n"
    "    call guard_trapped\n"
    "    leave\n"
    "    .cfi_def_cfa %rsp, 8\n"
    "    ret\n"
    "    .cfi_endproc\n"
    ".size trap_on_stack, . - trap_on_stack\n");
#else
__asm__(
    ".text\n"
    ".hidden trap_on_stack\n"
    ".globl trap_on_stack\n"
    ".type trap_on_stack, %function\n"
    "trap_on_stack:\n"
    "    .cfi_startproc\n"
    "    hint #34\n" /* bti c */
    "    stp x29, x30, [sp, #-16]!\n"
    "    .cfi_adjust_cfa_offset 16\n"
    "    .cfi_rel_offset x29, 0\n"
    "    .cfi_rel_offset x30, 8\n"
    "    mov x29, sp\n"
    "    .cfi_def_cfa_register x29\n"
    "    mov sp, x3\n"
    "    bl guard_trapped\n"
    "    mov sp, x29\n"
    "    .cfi_def_cfa_register sp\n"
    "    ldp x29, x30, [sp], #16\n"
    "    .cfi_adjust_cfa_offset -16\n"
    "    .cfi_restore x29\n"
    "    .cfi_restore x30\n"
    "    ret\n"
    "    .cfi_endproc\n"
    ".size trap_on_stack, . - trap_on_stack\n");
#endif

/* A client's alternate stack may be as small as 8 KiB, most of it taken by the signal's own frame: less than unwinding
 * needs, or a fault that is to happen now. The code that touched the buffer has a stack that it was running on. No
 * other signal meanwhile: the kernel would take the alternate stack, where we are to return, for a free one. */
static bool trapped(const void *address, const void *context)
{
    uintptr_t here = (uintptr_t)__builtin_frame_address(0);
    uintptr_t stack = interrupted_stack(context);
    if (here < stack && stack - here < FRAME_MAX) {
        return guard_trapped(address, is_write(context), context);
    }
    sigset_t all, before;
    const size_t size = (size_t)(_NSIG / 8);
    sigfillset(&all);
    syscall(SYS_rt_sigprocmask, SIG_BLOCK, &all, &before, size);
    bool again = trap_on_stack(address, is_write(context), context, (stack - RED_ZONE) & ~(uintptr_t)15);
    syscall(SYS_rt_sigprocmask, SIG_SETMASK, &before, NULL, size);
    return again;
}

static void on_fault(int number, siginfo_t *info, void *context)
{
    int saved = errno;
    if (info->si_code <= 0 || !arena_contains(info->si_addr) || !trapped(info->si_addr, context)) {
        hand_on(watched(number), info, context);
    }
    errno = saved;
}

/* ---- installing ---- */

static void install(int i, struct sigaction *old)
{
    const struct sigaction client = client_action(i);
    struct sigaction ours = {.sa_sigaction = on_fault, .sa_mask = client.sa_mask};
    ours.sa_flags = SA_SIGINFO | (client.sa_flags & (SA_ONSTACK | SA_NODEFER | SA_RESTART));
    __sigaction(numbers[i], &ours, old);
}

/* Whatever is set and not ours is the client's. */
static void adopt(int i)
{
    struct sigaction now;
    __sigaction(numbers[i], NULL, &now);
    if ((now.sa_flags & SA_SIGINFO) == 0 || now.sa_sigaction != on_fault) {
        set_client_action(i, &now);
        install(i, NULL);
    }
    atomic_store(&installed[i], true);
}

static void allow_in(sigset_t *blocked)
{
    for (int i = 0; i < WATCHED; i++) {
        sigdelset(blocked, numbers[i]);
    }
}

static void allow_faults(void)
{
    sigset_t both;
    sigemptyset(&both);
    for (int i = 0; i < WATCHED; i++) {
        sigaddset(&both, numbers[i]);
    }
    /* By the system call: what sanitizers know of masks does not matter to these. */
    syscall(SYS_rt_sigprocmask, SIG_UNBLOCK, &both, NULL, (size_t)(_NSIG / 8));
}

void trap_hold(void)
{
    static _Thread_local bool allowed __attribute__((tls_model("initial-exec")));
    int saved = errno;
    if (!allowed) { /* a mask from before we were loaded */
        allow_faults();
        allowed = true;
    }
    for (int i = 0; i < WATCHED; i++) {
        adopt(i);
    }
    errno = saved;
}

/* ---- the client's side ---- */

static int set_action(int number, const struct sigaction *action, struct sigaction *old)
{
    static _Atomic(void *) known;
    int i = watched(number);
    sigaction_function *real;
    if (i >= 0 && atomic_load(&installed[i])) {
        const struct sigaction before = client_action(i);
        if (action != NULL) {
            set_client_action(i, action);
            install(i, NULL);
        }
        if (old != NULL) {
            *old = before;
        }
        return 0;
    }
    /* In a handler of the client's, too, faults in the guard's pages have to reach us. */
    struct sigaction without;
    if (action != NULL && i < 0 && inject_is_active() && guard_protects()) {
        without = *action;
        allow_in(&without.sa_mask);
        action = &without;
    }
    real = (sigaction_function *)next_of(&known, "sigaction");
    int result = real == NULL ? __sigaction(number, action, old) : real(number, action, old);
    if (i >= 0 && atomic_load(&installed[i])) { /* by another thread, just before this */
        adopt(i);
    }
    return result;
}

INJECT_EXPORT int sigaction(int number, const struct sigaction *restrict action,
                            struct sigaction *restrict old)
{
    return set_action(number, action, old);
}

/* The handler by one of signal's names; the flags are what that name stands for. */
static sighandler_t set_handler(int number, sighandler_t handler, int flags, const char *name,
                                _Atomic(void *) *known)
{
    int i = watched(number);
    signal_function *real;
    if (i < 0 || !atomic_load(&installed[i])) {
        real = (signal_function *)next_of(known, name);
        sighandler_t before = real == NULL ? SIG_ERR : real(number, handler);
        if (i >= 0 && atomic_load(&installed[i])) {
            adopt(i);
        }
        return before;
    }
    struct sigaction action = {.sa_flags = flags};
    struct sigaction old;
    if (handler == SIG_ERR) {
        errno = EINVAL;
        return SIG_ERR;
    }
    action.sa_handler = handler;
    if ((flags & SA_NODEFER) == 0) {
        sigaddset(&action.sa_mask, number);
    }
    set_action(number, &action, &old);
    return old.sa_handler;
}

#define SIGNAL_NAME(name, flags)                                       \
    INJECT_EXPORT sighandler_t name(int number, sighandler_t handler); \
    INJECT_EXPORT sighandler_t name(int number, sighandler_t handler)  \
    {                                                                  \
        static _Atomic(void *) known;                                  \
        return set_handler(number, handler, flags, #name, &known);     \
    }
SIGNAL_NAME(signal, SA_RESTART)
SIGNAL_NAME(bsd_signal, SA_RESTART)
SIGNAL_NAME(ssignal, SA_RESTART)
SIGNAL_NAME(sysv_signal, SA_RESETHAND | SA_NODEFER)
SIGNAL_NAME(__sysv_signal, SA_RESETHAND | SA_NODEFER)

static int set_mask(const char *name, _Atomic(void *) *known, int how, const sigset_t *set, sigset_t *old)
{
    mask_function *real = (mask_function *)next_of(known, name);
    sigset_t without;
    if (real == NULL) {
        errno = ENOSYS;
        return ENOSYS;
    }
    if (set == NULL || how == SIG_UNBLOCK || !inject_is_active() || !guard_protects()) {
        return real(how, set, old);
    }
    without = *set;
    allow_in(&without);
    return real(how, &without, old);
}

INJECT_EXPORT int pthread_sigmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    static _Atomic(void *) known;
    return set_mask("pthread_sigmask", &known, how, set, old);
}

/* The mask that a thread begins with. */
INJECT_EXPORT int pthread_attr_setsigmask_np(pthread_attr_t *attributes, const sigset_t *set)
{
    static _Atomic(void *) known;
    int (*real)(pthread_attr_t *, const sigset_t *) =
        (int (*)(pthread_attr_t *, const sigset_t *))next_of(&known, "pthread_attr_setsigmask_np");
    sigset_t without;
    if (real == NULL) {
        return ENOSYS;
    }
    if (set == NULL || !inject_is_active() || !guard_protects()) {
        return real(attributes, set);
    }
    without = *set;
    allow_in(&without);
    return real(attributes, &without);
}

INJECT_EXPORT int sigprocmask(int how, const sigset_t *restrict set, sigset_t *restrict old)
{
    static _Atomic(void *) known;
    int result = set_mask("sigprocmask", &known, how, set, old);
    return result == 0 ? 0 : -1;
}
