/* fault_table.c - the catalogue of fault kinds, as data (design 4.4). */
#include "event.h"
#include "fault.h"
#include "vdi.h"

#define FUNCTION(name) (1u << VDI_FN_##name)

enum {
    ALL_COMMANDS = 0xffffeu, /* bits 1 to 19 (spec 5.5) */
    /* Before ClearError the device is in IO-ERROR: no other command would reach the client (spec 2.2). */
    WITHOUT_IO_ERROR = ALL_COMMANDS & ~(1u << VDC_ClearError),
    /* Sites at which a device can be open. Create, GetConfiguration and OpenInSecondary come before the first
     * OpenDevice of a set's life, Destroy after its last call. */
    WITH_OPEN_DEVICES = FUNCTION(OPEN_DEVICE) | FUNCTION(GET_COMMAND) | FUNCTION(COMPLETE_COMMAND) |
                        FUNCTION(SIGNAL_ABORT) | FUNCTION(CLOSE) | FUNCTION(GET_BUFFER_HANDLE) |
                        FUNCTION(MAP_BUFFER_HANDLE) | FUNCTION(REGISTER_DEVICE_CLOSED),
};

const struct fault_info fault_table[FAULT_KIND_COUNT] = {
    [FAULT_EARLY_CLOSE] =
        {
            .name = "early-close",
            .class = FAULT_CLASS_FIELD,
            .functions = WITH_OPEN_DEVICES,
            .commands = ALL_COMMANDS,
            .works_on_real_server = true,
            .what =
                "the set is closed under the client as by another of its threads, if a device is open (at "
                "OpenDevice#1 none is: it never fires)",
            .correct_client = "takes VD_E_PROTOCOL or VD_E_ABORT as the end, uses no buffer, reports failure",
        },
    [FAULT_LOST_CLOSE] =
        {
            .name = "lost-close",
            .class = FAULT_CLASS_FIELD,
            .default_site = "GetCommand",
            .functions = FUNCTION(GET_COMMAND),
            .works_on_real_server = true,
            .what = "VD_E_CLOSE of a device is never delivered: GetCommand goes on as if idle",
            .correct_client =
                "waits with a limit or learns the statement's result, then SignalAbort and Close",
        },
    [FAULT_ABORT] =
        {
            .name = "abort",
            .class = FAULT_CLASS_SPEC,
            .commands = ALL_COMMANDS,
            .works_on_real_server = true, /* by=client only: nobody asks a real server to abort */
            .args = {{"by", "server|client", "server"}, {"at", "fetch|touch|complete", "fetch"}},
            .what = "SignalAbort while a command is in the client's hands",
            .correct_client = "stops using buffers, takes VD_E_ABORT as failure on every device, calls Close",
        },
    [FAULT_UNKNOWN_COMMAND] =
        {
            .name = "unknown-command",
            .class = FAULT_CLASS_SPEC,
            .commands = WITHOUT_IO_ERROR,
            .args = {{"code", "CODE", "99"}},
            .what = "the server sends a command with a code nobody knows before the command of the site; a "
                    "code of 4 to"
                    " 11 is sent to clients whose features exclude that command",
            .correct_client = "completes it with ERROR_NOT_SUPPORTED and goes on (VDI-CMD-008, VDI-CMD-009)",
        },
};
