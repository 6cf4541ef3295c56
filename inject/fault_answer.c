/* fault_answer.c - deeds to the client's answer on its way to the server. */
#include "deeds.h"

/* It has not happened yet, and will not if the command is never completed. */
void deed_fail_command_at_delivery(struct call *call, uint32_t fault, struct delivery *delivery)
{
    (void)call;
    run_fault_take_back(fault);
    delivery->later->at_complete |= UINT64_C(1) << fault;
}

int deed_fail_command(struct call *call, uint32_t fault)
{
    call_fault(call, fault);
    return deed_fault(fault)->arg[FAULT_ARG_CODE];
}
