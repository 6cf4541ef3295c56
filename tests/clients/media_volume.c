/* media_volume.c - a volume is a file: see media.h. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "media.h"
#include "vdi.h"

static void volume_path(const struct volume *volume, int number, char path[CLIENT_PATH_MAX + 16])
{
    snprintf(path, CLIENT_PATH_MAX + 16, "%s.%d", volume->stem, number);
}

int volume_open(struct volume *volume, int number)
{
    char path[CLIENT_PATH_MAX + 16];
    int file;

    if (volume->last && number > volume->last) {
        return CLIENT_ERROR_NO_MEDIA_IN_DRIVE;
    }
    volume_path(volume, number, path);
    /* Not cut: what an older backup left there is overwritten, and goes when this one says where it ends. */
    file = open(path, volume->writing ? O_RDWR | O_CREAT | O_CLOEXEC : O_RDONLY | O_CLOEXEC, 0666);
    if (file < 0) {
        return errno == ENOENT ? CLIENT_ERROR_NO_MEDIA_IN_DRIVE
                               : store_completion_code(errno, volume->writing);
    }
    volume->file = file;
    volume->number = number;
    volume->open = true;
    volume->full = false;
    return ERROR_SUCCESS;
}

int volume_close(struct volume *volume)
{
    int result = volume->open ? close(volume->file) : 0;

    volume->open = false;
    volume->file = -1; /* what is asked of it from now on fails */
    return result ? store_completion_code(errno, volume->writing) : ERROR_SUCCESS;
}

int volume_room(struct volume *volume, uint64_t used, size_t *size)
{
    uint64_t left = volume->capacity > used ? volume->capacity - used : 0;
    bool changes = volume->removable && volume->number != volume->last;

    if (!volume->capacity) {
        return ERROR_SUCCESS;
    }
    if (volume->full || *size > left) {
        *size = volume->full ? 0 : (size_t)(left - left % volume->unit);
        volume->full = true;
        return changes             ? CLIENT_ERROR_END_OF_MEDIA
               : volume->removable ? CLIENT_ERROR_EOM_OVERFLOW
                                   : ERROR_DISK_FULL;
    }
    return changes && left - *size < volume->warning ? CLIENT_ERROR_END_OF_MEDIA : ERROR_SUCCESS;
}

int volume_move(const struct volume *volume, bool writing, uint64_t at, uint8_t *data, size_t size,
                size_t *done)
{
    for (*done = 0; *done < size;) {
        off_t offset = (off_t)(at + *done);
        ssize_t part = writing ? pwrite(volume->file, data + *done, size - *done, offset)
                               : pread(volume->file, data + *done, size - *done, offset);

        if (part < 0 && errno == EINTR) {
            continue;
        }
        if (part < 0) {
            return store_completion_code(errno, writing);
        }
        if (part == 0) {
            return writing ? ERROR_DISK_FULL : ERROR_HANDLE_EOF;
        }
        *done += (size_t)part;
    }
    return ERROR_SUCCESS;
}

int volume_sync(const struct volume *volume)
{
    char directory[CLIENT_PATH_MAX];
    char *slash;
    int error;

    snprintf(directory, sizeof directory, "%s", volume->stem);
    slash = strrchr(directory, '/');
    if (slash) {
        slash[slash == directory] = '\0'; /* "/" keeps its slash */
    }
    error = fsync(volume->file) ? errno : store_sync_directory(slash ? directory : ".");
    return error ? store_completion_code(error, true) : ERROR_SUCCESS;
}
