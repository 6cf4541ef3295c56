/* fault_peers.c - what other processes do when the client gets to a site: they are asked, and the client is held until
 * they have done it; see deeds.h and request.h. */
#include <stddef.h>

#include "deeds.h"
#include "inject.h"
#include "request.h"

enum {
    ANSWER_MS = 5000
};

void deed_ask_server(struct call *call, uint32_t fault)
{
    const struct fault *asked = deed_fault(fault);
    if (!run_ask(fault, asked, ANSWER_MS)) {
        run_fault_take_back(fault);
        return;
    }
    call->flags |= EVENT_FLAG_WAITED_FOR_FAULT;
    call_fault(call, fault);
    bool aborts = (fault_table[asked->kind].effects & FAULT_ABORTS_SET) != 0;
    if (aborts && call->function != VDI_FN_OPEN_IN_SECONDARY) { /* which learns it by its own result */
        shadow_set_aborted(call->set);
    }
}

void deed_ask_active_server(struct call *call, uint32_t fault)
{
    if (deed_finds_set_active(call)) {
        deed_ask_server(call, fault);
    } else {
        run_fault_take_back(fault);
    }
}
