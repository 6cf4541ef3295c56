/* fault_calls.c - faults of calls: which results each may give, and what of their arguments and sites does not go
 * together. */
#include <stdio.h>

#include "event.h"
#include "fault_internal.h"
#include "text_out.h"
#include "vdi.h"
#include "vdierror.h"

#define FUNCTION(name) (1u << VDI_FN_##name)

/* What the documents list for a function, where it can be true. Of what they list elsewhere: VD_E_TIMEOUT is
 * `timeout`; VD_E_CLOSE is the server's to give; VD_E_PROTOCOL of a set that is open says that somebody closed it,
 * which is early-close; VD_E_OPEN says that devices are (or are not) open, VD_E_INVALID of a CompleteCommand that the
 * command is no active one: a client that knows better could only be told a lie. VD_E_MEMORY is what a full /dev/shm
 * is. No page says when the other codes of spec 5.6 come. */
const struct fault_result fault_results[FAULT_RESULTS] = {
    {VD_E_ABORT,
     FUNCTION(GET_CONFIGURATION) | FUNCTION(OPEN_DEVICE) | FUNCTION(GET_COMMAND) | FUNCTION(COMPLETE_COMMAND),
     FUNCTION(GET_CONFIGURATION) | FUNCTION(OPEN_DEVICE) | FUNCTION(GET_COMMAND) |
         FUNCTION(COMPLETE_COMMAND)},
    {VD_E_MEMORY, FUNCTION(CREATE) | FUNCTION(OPEN_DEVICE) | FUNCTION(MAP_BUFFER_HANDLE), 0},
    {VD_E_NOTSUPPORTED, FUNCTION(CREATE), 0}, /* spec 3.3 */
    {VD_E_PROTOCOL, FUNCTION(CREATE) | FUNCTION(OPEN_IN_SECONDARY),
     0},                                  /* spec 3.3: exists; 3.10: not ready */
    {VD_E_SECURITY, FUNCTION(CREATE), 0}, /* spec 3.3 */
    {VD_E_INVALID, FUNCTION(OPEN_DEVICE) | FUNCTION(MAP_BUFFER_HANDLE), 0}, /* spec 3.5: another name; 3.11 */
};

static bool refuse(char *why, size_t size, const char *reason)
{
    snprintf(why, size, "%s", reason);
    return false;
}

bool fault_fits_close(const struct fault *fault, char *why, size_t size)
{
    bool counted = fault->site.nth != 1 || fault->site.and_later;
    return !counted || refuse(why, size, "takes no '#': VD_E_CLOSE comes once per device");
}

bool fault_fits_abort(const struct fault *fault, char *why, size_t size)
{
    const struct fault_site *site = &fault->site;
    bool by_client = fault->arg[FAULT_ARG_BY] == FAULT_BY_CLIENT;
    if (site->function != 0 && fault->arg[FAULT_ARG_AT] != FAULT_AT_FETCH) {
        return refuse(why, size, "with at= needs a command: a call has but its entry");
    }
    if ((site->function == VDI_FN_CLOSE || site->function == VDI_FN_SIGNAL_ABORT) && !by_client) {
        return refuse(why, size, "at Close or SignalAbort is by=client: the server may be gone by then");
    }
    if (site->function == VDI_FN_OPEN_IN_SECONDARY && by_client) {
        return refuse(why, size, "at OpenInSecondary is by=server: the set is not open here yet");
    }
    if (fault->arg[FAULT_ARG_AT] == FAULT_AT_TOUCH && site->command != VDC_Read &&
        site->command != VDC_Write) {
        return refuse(why, size, "with at=touch needs a command that has a buffer: expected Read or Write");
    }
    return true;
}

/* Names those that the function may give. */
static bool refuse_result(const struct fault *fault, bool after, char *why, size_t size)
{
    struct text_out out = {why, size, 0};
    text_put(&out, "at %s cannot give %s: expected", vdi_function_names[fault->site.function],
             vdi_result_name(fault_results[fault->arg[FAULT_ARG_CODE]].result));
    for (uint32_t i = 0; i < FAULT_RESULTS; i++) {
        uint32_t functions = after ? fault_results[i].after : fault_results[i].instead;
        if ((functions >> fault->site.function & 1) != 0) {
            text_put(&out, " %s", vdi_result_name(fault_results[i].result));
        }
    }
    return false;
}

bool fault_fits_error(const struct fault *fault, char *why, size_t size)
{
    uint32_t functions = fault_results[fault->arg[FAULT_ARG_CODE]].instead;
    return (functions >> fault->site.function & 1) != 0 || refuse_result(fault, false, why, size);
}

bool fault_fits_error_after(const struct fault *fault, char *why, size_t size)
{
    uint32_t functions = fault_results[fault->arg[FAULT_ARG_CODE]].after;
    return (functions >> fault->site.function & 1) != 0 || refuse_result(fault, true, why, size);
}
