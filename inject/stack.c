/* stack.c - see stack.h. Known stacks are chained by the hash of where they were called from. Chains grow at the
 * front and an entry never changes once it is in one: readers need no more than the acquire of its index. */
#include "stack.h"

#include <errno.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <string.h>
#include <ucontext.h>

#include "runstate_internal.h"
#include "stack_explain.h"
#include "stack_walk.h"
#include "unwind.h"

enum {
    STACKS_MAX = 4096,
    FRAMES_POOL = 32 * 1024, /* of all stacks */
    CHECKS_POOL = 64 * 1024,
    CHAINS = 1024,
    LAST_MAX = 16,   /* a thread's latest stacks */
    VARIANTS_MAX = 4 /* of one stack: the same frames in other places */
};

struct known {
    uint64_t caller;
    uint32_t process;
    uint32_t number;
    uint32_t next;           /* in the chain: index + 1, 0 ends it */
    uint32_t frames, checks; /* where in the pools they begin */
    uint16_t frame_count;
    uint16_t check_count; /* 0: to be unwound each time */
};

static struct known stacks[STACKS_MAX];
static uint64_t frames_pool[FRAMES_POOL];
static struct stack_check checks_pool[CHECKS_POOL];
static _Atomic uint32_t stacks_used, frames_used, checks_used;
static _Atomic uint32_t chains[CHAINS]; /* index + 1 */

/* Index + 1 of a thread's latest stacks, by the hash of the caller. Initial-exec, so that reaching it allocates
 * nothing. */
static _Thread_local uint32_t latest[LAST_MAX] __attribute__((tls_model("initial-exec")));

static uint32_t hash(uint64_t caller)
{
    return (uint32_t)(caller * 0x9e3779b97f4a7c15u >> 48);
}

static bool is_on_stack(const struct known *known, uint64_t caller, uint32_t process, const char *base)
{
    const struct stack_check *check = &checks_pool[known->checks];
    const struct stack_check *end = check + known->check_count;
    if (known->caller != caller || known->process != process || check == end) {
        return false;
    }
    while (check < end && stack_check_holds(check, base)) {
        check++;
    }
    return check == end;
}

static uint32_t find_on_stack(uint64_t caller, const char *base)
{
    uint32_t bucket = hash(caller);
    uint32_t *last = &latest[bucket % LAST_MAX];
    uint32_t process = run_process();
    uint32_t at = *last;
    if (at != 0 && is_on_stack(&stacks[at - 1], caller, process, base)) {
        return stacks[at - 1].number;
    }
    at = atomic_load_explicit(&chains[bucket % CHAINS], memory_order_acquire);
    for (; at != 0; at = stacks[at - 1].next) {
        if (is_on_stack(&stacks[at - 1], caller, process, base)) {
            *last = at;
            return stacks[at - 1].number;
        }
    }
    return 0;
}

/* A known stack with the same frames, or 0; *variants counts them. */
static uint32_t find_same(const struct stack_walk *walk, uint32_t *variants)
{
    uint32_t process = run_process();
    uint32_t number = 0;
    uint32_t at = atomic_load_explicit(&chains[hash(walk->wanted) % CHAINS], memory_order_acquire);
    for (*variants = 0; at != 0; at = stacks[at - 1].next) {
        const struct known *known = &stacks[at - 1];
        if (known->caller == walk->wanted && known->process == process &&
            known->frame_count == walk->frame_count &&
            memcmp(&frames_pool[known->frames], walk->frames, walk->frame_count * sizeof(uint64_t)) == 0) {
            number = known->number;
            ++*variants;
        }
    }
    return number;
}

/* Takes `wanted` of a table; false: it is full. */
static bool reserve(_Atomic uint32_t *used, uint32_t limit, uint32_t wanted, uint32_t *at)
{
    *at = atomic_load(used);
    do {
        if (*at + wanted > limit) {
            return false;
        }
    } while (!atomic_compare_exchange_weak(used, at, *at + wanted));
    return true;
}

static void remember(const struct stack_walk *walk, uint32_t number)
{
    uint32_t at, frames, checks;
    uint32_t check_count = walk->comparable ? walk->check_count : 0;
    if (!reserve(&frames_used, FRAMES_POOL, walk->frame_count, &frames) ||
        !reserve(&checks_used, CHECKS_POOL, check_count, &checks) ||
        !reserve(&stacks_used, STACKS_MAX, 1, &at)) {
        return; /* full: explained once too often rather than never */
    }
    memcpy(&frames_pool[frames], walk->frames, walk->frame_count * sizeof(walk->frames[0]));
    memcpy(&checks_pool[checks], walk->checks, check_count * sizeof(walk->checks[0]));
    struct known *known = &stacks[at];
    *known = (struct known){.caller = walk->wanted,
                            .process = run_process(),
                            .number = number,
                            .frames = frames,
                            .frame_count = (uint16_t)walk->frame_count,
                            .checks = checks,
                            .check_count = (uint16_t)check_count};
    _Atomic uint32_t *chain = &chains[hash(walk->wanted) % CHAINS];
    known->next = atomic_load(chain);
    while (!atomic_compare_exchange_weak(chain, &known->next, at + 1)) {
    }
}

/* A client built with ThreadSanitizer has its memcpy and memcmp in our calls of them, too, and sees nothing of the
 * order in which chains are published. Absent from every other client. */
extern void __tsan_ignore_thread_begin(void) __attribute__((weak));
extern void __tsan_ignore_thread_end(void) __attribute__((weak));

static uint32_t find_or_remember(const struct stack_walk *walk)
{
    uint32_t variants;
    uint32_t number = find_same(walk, &variants);
    if (number == 0) {
        number = stack_explain(walk->frames, walk->frame_count);
        variants = 0;
    }
    if (variants == 0 || (walk->comparable && variants < VARIANTS_MAX)) {
        remember(walk, number);
    }
    return number;
}

/* By unwinding. */
static uint32_t number_of(struct stack_walk *walk)
{
    stack_walk(walk);
    if (__tsan_ignore_thread_begin == NULL || __tsan_ignore_thread_end == NULL) {
        return find_or_remember(walk);
    }
    __tsan_ignore_thread_begin();
    uint32_t number = find_or_remember(walk);
    __tsan_ignore_thread_end();
    return number;
}

/* Apart, so that the way of a known stack needs no room for it. */
__attribute__((noinline)) static uint32_t unwind_call(uint64_t caller, const char *base)
{
    struct stack_walk walk;
    int saved = errno;
    unwind_prepare();
    walk.base = base;
    walk.wanted = caller;
    walk.interrupted = false;
    uint32_t number = number_of(&walk);
    errno = saved;
    return number;
}

/* Not inlined: the words of a stack are counted from this function's own return address, and it saves the frame
 * pointer. */
__attribute__((noinline)) uint32_t stack_of_call(const void *caller)
{
    if (caller == NULL || !run_state_is_recorded()) {
        return 0;
    }
    uint64_t address = (uint64_t)(uintptr_t)caller;
    const char *base = (const char *)__builtin_frame_address(0) + sizeof(void *);
    uint32_t number = find_on_stack(address, base);
    if (number == 0) {
        event_prepare(); /* a thread may have as little as 16 KiB: one thing after the other */
        number = unwind_call(address, base);
        __asm__ __volatile__("" : "+r"(number)); /* no tail call: the frame must be there */
    }
    return number;
}

uint32_t stack_of_signal(const void *context)
{
    const ucontext_t *interrupted = context;
    struct stack_walk walk;
    int saved = errno;
    uint32_t number = 0;
    if (run_state_is_recorded()) {
        walk.base = NULL;
        walk.interrupted = true;
#if defined(__x86_64__)
        walk.wanted = (uint64_t)interrupted->uc_mcontext.gregs[REG_RIP];
#else
        walk.wanted = (uint64_t)interrupted->uc_mcontext.pc;
#endif
        number = number_of(&walk);
    }
    errno = saved;
    return number;
}
