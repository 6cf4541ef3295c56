/* See fake_media.h. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "fake_server.h"

static bool is(uint32_t features)
{
    return (fake.features & features) == features;
}

static size_t volume_start(const struct fake_stream *stream)
{
    return stream->volume == 0 ? 0 : stream->volumes[stream->volume - 1];
}

static size_t volume_end(const struct fake_stream *stream)
{
    return stream->volume < stream->volume_count ? stream->volumes[stream->volume] : stream->length;
}

/* Whatever stood behind the position is gone, but on a disk. */
static void truncate_here(struct fake_stream *stream)
{
    if (!is(VDF_RandomAccess)) {
        stream->length = stream->position;
        stream->mark_count = stream->mark;
    }
}

static void put(struct fake_stream *stream, const uint8_t *bytes, size_t length)
{
    size_t end = stream->position + length;
    if (end > stream->capacity) {
        stream->capacity = 2 * end;
        stream->bytes = realloc(stream->bytes, stream->capacity);
        assert_non_null(stream->bytes);
    }
    truncate_here(stream);
    memcpy(stream->bytes + stream->position, bytes, length);
    stream->position = stream->written = end;
    stream->length = end > stream->length ? end : stream->length;
}

static void do_write(struct fake_stream *stream, const struct VDS_Command *command,
                     struct fake_answer *answer)
{
    if (stream->full) { /* and what was sent already has to wait for the next volume */
        answer->code = ERROR_END_OF_MEDIA;
        return;
    }
    if (is(VDF_RandomAccess)) {
        stream->position = volume_start(stream) + (size_t)command->inPosition;
        assert_true(stream->position <= stream->length); /* no holes */
    } else {
        assert_int_equal(command->inPosition, 0);
    }
    size_t size = (size_t)command->size;
    size_t used = stream->position - volume_start(stream);
    if (fake.volume_size != 0) {
        size_t room = fake.volume_size - used;
        if (used + size > fake.volume_size - fake.warning_zone) {
            answer->code = ERROR_END_OF_MEDIA;
        }
        stream->full = room < size;
        size = room < size ? room : size;
    }
    put(stream, command->buffer, size);
    answer->bytes = (int32_t)size;
}

static void do_read(struct fake_stream *stream, const struct VDS_Command *command, struct fake_answer *answer)
{
    size_t end = volume_end(stream);
    bool before_mark = stream->mark < stream->mark_count && stream->marks[stream->mark] <= end;
    if (is(VDF_RandomAccess)) {
        stream->position = volume_start(stream) + (size_t)command->inPosition;
    } else {
        assert_int_equal(command->inPosition, 0);
    }
    end = before_mark ? stream->marks[stream->mark] : end;
    size_t left = stream->position < end ? end - stream->position : 0;
    size_t size = (size_t)command->size;
    answer->bytes = (int32_t)(left < size ? left : size);
    answer->code = left >= size ? ERROR_SUCCESS : before_mark ? ERROR_FILEMARK_DETECTED : ERROR_HANDLE_EOF;
    stream->mark += left < size && before_mark;
}

void fake_media_read(struct fake_stream *stream, uint8_t *buffer, const struct fake_answer *answer)
{
    if (answer->bytes <= 0) {
        return;
    }
    size_t size = (size_t)answer->bytes;
    size_t left = stream->position < stream->length ? stream->length - stream->position : 0;
    size_t piece = size < left ? size : left;
    memset(buffer, 0, size);
    memcpy(buffer, stream->bytes + stream->position, piece);
    stream->position += piece;
}

static int32_t do_load(struct fake_stream *stream)
{
    if (is(VDF_WriteMedia)) {
        assert_true(stream->volume_count < FAKE_VOLUMES_MAX);
        stream->volumes[stream->volume_count++] = stream->length;
    } else if (stream->volume == stream->volume_count) {
        return ERROR_NO_DATA_DETECTED;
    }
    stream->volume++;
    stream->full = false;
    stream->position = volume_start(stream);
    return ERROR_SUCCESS;
}

static int32_t do_mark(struct fake_stream *stream)
{
    truncate_here(stream);
    assert_true(stream->mark_count < FAKE_MARKS_MAX);
    stream->marks[stream->mark_count++] = stream->position;
    stream->mark = stream->mark_count;
    return ERROR_SUCCESS;
}

static int32_t skip_marks(struct fake_stream *stream, int32_t count)
{
    assert_true(count > 0);
    if ((uint32_t)count > stream->mark_count - stream->mark) {
        stream->position = stream->length;
        stream->mark = stream->mark_count;
        return ERROR_NO_DATA_DETECTED;
    }
    stream->mark += (uint32_t)count;
    stream->position = stream->marks[stream->mark - 1];
    return ERROR_SUCCESS;
}

static int32_t skip_blocks(struct fake_stream *stream, int32_t count)
{
    int64_t to = (int64_t)stream->position + (int64_t)count * fake.block_size;
    assert_true(to >= 0);
    if (stream->mark < stream->mark_count && (size_t)to > stream->marks[stream->mark]) {
        stream->position = stream->marks[stream->mark++];
        return ERROR_FILEMARK_DETECTED;
    }
    if ((size_t)to > volume_end(stream)) {
        stream->position = volume_end(stream);
        return ERROR_NO_DATA_DETECTED;
    }
    stream->position = (size_t)to;
    return ERROR_SUCCESS;
}

static int64_t get_position(const struct fake_stream *stream)
{
    return is(VDF_RandomAccess) ? (int64_t)(stream->position - volume_start(stream))
                                : (int64_t)(stream->position / fake.block_size + stream->mark);
}

/* A block's address counts the marks before it, too. */
static int32_t set_address(struct fake_stream *stream, int64_t address)
{
    for (uint32_t mark = 0; mark <= stream->mark_count; mark++) {
        size_t at = (size_t)(address - mark) * fake.block_size;
        if ((mark == 0 || at >= stream->marks[mark - 1]) &&
            (mark == stream->mark_count || at <= stream->marks[mark])) {
            stream->position = at;
            stream->mark = mark;
            return ERROR_SUCCESS;
        }
    }
    return ERROR_NO_DATA_DETECTED;
}

static int32_t set_position(struct fake_stream *stream, const struct VDS_Command *command)
{
    if (!is(VDF_RandomAccess)) {
        assert_int_equal(command->size, 0);
        return set_address(stream, command->inPosition);
    }
    const size_t bases[] = {[VDC_Beginning] = volume_start(stream),
                            [VDC_Current] = stream->position,
                            [VDC_End] = volume_end(stream)};
    assert_in_range(command->size, VDC_Beginning, VDC_End);
    stream->position = bases[command->size] + (size_t)command->inPosition;
    return ERROR_SUCCESS;
}

static int32_t do_control(struct fake_stream *stream, const struct VDS_Command *command)
{
    bool tape = is(VDF_FileMarks);
    switch (command->commandCode) {
    case VDC_Load:
        return is(VDF_Removable) ? do_load(stream) : ERROR_NOT_SUPPORTED;
    case VDC_Rewind:
        stream->position = volume_start(stream);
        stream->mark = 0;
        return tape ? ERROR_SUCCESS : ERROR_NOT_SUPPORTED;
    case VDC_WriteMark:
        return tape ? do_mark(stream) : ERROR_NOT_SUPPORTED;
    case VDC_SkipMarks:
        return tape ? skip_marks(stream, command->size) : ERROR_NOT_SUPPORTED;
    case VDC_SkipBlocks:
        return tape ? skip_blocks(stream, command->size) : ERROR_NOT_SUPPORTED;
    case VDC_GetPosition:
        return tape || is(VDF_RandomAccess) ? ERROR_SUCCESS : ERROR_NOT_SUPPORTED;
    case VDC_SetPosition:
        return tape || is(VDF_RandomAccess) ? set_position(stream, command) : ERROR_NOT_SUPPORTED;
    case VDC_Flush:
        if (is(VDF_RandomAccess)) {
            stream->length = stream->written; /* an older, longer file ends here now */
        }
        return ERROR_SUCCESS;
    case VDC_PrepareToFreeze:
    case VDC_Snapshot:
    case VDC_MountSnapshot:
    case VDC_ClearError:
    case VDC_Complete:
        return ERROR_SUCCESS;
    default:
        return ERROR_NOT_SUPPORTED;
    }
}

struct fake_answer fake_media_do(struct fake_stream *stream, const struct VDS_Command *command)
{
    struct fake_answer answer = {.action = FAKE_COMPLETE};
    if (command->commandCode == VDC_Write) {
        do_write(stream, command, &answer);
    } else if (command->commandCode == VDC_Read) {
        do_read(stream, command, &answer);
    } else {
        answer.code = do_control(stream, command);
        if (command->commandCode == VDC_GetPosition || command->commandCode == VDC_SetPosition) {
            answer.position = get_position(stream);
        }
    }
    return answer;
}

void fake_media_reload(struct fake_stream *stream)
{
    stream->position = 0;
    stream->mark = 0;
    stream->volume = 0;
    stream->full = false;
}
