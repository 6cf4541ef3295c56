/* sweep_sites.h - the places of a recorded run where a fault can be put: each function a client called and each command
 * it was delivered, a device and an operation, with every arrival there and where in the client it came from.
 *
 * Counted as the fault engine counts (run_fault_arrive): functions on entry, commands on delivery, from 1, for each
 * operation and, of device calls, for each device. Calls that only told that nothing came (VD_E_TIMEOUT: polls)
 * count as one with the call that waits on: how many those are is a matter of time, and no run gets as far with fewer
 * calls. Ownership: the sites own their memory, until sweep_sites_free.
 * Errors: 0 or ENOMEM. Threads: one.
 */
#ifndef VDIFAULT_SWEEP_SITES_H
#define VDIFAULT_SWEEP_SITES_H

#include <stdbool.h>
#include <stdint.h>

#include "report.h"
#include "rules.h"

/* Arrivals in a row from one call stack: a busy loop is one of them. */
struct sweep_arrival {
    uint32_t nth;
    uint32_t count;       /* nth, nth + 1, ... */
    uint64_t place;       /* struct stack: the same for the same stack, 0 unknown */
    uint32_t before;      /* arrivals from that stack before this one */
    uint32_t of_stack;    /* ... and all of them */
    size_t first;         /* index of the first of them */
    uint64_t sequence;    /* of the event that is counted */
    int32_t open_devices; /* of the set, just before */
    bool io_error;        /* a command that the client answered with one of its own */
    bool given_up;        /* by then the set was: aborted, or closed */
    bool ends;            /* it delivered VD_E_CLOSE: the server may have been through before it came */
    bool limited;         /* the call has a time limit */
    bool secondary;       /* the set is open by OpenInSecondary, or this is that call */
    bool poll;            /* nothing came, in the end */
    bool polled;          /* it goes on with a wait that began with a poll */
    bool always;          /* ... which was the first from its stack: tried whatever is sampled */
    uint64_t polled_from; /* `place` of that */
    uint32_t thread;
    uint64_t call;               /* its begin */
    uint64_t reach[REACH_COUNT]; /* what happened there that faults need, and how much of it */
};

struct sweep_site {
    uint16_t function; /* as in struct fault_site: one of the two is 0 */
    uint16_t command;
    int32_t device; /* -1: a call on the set */
    int32_t operation;
    uint32_t arrivals; /* how often */
    uint32_t stacks;   /* how many different ones */
    uint32_t features; /* VDF_*, as Create asked for them */
    uint32_t devices;  /* devices of the operation that were opened */
    uint32_t met;      /* commands that the operation met; bit per code */
    bool sees_close;   /* VD_E_CLOSE of the device was delivered */
    bool unsteady;     /* which stack an arrival comes from is a matter of time: they are not told apart */
    struct sweep_arrival *list;
    size_t count;
};

struct sweep_sites {
    struct sweep_site *list; /* in the order of a set's life, device after device: the same in each run */
    size_t count;
};

/* What came after the event `after` (0: all) of a session's events, sorted by sequence; `checker` has taken them. */
int sweep_sites_take(struct sweep_sites *sites, const struct report_event *events, size_t count,
                     const struct checker *checker, uint64_t after);
void sweep_sites_free(struct sweep_sites *sites);

/* Drops what `other`, of a second run, did not reach: what stays is not a matter of luck. */
void sweep_sites_keep_common(struct sweep_sites *sites, const struct sweep_sites *other);

struct sweep_site *sweep_sites_find(const struct sweep_sites *sites, const struct sweep_site *like);
const char *sweep_site_name(const struct sweep_site *site);

#endif
