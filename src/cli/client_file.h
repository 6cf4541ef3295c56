/* client_file.h - the program under test, before it is started.
 *
 * Responsible for: finding it as a shell would, and saying at once why it could not be wrapped (a static
 * program loads no library, a set-user-ID one ignores LD_PRELOAD).
 */
#ifndef VDIFAULT_CLIENT_FILE_H
#define VDIFAULT_CLIENT_FILE_H

#include <stdbool.h>

#include "rundir.h"

struct client_file {
    char path[RUN_PATH_MAX];
    char interpreter[RUN_PATH_MAX]; /* PT_INTERP of an ELF program; "" for a script */
    bool is_go;
    bool is_profiled; /* an ELF program with clang's counters (-fprofile-instr-generate) */
};

/* 0, or -1 with *why filled. */
int client_file_find(const char *name, struct client_file *file, char *why, size_t size);

/* Whether the program's own library search already finds a libsqlvdi.so, and which; `path` is untouched where it finds
 * none. Asks its dynamic loader with --list, which maps libraries and runs nothing of the program. false for scripts. */
bool client_file_find_vdi(const struct client_file *file, char path[RUN_PATH_MAX]);

#endif
