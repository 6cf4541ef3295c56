/* recorded_calls.h - the core's functions, recorded as events (call_events.h) where somebody asks for a trace
 * (trace_out.h). They take and give what the core's do. For fibers of the simulation.
 */
#ifndef VDIFAULT_FUZZ_RECORDED_CALLS_H
#define VDIFAULT_FUZZ_RECORDED_CALLS_H

#include "client.h"
#include "server.h"

/* Who calls. */
struct recorded_client {
    struct client_set *set;
    uint32_t index;   /* of its process among the clients', from 0 */
    uint32_t process; /* as events number it, and no other's */
};

void recorded_begin(uint32_t server_process); /* an input; the process as events number it */

int recorded_create(const struct recorded_client *client, const char *name, const struct VDConfig *config);
int recorded_open_in_secondary(const struct recorded_client *client, const char *name);
int recorded_get_configuration(const struct recorded_client *client, int64_t timeout,
                               struct VDConfig *config);
/* `device`: by which number its later calls name it, below CALL_EVENTS_DEVICES; `index`: which of the set's it is. */
int recorded_open_device(const struct recorded_client *client, uint32_t device, uint32_t index,
                         const char *name, struct client_device **opened);
int recorded_get_command(const struct recorded_client *client, struct client_device *of, uint32_t device,
                         int64_t timeout, struct VDC_Command **block);
int recorded_complete_command(const struct recorded_client *client, struct client_device *of, uint32_t device,
                              struct VDC_Command *block, int32_t code, uint64_t bytes, int64_t position);
int recorded_get_buffer_handle(const struct recorded_client *client, const uint8_t *buffer, uint32_t *handle);
int recorded_map_buffer_handle(const struct recorded_client *client, uint32_t handle, uint8_t **buffer);
int recorded_signal_abort(const struct recorded_client *client);
int recorded_close(const struct recorded_client *client);

int recorded_server_open(struct server_set *set, const char *name, uint32_t devices);
int recorded_server_close(struct server_set *set);

#endif
