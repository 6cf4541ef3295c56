/* See recorded_calls.h. */
#include "recorded_calls.h"

#include "call_events.h"
#include "sim.h"
#include "trace_out.h"

static struct call_events events;
static uint32_t server_number;

void recorded_begin(uint32_t server_process)
{
    static const struct event_sink sink = {.take = trace_out_add, .now = sim_time};
    server_number = server_process;
    if (trace_out_is_wanted()) {
        trace_out_begin();
        call_events_start(&events, &sink);
    }
}

/* Behind the processes' numbers, as those of the first threads of processes are theirs. */
static uint32_t thread_number(void)
{
    return SIM_PROCESSES_MAX + 1 + sim_self();
}

static void begin(enum vdi_function function, const struct recorded_client *client, struct made_call *call)
{
    if (trace_out_is_wanted()) {
        call->function = function;
        call->process = client->index;
        call->process_number = client->process;
        call->thread_number = thread_number();
        call_events_begin(&events, call);
    }
}

static int end(struct made_call *call, int result)
{
    if (trace_out_is_wanted()) {
        call_events_end(&events, call, result);
    }
    return result;
}

int recorded_create(const struct recorded_client *client, const char *name, const struct VDConfig *config)
{
    struct made_call call = {.name = name, .config = config};
    begin(VDI_FN_CREATE, client, &call);
    return end(&call, client_set_create(client->set, name, config));
}

int recorded_open_in_secondary(const struct recorded_client *client, const char *name)
{
    struct made_call call = {.name = name};
    begin(VDI_FN_OPEN_IN_SECONDARY, client, &call);
    return end(&call, client_set_open_in_secondary(client->set, name));
}

int recorded_get_configuration(const struct recorded_client *client, int64_t timeout, struct VDConfig *config)
{
    struct made_call call = {.timeout = timeout, .config = config};
    begin(VDI_FN_GET_CONFIGURATION, client, &call);
    return end(&call, client_set_get_configuration(client->set, timeout, config));
}

int recorded_open_device(const struct recorded_client *client, uint32_t device, uint32_t index,
                         const char *name, struct client_device **opened)
{
    struct made_call call = {.name = name, .device = device, .index = (int32_t)index};
    begin(VDI_FN_OPEN_DEVICE, client, &call);
    return end(&call, client_set_open_device(client->set, name, opened));
}

int recorded_get_command(const struct recorded_client *client, struct client_device *of, uint32_t device,
                         int64_t timeout, struct VDC_Command **block)
{
    struct made_call call = {.device = device, .timeout = timeout};
    begin(VDI_FN_GET_COMMAND, client, &call);
    int result = client_device_get_command(of, timeout, block);
    call.block = *block;
    return end(&call, result);
}

int recorded_complete_command(const struct recorded_client *client, struct client_device *of, uint32_t device,
                              struct VDC_Command *block, int32_t code, uint64_t bytes, int64_t position)
{
    struct made_call call = {
        .device = device, .block = block, .completion = code, .bytes = bytes, .position = position};
    begin(VDI_FN_COMPLETE_COMMAND, client, &call);
    return end(&call, client_device_complete_command(of, block, code, bytes, position));
}

int recorded_get_buffer_handle(const struct recorded_client *client, const uint8_t *buffer, uint32_t *handle)
{
    struct made_call call = {.buffer = buffer};
    begin(VDI_FN_GET_BUFFER_HANDLE, client, &call);
    int result = client_set_get_buffer_handle(client->set, buffer, handle);
    call.handle = *handle;
    return end(&call, result);
}

int recorded_map_buffer_handle(const struct recorded_client *client, uint32_t handle, uint8_t **buffer)
{
    struct made_call call = {.handle = handle};
    begin(VDI_FN_MAP_BUFFER_HANDLE, client, &call);
    int result = client_set_map_buffer_handle(client->set, handle, buffer);
    call.buffer = *buffer;
    return end(&call, result);
}

int recorded_signal_abort(const struct recorded_client *client)
{
    struct made_call call = {.device = 0};
    begin(VDI_FN_SIGNAL_ABORT, client, &call);
    return end(&call, client_set_signal_abort(client->set));
}

int recorded_close(const struct recorded_client *client)
{
    struct made_call call = {.device = 0};
    begin(VDI_FN_CLOSE, client, &call);
    return end(&call, client_set_close(client->set));
}

int recorded_server_open(struct server_set *set, const char *name, uint32_t devices)
{
    int result = server_set_open(set, name);
    if (trace_out_is_wanted() && result == 0) {
        call_events_attach(&events, server_number, thread_number(), name, devices, false);
    }
    return result;
}

int recorded_server_close(struct server_set *set)
{
    if (trace_out_is_wanted()) {
        bool aborted = server_set_abort_reason(set) != SERVER_ABORT_NONE;
        call_events_leave(&events, aborted, !aborted);
    }
    return server_set_close(set);
}
