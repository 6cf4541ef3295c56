/* dlsym.c - a client that loads libsqlvdi.so by itself and asks for its functions by name gets our wrappers.
 *
 * Every other question must reach the real dlsym as if we were not there: RTLD_NEXT and RTLD_DEFAULT mean
 * something relative to the caller, whom the real dlsym knows by its return address. A C function cannot
 * promise a tail call, so the entry is written in assembler: it asks inject_dlsym_choose and then either
 * returns or jumps.
 */
#include <dlfcn.h>
#include <stddef.h>

#include "inject.h"
#include "next.h"

/* Returned in two registers on both architectures. */
struct dlsym_choice {
    void *answer;
    void *forward; /* not NULL: jump there instead */
};

struct dlsym_choice inject_dlsym_choose(void *handle, const char *name);

__attribute__((used)) struct dlsym_choice inject_dlsym_choose(void *handle, const char *name)
{
    dlsym_function *real = next_dlsym();
    void *wrapper = next_wrapper(name);
    if (wrapper == NULL || !inject_is_active()) {
        return (struct dlsym_choice){NULL, (void *)real};
    }
    void *found = real(handle, name);
    if (found != NULL) {
        next_learn(name, found);
    }
    return (struct dlsym_choice){found != NULL ? wrapper : NULL, NULL};
}

#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".globl dlsym\n"
    ".type dlsym, @function\n"
    "dlsym:\n"
    "    .cfi_startproc\n"
    "    endbr64\n"
    "    pushq %rdi\n"
    "    .cfi_adjust_cfa_offset 8\n"
    "    pushq %rsi\n"
    "    .cfi_adjust_cfa_offset 8\n"
    "    subq $8, %rsp\n" /* calls are made on a 16-byte boundary */
    "    .cfi_adjust_cfa_offset 8\n"
    "    call inject_dlsym_choose\n"
    "    addq $8, %rsp\n"
    "    .cfi_adjust_cfa_offset -8\n"
    "    popq %rsi\n"
    "    .cfi_adjust_cfa_offset -8\n"
    "    popq %rdi\n"
    "    .cfi_adjust_cfa_offset -8\n"
    "    testq %rdx, %rdx\n"
    "    jz 1f\n"
    "    jmp *%rdx\n" /* the stack is as at entry: the caller's return address on top */
    "1:  ret\n"
    "    .cfi_endproc\n"
    ".size dlsym, . - dlsym\n");
#elif defined(__aarch64__)
__asm__(
    ".text\n"
    ".globl dlsym\n"
    ".type dlsym, %function\n"
    "dlsym:\n"
    "    .cfi_startproc\n"
    "    hint #34\n" /* bti c */
    "    stp x29, x30, [sp, #-32]!\n"
    "    .cfi_adjust_cfa_offset 32\n"
    "    .cfi_rel_offset x29, 0\n"
    "    .cfi_rel_offset x30, 8\n"
    "    stp x0, x1, [sp, #16]\n"
    "    mov x29, sp\n"
    "    bl inject_dlsym_choose\n"
    "    mov x9, x0\n"
    "    mov x16, x1\n"
    "    ldp x0, x1, [sp, #16]\n"
    "    ldp x29, x30, [sp], #32\n"
    "    .cfi_restore x30\n"
    "    .cfi_restore x29\n"
    "    .cfi_adjust_cfa_offset -32\n"
    "    cbz x16, 1f\n"
    "    br x16\n" /* x30 is the caller's return address again */
    "1:  mov x0, x9\n"
    "    ret\n"
    "    .cfi_endproc\n"
    ".size dlsym, . - dlsym\n");
#else
#error "dlsym needs an entry for this architecture"
#endif
