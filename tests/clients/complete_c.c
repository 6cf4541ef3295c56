/* complete_c.c - a correct client that asks for VDC_Complete and commits its backup when it comes (spec 10).
 *
 * The stream goes to a .part file. VDC_Complete, or each Flush when the server did not enable VDC_Complete,
 * makes it durable and renames it to .bak before it is answered with success: only then may SQL Server
 * truncate the log.
 */
#include "client_session.h"

/* How far a device's backup has come; its thread's, then the main thread's. */
struct progress {
    bool committed; /* the file has its final name */
    bool completed; /* VDC_Complete was answered with success */
};

static struct progress *progress_of(const struct session_device *device)
{
    return (struct progress *)device->session->own + device->index;
}

/* The server will send VDC_Complete. */
static bool complete_enabled(const struct session *session)
{
    return session->config.features & VDF_CompleteEnabled;
}

/* Makes what was received a finished backup: durable, and under its final name. The stream stays open under
 * that name, as more may follow. */
static int commit(struct session_device *device)
{
    const struct operation *operation = device->session->operation;
    struct progress *progress = progress_of(device);
    char from[CLIENT_PATH_MAX], to[CLIENT_PATH_MAX];
    int code = store_sync(device->file);

    if (code != ERROR_SUCCESS || progress->committed || !operation_is_backup(operation)) {
        return code;
    }
    store_path(operation, device->index, ".part", from);
    store_path(operation, device->index, ".bak", to);
    code = store_commit(operation, from, to);
    progress->committed = code == ERROR_SUCCESS;
    return code;
}

/* Without VDC_Complete any Flush may be the last word: commit at each (VDI-FLUSH-004). */
static int flush(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    (void)command;
    (void)answer;
    return complete_enabled(device->session) ? store_sync(device->file) : commit(device);
}

static int complete(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    int code = commit(device);

    (void)command;
    (void)answer;
    progress_of(device)->completed = code == ERROR_SUCCESS;
    return code;
}

/* A device that was closed without VDC_Complete holds no finished backup (VDI-COMP-002). */
static bool transfer(struct session *session)
{
    if (!session_transfer(session)) {
        return false;
    }
    for (int i = 0; complete_enabled(session) && i < session->count; i++) {
        if (!progress_of(&session->devices[i])->completed) {
            operation_fail(session->operation, "device %d was closed without VDC_Complete", i);
        }
    }
    return true;
}

static void work(struct operation *operation)
{
    bool backup = operation_is_backup(operation);
    const struct session_kind committing = {
        .suffix = backup ? ".part" : ".bak",
        .features = backup ? VDF_LikePipe | VDF_RequestComplete : VDF_LikePipe,
        .actions = {[VDC_Flush] = flush, [VDC_Complete] = complete},
        .transfer = transfer,
    };
    struct progress progress[CLIENT_DEVICES_MAX] = {0};
    struct session session;

    session_init(&session, operation, &committing, progress);
    session_run(&session);
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    int status = client_parse(argc, argv, &options);

    return status ? status : client_run(&options, work);
}
