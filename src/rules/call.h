/* call.h - a VDI call of the client, as every part of the checker's memory keeps it.
 *
 * Internal to src/rules. Plain memory: whoever keeps a call keeps a copy.
 */
#ifndef VDIFAULT_RULES_CALL_H
#define VDIFAULT_RULES_CALL_H

#include <stdbool.h>
#include <stdint.h>

enum {
    DEVICES_MAX = 64 /* of a set: the VDI limit */
};

enum set_state {
    SET_NONE,
    SET_CONFIGURABLE,
    SET_CONFIGURED
};

/* One VDI call of the client. */
struct call {
    uint64_t sequence; /* of its begin; 0 none */
    uint64_t time_ns;
    uint64_t set;
    int64_t object;
    uint32_t stack;  /* its number; 0 unknown */
    int64_t timeout; /* GetConfiguration, GetCommand */
    int32_t operation;
    uint32_t process;
    uint32_t thread;
    uint32_t repeat;
    uint32_t device_count; /* Create */
    uint32_t prefix_zone;  /* Create */
    uint16_t function;
    int16_t device;
    bool begun;               /* its begin was seen */
    bool set_was_aborted;     /* at the begin */
    bool buffer_unknown;      /* GetBufferHandle: no command in the client's hands has it */
    enum set_state set_state; /* at the begin */
};

#endif
