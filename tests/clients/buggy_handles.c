/* buggy_handles.c - a correct client with one bug in how it passes buffers to other processes (bug.h, spec 3.11). The
 * bugs are where `has` is called. */
#include <errno.h>
#include <sys/wait.h>
#include <unistd.h>

#include "bug.h"
#include "client_session.h"

enum {
    NTH_BAD = 2 /* Write that the bugs act on */
};

enum bug_id {
    BUG_HANDLE_LATE,
    BUG_FOREIGN_HANDLE,
    BUG_COMPLETE_IN_CHILD,
    BUG_COUNT
};

static const struct bug bugs[BUG_COUNT] = {
    [BUG_HANDLE_LATE] = {"handle-late", "VDI-BUF-006", "GetBufferHandle", "-", "backup", 1,
                         "asks for the handle of a buffer after the completion of its command"},
    [BUG_FOREIGN_HANDLE] = {"foreign-handle", "VDI-BUF-007", "MapBufferHandle", "-", "backup-restore", 1,
                            "maps a handle of the backup's set in the restore's"},
    [BUG_COMPLETE_IN_CHILD] = {"complete-in-child", "VDI-BUF-008", "CompleteCommand", "-", "backup", 1,
                               "gets a buffer's handle, then has a forked child complete the command"},
};

/* Of the backup's set, wrongly kept for the restore. */
static unsigned int kept_handle;

static bool has(enum bug_id bug)
{
    return bug_is((int)bug);
}

static int complete(struct session_device *device, VDC_Command *command, int code,
                    const struct session_answer *answer)
{
    return vdi_device_complete_command(device->device, command, code, answer->done, answer->position);
}

/* The child shares the set's memory, but its library is a copy. */
static int complete_in_child(struct session_device *device, VDC_Command *command, int code,
                             const struct session_answer *answer)
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        _exit(complete(device, command, code, answer) != 0);
    }
    while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return child > 0 && status == 0 ? 0 : VD_E_UNEXPECTED;
}

/* False: a call failed. */
static bool answer(struct session_device *device, VDC_Command *command)
{
    ClientVirtualDeviceSet *set = &device->session->set;
    struct session_answer answer = {0};
    bool bad = command->commandCode == VDC_Write && device->writes + 1 == NTH_BAD;
    uint8_t *buffer = command->buffer, *mapped = NULL;
    unsigned int handle = 0;
    int code = session_perform(device, command, &answer);
    int result;

    if (bad && !has(BUG_HANDLE_LATE)) {
        vdi_set_get_buffer_handle(set, buffer, &kept_handle);
    } else if (command->commandCode == VDC_Read && has(BUG_FOREIGN_HANDLE)) {
        vdi_set_map_buffer_handle(set, (int)kept_handle, &mapped);
    }
    if (bad && has(BUG_COMPLETE_IN_CHILD)) {
        result = complete_in_child(device, command, code, &answer);
    } else {
        result = complete(device, command, code, &answer);
    }
    if (bad && has(BUG_HANDLE_LATE)) {
        vdi_set_get_buffer_handle(set, buffer, &handle);
    }
    if (result) {
        session_give_up(device->session, "CompleteCommand", result);
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
    session_run(&session);
}

int main(int argc, char **argv)
{
    static const struct bug_table table = {"buggy_handles", bugs, BUG_COUNT};

    return bug_main(argc, argv, &table, work);
}
