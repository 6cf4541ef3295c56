/* interposer.c - what the interposer's fault code finds in place of LD_PRELOAD, run folder and guard.
 *
 * The wrappers of the calls, what is known about sets and devices, and the deeds of the faults are inject/'s own
 * files; this, and library.c, is the rest of what they ask for. There is no guard of pages: the client gets the
 * core's own buffers and command blocks. Close unmaps them, and AddressSanitizer sees who touches them afterwards;
 * buffers.c does the same after a completion.
 */
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "deeds.h"
#include "event_time.h"
#include "failures.h"
#include "guard.h"
#include "inject.h"
#include "shortage.h"
#include "stack.h"
#include "virtual_time.h"
#include "world.h"

/* --- inject.h, fork_server.h --- */

enum {
    PLACES_MAX = 1024
};
static const void *places[PLACES_MAX];
static uint32_t place_count;

_Thread_local struct inject_thread inject_thread __attribute__((tls_model("initial-exec")));
_Atomic uint32_t inject_mode_word = INJECT_RECORDING;
struct inject_plan inject_loaded;
_Atomic int fork_server_socket = -1;

void interposer_reset(const struct plan *plan)
{
    memset(&inject_loaded, 0, sizeof inject_loaded);
    inject_loaded.plan = *plan;
    for (uint32_t i = 0; i < plan->fault_count; i++) {
        const struct fault *fault = &plan->faults[i];
        const struct fault_info *info = &fault_table[fault->kind];
        inject_loaded.functions |= info->everywhere ? UINT32_MAX : 1u << fault->site.function;
        inject_loaded.commands |= 1u << fault->site.command;
        inject_loaded.loses_close |= (info->effects & FAULT_MEETS_CLOSE) != 0;
    }
    inject_thread.inside = 0;
    place_count = 0;
    shadow_forget();
}

uint32_t inject_decide(void)
{
    return INJECT_RECORDING;
}

uint32_t inject_arm(void)
{
    return INJECT_RECORDING;
}

int64_t inject_now(void)
{
    return (int64_t)event_time_ns();
}

void fork_server_first_call(void) {}

/* --- stack.h: the place in the client is the call's own --- */

static void explain_place(uint32_t number, const void *caller)
{
    struct event event = {.kind = EVENT_STACK,
                          .side = EVENT_SIDE_CLIENT,
                          .operation = -1,
                          .device = -1,
                          .stack = number,
                          .arg = {1}};
    char text[32];
    snprintf(text, sizeof text, "%llx", (unsigned long long)(uintptr_t)caller - 1);
    event_record(&event, text);
}

uint32_t stack_of_call(const void *caller)
{
    for (uint32_t i = 0; i < place_count; i++) {
        if (places[i] == caller) {
            return i + 1;
        }
    }
    if (caller == NULL || place_count == PLACES_MAX) {
        return 0;
    }
    places[place_count++] = caller;
    explain_place(place_count, caller);
    return place_count;
}

/* --- guard.h, arena.h: there is none --- */

_Atomic uint32_t guard_work_word = GUARD_IDLE;
_Atomic uintptr_t arena_start, arena_end;

uint32_t guard_decide(void)
{
    return GUARD_IDLE;
}

VDConfig guard_ask(const VDConfig *asked)
{
    return *asked;
}

void guard_answer(VDConfig *asked, const VDConfig *passed)
{
    *asked = *passed;
}

void guard_life_began(struct shadow_set *set, const VDConfig *asked)
{
    (void)set, (void)asked;
}

void guard_configured(struct shadow_set *set, VDConfig *config)
{
    if (atomic_load(&set->state) == SHADOW_OPEN) {
        atomic_store(&set->max_transfer, config->maxTransferSize);
    }
}

VDC_Command *guard_give(const struct call *call, VDC_Command *block, VDC_Command *seen)
{
    (void)call;
    *seen = *block;
    return block;
}

bool guard_arm(const VDC_Command *command, uint64_t faults)
{
    (void)command, (void)faults;
    return false;
}

bool guard_alter(const VDC_Command *given, const VDC_Command *altered)
{
    (void)given, (void)altered;
    return false;
}

bool guard_flip(const VDC_Command *given, size_t offset)
{
    (void)given, (void)offset;
    return false;
}

struct slot *guard_find_slot(const VDC_Command *command)
{
    (void)command;
    return NULL;
}

VDC_Command *guard_block(const struct slot *command)
{
    (void)command;
    return NULL;
}

uint64_t guard_fetch(const struct slot *command)
{
    (void)command;
    return 0;
}

uint8_t *guard_buffer_for_handle(uint8_t *buffer)
{
    return buffer;
}

void guard_before_completion(struct slot *command, const struct call *call, unsigned long bytes)
{
    (void)command, (void)call, (void)bytes;
}

void guard_completed(struct slot *command, const struct call *call, int result)
{
    (void)command, (void)call, (void)result;
}

void guard_aborted(const struct call *call)
{
    (void)call;
}

void guard_closed(const struct call *call)
{
    (void)call;
}

/* library.c puts off the Close. */
bool guard_keeps_buffers(const struct shadow_set *set)
{
    (void)set;
    return true;
}

/* --- failures.h, shortage.h, fault_crash.c: faults that a session has not (input.c) --- */

void failures_handed_out(const struct call *call, int32_t command)
{
    (void)call, (void)command;
}

void failures_take_back(uint64_t fetch)
{
    (void)fetch;
}

void shortage_call_began(const struct call *call)
{
    (void)call;
}

void shortage_call_ended(const struct call *call)
{
    (void)call;
}

static void cannot(uint32_t fault)
{
    run_fault_take_back(fault);
}

void deed_arm_file(struct call *call, uint32_t fault, struct delivery *delivery)
{
    (void)call, (void)delivery;
    cannot(fault);
}

void deed_arm_close(struct call *call, uint32_t fault, struct delivery *delivery)
{
    (void)call, (void)delivery;
    cannot(fault);
}

void deed_run_short(struct call *call, uint32_t fault)
{
    (void)call;
    cannot(fault);
}

void deed_run_short_inside(struct call *call, uint32_t fault)
{
    (void)call;
    cannot(fault);
}

void deed_crash(struct call *call, uint32_t fault)
{
    (void)call;
    cannot(fault);
}

void deed_crash_secondary(struct call *call, uint32_t fault)
{
    (void)call;
    cannot(fault);
}

/* --- virtual_time.h: all of time is --- */

int64_t virtual_ahead(void)
{
    return 0;
}

bool virtual_wait_begin(struct timed_wait *wait, enum run_wait_kind kind, int64_t nanoseconds)
{
    (void)wait, (void)kind, (void)nanoseconds;
    return false;
}

bool virtual_library_wait_begin(struct timed_wait *wait, time_t timeout)
{
    (void)wait, (void)timeout;
    return false;
}

time_t virtual_library_slice(struct timed_wait *wait)
{
    (void)wait;
    return 0;
}

int64_t vdifault_wait_slice(struct timed_wait *wait)
{
    (void)wait;
    return 0;
}

void vdifault_wait_pause(struct timed_wait *wait)
{
    (void)wait;
}

void vdifault_wait_end(struct timed_wait *wait)
{
    (void)wait;
}
