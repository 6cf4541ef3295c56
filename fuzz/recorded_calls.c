/* See schedule_events.h. */
#include "schedule_events.h"

#include "call_events.h"
#include "sim.h"
#include "trace_out.h"

static struct call_events events;
static uint32_t client, server; /* processes */

void schedule_events_begin(uint32_t client_process, uint32_t server_process)
{
    static const struct event_sink sink = {.take = trace_out_add, .now = sim_time};
    client = client_process;
    server = server_process;
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

static void begin(enum vdi_function function, struct made_call *call)
{
    if (trace_out_is_wanted()) {
        call->function = function;
        call->process_number = client;
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

int schedule_create(struct client_set *set, const char *name, struct VDConfig *config)
{
    struct made_call call = {.name = name, .config = config};
    begin(VDI_FN_CREATE, &call);
    return end(&call, client_set_create(set, name, config));
}

int schedule_get_configuration(struct client_set *set, int64_t timeout, struct VDConfig *config)
{
    struct made_call call = {.timeout = timeout, .config = config};
    begin(VDI_FN_GET_CONFIGURATION, &call);
    return end(&call, client_set_get_configuration(set, timeout, config));
}

int schedule_open_device(struct client_set *set, uint32_t device, const char *name,
                         struct client_device **opened)
{
    struct made_call call = {.name = name, .device = device, .index = (int32_t)device};
    begin(VDI_FN_OPEN_DEVICE, &call);
    return end(&call, client_set_open_device(set, name, opened));
}

int schedule_get_command(struct client_device *of, uint32_t device, int64_t timeout,
                         struct VDC_Command **block)
{
    struct made_call call = {.device = device, .timeout = timeout};
    begin(VDI_FN_GET_COMMAND, &call);
    int result = client_device_get_command(of, timeout, block);
    call.block = *block;
    return end(&call, result);
}

int schedule_complete_command(struct client_device *of, uint32_t device, struct VDC_Command *block,
                              int32_t code, uint64_t bytes, int64_t position)
{
    struct made_call call = {
        .device = device, .block = block, .completion = code, .bytes = bytes, .position = position};
    begin(VDI_FN_COMPLETE_COMMAND, &call);
    return end(&call, client_device_complete_command(of, block, code, bytes, position));
}

int schedule_client_abort(struct client_set *set)
{
    struct made_call call = {.device = 0};
    begin(VDI_FN_SIGNAL_ABORT, &call);
    return end(&call, client_set_signal_abort(set));
}

int schedule_client_close(struct client_set *set)
{
    struct made_call call = {.device = 0};
    begin(VDI_FN_CLOSE, &call);
    return end(&call, client_set_close(set));
}

int schedule_server_open(struct server_set *set, const char *name, uint32_t devices)
{
    int result = server_set_open(set, name);
    if (trace_out_is_wanted() && result == 0) {
        call_events_attach(&events, server, thread_number(), name, devices, false);
    }
    return result;
}

int schedule_server_close(struct server_set *set)
{
    if (trace_out_is_wanted()) {
        bool aborted = server_set_abort_reason(set) != SERVER_ABORT_NONE;
        call_events_leave(&events, aborted, !aborted);
    }
    return server_set_close(set);
}
