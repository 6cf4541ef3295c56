/* The life of a set as the server sees it (spec 2.4, 4, 9). */
#include <assert.h>
#include <errno.h>
#include <stdlib.h>

#include "server_internal.h"

struct server_set *server_set_new(void)
{
    struct server_set *set = calloc(1, sizeof *set);
    if (set != NULL) {
        gate_close(&set->gate);
    }
    return set;
}

void server_set_free(struct server_set *set)
{
    if (set != NULL) {
        server_set_close(set);
        free(set);
    }
}

/* --- what every call checks first: abort, then state (design 5) --- */

bool server_enter_any(struct server_set *set)
{
    if (!gate_enter(&set->gate)) {
        return false;
    }
    lock_take(&set->lock);
    return true;
}

int server_enter(struct server_set *set, enum shared_phase first, enum shared_phase last)
{
    if (!server_enter_any(set)) {
        return VD_E_PROTOCOL;
    }
    int result = 0;
    uint32_t phase = atomic_load(&set->phase);
    if (segment_is_aborted(&set->segment)) {
        result = VD_E_ABORT;
    } else if (phase < (uint32_t)first || phase > (uint32_t)last) {
        result = VD_E_PROTOCOL;
    }
    if (result != 0) {
        server_leave(set);
    }
    return result;
}

void server_leave(struct server_set *set)
{
    lock_give(&set->lock);
    gate_leave(&set->gate);
}

bool server_is_terminated(const struct server_set *set)
{
    return atomic_load(&set->phase) == PHASE_INITIALIZED &&
           atomic_load(&set->devices_closed) == set->segment.device_count;
}

uint32_t server_outstanding(struct server_set *set)
{
    uint32_t outstanding = 0;
    for (uint32_t i = 0; i < atomic_load(&set->devices_opened); i++) {
        outstanding += (uint32_t)__builtin_popcount(atomic_load(&set->devices[i].sender.outstanding));
    }
    return outstanding;
}

/* --- Open --- */

bool server_set_is_created(const char *name)
{
    struct segment segment = {0};
    if (name == NULL || segment_open(name, &segment) != 0) {
        return false;
    }
    bool created = shared_acquire(&segment.header->phase) == PHASE_CREATED;
    segment_detach(&segment);
    return created;
}

/* A set is served once: of two servers the slower one does not get it. Claiming and saying who we are is one
 * step, so that a client never waits for a server that died in between. */
static bool claim(struct shared_header *header)
{
    struct os_process self = os_process_self();
    if (shared_acquire(&header->phase) != PHASE_CREATED ||
        !shared_change64(&header->server.number, 0, segment_process_number(&self))) {
        return false;
    }
    shared_write(&header->server.start_time, self.start_time);
    shared_release(&header->phase, PHASE_CONNECTED);
    return true;
}

static void begin_life(struct server_set *set)
{
    segment_read_config(set->segment.header->client_config, &set->client_config);
    set->client_config.deviceCount = set->segment.device_count; /* the checked one */
    set->config = set->client_config;
    atomic_store(&set->phase, PHASE_CONNECTED);
    atomic_store(&set->devices_opened, 0);
    atomic_store(&set->devices_closed, 0);
    for (uint32_t i = 0; i < SHARED_DEVICES_MAX; i++) {
        set->names[i][0] = '\0';
    }
    gate_open(&set->gate);
}

int server_set_open(struct server_set *set, const char *name)
{
    int result = VD_E_PROTOCOL;
    lock_take(&set->lock);
    if (set->segment.header == NULL) {
        result = VD_E_INVALID;
        if (name != NULL && segment_open(name, &set->segment) == 0) {
            if (claim(set->segment.header)) {
                begin_life(set);
                result = 0;
            } else {
                segment_detach(&set->segment);
            }
        }
    }
    lock_give(&set->lock);
    return result;
}

/* --- end --- */

int server_set_signal_abort(struct server_set *set)
{
    if (!gate_enter(&set->gate)) {
        return VD_E_PROTOCOL;
    }
    segment_abort(&set->segment, SERVER_ABORT_SERVER);
    gate_leave(&set->gate);
    return 0;
}

/* Nobody is inside any more. */
static void release(struct server_set *set)
{
    shared_release(&set->segment.header->server_closed, 1u);
    segment_wake_all(&set->segment);
    for (uint32_t i = 0; i < atomic_load(&set->devices_opened); i++) {
        server_device_deliver_aborted(&set->devices[i]);
        atomic_store(&set->devices[i].state, SERVER_DEVICE_UNOPENED);
    }
    segment_unlink(&set->segment); /* the set is over; whoever ends it first takes its names away */
    server_buffers_release(set);
    segment_detach(&set->segment);
}

int server_set_close(struct server_set *set)
{
    lock_take(&set->lock);
    if (set->segment.header == NULL || gate_is_closed(&set->gate)) {
        lock_give(&set->lock);
        return VD_E_PROTOCOL;
    }
    /* A client must not be left waiting for a server that is gone: devices that are open (X5), devices that
     * never were, commands under way, and a client that has not mapped the buffers yet, end the set by an
     * abort. */
    bool aborted = segment_is_aborted(&set->segment);
    bool open = atomic_load(&set->devices_opened) > atomic_load(&set->devices_closed);
    int result = open && !aborted ? VD_E_PROTOCOL : 0;
    bool served = server_is_terminated(set) && server_outstanding(set) == 0 &&
                  shared_acquire(&set->segment.header->configured) != 0;
    if (!aborted && !served) {
        segment_abort(&set->segment, SERVER_ABORT_SERVER);
    }
    gate_close(&set->gate);
    lock_give(&set->lock);
    event_notify(&set->segment.header->server_event); /* the agent sees the gate closed */
    gate_drain(&set->gate);
    lock_take(&set->lock);
    release(set);
    lock_give(&set->lock);
    return result;
}
