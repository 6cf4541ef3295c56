/* GetConfiguration, and how the client waits for the server (spec 3.4, 9.6). */
#include <errno.h>

#include "client_internal.h"

/* --- waiting --- */

int64_t client_deadline(const struct client_set *set, int64_t timeout)
{
    const int64_t unit = set->dialect.other[DIALECT_TIMEOUT_UNIT] ? 1000000000 : 1000000;
    if (timeout < 0) {
        return OS_FOREVER;
    }
    int64_t now = os_now();
    return timeout > (OS_FOREVER - now) / unit ? OS_FOREVER : now + timeout * unit;
}

static bool server_is_dead(struct client_set *set)
{
    struct os_process server = segment_process(&set->segment.header->server);
    return server.pid != 0 && !os_process_alive(&server);
}

/* A client that only polls must learn of a dead server, too; but not by reading /proc at every poll. */
static bool poll_finds_server_dead(struct client_set *set, int64_t now)
{
    int64_t last = atomic_load(&set->peer_checked_ns);
    return now - last >= SEGMENT_PEER_CHECK_NS &&
           atomic_compare_exchange_strong(&set->peer_checked_ns, &last, now) && server_is_dead(set);
}

int client_wait(struct client_set *set, struct shared_event *event, uint32_t seen, int64_t deadline,
                bool *server_dead)
{
    int64_t now = os_now();
    if (now >= deadline) {
        *server_dead = poll_finds_server_dead(set, now);
        return *server_dead ? 0 : ETIMEDOUT;
    }
    int64_t slice = now + SEGMENT_PEER_CHECK_NS;
    if (event_wait(event, seen, slice < deadline ? slice : deadline) == ETIMEDOUT) {
        *server_dead = server_is_dead(set);
    }
    return 0;
}

/* --- GetConfiguration --- */

/* What the server may not settle: how many devices there are, and how much of each buffer is the client's, which
 * it may touch without asking. */
void client_keep_own_terms(struct client_set *set)
{
    set->config.deviceCount = set->segment.device_count;
    set->config.prefixZoneSize = set->prefix_zone;
}

/* Once per life of the set, whichever thread comes first. */
static int finish_configuration(struct client_set *set)
{
    int result = 0;
    lock_take(&set->lock);
    if (!atomic_load(&set->configured)) {
        segment_read_config(set->segment.header->server_config, &set->config);
        client_keep_own_terms(set);
        result = client_map_areas(set);
        if (result == 0) {
            atomic_store(&set->configured, true);
            atomic_store(&set->process,
                         os_process_self().pid); /* a child that goes on with it: its own now */
            shared_release(&set->segment.header->configured, 1u);
        }
    }
    lock_give(&set->lock);
    return result;
}

static int wait_for_configuration(struct client_set *set, int64_t timeout)
{
    struct shared_header *header = set->segment.header;
    int64_t deadline = client_deadline(set, timeout);
    bool server_dead = false;
    for (;;) {
        uint32_t seen = event_sequence(&header->client_event);
        if (segment_is_aborted(&set->segment)) {
            return VD_E_ABORT;
        }
        if (gate_is_closed(&set->gate)) {
            return VD_E_PROTOCOL; /* Close ran meanwhile */
        }
        if (atomic_load(&set->configured)) {
            return 0;
        }
        if (shared_acquire(&header->phase) == PHASE_INITIALIZED) {
            return finish_configuration(set);
        }
        if (server_dead) {
            segment_abort(&set->segment, SERVER_ABORT_SERVER_DIED);
            continue;
        }
        if (client_wait(set, &header->client_event, seen, deadline, &server_dead) != 0) {
            return VD_E_TIMEOUT;
        }
    }
}

/* What was observed on Linux (spec 3.4): success, although the set is aborted already; a pipe backup's
 * features if the server never came to settle them. */
static int pretend_configuration(struct client_set *set, struct VDConfig *config)
{
    lock_take(&set->lock);
    *config = set->config;
    if (!atomic_load(&set->configured)) {
        config->features |= VDF_WriteMedia;
    }
    lock_give(&set->lock);
    return 0;
}

int client_set_get_configuration(struct client_set *set, int64_t timeout, struct VDConfig *config)
{
    if (!gate_enter(&set->gate)) {
        return VD_E_PROTOCOL;
    }
    int result;
    if (segment_is_aborted(&set->segment)) {
        result = VD_E_ABORT;
    } else if (config == NULL) {
        result = VD_E_INVALID;
    } else {
        result = wait_for_configuration(set, timeout);
    }
    if (result == 0) {
        *config = set->config;
    } else if (result == VD_E_ABORT && config != NULL && set->dialect.other[DIALECT_GETCFG_ABORTED]) {
        result = pretend_configuration(set, config);
    }
    gate_leave(&set->gate);
    return result;
}
