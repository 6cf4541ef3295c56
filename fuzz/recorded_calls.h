/* schedule_events.h - the calls of schedule_session.h, made on the core and, where somebody asks for a trace
 * (trace_out.h), recorded as events (call_events.h). They take and give what the core's functions do; `device` is which
 * of the session's it is. For its fibers.
 */
#ifndef VDIFAULT_FUZZ_SCHEDULE_EVENTS_H
#define VDIFAULT_FUZZ_SCHEDULE_EVENTS_H

#include "client.h"
#include "server.h"

/* A session begins; processes as the simulation numbers them. */
void schedule_events_begin(uint32_t client_process, uint32_t server_process);

int schedule_create(struct client_set *set, const char *name, struct VDConfig *config);
int schedule_get_configuration(struct client_set *set, int64_t timeout, struct VDConfig *config);
int schedule_open_device(struct client_set *set, uint32_t device, const char *name,
                         struct client_device **opened);
int schedule_get_command(struct client_device *of, uint32_t device, int64_t timeout,
                         struct VDC_Command **block);
int schedule_complete_command(struct client_device *of, uint32_t device, struct VDC_Command *block,
                              int32_t code, uint64_t bytes, int64_t position);
int schedule_client_abort(struct client_set *set);
int schedule_client_close(struct client_set *set);

int schedule_server_open(struct server_set *set, const char *name, uint32_t devices);
int schedule_server_close(struct server_set *set);

#endif
