/* server.h - the server side of a virtual device set: what SQL Server's backup engine calls (spec 4).
 *
 * Responsible for: the functions of IServerVirtualDeviceSet2 and IServerVirtualDevice that the simulated
 * server needs, over the shared segment of layout.h. They return 0 (NOERROR) or a VD_E_* code.
 * Not responsible for: what is backed up (sqlserver/engine).
 *
 * Threads: one thread drives a set (the engine's step loop). server_set_signal_abort alone may be called from
 * any thread, at any time between open and close. Nothing blocks but server_set_wait.
 *
 * The peer is never trusted: whatever is read from the segment is copied once, checked, then used; a client
 * that breaks the format gets its set aborted.
 */
#ifndef VDIFAULT_CORE_SERVER_H
#define VDIFAULT_CORE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "os.h"
#include "vdi.h"
#include "vdierror.h"

/* Codes the documents name without a value; ours, server side only (design: X11). */
#define VD_E_IO_ERROR   VD_ERROR(1)
#define VD_E_QUEUE_FULL VD_ERROR(8)

/* Completion codes that the Linux SDK header lacks (spec 5.7). */
#define ERROR_INVALID_HANDLE      6L
#define ERROR_END_OF_MEDIA        1100L
#define ERROR_FILEMARK_DETECTED   1101L
#define ERROR_NO_DATA_DETECTED    1104L
#define ERROR_IO_DEVICE           1117L
#define ERROR_EOM_OVERFLOW        1129L
#define ERROR_NO_SYSTEM_RESOURCES 1450L

enum {
    SERVER_COMMANDS_PER_DEVICE = 16, /* outstanding at once; the next SendCommand is VD_E_QUEUE_FULL */
    SERVER_DEVICES_MAX = 64,
};

struct server_set;
struct server_device;

/* Called by server_set_run_completions for each completed command; the command is the engine's own memory and
 * may be sent again from inside the callback. Set it with server_command_init. */
typedef void server_completion(struct VDS_Command *command);

void server_command_init(struct VDS_Command *command, server_completion *routine, void *context);

/* Open: attaches to the set a client has created. VD_E_INVALID: there is no such set (yet), or it is not one.
 */
int server_set_open(const char *name, struct server_set **set);

/* What the client passed to Create. */
int server_set_get_configuration(struct server_set *set, struct VDConfig *config);

/* Parameters in header order (X9). VD_E_INVALID: a value outside spec section 7. */
int server_set_begin_configuration(struct server_set *set, uint32_t features, uint32_t block_size,
                                   uint32_t alignment, uint32_t max_transfer_size, uint32_t timeout);
/* Asks for `count` buffers of `size` data bytes; summed up until EndConfiguration allocates them. */
int server_set_request_buffers(struct server_set *set, uint32_t size, uint32_t alignment, uint32_t count);
/* Allocates the buffer area and releases the client's GetConfiguration. VD_E_MEMORY: does not fit. */
int server_set_end_configuration(struct server_set *set);

/* The next unopened device, in order: the i-th call gives device i, which the client opens under `name`.
 * VD_E_OPEN when all are open. VD_E_INVALID: the name is empty, too long, or already another device's.
 * All names must be given before EndConfiguration with server_set_name_device, so that the client can open
 * them at once; see there. */
int server_set_open_device(struct server_set *set, struct server_device **device);
/* Names device `index` (VIRTUAL_DEVICE clause order); allowed from Open to EndConfiguration. */
int server_set_name_device(struct server_set *set, uint32_t index, const char *name);

int server_set_allocate_buffer(struct server_set *set, uint8_t **buffer, uint32_t size, uint32_t alignment);
int server_set_free_buffer(struct server_set *set, uint8_t *buffer, uint32_t size);

int server_set_signal_abort(struct server_set *set);

/* Close: VD_E_PROTOCOL (and an abort) if a device is still open (X5); everything is released in any case. */
int server_set_close(struct server_set *set);

int server_device_send_command(struct server_device *device, struct VDS_Command *command);
int server_device_close(struct server_device *device);
bool server_device_client_opened(const struct server_device *device);

/* The completion agent, one round of it: calls back for every command the client has completed and, after an
 * abort, with ERROR_OPERATION_ABORTED for each outstanding one. Notices a dead client and aborts. Returns the
 * number of callbacks; *state tells how the set stands. */
enum server_set_state {
    SERVER_SET_LIVE,
    SERVER_SET_ABORTED
};
uint32_t server_set_run_completions(struct server_set *set, enum server_set_state *state);

/* Sleeps until the client did something (completed, opened, aborted, closed, died) since the last
 * server_set_run_completions, or `deadline` (VD_E_TIMEOUT). Slices of 250 ms inside check that it lives. */
int server_set_wait(struct server_set *set, int64_t deadline);

/* Why the set is aborted, for messages. */
enum server_abort_reason {
    SERVER_ABORT_NONE,
    SERVER_ABORT_CLIENT,      /* the client called SignalAbort, or Close with open devices */
    SERVER_ABORT_SERVER,      /* server_set_signal_abort */
    SERVER_ABORT_CLIENT_DIED, /* its process is gone */
    SERVER_ABORT_CORRUPT,     /* it broke the shared format */
    SERVER_ABORT_SERVER_DIED, /* seen by the client only */
};
enum server_abort_reason server_set_abort_reason(const struct server_set *set);
bool server_set_client_closed(const struct server_set *set); /* the client called Close */

#endif
