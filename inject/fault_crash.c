/* fault_crash.c - processes that die at a call; see deeds.h. */
#include <signal.h>
#include <unistd.h>

#include "deeds.h"
#include "inject.h"

void deed_crash(struct call *call, uint32_t fault)
{
    call_fault(call, fault);
    kill(getpid(), SIGKILL);
    for (;;) { /* until it has come */
        pause();
    }
}

void deed_crash_secondary(struct call *call, uint32_t fault)
{
    bool joins = call->function == VDI_FN_OPEN_IN_SECONDARY;
    if (joins || (call->set != NULL && atomic_load(&call->set->secondary))) {
        deed_crash(call, fault);
    }
    run_fault_take_back(fault);
}
