/* The rule table: wording, reason, source and remedy of every rule the checker knows (spec 15, design 4.5).
 */
#include <strings.h>

#include "rules.h"

#define CLIENT_TRANSITIONS "VDI specification, Client Transitions"
#define CLOSE_PAGE         "VDI reference, IClientVirtualDeviceSet2::Close"

const struct rule_info rule_table[] = {
    {"VDI-CREATE-001", RULE_NORMATIVE, "Create must not be called on a set object that already holds a set.",
     "The call fails with VD_E_PROTOCOL and the new operation never gets a set of its own; the old one "
     "stays.",
     CLIENT_TRANSITIONS, "Call Close first, or use one set object for each operation."},
    {"VDI-GETCFG-002", RULE_NORMATIVE, "OpenDevice must not be called before GetConfiguration has succeeded.",
     "Until then the server has not settled the configuration and no device can be opened.",
     CLIENT_TRANSITIONS "; IClientVirtualDeviceSet2::GetConfiguration",
     "Call GetConfiguration and go on to OpenDevice only when it returned NOERROR."},
    {"VDI-OPEN-005", RULE_DERIVED, "Every one of the deviceCount devices must be opened.",
     "The server starts no transfer before all devices are open, so the statement waits for ever.",
     "VDI specification, Process Model and Configuration (derived)",
     "Open each device named in the statement, or call SignalAbort when one cannot be served."},
    {"VDI-GETCMD-002", RULE_NORMATIVE,
     "After VD_E_CLOSE, GetCommand must not be called on that device again.",
     "The device is closed for good: the call is an error at best and waits for ever at worst.",
     "VDI specification, Normal Termination; Client Transitions", "Leave the device's loop on VD_E_CLOSE."},
    {"VDI-GETCMD-003", RULE_NORMATIVE,
     "After VD_E_ABORT nothing may be called on the set but Close (SignalAbort is harmless).",
     "An aborted set serves nothing any more; a client that goes on never reaches its clean-up.",
     CLIENT_TRANSITIONS, "On VD_E_ABORT stop using buffers, end the device's thread, then Close the set."},
    {"VDI-CMD-001", RULE_NORMATIVE,
     "Every fetched command must be completed exactly once, unless the set is aborted.",
     "SQL Server waits for each command it sent: one that is never completed stops the whole statement.",
     "VDI specification, Active; IClientVirtualDevice::CompleteCommand",
     "Complete every command on every path, with an error code if it cannot be served."},
    {"VDI-CMD-002", RULE_NORMATIVE,
     "CompleteCommand must be given a command fetched from the same device and not yet completed.",
     "The block may already belong to another command, whose buffer is then given back while in use.",
     "VDI reference, IClientVirtualDevice::CompleteCommand (VD_E_INVALID)",
     "Forget a command's pointer when completing it, and keep it with the device it came from."},
    {"VDI-CMD-008", RULE_NORMATIVE,
     "An unsupported command must be completed with ERROR_NOT_SUPPORTED, not with SUCCESS and not left open.",
     "SQL Server believes that what it asked for was done.", "VDI specification, Command General Rules",
     "End the switch over commandCode with a default that completes with ERROR_NOT_SUPPORTED."},
    {"VDI-CLOSE-001", RULE_NORMATIVE,
     "Close must not be called before every device has delivered VD_E_CLOSE, unless the set is aborted.",
     "Close then aborts the set internally: the statement fails although the client takes it for finished.",
     CLOSE_PAGE "; Normal Termination",
     "Wait for VD_E_CLOSE on each device; when it does not come, call SignalAbort before Close."},
    {"VDI-CLOSE-003", RULE_NORMATIVE, "Devices and buffers must not be used after Close.",
     "The shared memory is gone: the use is an error at best, a crash or foreign data at worst.", CLOSE_PAGE,
     "Join every thread that uses a device before Close."},
    {"VDI-CLOSE-004", RULE_NORMATIVE, "Close must not be called when there is no set (second Close).",
     "The call fails with VD_E_PROTOCOL, and shows that nobody owns the end of the set's life.",
     CLIENT_TRANSITIONS, "Let exactly one place close the set, and only after a Create that succeeded."},
    {"VDI-OUT-001", RULE_OUTCOME, "The client must not claim success for an operation that did not succeed.",
     "A backup that is believed good and is not shows itself at the restore, when it is too late.",
     "VDI samples: the result of the T-SQL statement decides; IClientVirtualDeviceSet2::SignalAbort",
     "Report success only if each device ended with VD_E_CLOSE and the statement succeeded (3014)."},
    {"VDI-OUT-002", RULE_OUTCOME, "The client must not hang.",
     "A hung client holds the statement, its set and the database's backup lock.",
     "VDI reference, GetCommand (time-outs are the client's own decision)",
     "Use finite waits, or a watchdog that calls SignalAbort when the statement has ended."},
    {"VDI-OUT-003", RULE_OUTCOME, "The client must not die of a signal or a sanitizer report.",
     "Nothing is cleaned up, nobody is told, and memory may have been corrupted before.",
     "VDI specification, Abnormal Termination",
     "See the report of the signal or sanitizer; do not touch buffers after CompleteCommand, abort or "
     "Close."},
    {"VDI-OUT-004", RULE_OUTCOME, "A process must leave no set, shared memory or child process behind.",
     "Leftovers fill /dev/shm and block the set's name for the next run.", CLOSE_PAGE " (resources)",
     "Close the set on every path, and wait for the processes that were started."},
    {"VDI-OUT-005", RULE_OUTCOME, "The client must not call VDI over and over without waiting.",
     "It burns a processor that the server needs for the transfer.", "VDI reference, GetCommand (timeout)",
     "Give GetCommand a timeout above zero and leave the loop on errors."},
    {"VDI-OUT-006", RULE_OUTCOME, "The client must not fail when nothing went wrong.",
     "A good backup is thrown away or repeated.",
     "VDI specification, Normal Termination; the result of the T-SQL statement decides",
     "Find what made the client fail: every call and the statement itself had succeeded."},
    {"VDI-OUT-007", RULE_OUTCOME, "What Flush (and Complete) acknowledged must be a backup that restores.",
     "SQL Server may truncate the log on the strength of that answer; the log chain is then broken.",
     "VDC_Flush; KB3188454",
     "Commit everything received before completing Flush with SUCCESS, or ask for VDC_Complete."},
    {"VDI-OUT-008", RULE_OUTCOME, "A client that ends or gives up must not leave a statement waiting for it.",
     "The statement blocks until somebody kills it.", "VDI specification, Abnormal Termination",
     "Call SignalAbort, then Close, before giving up."},
};
const size_t rule_count = sizeof rule_table / sizeof rule_table[0];

const struct rule_info *rule_find(const char *id)
{
    for (size_t i = 0; id && i < rule_count; i++) {
        if (strcasecmp(rule_table[i].id, id) == 0) {
            return &rule_table[i];
        }
    }
    return NULL;
}
