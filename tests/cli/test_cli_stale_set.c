/* stale-set: what a killed process leaves of a set is there, is seen for what it is, and is in nobody's way. */
#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "environment.h"
#include "rundir.h"
#include "segment.h"
#include "server.h"
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

/* A server that waits for the set looks as soon as there is one, which is before its maker is killed. */
struct waiting_server {
    bool waits;
    int result; /* of its Open */
};
static struct waiting_server *waiting; /* shared with the maker */

int __real_os_memory_publish(struct os_memory *memory, const char *name);
int __wrap_os_memory_publish(struct os_memory *memory, const char *name);

int __wrap_os_memory_publish(struct os_memory *memory, const char *name)
{
    int error = __real_os_memory_publish(memory, name);
    struct server_set *server = waiting != NULL && waiting->waits ? server_set_new() : NULL;
    if (server != NULL) {
        waiting->result = server_set_open(server, "nightly");
        server_set_free(server);
    }
    return error;
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
    assert_int_equal(segment_create("nightly", &config, PHASE_CREATED, &segment), 0);
    assert_int_equal(segment.device_count, 2); /* it is the new one */
    segment_unlink(&segment);
    segment_detach(&segment);
    assert_int_equal(leftovers(), 0);
}

static void no_server_takes_it_for_the_clients(void **unused)
{
    (void)unused;
    waiting = mmap(NULL, sizeof *waiting, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    assert_ptr_not_equal(waiting, MAP_FAILED);
    *waiting = (struct waiting_server){.waits = true};
    atomic_store(&state->faults[0].request, RUN_REQUEST_ASKED);
    stale_sets_make(&plan, state, token);
    assert_int_equal(atomic_load(&state->faults[0].request), RUN_REQUEST_DONE);
    assert_int_equal(waiting->result, VD_E_INVALID);
    assert_int_equal(leftovers(), 1);
    munmap(waiting, sizeof *waiting);
    waiting = NULL;
    atomic_store(&state->faults[0].request, RUN_REQUEST_NONE);
}

/* The name of a set that lives cannot be had: nothing has happened then, and nobody is told so. */
static void a_living_set_is_in_the_way(void **unused)
{
    (void)unused;
    static struct segment segment;
    const struct VDConfig config = {.deviceCount = 1};
    assert_int_equal(segment_create("nightly", &config, PHASE_CREATED, &segment), 0);
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
        cmocka_unit_test(no_server_takes_it_for_the_clients),
        cmocka_unit_test(a_living_set_is_in_the_way),
    };
    return cmocka_run_group_tests(tests, make_run, remove_run);
}
