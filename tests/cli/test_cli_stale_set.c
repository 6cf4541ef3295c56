/* stale-set: what a killed process leaves of a set is there, is seen for what it is, and is in nobody's way. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "environment.h"
#include "rundir.h"
#include "segment.h"
#include "stale_set.h"

static char folder[] = "/tmp/test-cli-stale-XXXXXX";
static char token[32];
static struct plan plan;
static struct run_state *state;

static int make_run(void **unused)
{
    struct fault_error error;
    (void)unused;
    snprintf(token, sizeof token, "stale%d", (int)getpid());
    setenv(TOKEN_VARIABLE, token, 1);
    return mkdtemp(folder) == NULL || run_state_create(folder) != 0 || run_state_map(folder, &state) != 0 ||
           plan_parse_line("fault stale-set", &plan, &error) != 0;
}

static int remove_run(void **unused)
{
    (void)unused;
    return folder_remove(folder);
}

/* How many objects of our namespace there are; all of them must be leftovers. */
static int leftovers(void)
{
    char prefix[64];
    int count = 0;
    snprintf(prefix, sizeof prefix, "vdifault-%s-", token);
    DIR *objects = opendir("/dev/shm");
    assert_non_null(objects);
    for (struct dirent *entry; (entry = readdir(objects)) != NULL;) {
        if (strncmp(entry->d_name, prefix, strlen(prefix)) == 0) {
            assert_true(segment_is_leftover(entry->d_name));
            count++;
        }
    }
    closedir(objects);
    return count;
}

static void nothing_is_made_that_was_not_asked_for(void **unused)
{
    (void)unused;
    stale_sets_make(&plan, state, token);
    assert_int_equal(leftovers(), 0);
    assert_int_equal(atomic_load(&state->faults[0].request), RUN_REQUEST_NONE);
}

static void a_dead_set_is_there_and_goes_with_the_next_create(void **unused)
{
    (void)unused;
    static struct segment segment;
    const struct VDConfig config = {.deviceCount = 2};
    snprintf(state->operations[0].set_name, sizeof state->operations[0].set_name, "nightly");
    atomic_store(&state->faults[0].request, RUN_REQUEST_ASKED);
    stale_sets_make(&plan, state, token);
    assert_int_equal(atomic_load(&state->faults[0].request), RUN_REQUEST_DONE);
    assert_int_equal(leftovers(), 1);
    assert_int_equal(segment_create("nightly", &config, &segment), 0);
    assert_int_equal(segment.device_count, 2); /* it is the new one */
    segment_unlink(&segment);
    segment_detach(&segment);
    assert_int_equal(leftovers(), 0);
}

/* The name of a set that lives cannot be had: nothing has happened then, and nobody is told so. */
static void a_living_set_is_in_the_way(void **unused)
{
    (void)unused;
    static struct segment segment;
    const struct VDConfig config = {.deviceCount = 1};
    assert_int_equal(segment_create("nightly", &config, &segment), 0);
    atomic_store(&state->faults[0].request, RUN_REQUEST_ASKED);
    stale_sets_make(&plan, state, token);
    assert_int_equal(atomic_load(&state->faults[0].request), RUN_REQUEST_ASKED);
    segment_unlink(&segment);
    segment_detach(&segment);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_is_made_that_was_not_asked_for),
        cmocka_unit_test(a_dead_set_is_there_and_goes_with_the_next_create),
        cmocka_unit_test(a_living_set_is_in_the_way),
    };
    return cmocka_run_group_tests(tests, make_run, remove_run);
}
