/* compressing.c - a correct client that stores something else than it gets: run-length packed, to
 * DIR/<set>.<i>.rle.
 *
 * Nothing on disk equals the stream, and the sizes of its file writes are not those of the Write commands;
 * RESTORE yet returns the stream byte for byte (VDI-DATA-001).
 */
#include <errno.h>
#include <string.h>

#include "client_session.h"

/* Where the decoder stands in the packed file. */
struct decoder {
    size_t literals; /* bytes still to copy from the file */
    size_t repeats;  /* bytes still to repeat */
    uint8_t value;
};

enum {
    RUN_MIN = 3,
    RUN_MAX = 130,
    LITERALS_MAX = 128
};

/* How often the byte at `data` repeats, at most RUN_MAX. */
static size_t run_length(const uint8_t *data, size_t size)
{
    size_t length = 1;

    while (length < size && length < RUN_MAX && data[length] == data[0]) {
        length++;
    }
    return length;
}

/* Packs `size` bytes into the file. A byte n < 128 says that n + 1 literal bytes follow, a byte n >= 128 that
 * the next byte stands n - 125 times. Returns a completion code; *done is size or 0, as the server counts its
 * bytes. */
static int pack(FILE *file, const uint8_t *data, size_t size, size_t *done)
{
    size_t at = 0;

    while (at < size) {
        size_t length = run_length(data + at, size - at);

        if (length >= RUN_MIN) {
            putc((int)(length + 125), file);
            putc(data[at], file);
        } else {
            while (length < LITERALS_MAX && at + length < size &&
                   run_length(data + at + length, size - at - length) < RUN_MIN) {
                length++;
            }
            putc((int)(length - 1), file);
            fwrite(data + at, 1, length, file);
        }
        at += length;
    }
    *done = ferror(file) ? 0 : size;
    return ferror(file) ? store_completion_code(errno, true) : ERROR_SUCCESS;
}

/* Starts the next run or literals. False at the end of the file, or within a run that the file cuts. */
static bool next_token(struct decoder *decoder, FILE *file)
{
    int head = getc(file), value;

    if (head == EOF) {
        return false;
    }
    if (head < LITERALS_MAX) {
        decoder->literals = (size_t)head + 1;
        return true;
    }
    value = getc(file);
    decoder->value = (uint8_t)value;
    decoder->repeats = value == EOF ? 0 : (size_t)head - 125;
    return value != EOF;
}

/* The opposite of pack, for any sequence of sizes (VDI-DATA-002). */
static int unpack(struct decoder *decoder, FILE *file, uint8_t *data, size_t size, size_t *done)
{
    while (*done < size && (decoder->literals || decoder->repeats || next_token(decoder, file))) {
        size_t left = size - *done, part;

        if (decoder->repeats) {
            part = decoder->repeats < left ? decoder->repeats : left;
            memset(data + *done, decoder->value, part);
            decoder->repeats -= part;
        } else {
            size_t wanted = decoder->literals < left ? decoder->literals : left;

            part = fread(data + *done, 1, wanted, file);
            decoder->literals -= part;
            if (part < wanted) {
                *done += part;
                break;
            }
        }
        *done += part;
    }
    if (*done == size) {
        return ERROR_SUCCESS;
    }
    return ferror(file) ? store_completion_code(errno, false) : ERROR_HANDLE_EOF;
}

static int pack_write(struct session_device *device, const VDC_Command *command,
                      struct session_answer *answer)
{
    return pack(device->file, command->buffer, (size_t)command->size, &answer->done);
}

static int unpack_read(struct session_device *device, const VDC_Command *command,
                       struct session_answer *answer)
{
    struct decoder *decoders = device->session->own;

    return unpack(&decoders[device->index], device->file, command->buffer, (size_t)command->size,
                  &answer->done);
}

static const struct session_kind packed = {
    .suffix = ".rle",
    .features = VDF_LikePipe,
    .actions = {[VDC_Write] = pack_write, [VDC_Read] = unpack_read},
};

static void work(struct operation *operation)
{
    struct decoder decoders[CLIENT_DEVICES_MAX] = {0};
    struct session session;

    session_init(&session, operation, &packed, decoders);
    session_run(&session);
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    int status = client_parse(argc, argv, &options);

    return status ? status : client_run(&options, work);
}
