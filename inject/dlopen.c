/* dlopen.c - a client that loads /opt/mssql/lib/libsqlvdi.so where there is none gets the library of the run.
 *
 * Microsoft's installation path is often written into a client. Where that file exists it is the real library, and
 * stays what is loaded. As in dlsym.c the real function must see who called: RUNPATH, $ORIGIN and the namespace are the
 * caller's. The entry therefore replaces the path and jumps.
 */
#include <dlfcn.h>
#include <errno.h>
#include <stdatomic.h>
#include <stddef.h>
#include <string.h>
#include <unistd.h>

#include "inject.h"
#include "next.h"
#include "runstate.h"

#define LIBRARY_NAME "libsqlvdi.so"

/* Returned in two registers on both architectures. */
struct dlopen_choice {
    const char *path;
    void *forward;
};

struct dlopen_choice inject_dlopen_choose(const char *path);

static const char *library_for(const char *path)
{
    const char *slash = path != NULL ? strrchr(path, '/') : NULL;
    if (slash == NULL || strcmp(slash + 1, LIBRARY_NAME) != 0 || strchr(path, '$') != NULL ||
        !inject_is_active()) {
        return path; /* where $ORIGIN is, only the loader knows */
    }
    int saved = errno;
    const char *library = access(path, F_OK) != 0 ? run_variable("VDIFAULT_LIBRARY") : NULL;
    errno = saved;
    return library != NULL && library[0] != '\0' ? library : path;
}

__attribute__((used)) struct dlopen_choice inject_dlopen_choose(const char *path)
{
    static _Atomic(void *) real;
    void *function = atomic_load_explicit(&real, memory_order_acquire);
    if (function == NULL) {
        function = next_dlsym()(RTLD_NEXT, "dlopen");
        atomic_store_explicit(&real, function, memory_order_release);
    }
    return (struct dlopen_choice){library_for(path), function};
}

#if defined(__x86_64__)
__asm__(
    ".text\n"
    ".globl dlopen\n"
    ".type dlopen, @function\n"
    "dlopen:\n"
    "    .cfi_startproc\n"
    "    endbr64\n"
    "    pushq %rsi\n" /* the flags; and calls are made on a 16-byte boundary */
    "    .cfi_adjust_cfa_offset 8\n"
    "    call inject_dlopen_choose\n"
    "    popq %rsi\n"
    "    .cfi_adjust_cfa_offset -8\n"
    "    movq %rax, %rdi\n"
    "    jmp *%rdx\n" /* the stack is as at entry: the caller's return address on top */
    "    .cfi_endproc\n"
    ".size dlopen, . - dlopen\n");
#elif defined(__aarch64__)
__asm__(
    ".text\n"
    ".globl dlopen\n"
    ".type dlopen, %function\n"
    "dlopen:\n"
    "    .cfi_startproc\n"
    "    hint #34\n" /* bti c */
    "    stp x29, x30, [sp, #-32]!\n"
    "    .cfi_adjust_cfa_offset 32\n"
    "    .cfi_rel_offset x29, 0\n"
    "    .cfi_rel_offset x30, 8\n"
    "    str x1, [sp, #16]\n"
    "    mov x29, sp\n"
    "    bl inject_dlopen_choose\n"
    "    mov x16, x1\n"
    "    ldr x1, [sp, #16]\n"
    "    ldp x29, x30, [sp], #32\n"
    "    .cfi_restore x30\n"
    "    .cfi_restore x29\n"
    "    .cfi_adjust_cfa_offset -32\n"
    "    br x16\n" /* x30 is the caller's return address again */
    "    .cfi_endproc\n"
    ".size dlopen, . - dlopen\n");
#else
#error "dlopen needs an entry for this architecture"
#endif
