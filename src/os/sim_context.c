#include "sim_context.h"

#include <assert.h>
#include <sys/mman.h>
#include <unistd.h>

#include "sim.h"
#include "sim_asan.h"

#if defined(__SANITIZE_THREAD__)
#define HAS_TSAN 1
#elif defined(__has_feature)
#if __has_feature(thread_sanitizer)
#define HAS_TSAN 1
#endif
#endif

#ifdef HAS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

enum {
    USES_MAX = 256
};

/* What C++ knows of a thread's exceptions, as its ABI lays it out: the innermost handler that is at work, and how many
 * are on their way to one. NULL: the program has no C++. */
struct exceptions {
    void *caught;
    unsigned uncaught;
};
extern struct exceptions *__cxa_get_globals(void) __attribute__((weak));

/* Where each stack stands while another one goes on; the last one is the caller's. */
static struct context {
    void *stack_pointer;
    const uint8_t *bottom; /* NULL: not made yet */
    size_t size;
    void *fake;    /* AddressSanitizer's: where locals are if they are not on the stack */
    void *thread;  /* ThreadSanitizer's */
    uint32_t uses; /* of `thread` */
    struct exceptions exceptions;
} contexts[SIM_FIBERS_MAX + 1];

static uint32_t current = SIM_CONTEXT_CALLER; /* who goes on */
static uint32_t last = SIM_CONTEXT_CALLER;    /* who went on before */

/* --- the machine --- */

#if defined(__x86_64__) && !defined(SIM_UCONTEXT)

/* Keeps what a function must not change (System V ABI), and comes back on the other stack. */
void sim_context_swap(void **stack_pointer, void *to);
__asm__(
    ".text\n"
    ".globl sim_context_swap\n"
    ".hidden sim_context_swap\n"
    ".type sim_context_swap, @function\n"
    "sim_context_swap:\n"
    "    pushq %rbp\n"
    "    pushq %rbx\n"
    "    pushq %r12\n"
    "    pushq %r13\n"
    "    pushq %r14\n"
    "    pushq %r15\n"
    "    movq %rsp, (%rdi)\n"
    "    movq %rsi, %rsp\n"
    "    popq %r15\n"
    "    popq %r14\n"
    "    popq %r13\n"
    "    popq %r12\n"
    "    popq %rbx\n"
    "    popq %rbp\n"
    "    ret\n"
    ".size sim_context_swap, . - sim_context_swap\n");

/* As if `entry` had been called by nobody, and had called sim_context_swap as its first deed. */
static void prepare(struct context *context, void (*entry)(void))
{
    enum {
        SAVED = 6 /* registers */
    };
    uintptr_t *top = (uintptr_t *)(context->bottom + context->size);
    *--top = 0; /* where `entry` would return to: stack walks end here */
    *--top = (uintptr_t)entry;
    for (int i = 0; i < SAVED; i++) {
        *--top = 0;
    }
    context->stack_pointer = top;
}

static void swap(struct context *from, struct context *to)
{
    sim_context_swap(&from->stack_pointer, to->stack_pointer);
}

#else

#include <ucontext.h>

static ucontext_t machines[SIM_FIBERS_MAX + 1];

static void prepare(struct context *context, void (*entry)(void))
{
    ucontext_t *machine = &machines[context - contexts];
    getcontext(machine);
    machine->uc_stack.ss_sp = (void *)context->bottom;
    machine->uc_stack.ss_size = context->size;
    machine->uc_link = NULL;
    makecontext(machine, entry, 0);
    context->stack_pointer = (void *)context->bottom; /* it is not told where it stands */
}

static void swap(struct context *from, struct context *to)
{
    swapcontext(&machines[from - contexts], &machines[to - contexts]);
}

#endif

/* --- the sanitizers --- */

static void leave(struct context *from, const struct context *to)
{
#ifdef HAS_TSAN
    if (from->thread == NULL) {
        from->thread = __tsan_get_current_fiber();
    }
    __tsan_switch_to_fiber(to->thread, 0);
#else
    if (__sanitizer_start_switch_fiber != NULL) {
        __sanitizer_start_switch_fiber(&from->fake, to->bottom, to->size);
    }
#endif
}

static void arrive(void)
{
#ifndef HAS_TSAN
    const void *bottom;
    if (__sanitizer_finish_switch_fiber != NULL) {
        __sanitizer_finish_switch_fiber(contexts[current].fake, &bottom, &contexts[last].size);
        contexts[last].bottom = bottom; /* nobody else knows the caller's */
    }
#endif
}

/* Frames that were left for good are marked as in use still. */
static void forget_frames(struct context *context)
{
    if (context->stack_pointer != NULL) {
        const uint8_t *top = context->bottom + context->size;
        asan_show(context->stack_pointer, (size_t)(top - (const uint8_t *)context->stack_pointer));
    }
#ifdef HAS_TSAN
    /* Nor does it hear that they are gone: they fill its own stack of calls. To make a new one takes long. */
    if (context->thread != NULL && context->uses == USES_MAX) {
        __tsan_destroy_fiber(context->thread);
        context->thread = NULL;
        context->uses = 0;
    }
    if (context->thread == NULL) {
        context->thread = __tsan_create_fiber(0);
    }
    context->uses++;
#endif
}

/* --- C++ --- */

/* Fibers are threads to a client: one that waits in a handler keeps its exception while another one's comes and goes. */
static void swap_exceptions(struct context *from, const struct context *to)
{
    if (__cxa_get_globals != NULL) {
        struct exceptions *own = __cxa_get_globals();
        from->exceptions = *own;
        *own = to->exceptions;
    }
}

/* --- contexts --- */

static const uint8_t *make_stack(void)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *room =
        mmap(NULL, SIM_STACK + page, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    bool made = room != MAP_FAILED && mprotect(room + page, SIM_STACK, PROT_READ | PROT_WRITE) == 0;
    assert(made && "no memory for a fiber's stack");
    (void)made;
    return room + page;
}

void sim_context_reset(void)
{
    if (current != SIM_CONTEXT_CALLER) { /* left by a jump: nobody knows where it stood */
        contexts[current].stack_pointer = (void *)contexts[current].bottom;
        swap_exceptions(&contexts[current], &contexts[SIM_CONTEXT_CALLER]);
        current = SIM_CONTEXT_CALLER;
    }
}

void sim_context_start(uint32_t index, void (*entry)(void))
{
    struct context *context = &contexts[index];
    assert(index < SIM_FIBERS_MAX && index != current);
    if (context->bottom == NULL) {
        context->bottom = make_stack();
        context->size = SIM_STACK;
    }
    forget_frames(context);
    context->exceptions = (struct exceptions){NULL, 0};
    prepare(context, entry);
}

void sim_context_entered(void)
{
    arrive();
}

void sim_context_switch(uint32_t to)
{
    last = current;
    current = to;
    leave(&contexts[last], &contexts[to]);
    swap_exceptions(&contexts[last], &contexts[to]);
    swap(&contexts[last], &contexts[to]);
    arrive();
}
