/* The completion agent: turns the client's completions into callbacks, and notices when none will come
 * (spec 4, 7, 9.6). */
#include "server_internal.h"

/* --- what nobody completes --- */

/* Whether a command is outstanding on a device that no client has open. */
static bool is_deserted(struct server_set *set)
{
    for (uint32_t i = 0; i < atomic_load(&set->devices_opened); i++) {
        struct server_device *device = &set->devices[i];
        if (shared_acquire(&device->sender.outstanding) != 0 &&
            shared_acquire(&device->shared->client_state) != CLIENT_DEVICE_OPEN) {
            return true;
        }
    }
    return false;
}

/* When nothing has happened since `seen`, and all that had was delivered. */
static void check_client(struct server_set *set, uint32_t seen)
{
    struct shared_header *header = set->segment.header;
    struct os_process client = segment_process(&header->client);
    if (shared_acquire(&header->client_closed) == 0) {
        if (!os_process_alive(&client)) {
            segment_abort(&set->segment, SERVER_ABORT_CLIENT_DIED);
        }
    } else if (is_deserted(set) && event_sequence(&header->server_event) == seen) {
        /* The primary has done its part and may be gone, secondaries go on; but what it left undone nobody does,
         * and what it completed before it closed would have raised the sequence. */
        segment_abort(&set->segment, SERVER_ABORT_CLIENT);
    }
}

/* serverTimeOut (spec 7): when the client is late, or OS_FOREVER. "More than two intervals" without any
 * completion while requests are pending. */
static int64_t late_at(struct server_set *set)
{
    if (set->client_config.serverTimeOut == 0 || server_outstanding(set) == 0) {
        return OS_FOREVER;
    }
    return atomic_load(&set->quiet_since) + 2 * (int64_t)set->client_config.serverTimeOut * 1000000;
}

static void check_late(struct server_set *set)
{
    int64_t late = late_at(set);
    if (late != OS_FOREVER && os_now() > late) {
        segment_abort(&set->segment, SERVER_ABORT_TIMEOUT);
    }
}

/* --- rounds --- */

uint32_t server_deliver(struct server_set *set, bool *aborted)
{
    uint32_t callbacks = 0;
    /* Ordered: a SendCommand that this load comes before will see the abort itself (server_device.c). After an
     * abort, completions the client still recorded are ignored (spec 4, server SignalAbort). */
    *aborted = segment_is_aborted(&set->segment);
    for (uint32_t i = 0; i < atomic_load(&set->devices_opened); i++) {
        callbacks += *aborted ? server_device_deliver_aborted(&set->devices[i])
                              : server_device_deliver(&set->devices[i]);
    }
    if (callbacks > 0 && set->client_config.serverTimeOut != 0) {
        atomic_store(&set->quiet_since, os_now());
    } else if (!*aborted) {
        check_late(set);
    }
    return callbacks;
}

/* Completions are one deliverer's: the agent's while it runs, or that of one round. */
static bool begin_delivering(struct server_set *set)
{
    return shared_change(&set->delivering, 0u, 1u);
}

static void end_delivering(struct server_set *set)
{
    shared_exchange(&set->delivering, 0u);
}

uint32_t server_set_run_completions(struct server_set *set, enum server_set_state *state)
{
    bool aborted = true;
    uint32_t callbacks = 0;
    if (gate_enter(&set->gate)) {
        if (begin_delivering(set)) {
            set->event_seen = event_sequence(&set->segment.header->server_event);
            callbacks = server_deliver(set, &aborted);
            end_delivering(set);
        } else {
            aborted = segment_is_aborted(&set->segment);
        }
        gate_leave(&set->gate);
    }
    *state = aborted ? SERVER_SET_ABORTED : SERVER_SET_LIVE;
    return callbacks;
}

/* One slice of sleep at most; true if something has happened since `seen`. */
static bool sleep_slice(struct server_set *set, uint32_t seen, int64_t deadline)
{
    struct shared_event *event = &set->segment.header->server_event;
    int64_t slice = os_now() + SEGMENT_PEER_CHECK_NS;
    int64_t late = late_at(set);
    slice = slice < deadline ? slice : deadline;
    if (event_wait(event, seen, slice < late ? slice : late) != 0) {
        check_client(set, seen);
        check_late(set);
    }
    /* An abort wakes us, unless whoever set it died before it could, or never meant to. */
    return event_sequence(event) != seen || gate_is_closed(&set->gate) || segment_is_aborted(&set->segment);
}

int server_set_wait(struct server_set *set, int64_t deadline)
{
    if (!gate_enter(&set->gate)) {
        return VD_E_PROTOCOL;
    }
    int result = 0;
    _Atomic uint32_t *sequence = &set->segment.header->server_event.sequence;
    bool happened = shared_acquire(sequence) != set->event_seen;
    while (!happened && result == 0) {
        if (deadline != OS_FOREVER && os_now() >= deadline) {
            result = VD_E_TIMEOUT;
        } else {
            happened = event_spin(sequence, set->event_seen) || sleep_slice(set, set->event_seen, deadline);
        }
    }
    gate_leave(&set->gate);
    return result;
}

/* --- ExecuteCompletionAgent --- */

/* If one completion alone can come: the word that changes when it does. */
static _Atomic uint32_t *only_completion(struct server_set *set, uint32_t *last)
{
    _Atomic uint32_t *only = NULL;
    for (uint32_t i = 0; i < atomic_load(&set->devices_opened); i++) {
        struct server_device *device = &set->devices[i];
        uint32_t outstanding = shared_acquire(&device->sender.outstanding);
        if (only != NULL ? outstanding != 0 : (outstanding & (outstanding - 1)) != 0) {
            return NULL;
        }
        if (outstanding != 0) {
            uint32_t slot = (uint32_t)__builtin_ctz(outstanding);
            only = queue_completion(device->shared, &device->sender, slot, last);
        }
    }
    return only;
}

/* One round; true: it was the last one, and *result says why. */
static bool is_last_round(struct server_set *set, int *result)
{
    bool aborted;
    server_deliver(set, &aborted);
    if (aborted || gate_is_closed(&set->gate)) {
        *result = VD_E_ABORT;
        return true;
    }
    *result = 0;
    return server_is_terminated(set) && server_outstanding(set) == 0;
}

/* While completions come one by one and soon, we look at nothing but the line that brings the next one, and hear of
 * other things when the spin is over. Only who is to sleep asks for the event's sequence, and then looks again. */
static int run_agent(struct server_set *set)
{
    struct shared_event *event = &set->segment.header->server_event;
    int result;
    while (!is_last_round(set, &result)) {
        uint32_t last = 0;
        _Atomic uint32_t *only = only_completion(set, &last);
        if (only != NULL && event_spin(only, last)) {
            continue;
        }
        uint32_t seen = event_sequence(event);
        if (is_last_round(set, &result)) {
            break;
        }
        bool happened = event_spin(&event->sequence, seen);
        while (!happened) {
            happened = sleep_slice(set, seen, OS_FOREVER);
        }
    }
    return result;
}

/* On an aborted set it delivers what is outstanding and leaves: the abort may have come first. */
int server_set_execute_completion_agent(struct server_set *set)
{
    int result;
    if (!gate_enter(&set->gate)) {
        return VD_E_PROTOCOL;
    }
    bool aborted = segment_is_aborted(&set->segment);
    if (!aborted && (atomic_load(&set->phase) != PHASE_INITIALIZED || server_is_terminated(set))) {
        result = VD_E_PROTOCOL;
    } else if (!begin_delivering(set)) {
        result = VD_E_BUSY; /* ours: one is at work already */
    } else {
        result = run_agent(set);
        end_delivering(set);
    }
    gate_leave(&set->gate);
    return result;
}

/* --- how the set stands --- */

bool server_set_client_closed(struct server_set *set)
{
    bool closed = false;
    if (gate_enter(&set->gate)) {
        closed = shared_acquire(&set->segment.header->client_closed) != 0;
        gate_leave(&set->gate);
    }
    return closed;
}

enum server_abort_reason server_set_abort_reason(struct server_set *set)
{
    uint32_t reason = SERVER_ABORT_NONE;
    if (gate_enter(&set->gate)) {
        reason = segment_abort_reason(&set->segment);
        gate_leave(&set->gate);
    }
    return reason <= SERVER_ABORT_TIMEOUT ? (enum server_abort_reason)reason : SERVER_ABORT_CORRUPT;
}
