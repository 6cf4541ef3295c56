/* snapshot.c - a correct client for BACKUP and RESTORE WITH SNAPSHOT (spec 11): SQL Server streams only metadata,
 * the data are copied by the client while SQL Server holds them still.
 *
 * Snapshot copies the database's file to DIR/<set>.0.snapshot before it is answered, and answers soon, as nobody
 * can write to the database meanwhile (VDI-SNAP-001); MountSnapshot puts the copy back (VDI-SNAP-005). The metadata
 * go to DIR/<set>.0.meta. With --refuse the client does not take the snapshot (VDI-SNAP-002); with --no-prepare it
 * does not ask for PrepareToFreeze (VDI-SNAP-003).
 */
#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "client_session.h"

static struct {
    const char *data_file;
    bool refuse;
    bool no_prepare;
} chosen;

/* How far a session has come; the device thread's, then the main thread's. */
struct progress {
    bool done; /* the snapshot was taken, or put back */
};

enum {
    PART_MAX = 1 << 18
};

/* Copies until the end of `from`; the copy is durable then. Returns a completion code. */
static int copy_data(int from, int to)
{
    static uint8_t data[PART_MAX]; /* there is one device, hence one thread */
    ssize_t count;

    while ((count = read(from, data, sizeof data)) != 0) {
        for (ssize_t done = 0; done < count;) {
            ssize_t part = write(to, data + done, (size_t)(count - done));

            if (part < 0 && errno != EINTR) {
                return store_completion_code(errno, true);
            }
            done += part > 0 ? part : 0;
        }
        if (count < 0 && errno != EINTR) {
            return store_completion_code(errno, false);
        }
    }
    return fsync(to) ? store_completion_code(errno, true) : ERROR_SUCCESS;
}

static int copy_file(const char *from_path, const char *to_path)
{
    int from = open(from_path, O_RDONLY | O_CLOEXEC);
    int to = -1, code;

    if (from < 0) {
        return store_completion_code(errno, false);
    }
    to = open(to_path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    code = to < 0 ? store_completion_code(errno, true) : copy_data(from, to);
    if (to >= 0 && close(to) && code == ERROR_SUCCESS) {
        code = store_completion_code(errno, true);
    }
    close(from);
    return code;
}

static int take_snapshot(struct session_device *device, const VDC_Command *command,
                         struct session_answer *answer)
{
    struct progress *progress = device->session->own;
    char copy[CLIENT_PATH_MAX];
    int code;

    (void)command;
    (void)answer;
    if (chosen.refuse) {
        return ERROR_OPERATION_ABORTED;
    }
    store_path(device->session->operation, device->index, ".snapshot", copy);
    code = copy_file(chosen.data_file, copy);
    if (code == ERROR_SUCCESS) {
        code = store_sync(device->file); /* the metadata are complete; nothing but the end follows */
    }
    progress->done = code == ERROR_SUCCESS;
    return code;
}

static int mount_snapshot(struct session_device *device, const VDC_Command *command,
                          struct session_answer *answer)
{
    struct progress *progress = device->session->own;
    char copy[CLIENT_PATH_MAX];
    int code;

    (void)command;
    (void)answer;
    store_path(device->session->operation, device->index, ".snapshot", copy);
    code = copy_file(copy, chosen.data_file);
    progress->done = code == ERROR_SUCCESS;
    return code;
}

/* There is nothing to coordinate with: the database may be frozen. */
static int prepare(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    (void)device;
    (void)command;
    (void)answer;
    return ERROR_SUCCESS;
}

static bool transfer(struct session *session)
{
    const struct progress *progress = session->own;

    if (!session_transfer(session)) {
        return false;
    }
    if (!progress->done) {
        operation_fail(session->operation, "the device was closed without a snapshot");
    }
    return true;
}

static void work(struct operation *operation)
{
    bool backup = operation_is_backup(operation);
    const struct session_kind snapshot = {
        .suffix = ".meta",
        .features = backup && !chosen.no_prepare ? VDF_LikePipe | VDF_SnapshotPrepare : VDF_LikePipe,
        .actions = {[VDC_PrepareToFreeze] = backup && !chosen.no_prepare ? prepare : NULL,
                    [VDC_Snapshot] = backup ? take_snapshot : NULL,
                    [VDC_MountSnapshot] = backup ? NULL : mount_snapshot},
        .transfer = transfer,
    };
    struct progress progress = {0};
    struct session session;

    session_init(&session, operation, &snapshot, &progress);
    session_run(&session);
}

/* Adds SNAPSHOT to the options of the statement, which live as long as the client. */
static void ask_for_snapshot(struct client_options *options)
{
    static char with[512];

    snprintf(with, sizeof with, "SNAPSHOT%s%s", options->with ? ", " : "",
             options->with ? options->with : "");
    options->with = with;
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    int status;

    chosen.data_file = client_take_option(&argc, argv, "--data-file");
    chosen.refuse = client_take_flag(&argc, argv, "--refuse");
    chosen.no_prepare = client_take_flag(&argc, argv, "--no-prepare");
    status = client_parse(argc, argv, &options);
    if (!status && (!chosen.data_file || options.devices != 1)) {
        fprintf(stderr, "%s: expected --data-file FILE and one device (VDI-SNAP-004)\n", options.program);
        status = CLIENT_USAGE;
    }
    if (status) {
        return status;
    }
    ask_for_snapshot(&options);
    return client_run(&options, work);
}
