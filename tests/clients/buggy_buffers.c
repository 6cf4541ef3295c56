/* buggy_buffers.c - a correct client that touches a buffer or command block once when it must not (bug.h). The bugs are
 * where `has` is called. */
#include <stdio.h>

#include "bug.h"
#include "client_session.h"

enum {
    NTH_BAD = 3 /* Write that the bugs act on */
};

enum bug_id {
    BUG_READ_AFTER,
    BUG_KEEP_ADDRESS,
    BUG_READ_BEYOND,
    BUG_READ_BEFORE,
    BUG_CHANGE_BUFFER,
    BUG_CHANGE_BLOCK,
    BUG_BLOCK_AFTER,
    BUG_AFTER_ABORT,
    BUG_AFTER_CLOSE,
    BUG_COUNT
};

static const struct bug bugs[BUG_COUNT] = {
    [BUG_READ_AFTER] = {"read-after-completion", "VDI-BUF-001", "-", "-", "backup", 1,
                        "reads a buffer after the completion of its command"},
    [BUG_KEEP_ADDRESS] = {"keep-address", "VDI-BUF-002", "-", "-", "backup", 1,
                          "reads the buffer of the command before the one in its hands"},
    [BUG_READ_BEYOND] = {"read-beyond", "VDI-BUF-003", "-", "-", "backup", 1,
                         "reads one byte more than the buffer has"},
    [BUG_READ_BEFORE] = {"read-before", "VDI-BUF-004", "-", "-", "backup", 1,
                         "reads the byte before a buffer without prefix zone"},
    [BUG_CHANGE_BUFFER] = {"change-buffer", "VDI-BUF-005", "-", "-", "backup", 1,
                           "changes a byte of a Write's buffer"},
    [BUG_CHANGE_BLOCK] = {"change-block", "VDI-GETCMD-005", "-", "-", "backup", 1,
                          "uses a field of the command block for itself"},
    [BUG_BLOCK_AFTER] = {"block-after-completion", "VDI-CMD-003", "-", "-", "backup", 1,
                         "reads the command block after the completion"},
    [BUG_AFTER_ABORT] = {"read-after-abort", "VDI-ABORT-002", "-", "abort@Write#3", "backup", 1,
                         "reads the buffer in its hands after VD_E_ABORT"},
    [BUG_AFTER_CLOSE] = {"read-after-close", "VDI-CLOSE-003", "-", "-", "backup", 1,
                         "stops at a Write, aborts and reads its buffer after Close"},
};

static const uint8_t *kept; /* a buffer's address that should be forgotten */
static unsigned checksum;   /* what the reads are for */

static bool has(enum bug_id bug)
{
    return bug_is((int)bug);
}

/* With the command still in its hands. */
static void mistreat_held(VDC_Command *command)
{
    if (has(BUG_READ_BEYOND)) {
        checksum += command->buffer[command->size];
    } else if (has(BUG_READ_BEFORE)) {
        checksum += command->buffer[-1];
    } else if (has(BUG_CHANGE_BUFFER)) {
        command->buffer[0] = (uint8_t)(command->buffer[0] + 1);
    } else if (has(BUG_CHANGE_BLOCK)) {
        command->position = (int64_t)command->size;
    } else if (has(BUG_KEEP_ADDRESS) && kept) {
        checksum += kept[0];
    }
}

static void mistreat_completed(const VDC_Command *command, const uint8_t *buffer, int result)
{
    if (has(BUG_READ_AFTER) || (has(BUG_AFTER_ABORT) && result == VD_E_ABORT)) {
        checksum += buffer[0];
    } else if (has(BUG_BLOCK_AFTER)) {
        checksum += (unsigned)command->commandCode;
    }
}

/* False: the device needs no more service, or gets none. */
static bool answer(struct session_device *device, VDC_Command *command)
{
    struct session *session = device->session;
    struct session_answer answer = {0};
    uint8_t *buffer = command->buffer;
    int code = session_perform(device, command, &answer);
    bool bad = device->writes == NTH_BAD && buffer;
    int result;

    if (bad && has(BUG_AFTER_CLOSE)) {
        kept = buffer;
        operation_fail(session->operation, "the thread stops in the middle");
        return false;
    }
    if (bad) {
        mistreat_held(command);
    }
    result = vdi_device_complete_command(device->device, command, code, answer.done, answer.position);
    if (bad) {
        mistreat_completed(command, buffer, result);
    }
    kept = buffer;
    if (result) {
        session_give_up(session, "CompleteCommand", result);
    }
    return !result;
}

static void work(struct operation *operation)
{
    static const struct session_kind wrong = {
        .suffix = ".bak",
        .features = VDF_LikePipe,
        .answer = answer,
    };
    struct session session;

    session_init(&session, operation, &wrong, NULL);
    if (session_open_files(&session)) {
        vdi_set_init(&session.set);
        if (session_create(&session)) {
            session_converse(&session);
            if (has(BUG_AFTER_CLOSE)) {
                vdi_set_signal_abort(&session.set);
            }
            session_close(&session);
            checksum += has(BUG_AFTER_CLOSE) && kept ? kept[0] : 0;
        }
        vdi_set_destroy(&session.set);
    }
    session_close_files(&session);
    printf("checksum %u\n", checksum);
}

int main(int argc, char **argv)
{
    static const struct bug_table table = {"buggy_buffers", bugs, BUG_COUNT};

    return bug_main(argc, argv, &table, work);
}
