/* sim.h - os.h in one process, deterministic: a world of processes, fibers, virtual time and shared memory.
 *
 * Responsible for: everything os.h promises, and what a test needs beside it: who goes on when, when time passes, who
 * dies where, which allocation fails, what a stranger writes into shared memory, and a hash of all that happened.
 * Not responsible for: what fibers do (the caller's), what is correct (src/model, src/rules), and what core remembers
 * from one world to the next: event_set_spinning(false) (core/shared_event.h) before the first one.
 *
 * One concept each:
 *   world    between sim_begin and sim_end; one at a time. What is of a world is gone with it.
 *   process  a number, what it has mapped, and whether it lives. No process shares memory but through os.h.
 *   fiber    a thread of a process: a function with a stack of its own. It goes on until a switch.
 *   step     a point where another fiber may go on instead: each access through core/shared.h where core is built with
 *            VDIFAULT_STEPS (the library vdi_core_sim), and each os_wait, os_wake, os_pause and wait on a watch.
 *   time     stands still but where somebody looks: os_now and os_pause take a microsecond each. When nobody can go
 *            on, it jumps to the earliest deadline.
 *
 * Shared memory: every byte of an object is there, none beside it. With AddressSanitizer an access before, behind, or
 * after the last unmapping is reported at once, since no place is used twice in a world; after a process's own last
 * unmapping, too, where processes have addresses of their own (sim_options.apart).
 *
 * Determinism: one scenario in one build gives one trace, one result of every call and one sim_hash, always. Nothing
 * here asks the machine for a time, an address, a number of its own or chance. What the caller has to add: fibers
 * decide nothing by addresses of their own memory or by static state that outlives a world.
 *
 * fork: a child that goes on with the world it was born in shares its memory with the parent's; what it begins itself
 * is its own.
 * Threads: none. All of it, os.h's functions included, is for the one thread that called sim_begin. Outside of fibers
 * (before, after and between sim_run) the caller is the process that sim_become named: nothing switches, and a wait
 * ends at once, its deadline passed; one without a deadline is the caller's mistake.
 * Errors: mistakes of the caller's (numbers that are none, more fibers than there is room for) end in an assertion.
 */
#ifndef VDIFAULT_OS_SIM_H
#define VDIFAULT_OS_SIM_H

#include "os.h"

enum {
    SIM_FIBERS_MAX = 32,    /* of one world, ever */
    SIM_PROCESSES_MAX = 8,  /* likewise */
    SIM_STACK = 256 << 10,  /* bytes of a fiber's stack; an overflow is a crash, never a silent one */
    SIM_LOOK_NS = 1000,     /* what a look at the clock takes */
    SIM_STEPS_MAX = 200000, /* default of sim_options.steps_max */
};

/* --- the world --- */

enum sim_schedule {
    SIM_IN_ORDER,    /* a fiber goes on until it sleeps or pauses, then the next by number */
    SIM_ROUND_ROBIN, /* every fiber in turn, a step each */
    SIM_RANDOM,      /* at each step any, by seed; the one that runs more often than the others */
    /* The highest of random priorities; at `changes` random steps the one that runs gets the lowest of all, and so
     * does whoever pauses, or goes on for 1,000 steps while others could. */
    SIM_PCT,
    /* As an input says, in order when it is over. Where the running fiber can go on: a byte, for how many steps it does
     * (up to 223; above, 64 for each), then whom to go on with; where it cannot: whom. The fibers that can go on, by
     * number, are counted from 0 modulo their number; the only one is not asked for. */
    SIM_BYTES,
    SIM_CHOOSE, /* as a function says */
};

struct sim_options {
    enum sim_schedule schedule;
    uint64_t seed;        /* of RANDOM and PCT */
    uint32_t changes;     /* PCT: d - 1 of a bug of depth d */
    uint32_t length;      /* PCT: about how many steps a run has; 0: 1,000 */
    const uint8_t *bytes; /* BYTES; the caller's, until sim_end */
    size_t byte_count;
    /* CHOOSE: one of `options` (2 and more). `forced`: 0 is that the one that runs goes on, anything else
     * interrupts it; otherwise it cannot or has paused. The others come by number. */
    uint32_t (*choose)(void *context, uint32_t options, bool forced);
    void *context;
    uint32_t steps_max; /* of one fiber since its last sim_call: more is an endless loop; 0: SIM_STEPS_MAX */
    size_t memory;      /* bytes of shared memory there are; 0: as many as there is room for */
    bool apart;         /* each process has addresses of its own for what it shares */
};

/* A new world: process 1 lives, and the caller is it. The default options are all zero. What an earlier world left,
 * ended or not, is gone. */
void sim_begin(const struct sim_options *options);
void sim_end(void);

/* --- processes --- */

/* Numbers from 1; os_process_self's pid is this number. `name` lives as long as the world. */
uint32_t sim_process(const char *name);
void sim_become(uint32_t process); /* outside of fibers: whom the caller acts for */
/* It dies where it stands: its fibers never go on, its mappings and its objects without a name are gone, and
 * so is what core allocated for it: its sets are not to be freed. One of its own fibers that calls this does not
 * return. */
void sim_kill(uint32_t process);
void sim_kill_at(uint32_t process, uint32_t steps); /* that many of its steps from now; 0: at the next one */
void sim_stop(uint32_t process);                    /* its fibers do not go on until sim_continue; it lives */
void sim_continue(uint32_t process);
bool sim_lives(uint32_t process); /* stopped or not */
bool sim_stands(uint32_t process);
/* What os_process_alive says of one that goes on nevertheless: a peer whose number lies, or that is out of sight. */
void sim_feign_death(uint32_t process, bool dead);

/* --- fibers --- */

/* Returns its number, from 0 in order. It begins when sim_run, or another fiber's switch, gets to it; it ends when
 * `body` returns. */
uint32_t sim_start(uint32_t process, const char *name, void (*body)(void *context), void *context);
/* The running fiber rests until sim_resume: for fibers that get their work piece by piece. To rest is no wait. */
void sim_rest(void);
void sim_resume(uint32_t fiber); /* if it rests; a sim_resume that comes first counts */
uint32_t sim_self(void);         /* the running fiber; UINT32_MAX: none */
/* This fiber goes on next, if it can: at once where another one runs, or else when sim_run begins. */
void sim_switch(uint32_t fiber);
/* The running fiber begins a call of this name: for reports. Its steps count from 0. */
void sim_call(const char *function);

enum sim_end {
    SIM_DONE,    /* every fiber has ended, is dead, or rests */
    SIM_STUCK,   /* some wait, none has a deadline, nobody is left to wake them (or who could is stopped) */
    SIM_QUIET,   /* nobody can go on before `until`, which it is now */
    SIM_ENDLESS, /* the fiber sim_culprit made more than steps_max steps */
};

/* Lets fibers go on until there is nothing more to do at `until` (OS_FOREVER: until there never is). It may be called
 * again, after the caller has changed something; fibers go on where they stood. Not from a fiber.
 *
 * core waits in slices, to look whether its peer lives: who waits there for ever is not SIM_STUCK, but wakes for nothing
 * until SIM_QUIET, if `until` says when, or else until it is SIM_ENDLESS. sim_fiber.since tells it from the others. */
enum sim_end sim_run(int64_t until);
uint32_t sim_culprit(void);

enum sim_state {
    SIM_READY,
    SIM_WAITS,
    SIM_RESTS,
    SIM_ENDED,
    SIM_DEAD /* its process was killed */
};

/* How a fiber stands; names are as they were given. */
struct sim_fiber {
    const char *name, *function; /* function: sim_call's; NULL: none */
    uint32_t process;
    enum sim_state state;
    uint32_t steps;           /* since sim_call */
    int64_t since;            /* nobody has woken it, and it has begun no call (sim_call) since */
    int64_t deadline;         /* the rest: of SIM_WAITS */
    uint32_t expected;        /* it waits while the word is this */
    uint64_t offset;          /* the word's, in an object */
    char object[OS_NAME_MAX]; /* which; "" = memory of its process, or a watch */
};
void sim_look(uint32_t fiber, struct sim_fiber *state);
uint32_t sim_count(void); /* how many fibers have been started in this world */

/* One line for a report: "thread 2 of client: GetCommand waits for NAME+640 (is 3) without a deadline". As snprintf. */
int sim_explain(uint32_t fiber, char *text, size_t size);

/* --- time --- */

int64_t sim_time(void);       /* os_now without a look at the clock: nothing changes */
void sim_advance(int64_t ns); /* as if nobody had been able to go on for so long */

/* That many steps from now, anybody's, it happens: within the step, on whatever fiber makes that. It may kill, stop,
 * continue, switch and write, and must not wait; it may not return. At most 256 are ahead. */
void sim_at(uint32_t steps, void (*happen)(void *context), void *context);

/* --- failures --- */

enum sim_operation {
    SIM_CREATE,
    SIM_PUBLISH,
    SIM_OPEN,
    SIM_UNLINK, /* os_memory_unlink_own, too */
    SIM_WATCH,
    SIM_ALLOCATE, /* sim_malloc and sim_calloc: NULL, whatever `error` */
    SIM_OPERATION_COUNT
};

/* The nth of these operations from now, from 1, of any process, gives `error`; once. n = 0: none does. */
void sim_fail(enum sim_operation operation, uint32_t n, int error);

/* --- a stranger who writes into shared memory --- */

enum sim_how {
    SIM_SET,
    SIM_ADD,
    SIM_FLIP,
    SIM_HOW_COUNT
};

/* One write of the stranger's: `width` bytes (1, 4 or 8) at `offset` of the index-th object that has or had a name,
 * both taken modulo what there is when it happens. */
struct sim_write {
    uint32_t object;
    uint32_t offset;
    uint32_t width;
    enum sim_how how;
    uint64_t value;
};

void sim_write_now(const struct sim_write *write);
void sim_write_at(const struct sim_write *write, uint32_t steps); /* that many steps from now, anybody's */
/* From now on: every `interval` steps a write to the first object that `seed` makes up, `count` times. */
void sim_storm(uint64_t seed, uint32_t interval, uint32_t count);

/* --- what there is, and what happened --- */

bool sim_maps(const void *at, size_t size); /* [at, at + size) lies in one object that somebody has mapped */
uint32_t sim_mappings(uint32_t process);    /* 0: of all processes together */
uint32_t sim_names(
    char name[OS_NAME_MAX]); /* how many objects have a name; `name`, unless NULL: one of them */
uint32_t sim_watches(void);  /* open ones */

void sim_note(uint64_t value); /* becomes part of the hash: what a call gave, for one */
uint64_t sim_hash(void);       /* of every step, switch and result since sim_begin */

struct sim_counts {
    uint64_t steps;
    uint64_t switches;
    uint64_t jumps; /* of the clock */
};
struct sim_counts sim_counts(void);

/* --- for what is built on top --- */

/* malloc, calloc and free, for what is to be gone with its process: those of core in vdi_core_sim. What has been
 * allocated outside of a world may be freed in it, and the other way round. */
void *sim_malloc(size_t size);
void *sim_calloc(size_t count, size_t size);
void sim_free(void *address);

/* A step: the running fiber is about to read (or, `store`, change) `field`. core's shared_step is this. */
void sim_step(bool store, const void *field);

#endif
