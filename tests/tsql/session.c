/* session.c - see session.h. */
#include "session.h"

#include <stdlib.h>
#include <string.h>

struct plan plan;
struct catalog *catalog;
atomic_bool interrupted;

struct outcome run_as(enum process_role role, const char *input, int argc, char *const *argv)
{
    struct sqlcmd_options options;
    char message[SQLCMD_MESSAGE_MAX];
    struct outcome outcome;
    size_t out_size, err_size;
    assert_int_equal(sqlcmd_options_parse(argc, argv, &options, message), 0);
    struct sqlcmd_environment environment = {.plan = &plan,
                                             .catalog = catalog,
                                             .role = role,
                                             .interrupted = &interrupted,
                                             .in = fmemopen((char *)input, strlen(input), "r"),
                                             .out = open_memstream(&outcome.out, &out_size),
                                             .err = open_memstream(&outcome.err, &err_size)};
    outcome.status = sqlcmd_run(&options, &environment);
    fclose(environment.in);
    fclose(environment.out);
    fclose(environment.err);
    sqlcmd_options_free(&options);
    return outcome;
}

void expect(struct outcome outcome, int status, const char *out, const char *err)
{
    assert_string_equal(outcome.out, out);
    assert_string_equal(outcome.err, err);
    assert_int_equal(outcome.status, status);
    free(outcome.out);
    free(outcome.err);
}

void engine_says(const struct sql_message *messages, size_t count)
{
    assert_true(count < FAKE_MESSAGES_MAX);
    memcpy(fake.messages, messages, count * sizeof(*messages));
}

int setup(void **state)
{
    (void)state;
    fake_reset();
    atomic_store(&interrupted, false);
    return 0;
}
