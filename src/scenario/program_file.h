/* program_file.h - what a program's file tells that both the runner and the interposer must know.
 *
 * libc only, no allocation, also between vfork and exec. Threads: any.
 */
#ifndef VDIFAULT_PROGRAM_FILE_H
#define VDIFAULT_PROGRAM_FILE_H

#include <stdbool.h>

/* The open file is a 64-bit program written in Go: it makes its system calls itself, past the C library. */
bool program_is_go(int file);

#endif
