/* spill.c - see spill.h. An address range is reserved once; memory and then file pages are mapped into it. */
#include "spill.h"

#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>

#define RANGE ((size_t)1 << 38) /* of addresses; no more than that is ever used */

enum {
    STEP = 4 << 20 /* bytes that are added at once; a multiple of every page size */
};

void spill_init(struct spill *spill, const char *folder, size_t limit)
{
    *spill = (struct spill){.limit = limit, .folder = folder, .file = -1};
}

void spill_free(struct spill *spill)
{
    if (spill->base != NULL) {
        munmap(spill->base, RANGE);
    }
    if (spill->file >= 0) {
        close(spill->file);
    }
    spill_init(spill, spill->folder, spill->limit);
}

/* A file without a name; where the file system has none, one that loses it at once. 0 or errno. */
static int open_file(struct spill *spill)
{
    char path[4096];
    spill->file = open(spill->folder, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
    if (spill->file >= 0) {
        return 0;
    }
    int length = snprintf(path, sizeof path, "%s/vdifault-events-XXXXXX", spill->folder);
    if (length < 0 || (size_t)length >= sizeof path) {
        return ENAMETOOLONG;
    }
    spill->file = mkostemp(path, O_CLOEXEC);
    if (spill->file < 0) {
        return errno;
    }
    unlink(path);
    return 0;
}

static int add_step(struct spill *spill)
{
    const int both = PROT_READ | PROT_WRITE;
    uint8_t *at = spill->base + spill->size;
    if (spill->size + STEP <= spill->limit) {
        return mmap(at, STEP, both, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED ? errno : 0;
    }
    int error = spill->file < 0 ? open_file(spill) : 0;
    off_t offset = (off_t)spill->size; /* as in the range: the part kept in memory is a hole */
    if (error == 0) {
        error = posix_fallocate(spill->file, offset, STEP);
    }
    if (error == 0 && mmap(at, STEP, both, MAP_FIXED | MAP_SHARED, spill->file, offset) == MAP_FAILED) {
        error = errno;
    }
    return error;
}

int spill_grow(struct spill *spill, size_t bytes)
{
    assert(bytes <= RANGE);
    if (spill->base == NULL) {
        void *base = mmap(NULL, RANGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
        if (base == MAP_FAILED) {
            return errno;
        }
        spill->base = base;
    }
    while (spill->size < bytes) {
        int error = add_step(spill);
        if (error != 0) {
            return error;
        }
        spill->size += STEP;
    }
    return 0;
}
