/* profile_watch.h - what profile_make gathers of each operation before it decides. Not for others. */
#ifndef VDIFAULT_PROFILE_WATCH_H
#define VDIFAULT_PROFILE_WATCH_H

#include "profile_make.h"

enum {
    VDC_CODES = 32
};

/* A transfer, Flush or silence, in the order the client got them. */
struct seen_step {
    uint8_t what; /* enum profile_what */
    uint32_t value;
    int64_t position; /* of a Read */
};

struct seen_device {
    struct seen_step *steps;
    size_t count, room;
    uint64_t commands;
    uint64_t first;   /* sequence of its first command; 0 none */
    uint64_t last_ns; /* the last completion, or OpenDevice */
    int32_t in_hand, most;
    int32_t held_code;
    bool limit; /* `most` is the server's own limit */
    bool opened, closed, refused, cleared;
    bool short_read; /* the last Read was completed short, with SUCCESS */
    int64_t close_ms;
    uint64_t asked;              /* calls of GetCommand */
    uint32_t of_code[VDC_CODES]; /* commands by VDC_ */
    char ends[128];              /* commands since the last transfer */
};

struct seen_operation {
    int32_t id;
    struct seen_device devices[PROFILE_DEVICES_MAX];
    uint32_t device_count, opened, closed;
    uint32_t configured; /* devices, as GetConfiguration said; and its sizes */
    uint32_t block_size, max_transfer;
    uint64_t writes, reads;
    uint64_t *buffers; /* different ones, with their process */
    uint32_t *owners;
    size_t buffer_count;
    bool complete_asked, complete_enabled, complete_sent;
    bool client_ended; /* it called SignalAbort, or Close with open devices */
    uint64_t abort_ns; /* of the first VD_E_ABORT; 0 none */
    uint32_t abort_count;
    struct profile_aborted aborts[PROFILE_MAKE_CALLS_MAX];
};

struct open_call {
    uint32_t process, thread;
    struct event begin;
    int32_t in_hand; /* of its device, when it began */
};

struct profile_watch {
    struct seen_operation **operations;
    size_t operation_count;
    struct open_call *calls;
    size_t call_count;
    uint32_t recorded; /* enum profile_point */
    uint32_t other;    /* of them, by the other reading */
    bool out_of_memory;
};

void profile_watch_take(struct profile_watch *watch, const struct event *event);
void profile_watch_free(struct profile_watch *watch);

#endif
