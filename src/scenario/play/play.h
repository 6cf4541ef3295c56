/* play.h - makes a scenario happen on the core, both sides in this process, and says whether what came of it may come.
 *
 * Responsible for: the calls that the lines stand for, in order; the reference model in lockstep (src/model): each
 * result must be one that the model allows; the states that can be asked for must be the model's; the data that the
 * server sends arrives, and what the client answers comes back; each command is called back exactly once, with what it
 * was completed with; buffers lie apart from one another, prefix zone and all. The first deviation ends the scenario.
 * Not responsible for: the world around (struct play_host), for the meaning of a line's text (scenario.h), or for
 * printing.
 *
 * A line that there is nothing to call for (a device that was never opened, a command that was never fetched), or
 * nobody (the process is dead or stands still), is passed over.
 *
 * The world: a process that dies between calls leaves a set whose state is known, and the others find out. Where it dies
 * or stops inside of a call, where a stranger writes, and where two calls have gone on step by step beside one another,
 * nobody can say what has been done: from then on results need only be some that the function has in any state; but still each call
 * returns, each command is called back once, all can be closed, and nothing is left behind.
 *
 * Threads: a call that begins, and every call while one is out, is made on the thread of its actor; so what it waits
 * for may come with a later line. Where the host has no threads, and for a call beside which nothing else happens,
 * nothing can come: it is made on the caller's thread, and its timeout, if it has one, is one millisecond. The end
 * aborts both sides; who then still waits does so without a reason to end, which is a deviation.
 *
 * Ownership: a play belongs to the caller and may play any number of scenarios, one after the other; nothing of one is
 * left for the next. Errors: a deviation is not an error, but an outcome. One thread at a time.
 */
#ifndef VDIFAULT_PLAY_H
#define VDIFAULT_PLAY_H

#include "model.h"
#include "scenario.h"

struct event;

enum {
    PLAY_DEVIATION_MAX = 320,
};

struct play_outcome {
    uint32_t calls; /* lines for which a call was made */
    /* By line, of the scenario's lines. A line that ends another one has that one's result, once it has returned. */
    bool made[SCENARIO_LINES_MAX];
    int32_t results[SCENARIO_LINES_MAX]; /* of what was made; 0 where the function has none */
    uint32_t deviating_line;             /* from 1; 0: of the end, or none */
    char deviation[PLAY_DEVIATION_MAX];  /* one sentence; "": what happened is allowed */
};

/* A call that the model knows, and what it was made on: for whoever counts how far scenarios come. */
struct play_transition {
    enum model_function function;
    enum model_state state; /* before the call, of the caller's side */
    enum model_state next;  /* after it */
    int32_t result;
    uint32_t device; /* how the device of the call stood, PLAY_DEVICE_SHAPES of them; 0: it is on none */
};
enum {
    PLAY_DEVICE_SHAPES = 1024
};

enum play_being {
    PLAY_LIVES,
    PLAY_STANDS, /* stopped */
    PLAY_IS_DEAD,
};

/* Where it happens: what the os.h it is linked with can do beside what os.h says. Each may be NULL. */
struct play_host {
    void (*begin)(const struct scenario *scenario);
    void (*line)(uint32_t line);                   /* it is next, from 1; 0: both sides leave */
    void (*become)(enum scenario_process process); /* the calls that follow are its */
    /* The actor's own thread makes the call as soon as threads go on; it has returned from the last one. */
    void (*call)(uint8_t who, void (*make)(void *context), void *context);
    /* Lets threads go on until nothing more happens before so much time has passed. */
    void (*go_on)(int64_t ns);
    void (*explain)(uint8_t who, char *text, size_t size); /* what the actor waits for */
    void (*kill)(enum scenario_process process);
    /* Both sides have left. False: something is not over, and `text` says what. */
    bool (*end)(char *text, size_t size);
    void (*transition)(const struct play_transition *transition);
    /* What the line of the world's says, at once or as many steps from now. False: it cannot. */
    bool (*world)(const struct scenario_line *line);
    enum play_being (*being)(enum scenario_process process); /* NULL: all live */
    /* How many steps the actor has made of its present call; NULL: calls never go on step by step beside one another. */
    uint32_t (*steps)(uint8_t who);
    /* Whether it surely has shared memory for so many bytes of buffers, all of the scenario's together; NULL: yes. */
    bool (*has_room)(uint64_t bytes);
    void (*litter)(void); /* names may be left that nobody could know of: end does not count them */
    /* What the interposer and the server would record (event.h, call_events.h), in order, from line 1 on: the calls by
     * which the end cleans up are not among them. NULL: nothing is made of it. */
    void (*event)(void *context, const struct event *event, const char *text);
    void *event_context;
    int64_t (*now)(void); /* the events' time, in ns; NULL: 0 */
    /* Somebody else than the core has changed a result by now: nothing deviates any more. */
    bool (*excuses)(void);
};
extern const struct play_host play_in_simulation; /* over os/sim.h; library vdi_play_sim */
extern const struct play_host
    play_in_shared_memory; /* over os/posix.c; library vdi_play_shm, once a process */

struct play *play_new(const struct play_host *host); /* NULL: no memory */
void play_free(struct play *play);

void play_scenario(struct play *play, const struct scenario *scenario, struct play_outcome *outcome);

/* The same line by line, for a scenario whose lines come one by one: begin, next for each line from 0 until one deviates,
 * end. Once it has begun the scenario's setting stays, and both objects do until the end. */
void play_begin(struct play *play, const struct scenario *scenario, struct play_outcome *outcome);
void play_next(struct play *play, uint32_t index);
void play_end(struct play *play);

#endif
