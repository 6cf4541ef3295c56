/* The life of a set as the client sees it (spec 2.3, 3.3, 3.8 to 3.10). */
#include <errno.h>
#include <stdlib.h>

#include "client_internal.h"

struct client_set *client_set_new(void)
{
    struct client_set *set = calloc(1, sizeof *set);
    if (set != NULL) {
        gate_close(&set->gate);
    }
    return set;
}

/* A forked child has a copy of the object, in which locks and calls of threads that it does not have are still
 * under way. The set is its parent's: it is not the child's to end. */
static bool is_copy(const struct client_set *set)
{
    uint32_t process = atomic_load(&set->process);
    return process != 0 && process != os_process_self().pid;
}

void client_set_free(struct client_set *set)
{
    if (set == NULL) {
        return;
    }
    if (is_copy(set)) {
        client_unmap_areas(set);
        segment_detach(&set->segment);
    } else {
        client_set_close(set);
    }
    while (set->devices != NULL) {
        struct client_device *next = set->devices->next;
        free(set->devices->object);
        free(set->devices);
        set->devices = next;
    }
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
                     mode_is_supported(config->features) && alignment_is_supported(config->alignment);
    return supported ? 0 : VD_E_NOTSUPPORTED;
}

int client_from_errno(int error)
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

/* A dialect nobody knows must not pass for the default one. */
static int read_dialect(struct client_set *set)
{
    const char *error;
    return dialect_parse(getenv(DIALECT_VARIABLE), &set->dialect, &error) == 0 ? 0 : VD_E_NOTSUPPORTED;
}

/* With the lock held: the object has a set from now on. */
static void begin_life(struct client_set *set, bool primary)
{
    set->primary = primary;
    atomic_store(&set->process, os_process_self().pid);
    atomic_store(&set->configured, !primary);
    gate_open(&set->gate);
}

static int create(struct client_set *set, const char *name, const struct VDConfig *config)
{
    if (set->segment.header != NULL) {
        return VD_E_PROTOCOL;
    }
    if (name == NULL || config == NULL || !set_name_is_valid(name)) {
        return VD_E_INVALID;
    }
    struct VDConfig own = *config;
    int result = check_config(&own);
    if (result == 0) {
        result = read_dialect(set);
    }
    if (result == 0) {
        own.features &= ~(uint32_t)SERVER_BITS; /* the server's to set (VDI-CFG-003) */
        result = client_from_errno(segment_create(name, &own, PHASE_CREATED, &set->segment));
    }
    if (result == 0) {
        set->config = own;
        set->prefix_zone = own.prefixZoneSize;
        begin_life(set, true);
    }
    return result;
}

int client_set_create(struct client_set *set, const char *name, const struct VDConfig *config)
{
    lock_take(&set->lock);
    int result = create(set, name, config);
    lock_give(&set->lock);
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
    set->prefix_zone = asked.prefixZoneSize;
    client_keep_own_terms(set);
    int result = client_map_areas(set);
    if (result == 0) {
        begin_life(set, false);
    }
    return result;
}

static int open_in_secondary(struct client_set *set, const char *name)
{
    if (set->segment.header != NULL) {
        return segment_is_aborted(&set->segment) ? VD_E_ABORT : VD_E_PROTOCOL;
    }
    if (name == NULL) {
        return VD_E_INVALID;
    }
    int result = read_dialect(set);
    if (result != 0) {
        return result;
    }
    if (segment_open(name, &set->segment) != 0) {
        return VD_E_PROTOCOL; /* not created */
    }
    result = enter_as_secondary(set);
    if (result != 0) {
        client_unmap_areas(set);
        segment_detach(&set->segment);
    }
    return result;
}

int client_set_open_in_secondary(struct client_set *set, const char *name)
{
    lock_take(&set->lock);
    int result = open_in_secondary(set, name);
    lock_give(&set->lock);
    return result;
}

/* --- end --- */

void client_set_register_device_closed(struct client_set *set)
{
    (void)set;
}

int client_set_signal_abort(struct client_set *set)
{
    if (!gate_enter(&set->gate)) {
        return VD_E_PROTOCOL;
    }
    segment_abort(&set->segment, SERVER_ABORT_CLIENT);
    gate_leave(&set->gate);
    return 0;
}

/* Once every call has left, without the lock: a call that is still inside may need it to get out. */
static void drain(struct client_set *set)
{
    segment_wake_all(&set->segment); /* who sleeps inside sees the gate closed */
    gate_drain(&set->gate);          /* no OpenDevice adds a device from here on */
    client_close_devices(set);
}

/* With the lock held, but for a while inside. */
static int end_life(struct client_set *set)
{
    int result = 0;
    struct shared_header *header = set->segment.header;
    if (client_has_open_device(set) && !segment_is_aborted(&set->segment)) {
        segment_abort(&set->segment, SERVER_ABORT_CLIENT); /* X3: abort inside, released nevertheless */
        result = set->dialect.other[DIALECT_CLOSE_OPEN] ? 0 : VD_E_OPEN;
    }
    gate_close(&set->gate);
    lock_give(&set->lock);
    drain(set);
    lock_take(&set->lock);
    if (set->primary) {
        shared_release(&header->client_closed, 1u);
        segment_unlink(&set->segment);
    }
    segment_wake_all(&set->segment);
    client_unmap_areas(set);
    segment_detach(&set->segment);
    atomic_store(&set->process, 0);
    return result;
}

/* Who is told that the set is closed may free it: so a second Close waits for the first to end. */
static void wait_for_other_close(struct client_set *set)
{
    lock_give(&set->lock);
    while (shared_load_ordered(&set->closing) != 0) {
        os_wait(&set->closing, 1, OS_FOREVER);
    }
    lock_take(&set->lock);
}

int client_set_close(struct client_set *set)
{
    int result = VD_E_PROTOCOL;
    if (is_copy(set)) {
        return result;
    }
    lock_take(&set->lock);
    if (shared_load_ordered(&set->closing) != 0) {
        wait_for_other_close(set);
    } else if (set->segment.header != NULL) {
        shared_exchange(&set->closing, 1u);
        result = end_life(set);
        shared_exchange(&set->closing, 0u);
        os_wake(&set->closing);
    }
    lock_give(&set->lock);
    return result;
}
