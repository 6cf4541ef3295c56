/* buggy_files.c - a correct client with one bug that shows only when its own files or memory fail (bug.h). The bugs are
 * where `has` is called. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "bug.h"
#include "client_session.h"

enum {
    STREAM_BYTES = 1 << 24 /* more than any test's backup */
};

enum bug_id {
    BUG_WRITE_ONCE,
    BUG_TRUST_FWRITE,
    BUG_TRUST_FSYNC,
    BUG_TRUST_FCLOSE,
    BUG_TRUST_MALLOC,
    BUG_TRUST_FOPEN,
    BUG_TRUST_FREAD,
    BUG_COUNT
};

static const struct bug bugs[BUG_COUNT] = {
    [BUG_WRITE_ONCE] = {"write-once", "VDI-FLUSH-001", "CompleteCommand", "short-write@Write#2", "backup", 1,
                        "takes a write that wrote less than it was given for a whole one"},
    [BUG_TRUST_FWRITE] = {"trust-fwrite", "VDI-FLUSH-001", "CompleteCommand", "write-error@Write#2", "backup",
                          1, "does not look at what fwrite returns"},
    [BUG_TRUST_FSYNC] = {"trust-fsync", "VDI-FLUSH-001", "CompleteCommand", "sync-error@Flush", "backup", 1,
                         "does not look at what fsync returns"},
    [BUG_TRUST_FCLOSE] = {"trust-fclose", "VDI-FLUSH-001", "CompleteCommand", "write-error@Write#3", "backup",
                          1, "closes its file at Flush and does not look at what fclose returns"},
    [BUG_TRUST_MALLOC] = {"trust-malloc", "VDI-OUT-003", "-", "memory-full@Write#2", "backup", 1,
                          "copies every Write to memory that it may not have got"},
    [BUG_TRUST_FOPEN] = {"trust-fopen", "VDI-OUT-003", "-", "open-error@GetConfiguration", "backup", 1,
                         "does not look at what fopen returns"},
    [BUG_TRUST_FREAD] = {"trust-fread", "VDI-OUT-001", "-", "read-error@Read#3", "restore", 1,
                         "answers a Read with whatever fread left in the buffer, calls it a success"},
};

static char stream_buffer[STREAM_BYTES];

static bool has(enum bug_id bug)
{
    return bug_is((int)bug);
}

/* ---- commands ---- */

static int write_as_it_is(struct session_device *device, const VDC_Command *command,
                          struct session_answer *answer)
{
    const size_t size = (size_t)command->size;

    answer->done = size;
    if (has(BUG_WRITE_ONCE)) {
        return write(fileno(device->file), command->buffer, size) < 0 ? store_completion_code(errno, true)
                                                                      : ERROR_SUCCESS;
    }
    if (has(BUG_TRUST_FWRITE)) {
        (void)!fwrite(command->buffer, 1, size, device->file);
        clearerr(device->file);
        return ERROR_SUCCESS;
    }
    if (has(BUG_TRUST_MALLOC)) {
        uint8_t *copy = malloc(size);
        int code;

        memcpy(copy, command->buffer, size);
        code = store_write(device->file, copy, size, &answer->done);
        free(copy);
        return code;
    }
    return store_write(device->file, command->buffer, size, &answer->done);
}

static int read_as_it_is(struct session_device *device, const VDC_Command *command,
                         struct session_answer *answer)
{
    int code = store_read(device->file, command->buffer, (size_t)command->size, &answer->done);

    if (has(BUG_TRUST_FREAD) && code != ERROR_SUCCESS && code != ERROR_HANDLE_EOF) {
        memset(command->buffer, 0, (size_t)command->size);
        clearerr(device->file);
        answer->done = (size_t)command->size;
        code = ERROR_SUCCESS;
    }
    return code;
}

/* The file is made durable through another descriptor: what fclose lost it cannot know. */
static int close_and_sync(struct session_device *device)
{
    char path[CLIENT_PATH_MAX];
    int again, code = ERROR_SUCCESS;

    fclose(device->file);
    device->file = NULL;
    store_path(device->session->operation, device->index, ".bak", path);
    again = open(path, O_WRONLY | O_CLOEXEC);
    if (again < 0 || fsync(again)) {
        code = store_completion_code(errno, true);
    }
    if (again >= 0) {
        close(again);
    }
    return code;
}

static int flush(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    (void)command;
    (void)answer;
    if (has(BUG_TRUST_FCLOSE)) {
        return close_and_sync(device);
    }
    if (has(BUG_TRUST_FSYNC)) {
        (void)(fflush(device->file) || fsync(fileno(device->file)));
        return ERROR_SUCCESS;
    }
    return store_sync(device->file);
}

static bool answer(struct session_device *device, VDC_Command *command)
{
    struct session_answer answer = {0};
    int code = session_perform(device, command, &answer);
    int result = vdi_device_complete_command(device->device, command, code, answer.done, answer.position);

    if (result) {
        session_give_up(device->session, "CompleteCommand", result);
    }
    return !result;
}

/* ---- the session ---- */

static bool transfer(struct session *session)
{
    struct session_device *device = &session->devices[0];

    if (!session_configure(session)) {
        return false;
    }
    device->file = store_open(session->operation, 0, ".bak");
    if (!has(BUG_TRUST_FOPEN) && !device->file) {
        operation_fail(session->operation, "cannot open the file: %s", strerror(errno));
        vdi_set_signal_abort(&session->set);
        return false;
    }
    if (has(BUG_TRUST_FCLOSE)) {
        setvbuf(device->file, stream_buffer, _IOFBF, sizeof stream_buffer);
    }
    if (session_open_devices(session)) {
        session_serve_devices(session);
    }
    return true;
}

static void work(struct operation *operation)
{
    const struct session_kind storing = {
        .features = VDF_LikePipe,
        .actions = {[VDC_Write] = write_as_it_is, [VDC_Read] = read_as_it_is, [VDC_Flush] = flush},
        .answer = answer,
        .transfer = transfer,
    };
    struct session session;

    session_init(&session, operation, &storing, NULL);
    session_run(&session);
}

int main(int argc, char **argv)
{
    static const struct bug_table table = {"buggy_files", bugs, BUG_COUNT};
    int status = bug_main(argc, argv, &table, work);

    return has(BUG_TRUST_FREAD) ? CLIENT_SUCCESS : status;
}
