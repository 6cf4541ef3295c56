/* Each fault of the statement, the server and the connection brings out a bug: one of the buggy clients', by a rule
 * that the kind's row names. */
#include "bugs.h"

static const struct bug_under_fault bugs[] = {
    {"no-server", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"no-server", "buggy_bringup", "windows-infinite", "VDI-OUT-002", 1, "error"},
    {"statement-refused", "buggy", "claim-success", "VDI-OUT-001", 4, "error"},
    {"statement-refused(number=596)", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"statement-refused(number=3204)", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"statement-fails@CompleteCommand#3", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"statement-fails@Write#3", "buggy_ends", "await-close", "VDI-ABORT-004", 1, NULL},
    {"late-failure", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"late-failure(number=3634)", "buggy", "claim-success", "VDI-TERM-001", 2, "error"},
    {"late-failure(number=596)", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"late-failure(number=3204)", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"late-failure(number=0)", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"error-and-success", "buggy", "no-close", "VDI-OUT-004", 1, "error"},
    {"server-crash@Write#3", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"server-crash@CompleteCommand#4", "buggy_ends", "await-close", "VDI-ABORT-004", 1, NULL},
    {"server-hang@Write#3", "buggy", "wait-for-ever", "VDI-OUT-002", 1, "error"},
    {"server-hang@Flush", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"server-slow(ms=3000)@Write#3", "buggy_answers", "timeout-is-end", "VDI-GETCMD-004", 1, NULL},
    {"kill-session@Write#3", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"attention@Write#2:1", "buggy", "claim-success", "VDI-OUT-001", 2, "error"},
    {"shutdown@CompleteCommand#3", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"failover@Write#2", "buggy_ends", "await-close", "VDI-ABORT-004", 1, NULL},
    {"busy-database(ms=2500)", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"stale-set", "buggy", "no-close", "VDI-OUT-004", 1, "error"},
    {"chatty@Write#3", "buggy_ends", "read-late", "VDI-OUT-002", 1, "error"},
};

static void test_bugs_show(void **unused)
{
    (void)unused;
    bugs_show(bugs, sizeof bugs / sizeof bugs[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(test_bugs_show)};
    return cmocka_run_group_tests(tests, NULL, NULL);
}
