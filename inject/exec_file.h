/* exec_file.h - programs that the client starts and we do not get into: static ones, those of another class, and those
 * with rights of their own, for which the loader ignores LD_PRELOAD; and those in Go, whose connections we do not see. Each is told once a run, as a note.
 *
 * Nothing is allocated; errno is preserved. Threads: any, also between vfork and exec.
 */
#ifndef VDIFAULT_EXEC_FILE_H
#define VDIFAULT_EXEC_FILE_H

#include <stdbool.h>

/* `file` is about to be started; `search`: on PATH, unless there is a slash in it. */
void exec_file_look(const char *file, bool search, char *const argv[]);

#endif
