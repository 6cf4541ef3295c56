/* guard_sanitizer.c - what a client's own AddressSanitizer is told, and what it finds; see guard.h.
 *
 * Its runtime is in the client or nowhere. It checks before the instruction, so that no trap comes first: the bytes
 * that pages cannot protect are poisoned, and when its report about one of them ends the process, the access is
 * recorded on the way out.
 */
#include <stdatomic.h>
#include <stddef.h>
#include <ucontext.h>

#include "guard_internal.h"

extern void __asan_poison_memory_region(void const volatile *address, size_t size) __attribute__((weak));
extern void __asan_unpoison_memory_region(void const volatile *address, size_t size) __attribute__((weak));
extern void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));
extern int __asan_report_present(void) __attribute__((weak));
extern void *__asan_get_report_pc(void) __attribute__((weak));
extern void *__asan_get_report_bp(void) __attribute__((weak));
extern void *__asan_get_report_sp(void) __attribute__((weak));
extern void *__asan_get_report_address(void) __attribute__((weak));
extern int __asan_get_report_access_type(void) __attribute__((weak)); /* 1: a write */

/* Where it happened, as a signal would say it. */
static void place(ucontext_t *context)
{
#if defined(__x86_64__)
    context->uc_mcontext.gregs[REG_RIP] = (greg_t)__asan_get_report_pc();
    context->uc_mcontext.gregs[REG_RBP] = (greg_t)__asan_get_report_bp();
    context->uc_mcontext.gregs[REG_RSP] = (greg_t)__asan_get_report_sp();
#else
    context->uc_mcontext.pc = (uintptr_t)__asan_get_report_pc();
    context->uc_mcontext.regs[29] = (uintptr_t)__asan_get_report_bp();
    context->uc_mcontext.sp = (uintptr_t)__asan_get_report_sp();
#endif
}

static void on_death(void)
{
    static ucontext_t context; /* the process dies once */
    struct slot *slot = __asan_report_present() ? arena_slot(__asan_get_report_address()) : NULL;
    enum slot_state state = slot == NULL ? SLOT_BUSY : slot_claim(slot, SLOT_BIT(HELD));
    if (state == SLOT_BUSY) {
        return;
    }
    place(&context);
    const struct access access = {.address = (uintptr_t)__asan_get_report_address(),
                                  .is_write = __asan_get_report_access_type() != 0,
                                  .text = "",
                                  .context = &context};
    access_tell(slot, state, &access);
    slot_release(slot, state);
}

static bool knows_reports(void)
{
    return __sanitizer_set_death_callback != NULL && __asan_report_present != NULL &&
           __asan_get_report_pc != NULL && __asan_get_report_bp != NULL && __asan_get_report_sp != NULL &&
           __asan_get_report_address != NULL && __asan_get_report_access_type != NULL;
}

void sanitizer_tell(const struct slot *slot, bool is_granted)
{
    static _Atomic bool listening;
    const uint8_t *tail = (const uint8_t *)atomic_load(&slot->data) + atomic_load(&slot->size);
    size_t length = (size_t)(slot->first + slot->granted - tail);
    if (length == 0 || __asan_poison_memory_region == NULL || __asan_unpoison_memory_region == NULL) {
        return;
    }
    if (!is_granted) {
        __asan_unpoison_memory_region(tail, length);
        return;
    }
    if (!atomic_exchange(&listening, true) && knows_reports()) {
        __sanitizer_set_death_callback(on_death);
    }
    __asan_poison_memory_region(tail, length);
}
