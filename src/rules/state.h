/* state.h - what the checker remembers of a run: sets, devices, commands, threads, operations, statements.
 *
 * Internal to src/rules. Every list has a limit: a run that exceeds it is judged on what fitted, and events
 * about the rest are ignored. Nodes never move, so pointers to them stay good until checker_free.
 */
#ifndef VDIFAULT_RULES_STATE_H
#define VDIFAULT_RULES_STATE_H

#include "bringup.h"
#include "call.h"
#include "rules.h"
#include "transfer.h"

enum {
    SETS_MAX = 1024,
    COMMANDS_MAX = 256,  /* in a client's hands, per device */
    REFUSALS_MAX = 1024, /* per life of a set */
    HANDLES_MAX = 256,   /* of buffers, per operation */
    THREADS_MAX = 4096,
    PROCESSES_MAX = 4096,
    OPERATIONS_MAX = 1024,
    STATEMENTS_MAX = 1024,
    MESSAGES_MAX = 256, /* per statement */
    STACKS_MAX = 65536,
    MODULES_MAX = 4096,
    FINDINGS_MAX = 256, /* distinct ones */
    LEFTOVERS_MAX = 64,
};

/* From here on a client counts as waiting, not as merely slow: the time that tells a forgotten command from
 * one being worked on (rules that need it are never raised by less). */
#define PATIENCE_NS 1000000000ull

/* A command in the client's hands. */
struct command {
    struct command *next;
    int64_t block;
    int64_t size;
    int64_t position;
    int32_t code;
    int64_t nth;       /* of its code on this device; 0 unknown */
    struct call fetch; /* the GetCommand that fetched it */
    uint64_t fetched_ns;
    uint64_t completed_by;    /* sequence of the CompleteCommand it was given to; 0: in the client's hands */
    bool kept_server_waiting; /* its thread then waited on the device in vain */
    bool overtaken;           /* a command fetched later was completed before it */
    uint32_t handle_process;  /* that called GetBufferHandle for its buffer; 0 none */
    int32_t answer_code;      /* given to that CompleteCommand */
    int64_t answer_bytes;
    int64_t answer_position;
};

struct device {
    bool opened;
    bool called;            /* a GetCommand has returned */
    bool close_delivered;   /* ... with VD_E_CLOSE */
    bool lost_close;        /* the fault of that name fired here */
    bool error_completed;   /* a command was completed with an I/O error (spec 2.2) */
    bool waited;            /* GetCommand came back with VD_E_TIMEOUT after a real wait */
    bool close_counted;     /* its VD_E_CLOSE, in the operation */
    bool ends_with_flush;   /* the last completed command was a Flush, done; no GetCommand since */
    uint32_t abort_thread;  /* that GetCommand gave VD_E_ABORT last */
    uint64_t abort_calls;   /* of GetCommand by that thread since */
    uint64_t last_fetch;    /* end of the last GetCommand that brought a command */
    uint32_t closed_thread; /* that VD_E_CLOSE was delivered to last */
    uint32_t command_count;
    int32_t last_result; /* of GetCommand */
    struct command *commands;
    struct device_transfer transfer;
};

/* A thread's call that failed because the set was gone or aborted. */
struct refusal {
    struct refusal *next;
    uint32_t thread;
    int32_t result;
    int16_t device;
    bool after_fault; /* the set had been closed by a fault */
};

/* One set object of the client. Each successful Create begins a life: all but number, name and
 * earlier_life_cut then starts anew (state_new_life). */
struct vdi_set {
    struct vdi_set *next;
    uint64_t id;
    uint32_t process;
    int32_t operation;     /* -1 none yet */
    bool closed_by_client; /* Close or the destructor ended the newest life */
    bool closed_by_fault;
    bool earlier_life_cut; /* an earlier life ended by fault or abort: stragglers of it may still call */
    uint32_t closes_after_fault;
    uint64_t life_start; /* sequence of Create's begin */
    char *name;          /* passed to the newest Create */
    enum set_state state;
    bool secondary;
    bool abort_returned; /* VD_E_ABORT came back from a call */
    bool client_aborted; /* SignalAbort by the client itself */
    bool fault_aborted;
    bool server_ended; /* the statement ended without success: the server has given the set up */
    bool
        open_failed; /* OpenDevice, or a secondary's way there, failed: no judgement on how many were opened */
    bool destroyed;
    uint32_t prefix_zone; /* as Create asked for */
    struct call close;    /* the client's newest Close or destructor; sequence 0 none */
    uint64_t server_ended_sequence;
    uint64_t last_sequence; /* last event of the client on it */
    uint32_t device_count;
    uint32_t opened_count;
    uint32_t refusal_count;
    struct refusal *refusals;
    struct call life_call; /* Create, then the newest OpenDevice or GetConfiguration */
    struct device devices[DEVICES_MAX];
    struct set_transfer transfer;
    struct set_bringup bringup;
    struct set_pending pending; /* of all lives */
};

/* Two calls of one process that must not run at once. */
enum clash {
    CLASH_NONE,
    CLASH_GET_COMMAND, /* both on one device */
    CLASH_COMPLETE_COMMAND,
    CLASH_CLOSE,
    CLASH_DESTROY
};

struct thread_state {
    struct thread_state *next;
    uint32_t process;
    uint32_t thread;
    struct call open; /* the call it is in; sequence 0: none */
    struct call last; /* the last that ended */
    uint64_t last_end_ns;
    int32_t last_result;
    struct thread_bringup opening;
    struct { /* calls in a row that brought nothing and did not wait */
        uint64_t count;
        uint64_t start_ns;
        struct call call;
        int32_t result;
    } spin;
    struct { /* a call of another thread that began during `open` and must not have; sequence 0 none */
        enum clash kind;
        struct call call;
    } clash;
    uint64_t aborted_set; /* number of the set that it called SignalAbort on last */
    uint64_t aborted_at;
};

struct process_state {
    struct process_state *next;
    uint32_t process;
    bool called; /* made a VDI call */
    bool ended;
    bool by_itself;       /* exit, neither signal nor our kill */
    bool killed_by_us;    /* the supervisor ended it */
    bool killed_by_fault; /* a crash of the plan's */
    uint64_t told_client; /* --sql: sequence at which --sql-result told the client the outcome; 0 never */
    int32_t status;
    int32_t signal;
    enum process_role role;
    struct process_bringup bringup;
};

struct statement {
    struct statement *next;
    uint32_t process;
    int64_t number;
    uint64_t sequence;
    char *text;
    enum process_role issued_by;
    int32_t operation; /* it attached to; -1 none */
    uint64_t ended_sequence;
    uint64_t success_told; /* sequence of message 3014; 0 none */
    uint64_t error_told;   /* sequence of its first message of an error; 0 none */
    uint64_t ended_ns;
    struct statement_devices devices;
    bool ended;
    bool linked; /* an operation shows it */
    bool backup;
    bool refused;     /* a device's last Flush or its Complete was not answered with success */
    uint32_t streams; /* devices reported */
    enum operation_outcome outcome;
    uint64_t bytes;
    uint64_t hash;
    uint64_t first_lsn,
        last_lsn; /* of the log it holds; of a RESTORE that lacks a log: what it lacks, and 0 */
    uint32_t message_count;
    struct operation_message *messages;
};

/* An operation under judgement; `shown` is what the judgement shows of it. */
struct operation_state {
    struct operation_state *next;
    struct operation shown;
    struct statement *statement; /* the one that attached, else the one that names the set, or NULL */
    uint64_t first_sequence;
    bool created; /* Create succeeded */
    bool client_aborted;
    bool configured; /* a GetConfiguration succeeded: some server has come */
    bool waiting;    /* the server waits for the client */
    int16_t wait_device;
    uint32_t fired;       /* faults */
    uint32_t effects;     /* of them, enum fault_effect */
    uint64_t first_fault; /* sequence */
    uint64_t closed_at;   /* sequence of the client's Close of its set, or its destructor; 0 never */
    struct call error;    /* the first call that brought an error; sequence 0 none */
    int32_t error_result;
    struct call failure; /* the first that told of the operation's failure whatever the server said */
    int32_t failure_result;
    enum durable restored;   /* what --verify says of it: it came back whole, or not */
    struct call create;      /* that made its set; sequence 0 none */
    struct call close_open;  /* the first Close that gave VD_E_OPEN; sequence 0 none */
    struct call refused;     /* a Create refused on the object that still held its set; sequence 0 none */
    uint32_t process;        /* of its first call */
    uint64_t aborted_at;     /* by the client's first SignalAbort; 0 never */
    uint32_t opened, closed; /* devices opened, and those whose VD_E_CLOSE was delivered */
    bool io_error;           /* a command was completed with one */
    uint32_t handle_count;   /* of buffers; HANDLES_MAX: there may be more */
    uint32_t handles[HANDLES_MAX];
    struct operation_transfer transfer;
    struct operation_bringup bringup;
};

/* A loaded file of a process. */
struct module {
    struct module *next;
    uint64_t base;
    uint64_t start;
    uint64_t end;
    uint32_t process;
    char *path;
};

struct leftover {
    struct leftover *next;
    enum leftover_kind kind;
    uint32_t process;
    char *text;
};

struct durability; /* durability.c */

struct checker {
    struct plan plan; /* a copy */
    struct vdi_set *sets;
    struct thread_state *threads;
    struct process_state *processes;
    struct operation_state *operations; /* newest first */
    struct statement *statements;       /* newest first */
    struct module *modules;
    struct stack *stacks; /* newest first */
    struct leftover *leftovers;
    struct checker *again;         /* of the second run, --again; NULL until it begins */
    struct durability *durability; /* NULL until there is something to remember */
    uint32_t set_count, thread_count, process_count, operation_count, statement_count, module_count,
        stack_count;
    uint32_t leftover_count;
    uint64_t last_time_ns;
    uint64_t client_exit_sequence;
    uint64_t faults_fired;
    uint64_t file_error; /* sequence of the newest call on a file that failed; 0 none */
    int32_t stop_signal; /* that has asked the client to end; 0 none */
    uint64_t last_fault; /* sequence */
    bool hostile_fired;
    bool client_by_itself;    /* it ended so: neither by a signal nor by us */
    bool hung_for_sure;       /* a hang that was no mere slowness */
    bool again_without_fault; /* the second run fails after one without a fault, too */
    bool verify_ended;
    bool verify_succeeded;
    uint64_t proof; /* NOTE_PROOF: from here on --verify ran again, on files of our making; 0 it did not */
    bool stored_is_verified; /* by the --verify before that */
    bool any_exit;
    bool busy_reported;
    bool incomplete; /* events were lost */
    bool finished;
    bool out_of_memory;
    struct finding findings[FINDINGS_MAX];
    uint32_t finding_count;
    struct finding *last_finding; /* added, not merged, by the last call; NULL */
    struct run_transfer transfer;
    struct judgement judgement;
};

/* ---- state.c: find, or make within the limits; NULL when there is no room ---- */
struct vdi_set *state_set(struct checker *checker, uint64_t id);
struct thread_state *state_thread(struct checker *checker, uint32_t process, uint32_t thread);
struct process_state *state_process(struct checker *checker, uint32_t process);
struct operation_state *state_operation(struct checker *checker, int32_t id, uint64_t sequence);
struct operation_state *state_find_operation(struct checker *checker, int32_t id);
struct statement *state_statement(struct checker *checker, uint32_t process, int64_t number);
struct device *state_device(struct vdi_set *set, int16_t index);
char *state_copy_text(struct checker *checker, const char *text);
void state_new_life(struct vdi_set *set); /* everything a Create starts anew */
void state_free(struct checker *checker);

bool set_is_live(const struct vdi_set *set);    /* created and neither closed by client nor by fault */
bool set_is_aborted(const struct vdi_set *set); /* by anyone, as far as events tell; also closed by a fault */

/* ---- findings.c ---- */
/* Adds or merges a finding: at `call` (may be NULL) about `operation` and `device`. */
void finding_add(struct checker *checker, const char *rule, const struct call *call, int32_t operation,
                 int16_t device, const char *format, ...) __attribute__((format(printf, 6, 7)));
/* The same, at most of this severity. */
void finding_add_capped(struct checker *checker, enum severity cap, const char *rule, const struct call *call,
                        int32_t operation, int16_t device, const char *format, ...)
    __attribute__((format(printf, 7, 8)));
/* Names the other thread's call of the finding that was just added; does nothing if it was merged. */
void finding_set_other(struct checker *checker, const struct call *other);
/* On what the finding that was just added rests, where that is not the rule's own basis. */
void finding_set_assumption(struct checker *checker, enum assumption assumption);
bool finding_exists(const struct checker *checker, const char *rule);
void findings_settle(struct checker *checker); /* severities, callers, order */
/* "VD_E_ABORT" or "0x8077..."; the buffer is the caller's, at least 16 bytes. */
const char *result_text(int32_t result, char buffer[16]);
const char *command_text(int32_t code, char buffer[32]);

/* ---- stacks.c ---- */
void stacks_take_module(struct checker *checker, const struct event *event, const char *text);
void stacks_take_stack(struct checker *checker, const struct event *event, const char *text);
const struct stack *stacks_find(const struct checker *checker, uint32_t number); /* NULL: never explained */

/* ---- calls.c ---- */
void calls_begin(struct checker *checker, const struct event *event, const char *text);
void calls_end(struct checker *checker, const struct event *event);

/* ---- sets.c: lifetimes ---- */
void sets_judge_begin(struct checker *checker, struct vdi_set *set, const struct call *call);
void sets_apply_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                    const struct call *call);
bool sets_thread_saw_abort(const struct vdi_set *set, uint32_t thread);
/* Learnt by a failing call that a fault had closed the set: on this device, or on any if -1. */
bool sets_thread_saw_fault(const struct vdi_set *set, uint32_t thread, int16_t device);
void sets_fault_call(struct checker *checker, const struct event *event);
void sets_fault(struct checker *checker, const struct event *event, const struct fault *fault);

/* ---- commands.c ---- */
void commands_fetched(struct checker *checker, struct vdi_set *set, const struct event *event,
                      const struct call *call);
void commands_timed_out(struct vdi_set *set, const struct event *event, const struct call *call);
void commands_complete_begin(struct checker *checker, struct vdi_set *set, const struct event *event,
                             const struct call *call);
void commands_complete_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                           const struct call *call);
void commands_drop_all(struct device *device);
/* Which of the uncompleted commands count as left uncompleted. */
enum abandoned {
    ABANDONED_ALL,
    ABANDONED_OLD,          /* fetched PATIENCE_NS ago or earlier: not merely being worked on */
    ABANDONED_BLOCKING_ONE, /* the server was kept waiting for it: the client's own abort is no excuse */
};
/* Reports what the client left uncompleted; `when`: "when it called Close", ... */
void commands_judge_abandoned(struct checker *checker, const struct vdi_set *set, enum abandoned which,
                              uint64_t now, const char *when);

/* ---- transfer.c: what configurations, streams and messages tell of the transfer ---- */
const struct set_transfer *transfer_configuration(const struct checker *checker, const struct vdi_set *set);
void transfer_configured(struct checker *checker, struct vdi_set *set, const struct event *event);
void transfer_created(struct operation_state *operation, const struct call *call);
void transfer_fetched(struct checker *checker, const struct call *call, int16_t device, int32_t code);
void transfer_stream(struct operation_state *operation, const struct event *event);
void transfer_message(struct operation_state *operation, int32_t number, uint64_t sequence);
/* Once the outcome of every operation is known. `success`: the client claims it for this one. */
void transfer_settle(struct checker *checker, struct operation_state *operation, bool success);

/* ---- answers.c: what a command is completed with ---- */
struct answer {
    struct checker *checker;
    struct vdi_set *set;
    struct device *device;
    int16_t index;
    const struct command *command;
    const struct call *call;
    const struct set_transfer *configuration; /* NULL: not known */
};
void answers_judge(struct checker *checker, struct vdi_set *set, int16_t index, const struct command *command,
                   const struct call *call);
/* The completion was accepted: what it means for the device. */
void answers_apply(struct checker *checker, struct vdi_set *set, int16_t index, const struct command *command,
                   const struct call *call);
/* The end of the set's life by Close or exit: what nothing has excused. */
void answers_judge_held(struct checker *checker, const struct vdi_set *set);
bool answer_wants(const struct answer *answer, uint32_t features); /* any of these is known to be set */

/* ---- positions.c: where a device stands ---- */
void positions_judge(const struct answer *answer);
void positions_apply(const struct answer *answer);

/* ---- waiting.c: what a client waits for, and how it takes the end of a wait ---- */
void waiting_unknown_device(struct checker *checker, const struct call *call, int32_t result);
void waiting_judge_death(struct checker *checker, uint32_t process); /* it died of a signal */
void waiting_judge_begin(struct checker *checker, const struct vdi_set *set, const struct call *call);
void waiting_judge_hang(struct checker *checker, const struct vdi_set *set, const struct event *event);
void waiting_judge_abort(struct checker *checker, const struct vdi_set *set, uint64_t now);
enum waiting_end {
    WAITING_CLOSED,
    WAITING_EXITED
};
void waiting_judge_end(struct checker *checker, const struct vdi_set *set, enum waiting_end end);

/* ---- opening.c: VDI-OPEN-005, VDI-CFG-008 ---- */
enum opening_end {
    OPENING_CLOSED,
    OPENING_ABORTED,
    OPENING_EXITED,
    OPENING_HUNG
};
uint32_t opening_count(const struct checker *checker, const struct vdi_set *set); /* by all its objects */
void opening_judge(struct checker *checker, const struct vdi_set *set, enum opening_end end, uint64_t now);
void opening_settle(struct checker *checker);

/* ---- threads.c: VDI-THR-001, VDI-CLOSE-002, VDI-LIFE-001 ---- */
void threads_begin(struct checker *checker, const struct vdi_set *set, const struct call *call);
void threads_end(struct checker *checker, struct thread_state *thread, const struct event *event);

/* ---- accesses.c: what the guard saw ---- */
void accesses_take(struct checker *checker, const struct event *event, const char *text);

/* ---- handles.c: VDI-BUF-006 to 008 ---- */
void handles_begin(struct checker *checker, struct vdi_set *set, const struct event *event,
                   const struct call *call);
void handles_end(struct checker *checker, const struct vdi_set *set, const struct event *event,
                 const struct call *call);

/* ---- endings.c: how devices, sets and operations end ---- */
void endings_begin(struct checker *checker, struct vdi_set *set, const struct event *event,
                   const struct call *call);
void endings_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                 const struct call *call);
void endings_judge_get(struct checker *checker, struct vdi_set *set, const struct call *call);
void endings_judge_flush(struct checker *checker, const struct vdi_set *set, const struct call *call,
                         const char *when);
void endings_judge_exit(struct checker *checker, const struct vdi_set *set, bool aborted, bool in_use);
void endings_judge_hang(struct checker *checker, const struct vdi_set *set);
void endings_judge_idle(struct checker *checker, const struct vdi_set *set, int16_t device);
void endings_settle(struct checker *checker, struct operation_state *operation, bool claims_success);
/* Whether the client can know how the statement ended: its own, or told by --sql-result. */
bool endings_statement_is_known(const struct checker *checker, const struct operation_state *operation);

/* ---- recovery.c: VDI-OUT-009 ---- */
void recovery_judge(struct checker *checker, struct operation_state *operation);
/* Whether the client brought the failure about: what SQL Server refuses or ends by itself has reasons of its own. */
bool recovery_is_clients_doing(const struct checker *checker, const struct operation_state *operation);

/* ---- log_chain.c: which backup a broken chain lacks ---- */
bool log_chain_same_kind(const struct operation_state *a, const struct operation_state *b); /* logs, or not */
uint64_t log_chain_missing(const struct operation_state *operation); /* 0: not for want of a log */
bool log_chain_is_lost(const struct checker *checker, const struct operation_state *backup);

/* ---- jobs.c: what the client says of an operation ---- */
void jobs_note(struct checker *checker, const struct event *event, const char *text);
void jobs_free(struct checker *checker);
/* Whose operation it is; NULL: of none, or the client's exit status is its word. */
const struct job *jobs_find(const struct checker *checker, const struct operation_state *operation);
int32_t jobs_number(const struct checker *checker, const struct operation_state *operation); /* -1 none */
enum claim jobs_claim(const struct checker *checker, const struct operation_state *operation);
/* When it said so: a sequence; 0 never. */
uint64_t jobs_claimed_at(const struct checker *checker, const struct operation_state *operation);
void jobs_judge_recovery(struct checker *checker, const struct job *job);

/* ---- again.c: VDI-OUT-009, of a whole second run ---- */
/* True: the event belongs to the second run, or begins it. */
bool again_take(struct checker *checker, const struct event *event, const char *text);
void again_finish(struct checker *checker);
void again_judge(struct checker *checker);

/* ---- operations.c ---- */
void operations_server_event(struct checker *checker, const struct event *event, const char *text);
void operations_call_result(struct checker *checker, const struct vdi_set *set, const struct call *call,
                            int32_t result);
int operations_settle(struct checker *checker); /* links, outcomes, durability; 0 or ENOMEM */
bool same_database(const struct operation *a, const struct operation *b);     /* both known, and the same */
bool statement_names_set(const struct statement *statement, const char *set); /* somewhere in its text */
/* Its set was configured by a server whose statement nobody saw, as that of a connection of the client's own. */
bool operation_is_unseen(const struct operation_state *operation);
bool operation_is_verify(const struct checker *checker, const struct operation_state *operation);

/* ---- outcome.c ---- */
void outcome_call_begin(struct checker *checker, struct thread_state *thread, uint64_t now);
void outcome_call_end(struct thread_state *thread, const struct call *call, const struct event *event);
void outcome_hang(struct checker *checker, const struct event *event, const char *text);
void outcome_process_exit(struct checker *checker, const struct event *event);
bool outcome_all_closes_came(const struct vdi_set *set);
void outcome_sanitizer(struct checker *checker, const struct event *event, const char *text);

/* ---- verdict.c ---- */
void verdict_settle(struct checker *checker);

#endif
