/* deeds.h - what the faults of each kind do, by moment: between faults.c, which finds them, and fault_*.c.
 *
 * The table's functions are called once the fault's count says that it fires, `fired` raised; of a kind that is
 * everywhere, at every call, and it counts for itself. A deed that turns out impossible takes its firing back
 * (run_fault_take_back), so that nobody believes that it happened; one that happens records its EVENT_FAULT
 * (call_fault) before anybody can notice it. Threads: any.
 */
#ifndef VDIFAULT_DEEDS_H
#define VDIFAULT_DEEDS_H

#include "faults.h"
#include "runstate.h"

/* A command that is on its way to the client. */
struct delivery {
    VDC_Command *given;   /* what the client gets: the guard's copy, if it has one */
    VDC_Command *command; /* what that says */
    struct fault_moments *later;
};

/* NULL: nothing happens then; at_delivery NULL: at a command happens what does at a call. */
struct deed {
    void (*at_entry)(struct call *call, uint32_t fault);
    void (*at_delivery)(struct call *call, uint32_t fault, struct delivery *delivery);
    void (*when_due)(struct call *call, uint32_t fault); /* of at_delivery's `later` */
    /* The code that the server gets for the client's SUCCESS. */
    int (*at_answer)(struct call *call, uint32_t fault);
    int (*at_end)(struct call *call, uint32_t fault, int result);
    void (*at_close)(struct call *call, uint32_t fault); /* VD_E_CLOSE of the device has come */
};

struct run_fault *deed_counts(uint32_t fault);
const struct fault *deed_fault(uint32_t fault);
/* The library is not asked: this is the call's result. */
void deed_answer(struct call *call, int result);
/* The client has the set open, as far as it knows, and nobody has aborted it. */
bool deed_finds_set_active(const struct call *call);
/* The library gives the set up by itself, as it does when something in it fails: an abort that the server sees too. */
void deed_abort_inside(struct call *call, uint32_t fault);

/* ---- fault_lifecycle.c ---- */
void deed_early_close(struct call *call, uint32_t fault);
void deed_abort(struct call *call, uint32_t fault);
void deed_abort_at_delivery(struct call *call, uint32_t fault, struct delivery *delivery);
void deed_lose_close(struct call *call, uint32_t fault);
void deed_delay_close(struct call *call, uint32_t fault);
void deed_repeat_close(struct call *call, uint32_t fault);
int deed_stale_config(struct call *call, uint32_t fault, int result);
void deed_miss_buffers(struct call *call, uint32_t fault);

/* ---- fault_answer.c ---- */
void deed_fail_command_at_delivery(struct call *call, uint32_t fault, struct delivery *delivery);
int deed_fail_command(struct call *call, uint32_t fault);

/* ---- fault_results.c ---- */
void deed_error(struct call *call, uint32_t fault);
int deed_error_after(struct call *call, uint32_t fault, int result);
void deed_timeout(struct call *call, uint32_t fault);
void deed_null_command(struct call *call, uint32_t fault);

/* ---- fault_timing.c ---- */
void deed_delay(struct call *call, uint32_t fault);
void deed_jitter(struct call *call, uint32_t fault);
void deed_preempt(struct call *call, uint32_t fault);
int deed_preempt_at_end(struct call *call, uint32_t fault, int result);

/* ---- fault_crash.c ---- */
void deed_crash(struct call *call, uint32_t fault);
void deed_crash_secondary(struct call *call, uint32_t fault);

/* ---- fault_hostile.c ---- */
void deed_bad_size(struct call *call, uint32_t fault, struct delivery *delivery);
void deed_bad_buffer(struct call *call, uint32_t fault, struct delivery *delivery);
void deed_corrupt_transfer(struct call *call, uint32_t fault, struct delivery *delivery);
void deed_corrupt_completion(struct call *call, uint32_t fault);

/* ---- fault_peers.c ---- */
/* Who asks it to abort may not have joined the set yet. */
void deed_ask_server(struct call *call, uint32_t fault);
void deed_ask_active_server(struct call *call, uint32_t fault);

/* ---- failures.c ---- */
void deed_arm_file(struct call *call, uint32_t fault, struct delivery *delivery);
void deed_arm_close(struct call *call, uint32_t fault, struct delivery *delivery);

/* ---- shortage.c ---- */
void deed_run_short(struct call *call, uint32_t fault);
void deed_run_short_inside(struct call *call, uint32_t fault);

#endif
