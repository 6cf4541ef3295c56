/* database.c - see database.h. */
#include "database.h"

#include <assert.h>
#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "hash.h"
#include "stripes.h"

enum {
    LINE = 64, /* generated content is made in lines: one strong mix each, cheap words from it */
    LINE_WORDS = LINE / 8,
    PURPOSE_CONTENT = 3,
    DIGEST_PIECE = 1 << 18,
};

static void generate_line(uint64_t base, uint64_t line, uint8_t *data)
{
    uint64_t state = base ^ (line * 0xd1342543de82ef95u);
    uint64_t mixed = random_next(&state);
    for (uint64_t i = 0; i < LINE_WORDS; i++) {
        uint64_t word = htole64(mixed ^ ((mixed >> 7) + i * 0x9e3779b97f4a7c15u));
        memcpy(data + 8 * i, &word, sizeof word);
    }
}

void database_generate(uint64_t seed, uint64_t offset, uint8_t *data, size_t length)
{
    uint64_t base = random_seed(seed, PURPOSE_CONTENT, 0);
    while (length > 0) {
        size_t skip = offset % LINE;
        if (skip == 0 && length >= LINE) {
            generate_line(base, offset / LINE, data);
            offset += LINE;
            data += LINE;
            length -= LINE;
            continue;
        }
        uint8_t line[LINE];
        size_t piece = LINE - skip < length ? LINE - skip : length;
        generate_line(base, offset / LINE, line);
        memcpy(data, line + skip, piece);
        offset += piece;
        data += piece;
        length -= piece;
    }
}

size_t database_compare(uint64_t seed, uint64_t offset, const uint8_t *data, size_t length)
{
    uint8_t expected[4096];
    for (size_t at = 0; at < length;) {
        size_t piece = length - at < sizeof expected ? length - at : sizeof expected;
        database_generate(seed, offset + at, expected, piece);
        if (memcmp(expected, data + at, piece) != 0) {
            size_t i = 0;
            while (expected[i] == data[at + i]) {
                i++;
            }
            return at + i;
        }
        at += piece;
    }
    return length;
}

const struct plan_database *database_find(const struct plan *plan, const char *name)
{
    for (uint32_t i = 0; i < plan->database_count; i++) {
        if (strcasecmp(plan->databases[i].name, name) == 0) {
            return &plan->databases[i];
        }
    }
    return NULL;
}

/* --- source --- */

int database_open(struct database_source *source, const struct plan *plan, const char *path)
{
    *source = (struct database_source){.file = -1, .size = plan->size, .seed = plan->seed};
    if (path == NULL) {
        return 0;
    }
    source->seed = 0;
    source->size = 0;
    /* O_NONBLOCK: a FIFO must be refused, not waited for. */
    source->file = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (source->file < 0) {
        return errno;
    }
    struct stat status;
    int error = fstat(source->file, &status) == 0 ? 0 : errno;
    if (error == 0 && !S_ISREG(status.st_mode)) {
        error = EACCES;
    }
    if (error != 0) {
        database_close(source);
        return error;
    }
    source->size = (uint64_t)status.st_size;
    return 0;
}

int database_read(const struct database_source *source, uint64_t offset, uint8_t *data, size_t length)
{
    if (source->file < 0) {
        database_generate(source->seed, offset, data, length);
        return 0;
    }
    while (length > 0) {
        ssize_t got = pread(source->file, data, length, (off_t)offset);
        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            return got == 0 ? ENODATA : errno;
        }
        data += got;
        offset += (uint64_t)got;
        length -= (size_t)got;
    }
    return 0;
}

int database_digest(const struct database_source *source, uint64_t *digest)
{
    uint8_t *piece = malloc(DIGEST_PIECE);
    XXH64_state_t state;
    int error = piece != NULL ? 0 : ENOMEM;
    XXH64_reset(&state, 0);
    for (uint64_t at = 0; error == 0 && at < source->size; at += DIGEST_PIECE) {
        size_t length = source->size - at < DIGEST_PIECE ? (size_t)(source->size - at) : DIGEST_PIECE;
        error = database_read(source, at, piece, length);
        XXH64_update(&state, piece, length);
    }
    free(piece);
    *digest = XXH64_digest(&state);
    return error;
}

void database_close(struct database_source *source)
{
    if (source->file >= 0) {
        close(source->file);
        source->file = -1;
    }
}

/* --- target --- */

bool database_exists(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0;
}

/* Opens and locks the file beside the target. The name may be renamed away between open and lock: then the
 * descriptor is somebody's finished database, which must not be touched, and we look again. */
static int open_temporary(const char *path, mode_t mode, int *file)
{
    for (;;) {
        struct stat opened, named;
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, mode);
        if (fd < 0) {
            return errno;
        }
        int error = flock(fd, LOCK_EX | LOCK_NB) == 0 && fstat(fd, &opened) == 0 ? 0 : errno;
        if (error == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
            opened.st_dev == named.st_dev) {
            *file = fd;
            return 0;
        }
        close(fd);
        if (error != 0) {
            return error;
        }
    }
}

/* Where the restored file belongs: through links, so that a link to a database stays one. */
static int resolve(struct database_target *target, const char *path)
{
    char *real = realpath(path, NULL);
    int length = snprintf(target->path, sizeof target->path, "%s", real != NULL ? real : path);
    free(real);
    if (length < 0 || (size_t)length >= sizeof target->path) {
        return ENAMETOOLONG;
    }
    length = snprintf(target->temporary, sizeof target->temporary, "%s.restoring", target->path);
    return length < 0 || (size_t)length >= sizeof target->temporary ? ENAMETOOLONG : 0;
}

int database_begin(struct database_target *target, const char *path, uint64_t size)
{
    target->file = -1;
    if (path == NULL) {
        return 0;
    }
    struct stat status;
    bool exists = stat(path, &status) == 0;
    if (exists && !S_ISREG(status.st_mode)) {
        return EACCES; /* renaming over a device or a directory would destroy it */
    }
    int error = resolve(target, path);
    if (error == 0) {
        error = open_temporary(target->temporary, 0666, &target->file);
    }
    if (error == 0 && ((exists && fchmod(target->file, status.st_mode & 07777) != 0) ||
                       ftruncate(target->file, 0) != 0 || ftruncate(target->file, (off_t)size) != 0)) {
        error = errno;
        database_discard(target);
    }
    return error;
}

int database_keep(struct database_target *target)
{
    int from = target->file >= 0 ? open(target->path, O_RDONLY | O_CLOEXEC) : -1;
    if (from < 0) {
        return target->file >= 0 ? errno : 0;
    }
    int error = 0;
    struct stat status;
    off_t in = 0, out = 0;
    if (fstat(from, &status) != 0) {
        error = errno;
    }
    while (error == 0 && in < status.st_size) {
        ssize_t copied = copy_file_range(from, &in, target->file, &out, (size_t)(status.st_size - in), 0);
        error = copied > 0 ? 0 : copied == 0 ? ENODATA : errno == EINTR ? 0 : errno;
    }
    close(from);
    return error;
}

int database_put(struct database_target *target, uint64_t offset, const uint8_t *data, size_t length)
{
    if (target->generated) {
        size_t same = database_compare(target->seed, offset, data, length);
        if (same != length) {
            target->differs_at = offset + same;
            return DATABASE_DIFFERS;
        }
    }
    while (target->file >= 0 && length > 0) {
        ssize_t put = pwrite(target->file, data, length, (off_t)offset);
        if (put < 0 && errno != EINTR) {
            return errno;
        }
        if (put > 0) {
            data += put;
            offset += (uint64_t)put;
            length -= (size_t)put;
        }
    }
    return 0;
}

int database_commit(struct database_target *target)
{
    if (target->file < 0) {
        return 0;
    }
    if (rename(target->temporary, target->path) != 0) {
        return errno;
    }
    close(target->file); /* releases the lock, after the rename: see open_temporary */
    target->file = -1;
    return 0;
}

void database_discard(struct database_target *target)
{
    if (target->file >= 0) {
        unlink(target->temporary);
        close(target->file);
        target->file = -1;
    }
}

uint64_t database_free_space(const struct database_target *target)
{
    struct statvfs status;
    if (target->file < 0 || fstatvfs(target->file, &status) != 0) {
        return 0;
    }
    return (uint64_t)status.f_bavail * status.f_frsize;
}
