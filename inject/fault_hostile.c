/* fault_hostile.c - commands that no sane server sends, and bytes that change on their way; see deeds.h. */
#include <stddef.h>

#include "deeds.h"
#include "guard.h"
#include "inject.h"
#include "shadow.h"

enum { /* the choices of bad-size and bad-buffer */
    SIZE_BEYOND,
    SIZE_NEGATIVE,
    BUFFER_NULL = 0,
    BUFFER_MISALIGNED
};
enum {
    TOO_MUCH = 65536 /* bytes beyond the largest transfer: the unit of MAXTRANSFERSIZE (spec 7) */
};

/* A command that carries data, in the guard's copy: the library's own is not ours to change. */
static bool give_instead(struct call *call, uint32_t fault, struct delivery *delivery, VDC_Command *altered)
{
    if (delivery->command->buffer == NULL || delivery->command->size <= 0 ||
        !guard_alter(delivery->given, altered)) {
        run_fault_take_back(fault);
        return false;
    }
    call_fault(call, fault);
    *delivery->command = *altered;
    return true;
}

void deed_bad_size(struct call *call, uint32_t fault, struct delivery *delivery)
{
    VDC_Command altered = *delivery->command;
    int64_t most = atomic_load(&call->set->max_transfer);
    int64_t beyond = (altered.size > most ? altered.size : most) + TOO_MUCH;
    bool negative = deed_fault(fault)->arg[FAULT_ARG_HOW] == SIZE_NEGATIVE;
    altered.size = negative ? -altered.size : beyond < INT32_MAX ? (int32_t)beyond : INT32_MAX;
    give_instead(call, fault, delivery, &altered);
}

void deed_bad_buffer(struct call *call, uint32_t fault, struct delivery *delivery)
{
    VDC_Command altered = *delivery->command;
    bool misaligned = deed_fault(fault)->arg[FAULT_ARG_HOW] == BUFFER_MISALIGNED;
    altered.buffer = misaligned && altered.buffer != NULL ? altered.buffer + 1 : NULL;
    give_instead(call, fault, delivery, &altered);
}

/* What a Write brings changes before the client sees it, what a Read returns once the client has done with it. */
void deed_corrupt_transfer(struct call *call, uint32_t fault, struct delivery *delivery)
{
    if (delivery->command->commandCode == VDC_Read) {
        run_fault_take_back(fault); /* not yet */
        delivery->later->at_complete |= UINT64_C(1) << fault;
    } else if (delivery->command->size > 0 &&
               guard_flip(delivery->given, (size_t)delivery->command->size / 2)) {
        call_fault(call, fault);
    } else {
        run_fault_take_back(fault);
    }
}

void deed_corrupt_completion(struct call *call, uint32_t fault)
{
    if (call->bytes == 0 || !guard_flip(call->command, call->bytes / 2)) {
        run_fault_take_back(fault);
    } else {
        call_fault(call, fault);
    }
}
