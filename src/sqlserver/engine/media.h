/* media.h - device models: what the server sends beside Reads, Writes and Flush (spec 5.4, 6.1, 6.3, 12).
 *
 * Responsible for: positions, filemarks, volumes, and the check of what the client answers to them. A device
 * has a list of steps that are due; each is sent when nothing else is outstanding on the device and awaited
 * before anything else is sent, so that "the current position" means one thing to both sides. A plain pipe has
 * none. Which steps a statement takes is a function of the seed and of the client's answers, never of timing.
 *
 * The pages for most of these commands are lost (spec 16, question 14). Ours:
 *   WriteMark            no operand; one filemark at the current position. Writing, of a mark too, ends the
 *                        data of a tape there: what stood behind is gone.
 *   SkipMarks            `size` is a signed count of filemarks, negative = towards the start; the device then
 *                        stands behind the last one passed (before it, going backwards). With fewer marks to
 *                        come: ERROR_NO_DATA_DETECTED, and the device stands at the end of the data.
 *   SkipBlocks           `size` is a signed count of blocks of blockSize. Filemarks are not crossed:
 *                        ERROR_FILEMARK_DETECTED, standing behind the mark.
 *   Rewind               to the start of the volume that is loaded.
 *   Read at a filemark   the data before it, ERROR_FILEMARK_DETECTED, and the device stands behind the mark.
 *   Load                 `size` is 0: makes the next volume ready, positioned at its start. With no next volume
 *                        any error; the server takes that as the end of the data. A second volume with
 *                        nothing on it, too.
 *   END_OF_MEDIA         to a Write: this one is still stored, and so must be those under way. One stored in part
 *                        or not at all ends the volume: none sent after it may store anything. Counts are
 *                        multiples of blockSize. To a WriteMark: the mark is written.
 *   positions            with RandomAccess: byte offsets in the volume that is loaded. Else opaque, handed back
 *                        as they came (a tape of ours counts blocks and marks).
 *   GetPosition          sent if Position or RandomAccess is set (X12).
 *   SetPosition          `size` is the whence with RandomAccess, else 0. The answer is the resulting position.
 *   soft filemarks       with softFileMarkBlockSize the server writes one block of that size, part of the stream,
 *                        where it else sends WriteMark; it sends no mark command then. The size must be a
 *                        multiple of the block size and not above the transfer size (3284).
 *   Discard              never sent.
 *   a tape               for each backup set: header block, mark, data, mark. BACKUP WITH INIT or FORMAT writes at
 *                        the start of the volume that is loaded, otherwise behind its last set. RESTORE WITH
 *                        FILE = n takes the n-th set on it. With soft marks: only the first.
 *   a disk               the header is written first unfinished, and again at 0 before the last block; by seed.
 *
 * Threads: the engine's one.
 */
#ifndef VDIFAULT_ENGINE_MEDIA_H
#define VDIFAULT_ENGINE_MEDIA_H

#include <stdbool.h>
#include <stdint.h>

#include "hash.h"

struct engine_device;
struct engine_slot;

enum media_model {
    MEDIA_PIPE,
    MEDIA_TAPE,
    MEDIA_DISK,
    MEDIA_MODEL_COUNT
};

/* What the position in a step's answer has to be. */
enum media_answer {
    MEDIA_NO_POSITION,
    MEDIA_EXPECTED, /* step.expected */
    MEDIA_CURRENT,  /* with byte offsets: where the stream stands; else anything */
    MEDIA_REMEMBER, /* anything; a step with MEDIA_RECALL goes back there */
    MEDIA_RECALL,   /* its operand and its answer are what was remembered */
};

struct media_step {
    int32_t code;
    int32_t size;     /* operand */
    int64_t position; /* operand */
    enum media_answer answer;
    int64_t expected;
    bool to_end; /* SkipMarks: again and again, until there are no more */
};

enum {
    MEDIA_STEPS_MAX = 8
};
#define MEDIA_NO_ORDER UINT64_MAX

struct media {
    enum media_model model;
    bool removable;
    uint32_t soft_mark; /* bytes; 0: hard marks, or none */
    uint64_t random;

    struct media_step steps[MEDIA_STEPS_MAX]; /* due, the next one first */
    uint32_t step_count;
    bool step_sent; /* steps[0] is outstanding */
    int64_t address;

    uint32_t sets_before; /* BACKUP behind the last set of a tape: how many there are */
    uint32_t volumes_loaded;
    uint64_t volume_start; /* offset in the stream of the volume's first byte */
    bool volume_over;      /* the next volume is needed before the stream goes on */
    bool volume_missing;   /* Load was refused */
    uint64_t first_short;  /* order of the first Write this volume did not take whole */
    uint64_t last_stored;  /* order of the last Write it took anything of, from 1 */

    uint64_t probe_offset; /* a block read out of order, to be compared when the stream comes there */
    uint32_t probe_length; /* 0: none */
    uint64_t probe_hash;
    XXH64_state_t probe_state;
};

/* Once the set is configured. False: the configuration does not do, 3284 was said. */
bool media_begin(struct engine_device *device);

/* Before the header, and between header and data. */
void media_before_backup(struct engine_device *device);
void media_before_restore(struct engine_device *device);
void media_before_data(struct engine_device *device);
/* Adds one that another part of the engine wants. */
void media_push(struct engine_device *device, struct media_step step);
/* A BACKUP's header is out; an extent is out; all of them are; the last Write is out; Flush has succeeded. */
void media_after_header(struct engine_device *device);
void media_after_extent(struct engine_device *device);
void media_after_extents(struct engine_device *device);
void media_after_writes(struct engine_device *device);
void media_after_flush(struct engine_device *device);
/* The header will be written again: what stands there until then is unfinished. */
bool media_rewrites_header(const struct engine_device *device);

bool media_is_idle(const struct engine_device *device); /* nothing is due */
/* Whether transfers may be sent: nothing is due. Sends what is, when it can be. */
bool media_is_ready(struct engine_device *device);
/* The answer to a step. */
void media_take(struct engine_device *device, struct engine_slot *slot);
/* A Write answered with ERROR_END_OF_MEDIA by a removable device. False: it breaks the rules above. */
bool media_take_end_of_media(struct engine_device *device, struct engine_slot *slot);
void media_note_stored(struct engine_device *device, const struct engine_slot *slot);
/* A removable device's volume ended before the stream did. */
void media_end_volume(struct engine_device *device);
/* Stream bytes [offset, offset + length) have come; false: they are not those of the probe. */
bool media_check_probe(struct engine_device *device, uint64_t offset, const uint8_t *data, uint32_t length);

/* Where in the volume the stream's byte `offset` belongs; 0 where commands carry no position. */
int64_t media_position(const struct engine_device *device, uint64_t offset);

#endif
