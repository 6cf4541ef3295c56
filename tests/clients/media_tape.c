/* media_tape.c - blocks and filemarks: see media.h.
 *
 * An image is a label, which lists the filemarks, and the blocks without gaps. The label is written whenever the
 * tape is made durable, and when it leaves.
 */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "media.h"
#include "vdi.h"

static const char label_magic[8] = "VDITAPE";

/* How many marks lie before `address`: the index of the first that does not. */
static uint32_t marks_before(const struct tape *tape, int64_t address)
{
    uint32_t count = 0;

    while (count < tape->label.mark_count && tape->label.marks[count] < address) {
        count++;
    }
    return count;
}

/* The first mark at `address` or behind it; the end if there is none. */
static int64_t next_mark(const struct tape *tape, int64_t address)
{
    uint32_t index = marks_before(tape, address);

    return index < tape->label.mark_count ? tape->label.marks[index] : tape->label.end;
}

/* The last mark before `address`; -1 if there is none. */
static int64_t previous_mark(const struct tape *tape, int64_t address)
{
    uint32_t index = marks_before(tape, address);

    return index ? tape->label.marks[index - 1] : -1;
}

/* Bytes of data before `address`. */
static uint64_t data_before(const struct tape *tape, int64_t address)
{
    return (uint64_t)(address - marks_before(tape, address)) * tape->label.block_size;
}

/* ---- volumes ---- */

/* A label that can be believed. */
static bool label_is_sound(const struct tape_label *label)
{
    if (memcmp(label->magic, label_magic, sizeof label_magic) != 0 || label->mark_count > TAPE_MARKS_MAX ||
        label->end < 0) {
        return false;
    }
    for (uint32_t i = 0; i < label->mark_count; i++) {
        if (label->marks[i] < (i ? label->marks[i - 1] + 1 : 0) || label->marks[i] >= label->end) {
            return false;
        }
    }
    return true;
}

static int start_volume(struct tape *tape, int number)
{
    uint32_t block_size = tape->volume.unit;
    size_t done;
    int code = volume_open(&tape->volume, number);

    tape->position = 0;
    if (code != ERROR_SUCCESS) {
        return code;
    }
    code = volume_move(&tape->volume, false, 0, (uint8_t *)&tape->label, sizeof tape->label, &done);
    if (code == ERROR_SUCCESS && label_is_sound(&tape->label) && tape->label.block_size == block_size) {
        return ERROR_SUCCESS;
    }
    if (!tape->volume.writing) {
        return code == ERROR_SUCCESS || code == ERROR_HANDLE_EOF ? CLIENT_ERROR_READ_FAULT : code;
    }
    memset(&tape->label, 0, sizeof tape->label);
    memcpy(tape->label.magic, label_magic, sizeof label_magic);
    tape->label.block_size = block_size;
    return ERROR_SUCCESS;
}

int tape_open(struct tape *tape)
{
    return start_volume(tape, 1);
}

int tape_close(struct tape *tape)
{
    return volume_close(&tape->volume);
}

int tape_load(struct tape *tape)
{
    int next = tape->volume.number + 1;
    int code = tape_flush(tape);

    if (code == ERROR_SUCCESS) {
        code = tape_close(tape);
    }
    return code == ERROR_SUCCESS ? start_volume(tape, next) : code;
}

int tape_flush(struct tape *tape)
{
    size_t done;
    int code;

    if (!tape->volume.writing) {
        return ERROR_SUCCESS;
    }
    if (ftruncate(tape->volume.file, (off_t)(sizeof tape->label + data_before(tape, tape->label.end)))) {
        return store_completion_code(errno, true);
    }
    code = volume_move(&tape->volume, true, 0, (uint8_t *)&tape->label, sizeof tape->label, &done);
    return code == ERROR_SUCCESS ? volume_sync(&tape->volume) : code;
}

/* ---- data ---- */

/* Writing ends the tape where it stands. */
static void cut(struct tape *tape)
{
    tape->label.mark_count = marks_before(tape, tape->position);
    tape->label.end = tape->position;
}

int tape_write(struct tape *tape, const uint8_t *data, size_t size, size_t *done)
{
    uint64_t used = data_before(tape, tape->position);
    size_t room = size;
    int code, moved;

    *done = 0;
    if (size % tape->label.block_size) {
        return CLIENT_ERROR_INVALID_PARAMETER;
    }
    code = volume_room(&tape->volume, used, &room);
    cut(tape);
    moved = volume_move(&tape->volume, true, sizeof tape->label + used, (uint8_t *)data, room, done);
    *done -= *done % tape->label.block_size;
    tape->position += (int64_t)(*done / tape->label.block_size);
    tape->label.end = tape->position;
    return moved != ERROR_SUCCESS ? moved : code;
}

int tape_write_mark(struct tape *tape)
{
    cut(tape);
    if (tape->label.mark_count == TAPE_MARKS_MAX) {
        return CLIENT_ERROR_WRITE_FAULT;
    }
    tape->label.marks[tape->label.mark_count++] = tape->position++;
    tape->label.end = tape->position;
    return ERROR_SUCCESS;
}

int tape_read(struct tape *tape, uint8_t *data, size_t size, size_t *done)
{
    int64_t mark = next_mark(tape, tape->position);
    uint64_t ahead = (uint64_t)(mark - tape->position) * tape->label.block_size;
    size_t wanted = ahead < size ? (size_t)ahead : size;
    int code;

    *done = 0;
    if (size % tape->label.block_size) {
        return CLIENT_ERROR_INVALID_PARAMETER;
    }
    code = volume_move(&tape->volume, false, sizeof tape->label + data_before(tape, tape->position), data,
                       wanted, done);
    if (code != ERROR_SUCCESS) {
        return code == ERROR_HANDLE_EOF ? CLIENT_ERROR_READ_FAULT : code; /* cut behind the label's back */
    }
    tape->position += (int64_t)(wanted / tape->label.block_size);
    if (wanted == size) {
        return ERROR_SUCCESS;
    }
    if (mark == tape->label.end) {
        return ERROR_HANDLE_EOF;
    }
    tape->position++; /* behind the mark (VDI-IO-004) */
    return CLIENT_ERROR_FILEMARK_DETECTED;
}

/* ---- positions ---- */

int tape_skip_blocks(struct tape *tape, int64_t count)
{
    int64_t forward = next_mark(tape, tape->position) - tape->position;
    int64_t back = tape->position - previous_mark(tape, tape->position) - 1;

    if (count <= forward && count >= -back) {
        tape->position += count;
        return ERROR_SUCCESS;
    }
    tape->position = count > 0 ? tape->position + forward : tape->position - back;
    if (tape->position == (count > 0 ? tape->label.end : 0)) {
        return count > 0 ? CLIENT_ERROR_NO_DATA_DETECTED : CLIENT_ERROR_BEGINNING_OF_MEDIA;
    }
    tape->position += count > 0 ? 1 : -1;
    return CLIENT_ERROR_FILEMARK_DETECTED;
}

int tape_skip_marks(struct tape *tape, int64_t count)
{
    for (; count > 0; count--) {
        int64_t mark = next_mark(tape, tape->position);

        if (mark == tape->label.end) {
            tape->position = tape->label.end;
            return CLIENT_ERROR_NO_DATA_DETECTED;
        }
        tape->position = mark + 1;
    }
    for (; count < 0; count++) {
        int64_t mark = previous_mark(tape, tape->position);

        if (mark < 0) {
            tape->position = 0;
            return CLIENT_ERROR_BEGINNING_OF_MEDIA;
        }
        tape->position = mark;
    }
    return ERROR_SUCCESS;
}

int tape_rewind(struct tape *tape)
{
    return tape_set_position(tape, 0);
}

int tape_set_position(struct tape *tape, int64_t position)
{
    if (position < 0 || position > tape->label.end) {
        return CLIENT_ERROR_SEEK;
    }
    tape->position = position;
    tape->volume.full = false;
    return ERROR_SUCCESS;
}
