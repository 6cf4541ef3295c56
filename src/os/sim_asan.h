/* sim_asan.h - what AddressSanitizer is told of the simulation's stacks and memory, where the program has it: the
 * simulation may come from a library that was built without (libvdifault_client.a), so it asks when it runs. */
#ifndef VDIFAULT_OS_SIM_ASAN_H
#define VDIFAULT_OS_SIM_ASAN_H

#include <stddef.h>
#include <stdint.h>

/* As in <sanitizer/common_interface_defs.h> and <sanitizer/asan_interface.h>. */
extern void __sanitizer_start_switch_fiber(void **fake, const void *bottom, size_t size)
    __attribute__((weak));
extern void __sanitizer_finish_switch_fiber(void *fake, const void **bottom, size_t *size)
    __attribute__((weak));
extern void __asan_poison_memory_region(void const volatile *address, size_t size) __attribute__((weak));
extern void __asan_unpoison_memory_region(void const volatile *address, size_t size) __attribute__((weak));
/* What is compiled into a read of four bytes; this way it is there where the reader was built without. */
extern void __asan_load4(void *address) __attribute__((weak));

static inline void asan_hide(const void *address, size_t size)
{
    if (__asan_poison_memory_region != NULL) {
        __asan_poison_memory_region(address, size);
    }
}

static inline void asan_show(const void *address, size_t size)
{
    if (__asan_unpoison_memory_region != NULL) {
        __asan_unpoison_memory_region(address, size);
    }
}

static inline void asan_check_word(const void *word)
{
    if (__asan_load4 != NULL) {
        __asan_load4((void *)(uintptr_t)word);
    }
}

#endif
