/* tests.h - the files of tests that rules_test runs one after another; each function returns its failures. */
#ifndef VDIFAULT_TESTS_RULES_TESTS_H
#define VDIFAULT_TESTS_RULES_TESTS_H

#define RULE_TEST_FILES(FILE) \
    FILE(opening)             \
    FILE(creation)            \
    FILE(configuration)       \
    FILE(names)               \
    FILE(secondaries)         \
    FILE(sql)                 \
    FILE(calls)               \
    FILE(commands)            \
    FILE(answers)             \
    FILE(positions)           \
    FILE(transfer)            \
    FILE(waiting)             \
    FILE(faults)              \
    FILE(call_faults)         \
    FILE(command_faults)      \
    FILE(peer_faults)         \
    FILE(outcome)             \
    FILE(ends)                \
    FILE(durability)          \
    FILE(commitment)          \
    FILE(threads)             \
    FILE(accesses)            \
    FILE(handles)             \
    FILE(endings)             \
    FILE(recovery)            \
    FILE(again)               \
    FILE(jobs)                \
    FILE(log_chain)           \
    FILE(vendors)             \
    FILE(garbage)

#define RULE_TEST_DECLARATION(name) int test_##name(void);
RULE_TEST_FILES(RULE_TEST_DECLARATION)
#undef RULE_TEST_DECLARATION

#endif
