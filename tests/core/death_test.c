/* A peer that dies (spec 9.6): the survivor's waits end with VD_E_ABORT, and nothing stays in /dev/shm.
 * Processes are killed at a point they report through a pipe, never after a sleep. */
#include <dirent.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "pair.h"
#include "segment.h"

/* Forks a child that runs `body`, says "ready" and sleeps until killed. Returns once it is ready. */
static pid_t start_victim(void (*body)(struct pair *pair), struct pair *pair)
{
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t child = fork();
    assert_true(child >= 0);
    if (child == 0) {
        close(ready[0]);
        body(pair);
        if (write(ready[1], "x", 1) == 1) {
            for (;;) {
                pause();
            }
        }
        _exit(1);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
    return child;
}

static void kill_victim(pid_t child)
{
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void client_body(struct pair *pair)
{
    pair_create(pair, 2);
}

static void server_body(struct pair *pair)
{
    pair_open(pair);
    pair_configure(pair, 8);
}

static void test_dead_server_ends_waits(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDC_Command *command;
    char name[80];
    pair_create(&pair, 2);
    pid_t server = start_victim(server_body, &pair);
    pair_get_configuration(&pair);
    for (uint32_t i = 0; i < 2; i++) {
        assert_int_equal(
            client_set_open_device(pair.client, pair_device_name(&pair, i, name), &pair.devices[i]), 0);
    }
    kill_victim(server);
    struct timespec before, after;
    clock_gettime(CLOCK_MONOTONIC, &before);
    assert_int_equal(client_device_get_command(pair.devices[0], -1, &command), VD_E_ABORT);
    clock_gettime(CLOCK_MONOTONIC, &after);
    print_message("the client noticed after %ld ms\n",
                  (after.tv_sec - before.tv_sec) * 1000 + (after.tv_nsec - before.tv_nsec) / 1000000);
    assert_int_equal(client_device_get_command(pair.devices[1], -1, &command), VD_E_ABORT);
    assert_int_equal(client_set_close(pair.client), 0);
    pair_free(&pair);
    assert_int_equal(pair_objects_left(), 0);
}

/* A client that only polls learns of it, too. */
static void test_polling_notices_a_dead_server(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDC_Command *command;
    int result;
    pair_create(&pair, 1);
    pid_t server = start_victim(server_body, &pair);
    pair_get_configuration(&pair);
    assert_int_equal(client_set_open_device(pair.client, pair.name, &pair.devices[0]), 0);
    assert_int_equal(client_device_get_command(pair.devices[0], 0, &command), VD_E_TIMEOUT);
    kill_victim(server);
    int64_t deadline = os_now() + 20000000000;
    do {
        result = client_device_get_command(pair.devices[0], 0, &command);
    } while (result == VD_E_TIMEOUT && os_now() < deadline);
    assert_int_equal(result, VD_E_ABORT);
    pair_free(&pair);
    assert_int_equal(pair_objects_left(), 0);
}

static void test_dead_server_before_configuration(void **unused)
{
    (void)unused;
    struct pair pair;
    struct VDConfig config;
    pair_create(&pair, 1);
    pid_t server = start_victim(pair_open, &pair);
    kill_victim(server);
    assert_int_equal(client_set_get_configuration(pair.client, -1, &config), VD_E_ABORT);
    pair_free(&pair);
    assert_int_equal(pair_objects_left(), 0);
}

static void test_dead_client_ends_the_servers_wait(void **unused)
{
    (void)unused;
    struct pair pair;
    enum server_set_state state;
    struct server_device *device;
    pair_create(&pair, 2); /* only for the environment and the name */
    assert_int_equal(client_set_close(pair.client), 0);
    struct pair victim = pair;
    pid_t client = start_victim(client_body, &victim);
    /* the child made its own pair under its own pid's name */
    struct pair mine = {.device_count = 2};
    snprintf(mine.name, sizeof mine.name, "pair/%d", (int)client);
    pair_open(&mine);
    pair_configure(&mine, 8);
    assert_int_equal(server_set_open_device(mine.server, &device), 0);
    kill_victim(client);
    do {
        server_set_run_completions(mine.server, &state);
    } while (state == SERVER_SET_LIVE && server_set_wait(mine.server, os_now() + 20000000000) == 0);
    assert_int_equal(state, SERVER_SET_ABORTED);
    assert_int_equal(server_set_abort_reason(mine.server), SERVER_ABORT_CLIENT_DIED);
    server_set_free(mine.server);
    assert_int_equal(pair_objects_left(), 0);
    pair_free(&pair);
}

static void fixed_name_body(struct pair *pair)
{
    struct VDConfig config = {.deviceCount = 1};
    pair->client = client_set_new();
    client_set_create(pair->client, "leftover", &config);
}

static void test_leftovers_are_removed_by_the_server_that_finds_them(void **unused)
{
    (void)unused;
    struct pair pair = {0};
    struct server_set *server = server_set_new();
    pid_t client = start_victim(fixed_name_body, &pair);
    assert_int_equal(pair_objects_left(), 1);
    kill_victim(client);
    assert_int_equal(server_set_open(server, "leftover"), VD_E_INVALID);
    assert_int_equal(pair_objects_left(), 0);
    server_set_free(server);
}

static void test_leftovers_are_removed_by_the_next_create(void **unused)
{
    (void)unused;
    struct pair pair = {0};
    struct VDConfig config = {.deviceCount = 1};
    pid_t client = start_victim(fixed_name_body, &pair);
    assert_int_equal(pair_objects_left(), 1);
    kill_victim(client);
    struct client_set *set = client_set_new();
    assert_int_equal(client_set_create(set, "leftover", &config), 0);
    assert_int_equal(pair_objects_left(), 1);
    client_set_free(set);
    assert_int_equal(pair_objects_left(), 0);
}

/* Objects of the dead that nobody asks for by name, as doctor finds them; and of the living. */
static uint32_t remove_leftovers(void)
{
    uint32_t found = 0;
    DIR *folder = opendir("/dev/shm");
    assert_non_null(folder);
    for (struct dirent *entry; (entry = readdir(folder)) != NULL;) {
        found += segment_is_leftover(entry->d_name);
        segment_remove_leftover(entry->d_name);
    }
    closedir(folder);
    return found;
}

static void test_leftovers_are_told_from_living_sets(void **unused)
{
    (void)unused;
    struct pair pair, living;
    pair_start(&living, 1);
    pair_prepare(&pair, 1);
    pid_t client = start_victim(fixed_name_body, &pair);
    assert_int_equal(remove_leftovers(), 0);
    kill_victim(client);
    uint32_t objects = pair_objects_left();
    assert_int_equal(remove_leftovers(), 1);
    assert_int_equal(pair_objects_left(), objects - 1);
    assert_int_equal(remove_leftovers(), 0);
    pair_close_devices(&living);
    pair_free(&living);
    pair_free(&pair);
    assert_int_equal(pair_objects_left(), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_dead_server_ends_waits),
        cmocka_unit_test(test_polling_notices_a_dead_server),
        cmocka_unit_test(test_dead_server_before_configuration),
        cmocka_unit_test(test_dead_client_ends_the_servers_wait),
        cmocka_unit_test(test_leftovers_are_removed_by_the_server_that_finds_them),
        cmocka_unit_test(test_leftovers_are_removed_by_the_next_create),
        cmocka_unit_test(test_leftovers_are_told_from_living_sets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
