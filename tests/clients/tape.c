/* tape.c - a correct client that is a tape: VDF_LikeTape, blocks and filemarks on changeable volumes.
 *
 * A Read that meets a filemark or the end of a volume says so with the bytes before it (VDI-IO-003, VDI-IO-004), a
 * Write near the end of a volume is stored and answered with ERROR_END_OF_MEDIA (VDI-IO-005), Load goes on to the
 * next volume. The tapes are DIR/<set>.<i>.tape.<volume>. With --soft-marks BYTES SQL Server writes filemarks as
 * blocks of that size, which are data to the tape (spec 5.1).
 */
#include "client_media.h"

static struct tape *tape_of(const struct session_device *device)
{
    return &((struct client_media *)device->session->own)->tapes[device->index];
}

static int write_blocks(struct session_device *device, const VDC_Command *command,
                        struct session_answer *answer)
{
    return tape_write(tape_of(device), command->buffer, (size_t)command->size, &answer->done);
}

static int read_blocks(struct session_device *device, const VDC_Command *command,
                       struct session_answer *answer)
{
    return tape_read(tape_of(device), command->buffer, (size_t)command->size, &answer->done);
}

/* What has no data and no position: the tape moves, or is made durable. */
static int act(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    struct tape *tape = tape_of(device);

    (void)answer;
    switch (command->commandCode) {
    case VDC_Rewind:
        return tape_rewind(tape);
    case VDC_WriteMark:
        return tape_write_mark(tape);
    case VDC_SkipMarks:
        return tape_skip_marks(tape, command->size);
    case VDC_SkipBlocks:
        return tape_skip_blocks(tape, command->size);
    case VDC_Load:
        return command->size ? ERROR_NOT_SUPPORTED : tape_load(tape);
    case VDC_Flush:
        return tape_flush(tape);
    }
    return ERROR_NOT_SUPPORTED;
}

static int get_position(struct session_device *device, const VDC_Command *command,
                        struct session_answer *answer)
{
    (void)command;
    answer->position = tape_of(device)->position;
    return ERROR_SUCCESS;
}

static int set_position(struct session_device *device, const VDC_Command *command,
                        struct session_answer *answer)
{
    int code = tape_set_position(tape_of(device), command->position);

    answer->position = tape_of(device)->position;
    return code;
}

static struct volume *volume_of(struct client_media *media, int index)
{
    return &media->tapes[index].volume;
}

static int open_tape(struct client_media *media, int index)
{
    return tape_open(&media->tapes[index]);
}

static int close_tape(struct client_media *media, int index)
{
    return tape_close(&media->tapes[index]);
}

static struct media_options chosen;
static int64_t soft_marks;

static const struct session_kind tape_kind = {
    .features = VDF_LikeTape,
    .actions = {[VDC_Write] = write_blocks,
                [VDC_Read] = read_blocks,
                [VDC_Rewind] = act,
                [VDC_WriteMark] = act,
                [VDC_SkipMarks] = act,
                [VDC_SkipBlocks] = act,
                [VDC_Load] = act,
                [VDC_Flush] = act,
                [VDC_GetPosition] = get_position,
                [VDC_SetPosition] = set_position},
    .transfer = client_media_transfer,
};

static void work(struct operation *operation)
{
    static struct client_media tapes;
    struct session session;

    tapes = (struct client_media){
        .options = chosen, .suffix = ".tape", .volume_of = volume_of, .open = open_tape, .close = close_tape};
    session_init(&session, operation, &tape_kind, &tapes);
    session.config.EOMWarningSize = (uint32_t)chosen.warning;
    session.config.softFileMarkBlockSize = (uint32_t)soft_marks;
    session_run(&session);
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    const char *mark_size = client_take_option(&argc, argv, "--soft-marks");
    int status = media_take_options(&argc, argv, &chosen);

    if (!status && !client_number(mark_size, 1, UINT32_MAX, 0, &soft_marks)) {
        fprintf(stderr, "%s: --soft-marks must be a number of bytes: %s\n", argv[0], mark_size);
        status = CLIENT_USAGE;
    }
    if (!status) {
        status = client_parse(argc, argv, &options);
    }
    return status ? status : client_run(&options, work);
}
