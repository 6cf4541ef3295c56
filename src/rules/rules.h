/* rules.h - the judge: reads events, yields findings and what became of each operation.
 *
 * Responsible for: every verdict of the tool. Reads events only: never calls VDI, does no I/O. A client is
 * judged by what it could know: what a fault did is never the client's violation (design 4.5). Feed events in
 * run order (by sequence), then finish once. Single-threaded. Text passed in is copied.
 */
#ifndef VDIFAULT_RULES_H
#define VDIFAULT_RULES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "event.h"
#include "plan.h"

enum severity {
    SEVERITY_INFO = 1,
    SEVERITY_WARNING,
    SEVERITY_ERROR
};
enum rule_kind {
    RULE_NORMATIVE,
    RULE_DERIVED,
    RULE_ADVISORY,
    RULE_OUTCOME
};
enum assumption {
    ASSUMPTION_DOCUMENTED,
    ASSUMPTION_DERIVED,
    ASSUMPTION_OURS
};

/* One row of the rule table: everything `vdifault explain` and `vdifault rules` print. */
struct rule_info {
    const char *id; /* "VDI-CLOSE-001" */
    enum rule_kind kind;
    const char *unchecked; /* why a violation cannot be seen from outside the client; NULL: it is checked */
    const char *says;      /* the rule */
    const char *why;       /* what goes wrong otherwise */
    const char *source;    /* where it is documented */
    const char *fix;
    const char
        *faults; /* that bring a violation out, as --fault takes them, separated by spaces; "" none needed */
};
extern const struct rule_info rule_table[];
extern const size_t rule_count;
const struct rule_info *rule_find(const char *id); /* case-insensitive; NULL if unknown */

/* One frame of a call stack: the address of the instruction under way in a module. */
struct stack_frame {
    const char *module; /* path, or NULL */
    uint64_t base;      /* load base of the module */
    uint64_t address;
};

/* A call stack of the client, innermost frame first. */
struct stack {
    struct stack *next;
    uint32_t number; /* of the run */
    uint32_t process;
    uint64_t place; /* equal for the same places in the same modules, whatever process and load address */
    uint32_t frame_count;
    struct stack_frame frames[];
};

enum {
    FINDING_MESSAGE_MAX = 512
};

struct finding {
    const struct rule_info *rule;
    enum severity severity;
    enum assumption assumption;
    int32_t operation;         /* -1 none */
    int32_t device;            /* -1 none */
    uint64_t call;             /* sequence of the call's begin event; 0 none */
    uint16_t function;         /* enum vdi_function, 0 none */
    uint32_t process;          /* pid; 0 none */
    uint32_t thread;           /* tid; 0 none */
    uint32_t count;            /* how often: one finding per rule, function and stack */
    const struct stack *stack; /* where in the client; NULL none */
    struct {                   /* the other side of a clash of two threads; sequence 0: there is none */
        uint64_t call;
        uint32_t thread;
        const struct stack *stack;
    } other;
    char message[FINDING_MESSAGE_MAX]; /* actual values, the call, the device */
};

enum operation_outcome {
    OUTCOME_NOT_REACHED,
    OUTCOME_SUCCESS,
    OUTCOME_FAILED,
    OUTCOME_ABORTED
};
enum durable {
    DURABLE_NOT_OBSERVABLE,
    DURABLE_YES,
    DURABLE_NO
};

/* What the client says of an operation. */
enum claim {
    CLAIM_NONE, /* nothing that is known */
    CLAIM_FAILURE,
    CLAIM_SUCCESS
};

enum {
    JOBS_MAX = 64
};

/* A piece of work of a client that runs on after it; of a client that says by other means than its exit status how it
 * went, the only one. */
struct job {
    char *trigger;  /* what starts it; NULL: the client's own start */
    uint64_t begin; /* sequence; 0: of the run */
    uint64_t said;  /* sequence of the client's word; 0 none */
    enum claim says;
    bool too_late; /* the client had ended before */
};

struct operation_message {
    int32_t number, severity;
    char *text;
};

/* A file that held an operation's stream when it was acknowledged for the last time. */
struct sink {
    uint64_t identity;
    const char *path; /* absolute */
};

struct operation {
    int32_t id;
    char *set;                   /* NULL if unknown */
    char *database;              /* NULL if no statement reached it */
    char *statement;             /* redacted; NULL */
    enum process_role issued_by; /* PROCESS_CLIENT, _SQL or _VERIFY */
    bool is_backup;
    bool again; /* of the run after it, without faults (--again) */
    enum operation_outcome outcome;
    uint32_t message_count;
    struct operation_message *messages;
    uint64_t bytes;
    uint64_t hash;
    enum claim client_says;
    int32_t job; /* of a client that runs until it is stopped; -1 none */
    enum durable durable;
    enum durable restored; /* what --verify showed */
    bool disproved;        /* ... by what was on disk at that time (--prove-durability) */
    /* Only if something was not durable then: */
    uint64_t acknowledged; /* sequence of the last Flush or VDC_Complete that was answered with SUCCESS */
    uint32_t sink_count;
    struct sink *sinks;
};

struct judgement {
    size_t operation_count;
    struct operation *operations;
    size_t finding_count;
    struct finding *findings; /* most severe first, then by call */
    uint32_t fired[PLAN_FAULTS_MAX];
    bool client_ran;     /* PROCESS_EXIT of PROCESS_CLIENT seen */
    int32_t client_exit; /* -1: killed by a signal */
    int32_t client_signal;
    bool client_stopped; /* by the signal that asked it to end (--stop) */
    uint32_t job_count;  /* 0: the client's exit status is its word */
    struct job jobs[JOBS_MAX];
    bool client_has_jobs;                 /* its exit says nothing of them */
    bool client_timed_out;                /* a hang or --timeout ended it */
    uint64_t vdi_calls;                   /* made by the client */
    uint64_t server_processes_statements; /* statements begun */
};

struct checker;
int checker_new(const struct plan *plan, struct checker **checker); /* 0 or ENOMEM */
int checker_feed(struct checker *checker, const struct event *event, const char *text);
/* Events were lost, before or after what was fed so far. What is missing may be what a correct client did, so that
 * findings no longer prove anything, but for those that the supervisor witnessed itself: the rest is info. */
void checker_gap(struct checker *checker);
/* Settles what only the end of the run tells. The judgement lives as long as the checker. */
const struct judgement *checker_finish(struct checker *checker);
void checker_free(struct checker *checker);
/* The call stack that an event names by its number; the checker's. NULL: it was never explained. */
const struct stack *checker_stack(const struct checker *checker, uint32_t number);

#endif
