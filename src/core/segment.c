#include "segment.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "server.h"
#include "shared_event.h"

_Static_assert(sizeof(struct VDConfig) == SHARED_CONFIG_WORDS * sizeof(uint32_t), "VDConfig is 11 words");

/* --- names --- */

#define PREFIX             "vdifault-"
#define NAMESPACE_VARIABLE "VDI_NAMESPACE"
enum {
    SPACE_MAX = 40, /* bytes of a namespace with its NUL */
    HEX_LENGTH = 16
};
_Static_assert(sizeof PREFIX + SPACE_MAX + 2 * (1 + HEX_LENGTH) + sizeof ".15" <= OS_NAME_MAX, "names fit");

bool set_name_is_valid(const char *name)
{
    size_t length = strnlen(name, SHARED_NAME_MAX);
    return length >= 1 && length < SHARED_NAME_MAX && strchr(name, '\\') == NULL;
}

static uint64_t mix(uint64_t hash, uint64_t value)
{
    hash = (hash ^ value) * UINT64_C(0x9e3779b97f4a7c15);
    return hash ^ hash >> 29;
}

static uint64_t hash_name(const char *name)
{
    uint64_t hash = UINT64_C(0xcbf29ce484222325);
    for (const char *c = name; *c != '\0'; c++) {
        hash = mix(hash, (uint8_t)*c);
    }
    return hash;
}

/* Characters of the namespace that are safe in an object name; anything else would let it leave its folder. */
static void copy_plain(const char *from, char out[SPACE_MAX])
{
    size_t length = 0;
    for (const char *c = from; c != NULL && *c != '\0' && length + 1 < SPACE_MAX; c++) {
        bool plain =
            (*c >= '0' && *c <= '9') || (*c >= 'a' && *c <= 'z') || (*c >= 'A' && *c <= 'Z') || *c == '-';
        if (plain) {
            out[length++] = *c;
        }
    }
    if (length == 0) {
        out[length++] = '0';
    }
    out[length] = '\0';
}

/* A client may clear its environment before it makes a set that its server, or a secondary, looks for by the variable. */
static char space_at_start[SPACE_MAX] = "0";

__attribute__((constructor)) static void keep_namespace(void)
{
    copy_plain(getenv(NAMESPACE_VARIABLE), space_at_start);
}

static void copy_namespace(char out[SPACE_MAX])
{
    const char *value = getenv(NAMESPACE_VARIABLE);
    if (value != NULL) {
        copy_plain(value, out);
    } else {
        memcpy(out, space_at_start, SPACE_MAX);
    }
}

/* Names are made several times in the life of every set; printf would take a tenth of a short one's time. */
static char *append(char *at, const char *text)
{
    size_t length = strlen(text);
    memcpy(at, text, length + 1);
    return at + length;
}

static char *append_hex(char *at, uint64_t value)
{
    for (int shift = 60; shift >= 0; shift -= 4) {
        *at++ = "0123456789abcdef"[value >> shift & 15];
    }
    *at = '\0';
    return at;
}

static void make_control_name(const char *set_name, char out[OS_NAME_MAX])
{
    char space[SPACE_MAX];
    copy_namespace(space);
    append_hex(append(append(append(out, PREFIX), space), "-"), hash_name(set_name));
}

void segment_area_name(const struct segment *segment, uint32_t area, char name[OS_NAME_MAX])
{
    const char number[] = {(char)('0' + area / 10), (char)('0' + area % 10), '\0'};
    assert(area < SHARED_AREAS_MAX);
    char *end = append(append_hex(append(append(name, segment->control_name), "-"), segment->id), ".");
    append(end, area < 10 ? number + 1 : number);
}

/* --- plain data in the header --- */

uint64_t segment_process_number(const struct os_process *process)
{
    return (uint64_t)process->space << 32 | process->pid;
}

struct os_process segment_process(struct shared_process *process)
{
    uint64_t number = shared_read(&process->number);
    return (struct os_process){.pid = (uint32_t)number,
                               .space = (uint32_t)(number >> 32),
                               .start_time = shared_read(&process->start_time)};
}

void segment_read_config(_Atomic uint32_t *words, struct VDConfig *config)
{
    uint32_t copy[SHARED_CONFIG_WORDS];
    for (int i = 0; i < SHARED_CONFIG_WORDS; i++) {
        copy[i] = shared_read(&words[i]);
    }
    memcpy(config, copy, sizeof *config);
}

void segment_write_config(_Atomic uint32_t *words, const struct VDConfig *config)
{
    uint32_t copy[SHARED_CONFIG_WORDS];
    memcpy(copy, config, sizeof copy);
    for (int i = 0; i < SHARED_CONFIG_WORDS; i++) {
        shared_write(&words[i], copy[i]);
    }
}

/* --- creating and opening --- */

static void fill_header(struct segment *segment, const char *name, const struct VDConfig *config,
                        enum shared_phase phase)
{
    struct shared_header *header = segment->header;
    shared_write(&header->version, SHARED_VERSION);
    shared_write(&header->control_size, (uint32_t)segment->control.size);
    shared_write(&header->device_count, segment->device_count);
    shared_write(&header->id, segment->id);
    struct os_process self = os_process_self();
    shared_write(&header->client.number, segment_process_number(&self));
    shared_write(&header->client.start_time, self.start_time);
    segment_write_config(header->client_config, config);
    for (size_t i = 0; name[i] != '\0'; i++) {
        shared_write(&header->name[i], (uint8_t)name[i]);
    }
    shared_write(&header->phase, (uint32_t)phase);
    shared_release(&header->magic, SHARED_MAGIC);
}

static bool is_set(const struct os_memory *control)
{
    struct shared_header *header = control->address;
    return control->size >= SHARED_HEADER_COMMON && shared_acquire(&header->magic) == SHARED_MAGIC;
}

/* Checks an object that anybody may have made, and takes our copies of what is used later. */
static bool attach(struct segment *segment)
{
    struct shared_header *header = segment->control.address;
    size_t size = segment->control.size;
    if (!is_set(&segment->control) || size < sizeof *header ||
        shared_read(&header->version) != SHARED_VERSION) {
        return false;
    }
    uint32_t devices = shared_read(&header->device_count);
    if (devices < 1 || devices > SHARED_DEVICES_MAX || size != shared_control_size(devices) ||
        shared_read(&header->control_size) != size) {
        return false;
    }
    segment->header = header;
    segment->device_count = devices;
    segment->id = shared_read(&header->id);
    return true;
}

static bool client_is_dead(struct shared_header *header)
{
    struct os_process client = segment_process(&header->client);
    return !os_process_alive(&client);
}

/* Removes what a set left behind whose client is dead, or has closed it while whoever was taking the name away died.
 */
static bool remove_dead_set(struct segment *old)
{
    bool closed = shared_acquire(&old->header->client_closed) != 0;
    if (!closed && !client_is_dead(old->header)) {
        return false;
    }
    if (!closed) {
        /* A server that still waits for the dead client need not wait for its next look. */
        segment_abort(old, SERVER_ABORT_CLIENT_DIED);
    }
    segment_unlink(old);
    return true;
}

/* Takes our name from a set that is over. 0: it was there; ENOENT: nobody has it; EEXIST: it is somebody's. */
static int remove_dead(const char *control_name)
{
    struct segment old = {0};
    bool removed = false;
    int error = os_memory_open(control_name, &old.control);
    if (error != 0) {
        return error == ENOENT ? ENOENT : EEXIST; /* what cannot be opened counts as living */
    }
    snprintf(old.control_name, sizeof old.control_name, "%s", control_name);
    if (attach(&old)) {
        removed = remove_dead_set(&old);
    } else if (is_set(&old.control) && client_is_dead(old.control.address)) {
        removed = os_memory_unlink_own(control_name, &old.control) == 0; /* of another version */
    }
    segment_detach(&old);
    return removed ? 0 : EEXIST;
}

bool segment_is_leftover(const char *object_name)
{
    char space[SPACE_MAX];
    char prefix[sizeof PREFIX + SPACE_MAX];
    struct segment old = {0};
    copy_namespace(space);
    append(append(append(prefix, PREFIX), space), "-");
    if (strncmp(object_name, prefix, strlen(prefix)) != 0 || os_memory_open(object_name, &old.control) != 0) {
        return false;
    }
    bool dead = is_set(&old.control) && client_is_dead(old.control.address);
    segment_detach(&old);
    return dead;
}

void segment_remove_leftover(const char *object_name)
{
    if (segment_is_leftover(object_name)) {
        (void)remove_dead(object_name);
    }
}

/* The memory may be full of what the dead of this name left, of which we are who removes it. */
static int create_control(struct segment *segment)
{
    size_t size = shared_control_size(segment->device_count);
    int error = os_memory_create(size, &segment->control);
    if ((error == ENOSPC || error == ENOMEM) && remove_dead(segment->control_name) == 0) {
        error = os_memory_create(size, &segment->control);
    }
    return error;
}

int segment_create(const char *name, const struct VDConfig *config, enum shared_phase phase,
                   struct segment *segment)
{
    enum {
        TRIES = 3
    };
    static _Atomic uint32_t serial;
    assert(set_name_is_valid(name) && config->deviceCount >= 1 && config->deviceCount <= SHARED_DEVICES_MAX);
    *segment = (struct segment){.device_count = config->deviceCount};
    make_control_name(name, segment->control_name);
    int error = create_control(segment);
    if (error != 0) {
        return error;
    }
    struct os_process self = os_process_self();
    segment->header = segment->control.address;
    segment->id = mix(mix(mix(self.start_time, self.pid), (uint64_t)os_now()), atomic_fetch_add(&serial, 1));
    fill_header(segment, name, config, phase);
    error = EEXIST;
    for (int i = 0; i < TRIES && error == EEXIST; i++) {
        error = os_memory_publish(&segment->control, segment->control_name);
        if (error == EEXIST && remove_dead(segment->control_name) == EEXIST) {
            break;
        }
    }
    if (error != 0) {
        segment_detach(segment);
    }
    return error;
}

/* Objects are named by hash: the full name tells two sets of one hash apart. */
static bool has_name(struct shared_header *header, const char *name)
{
    for (size_t i = 0; i < SHARED_NAME_MAX; i++) {
        uint8_t c = shared_read(&header->name[i]);
        if (c != (uint8_t)name[i] || c == '\0') {
            return c == (uint8_t)name[i];
        }
    }
    return false;
}

int segment_open(const char *name, struct segment *segment)
{
    *segment = (struct segment){0};
    if (!set_name_is_valid(name)) {
        return EINVAL;
    }
    make_control_name(name, segment->control_name);
    int error = os_memory_open(segment->control_name, &segment->control);
    if (error != 0) {
        return error;
    }
    if (!attach(segment) || !has_name(segment->header, name)) {
        segment_detach(segment);
        return EPROTO;
    }
    struct os_process client = segment_process(&segment->header->client);
    if (shared_acquire(&segment->header->client_closed) != 0 || !os_process_alive(&client)) {
        segment_detach(segment);
        (void)remove_dead(segment->control_name); /* a leftover is no set */
        return ENOENT;
    }
    return 0;
}

void segment_unlink(struct segment *segment)
{
    /* After us the set's name may already belong to the next set; the id in an area's never does. Areas first,
     * because only the control object leads to them if we die in between. An area the server has published but
     * not yet counted is the one behind the last. */
    char name[OS_NAME_MAX];
    uint32_t count = shared_acquire(&segment->header->area_count);
    for (uint32_t i = 0; i < SHARED_AREAS_MAX && i <= count; i++) {
        segment_area_name(segment, i, name);
        os_memory_unlink(name);
    }
    os_memory_unlink_own(segment->control_name, &segment->control);
}

void segment_detach(struct segment *segment)
{
    os_memory_unmap(&segment->control);
    segment->header = NULL;
}

/* --- abort --- */

static uint32_t keep_reason(struct segment *segment, uint32_t reason)
{
    uint32_t first = 0;
    return atomic_compare_exchange_strong(&segment->abort_seen, &first, reason) ? reason : first;
}

uint32_t segment_abort_reason(struct segment *segment)
{
    uint32_t reason = atomic_load(&segment->abort_seen);
    if (reason == 0) {
        reason = shared_load_ordered(&segment->header->abort_reason);
        reason = reason != 0 ? keep_reason(segment, reason) : 0;
    }
    return reason;
}

bool segment_is_aborted(struct segment *segment)
{
    return segment_abort_reason(segment) != 0;
}

void segment_wake_all(struct segment *segment)
{
    event_notify(&segment->header->server_event);
    event_notify(&segment->header->client_event);
    for (uint32_t i = 0; i < segment->device_count; i++) {
        event_notify(&segment->header->devices[i].commands);
    }
}

void segment_abort(struct segment *segment, uint32_t reason)
{
    assert(reason != 0);
    if (shared_change(&segment->header->abort_reason, 0u, reason)) {
        keep_reason(segment, reason);
        segment_wake_all(segment);
    } else if (segment_abort_reason(segment) == 0) {
        keep_reason(segment, reason); /* whoever was first has taken it back */
    }
}
