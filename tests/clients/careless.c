/* careless.c - a client that stores everything and commits it wrongly (bug.h; spec 6.3, 10). The bugs are in what it
 * does about Flush and VDC_Complete. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bug.h"
#include "client_session.h"
#include "media.h"

enum bug_id {
    BUG_NO_SYNC,
    BUG_NO_FLUSH,
    BUG_SYNC_TOO_EARLY,
    BUG_SYNC_ANOTHER_FILE,
    BUG_SYNC_RANGE,
    BUG_PIPE_TO_CAT,
    BUG_TRAILER_AFTER_FLUSH,
    BUG_TRAILER_AT_COMPLETE,
    BUG_KEEP_TAIL,
    BUG_COUNT
};

static const struct bug bugs[BUG_COUNT] = {
    [BUG_NO_SYNC] = {"no-sync", "VDI-FLUSH-001", "CompleteCommand", "-", "backup", 1,
                     "answers Flush after fflush, as the SDK's samples do"},
    [BUG_NO_FLUSH] = {"no-flush", "VDI-FLUSH-001", "CompleteCommand", "-", "backup", 1,
                      "calls fsync while the last bytes are still in the stream's buffer"},
    [BUG_SYNC_TOO_EARLY] = {"sync-too-early", "VDI-FLUSH-001", "CompleteCommand", "-", "backup", 1,
                            "writes a trailer after fsync and before the answer"},
    [BUG_SYNC_ANOTHER_FILE] = {"sync-another-file", "VDI-FLUSH-001", "CompleteCommand", "-", "backup", 1,
                               "makes its catalogue durable instead of the backup"},
    [BUG_SYNC_RANGE] = {"sync-range", "VDI-FLUSH-001", "CompleteCommand", "-", "backup", 1,
                        "takes sync_file_range for fsync"},
    [BUG_PIPE_TO_CAT] = {"pipe-to-cat", "VDI-FLUSH-001", "CompleteCommand", "-", "backup", 1,
                         "pipes the stream to a process that does not sync"},
    [BUG_TRAILER_AFTER_FLUSH] = {"trailer-after-flush", "VDI-FLUSH-004", "CompleteCommand", "-", "backup", 1,
                                 "finishes the backup only when the device is closed"},
    [BUG_TRAILER_AT_COMPLETE] = {"trailer-at-complete", "VDI-COMP-001", "CompleteCommand", "-", "backup", 1,
                                 "writes a trailer at VDC_Complete and does not make it durable"},
    [BUG_KEEP_TAIL] = {"keep-tail", "VDI-FLUSH-002", "CompleteCommand", "-", "backup", 1,
                       "is a disk and leaves what an older backup left behind the new one"},
};

static bool has(enum bug_id bug)
{
    return bug_is((int)bug);
}

/* An older, longer backup, which keep-tail overwrites. */
#define OLD_BYTES ((off_t)1 << 30)

static FILE *open_sink(const struct session *session)
{
    char path[CLIENT_PATH_MAX], command[CLIENT_PATH_MAX + 8];

    store_path(session->operation, 0, ".bak", path);
    if (has(BUG_PIPE_TO_CAT)) {
        snprintf(command, sizeof command, "cat >'%s'", path);
        return popen(command, "we");
    }
    return store_open(session->operation, 0, ".bak");
}

/* The disk of keep-tail. */
static struct disk old_disk;

static bool open_old_disk(const struct session *session)
{
    char path[CLIENT_PATH_MAX];
    int file, code = CLIENT_ERROR_WRITE_FAULT;

    store_path(session->operation, 0, ".disk", old_disk.volume.stem);
    store_path(session->operation, 0, ".disk.1", path);
    old_disk.volume.writing = true;
    file = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0666);
    if (file >= 0) {
        code = ftruncate(file, OLD_BYTES) ? CLIENT_ERROR_WRITE_FAULT : disk_open(&old_disk);
        close(file);
    }
    return code == ERROR_SUCCESS;
}

static int perform_on_disk(const VDC_Command *command, struct session_answer *answer)
{
    int code = ERROR_SUCCESS;

    switch (command->commandCode) {
    case VDC_Write:
        return disk_write(&old_disk, command->position, command->buffer, (size_t)command->size,
                          &answer->done);
    case VDC_Read:
        return disk_read(&old_disk, command->position, command->buffer, (size_t)command->size, &answer->done);
    case VDC_SetPosition:
        code = disk_set_position(&old_disk, command->size, command->position);
        break;
    case VDC_Flush: /* disk_flush without the cut */
        return volume_sync(&old_disk.volume);
    case VDC_GetPosition:
        break;
    default:
        return ERROR_NOT_SUPPORTED;
    }
    answer->position = old_disk.position;
    return code;
}

static int write_trailer(FILE *file)
{
    static const char trailer[] = "the end of the backup";

    return fwrite(trailer, 1, sizeof trailer, file) == sizeof trailer && !fflush(file)
               ? ERROR_SUCCESS
               : store_completion_code(errno, true);
}

static int sync_catalogue(const struct session *session)
{
    FILE *catalogue = store_open(session->operation, 0, ".catalogue");
    int code = catalogue ? write_trailer(catalogue) : CLIENT_ERROR_WRITE_FAULT;

    code = code == ERROR_SUCCESS ? store_sync(catalogue) : code;
    if (catalogue) {
        fclose(catalogue);
    }
    return code;
}

static int flush(struct session_device *device)
{
    FILE *file = device->file;
    int failed = 0;

    if (has(BUG_NO_FLUSH)) {
        fputs("the end", file);
        return fsync(fileno(file)) ? CLIENT_ERROR_WRITE_FAULT : ERROR_SUCCESS;
    }
    failed = fflush(file);
    if (has(BUG_NO_SYNC) || has(BUG_PIPE_TO_CAT)) {
        if (has(BUG_PIPE_TO_CAT)) {
            failed = failed || pclose(file);
            device->file = NULL;
        }
    } else if (has(BUG_SYNC_ANOTHER_FILE)) {
        return sync_catalogue(device->session);
    } else if (has(BUG_SYNC_RANGE)) {
        failed = failed || sync_file_range(fileno(file), 0, 0,
                                           SYNC_FILE_RANGE_WAIT_BEFORE | SYNC_FILE_RANGE_WRITE |
                                               SYNC_FILE_RANGE_WAIT_AFTER);
    } else {
        failed = failed || fsync(fileno(file));
    }
    return failed                    ? store_completion_code(errno, true)
           : has(BUG_SYNC_TOO_EARLY) ? write_trailer(file)
                                     : ERROR_SUCCESS;
}

static int perform(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    if (has(BUG_KEEP_TAIL)) {
        return perform_on_disk(command, answer);
    }
    switch (command->commandCode) {
    case VDC_Write:
        return store_write(device->file, command->buffer, (size_t)command->size, &answer->done);
    case VDC_Flush:
        return flush(device);
    case VDC_Complete:
        return write_trailer(device->file);
    case VDC_ClearError:
        return ERROR_SUCCESS;
    default:
        return ERROR_NOT_SUPPORTED;
    }
}

static void *serve(void *context)
{
    struct session_device *device = context;
    struct session *session = device->session;
    VDC_Command *command;

    for (;;) {
        int result = vdi_device_get_command(device->device, CLIENT_SLICE_MS, &command);
        struct session_answer answer = {0};

        if (result == VD_E_TIMEOUT && operation_may_wait(session->operation)) {
            continue;
        }
        if (result == VD_E_CLOSE) {
            if (has(BUG_TRAILER_AFTER_FLUSH) && (write_trailer(device->file) || store_sync(device->file))) {
                operation_fail(session->operation, "cannot finish the backup");
            }
            return NULL;
        }
        if (result) {
            session_give_up(session, "GetCommand", result);
            return NULL;
        }
        operation_progress(session->operation);
        int code = perform(device, command, &answer);
        result = vdi_device_complete_command(device->device, command, code, answer.done, answer.position);
        if (result) {
            session_give_up(session, "CompleteCommand", result);
            return NULL;
        }
    }
}

static void work(struct operation *operation)
{
    const struct session_kind committing = {
        .features = has(BUG_TRAILER_AT_COMPLETE) ? VDF_LikePipe | VDF_RequestComplete
                    : has(BUG_KEEP_TAIL)         ? VDF_LikeDisk
                                                 : VDF_LikePipe,
        .serve = serve,
    };
    struct session session;

    session_init(&session, operation, &committing, NULL);
    session.devices[0].file = has(BUG_KEEP_TAIL) ? NULL : open_sink(&session);
    if (has(BUG_KEEP_TAIL) ? !open_old_disk(&session) : !session.devices[0].file) {
        operation_fail(operation, "cannot open the sink: %s", strerror(errno));
        return;
    }
    session_run(&session);
}

int main(int argc, char **argv)
{
    static const struct bug_table table = {"careless", bugs, BUG_COUNT};

    return bug_main(argc, argv, &table, work);
}
