/* scenario.h - what happens to one virtual device set, call by call: the unit of fuzzing and of reproduction.
 *
 * A scenario is a setting (the set, the server's readings, the schedule) and a list of lines. A line is one thing
 * that one actor does: a thread of the client, a thread of a secondary, the server, or the world around them, which
 * writes into shared memory, kills processes or moves the clock. Lines are started in order. A call that is not
 * marked `begins` has returned before the next line starts, unless nothing but a later line can make it return.
 *
 * There are two forms of one scenario:
 *   text    one line each, with comments, for people and version control (scenario_parse, scenario_print):
 *             devices 2
 *             client Create(0)                              -> NOERROR
 *             client GetConfiguration(timeout 1000) ...
 *             server Open()                                 -> NOERROR
 *             ...
 *             client ... GetConfiguration                   -> NOERROR
 *             client OpenDevice(0)
 *             client.2 GetCommand(0, timeout 60000) ...
 *             server SendCommand(0, Write, 65536 bytes, buffer 0)
 *             client.2 ... GetCommand                       -> NOERROR
 *             client.2 CompleteCommand(0, held 0, SUCCESS, 65536 bytes)
 *             world kill server
 *           Expected results are optional, and those of a recorded trace are written the same way.
 *   binary  struct scenario as it is, without its tail of unused lines: what a fuzzing engine works on. It needs no
 *           parsing; scenario_decode only brings every field into its range, so that any bytes are a scenario, and
 *           encoding what was decoded gives the same scenario.
 *
 * Responsible for: what a scenario may say, its two forms, and their being equal. Not responsible for making it happen
 * (play.h), for faults and the server's stream (plan.h: a scenario's `fault` and `server` lines are a plan's, in its
 * own text), or for what is correct (src/model, src/rules).
 *
 * Plain data, no allocation, no I/O; any thread.
 */
#ifndef VDIFAULT_SCENARIO_H
#define VDIFAULT_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
    SCENARIO_LINES_MAX = 256,
    SCENARIO_DEVICES_MAX = 8,
    SCENARIO_THREADS_MAX = 4, /* of one process */
    SCENARIO_BUFFERS_MAX = 8, /* the server's, by the order of AllocateBuffer */
    SCENARIO_HELD_MAX = 16,   /* commands in a device's hands, the oldest is 0 */
    SCENARIO_MAGIC = 0x53,
};

/* Who does it. */
enum scenario_side {
    SCENARIO_CLIENT,
    SCENARIO_SECONDARY,
    SCENARIO_SERVER,
    SCENARIO_WORLD,
    SCENARIO_SIDE_COUNT
};

/* What: SCENARIO_CLIENT_CREATE and so on, one row of scenario.def each. */
enum scenario_verb {
#define VERB(id, ...) SCENARIO_##id,
#include "scenario.def"
    SCENARIO_VERB_COUNT
};

enum scenario_flag {
    SCENARIO_BEGINS = 1, /* the next line does not wait for its return */
    SCENARIO_ENDS = 2,   /* no call: waits for the return of the one that the actor began last */
};

/* What an argument is: how it is written, its range, and the values worth trying. */
enum scenario_type {
    SCENARIO_NOTHING,
    SCENARIO_DEVICE,  /* index; SCENARIO_DEVICES_MAX: a name that no device has */
    SCENARIO_NAME,    /* of a set: index; the names themselves are play.h's */
    SCENARIO_MS,      /* timeout in milliseconds; -1: for ever */
    SCENARIO_BYTES,
    SCENARIO_COMMAND, /* VDC_* */
    SCENARIO_CODE,    /* a completion code: ERROR_SUCCESS ... */
    SCENARIO_HELD,    /* which of the commands in hand */
    SCENARIO_BUFFER,  /* which of the server's buffers; SCENARIO_BUFFERS_MAX: an address that is none */
    SCENARIO_NUMBER,
    SCENARIO_WORD,    /* of shared memory: which, as play.h numbers them */
    SCENARIO_TYPE_COUNT
};

enum {
    SCENARIO_ARGS = 4
};

/* 32 bytes, little end first in the binary form. */
struct scenario_line {
    uint8_t verb;   /* enum scenario_verb; it tells the side */
    uint8_t thread; /* of that side's process */
    uint8_t flags;  /* enum scenario_flag */
    uint8_t expects; /* 0: nothing; else `result` is what the call is expected to give */
    int32_t result; /* not part of the binary form: 0 there */
    int32_t arg[2];
    int64_t wide[2];
};

struct scenario_verb_info {
    const char *name;
    enum scenario_side side;
    enum scenario_type type[SCENARIO_ARGS]; /* arg[0], arg[1], wide[0], wide[1] */
    const char *word[SCENARIO_ARGS];        /* before the value: "timeout"; "" none */
};
const struct scenario_verb_info *scenario_verb_info(enum scenario_verb verb);

/* How lines of several actors are interleaved, where only the simulation can do that (os/sim.h). */
enum scenario_schedule {
    SCENARIO_IN_ORDER, /* as written; an actor goes on until it sleeps */
    SCENARIO_ROUND_ROBIN,
    SCENARIO_RANDOM,
    SCENARIO_PCT, /* random priorities, and so many changes of them */
    SCENARIO_SCHEDULE_COUNT
};

struct scenario {
    uint8_t magic;
    uint8_t device_count; /* from 1 */
    uint8_t schedule;     /* enum scenario_schedule */
    uint8_t changes;      /* of SCENARIO_PCT */
    uint32_t dialects;    /* bits of enum model_dialect (model.h) */
    uint32_t features;    /* VDConfig's, as the client asks for them */
    uint32_t line_count;
    uint64_t seed; /* of schedule */
    struct scenario_line lines[SCENARIO_LINES_MAX];
};

_Static_assert(sizeof(struct scenario_line) == 32, "the engines' input");
_Static_assert(offsetof(struct scenario, lines) == 24, "the engines' input");

void scenario_init(struct scenario *scenario); /* one device, in order, no lines */

/* Any bytes are a scenario: what is out of range is brought into it, what is missing is 0. */
void scenario_decode(const uint8_t *bytes, size_t length, struct scenario *scenario);
/* Returns the length; 0: it does not fit. */
size_t scenario_encode(const struct scenario *scenario, uint8_t *bytes, size_t size);

struct scenario_error {
    uint32_t line;   /* from 1 */
    uint32_t offset; /* in that line */
    char message[128];
};
/* 0, or EINVAL with *error. Text that scenario_print wrote gives the same scenario again. */
int scenario_parse(const char *text, size_t length, struct scenario *scenario, struct scenario_error *error);
/* As snprintf. */
int scenario_print(const struct scenario *scenario, char *text, size_t size);
int scenario_print_line(const struct scenario_line *line, char *text, size_t size);

#endif
