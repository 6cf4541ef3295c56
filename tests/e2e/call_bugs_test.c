/* Each kind of call fault brings out bugs that only it, or it as well as others, makes show: those of the buggy
 * clients, by the rule that the kind's row names. */
#include "bugs.h"

static const struct bug_under_fault bugs[] = {
    {"abort@CompleteCommand#3", "buggy", "get-after-abort", "VDI-GETCMD-003", 1, "error"},
    {"abort(by=client)@GetCommand#3", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"late-close(ms=30000)", "buggy", "close-on-timeout", "VDI-CLOSE-001", 1, "error"},
    {"late-close(ms=30000)", "buggy_answers", "timeout-is-end", "VDI-GETCMD-004", 1, NULL},
    {"repeat-close", "buggy", "get-after-close", "VDI-GETCMD-002", 1, "error"},
    {"stale-config", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"stale-config", "buggy", "no-close", "VDI-OUT-004", 1, "error"},
    {"bufferarea-missing@OpenDevice", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"bufferarea-missing@GetCommand#2", "buggy", "get-after-abort", "VDI-GETCMD-003", 1, "error"},
    {"error(VD_E_MEMORY)@Create", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"error(VD_E_PROTOCOL)@Create", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"error(VD_E_MEMORY)@OpenDevice#2", "buggy_bringup", "use-null", "VDI-OPEN-004", 2, "error"},
    {"error@CompleteCommand#2", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"error-after@CompleteCommand#3", "buggy", "get-after-abort", "VDI-GETCMD-003", 1, "error"},
    {"error-after@GetCommand#last", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"timeout@GetCommand#3+", "buggy", "close-on-timeout", "VDI-CLOSE-001", 1, "error"},
    {"timeout@GetCommand#3+", "buggy_answers", "timeout-is-end", "VDI-GETCMD-004", 1, NULL},
    {"null-command@GetCommand#3", "careless", "no-sync", "VDI-OUT-003", 1, "error"},
    {"bad-size(how=negative)@Write#2", "careless", "no-sync", "VDI-BUF-003", 1, "info"},
    {"bad-buffer@Write#2", "careless", "no-sync", "VDI-OUT-003", 1, "error"},
    {"secondary-crash@OpenDevice", "buggy_bringup", "forget-secondary", "VDI-SEC-003", 1, "error"},
    {"delay(ms=1500)@GetCommand#3", "buggy_ends", "two-readers", "VDI-THR-001", 1, "error"},
    {"jitter", "buggy_ends", "two-readers", "VDI-THR-001", 1, "error"},
    {"preempt", "buggy_ends", "two-readers", "VDI-THR-001", 1, "error"},
    {"shm-full@Create", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"shm-full(allocation=2)@Create", "buggy", "claim-success", "VDI-OUT-001", 1, "error"},
    {"write-error(after=1000)@Write#2", "buggy_files", "trust-fwrite", "VDI-FLUSH-001", 1, NULL},
    {"write-error@Flush", "buggy_files", "trust-fclose", "VDI-FLUSH-001", 1, NULL},
    {"write-error@Flush", "buggy_files", "trust-fsync", "VDI-FLUSH-001", 1, NULL},
    {"memory-full@Write#2+", "buggy_files", "trust-malloc", "VDI-OUT-003", 1, "error"},
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
