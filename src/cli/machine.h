/* machine.h - what the machine must offer before a run makes sense. */
#ifndef VDIFAULT_MACHINE_H
#define VDIFAULT_MACHINE_H

#include <stddef.h>

/* Tries to make a small object in /dev/shm. 0, or -1 with a message that says what is wrong and what to do.
 */
int machine_check_shared_memory(char *why, size_t size);

/* Whether the guard can give a client's buffers a second address and take it away (design: an alias by mremap). 0, or
 * -1 with what --guard does without it. */
int machine_check_guard(char *why, size_t size);

#endif
