/* server.h - the server side of a virtual device set: what SQL Server's backup engine calls (spec 4).
 *
 * Responsible for: the functions of IServerVirtualDeviceSet2 and IServerVirtualDevice over the shared segment
 * of layout.h, with the results of spec 2.4 (design 5: abort outranks state, state outranks arguments), and
 * the device's IO-ERROR state (spec 2.2). They return 0 (NOERROR) or a VD_E_* code.
 * Not responsible for: what is backed up (sqlserver/engine).
 *
 * Threads: the functions of the set may be called from any thread, SignalAbort and Close included, as long as
 * the object lives. SendCommand may be called from any thread, too, and waits while another one is in it for the same
 * device; CloseDevice is for when nobody is in SendCommand, and Close for when nobody is in either. Completions are
 * delivered by whichever thread runs the completion agent, or a round of it: one at a time (a round beside the agent
 * delivers nothing), and any function but Close may be called from inside. Nothing else blocks but server_set_wait, the
 * agent, and Close while an agent has to come out.
 *
 * Ownership: devices are part of their set object; after Close their functions give VD_E_PROTOCOL. Buffers
 * are the set's mapping and go with Close.
 *
 * The peer is never trusted: whatever is read from the segment is copied once, checked, then used; a client
 * that breaks the format gets its set aborted.
 */
#ifndef VDIFAULT_CORE_SERVER_H
#define VDIFAULT_CORE_SERVER_H

#include <stdbool.h>
#include <stdint.h>

#include "codes.h"
#include "os.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    SERVER_COMMANDS_PER_DEVICE = 16, /* outstanding at once; the next SendCommand is VD_E_QUEUE_FULL */
    SERVER_DEVICES_MAX = 64,
    SERVER_AREAS_MAX = 16, /* EndConfiguration makes one buffer area, each later RequestBuffers another */
};

struct server_set;
struct server_device;

/* Called by server_set_run_completions for each completed command; the command is the engine's own memory and
 * may be sent again from inside the callback. Set it with server_command_init. */
typedef void server_completion(struct VDS_Command *command);

void server_command_init(struct VDS_Command *command, server_completion *routine, void *context);

struct server_set *server_set_new(void);      /* Does Not Exist; NULL: no memory */
void server_set_free(struct server_set *set); /* closes if need be */

/* Whether a client has created a set of this name that no server has opened yet. The set learns nothing of it. */
bool server_set_is_created(const char *name);
/* Open: attaches to the set a client has created. VD_E_INVALID: there is no such set (yet), or it is not one.
 */
int server_set_open(struct server_set *set, const char *name);

/* What the client passed to Create; from EndConfiguration on, what was settled. */
int server_set_get_configuration(struct server_set *set, struct VDConfig *config);

/* Parameters in header order (X9). VD_E_INVALID: a value outside spec section 7. */
int server_set_begin_configuration(struct server_set *set, uint32_t features, uint32_t block_size,
                                   uint32_t alignment, uint32_t max_transfer_size, uint32_t timeout);
/* Names device `index` (order of the VIRTUAL_DEVICE clauses), between Open and EndConfiguration: the client
 * opens devices by these names at once. Ours: the documents do not say how names travel. */
int server_set_name_device(struct server_set *set, uint32_t index, const char *name);
/* Asks for `count` buffers of `size` data bytes, aligned to `alignment` (0: the set's). Before
 * EndConfiguration requests are summed up and allocated there; afterwards each is a new area at once
 * (VD_E_MEMORY: no room for it). */
int server_set_request_buffers(struct server_set *set, uint32_t size, uint32_t alignment, uint32_t count);
/* How many buffers of this shape AllocateBuffer could give now; before EndConfiguration, will be able to. */
int server_set_query_available_buffers(struct server_set *set, uint32_t size, uint32_t alignment,
                                       uint32_t *count);
/* Allocates the buffer area and releases the client's GetConfiguration. VD_E_MEMORY: does not fit; the set
 * stays Configurable without buffer space and the request may be lowered. VD_E_INVALID: a device has no name.
 */
int server_set_end_configuration(struct server_set *set);

/* The next unopened device, in order: the i-th call gives device i. VD_E_OPEN when all are open. */
int server_set_open_device(struct server_set *set, struct server_device **device);

int server_set_allocate_buffer(struct server_set *set, uint8_t **buffer, uint32_t size, uint32_t alignment);
int server_set_free_buffer(struct server_set *set, uint8_t *buffer, uint32_t size);
/* 1 (TRUE) if the address lies in a shared buffer of this set, else 0 (X14): no result code. */
int server_set_is_shared_buffer(struct server_set *set, const uint8_t *address);

int server_set_signal_abort(struct server_set *set);

/* Close: VD_E_PROTOCOL (and an abort) if a device is still open (X5); everything is released in any case,
 * outstanding commands are first called back with ERROR_OPERATION_ABORTED. Not from inside a callback. */
int server_set_close(struct server_set *set);

/* Queues the command, or refuses it: then its callback has already run, on this thread, with the code of
 * spec 4 (QUEUE_FULL, IO_ERROR, PROTOCOL, ABORT). In IO-ERROR only ClearError is taken (spec 2.2). */
int server_device_send_command(struct server_device *device, struct VDS_Command *command);
int server_device_close(struct server_device *device);
bool server_device_client_opened(const struct server_device *device);
/* A completion carried an error (code_is_io_error) and no ClearError has succeeded since. */
bool server_device_has_io_error(const struct server_device *device);
/* ExecuteCompletionAgent: the loop that calls back for completed commands. Runs on the caller's thread until
 * every device is closed (0) or the set is aborted or closed (VD_E_ABORT), when nothing is outstanding. */
int server_set_execute_completion_agent(struct server_set *set);

/* One round of the agent, for a server that steps: calls back for every command the client has completed and,
 * after an abort, with ERROR_OPERATION_ABORTED for each outstanding one. Notices a dead client and a client
 * that exceeds serverTimeOut (spec 7), and aborts, at the end of the round: the next one calls back for that. Returns
 * the number of callbacks; *state tells as what the round took the set. */
enum server_set_state {
    SERVER_SET_LIVE,
    SERVER_SET_ABORTED
};
uint32_t server_set_run_completions(struct server_set *set, enum server_set_state *state);

/* Sleeps until the client did something (completed, opened, aborted, closed, died) or exceeded serverTimeOut
 * since the last server_set_run_completions, or `deadline` (VD_E_TIMEOUT). Slices of 250 ms inside check that
 * it lives. */
int server_set_wait(struct server_set *set, int64_t deadline);

/* Why the set is aborted, for messages. */
enum server_abort_reason {
    SERVER_ABORT_NONE,
    SERVER_ABORT_CLIENT,      /* the client called SignalAbort, or Close with open devices */
    SERVER_ABORT_SERVER,      /* server_set_signal_abort */
    SERVER_ABORT_CLIENT_DIED, /* its process is gone */
    SERVER_ABORT_CORRUPT,     /* it broke the shared format */
    SERVER_ABORT_SERVER_DIED, /* seen by the client only */
    SERVER_ABORT_TIMEOUT,     /* serverTimeOut: two intervals without any completion */
};
enum server_abort_reason server_set_abort_reason(struct server_set *set);
bool server_set_client_closed(struct server_set *set); /* the client called Close */

#endif
