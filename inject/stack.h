/* stack.h - call stacks as numbers.
 *
 * Responsible for: giving each distinct call stack of the process a number, unique in the run, and explaining it
 * once by EVENT_MODULE and EVENT_STACK before its number is used. Not responsible for names of functions and
 * lines: the tool finds those (src/report/symbols.h). Any thread, signal handlers too; no lock of ours, no
 * allocation; errno is preserved. A child of fork explains its stacks anew.
 *
 * A stack is unwound when it is first seen (unwind.h), some microseconds. What is remembered of it is each return
 * address and where it lies, as distance from where our own lies. The next call from the same place compares those
 * words, innermost first, about a nanosecond a frame. That says the same as unwinding again: equal return
 * addresses so far mean that the same code runs at the same depth, so the next return address lies where it lay
 * then; where a function's frame varies in size (alloca), its frame pointer is compared, too (stack_walk.c). For
 * the same reason reading the words is safe on any stack: a coroutine's, or the one that signals are handled on.
 *
 * What is not to be had: frames beyond the 64th; callers of code without unwind tables (the frame without them is
 * still listed); functions left by a tail call. A call made while a signal is handled is unwound each time. The
 * number of a stack stays when a module is unloaded; another one in its place is told when a new stack needs it.
 * On other processors than x86-64 a return address is not where a frame ends: every call is unwound there.
 */
#ifndef VDIFAULT_STACK_H
#define VDIFAULT_STACK_H

#include <stdint.h>

/* The stack that ends in the call which returns to `caller`. 0: nobody records, or caller is NULL. */
uint32_t stack_of_call(const void *caller);

/* The stack at the instruction a signal interrupted; context: the third argument of its handler. Only that
 * instruction before the first stack_of_call of the process. */
uint32_t stack_of_signal(const void *context);

#endif
