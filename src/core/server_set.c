/* The set as the server sees it: open, configure, abort, close (spec 2.4, 4, 9). */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "server_internal.h"

/* --- open --- */

int server_set_open(const char *name, struct server_set **out)
{
    struct segment segment;
    *out = NULL;
    if (segment_open(name, &segment) != 0) {
        return VD_E_INVALID;
    }
    struct server_set *set = calloc(1, sizeof *set);
    if (set == NULL) {
        segment_detach(&segment);
        return VD_E_MEMORY;
    }
    set->segment = segment;
    struct shared_header *header = segment.header;
    segment_read_config(header->client_config, &set->client_config);
    /* A set is served once: of two servers the slower one does not get it. Claiming and saying who we are is
     * one step, so that a client never waits for a server that died in between. */
    struct os_process self = os_process_self();
    if (shared_acquire(&header->phase) != PHASE_CREATED ||
        !shared_change(&header->server.pid, 0u, self.pid)) {
        segment_detach(&set->segment);
        free(set);
        return VD_E_INVALID;
    }
    shared_write(&header->server.start_time, self.start_time);
    shared_release(&header->phase, PHASE_CONNECTED);
    set->phase = PHASE_CONNECTED;
    set->config = set->client_config;
    *out = set;
    return 0;
}

int server_set_get_configuration(struct server_set *set, struct VDConfig *config)
{
    if (segment_is_aborted(&set->segment)) {
        return VD_E_ABORT;
    }
    *config = set->phase >= PHASE_INITIALIZED ? set->config : set->client_config;
    return 0;
}

/* --- configure --- */

static bool configuration_is_valid(uint32_t block_size, uint32_t alignment, uint32_t max_transfer_size)
{
    return is_power_of_two(block_size) && block_size >= 512 && block_size <= 65536 &&
           is_power_of_two(alignment) && alignment >= block_size && alignment <= 65536 &&
           max_transfer_size >= 65536 && max_transfer_size % 65536 == 0 && max_transfer_size <= 4u << 20;
}

int server_set_begin_configuration(struct server_set *set, uint32_t features, uint32_t block_size,
                                   uint32_t alignment, uint32_t max_transfer_size, uint32_t timeout)
{
    (void)timeout; /* for buffer areas a client declares itself, which no Linux client can (spec 16, 11) */
    if (segment_is_aborted(&set->segment)) {
        return VD_E_ABORT;
    }
    if (set->phase != PHASE_CONNECTED) {
        return VD_E_PROTOCOL;
    }
    alignment = alignment != 0 ? alignment : block_size;
    if (!configuration_is_valid(block_size, alignment, max_transfer_size)) {
        return VD_E_INVALID;
    }
    set->config.features = features;
    set->config.blockSize = block_size;
    set->config.alignment = alignment;
    set->config.maxTransferSize = max_transfer_size;
    set->config.maxIODepth = 4; /* deprecated, always reported so (spec 5.1) */
    set->phase = PHASE_CONFIGURING;
    shared_release(&set->segment.header->phase, PHASE_CONFIGURING);
    return 0;
}

int server_set_name_device(struct server_set *set, uint32_t index, const char *name)
{
    if (set->phase >= PHASE_INITIALIZED) {
        return VD_E_PROTOCOL;
    }
    if (index >= set->segment.device_count || !set_name_is_valid(name)) {
        return VD_E_INVALID;
    }
    for (uint32_t i = 0; i < set->segment.device_count; i++) {
        if (i != index && strcmp(set->names[i], name) == 0) {
            return VD_E_INVALID; /* VDI-SQL-002 */
        }
    }
    strcpy(set->names[index], name);
    return 0;
}

static void publish_names(struct server_set *set)
{
    for (uint32_t i = 0; i < set->segment.device_count; i++) {
        struct shared_device *device = &set->segment.header->devices[i];
        for (size_t j = 0; j < SHARED_NAME_MAX; j++) {
            shared_write(&device->name[j], (uint8_t)set->names[i][j]);
        }
    }
}

int server_set_end_configuration(struct server_set *set)
{
    if (segment_is_aborted(&set->segment)) {
        return VD_E_ABORT;
    }
    if (set->phase != PHASE_CONFIGURING) {
        return VD_E_PROTOCOL;
    }
    for (uint32_t i = 0; i < set->segment.device_count; i++) {
        if (set->names[i][0] == '\0') {
            return VD_E_INVALID;
        }
    }
    int result = server_buffers_allocate_area(set);
    if (result != 0) {
        return result;
    }
    publish_names(set);
    segment_write_config(set->segment.header->server_config, &set->config);
    set->phase = PHASE_INITIALIZED;
    shared_release(&set->segment.header->phase, PHASE_INITIALIZED);
    event_notify(&set->segment.header->client_event);
    return 0;
}

/* --- running --- */

static void check_client(struct server_set *set)
{
    struct shared_header *header = set->segment.header;
    if (shared_acquire(&header->client_closed) != 0) {
        return; /* it has done its part and may be gone */
    }
    struct os_process client = segment_process(&header->client);
    if (!os_process_alive(&client)) {
        segment_abort(&set->segment, SERVER_ABORT_CLIENT_DIED);
    }
}

uint32_t server_set_run_completions(struct server_set *set, enum server_set_state *state)
{
    uint32_t callbacks = 0;
    set->event_seen = event_sequence(&set->segment.header->server_event);
    bool aborted = segment_is_aborted(&set->segment);
    /* After an abort, completions the client still recorded are ignored (spec 4, server SignalAbort). */
    for (uint32_t i = 0; i < set->devices_opened; i++) {
        if (aborted) {
            server_device_abort_outstanding(&set->devices[i], &callbacks);
        } else {
            callbacks += server_device_run_completions(&set->devices[i]);
        }
    }
    *state = aborted ? SERVER_SET_ABORTED : SERVER_SET_LIVE;
    return callbacks;
}

int server_set_wait(struct server_set *set, int64_t deadline)
{
    struct shared_event *event = &set->segment.header->server_event;
    for (;;) {
        if (event_sequence(event) != set->event_seen) {
            return 0;
        }
        int64_t now = os_now();
        if (now >= deadline) {
            return VD_E_TIMEOUT;
        }
        int64_t slice = now + PEER_CHECK_NS;
        if (event_wait(event, set->event_seen, slice < deadline ? slice : deadline) != 0) {
            check_client(set);
        }
    }
}

bool server_set_client_closed(const struct server_set *set)
{
    return shared_acquire(&set->segment.header->client_closed) != 0;
}

enum server_abort_reason server_set_abort_reason(const struct server_set *set)
{
    uint32_t reason = shared_acquire(&set->segment.header->abort_reason);
    return reason <= SERVER_ABORT_SERVER_DIED ? (enum server_abort_reason)reason : SERVER_ABORT_CORRUPT;
}

/* --- end --- */

int server_set_signal_abort(struct server_set *set)
{
    segment_abort(&set->segment, SERVER_ABORT_SERVER);
    return 0;
}

int server_set_close(struct server_set *set)
{
    int result = 0;
    uint32_t callbacks = 0;
    for (uint32_t i = 0; i < set->devices_opened; i++) {
        if (!set->devices[i].closed && !segment_is_aborted(&set->segment)) {
            result = VD_E_PROTOCOL;
        }
    }
    /* A set that was opened but whose devices never were must not leave its client waiting. */
    bool complete = set->devices_opened == set->segment.device_count;
    if (result != 0 || !complete) {
        segment_abort(&set->segment, SERVER_ABORT_SERVER);
    }
    for (uint32_t i = 0; i < set->devices_opened; i++) {
        server_device_abort_outstanding(&set->devices[i], &callbacks);
    }
    shared_release(&set->segment.header->server_closed, 1u);
    segment_wake_all(&set->segment);
    server_buffers_release(set);
    if (segment_is_aborted(&set->segment)) {
        check_client(set);
    }
    struct os_process client = segment_process(&set->segment.header->client);
    if (!os_process_alive(&client)) {
        segment_unlink(&set->segment); /* nobody else is left to do it */
    }
    segment_detach(&set->segment);
    free(set);
    return result;
}
