/* stack.h - call stacks as numbers.
 *
 * Responsible for: giving each distinct call stack of the process a number, unique in the run, and explaining it
 * once by EVENT_MODULE and EVENT_STACK before its number is used. Not responsible for names of functions and
 * lines: the tool finds those (src/report/symbols.h). Any thread, signal handlers too; no lock of ours, no
 * allocation; errno is preserved. A child of fork explains its stacks anew.
 */
#ifndef VDIFAULT_STACK_H
#define VDIFAULT_STACK_H

#include <stdint.h>

/* The stack that ends in the call which returns to `caller`. 0: nobody records, or caller is NULL. */
uint32_t stack_of_call(const void *caller);

/* The stack at the instruction a signal interrupted; context: the third argument of its handler. */
uint32_t stack_of_signal(const void *context);

#endif
