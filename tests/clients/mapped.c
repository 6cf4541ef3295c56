/* mapped.c - a correct client whose I/O is done by other processes, one a device (spec 3.11, 8).
 *
 * The process that fetches the commands opens no file: of each Write or Read it passes the buffer's handle on to a
 * worker, which maps it and moves the data; then it completes the command itself (VDI-BUF-008). The worker leaves
 * the buffer alone once it has answered (VDI-BUF-009).
 */

#include "client_family.h"

/* What the worker is asked: a Write, a Read or a Flush. */
struct request {
    int32_t command;
    uint32_t handle;
    uint32_t size;
};

struct reply {
    int32_t code;
    uint32_t done;
};

/* ---- the process that fetches the commands ---- */

/* Has the worker do it. Its death is no reason to leave the command open. */
static int ask(struct session_device *device, const struct request *request, struct session_answer *answer)
{
    const struct family *family = device->session->own;
    int socket = family->members[device->index].socket;
    struct reply reply;

    if (!family_send(socket, request, sizeof *request) || !family_receive(socket, &reply, sizeof reply)) {
        return request->command == VDC_Read ? CLIENT_ERROR_READ_FAULT : CLIENT_ERROR_WRITE_FAULT;
    }
    answer->done = reply.done;
    return reply.code;
}

static int move(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    struct request request = {.command = command->commandCode, .size = (uint32_t)command->size};
    int result = vdi_set_get_buffer_handle(&device->session->set, command->buffer, &request.handle);

    if (result) {
        session_give_up(device->session, "GetBufferHandle", result);
        return SESSION_GIVEN_UP;
    }
    return ask(device, &request, answer);
}

static int flush(struct session_device *device, const VDC_Command *command, struct session_answer *answer)
{
    const struct request request = {.command = command->commandCode};

    return ask(device, &request, answer);
}

/* Every worker has the set open. */
static bool workers_are_ready(struct session *session, const struct family *family)
{
    for (int i = 0; i < family->count; i++) {
        struct reply ready;

        if (!family_receive(family->members[i].socket, &ready, sizeof ready)) {
            operation_fail(session->operation, "process %d of the client is not there", i + 1);
            vdi_set_signal_abort(&session->set);
            return false;
        }
    }
    return true;
}

static bool transfer_with_workers(struct session *session)
{
    struct family *family = session->own;
    bool served;

    if (!session_configure(session)) {
        return false;
    }
    served = family_start(family, session, session->count) && workers_are_ready(session, family) &&
             session_open_devices(session);
    if (served) {
        session_serve_devices(session);
    }
    family_end(family);
    return served;
}

static void work(struct operation *operation)
{
    static const struct session_kind mapping = {
        .features = VDF_LikePipe,
        .actions = {[VDC_Write] = move, [VDC_Read] = move, [VDC_Flush] = flush},
        .transfer = transfer_with_workers,
    };
    struct family family = {0};
    struct session session;

    session_init(&session, operation, &mapping, &family);
    session_run(&session);
}

/* ---- a worker ---- */

static struct family_role role;

static struct reply move_mapped(struct session *session, FILE *file, const struct request *request)
{
    struct reply reply = {0};
    uint8_t *buffer = NULL;
    size_t done = 0;
    int result = vdi_set_map_buffer_handle(&session->set, (int)request->handle, &buffer);

    if (result) {
        operation_fail(session->operation, "MapBufferHandle returned %s", client_result_name(result));
        reply.code = CLIENT_ERROR_WRITE_FAULT;
        return reply;
    }
    reply.code = request->command == VDC_Write ? store_write(file, buffer, request->size, &done)
                                               : store_read(file, buffer, request->size, &done);
    reply.done = (uint32_t)done;
    return reply;
}

/* Until the other side has no more to ask, or is gone. */
static void serve_requests(struct session *session, FILE *file)
{
    struct reply reply = {0}; /* the first says that we are here */
    struct request request;

    while (family_send(role.socket, &reply, sizeof reply) &&
           family_receive(role.socket, &request, sizeof request)) {
        if (request.command == VDC_Flush) {
            reply = (struct reply){.code = store_sync(file)};
        } else {
            reply = move_mapped(session, file, &request);
        }
    }
}

static void work_as_worker(struct operation *operation)
{
    static const struct session_kind worker = {.suffix = ".bak"};
    struct session session;

    session_init(&session, operation, &worker, NULL);
    session_take_devices(&session, role.number - 1, CLIENT_DEVICES_MAX);
    if (session_open_files(&session)) {
        vdi_set_init(&session.set);
        if (session_open_in_secondary(&session)) {
            serve_requests(&session, session.devices[0].file);
            session_close(&session);
        }
        vdi_set_destroy(&session.set);
    }
    session_close_files(&session);
}

int main(int argc, char **argv)
{
    struct client_options options = {0};
    int status;

    role = family_take_role(&argc, argv);
    status = client_parse(argc, argv, &options);
    if (status) {
        return status;
    }
    return role.number ? family_run_member(&options, &role, false, work_as_worker)
                       : client_run(&options, work);
}
