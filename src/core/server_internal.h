/* server_internal.h - the server's private state of a set, shared by server_*.c only. */
#ifndef VDIFAULT_CORE_SERVER_INTERNAL_H
#define VDIFAULT_CORE_SERVER_INTERNAL_H

#include "event.h"
#include "queue.h"
#include "segment.h"
#include "server.h"

enum {
    PEER_CHECK_NS = 250000000 /* how often a sleeper looks whether its peer lives */
};

struct server_device {
    struct server_set *set;
    struct shared_device *shared;
    struct queue_sender sender;
    struct VDS_Command *commands[SHARED_SLOTS]; /* by slot, where sender.outstanding has its bit */
    bool open;
    bool closed;
};

/* Buffers of one shape, asked for by one RequestBuffers: `count` cells of `stride` bytes from `offset` on,
 * the data of each starting `lead` bytes into its cell so that it is aligned and the prefix zone lies before
 * it. */
struct buffer_class {
    uint32_t size;
    uint32_t alignment;
    uint32_t count;
    uint64_t offset;
    uint64_t lead;
    uint64_t stride;
    uint8_t *used; /* a byte a cell */
};

enum {
    BUFFER_CLASSES_MAX = 16,
    BUFFERS_PER_CLASS_MAX = 4096
};

struct server_set {
    struct segment segment;
    struct os_memory buffers;
    bool buffers_named;            /* the buffer object's name is ours to take away */
    struct VDConfig client_config; /* our copy of what Create was given */
    struct VDConfig config;        /* as settled */
    enum shared_phase phase;
    uint32_t devices_opened;
    uint32_t event_seen; /* sequence of server_event at the last run of completions */
    uint32_t class_count;
    struct buffer_class classes[BUFFER_CLASSES_MAX];
    char names[SHARED_DEVICES_MAX][SHARED_NAME_MAX];
    struct server_device devices[SHARED_DEVICES_MAX];
};

bool is_power_of_two(uint32_t value);
int server_buffers_allocate_area(struct server_set *set); /* at EndConfiguration */
void server_buffers_release(struct server_set *set);
/* Offset of a buffer address in the buffer object, or -1 if [address, address + size) is not inside it. */
int64_t server_buffers_offset(const struct server_set *set, const uint8_t *address, uint32_t size);
void server_device_abort_outstanding(struct server_device *device, uint32_t *callbacks);
uint32_t server_device_run_completions(struct server_device *device);

#endif
