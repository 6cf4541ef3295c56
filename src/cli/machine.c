/* machine.c - /dev/shm, tried rather than guessed at. */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "rundir.h"

enum {
    PROBE_BYTES = 256 << 10
};

int machine_check_shared_memory(char *why, size_t size)
{
    char name[RUN_TOKEN_MAX + 32];
    char token[RUN_TOKEN_MAX];
    run_token(token);
    snprintf(name, sizeof name, "/" RUN_PREFIX "%s-probe", token);
    int fd = shm_open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0) {
        snprintf(why, size,
                 SHM_FOLDER
                 " cannot be written: %s; VDI needs shared memory there"
                 " (mount a tmpfs on it that this user may write, mode 1777)",
                 strerror(errno));
        return -1;
    }
    int error = posix_fallocate(fd, 0, PROBE_BYTES);
    close(fd);
    shm_unlink(name);
    if (error == EFBIG) {
        snprintf(why, size,
                 "the limit on file sizes is below %d KiB, and shared memory counts as files; raise it "
                 "(ulimit -f)",
                 PROBE_BYTES >> 10);
        return -1;
    }
    if (error != 0) {
        snprintf(why, size,
                 SHM_FOLDER
                 " is full or too small: %s; remove what is left there"
                 " (vdifault doctor --clean removes ours) or enlarge it (mount -o remount,size=1G " SHM_FOLDER
                 ", docker run --shm-size=1g)",
                 strerror(error));
        return -1;
    }
    return 0;
}
