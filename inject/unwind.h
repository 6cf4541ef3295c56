/* unwind.h - walks the calling thread's stack by the unwind tables of the code on it.
 *
 * Responsible for: the C runtime's unwinder (libgcc_s.so.1), found at run time, so that libvdifault.so itself needs
 * libc only; a client written in C++ has it loaded already. Not responsible for: what a stack is called (stack.h).
 * It allocates nothing and, once prepared, takes no lock (glibc's _dl_find_object finds the tables): it works in
 * a signal handler. Any thread.
 */
#ifndef VDIFAULT_UNWIND_H
#define VDIFAULT_UNWIND_H

#include <stdbool.h>
#include <stdint.h>

struct unwind_frame {
    uint64_t address; /* of the instruction to go on with: a return address, or what a signal interrupted */
    uint64_t slot;    /* where on the stack a return address lies; 0: not known */
    uint64_t pointer; /* what the frame pointer's register held in this function */
    bool interrupted;
};

/* Called innermost frame first, starting with the caller of unwind_stack. False: no further. */
typedef bool unwind_visit(void *context, const struct unwind_frame *frame);

/* Finds the unwinder. Asks the loader, so never in a signal handler. */
void unwind_prepare(void);
/* Nothing is visited before unwind_prepare, or where there is no unwinder. The walk ends where no table tells how
 * to go on. */
void unwind_stack(unwind_visit *visit, void *context);

#endif
