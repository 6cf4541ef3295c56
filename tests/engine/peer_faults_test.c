/* Faults at a statement's start and end, and of the server's pace (scenario/faults/peers.def, engine/fault_peers.h),
 * over a scripted client. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "model_fixture.h"
#include "os.h"
#include "request.h"
#include "runstate.h"

enum {
    NS_PER_MS = 1000000
};

static const struct model pipe_model = {"pipe", 0, 0, 0, 0};

static int setup(void **state)
{
    model_setup(state);
    if (run_find_operation("set") < 0) {
        assert_int_equal(run_claim_operation("set", 2), 0);
    }
    return 0;
}

static void prepare(struct statement *statement, const char *fault)
{
    char line[FAULT_TEXT_MAX];
    struct fault_error error;
    struct run_state *state = run_state_attach();
    memset(state->faults, 0, sizeof state->faults);
    atomic_store(&state->operations[0].server, RUN_SERVER_NONE);
    statement->plan.fault_count = 0;
    snprintf(line, sizeof line, "fault %s", fault);
    if (plan_parse_line(line, &statement->plan, &error) != 0) {
        fail_msg("%s: %s", fault, error.message);
    }
    model_prepare(&pipe_model, statement == &restore);
}

static enum engine_status run(struct statement *statement, const char *fault)
{
    prepare(statement, fault);
    return statement_run(statement);
}

static uint32_t fired(void)
{
    return run_state_attach()->faults[0].fired;
}

/* --- before Open --- */

static void nobody_opens_the_set_without_a_server(void **state)
{
    (void)state;
    struct statement *const both[] = {&backup, &restore};
    for (int i = 0; i < 2; i++) {
        assert_int_equal(run(both[i], "no-server"), ENGINE_FAILED);
        assert_int_equal(both[i]->count, 0); /* not even 3013: there is no connection */
        assert_int_equal(both[i]->leaving, ENGINE_UNREACHABLE);
        assert_int_equal(fake.requested, 0);
        assert_int_equal(fired(), 1);
    }
}

static void a_statement_is_refused(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        int32_t number;
        const char *text; /* part of the message */
    } table[] = {
        {"statement-refused", 3201, "backup device 'set'."},
        {"statement-refused(number=911)", 911, "Database 'pubs' does not exist."},
        {"statement-refused(number=262)", 262, "BACKUP DATABASE permission denied in database 'pubs'."},
        {"statement-refused(number=15404)", 15404, "error code 0x5."},
        {"statement-refused(number=3023)", 3023, "must be serialized."},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        assert_int_equal(run(&backup, table[i].fault), ENGINE_FAILED);
        EXPECT(&backup, table[i].number, 3013);
        assert_non_null(strstr(statement_text(&backup, table[i].number), table[i].text));
        assert_int_equal(backup.leaving, ENGINE_STAYS);
        assert_int_equal(fake.requested, 0);
    }
    assert_int_equal(run(&restore, "statement-refused(number=262)"), ENGINE_FAILED);
    assert_string_equal(statement_text(&restore, 262),
                        "CREATE DATABASE permission denied in database 'master'.");
}

/* Issued once more for the same set, it is refused once more only by a fault that stays. */
static void a_refusal_can_last(void **state)
{
    (void)state;
    static const struct {
        const char *fault;
        enum engine_status second;
    } table[] = {{"statement-refused", ENGINE_SUCCEEDED}, {"statement-refused@Create#1+", ENGINE_FAILED}};
    for (size_t i = 0; i < 2; i++) {
        assert_int_equal(run(&backup, table[i].fault), ENGINE_FAILED);
        assert_int_equal(statement_run(&backup), table[i].second);
    }
}

static void client_creates(void)
{
    run_claim_operation("set", 2); /* as inject/ does, before the set is there */
}

/* The client may create its set between any two steps of a server that looks for it. */
static void a_set_that_comes_while_it_is_looked_for_is_refused(void **state)
{
    (void)state;
    static const char *const faults[] = {"no-server@Create/1", "statement-refused@Create/1"};
    for (size_t i = 0; i < 2; i++) {
        struct run_state *run_state = run_state_attach();
        prepare(&backup, faults[i]);
        atomic_store(&run_state->operations[0].ready, 0); /* no set of the name is known */
        fake.exists = false;
        fake.comes = client_creates;
        backup.patience_ms = 60000;
        assert_int_equal(statement_run(&backup), ENGINE_FAILED);
        assert_int_equal(fired(), 1);
        assert_int_equal(fake.requested, 0);
        run_drop_operation(1);
        atomic_store(&run_state->operations[0].ready, 1);
    }
}

static void client_closes_and_claims_another(void)
{
    fake.close_before_open = true;
    fake.client_closed = true;
    run_claim_operation("set", 2);
}

/* A client that gives up just then, and tries again under the same name. */
static void a_set_that_is_closed_at_once_is_not_taken_for_the_next(void **state)
{
    (void)state;
    prepare(&backup, "late-failure");
    fake.opened = client_closes_and_claims_another;
    assert_int_equal(statement_run(&backup), ENGINE_FAILED);
    assert_true(run_server_is_known(0));
    assert_false(run_server_is_known(1));
    run_drop_operation(1);
}

static void a_busy_database_comes_free(void **state)
{
    (void)state;
    int64_t begin = os_now();
    assert_int_equal(run(&backup, "busy-database(ms=60)"), ENGINE_SUCCEEDED);
    assert_true(os_now() - begin >= 60 * (int64_t)NS_PER_MS);
    assert_int_equal(fired(), 1);
    EXPECT(&backup, 4035, 3014);
}

/* --- after the transfer --- */

static void a_transfer_that_looked_right_fails(void **state)
{
    (void)state;
    assert_int_equal(run(&backup, "late-failure"), ENGINE_FAILED);
    EXPECT(&backup, 845, 3013);
    assert_int_equal(fake.closed_devices, 2);
    assert_int_equal(fake.reason, SERVER_ABORT_NONE);
    assert_int_equal(fake.devices[0].sent[VDC_Flush], 1);

    model_back_up(&pipe_model);
    assert_int_equal(run(&restore, "late-failure(number=3634)"), ENGINE_FAILED);
    EXPECT(&restore, 3634, 3013);
    assert_int_equal(fake.closed_devices, 2);
}

static void an_error_before_success_is_none(void **state)
{
    (void)state;
    assert_int_equal(run(&backup, "error-and-success"), ENGINE_SUCCEEDED);
    EXPECT(&backup, 3009, 4035, 3014);
    assert_int_equal(run(&restore, "error-and-success"), ENGINE_SUCCEEDED);
    EXPECT(&restore, 3009, 4035, 3014);
}

static void fail_second(uint32_t device, const struct VDS_Command *command, uint32_t nth,
                        struct fake_answer *answer)
{
    if (device == 0 && command->commandCode == VDC_Write && nth == 2) {
        *answer = (struct fake_answer){.code = ERROR_DISK_FULL};
    }
}

/* Neither is there a late failure, nor a success that an error could precede. */
static void what_has_failed_already_does_not_fail_again(void **state)
{
    (void)state;
    static const char *const faults[] = {"late-failure", "error-and-success"};
    for (size_t i = 0; i < 2; i++) {
        prepare(&backup, faults[i]);
        fake.script = fail_second;
        assert_int_equal(statement_run(&backup), ENGINE_FAILED);
        EXPECT(&backup, 18210, 3202, 3013);
        assert_int_equal(fired(), 0);
    }
}

/* --- the server's pace --- */

static void a_slow_server_gets_there(void **state)
{
    (void)state;
    int64_t begin = os_now();
    assert_int_equal(run(&backup, "server-slow(ms=60)@Write#2:1"), ENGINE_SUCCEEDED);
    assert_true(os_now() - begin >= 60 * (int64_t)NS_PER_MS);
    assert_int_equal(fired(), 1);
    assert_int_equal(run(&backup, "server-slow(ms=1)@Write#2+:1"), ENGINE_SUCCEEDED);
    assert_int_equal(fired(), fake.devices[1].sent[VDC_Write] - 1);
}

static void a_chatty_server_says_much(void **state)
{
    (void)state;
    uint32_t lines = 0;
    assert_int_equal(run(&backup, "chatty(kib=10)@Flush:0"), ENGINE_SUCCEEDED);
    for (uint32_t i = 0; i < backup.count; i++) {
        lines += backup.messages[i].number == 0 && strlen(backup.messages[i].text) == 1023;
    }
    assert_int_equal(lines, 10);
}

int main(void)
{
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, model_teardown)
    const struct CMUnitTest tests[] = {
        TEST(nobody_opens_the_set_without_a_server),
        TEST(a_statement_is_refused),
        TEST(a_refusal_can_last),
        TEST(a_set_that_comes_while_it_is_looked_for_is_refused),
        TEST(a_set_that_is_closed_at_once_is_not_taken_for_the_next),
        TEST(a_busy_database_comes_free),
        TEST(a_transfer_that_looked_right_fails),
        TEST(an_error_before_success_is_none),
        TEST(what_has_failed_already_does_not_fail_again),
        TEST(a_slow_server_gets_there),
        TEST(a_chatty_server_says_much),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
