/* machine.c - /dev/shm, tried rather than guessed at. */
#include "machine.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "cleanup.h"
#include "rundir.h"

enum {
    PROBE_BYTES = 256 << 10
};

int machine_check_guard(char *why, size_t size)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    uint8_t *pages = mmap(NULL, page, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    uint8_t *alias = pages != MAP_FAILED ? mremap(pages, 0, page, MREMAP_MAYMOVE) : MAP_FAILED;
    bool able = false;
    if (alias != MAP_FAILED) {
        pages[0] = 1;
        able = alias[0] == 1 && mprotect(alias, page, PROT_NONE) == 0;
        munmap(alias, page);
    }
    if (!able) {
        snprintf(why, size, "a shared mapping has no second address here (%s): only --guard copy and off",
                 strerror(errno));
    }
    if (pages != MAP_FAILED) {
        munmap(pages, page);
    }
    return able ? 0 : -1;
}

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
