/* fake_media.h - what the scripted client stores on: a stream, a disk, or a tape, on one volume or several.
 *
 * Does each command as engine/media.h defines it. Bytes of all volumes stand in one array; a mark is an offset
 * in it. Which model it is, the configuration in `fake` says.
 */
#ifndef TEST_FAKE_MEDIA_H
#define TEST_FAKE_MEDIA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "vdi.h"

enum {
    FAKE_MARKS_MAX = 64,
    FAKE_VOLUMES_MAX = 256
};

struct fake_stream {
    uint8_t *bytes;
    size_t length;
    size_t capacity;
    size_t position;
    size_t written; /* where the last Write ended */
    size_t marks[FAKE_MARKS_MAX];
    uint32_t mark_count;
    uint32_t mark;                    /* marks before the position */
    size_t volumes[FAKE_VOLUMES_MAX]; /* where each starts, but for the first */
    uint32_t volume_count;            /* of these */
    uint32_t volume;
    bool full; /* a Write was not taken whole */
};

struct fake_answer;
/* A Read's bytes are announced, and given by fake_media_read once the script has had its say. */
struct fake_answer fake_media_do(struct fake_stream *stream, const struct VDS_Command *command);
void fake_media_read(struct fake_stream *stream, uint8_t *buffer, const struct fake_answer *answer);
void fake_media_reload(struct fake_stream *stream); /* the first volume, from its start */

#endif
