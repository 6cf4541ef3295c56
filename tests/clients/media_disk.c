/* media_disk.c - bytes at positions: see media.h. */
#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "media.h"
#include "vdi.h"

static int start_volume(struct disk *disk, int number)
{
    struct stat status;
    int code = volume_open(&disk->volume, number);

    disk->position = 0;
    disk->end = 0;
    if (code == ERROR_SUCCESS && !disk->volume.writing) {
        if (fstat(disk->volume.file, &status)) {
            return store_completion_code(errno, false);
        }
        disk->end = status.st_size;
    }
    return code;
}

int disk_open(struct disk *disk)
{
    return start_volume(disk, 1);
}

int disk_close(struct disk *disk)
{
    return volume_close(&disk->volume);
}

/* What was written to the volume that leaves is complete and durable then. */
int disk_load(struct disk *disk)
{
    int next = disk->volume.number + 1;
    int code = disk->volume.removable ? disk_flush(disk) : ERROR_NOT_SUPPORTED;

    if (code == ERROR_SUCCESS) {
        code = disk_close(disk);
    }
    return code == ERROR_SUCCESS ? start_volume(disk, next) : code;
}

int disk_write(struct disk *disk, int64_t at, const uint8_t *data, size_t size, size_t *done)
{
    size_t room = size;
    int code, moved;

    *done = 0;
    if (at < 0) {
        return CLIENT_ERROR_NEGATIVE_SEEK;
    }
    code = volume_room(&disk->volume, (uint64_t)at, &room);
    moved = volume_move(&disk->volume, true, (uint64_t)at, (uint8_t *)data, room, done);
    disk->position = at + (int64_t)*done;
    if (*done && disk->end < disk->position) { /* where nothing was stored the file does not reach */
        disk->end = disk->position;
    }
    return moved != ERROR_SUCCESS ? moved : code;
}

int disk_read(struct disk *disk, int64_t at, uint8_t *data, size_t size, size_t *done)
{
    int64_t left = disk->end - at;
    size_t wanted = left <= 0 ? 0 : (uint64_t)left < size ? (size_t)left : size;
    int code;

    *done = 0;
    if (at < 0) {
        return CLIENT_ERROR_NEGATIVE_SEEK;
    }
    code = volume_move(&disk->volume, false, (uint64_t)at, data, wanted, done);
    disk->position = at + (int64_t)*done;
    return code == ERROR_SUCCESS && *done < size ? ERROR_HANDLE_EOF : code;
}

int disk_set_position(struct disk *disk, int32_t whence, int64_t offset)
{
    const int64_t bases[] = {[VDC_Beginning] = 0, [VDC_Current] = disk->position, [VDC_End] = disk->end};
    int64_t position;

    if (whence < VDC_Beginning || whence > VDC_End) {
        return CLIENT_ERROR_INVALID_PARAMETER;
    }
    if (__builtin_add_overflow(bases[whence], offset, &position) || position < 0) {
        return CLIENT_ERROR_NEGATIVE_SEEK;
    }
    disk->position = position;
    disk->volume.full = false;
    return ERROR_SUCCESS;
}

int disk_flush(struct disk *disk)
{
    if (!disk->volume.writing) {
        return ERROR_SUCCESS;
    }
    if (ftruncate(disk->volume.file, disk->end)) {
        return store_completion_code(errno, true);
    }
    return volume_sync(&disk->volume);
}
