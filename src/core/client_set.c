/* The set as the client sees it (spec 2.3, 3). */
#include <assert.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "client_internal.h"

/* --- gates --- */

#define GATE_CLOSED (1u << 31)

bool gate_enter(struct gate *gate)
{
    if (atomic_fetch_add(&gate->inside, 1) & GATE_CLOSED) {
        gate_leave(gate);
        return false;
    }
    return true;
}

void gate_leave(struct gate *gate)
{
    if (atomic_fetch_sub(&gate->inside, 1) == (GATE_CLOSED | 1)) {
        os_wake(&gate->inside); /* the closer waits for the last one out */
    }
}

void gate_open(struct gate *gate)
{
    atomic_fetch_and(&gate->inside, ~GATE_CLOSED);
}

void gate_close(struct gate *gate)
{
    atomic_fetch_or(&gate->inside, GATE_CLOSED);
}

bool gate_is_closed(const struct gate *gate)
{
    return (atomic_load(&gate->inside) & GATE_CLOSED) != 0;
}

void gate_drain(struct gate *gate)
{
    uint32_t inside;
    while ((inside = atomic_load(&gate->inside)) != GATE_CLOSED) {
        assert(inside & GATE_CLOSED);
        os_wait(&gate->inside, inside, OS_FOREVER);
    }
}

/* --- life of the object --- */

struct client_set *client_set_new(void)
{
    struct client_set *set = calloc(1, sizeof *set);
    if (set != NULL) {
        pthread_mutex_init(&set->lock, NULL);
        pthread_cond_init(&set->closed, NULL);
        gate_close(&set->gate);
    }
    return set;
}

void client_set_free(struct client_set *set)
{
    if (set == NULL) {
        return;
    }
    client_set_close(set);
    while (set->devices != NULL) {
        struct client_device *next = set->devices->next;
        free(set->devices->object);
        free(set->devices);
        set->devices = next;
    }
    pthread_cond_destroy(&set->closed);
    pthread_mutex_destroy(&set->lock);
    free(set);
}

/* --- Create --- */

enum {
    SERVER_BITS = VDF_WriteMedia | VDF_ReadMedia | VDF_CompleteEnabled,
    MODE_BITS = VDF_Removable | VDF_Rewind | VDF_Position | VDF_SkipBlocks | VDF_ReversePosition |
                VDF_FileMarks | VDF_RandomAccess,
    OPTION_BITS = VDF_Discard | VDF_SnapshotPrepare | VDF_EnumFrozenFiles | VDF_VSSWriter |
                  VDF_RequestComplete | (int)VDF_LatchStats,
};

/* Only these mixes are supported (spec 5.4, VDI-CFG-002). */
static bool mode_is_supported(uint32_t features)
{
    static const uint32_t modes[] = {VDF_LikePipe, VDF_LikePipe | VDF_Removable, VDF_LikeTape, VDF_LikeDisk,
                                     VDF_LikeDisk | VDF_Removable};
    for (size_t i = 0; i < sizeof modes / sizeof modes[0]; i++) {
        if ((features & (uint32_t)MODE_BITS) == modes[i]) {
            return (features & ~(uint32_t)(MODE_BITS | OPTION_BITS | SERVER_BITS)) == 0;
        }
    }
    return false;
}

static bool alignment_is_supported(uint32_t alignment)
{
    return alignment <= 65536 && (alignment & (alignment - 1)) == 0; /* spec 16, question 18 */
}

static int check_config(const struct VDConfig *config)
{
    bool supported = config->deviceCount >= 1 && config->deviceCount <= SHARED_DEVICES_MAX &&
                     mode_is_supported(config->features) && alignment_is_supported(config->alignment) &&
                     config->prefixZoneSize <= 65536;
    return supported ? 0 : VD_E_NOTSUPPORTED;
}

static int from_errno(int error)
{
    switch (error) {
    case 0:
        return 0;
    case EEXIST:
        return VD_E_PROTOCOL; /* "the set already exists" (spec 3.3) */
    case ENOSPC:
    case ENOMEM:
        return VD_E_MEMORY;
    case EACCES:
    case EPERM:
    case EROFS:
        return VD_E_SECURITY;
    default:
        return VD_E_UNEXPECTED;
    }
}

/* With the lock held: the object has a set from now on. */
static void begin_life(struct client_set *set, bool primary)
{
    set->primary = primary;
    atomic_store(&set->configured, false);
    gate_open(&set->gate);
}

int client_set_create(struct client_set *set, const char *name, const struct VDConfig *config)
{
    pthread_mutex_lock(&set->lock);
    int result = VD_E_PROTOCOL;
    if (set->segment.header == NULL) {
        result =
            name == NULL || config == NULL || !set_name_is_valid(name) ? VD_E_INVALID : check_config(config);
        if (result == 0) {
            struct VDConfig own = *config;
            own.features &= ~(uint32_t)SERVER_BITS; /* the server's to set (VDI-CFG-003) */
            result = from_errno(segment_create(name, &own, &set->segment));
        }
        if (result == 0) {
            set->prefix_zone = config->prefixZoneSize;
            begin_life(set, true);
        }
    }
    pthread_mutex_unlock(&set->lock);
    return result;
}

/* --- OpenInSecondary --- */

/* With the lock held and a segment attached. */
static int enter_as_secondary(struct client_set *set)
{
    struct shared_header *header = set->segment.header;
    if (segment_is_aborted(&set->segment)) {
        return VD_E_ABORT;
    }
    if (shared_acquire(&header->configured) == 0) {
        return VD_E_PROTOCOL; /* the primary has not finished GetConfiguration (VDI-SEC-001) */
    }
    struct VDConfig asked;
    segment_read_config(header->client_config, &asked);
    segment_read_config(header->server_config, &set->config);
    set->config.deviceCount = set->segment.device_count;
    set->prefix_zone = asked.prefixZoneSize;
    int result = client_map_buffers(set);
    if (result == 0) {
        begin_life(set, false);
        atomic_store(&set->configured, true);
    }
    return result;
}

int client_set_open_in_secondary(struct client_set *set, const char *name)
{
    pthread_mutex_lock(&set->lock);
    int result = VD_E_PROTOCOL;
    if (set->segment.header != NULL) {
        result = segment_is_aborted(&set->segment) ? VD_E_ABORT : VD_E_PROTOCOL;
    } else if (name == NULL) {
        result = VD_E_INVALID;
    } else if (segment_open(name, &set->segment) == 0) {
        result = enter_as_secondary(set);
        if (result != 0) {
            segment_detach(&set->segment);
        }
    }
    pthread_mutex_unlock(&set->lock);
    return result;
}

/* --- waiting --- */

int64_t client_deadline(int64_t timeout)
{
    int64_t now = os_now();
    if (timeout < 0 || timeout > (OS_FOREVER - now) / 1000000) {
        return OS_FOREVER;
    }
    return now + timeout * 1000000;
}

static bool server_is_dead(struct client_set *set)
{
    struct shared_header *header = set->segment.header;
    struct os_process server = segment_process(&header->server);
    return server.pid != 0 && !os_process_alive(&server);
}

/* A client that only polls must learn of a dead server, too; but not by reading /proc at every poll. */
static bool poll_finds_server_dead(struct client_set *set, int64_t now)
{
    int64_t last = atomic_load(&set->peer_checked_ns);
    return now - last >= CLIENT_PEER_CHECK_NS &&
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
    int64_t slice = now + CLIENT_PEER_CHECK_NS;
    if (event_wait(event, seen, slice < deadline ? slice : deadline) == ETIMEDOUT) {
        *server_dead = server_is_dead(set);
    }
    return 0;
}

/* --- GetConfiguration --- */

int client_map_buffers(struct client_set *set)
{
    uint64_t size = shared_read(&set->segment.header->buffer_size);
    if (size == 0) {
        return 0;
    }
    int error = os_memory_open(set->segment.buffer_name, &set->buffers);
    if (error != 0) {
        /* ENOENT: too late, every device is open and the name is gone. Our trouble, not the set's. */
        return segment_is_aborted(&set->segment) ? VD_E_ABORT
               : error == ENOENT                 ? VD_E_PROTOCOL
                                                 : from_errno(error);
    }
    if (set->buffers.size != size) {
        os_memory_unmap(&set->buffers);
        segment_abort(&set->segment, SERVER_ABORT_CORRUPT);
        return VD_E_ABORT;
    }
    return 0;
}

/* Once per life of the set, whichever thread comes first. */
static int finish_configuration(struct client_set *set)
{
    int result = 0;
    pthread_mutex_lock(&set->lock);
    if (!atomic_load(&set->configured)) {
        segment_read_config(set->segment.header->server_config, &set->config);
        set->config.deviceCount = set->segment.device_count;
        result = client_map_buffers(set);
        if (result == 0) {
            atomic_store(&set->configured, true);
            shared_release(&set->segment.header->configured, 1u);
        }
    }
    pthread_mutex_unlock(&set->lock);
    return result;
}

static int wait_for_configuration(struct client_set *set, int64_t timeout)
{
    struct shared_header *header = set->segment.header;
    int64_t deadline = client_deadline(timeout);
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
        if (result == 0) {
            *config = set->config;
        }
    }
    gate_leave(&set->gate);
    return result;
}

/* --- buffer handles (spec 3.11): the buffer's offset in 512-byte blocks, plus one --- */

enum {
    HANDLE_UNIT = 512
};

int client_set_get_buffer_handle(struct client_set *set, const uint8_t *buffer, uint32_t *handle)
{
    if (!gate_enter(&set->gate)) {
        return VD_E_PROTOCOL;
    }
    int result = VD_E_INVALID;
    uintptr_t base = (uintptr_t)set->buffers.address;
    uintptr_t at = (uintptr_t)buffer;
    if (handle != NULL && base != 0 && at >= base && at - base < set->buffers.size &&
        (at - base) % HANDLE_UNIT == 0) {
        *handle = (uint32_t)((at - base) / HANDLE_UNIT) + 1;
        result = 0;
    }
    gate_leave(&set->gate);
    return result;
}

int client_set_map_buffer_handle(struct client_set *set, uint32_t handle, uint8_t **buffer)
{
    if (!gate_enter(&set->gate)) {
        return VD_E_PROTOCOL;
    }
    int result = VD_E_INVALID;
    uint64_t at = ((uint64_t)handle - 1) * HANDLE_UNIT;
    if (buffer != NULL && handle != 0 && set->buffers.address != NULL && at < set->buffers.size) {
        *buffer = (uint8_t *)set->buffers.address + at;
        result = 0;
    }
    gate_leave(&set->gate);
    return result;
}

/* --- end --- */

int client_set_signal_abort(struct client_set *set)
{
    if (!gate_enter(&set->gate)) {
        return VD_E_PROTOCOL;
    }
    segment_abort(&set->segment, SERVER_ABORT_CLIENT);
    gate_leave(&set->gate);
    return 0;
}

/* Devices this process opened in the set's present life, as a list: theirs are the ones with `shared` set. */
static bool has_open_device(struct client_set *set)
{
    for (struct client_device *device = set->devices; device != NULL; device = device->next) {
        if (device->shared != NULL && !atomic_load(&device->close_delivered)) {
            return true;
        }
    }
    return false;
}

static void close_devices(struct client_set *set)
{
    for (struct client_device *device = set->devices; device != NULL; device = device->next) {
        gate_close(&device->gate);
    }
    segment_wake_all(&set->segment); /* who sleeps inside sees its gate closed */
    for (struct client_device *device = set->devices; device != NULL; device = device->next) {
        gate_drain(&device->gate);
        device->shared = NULL;
    }
}

/* With the lock held, but for a while inside: a call that is still in there may need it to get out. */
static int end_life(struct client_set *set)
{
    int result = 0;
    struct shared_header *header = set->segment.header;
    if (has_open_device(set) && !segment_is_aborted(&set->segment)) {
        segment_abort(&set->segment, SERVER_ABORT_CLIENT); /* X3: abort inside, released nevertheless */
        result = VD_E_OPEN;
    }
    gate_close(&set->gate);
    close_devices(set);
    pthread_mutex_unlock(&set->lock);
    gate_drain(&set->gate);
    pthread_mutex_lock(&set->lock);
    if (set->primary) {
        shared_release(&header->client_closed, 1u);
        segment_unlink(&set->segment);
    }
    segment_wake_all(&set->segment);
    os_memory_unmap(&set->buffers);
    segment_detach(&set->segment);
    return result;
}

int client_set_close(struct client_set *set)
{
    int result = VD_E_PROTOCOL;
    pthread_mutex_lock(&set->lock);
    if (set->closing) {
        while (set->closing) { /* whoever is told that it is closed may free it */
            pthread_cond_wait(&set->closed, &set->lock);
        }
    } else if (set->segment.header != NULL) {
        set->closing = true;
        result = end_life(set);
        set->closing = false;
        pthread_cond_broadcast(&set->closed);
    }
    pthread_mutex_unlock(&set->lock);
    return result;
}
