/* media.h - the media of the disk and tape clients: volumes, which are files, and positions in them.
 *
 * Responsible for: what a Read, Write, Flush or any command that positions does to a volume, and the completion
 * code it gives (spec 6.3, 5.7). Not responsible for VDI: nothing here knows of sets or devices.
 *
 * Where the documents are silent (spec 16, question 14) these are our definitions. Load makes the next volume
 * ready, at its start. Positions belong to a volume. A tape is blocks of one size and filemarks; both count in
 * its addresses. Moves by a count go backwards if it is negative; a filemark, the end of the data or the start of
 * the volume ends a move early, beyond the mark in the direction of the move. A Write that the volume has no room
 * for is stored in part, in whole blocks, and the volume takes nothing more after it: ERROR_END_OF_MEDIA if there
 * may be another volume, else ERROR_EOM_OVERFLOW or, where media cannot be changed, ERROR_DISK_FULL (VDI-IO-006).
 *
 * Ownership: a disk or tape owns its file from open to close. Threads: one at a time each. Errors: completion
 * codes; what was moved before one is counted in *done and stays moved.
 */
#ifndef CLIENT_MEDIA_H
#define CLIENT_MEDIA_H

#include "client_common.h"

/* Volume n of a device, from 1 on, is the file "<stem>.<n>". Filled in by the client down to `last`. */
struct volume {
    char stem[CLIENT_PATH_MAX];
    bool writing;      /* a backup: volumes are made; else they must exist */
    bool removable;    /* media can be changed */
    uint32_t unit;     /* bytes of a block */
    uint64_t capacity; /* bytes of data a volume takes; 0: no limit */
    uint64_t warning;  /* a Write that comes so near the end is stored and answered with ERROR_END_OF_MEDIA */
    int last;          /* there is no volume beyond this one; 0: there always is, if removable */
    int number;
    int file;
    bool open;
    bool full; /* a Write was not stored whole */
};

int volume_open(struct volume *volume, int number);
int volume_close(struct volume *volume); /* if it is open */
/* What a Write of *size bytes will be answered with that begins `used` bytes into the volume; lowers *size to
 * what there is room for. */
int volume_room(struct volume *volume, uint64_t used, size_t *size);
/* pwrite or pread until it is done or the file ends (ERROR_HANDLE_EOF). */
int volume_move(const struct volume *volume, bool writing, uint64_t at, uint8_t *data, size_t size,
                size_t *done);
int volume_sync(const struct volume *volume); /* the name of the file, too */

/* ---- a disk: bytes at positions ---- */

struct disk {
    struct volume volume;
    int64_t position; /* behind the last byte moved */
    int64_t end;      /* behind the last byte there is; of a backup, that it has written */
};

int disk_open(struct disk *disk); /* the first volume; `volume` is filled in */
int disk_close(struct disk *disk);
int disk_load(struct disk *disk);
int disk_write(struct disk *disk, int64_t at, const uint8_t *data, size_t size, size_t *done);
int disk_read(struct disk *disk, int64_t at, uint8_t *data, size_t size, size_t *done);
int disk_set_position(struct disk *disk, int32_t whence, int64_t offset); /* whence: VDC_Beginning... */
/* What was written is durable, and nothing of an older, longer file follows it (VDI-FLUSH-002). */
int disk_flush(struct disk *disk);

/* ---- a tape: blocks and filemarks at addresses ---- */

enum {
    TAPE_MARKS_MAX = 500
};

/* The start of an image; the blocks follow it, one after another. */
struct tape_label {
    char magic[8];
    uint32_t block_size;
    uint32_t mark_count;
    int64_t end;                   /* address behind the last block or mark */
    int64_t marks[TAPE_MARKS_MAX]; /* their addresses, rising */
};

struct tape {
    struct volume volume;
    struct tape_label label;
    int64_t position; /* address of the next block or mark */
};

/* Opens the first volume, at its start; `volume` is filled in. A volume written in blocks of another size is
 * refused for reading (VDI-CFG-009) and blank for writing. */
int tape_open(struct tape *tape);
int tape_close(struct tape *tape);
int tape_load(struct tape *tape);
/* Sizes are whole blocks. What followed on the tape is gone after a Write or a mark. */
int tape_write(struct tape *tape, const uint8_t *data, size_t size, size_t *done);
int tape_write_mark(struct tape *tape);
/* A mark within ends the Read behind it with ERROR_FILEMARK_DETECTED, the end of the data with HANDLE_EOF. */
int tape_read(struct tape *tape, uint8_t *data, size_t size, size_t *done);
int tape_skip_blocks(struct tape *tape, int64_t count);
int tape_skip_marks(struct tape *tape, int64_t count);
int tape_rewind(struct tape *tape);
int tape_set_position(struct tape *tape, int64_t position);
int tape_flush(struct tape *tape);

#endif
