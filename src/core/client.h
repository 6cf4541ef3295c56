/* client.h - the client side of a virtual device set, behind the ABI of libsqlvdi.so (spec 3).
 *
 * Responsible for: the results of every client function in every state (spec 2.3, design 5): abort outranks
 * state, state outranks arguments. Other readings of what the documents contradict: dialect.h. Results are 0
 * (NOERROR) or a VD_E_* code. Also the client's half of IO-ERROR (spec 2.2): after an error completion commands
 * not yet fetched are completed here with ERROR_IO_DEVICE, and ClearError waits for those that were.
 *
 * Ownership: devices belong to their set and stay valid memory until client_set_free, also after Close; then
 * their calls give VD_E_PROTOCOL. Buffers are the set's mapping and go with Close.
 *
 * fork: the set stays the parent's. In the child Close is VD_E_PROTOCOL and client_set_free only gives memory back;
 * unless the child goes on with a set that was created only, as a daemon does: who configures it ends it.
 *
 * Threads: every function but client_set_free may be called from any thread at any time, Close included: it
 * first makes waiting calls return, then waits until no call is inside, then unmaps. Two threads on one device
 * are a client's mistake (VDI-THR-001) but never corrupt anything.
 *
 * The peer is never trusted: a server that breaks the format gets the set aborted.
 */
#ifndef VDIFAULT_CORE_CLIENT_H
#define VDIFAULT_CORE_CLIENT_H

#include <stdint.h>

#include "vdi.h"
#include "vdierror.h"

struct client_set;
struct client_device;

struct client_set *client_set_new(void);      /* NULL: no memory */
void client_set_free(struct client_set *set); /* closes if need be */

int client_set_create(struct client_set *set, const char *name, const struct VDConfig *config);
int client_set_open_in_secondary(struct client_set *set, const char *name);
/* timeout: milliseconds (X6: unless the dialect says seconds); negative waits for ever, 0 polls. */
int client_set_get_configuration(struct client_set *set, int64_t timeout, struct VDConfig *config);
int client_set_open_device(struct client_set *set, const char *name, struct client_device **device);
/* VD_E_INVALID: not the buffer of a command this process has fetched and not completed (VDI-BUF-006). */
int client_set_get_buffer_handle(struct client_set *set, const uint8_t *buffer, uint32_t *handle);
int client_set_map_buffer_handle(struct client_set *set, uint32_t handle, uint8_t **buffer);
/* Undocumented (spec 3.1); a device's close needs no registering here, so it changes nothing. */
void client_set_register_device_closed(struct client_set *set);
int client_set_signal_abort(struct client_set *set);
int client_set_close(struct client_set *set);

int client_device_get_command(struct client_device *device, int64_t timeout, struct VDC_Command **command);
int client_device_complete_command(struct client_device *device, struct VDC_Command *command, int32_t code,
                                   uint64_t bytes_transferred, int64_t position);
/* The object the application holds for this device; freed with the set unless the application deleted it, as
 * C++ lets it: then the call below says so. */
ClientVirtualDevice *client_device_object(struct client_device *device);
void client_device_object_deleted(struct client_device *device);

#endif
