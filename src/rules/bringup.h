/* bringup.h - the rules about a set before its transfer (spec 15: CREATE, CFG, GETCFG, OPEN, SEC, SQL): what they
 * remember, and where they are called.
 *
 * Internal to src/rules; state.h embeds the structures. The rules judge at the end of a call
 * whose begin was seen, by the state at that begin and by the library's own answer: a set or a device that
 * exists only because events are missing gives no finding.
 */
#ifndef VDIFAULT_RULES_BRINGUP_H
#define VDIFAULT_RULES_BRINGUP_H

#include <stdbool.h>
#include <stdint.h>

#include "call.h"

enum {
    NAMES_MAX = 64 /* devices of a set, clauses of a statement */
};

/* What OpenInSecondary found at its begin. */
enum primary_state {
    PRIMARY_FITS, /* or unknown: no judgement */
    PRIMARY_NOT_CREATED,
    PRIMARY_NOT_CONFIGURED,
    PRIMARY_OTHER_CASE,
};

/* Of a set object's life. */
struct set_bringup {
    uint64_t opened_names[NAMES_MAX]; /* hashes of the names this object opened */
    uint32_t opened_name_count;
    struct call all_open;       /* gave VD_E_OPEN, and nobody has served a device since; sequence 0: none */
    struct call wait;           /* the newest GetConfiguration */
    uint64_t wait_ns;           /* when it began, its repetitions counted */
    uint64_t previous_ns;       /* when the one before it began, which timed out; 0 none */
    enum primary_state primary; /* of the newest OpenInSecondary */
    int32_t joins;              /* the operation of the set it was called for; -1 none */
    uint32_t dead_secondary;    /* process; 0 none */
    bool death_was_told;        /* the client itself waited for that process */
};

/* Of a set object over all its lives: what only later events settle. The first of each. */
struct set_pending {
    struct call clash; /* a Create refused because another set had the name */
    uint64_t rival;    /* that set */
    struct call early; /* an OpenInSecondary of a set nobody had created */
    uint64_t early_name;
};

/* Devices that the client left unopened; count 0: none. */
struct unopened {
    struct call call;
    int end; /* enum opening_end */
    uint32_t opened;
    uint32_t count;
};

struct operation_bringup {
    struct call create;
    struct call configure; /* the first GetConfiguration that succeeded */
    uint32_t asked;        /* features passed to Create */
    uint32_t granted;      /* features GetConfiguration returned */
    uint32_t block_size;
    uint64_t given_up; /* sequence of the client's SignalAbort or Close, whichever came first; 0 none */
    bool cut;          /* ... which came before the transfer had ended, by its own decision */
    bool waited;       /* GetConfiguration was called */
    struct unopened unopened;
};

/* Of a thread inside OpenDevice. */
struct thread_bringup {
    uint64_t hash; /* of the name */
    char name[64]; /* cut to fit: for messages only */
};

struct process_bringup {
    struct call failed_open; /* the newest OpenDevice that failed */
    int32_t result;
};

/* The VIRTUAL_DEVICE clauses of a statement, in their order. */
struct statement_devices {
    uint32_t count; /* as announced; 0 unknown */
    uint32_t known;
    char *names[NAMES_MAX];
};

struct checker;
struct event;
struct operation_state;
struct process_state;
struct statement;
struct vdi_set;

/* ---- bringup.c: where calls.c, outcome.c and verdict.c come in ---- */
void bringup_begin(struct checker *checker, struct vdi_set *set, const struct event *event,
                   const struct call *call, const char *text); /* set may be NULL */
/* Before the call changes the set. */
void bringup_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                 const struct call *call);
void bringup_process_exit(struct checker *checker, const struct event *event,
                          const struct process_state *process);
void bringup_hang(struct checker *checker);
void bringup_settle(struct checker *checker, bool failed_for_own_reason);

/* ---- creation.c: VDI-CREATE-001 to 004, VDI-SEC-004 ---- */
void creation_begin(struct checker *checker, const struct call *call);
void creation_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                  const struct call *call);
void creation_given_up(struct checker *checker, const struct vdi_set *set, const struct call *call);
void creation_settle(struct checker *checker);

/* ---- configuration.c: VDI-CFG-001 to 007, 009 ---- */
void configuration_take(struct checker *checker, const struct event *event, const char *text);
void configuration_settle(struct checker *checker, bool failed_for_own_reason);

/* ---- timeouts.c: VDI-GETCFG-001, 003 to 005 ---- */
void timeouts_begin(struct checker *checker, struct vdi_set *set, const struct call *call);
void timeouts_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                  const struct call *call);
void timeouts_judge_timeout(struct checker *checker, const struct call *call);
void timeouts_settle(struct checker *checker, struct vdi_set *set);
void timeouts_hang(struct checker *checker, struct vdi_set *set);

/* ---- names.c: VDI-GETCFG-002, VDI-OPEN-001 to 004 ---- */
/* OpenDevice. */
void names_begin(struct checker *checker, const struct call *call, const char *name);
void names_end(struct checker *checker, struct vdi_set *set, const struct event *event,
               const struct call *call);
void names_null_device(struct checker *checker, const struct call *call);
void names_serve(struct checker *checker, const struct vdi_set *set); /* GetCommand */
void names_give_up(struct checker *checker, const struct vdi_set *set, const struct call *call);

/* ---- secondaries.c: VDI-SEC-001 to 003 ---- */
void secondaries_begin(struct checker *checker, struct vdi_set *set, const struct call *call,
                       const char *name);
void secondaries_end(struct checker *checker, struct vdi_set *set, const struct event *event,
                     const struct call *call);
void secondaries_process_exit(struct checker *checker, const struct event *event,
                              const struct process_state *process);
/* At the primary's end: its Close, its exit (only a death it was told of counts) or a hang. */
void secondaries_judge(struct checker *checker, const struct vdi_set *primary, const struct call *call,
                       const char *when, bool must_be_told);
void secondaries_settle(struct checker *checker, const struct vdi_set *set);

/* ---- statements.c: VDI-SQL-001 to 004, VDI-CFG-010 ---- */
void statements_device(struct checker *checker, const struct event *event, struct statement *statement,
                       const char *text);
void statements_open(struct checker *checker, const struct event *event, const struct statement *statement);
void statements_settle(struct checker *checker);
/* Whether the statement was meant for this set: by its first clause, if the server could read it. */
bool statement_is_for(const struct statement *statement, const char *set);

#endif
