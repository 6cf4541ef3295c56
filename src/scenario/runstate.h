/* runstate.h - what all processes of one run share: a mapped file in the run's folder.
 *
 * Files of the folder (named by the environment variable VDIFAULT_TRACE; created if missing):
 *   state    struct run_state below
 *   ring.N   one event ring per recording thread, struct event_ring + capacity events
 *   waits    struct run_waits (waits.h), where a run's time may be moved on
 * The plan itself is the text file named by VDIFAULT_PLAN; each process parses it (scenario/plan.h).
 * They are files rather than /dev/shm objects so that a full /dev/shm does not fell the testbed. All memory
 * is reserved before use. Everything survives SIGKILL of any process: a record is published by one release
 * store. libc only, no allocation, no stdio: the same code runs inside the client.
 */
#ifndef VDIFAULT_RUNSTATE_H
#define VDIFAULT_RUNSTATE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "event.h"
#include "fault.h"
#include "plan.h"

enum {
    RUN_STATE_MAGIC = 0x56444653, /* "VDFS" */
    RUN_STATE_VERSION = 5,
    RUN_OPERATIONS_MAX = 256,
    RUN_RINGS_MAX = 4096,
    RUN_DEVICES_MAX = 64,
    RUN_NAME_MAX = 260,
    RUN_SCRATCH_MAX = 512,
    RUN_TOLD_MAX = 32,
    EVENT_RING_CAPACITY = 4096, /* events; a power of two */
};

/* Whether the server of an operation has come, and gone. */
enum run_server {
    RUN_SERVER_NONE,
    RUN_SERVER_HERE,
    RUN_SERVER_LEFT
};

/* An operation: one life of a set, Create to Close. Claimed by the interposer at Create. */
struct run_operation {
    _Atomic uint32_t ready;   /* 1: the fields below are filled */
    _Atomic uint32_t devices; /* device names filled, in index order */
    uint32_t device_count;    /* as passed to Create */
    uint32_t process;         /* that called Create */
    _Atomic uint32_t server;  /* enum run_server */
    _Atomic uint32_t server_process;
    char set_name[RUN_NAME_MAX];
    _Atomic uint64_t device_name[RUN_DEVICES_MAX]; /* run_name_hash of each; 0 = not known yet */
};

/* A request from the client's side to the server (request.h). Each step is a compare-exchange, so that a
 * request is either withdrawn or acted on, never both:
 *   NONE  -> ASKED  the asker, which then rings run_state.bell. Any other state: another one has asked already
 *   ASKED -> NONE   the asker's patience has ended, or the server refuses: the fault has not fired
 *   ASKED -> TAKEN  the server, before it acts: from here on the fault has fired, come what may
 *   TAKEN -> DONE   the server has acted, or whoever watched it saw it die of it; wakes the asker
 *   DONE  -> NONE   the asker has seen it */
enum run_request {
    RUN_REQUEST_NONE,
    RUN_REQUEST_ASKED,
    RUN_REQUEST_TAKEN,
    RUN_REQUEST_DONE
};

/* Whether the run's clocks may be moved on (docs/time.md). */
enum run_clock {
    RUN_CLOCK_REAL,   /* they run with the system's, whatever clock_ahead is by now */
    RUN_CLOCK_ARMED,  /* a fault may fire that leaves somebody waiting: waits are told (waits.h) */
    RUN_CLOCK_VIRTUAL /* one has: what nothing can end but its time limit is not waited for */
};

/* How often a fault matched and fired; one cache line of hot words, then the per-device counts. */
struct run_fault {
    _Atomic uint32_t fired;
    _Atomic uint32_t request;        /* enum run_request; futex of who asked */
    _Atomic uint32_t server_process; /* that took the last request */
    uint32_t reserved[13];
    _Atomic uint32_t seen[RUN_DEVICES_MAX]; /* matches of the site's name, per device */
};

/* What a client that writes into the state can make of clock_ahead at most: 73 years, to which times can be added. */
#define RUN_AHEAD_MAX (INT64_MAX / 4)

struct run_state {
    uint32_t magic;
    uint32_t version;
    uint64_t tick_rate; /* event_time_rate of the runner, 0: each process measures its own */
    uint32_t lonely[12];
    _Atomic uint64_t
        sequence; /* the last event sequence given out: by every call, so in a cache line of its own */
    uint64_t lonely_too[7];
    _Atomic uint32_t ring_count; /* ring.0 .. ring.N-1 exist, or are about to */
    _Atomic uint32_t set_count;
    _Atomic uint32_t operation_count;
    _Atomic uint32_t bell; /* bumped and woken at each fault request to the server */
    _Atomic uint32_t
        collected;         /* 1: a collector drains the rings; a full ring waits for it, else overwrites */
    _Atomic uint32_t lost; /* events of threads that got no ring, for want of room */
    _Atomic uint32_t stack_count; /* the last stack number given out */
    _Atomic uint32_t clock;       /* enum run_clock, the runner's to set */
    _Atomic uint32_t
        armed_from; /* the operation that sites of faults call 0 (--rearm); the runner's to set */
    _Atomic int64_t
        clock_ahead; /* ns that every clock of the run is ahead of the system's; only ever grows */
    char scratch[RUN_SCRATCH_MAX]; /* where nothing outlives the run; "": nowhere. Set before `clock` */
    _Atomic uint64_t
        told[RUN_TOLD_MAX]; /* hashes of what has been told and is to be told once a run; 0: free */
    struct run_operation operations[RUN_OPERATIONS_MAX];
    struct run_fault faults[PLAN_FAULTS_MAX];
};

static inline int64_t run_clock_ahead(const struct run_state *state)
{
    int64_t ahead = atomic_load_explicit(&state->clock_ahead, memory_order_acquire);
    return ahead < 0 ? 0 : ahead < RUN_AHEAD_MAX ? ahead : RUN_AHEAD_MAX;
}

/* Which operation of the run a site means. */
static inline int32_t run_site_operation(const struct run_state *state, const struct fault_site *site)
{
    return (int32_t)((uint32_t)site->operation + atomic_load(&state->armed_from));
}

/* A ring has one writer, its thread. head counts events ever written, tail events the collector has taken: each in a
 * cache line of who writes it. */
struct event_ring {
    uint32_t magic;
    uint32_t version;
    uint32_t process;
    uint32_t thread;
    uint32_t capacity;
    uint32_t reserved[11];
    _Atomic uint64_t head;
    _Atomic uint64_t dropped; /* events lost: overwritten, or no room and nobody collecting */
    uint64_t reserved_too[6];
    _Atomic uint64_t tail;
    _Atomic uint32_t space; /* futex: bumped by the collector after it moved tail */
    _Atomic uint32_t waiting;
    uint8_t pad[4096 - 144];
    struct event events[];
};
_Static_assert(sizeof(struct event_ring) == 4096, "events start on a page");

/* ---- the recording side: interposer, server ---- */

/* The value of a variable of the run (variables.c lists them): the environment's, else what it was when the process
 * started. NULL if neither; the second: that alone. */
const char *run_variable(const char *name);
const char *run_variable_at_start(const char *name);

/* Attaches to the folder named by VDIFAULT_TRACE, or to private memory when the variable is unset (counters
 * work, events go nowhere). Safe to call repeatedly and from any thread; never fails: the result is never
 * NULL. */
extern _Atomic(struct run_state *) run_attached_state;
struct run_state *run_state_attach_first(void);
static inline struct run_state *run_state_attach(void)
{
    struct run_state *state = atomic_load_explicit(&run_attached_state, memory_order_acquire);
    return state != NULL ? state : run_state_attach_first();
}
bool run_state_is_recorded(void); /* a folder is attached */

/* Publishes the event with its text (may be NULL); sequence, time, version, process (but of EVENT_PROCESS_EXIT), thread
 * and text_records are filled in then. Returns the sequence. Preserves errno. Safe after fork. */
uint64_t event_record(const struct event *event, const char *text);
/* Makes the thread's ring, if it has none: for who needs much of its stack before the event. Likewise. */
void event_prepare(void);

uint64_t run_name_hash(const char *name); /* FNV-1a 64, never 0 */
/* What has this hash is to be told now: it has not been in this run, and not too much else has. */
bool run_is_first(uint64_t hash);
/* A new operation for a Create that is about to be made; its device 0 is named like the set (spec 3.5). -1:
 * no room. Claimed before the call, so that a server that attaches at once finds it. */
int32_t run_claim_operation(const char *set_name, uint32_t device_count);
/* Gives it back after a Create that failed, so that an index counts lives of sets. A later claim keeps it
 * used up. */
void run_drop_operation(int32_t operation);
/* The newest operation whose set has this name, or -1. */
int32_t run_find_operation(const char *set_name);
/* Index of the device called `name`, appended if unknown; -1 if there is no room. */
int32_t run_device_index(int32_t operation, const char *name);

/* The plan is as if nothing had been counted or fired yet, from the next operation on. While no call is under way. */
void run_rearm(struct run_state *state);

/* Counts one arrival at a site and says whether the fault fires there. For FAULT_NTH_LAST the caller has
 * resolved nth before. Counts per operation and device; a fault without "+" fires once over the whole run
 * (once per device with FAULT_DEVICE_EACH). On true, `fired` has been raised. */
bool run_fault_arrive(uint32_t index, const struct fault *fault, int32_t operation, int32_t device);
/* After run_fault_arrive: it turned out impossible, or is to happen later; it has not fired. */
void run_fault_take_back(uint32_t index);
/* The moment of one that was taken back has come. False: another device was the first, and it fires no more. */
bool run_fault_fire(uint32_t index, const struct fault *fault);

/* ---- the supervising side ---- */

int run_state_create(const char *folder);                      /* 0 or errno */
int run_state_map(const char *folder, struct run_state **out); /* 0 or errno */
/* For another run in the same folder, once nobody is left who records: the state is as new, and so is each ring, whose
 * file stays for whoever comes next. 0 or errno: the folder is of no further use. */
int run_state_renew(const char *folder);

/* Takes what the rings hold: calls `take` for each event in ring order (not run order) with its text (NUL
 * terminated, "" if none). Remembers rings between calls in *collector. A client can write what it likes into
 * its rings: kind, function, device, operation and a fault's index of what `take` gets are within their tables
 * and repeat is 0; an event of which that is not true is not taken but counted as dropped. */
struct collector;
typedef void collector_take(void *context, const struct event *event, const char *text);
int collector_open(const char *folder, struct run_state *state, struct collector **out);
/* A folder that nobody records into any more (what a client without a runner left behind) is read as it lies, from
 * copies: nothing in it changes. 0; ENOENT: no such folder, or no run state in it; EPROTO: not of this version; errno.
 */
int collector_open_copy(const char *folder, struct collector **out);
void collector_drain(struct collector *collector, collector_take *take, void *context);
uint64_t collector_dropped(const struct collector *collector);
void collector_close(struct collector *collector);

#endif
