/* buggy_table.c - the bugs, as data. */
#include <stdio.h>
#include <string.h>

#include "buggy.h"

const struct bug bug_table[BUG_COUNT] = {
    [BUG_CREATE_TWICE] = {"create-twice", "VDI-CREATE-001", "Create", "-", "backup", 1,
                          "calls Create again on the set it has just created"},
    [BUG_OPEN_BEFORE_CONFIG] = {"open-before-config", "VDI-GETCFG-002", "OpenDevice", "-", "backup", 1,
                                "tries OpenDevice before GetConfiguration, then does it properly"},
    [BUG_OPEN_TOO_FEW] = {"open-too-few", "VDI-OPEN-005", "OpenDevice", "-", "backup", 2,
                          "opens all devices but the last, waits for commands, gives up properly"},
    [BUG_GET_AFTER_CLOSE] = {"get-after-close", "VDI-GETCMD-002", "GetCommand", "-", "backup", 1,
                             "calls GetCommand again after VD_E_CLOSE"},
    [BUG_GET_AFTER_ABORT] = {"get-after-abort", "VDI-GETCMD-003", "GetCommand", "abort@Write#3", "backup", 1,
                             "tries GetCommand three more times after VD_E_ABORT"},
    [BUG_FORGET_WRITE] = {"forget-write", "VDI-CMD-001", "GetCommand", "-", "backup", 1,
                          "stores the third Write but never completes it; gives up properly in the end"},
    [BUG_COMPLETE_TWICE] = {"complete-twice", "VDI-CMD-002", "CompleteCommand", "-", "backup", 1,
                            "completes the second Write twice"},
    [BUG_ACCEPT_UNKNOWN] = {"accept-unknown", "VDI-CMD-008", "CompleteCommand", "unknown-command@Write#2",
                            "backup", 1, "answers commands it does not know with SUCCESS"},
    [BUG_CLOSE_AFTER_FLUSH] = {"close-after-flush", "VDI-CLOSE-001", "Close", "-", "backup", 1,
                               "takes Flush for the end: closes without waiting for VD_E_CLOSE"},
    [BUG_CLOSE_ON_TIMEOUT] = {"close-on-timeout", "VDI-CLOSE-001", "Close", "lost-close", "backup", 1,
                              "closes without SignalAbort when VD_E_CLOSE does not come"},
    [BUG_USE_AFTER_CLOSE] = {"use-after-close", "VDI-CLOSE-003", "GetCommand", "-", "backup", 1,
                             "calls GetCommand on a device after Close"},
    [BUG_CLOSE_TWICE] = {"close-twice", "VDI-CLOSE-004", "Close", "-", "backup", 1, "calls Close twice"},
    [BUG_CLAIM_SUCCESS] = {"claim-success", "VDI-OUT-001", "-", "abort@Write#3", "backup", 1,
                           "exits 0 whatever VDI and the statement said"},
    [BUG_WAIT_FOR_EVER] = {"wait-for-ever", "VDI-OUT-002", "GetCommand", "lost-close", "backup", 1,
                           "waits for commands without limit, and nothing watches the statement"},
    [BUG_CRASH_ON_ABORT] = {"crash-on-abort", "VDI-OUT-003", "-", "abort@Write#3", "backup", 1,
                            "follows a null pointer while it reports VD_E_ABORT"},
    [BUG_NO_CLOSE] = {"no-close", "VDI-OUT-004", "-", "-", "backup", 1, "ends after success without Close"},
    [BUG_SPIN] = {"spin", "VDI-OUT-005", "GetCommand", "lost-close", "backup", 1,
                  "polls GetCommand with timeout 0 instead of waiting"},
    [BUG_CLAIM_FAILURE] = {"claim-failure", "VDI-OUT-006", "-", "-", "restore", 1,
                           "exits 1 after a restore that succeeded"},
    [BUG_LOSE_BACKUP] = {"lose-backup", "VDI-OUT-007", "-", "-", "backup", 1,
                         "deletes its files and fails after every Flush was acknowledged"},
    [BUG_QUIT_MIDWAY] = {"quit-midway", "VDI-OUT-008", "-", "-", "backup", 1,
                         "exits after the fifth Write without SignalAbort or Close"},
};

const struct bug *bug_find(const char *name)
{
    for (int i = 0; i < BUG_COUNT; i++) {
        if (!strcmp(bug_table[i].name, name)) {
            return &bug_table[i];
        }
    }
    return NULL;
}

void bug_list(void)
{
    for (int i = 0; i < BUG_COUNT; i++) {
        const struct bug *bug = &bug_table[i];

        printf("%s\t%s\t%s\t%s\t%s\t%d\t%s\n", bug->name, bug->rule, bug->function, bug->fault,
               bug->operation, bug->devices, bug->what);
    }
}
