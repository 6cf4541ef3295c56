/* buggy_answers.c - a client with one bug (bug.h) in what it answers to commands, what it does with its streams, or
 * how it takes the end of a wait. The bugs are where `has` is called. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bug.h"
#include "client_media.h"

enum {
    NTH = 2,        /* which Write or Read the bugs of one transfer act on */
    HELD_MAX = 512, /* more than a server ever has outstanding */
    ODD_BYTES = 512,
    SNAPSHOT_REFUSED = 1223, /* ERROR_CANCELLED */
    BAD_LENGTH = 24,
};

enum bug_id {
    BUG_GET_UNOPENED,
    BUG_TIMEOUT_IS_END,
    BUG_GATHER,
    BUG_COUNT_OF_FLUSH,
    BUG_COUNT_TOO_MANY,
    BUG_COUNT_SHORT,
    BUG_NO_POSITION,
    BUG_ACCEPT_REWIND,
    BUG_REFUSE_FLUSH,
    BUG_WAIT_AFTER_ERROR,
    BUG_REFUSE_CLEAR_ERROR,
    BUG_END_IS_SUCCESS,
    BUG_NO_FILEMARKS,
    BUG_END_OF_MEDIA,
    BUG_WRONG_POSITION,
    BUG_SPOIL,
    BUG_PICKY,
    BUG_IGNORE_COMPLETE,
    BUG_CANCEL_SNAPSHOT,
    BUG_REFUSE_PREPARE,
    BUG_SNAPSHOT_OF_TWO,
    BUG_WRONG_MOUNT,
    BUG_COUNT
};

static const struct bug bugs[BUG_COUNT] = {
    [BUG_GET_UNOPENED] = {"get-unopened", "VDI-GETCMD-001", "GetCommand", "-", "backup", 1,
                          "calls GetCommand on a device object that OpenDevice did not return"},
    [BUG_TIMEOUT_IS_END] = {"timeout-is-end", "VDI-GETCMD-004", "GetCommand", "lost-close", "backup", 1,
                            "takes VD_E_TIMEOUT for the end of the transfer and closes"},
    [BUG_GATHER] = {"gather", "VDI-GETCMD-006", "GetCommand", "-", "backup", 1,
                    "waits for more Writes than the server has outstanding before it completes any"},
    [BUG_COUNT_OF_FLUSH] = {"count-of-flush", "VDI-CMD-004", "CompleteCommand", "-", "backup", 1,
                            "completes Flush with the count of bytes of some Write, then with 0"},
    [BUG_COUNT_TOO_MANY] = {"count-too-many", "VDI-CMD-005", "CompleteCommand", "-", "backup", 1,
                            "completes a Write with more bytes than it has, then with the right count"},
    [BUG_COUNT_SHORT] = {"count-short", "VDI-CMD-006", "CompleteCommand", "-", "restore", 1,
                         "answers a Read with SUCCESS and half of its bytes"},
    [BUG_NO_POSITION] = {"no-position", "VDI-CMD-007", "CompleteCommand", "-", "backup", 1,
                         "is a disk that answers GetPosition with 0 whatever it has written"},
    [BUG_ACCEPT_REWIND] = {"accept-rewind", "VDI-CMD-009", "CompleteCommand",
                           "unknown-command(code=4)@Write#2", "backup", 1,
                           "is no tape and answers Rewind with SUCCESS"},
    [BUG_REFUSE_FLUSH] = {"refuse-flush", "VDI-CMD-010", "CompleteCommand", "-", "backup", 1,
                          "answers Flush with ERROR_NOT_SUPPORTED"},
    [BUG_WAIT_AFTER_ERROR] =
        {"wait-after-error", "VDI-IO-001", "GetCommand", "-", "backup", 1,
         "waits for ClearError with a Write in hand after it completed another with an error"},
    [BUG_REFUSE_CLEAR_ERROR] = {"refuse-clear-error", "VDI-IO-002", "CompleteCommand", "-", "backup", 1,
                                "answers ClearError with an error and goes on"},
    [BUG_END_IS_SUCCESS] = {"end-is-success", "VDI-IO-003", "CompleteCommand", "-", "restore", 1,
                            "answers a Read at the end of its file with SUCCESS"},
    [BUG_NO_FILEMARKS] = {"no-filemarks", "VDI-IO-004", "CompleteCommand", "-", "backup-restore", 1,
                          "is a tape that tells the end of the data where a filemark is"},
    [BUG_END_OF_MEDIA] = {"end-of-media", "VDI-IO-006", "CompleteCommand", "-", "backup", 1,
                          "answers a Write with ERROR_END_OF_MEDIA though its media cannot be changed"},
    [BUG_WRONG_POSITION] = {"wrong-position", "VDI-IO-007", "CompleteCommand", "-", "backup", 1,
                            "is a disk that answers GetPosition with the start of what it wrote last"},
    [BUG_SPOIL] = {"spoil", "VDI-DATA-001", "-", "-", "backup-restore", 1,
                   "stores one Write with some bytes of its own"},
    [BUG_PICKY] = {"picky", "VDI-DATA-002", "CompleteCommand", "-", "restore", 1,
                   "refuses Reads of another size than the first one's"},
    [BUG_IGNORE_COMPLETE] = {"ignore-complete", "VDI-COMP-002", "-", "-", "backup", 1,
                             "asks for completion, takes Flush for the end and says success"},
    [BUG_CANCEL_SNAPSHOT] = {"cancel-snapshot", "VDI-SNAP-002", "CompleteCommand", "-", "backup", 1,
                             "refuses Snapshot with ERROR_CANCELLED"},
    [BUG_REFUSE_PREPARE] = {"refuse-prepare", "VDI-SNAP-003", "CompleteCommand", "-", "backup", 1,
                            "asks for PrepareToFreeze and refuses it"},
    [BUG_SNAPSHOT_OF_TWO] = {"snapshot-of-two", "VDI-SNAP-004", "-", "-", "backup", 2,
                             "takes a snapshot through two devices"},
    [BUG_WRONG_MOUNT] = {"wrong-mount", "VDI-SNAP-005", "CompleteCommand", "-", "backup-restore", 1,
                         "answers MountSnapshot when a byte too many is in the file"},
};

static const struct bug_need needs[] = {
    {.row = BUG_REFUSE_CLEAR_ERROR, .run_options = "--seed|2"}, /* with it the server sends ClearError */
    {.row = BUG_CANCEL_SNAPSHOT, .with = "SNAPSHOT"},
    {.row = BUG_REFUSE_PREPARE, .with = "SNAPSHOT"},
    {.row = BUG_SNAPSHOT_OF_TWO, .with = "SNAPSHOT"},
    {.row = BUG_WRONG_MOUNT,
     .run_options = "--database|sales={run}/database|--before|head -c 100000 /dev/zero > {run}/database",
     .with = "SNAPSHOT"},
};

/* What a device's thread knows. The media come first: client_media takes them for its own. */
static struct {
    struct client_media media;
    int transfers; /* Writes and Reads so far; all bugs but one have one device */
    int first_size;
    int64_t last_start;
    int held_count;
    VDC_Command *held[HELD_MAX];
} state;

static bool has(enum bug_id bug)
{
    return bug_is((int)bug);
}

static bool is_snapshot(void)
{
    return has(BUG_CANCEL_SNAPSHOT) || has(BUG_REFUSE_PREPARE) || has(BUG_SNAPSHOT_OF_TWO) ||
           has(BUG_WRONG_MOUNT);
}

static bool is_disk(void)
{
    return has(BUG_NO_POSITION) || has(BUG_WRONG_POSITION);
}

/* ---- what commands do ---- */

static int write_at(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    (void)device;
    state.last_start = command->position;
    return disk_write(&state.media.disks[0], command->position, command->buffer, (size_t)command->size,
                      &answer->done);
}

static int set_position(struct session_device *device, const VDC_Command *command,
                        struct session_answer *answer)
{
    int code = disk_set_position(&state.media.disks[0], command->size, command->position);

    (void)device;
    answer->position = state.media.disks[0].position;
    return code;
}

static int get_position(struct session_device *device, const VDC_Command *command,
                        struct session_answer *answer)
{
    (void)device;
    (void)command;
    answer->position = has(BUG_WRONG_POSITION) ? state.last_start : 0;
    return ERROR_SUCCESS;
}

static int flush_disk(struct session_device *device, const VDC_Command *command,
                      struct session_answer *answer)
{
    (void)device;
    (void)command;
    (void)answer;
    return disk_flush(&state.media.disks[0]);
}

static int write_blocks(struct session_device *device, const VDC_Command *command,
                        struct session_answer *answer)
{
    (void)device;
    return tape_write(&state.media.tapes[0], command->buffer, (size_t)command->size, &answer->done);
}

static int read_blocks(struct session_device *device, const VDC_Command *command,
                       struct session_answer *answer)
{
    int code = tape_read(&state.media.tapes[0], command->buffer, (size_t)command->size, &answer->done);

    (void)device;
    return code == CLIENT_ERROR_FILEMARK_DETECTED ? ERROR_HANDLE_EOF : code;
}

static int move_tape(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    struct tape *tape = &state.media.tapes[0];

    (void)device;
    answer->position = command->commandCode == VDC_GetPosition ? tape->position : command->position;
    switch (command->commandCode) {
    case VDC_Rewind:
        return tape_rewind(tape);
    case VDC_WriteMark:
        return tape_write_mark(tape);
    case VDC_SkipMarks:
        return tape_skip_marks(tape, command->size);
    case VDC_SkipBlocks:
        return tape_skip_blocks(tape, command->size);
    case VDC_SetPosition:
        return tape_set_position(tape, command->position);
    case VDC_Flush:
        return tape_flush(tape);
    }
    return ERROR_SUCCESS; /* GetPosition */
}

/* The database's own file stays as it is: nothing needs to be copied, or brought back. */
static int freeze(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    (void)device;
    (void)answer;
    return command->commandCode == VDC_Snapshot && has(BUG_CANCEL_SNAPSHOT) ? SNAPSHOT_REFUSED
                                                                            : ERROR_SUCCESS;
}

static int mount_wrongly(struct session_device *device, const VDC_Command *command,
                         struct session_answer *answer)
{
    char path[CLIENT_PATH_MAX];
    FILE *file;
    int code;

    (void)command;
    (void)answer;
    snprintf(path, sizeof path, "%s/database", operation_options(device->session->operation)->directory);
    file = fopen(path, "ae");
    if (!file) {
        return CLIENT_ERROR_WRITE_FAULT;
    }
    fputc('x', file);
    code = store_sync(file);
    fclose(file);
    return code;
}

static int clear_error(struct session_device *device, const VDC_Command *command,
                       struct session_answer *answer)
{
    (void)device;
    (void)command;
    (void)answer;
    return has(BUG_REFUSE_CLEAR_ERROR) ? CLIENT_ERROR_WRITE_FAULT : ERROR_SUCCESS;
}

/* ---- the bugs in a command's answer ---- */

static int perform(struct session_device *device, VDC_Command *command, struct session_answer *answer)
{
    VDC_Command mine = *command;
    bool transfer = command->commandCode == VDC_Write || command->commandCode == VDC_Read;
    bool nth = transfer && ++state.transfers == NTH;
    int code;

    if (has(BUG_REFUSE_FLUSH) && command->commandCode == VDC_Flush) {
        return ERROR_NOT_SUPPORTED;
    }
    if (has(BUG_ACCEPT_REWIND) && command->commandCode == VDC_Rewind) {
        return ERROR_SUCCESS;
    }
    if (has(BUG_PICKY) && command->commandCode == VDC_Read) {
        state.first_size = state.first_size ? state.first_size : command->size;
        if (state.first_size != command->size) {
            return BAD_LENGTH;
        }
    }
    if ((has(BUG_REFUSE_CLEAR_ERROR) || has(BUG_WAIT_AFTER_ERROR)) && nth) {
        return CLIENT_ERROR_WRITE_FAULT;
    }
    if (has(BUG_COUNT_SHORT) && nth) {
        mine.size /= 2;
    }
    code = session_perform(device, &mine, answer);
    if (has(BUG_SPOIL) && nth && command->commandCode == VDC_Write) {
        fseek(device->file, -ODD_BYTES, SEEK_CUR);
        for (int i = 0; i < ODD_BYTES; i++) {
            fputc('x', device->file);
        }
    }
    if (has(BUG_END_IS_SUCCESS) && code == ERROR_HANDLE_EOF) {
        return ERROR_SUCCESS;
    }
    return has(BUG_END_OF_MEDIA) && nth ? CLIENT_ERROR_END_OF_MEDIA : code;
}

/* Counts the library refuses; the right one follows. */
static void complete_wrongly(struct session_device *device, VDC_Command *command, int code, size_t done)
{
    bool flush = has(BUG_COUNT_OF_FLUSH) && command->commandCode == VDC_Flush;
    bool write = has(BUG_COUNT_TOO_MANY) && command->commandCode == VDC_Write && state.transfers == NTH;

    if (flush || write) {
        vdi_device_complete_command(device->device, command, code, done + ODD_BYTES, 0);
    }
}

/* ---- serving a device ---- */

static bool answer(struct session_device *device, VDC_Command *command)
{
    struct session_answer answer = {0};
    int kind = command->commandCode;
    int code = perform(device, command, &answer);
    int result;

    complete_wrongly(device, command, code, answer.done);
    result = vdi_device_complete_command(device->device, command, code, answer.done, answer.position);
    if (result) {
        session_give_up(device->session, "CompleteCommand", result);
        return false;
    }
    return !(has(BUG_IGNORE_COMPLETE) && kind == VDC_Flush);
}

/* False: the command is kept for now. */
static bool is_due(VDC_Command *command)
{
    if (has(BUG_GATHER) && command->commandCode == VDC_Write && state.held_count < HELD_MAX) {
        state.held[state.held_count++] = command;
        return false;
    }
    if (has(BUG_WAIT_AFTER_ERROR) && state.held_count == 0) {
        state.held[state.held_count++] = command;
        state.transfers = NTH - 1;
        return false;
    }
    return true;
}

static void *serve(void *context)
{
    struct session_device *device = context;
    bool for_ever = has(BUG_GATHER) || has(BUG_WAIT_AFTER_ERROR);

    for (;;) {
        VDC_Command *command = NULL;
        int result = vdi_device_get_command(device->device, for_ever ? -1 : CLIENT_SLICE_MS, &command);

        if (result == VD_E_TIMEOUT && has(BUG_TIMEOUT_IS_END)) {
            return NULL;
        }
        if (result == VD_E_TIMEOUT && operation_may_wait(device->session->operation)) {
            continue;
        }
        if (result == VD_E_CLOSE) {
            return NULL;
        }
        if (result) {
            session_give_up(device->session, "GetCommand", result);
            return NULL;
        }
        operation_progress(device->session->operation);
        if (is_due(command) && !answer(device, command)) {
            return NULL;
        }
    }
}

/* ---- the session ---- */

static struct volume *disk_volume(struct client_media *media, int index)
{
    return &media->disks[index].volume;
}

static int open_disk(struct client_media *media, int index)
{
    return disk_open(&media->disks[index]);
}

static int close_disk(struct client_media *media, int index)
{
    return disk_close(&media->disks[index]);
}

static struct volume *tape_volume(struct client_media *media, int index)
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

static bool transfer(struct session *session)
{
    ClientVirtualDevice device;
    VDC_Command *command;

    if (has(BUG_GET_UNOPENED)) {
        vdi_device_init(&device);
        vdi_device_get_command(&device, 0, &command);
        vdi_device_destroy(&device);
    }
    return session_transfer(session);
}

static const struct session_kind pipe_kind = {
    .suffix = ".bak", .actions = {[VDC_ClearError] = clear_error}, .serve = serve, .transfer = transfer};

static const struct session_kind disk_kind = {.features = VDF_LikeDisk,
                                              .actions = {[VDC_Write] = write_at,
                                                          [VDC_GetPosition] = get_position,
                                                          [VDC_SetPosition] = set_position,
                                                          [VDC_Flush] = flush_disk},
                                              .serve = serve,
                                              .transfer = client_media_transfer};

static const struct session_kind tape_kind = {.features = VDF_LikeTape,
                                              .actions = {[VDC_Write] = write_blocks,
                                                          [VDC_Read] = read_blocks,
                                                          [VDC_Rewind] = move_tape,
                                                          [VDC_WriteMark] = move_tape,
                                                          [VDC_SkipMarks] = move_tape,
                                                          [VDC_SkipBlocks] = move_tape,
                                                          [VDC_GetPosition] = move_tape,
                                                          [VDC_SetPosition] = move_tape,
                                                          [VDC_Flush] = move_tape},
                                              .serve = serve,
                                              .transfer = client_media_transfer};

static const struct session_kind snapshot_kind = {
    .suffix = ".meta",
    .actions = {[VDC_Snapshot] = freeze, [VDC_PrepareToFreeze] = freeze, [VDC_MountSnapshot] = mount_wrongly},
    .serve = serve,
    .transfer = transfer};

static struct session_kind choose_kind(bool backup)
{
    struct session_kind kind = is_snapshot()           ? snapshot_kind
                               : is_disk()             ? disk_kind
                               : has(BUG_NO_FILEMARKS) ? tape_kind
                                                       : pipe_kind;

    if (is_snapshot() && backup) {
        kind.features |= VDF_SnapshotPrepare;
    }
    if (has(BUG_REFUSE_PREPARE)) {
        kind.actions[VDC_PrepareToFreeze] = NULL;
    }
    if (has(BUG_IGNORE_COMPLETE)) {
        kind.features |= VDF_RequestComplete;
    }
    return kind;
}

static void work(struct operation *operation)
{
    struct session_kind kind = choose_kind(operation_is_backup(operation));
    struct session session;

    memset(&state, 0, sizeof state);
    state.media =
        is_disk() ? (struct client_media){.suffix = ".disk",
                                          .volume_of = disk_volume,
                                          .open = open_disk,
                                          .close = close_disk}
                  : (struct client_media){
                        .suffix = ".tape", .volume_of = tape_volume, .open = open_tape, .close = close_tape};
    session_init(&session, operation, &kind, &state.media);
    session_run(&session);
}

int main(int argc, char **argv)
{
    static const struct bug_table table = {"buggy_answers", bugs, BUG_COUNT};
    int status;

    bug_set_needs(needs, sizeof needs / sizeof needs[0]);
    status = bug_main(argc, argv, &table, work);
    return has(BUG_IGNORE_COMPLETE) ? CLIENT_SUCCESS : status;
}
