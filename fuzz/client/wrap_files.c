/* wrap_files.c - syncs of the client's files: taken for done. Whether a file would be on the disk is not judged here
 * (`vdifault run` does), and waiting for a disk would be most of a session. */
#include <fcntl.h>
#include <unistd.h>

#include "world.h"

int __real_fsync(int file);
int __real_fdatasync(int file);
int __real_syncfs(int file);
void __real_sync(void);
#pragma GCC visibility push(default)
int __wrap_fsync(int file);
int __wrap_fdatasync(int file);
int __wrap_syncfs(int file);
void __wrap_sync(void);
#pragma GCC visibility pop

static int check(int file)
{
    return fcntl(file, F_GETFD) < 0 ? -1 : 0; /* EBADF */
}

int __wrap_fsync(int file)
{
    return world_is_client() ? check(file) : __real_fsync(file);
}

int __wrap_fdatasync(int file)
{
    return world_is_client() ? check(file) : __real_fdatasync(file);
}

int __wrap_syncfs(int file)
{
    return world_is_client() ? check(file) : __real_syncfs(file);
}

void __wrap_sync(void)
{
    if (!world_is_client()) {
        __real_sync();
    }
}
