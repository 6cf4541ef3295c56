/* scenario.h - what happens to one virtual device set, call by call: the unit of fuzzing and of reproduction.
 *
 * A scenario is a setting (how many devices, the documents' readings, the schedule) and a list of lines. A line is one
 * thing that one actor does: a thread of a client's process, a thread of the server, or the world around them, which
 * writes into shared memory, kills processes or moves the clock. Lines are started in order. A call that is not marked
 * `begins` has returned before the next line starts, unless nothing but a later line can make it return; an actor's
 * next line waits until its last one has returned. What can be done is a table, scenario.def.
 *
 * There are two forms of one scenario:
 *   text    one line each, with comments, for people and version control (scenario_parse, scenario_print):
 *             devices 2
 *             client Create(set, features LikeTape)         -> NOERROR
 *             client GetConfiguration(timeout 1000) ...
 *             server Open(set)                              -> NOERROR
 *             ...
 *             client ... GetConfiguration                   -> NOERROR
 *             client OpenDevice(0)
 *             client.2 GetCommand(0, timeout forever) ...
 *             server SendCommand(0, Write, buffer 1, size 65536)
 *             client.2 ... GetCommand                       -> NOERROR
 *             client.2 CompleteCommand(0, SUCCESS, bytes 65536)   # of the oldest in hand
 *             world Kill(server)
 *           Expected results are optional, and those of a recorded trace are written the same way. An argument that is
 *           told by a word may be left out: it is 0 then. Lines of a plan (`fault lost-close`, `server seed 3`: plan.h)
 *           may stand anywhere between; they go to a struct plan beside the scenario.
 *   binary  struct scenario as it is, without its unused lines: what a fuzzing engine works on. It needs no parsing;
 *           scenario_decode only brings every field into its range, so that any bytes are a scenario, and encoding
 *           what was decoded gives the same scenario.
 * 0 is a legal value of every field, and a line of zeros a legal line.
 *
 * Responsible for: what a scenario may say, its two forms, and their being equal. Not responsible for making it happen
 * (play.h), for faults and the server's stream (plan.h), or for what is correct (src/model, src/rules).
 *
 * Plain data, no allocation, no I/O; any thread.
 */
#ifndef VDIFAULT_SCENARIO_H
#define VDIFAULT_SCENARIO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "fault.h"

struct plan;

enum {
    SCENARIO_LINES_MAX = 256,
    SCENARIO_DEVICES_MAX = 8, /* that lines can speak of; a set may be asked for more */
    SCENARIO_COUNT_MAX = 65,  /* of devices: one more than a set can have, so that Create refuses it */
    SCENARIO_THREADS_MAX = 4, /* of one process */
    SCENARIO_BUFFERS_MAX = 8, /* of the server's, by the order of successful AllocateBuffer calls, from 1 */
    SCENARIO_HANDLES_MAX = 8, /* by the order of successful GetBufferHandle calls, whoever's, from 1 */
    SCENARIO_HELD_MAX = 16,   /* commands of a device in its process's hands; the oldest is 0 */
    SCENARIO_MAGIC = 0x53,    /* no text begins so, with the version behind it */
    SCENARIO_VERSION = 1,
};

/* Whose process. Each of the first three may make every call of a client; the first is meant to be the primary. */
enum scenario_process {
    SCENARIO_CLIENT,
    SCENARIO_SECONDARY,
    SCENARIO_ANOTHER,
    SCENARIO_SERVER,
    SCENARIO_WORLD, /* has one thread */
    SCENARIO_PROCESS_COUNT
};

/* What: SCENARIO_CLIENT_CREATE and so on, one row of scenario.def each. */
enum scenario_verb {
#define VERB(id, ...) SCENARIO_##id,
#include "scenario.def"
    SCENARIO_VERB_COUNT
};

enum scenario_flag {
    SCENARIO_BEGINS = 1, /* the next line does not wait for its return */
    SCENARIO_ENDS = 2, /* no call: waits for the return of the one that the actor began last; no arguments */
};

/* What an argument is: how it is written, its range, and the values worth trying. Numbers from 0 unless told. */
enum scenario_type {
    SCENARIO_NOTHING,
    SCENARIO_DEVICE,   /* index; SCENARIO_DEVICES_MAX: `unknown`, one that no set has */
    SCENARIO_NAME,     /* enum scenario_name */
    SCENARIO_FEATURES, /* bits of VDF_* */
    SCENARIO_COMMAND,  /* VDC_*; 0 and the one behind the last are none */
    SCENARIO_CODE,     /* a completion code: ERROR_SUCCESS ...; any 32 bits, signed */
    SCENARIO_HELD,     /* which of the commands in hand; one that is not: a command that is none */
    SCENARIO_BUFFER, /* 0: `none`, a null pointer; SCENARIO_BUFFERS_MAX + 1: `foreign`, an address that is none */
    SCENARIO_HANDLE,   /* 0: `none`, a number that no call gave */
    SCENARIO_NUMBER,   /* any 32 bits, unsigned: sizes, counts, milliseconds of the configuration, steps */
    SCENARIO_TARGET,   /* enum scenario_process but the world: whom to kill */
    SCENARIO_ACTOR,    /* as in `who` */
    SCENARIO_WORD,     /* of shared memory: a row of words.def */
    SCENARIO_MS,       /* timeout in milliseconds, 64 bits; -1 and below: `forever` */
    SCENARIO_BYTES,    /* any 64 bits, unsigned */
    SCENARIO_POSITION, /* any 64 bits, signed */
    SCENARIO_VALUE,    /* any 64 bits, in hex */
    SCENARIO_TYPE_COUNT
};

/* What a set may be called; the world has at most these. Good ones first. */
enum scenario_name {
    SCENARIO_NAME_SET,
    SCENARIO_NAME_OTHER,
    SCENARIO_NAME_LONGEST, /* 259 bytes */
    SCENARIO_NAME_EMPTY,
    SCENARIO_NAME_TOO_LONG, /* 260 bytes */
    SCENARIO_NAME_BACKSLASH,
    SCENARIO_NAME_COUNT
};

/* Words of shared memory that the world may write: SCENARIO_WORD_HEADER_phase, ..., by words.def. Behind those:
 * any byte of the control object, and any byte of a buffer area. */
enum scenario_word {
#define WORD(region, name, field) SCENARIO_WORD_##region##_##name,
#include "words.def"
    SCENARIO_WORD_COUNT
};

enum {
    SCENARIO_NARROW = 3, /* arguments of 32 bits */
    SCENARIO_WIDE = 2,   /* of 64 */
    SCENARIO_ARGS = SCENARIO_NARROW + SCENARIO_WIDE
};

/* 32 bytes, little end first in the binary form. */
struct scenario_line {
    uint8_t verb;    /* enum scenario_verb */
    uint8_t who;     /* scenario_actor() */
    uint8_t flags;   /* enum scenario_flag */
    uint8_t expects; /* 0: nothing; else a result, see scenario_expected */
    int32_t arg[SCENARIO_NARROW];
    int64_t wide[SCENARIO_WIDE];
};

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
    uint8_t version;
    uint8_t device_count; /* as the client asks for them in Create; 0 to SCENARIO_COUNT_MAX */
    uint8_t schedule;     /* enum scenario_schedule */
    uint32_t dialects;    /* bits of enum model_dialect (model.h) */
    uint64_t seed;        /* of schedule */
    uint32_t changes;     /* of SCENARIO_PCT */
    uint32_t line_count;
    struct scenario_line lines[SCENARIO_LINES_MAX];
};

_Static_assert(sizeof(struct scenario_line) == 32, "the engines' input");
_Static_assert(offsetof(struct scenario, lines) == 24, "the engines' input");

enum {
    SCENARIO_HEADER_BYTES = 24,
    SCENARIO_LINE_BYTES = 32,
    SCENARIO_BYTES_MAX = SCENARIO_HEADER_BYTES + SCENARIO_LINES_MAX * SCENARIO_LINE_BYTES
};

/* ---- the verbs ---- */

enum scenario_result_kind {
    SCENARIO_RESULT_NONE,  /* nothing that could be expected */
    SCENARIO_RESULT_CODE,  /* NOERROR, VD_E_* */
    SCENARIO_RESULT_TRUTH, /* TRUE, FALSE */
};

struct scenario_arg_info {
    enum scenario_type type;
    const char *word; /* before the value: "timeout"; "": none, and then it must be given */
};

struct scenario_verb_info {
    const char *name;
    enum scenario_process process; /* SCENARIO_CLIENT: of any client's process */
    enum scenario_result_kind gives;
    bool simulation_only;
    struct scenario_arg_info args[SCENARIO_ARGS]; /* arg[0] to arg[2], wide[0], wide[1] */
};
const struct scenario_verb_info *scenario_verb_info(enum scenario_verb verb);

static inline uint8_t scenario_actor(enum scenario_process process, uint32_t thread)
{
    return (uint8_t)(process * SCENARIO_THREADS_MAX + thread);
}

static inline enum scenario_process scenario_actor_process(uint8_t who)
{
    return (enum scenario_process)(who / SCENARIO_THREADS_MAX);
}

static inline uint32_t scenario_actor_thread(uint8_t who)
{
    return who % SCENARIO_THREADS_MAX;
}

/* An argument by its place, 0 to SCENARIO_ARGS - 1; unsigned types of 32 bits without a sign. */
int64_t scenario_arg(const struct scenario_line *line, uint32_t place);
void scenario_set_arg(struct scenario_line *line, uint32_t place, int64_t value);

/* The result that the line expects: false if none. TRUE is 1, FALSE is 0. */
bool scenario_expected(const struct scenario_line *line, int32_t *result);
/* Makes the line expect it; false, and it expects nothing, if its verb gives no such result. */
bool scenario_expect(struct scenario_line *line, int32_t result);

/* Whether the simulation alone can make it happen: a schedule, writes into memory, the clock. */
bool scenario_needs_simulation(const struct scenario *scenario);

/* ---- the two forms ---- */

void scenario_init(struct scenario *scenario); /* one device, in order, no lines */
/* Any bytes are a scenario: what is out of range is brought into it, what is missing is 0, the header's count of
 * lines is not believed. Lines behind the last one are left as they were. */
void scenario_decode(const uint8_t *bytes, size_t length, struct scenario *scenario);
bool scenario_equal(const struct scenario *a, const struct scenario *b);

/* Brings every field into its range, as decoding does: what is in range stays as it is. */
void scenario_settle(struct scenario *scenario);
void scenario_line_settle(struct scenario_line *line);
/* Returns the length; 0: it does not fit. */
size_t scenario_encode(const struct scenario *scenario, uint8_t *bytes, size_t size);

/* Parses into *scenario, from nothing; the plan's lines on top of *plan (NULL: there must be none). 0, or EINVAL with
 * *error (offset within the line) and *line, from 1. Text that scenario_print wrote gives the same scenario again. */
int scenario_parse(const char *text, size_t length, struct scenario *scenario, struct plan *plan,
                   struct fault_error *error, uint32_t *line);
/* Either form, by what it looks like: what holds a byte that is neither text nor white space is binary. As
 * scenario_parse; binary is never refused. */
int scenario_read(const uint8_t *bytes, size_t length, struct scenario *scenario, struct plan *plan,
                  struct fault_error *error, uint32_t *line);
/* As snprintf; the text of a plan: plan_format. */
int scenario_print(const struct scenario *scenario, char *text, size_t size);
/* One line without its line end. */
int scenario_print_line(const struct scenario_line *line, char *text, size_t size);

#endif
