/* dsl_bringup.c - see dsl_bringup.h. */
#include "dsl_bringup.h"

#include <string.h>

static void configuration(struct run *run, uint16_t function, uint64_t call, const VDConfig *config)
{
    struct event event = {.kind = EVENT_CONFIGURATION,
                          .side = EVENT_SIDE_CLIENT,
                          .function = function,
                          .device = -1,
                          .operation = run->operation,
                          .process = run->process,
                          .thread = MAIN,
                          .set = run->set,
                          .call = call};
    uint32_t words[EVENT_CONFIG_WORDS];

    memcpy(words, config, sizeof words);
    for (unsigned i = 0; i < EVENT_CONFIG_WORDS; i++) {
        event_set_config_word(&event, i, words[i]);
    }
    feed(run, event, NULL);
}

static uint64_t named_call(struct run *run, uint16_t function, const char *name, const int64_t arg[6],
                           int16_t device, int32_t result)
{
    uint64_t call = call_begin(run, MAIN, function, -1, arg, name);

    call_end(run, MAIN, function, device, call, result, NULL);
    return call;
}

uint64_t vdi_create_named(struct run *run, const char *name, uint32_t devices, int32_t result)
{
    return named_call(run, VDI_FN_CREATE, name, (int64_t[6]){devices}, -1, result);
}

uint64_t vdi_create_with(struct run *run, const VDConfig *config, int32_t result)
{
    uint64_t call = call_begin(run, MAIN, VDI_FN_CREATE, -1,
                               (int64_t[6]){config->deviceCount, config->features}, "set-1");

    configuration(run, VDI_FN_CREATE, call, config);
    call_end(run, MAIN, VDI_FN_CREATE, -1, call, result, NULL);
    return call;
}

uint64_t vdi_configure(struct run *run, const VDConfig *config)
{
    uint64_t call = call_begin(run, MAIN, VDI_FN_GET_CONFIGURATION, -1, (int64_t[6]){10000}, NULL);

    configuration(run, VDI_FN_GET_CONFIGURATION, call, config);
    call_end(run, MAIN, VDI_FN_GET_CONFIGURATION, -1, call, 0,
             (int64_t[6]){config->features, config->blockSize, config->maxTransferSize, config->deviceCount});
    return call;
}

uint64_t vdi_wait_configuration(struct run *run, int64_t timeout, int32_t result)
{
    uint64_t call = call_begin(run, MAIN, VDI_FN_GET_CONFIGURATION, -1, (int64_t[6]){timeout}, NULL);

    if (result == VD_E_TIMEOUT) {
        wait_ms(run, (uint64_t)timeout);
    }
    call_end(run, MAIN, VDI_FN_GET_CONFIGURATION, -1, call, result, NULL);
    return call;
}

uint64_t vdi_open_named(struct run *run, const char *name, int16_t device, int32_t result)
{
    return named_call(run, VDI_FN_OPEN_DEVICE, name, NULL, result == 0 ? device : -1, result);
}

uint64_t vdi_open_in_secondary(struct run *run, const char *name, int32_t result)
{
    return named_call(run, VDI_FN_OPEN_IN_SECONDARY, name, NULL, -1, result);
}

void sql_devices(struct run *run, const char *const *names)
{
    int64_t count = 0;

    while (names[count]) {
        count++;
    }
    for (int64_t i = 0; i < count; i++) {
        struct event event = {.kind = EVENT_STATEMENT_DEVICE,
                              .side = EVENT_SIDE_SERVER,
                              .device = -1,
                              .operation = -1,
                              .process = SERVER,
                              .thread = SERVER,
                              .arg = {run->statement, i, count}};

        feed(run, event, names[i]);
    }
}

void child_ends(struct run *run, uint32_t process, int32_t status, int32_t signal)
{
    struct event event = {.kind = EVENT_PROCESS_EXIT,
                          .side = EVENT_SIDE_CLIENT,
                          .device = -1,
                          .operation = -1,
                          .process = process,
                          .arg = {signal ? -1 : status, signal, PROCESS_DESCENDANT}};

    feed(run, event, NULL);
}
