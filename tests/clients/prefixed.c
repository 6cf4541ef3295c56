/* prefixed.c - a correct client with a prefix zone and an alignment of its own (spec 5.1, 8).
 *
 * In the bytes before each buffer, which SQL Server never sees, it makes up a header, so that header and data go
 * to the file in one piece. It touches no more than it asked for (VDI-BUF-003), and gives up on a configuration that
 * lacks what it asked for (VDI-CFG-008). The streams go to DIR/<set>.<i>.frames.
 */
#include <string.h>

#include "client_session.h"

struct frame {
    uint32_t magic;
    uint32_t length;
    uint64_t number;
};

enum {
    MAGIC = 0x46444956, /* "VIDF" */
    ALIGNMENT = 4096
};

/* Where the thread of a device stands. */
struct state {
    uint64_t number; /* of the next frame */
    size_t left;     /* bytes of the present one still to be read */
};

static struct state *state_of(const struct session_device *device)
{
    return (struct state *)device->session->own + device->index;
}

static bool is_aligned(const struct session_device *device, const VDC_Command *command)
{
    if ((uintptr_t)command->buffer % ALIGNMENT == 0) {
        return true;
    }
    operation_fail(device->session->operation, "device %d: a buffer at %p, expected multiples of %d",
                   device->index, (void *)command->buffer, ALIGNMENT);
    return false;
}

static int write_frame(struct session_device *device, const VDC_Command *command,
                       struct session_answer *answer)
{
    const struct frame frame = {
        .magic = MAGIC, .length = (uint32_t)command->size, .number = state_of(device)->number++};
    uint8_t *start = command->buffer - sizeof frame;
    size_t done;
    int code;

    if (!is_aligned(device, command)) {
        return CLIENT_ERROR_WRITE_FAULT;
    }
    memcpy(start, &frame, sizeof frame);
    code = store_write(device->file, start, sizeof frame + (size_t)command->size, &done);
    answer->done = done > sizeof frame ? done - sizeof frame : 0;
    return code;
}

/* The header of the next frame. ERROR_HANDLE_EOF: there is none. */
static int next_frame(struct session_device *device)
{
    struct state *state = state_of(device);
    struct frame frame;
    size_t done;
    int code = store_read(device->file, (uint8_t *)&frame, sizeof frame, &done);

    if (code != ERROR_SUCCESS) {
        return code == ERROR_HANDLE_EOF && done ? CLIENT_ERROR_READ_FAULT : code;
    }
    if (frame.magic != MAGIC || frame.number != state->number) {
        return CLIENT_ERROR_READ_FAULT;
    }
    state->number++;
    state->left = frame.length;
    return ERROR_SUCCESS;
}

/* Reads ask for other sizes than those that were written (VDI-DATA-002). */
static int read_frames(struct session_device *device, const VDC_Command *command,
                       struct session_answer *answer)
{
    struct state *state = state_of(device);
    size_t size = (size_t)command->size;
    int code = is_aligned(device, command) ? ERROR_SUCCESS : CLIENT_ERROR_READ_FAULT;

    while (code == ERROR_SUCCESS && answer->done < size) {
        size_t wanted = size - answer->done, done;

        if (!state->left) {
            code = next_frame(device);
            continue;
        }
        wanted = wanted < state->left ? wanted : state->left;
        code = store_read(device->file, command->buffer + answer->done, wanted, &done);
        answer->done += done;
        state->left -= done;
        if (code == ERROR_HANDLE_EOF) {
            return CLIENT_ERROR_READ_FAULT; /* within a frame */
        }
    }
    return code;
}

static bool transfer(struct session *session)
{
    if (!session_configure(session)) {
        return false;
    }
    if (session->config.prefixZoneSize < sizeof(struct frame) || session->config.alignment < ALIGNMENT) {
        operation_fail(session->operation, "a prefix zone of %u and alignment to %u, expected %zu and %d",
                       session->config.prefixZoneSize, session->config.alignment, sizeof(struct frame),
                       ALIGNMENT);
        vdi_set_signal_abort(&session->set);
        return false;
    }
    if (!session_open_devices(session)) {
        return false;
    }
    session_serve_devices(session);
    return true;
}

static const struct session_kind prefixed = {
    .suffix = ".frames",
    .features = VDF_LikePipe,
    .actions = {[VDC_Write] = write_frame, [VDC_Read] = read_frames},
    .transfer = transfer,
};

static void work(struct operation *operation)
{
    struct state states[CLIENT_DEVICES_MAX] = {0};
    struct session session;

    session_init(&session, operation, &prefixed, states);
    session.config.prefixZoneSize = sizeof(struct frame);
    session.config.alignment = ALIGNMENT;
    session_run(&session);
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    int status = client_parse(argc, argv, &options);

    return status ? status : client_run(&options, work);
}
