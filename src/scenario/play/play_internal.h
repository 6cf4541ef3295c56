/* play_internal.h - what the files of play/ share.
 *
 *   play.c          the table of the verbs, the loop over the lines
 *   play_judge.c    the model in lockstep
 *   play_threads.c  calls that begin, and others beside them
 *   play_world.c    processes that die, and other doings of the world
 *   play_unknown.c  what holds of a set whose state nobody knows
 *   play_client.c   what a client does
 *   play_server.c   what the server does until its devices are open
 *   play_engine.c   what it does with them
 *   play_commands.c commands on their way: what was sent, what arrived, what came back
 *   play_buffers.c  the server's buffers, as they must be
 *   play_events.c   what it comes to, as events
 */
#ifndef VDIFAULT_PLAY_INTERNAL_H
#define VDIFAULT_PLAY_INTERNAL_H

#include "client.h"
#include "machine.h"
#include "play.h"
#include "server.h"

_Static_assert((int)SCENARIO_SERVER == (int)MODEL_CLIENTS_MAX, "a process is one in the model, by number");

enum {
    PLAY_LIVES_MAX = 8,
    PLAY_CLIENTS = SCENARIO_SERVER, /* processes of a client's */
    PLAY_SHAPES_MAX = 32,           /* buffer requests of one life */
    PLAY_BUFFERS_MAX = 256,         /* one a line */
    PLAY_COMMANDS_MAX = 256,
};

/* Buffers of one RequestBuffers. */
struct play_shape {
    uint32_t size, alignment, count, used;
    bool placed; /* it has an area */
};

/* One set, from Create until all have left it. Several may live, under names of their own. */
struct play_life {
    struct model_set model;
    bool unknown; /* what its state is: the model is out of step */
    bool created;
    uint8_t name;
    struct VDConfig asked;            /* as Create was told */
    struct VDConfig settled;          /* as the server settles it */
    uint8_t named[MODEL_DEVICES_MAX]; /* by device: the name it was given, plus one; 0: none */
    uint32_t shape_count;
    uint32_t area_count;
    struct play_shape shapes[PLAY_SHAPES_MAX];
};

struct play_buffer {
    uint8_t *address;
    uint32_t size;
    uint32_t shape;
    bool live; /* allocated and not freed */
    bool busy; /* a command has it */
};

struct play_command {
    struct VDS_Command vds;
    struct play *play;
    struct play_life *life;
    uint32_t device;
    uint32_t order;
    struct play_buffer *buffer;
    enum {
        PLAY_OUTSTANDING,
        PLAY_CALLED_BACK, /* and not yet compared */
        PLAY_DONE
    } at;
    struct VDC_Command *held; /* the client's, while in hand */
    bool orphaned;            /* its server is dead: nobody calls back */
    uint64_t bytes;           /* what the client answered */
    int64_t position;
};

/* What a client's call on a device goes through; by the name that it was opened with. */
struct play_client_device {
    struct client_device *handle; /* NULL: never opened */
    uint32_t entry;               /* of its client */
    uint32_t device;
};

/* A process of a client's, with its one set. */
struct play_client {
    struct client_set *set; /* NULL: destroyed */
    struct play_life *life; /* the present one, or its last */
    uint32_t entry;         /* how often it has entered one: what is of an earlier entry is stale */
    struct play_client_device devices[SCENARIO_DEVICES_MAX];
    struct VDC_Command *completed[SCENARIO_DEVICES_MAX]; /* by name: the last one that was given back */
};

struct play_row;

/* One line at work. */
struct play_call {
    const struct scenario_line *line;
    struct model_call model;
    struct play_life *life;
    struct play_client *client; /* NULL: a server's */
    bool stale;                 /* on a device of an earlier life: VD_E_PROTOCOL, whatever the state is */
    bool beside;                /* others may help it while it waits */
    uint32_t deaths;            /* so many processes were dead when it began */
    /* arguments and what came back, as the verb has use for them */
    struct client_device *client_device;
    struct server_device *server_device;
    struct play_command *command;
    struct play_buffer *buffer;
    struct VDC_Command *block;
    uint8_t *address;
    uint32_t number;
    uint32_t expected;
    struct VDConfig config;
};

enum {
    PLAY_ACTORS = SCENARIO_PROCESS_COUNT * SCENARIO_THREADS_MAX
};

/* What an actor has begun. */
struct play_thread {
    struct play *play;
    bool out;      /* it has not returned yet */
    bool returned; /* and nobody has asked for its result */
    int32_t result;
    uint32_t line;
    const struct play_row *row;
    struct play_call call;
    struct model_set before; /* the model when it began */
    bool overlaps;           /* another call was out at the same time */
    bool assumed;            /* another one has seen its effect, so the model has taken the step */
    uint32_t steps;          /* that it had made when nobody could go on any more */
};

struct play {
    const struct scenario *scenario;
    struct play_host host;
    struct play_outcome *outcome;
    uint32_t line; /* the one at work, from 1 */
    uint32_t dialects;
    uint32_t life_count;
    struct play_life lives[PLAY_LIVES_MAX];
    struct play_life nowhere; /* of who has not entered any yet; it is never created */
    struct play_client clients[PLAY_CLIENTS];
    struct play_life *server_life; /* the server's present one, or its last */
    struct server_set *server;     /* NULL: destroyed */
    struct server_device *server_devices[MODEL_DEVICES_MAX];
    uint64_t area_bytes; /* of all buffer areas so far */
    uint32_t buffer_count;
    struct play_buffer buffers[PLAY_BUFFERS_MAX];
    uint32_t command_count;
    uint32_t first_command; /* all before it are done */
    struct play_command commands[PLAY_COMMANDS_MAX];
    struct {
        uint32_t handle;
        uint8_t *address; /* where the process sees it that asked for the handle */
        struct play_client *client;
        struct play_life *life;
    } handles[SCENARIO_HANDLES_MAX];
    uint32_t handle_count;
    uint32_t threads_out;
    /* Calls are on their actors' threads, all of them: something may happen inside of one. */
    bool always_beside;
    bool unknown;                   /* every life is */
    bool overwritten;               /* by a stranger; even what the dead left */
    bool memory_fails;              /* the next object of shared memory, or a later one, does not fit */
    bool dead[SCENARIO_SERVER + 1]; /* processes; known here */
    uint32_t deaths;
    bool bereft[SCENARIO_NAME_COUNT]; /* names: somebody has died in a set that had it */
    struct play_thread threads[PLAY_ACTORS];
    struct play_events *events; /* NULL: nobody wants them */
};

struct play_row {
    enum model_function function; /* MODEL_FUNCTION_COUNT: of no table */
    /* Chooses the arguments. False: there is nothing to call. NULL: there are none to choose. */
    bool (*prepare)(struct play *play, struct play_call *call);
    int32_t (*make)(struct play *play, struct play_call *call);
    /* After the model has allowed the result: what else must be true, and what is remembered. NULL: nothing. */
    void (*after)(struct play *play, struct play_call *call, int32_t result);
};
extern const struct play_row play_client_rows[SCENARIO_VERB_COUNT]; /* each has some of them */
extern const struct play_row play_server_rows[SCENARIO_VERB_COUNT];
extern const struct play_row play_engine_rows[SCENARIO_VERB_COUNT];

void play_deviate(struct play *play, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Where the set may be aborted by now, the server knows. */
void play_learn_of_abort(struct play *play, struct play_life *life);
/* The model's state of a process. */
enum model_state play_client_state(const struct play *play, const struct play_client *client);
enum model_state play_server_state(const struct play *play);
uint32_t play_client_number(const struct play *play, const struct play_client *client);
/* The one that lives under the name, as far as is known (see play_is_unknown); NULL: none. */
struct play_life *play_find_life(struct play *play, uint8_t name);
/* Steps the model of the life by a call that has no result to compare: the first of `results` it allows. `client`: which
 * process, if it is a client's. */
void play_assume(struct play_life *life, enum model_function function, uint32_t client,
                 const int32_t *results, uint32_t count);
/* The timeout that the line means, as the call is to be given it. */
int64_t play_timeout(const struct play_call *call);
/* The model allows the result, and all that follows from it is so; false: it deviates. */
bool play_judge(struct play *play, const struct play_row *row, struct play_call *call, int32_t result);
/* What can be asked for at any time is what the model has it to be. */
void play_check_states(struct play *play);

/* Somebody's object: a client's process has one, and the server. */
bool play_has_object(const struct play *play, enum scenario_process process);
void play_become(struct play *play, enum scenario_process process);

/* --- play_world.c --- */

/* False: the host cannot, or it would change nothing. */
bool play_world(struct play *play, const struct scenario_line *line);
/* Whether there is somebody to make a call. */
bool play_can_act(const struct play *play, enum scenario_process process);
/* Who has died meanwhile is known to be dead. */
void play_notice_deaths(struct play *play);
/* At the end: nobody stands still or fails any more. True: somebody did. */
bool play_calm_down(struct play *play);
/* Whether the call, which waits for ever, has lost who could end that: then it must not. */
bool play_is_alone(const struct play *play, const struct play_call *call);
/* After the end: the names that the dead had are free, and what they left goes with them. */
void play_take_over(struct play *play);

/* --- play_unknown.c --- */

bool play_is_unknown(const struct play *play, const struct play_life *life);
/* As play_judge. */
bool play_judge_unknown(struct play *play, const struct play_row *row, struct play_call *call,
                        int32_t result);

/* --- play_events.c --- */

struct play_events *play_events_new(const struct play_host *host); /* NULL: no memory; free() it */
void play_events_begin(struct play *play);
/* Makes the call, on the thread that is to make it. */
int32_t play_make(struct play *play, const struct play_row *row, struct play_call *call);

/* The process is dead from here on. */
void play_events_killed(struct play *play, enum scenario_process process);

/* --- play_threads.c --- */

/* Makes the call on its actor's thread and waits for its return, unless it begins. False: it cannot. */
bool play_beside(struct play *play, const struct play_row *row, struct play_call *call);
/* The line ends what its actor began: waits for it as long as time alone can help. False: it has begun nothing, or only
 * a later line can make it return. */
bool play_wait_for(struct play *play, uint8_t who);
/* A GetCommand that waits on the device refuses, in IO-ERROR, what has come since it was looked at, as while its process
 * stood: before its thread's turn to be noted. */
void play_note_refusals(struct play *play, struct play_life *life, uint32_t device);
/* The model as the call, which has an actor's thread, began on it. */
const struct model_set *play_before(struct play *play, const struct play_call *call);
/* As model_step, where the call overlapped others: the model may have been as any order of them leaves it. */
bool play_step_beside(struct play *play, struct play_call *call, int32_t result);
bool play_is_out(const struct play *play, enum scenario_process process); /* a call of its */
bool play_is_leaving(const struct play *play);                            /* a Close or an abort is out */
void play_end_threads(struct play *play);

/* Nobody's yet, and nothing known of whoever had it before. */
void play_life_init(struct play_life *life, uint32_t device_count, uint32_t dialects);
void play_check_configuration(struct play *play, const struct VDConfig *due, const struct VDConfig *got);
const char *play_set_name(enum scenario_name name);
const char *play_device_name(uint32_t name);

/* --- play_commands.c --- */

struct play_command *play_find_command(struct play *play, const struct play_life *life, uint32_t device,
                                       uint32_t order);
/* A process's hands are empty: of all that it fetched of the life. */
void play_let_go(struct play *play, const struct play_life *life, uint32_t client);
struct play_command *play_new_command(struct play *play, const struct play_call *call); /* NULL: no more */
/* The client has got it, and gives it back. */
void play_fill_sent(struct play_command *command);
void play_check_fetched(struct play *play, struct play_command *command, struct VDC_Command *block);
void play_fill_answer(struct play_command *command, uint64_t bytes);
void play_check_untouched(struct play *play, const struct play_command *command);
/* SendCommand gave `result`: a refused command was called back, another one not yet. */
void play_check_sent(struct play *play, struct play_command *command, int32_t result);
/* A round of callbacks is over: those of the life that had to come came, each with what it had to carry. */
enum play_round {
    PLAY_ROUND_LIVE,    /* what the client has answered */
    PLAY_ROUND_ABORTED, /* everything, as aborted */
    PLAY_ROUND_LAST,    /* everything: what was answered before the abort, and then the rest */
};
void play_check_round(struct play *play, struct play_life *life, enum play_round round);

/* --- play_buffers.c --- */

bool play_shape_is_valid(uint32_t size, uint32_t alignment);
uint32_t play_count_free(const struct play_life *life, uint32_t size, uint32_t alignment);
/* For so many bytes more any os has room. */
bool play_room_is_certain(const struct play *play, uint64_t bytes);
/* Whether a request of this shape fits: MODEL_ROOM, MODEL_NO_ROOM, or MODEL_NO_SITUATION where the os decides. */
enum model_situation play_room_for_request(const struct play *play, const struct play_life *life,
                                           uint32_t size, uint32_t alignment, uint32_t count);
enum model_situation play_room_at_end(const struct play *play, const struct play_life *life);
void play_add_shape(struct play_life *life, uint32_t size, uint32_t alignment, uint32_t count);
void play_place_shapes(struct play *play, struct play_life *life);
void play_forget_shapes(struct play_life *life);
/* AllocateBuffer gave this address. */
void play_add_buffer(struct play *play, uint8_t *address, uint32_t size, uint32_t alignment);
void play_free_buffer(struct play *play, struct play_buffer *buffer);
/* The live buffer that a line means; NULL: none, and *address is what to pass. */
struct play_buffer *play_find_buffer(struct play *play, int32_t index, uint8_t **address);

#endif
