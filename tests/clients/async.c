/* async.c - a correct client that holds up to four commands of each device and completes them out of order.
 *
 * The order of the stream is the order of GetCommand, not of completion: each Write or Read gets its offset
 * when it is fetched, and is moved with pwrite or pread (spec 3.6, 6.4).
 */
#include <errno.h>
#include <unistd.h>

#include "client_session.h"

enum {
    HELD_MAX = 4
};

/* A command in our hands, and its place in the stream. */
struct held {
    VDC_Command *command;
    off_t offset;
};

/* What a device's thread has in hand. */
struct hands {
    int count;
    struct held held[HELD_MAX];
    off_t offset; /* where the next Write or Read belongs */
    off_t place;  /* where the one belongs that is moved now */
};

static struct hands *hands_of(const struct session_device *device)
{
    return (struct hands *)device->session->own + device->index;
}

/* Moves a Write or Read at its own place in the stream. */
static int move(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    bool writing = command->commandCode == VDC_Write;
    size_t size = (size_t)command->size;
    int file = fileno(device->file);

    while (answer->done < size) {
        size_t left = size - answer->done;
        off_t at = hands_of(device)->place + (off_t)answer->done;
        uint8_t *data = command->buffer + answer->done;
        ssize_t part = writing ? pwrite(file, data, left, at) : pread(file, data, left, at);

        if (part < 0 && errno == EINTR) {
            continue;
        }
        if (part < 0) {
            return store_completion_code(errno, writing);
        }
        if (part == 0) { /* the end of the stream; a file write never gives 0 */
            return ERROR_HANDLE_EOF;
        }
        answer->done += (size_t)part;
    }
    return ERROR_SUCCESS;
}

static bool is_transfer(const VDC_Command *command)
{
    return command->commandCode == VDC_Write || command->commandCode == VDC_Read;
}

/* Completes what is held, the newest first. False: a call failed, what is left over is the server's again. */
static bool complete_held(struct session_device *device)
{
    struct hands *hands = hands_of(device);

    while (hands->count) {
        struct held *held = &hands->held[--hands->count];
        struct session_answer answer = {0};
        int code, result;

        hands->place = held->offset;
        code = session_perform(device, held->command, &answer);
        result =
            vdi_device_complete_command(device->device, held->command, code, answer.done, answer.position);
        if (result) {
            session_give_up(device->session, "CompleteCommand", result);
            return false;
        }
    }
    return true;
}

/* Takes a fetched command. Only Write and Read are held: what else there is comes after everything before it.
 */
static bool take(struct session_device *device, VDC_Command *command)
{
    struct hands *hands = hands_of(device);

    if (!is_transfer(command) && !complete_held(device)) {
        return false;
    }
    hands->held[hands->count++] = (struct held){.command = command, .offset = hands->offset};
    if (!is_transfer(command)) {
        return complete_held(device);
    }
    hands->offset += command->size;
    return hands->count < HELD_MAX || complete_held(device);
}

/* Gathers commands until there are HELD_MAX or no more come at once; then completes them. Waits only when it
 * holds none, as the server may be waiting for those. */
static void *serve(void *context)
{
    struct session_device *device = context;
    struct session *session = device->session;
    const struct hands *hands = hands_of(device);

    for (;;) {
        VDC_Command *command = NULL;
        int result = vdi_device_get_command(device->device, hands->count ? 0 : CLIENT_SLICE_MS, &command);

        if (result == VD_E_TIMEOUT && hands->count) {
            if (!complete_held(device)) {
                return NULL;
            }
            continue;
        }
        if (result == VD_E_TIMEOUT && operation_may_wait(session->operation)) {
            continue;
        }
        if (result == VD_E_CLOSE && !hands->count) {
            return NULL;
        }
        if (result) {
            session_give_up(session, "GetCommand", result);
            return NULL;
        }
        operation_progress(session->operation);
        if (!session_accepts(session, command) || !take(device, command)) {
            return NULL;
        }
    }
}

static const struct session_kind several_in_hand = {
    .suffix = ".bak",
    .features = VDF_LikePipe,
    .actions = {[VDC_Write] = move, [VDC_Read] = move},
    .serve = serve,
};

static void work(struct operation *operation)
{
    struct hands hands[CLIENT_DEVICES_MAX] = {0};
    struct session session;

    session_init(&session, operation, &several_in_hand, hands);
    session_run(&session);
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    int status = client_parse(argc, argv, &options);

    return status ? status : client_run(&options, work);
}
