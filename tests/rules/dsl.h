/* dsl.h - a few words to write down a run as the witnesses would record it, and to say what the judge must
 * find.
 *
 * One set (number 1), operation 0, process CLIENT, server process SERVER, unless told otherwise: the fields
 * of `struct run` that calls read may be changed at any time. Time passes only by `wait_ms` and one
 * microsecond an event.
 */
#ifndef VDIFAULT_TESTS_RULES_DSL_H
#define VDIFAULT_TESTS_RULES_DSL_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "rules.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    CLIENT = 100,
    SERVER = 200,
    VERIFIER = 300,
    MAIN = 100,
    WORKER = 101,
    WORKER2 = 102
};

struct run {
    struct checker *checker;
    struct plan plan;
    uint64_t sequence, time_ns;
    uint64_t set;
    int32_t operation;
    uint32_t process;
    uint32_t flags;    /* of the next calls */
    int64_t statement; /* number of the current one */
    enum process_role issuer;
    const char *database;
    const char *path;         /* of the next file_open */
    uint64_t fetch;           /* whose bytes the next writes take: `call` of a GetCommand, 0 none */
    enum file_type file_type; /* of the next file events; 0 regular */
    int64_t written;          /* where the next file_write goes */
    bool is_backup;
    struct {                             /* of the next commands fetched */
        int64_t size, operand, position; /* size: of Read and Write; operand: the size of all others */
    } asked;
    struct { /* of the next completions; bytes -1: what a Read or Write has to have */
        int64_t bytes, position;
    } answered;
    struct { /* what was fetched last into each block, by its lowest bits */
        int64_t block, code, size;
    } fetched[64];
    uint64_t log[2];          /* of the next sql_end: the log sequence numbers that it holds, or lacks */
    uint64_t stream_hash;     /* of the next sql_stream */
    int64_t configuration[3]; /* of the next GetConfiguration: features, blockSize, maxTransferSize */
    const struct judgement *judgement;
};

/* A run under a plan of one fault, or none (NULL). */
void run_start(struct run *run, const char *fault);
void run_end(struct run *run); /* frees; also checks that finish was called */
void wait_ms(struct run *run, uint64_t ms);
/* An event as it stands, which gets its sequence and time here. */
void feed(struct run *run, struct event event, const char *text);

/* ---- client ---- each call returns the sequence of its begin */
uint64_t call_begin(struct run *run, uint32_t thread, uint16_t function, int16_t device, const int64_t arg[6],
                    const char *text);
void call_end(struct run *run, uint32_t thread, uint16_t function, int16_t device, uint64_t call,
              int32_t result, const int64_t arg[6]);
uint64_t vdi_create(struct run *run, uint32_t devices, int32_t result);
uint64_t vdi_get_configuration(struct run *run, uint32_t devices, int32_t result);
uint64_t vdi_open(struct run *run, int16_t device, int32_t result);
uint64_t vdi_get(struct run *run, uint32_t thread, int16_t device, int64_t timeout, int32_t result);
uint64_t vdi_fetch(struct run *run, uint32_t thread, int16_t device, int64_t block, int32_t code);
uint64_t vdi_complete(struct run *run, uint32_t thread, int16_t device, int64_t block, int64_t fetched_by,
                      int32_t completion, int32_t result);
/* Fetches and completes a command on a device of its own thread; the sequence of the completion. */
uint64_t vdi_serve(struct run *run, int16_t device, int32_t code, int32_t completion);
uint64_t vdi_abort(struct run *run, uint32_t thread, int32_t result);
uint64_t vdi_close(struct run *run, uint32_t thread, int32_t result);
uint64_t vdi_destroy(struct run *run, uint32_t thread);
/* What the guard saw of what `fetch` brought; arg as in event.h, text as there. */
void vdi_access(struct run *run, uint32_t thread, int16_t device, uint64_t fetch, const int64_t arg[7],
                const char *text);

/* ---- files ---- of thread MAIN, unless told otherwise; identities and folders are numbers of the test's */
void file_event(struct run *run, enum file_action action, uint64_t file, int64_t offset, int64_t length,
                int64_t result);
void file_open(struct run *run, uint64_t file, int64_t size, uint64_t new_in_folder);
void file_write(struct run *run, uint64_t file, int64_t bytes); /* behind what was written last */
void file_write_through(struct run *run, uint64_t file, int64_t bytes);
void file_buffered(struct run *run, uint64_t file, int64_t bytes);
uint64_t file_sync_begin(struct run *run, uint64_t file);
void file_sync_end(struct run *run, uint64_t file, uint64_t begin, int64_t result);
void file_sync(struct run *run, uint64_t file); /* file 0: of a file unknown */
void file_sync_all(struct run *run);
void file_rename(struct run *run, uint64_t file, const char *paths, uint64_t folder);

/* ---- server ---- */
void sql_begin(struct run *run, const char *text);
void sql_open(struct run *run, uint32_t devices);
void sql_message(struct run *run, int32_t number, int32_t severity);
void sql_stream(struct run *run, int16_t device, int64_t last_flush, int64_t complete);
void sql_end(struct run *run, enum statement_outcome outcome, uint64_t bytes, uint64_t hash);
void sql_wait(struct run *run, int16_t device);

/* ---- the rest ---- */
void fault_fires(struct run *run, int16_t device, uint64_t call);
void process_ends(struct run *run, uint32_t process, enum process_role role, int32_t status, int32_t signal,
                  bool by_us);
/* The same, as told by a process of the client that waited for its child. */
void process_waited(struct run *run, uint32_t process, int32_t status, int32_t signal);
void sql_process_ends(struct run *run, bool told); /* after a statement of --sql; told: --sql-result */
void hang(struct run *run, enum hang_reason reason);
void hang_as(struct run *run, enum hang_reason reason, const char *text); /* what everybody waits for */
void leftover(struct run *run, enum leftover_kind kind, const char *text);
void sanitizer(struct run *run, const char *text);
/* From here on the client runs again; NOTE_AGAIN_CONTROL: as it cannot after a run without a fault either. */
void note(struct run *run, enum note_kind kind);

/* ---- whole phases ---- */
void up(struct run *run, uint32_t devices);                      /* statement, Create .. OpenDevice of all */
void transfer(struct run *run, uint32_t thread, int16_t device); /* Write, Write, Flush */
void down(struct run *run, uint32_t devices);                    /* VD_E_CLOSE on all, 3014, Close */
void client_exits(struct run *run, int32_t status);
void whole_backup(struct run *run, uint32_t devices); /* all of these but the exit */

/* ---- what must come out ---- */
const struct judgement *finish(struct run *run);
const struct finding *expect_in(struct run *run, const char *rule, const char *test);
const struct finding *expect_at_in(struct run *run, const char *rule, uint64_t call, int16_t device,
                                   const char *test);
const struct finding *expect_among_in(struct run *run, const char *rule, const char *test);
void expect_not_in(struct run *run, const char *rule, const char *test);
void expect_clean(struct run *run);

/* The test that says these is told to coverage.h. */
#define expect(run, rule)       expect_in(run, rule, __func__)       /* exactly this one finding */
#define expect_among(run, rule) expect_among_in(run, rule, __func__) /* this one, whatever else */
#define expect_at(run, rule, call, device) \
    expect_at_in(run, rule, call, device, __func__)              /* at this very call */
#define expect_not(run, rule) expect_not_in(run, rule, __func__) /* near, but not this one */

#endif
