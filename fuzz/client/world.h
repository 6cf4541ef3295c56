/* world.h - one session of a client in the simulation: what the files of this folder share.
 *
 *   session.c     a session from its first call to its verdict
 *   api.c, replay.c, trial.c, to_c.c   who asks for sessions: vdifault.h, and the program without an engine
 *   library.c     the VDI library behind the interposer's code
 *   buffers.c     its buffers, out of the client's reach where AddressSanitizer keeps them
 *   run.c         the run's state and its events, in memory of this process
 *   interposer.c  what the interposer's fault code (inject/) finds here in place of the rest of it
 *   statement.c   sqlcmd and the server: popen, system
 *   wrap_*.c      the client's other calls of the system
 *   verdict.c     the rules, and the report
 *   input.c       the bytes of a fuzzing engine: a plan
 *
 * The client is process 1 of the simulation, each statement a process of the simulated server's. All run as fibers on
 * the thread that called world_run; nothing here is for any other.
 */
#ifndef VDIFAULT_CLIENT_WORLD_H
#define VDIFAULT_CLIENT_WORLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "event.h"
#include "plan.h"
#include "report.h"
#include "vdi.h"

enum {
    WORLD_CLIENT = 1, /* the simulation's first process */
    WORLD_EVENTS_MAX = 1 << 18,
    WORLD_ANSWERS_MAX = 1 << 16, /* who tries again for ever answers more */
    WORLD_TEXT_MAX = 16 << 20,
    WORLD_PATH_MAX = 256,
    WORLD_REFUSAL_MAX = 192,
    WORLD_SIZE = 256 << 10, /* bytes of the database, where a plan does not say */
};

/* --- session.c --- */

struct world {
    const struct plan *plan;
    char folder[WORLD_PATH_MAX]; /* the client's files */
    bool ended;                  /* the client's process has */
    bool returned;               /* ... by its entry point's return, and so knows what it has left open */
    int status, signal;          /* what it ended with */
    char *refusal;               /* where world_refuse notes its sentence; NULL: on standard error only */
};
extern struct world world;

/* The caller is a fiber of a session: what it asks of the system is the simulation's to answer. */
bool world_is_inside(void);
bool world_is_client(void);
/* Between the two the caller is of no session, wherever it stands: a handler of a signal that an engine has set. */
void world_step_out(void);
void world_step_in(void);
/* A call of VDI: made by a thread that is not the simulation's, it ends the program with a sentence. */
void world_check_thread(void);
/* The same of a call that threads share their work by; whether the caller is a fiber of a session. */
bool world_has_thread(void);
/* The client's process ends here, as by exit or a signal: does not return. */
_Noreturn void world_end_client(int status, int signal);
/* The client asked for what a session cannot give: says so on standard error and ends the program with status 3, since
 * going on would tell nothing about the client. */
_Noreturn void world_refuse(const char *what, const char *instead);
/* The running fiber lets so much time pass. */
void world_sleep(int64_t ns);

/* --- wrap_time.c --- */

/* A time by one of the client's clocks, of the day or monotonic, by the simulation's: they are too far apart to be
 * taken for one another. */
struct timespec;
int64_t world_deadline(const struct timespec *until);

/* --- run.c --- */

void run_reset(void);
/* Events are kept, or made for nothing: what is left of a session whose verdict stands. */
void run_record(bool on);
size_t run_event_count(void);
const struct report_event *run_events(void); /* in order */
bool run_is_full(void);
/* Commands that the client has answered, those included whose events found no room; not above WORLD_ANSWERS_MAX. */
uint64_t run_answer_count(void);

/* --- interposer.c --- */

void interposer_reset(const struct plan *plan);

/* --- buffers.c --- */

/* The program has AddressSanitizer. */
bool buffers_are_guarded(void);
void buffers_reset(void);
/* The library's, as in vdi.h. */
int buffers_get_command(ClientVirtualDevice *device, time_t timeout, VDC_Command **command);
int buffers_complete_command(ClientVirtualDevice *device, VDC_Command *command, int code, unsigned long bytes,
                             int64_t position);

/* --- statement.c --- */

void statements_reset(void);
/* The client is gone: nobody reads any more, and servers that were stopped go on to their end. */
void statements_release(void);
void statements_free(void);
/* This process of the server's dies: its own doing, by kill (fault_agent.c). */
void statement_crashes(uint32_t process);
/* read(2) of what popen gave the client, by its descriptor. False: it is none of these. */
bool statement_read(int file, void *bytes, size_t size, ssize_t *got);

/* --- wrap_threads.c --- */

void threads_reset(void);
/* The number of this session, never 0: what belongs to another one has been left behind. */
uint32_t threads_session(void);

/* --- wrap_poll.c --- */

void polls_reset(void);

/* --- verdict.c --- */

enum {
    VERDICT_RULE_MAX = 32,
    VERDICT_PLACE_MAX = 512, /* a path, and a name of C++ */
    VERDICT_TEXT_MAX = 1024,
};
struct verdict {
    char rule[VERDICT_RULE_MAX]; /* of the worst finding that is an error; "": none */
    const char *function;        /* VDI function, or "" */
    char text[VERDICT_TEXT_MAX]; /* the finding's sentence, and where in the client */
    uint32_t fired[PLAN_FAULTS_MAX];
};

enum world_report {
    WORLD_REPORT_NOTHING,
    WORLD_REPORT_ERRORS, /* where the verdict is a finding */
    WORLD_REPORT_ALL
};
/* Judges what run.c holds. The report is the calls and all findings. */
void verdict_reach(const struct plan *plan, struct verdict *verdict, FILE *out, enum world_report report);

/* --- session.c --- */

/* One session of vdifault_client() under the plan, judged. */
void world_run(const struct plan *plan, struct verdict *verdict, FILE *out, enum world_report report);
uint64_t world_count(void);
/* The client's folder, until this process exits: for who lets children run the sessions. world_run does it by itself. */
void world_open(void);

#endif
