/* session_test.c - what a client in the simulation asks of the system: threads, time, other programs, its own end. Each
 * test is a client of its own, run as often as a fuzzer would: whatever one leaves must not reach the next. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <err.h>
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "sessions.h"
#include "vdi.h"
#include "vdierror.h"
#include "vdifault.h"
#include "world.h"

enum {
    TEXT_MAX = 1024
};

/* --- the client's end --- */

static int returns_seven(const char *folder)
{
    (void)folder;
    return 7;
}

static int exits_in_a_function(const char *folder)
{
    char path[300];
    snprintf(path, sizeof path, "%s/left-open", folder);
    assert_non_null(fopen(path, "w"));
    exit(5);
}

static void ends_by_return_and_exit(void **state)
{
    (void)state;
    expect(returns_seven, "", "", 7);
    expect(exits_in_a_function, "", "", 5);
}

static int creates_and_leaves(const char *folder)
{
    ClientVirtualDeviceSet set;
    char name[] = "left";
    VDConfig config = {.deviceCount = 1};
    (void)folder;
    vdi_set_init(&set);
    assert_int_equal(vdi_set_create(&set, name, &config), 0);
    exit(0);
}

static void a_set_left_behind_is_a_leak(void **state)
{
    (void)state;
    expect(creates_and_leaves, "", "VDI-OUT-004", 0);
}

/* --- threads --- */

static struct {
    pthread_mutex_t mutex;
    pthread_cond_t changed;
    int turn;
} game;

static void *play(void *number)
{
    pthread_mutex_lock(&game.mutex);
    while (game.turn != (int)(intptr_t)number) {
        pthread_cond_wait(&game.changed, &game.mutex);
    }
    game.turn++;
    pthread_cond_broadcast(&game.changed);
    pthread_mutex_unlock(&game.mutex);
    return number;
}

/* The last one is made first, so that nobody's turn comes by chance. */
static int plays(const char *folder)
{
    enum {
        PLAYERS = 4
    };
    pthread_t players[PLAYERS];
    (void)folder;
    game.turn = 0;
    for (intptr_t i = PLAYERS - 1; i >= 0; i--) {
        assert_int_equal(pthread_create(&players[i], NULL, play, (void *)i), 0);
    }
    for (intptr_t i = 0; i < PLAYERS; i++) {
        void *result = NULL;
        assert_int_equal(pthread_join(players[i], &result), 0);
        assert_true(result == (void *)i);
    }
    return game.turn == PLAYERS ? 1 : 2;
}

static int locks_twice(const char *folder)
{
    (void)folder;
    pthread_mutex_lock(&game.mutex);
    pthread_mutex_lock(&game.mutex);
    return 1;
}

/* The mutex stays locked in its static memory: the session after it must find it free. */
static void threads_take_turns_and_lock_up(void **state)
{
    (void)state;
    expect(plays, "", "", 1);
    expect(locks_twice, "", "VDI-OUT-002", -1);
    expect(plays, "", "", 1);
}

/* --- time --- */

static int sleeps_for_long(const char *folder)
{
    time_t before = time(NULL);
    (void)folder;
    sleep(3000);
    int64_t slept = time(NULL) - before;
    struct timespec until = {.tv_sec = time(NULL) + 100};
    pthread_mutex_lock(&game.mutex);
    assert_int_equal(pthread_cond_timedwait(&game.changed, &game.mutex, &until), ETIMEDOUT);
    assert_int_equal(time(NULL), until.tv_sec);
    struct timespec later;
    clock_gettime(CLOCK_MONOTONIC, &later);
    later.tv_sec += 100;
    assert_int_equal(pthread_cond_clockwait(&game.changed, &game.mutex, CLOCK_MONOTONIC, &later), ETIMEDOUT);
    assert_int_equal(time(NULL), until.tv_sec + 100);
    until.tv_sec += 200;
    assert_int_equal(pthread_mutex_timedlock(&game.mutex, &until), ETIMEDOUT);
    later.tv_sec += 200;
    assert_int_equal(pthread_mutex_clocklock(&game.mutex, CLOCK_MONOTONIC, &later), ETIMEDOUT);
    assert_int_equal(time(NULL), until.tv_sec + 100);
    pthread_mutex_unlock(&game.mutex);
    return slept == 3000 ? 1 : 2;
}

static void time_passes_at_once(void **state)
{
    (void)state;
    time_t before = time(NULL);
    expect(sleeps_for_long, "", "", 1);
    assert_true(time(NULL) - before < 60);
}

/* --- other programs, files --- */

static int asks_sqlcmd(const char *folder)
{
    char line[64] = "";
    (void)folder;
    FILE *sql =
        popen("exec /opt/mssql-tools/bin/sqlcmd -h -1 -W -Q \"SET NOCOUNT ON; SELECT 40+2\" 2>&1", "r");
    assert_non_null(sql);
    assert_non_null(fgets(line, sizeof line, sql));
    assert_int_equal(pclose(sql), 0);
    assert_string_equal(line, "42\n");
    sql = popen("sqlcmd -b", "w");
    assert_non_null(sql);
    fputs("BACKUP nonsense\nGO\n", sql);
    assert_int_equal(WEXITSTATUS(pclose(sql)), 1);
    assert_int_equal(WEXITSTATUS(system("ls")), 127);
    return 1;
}

static void sqlcmd_is_the_only_program(void **state)
{
    (void)state;
    expect(asks_sqlcmd, "", "", 1);
}

static int writes_a_file(const char *folder)
{
    char path[300];
    struct stat about;
    snprintf(path, sizeof path, "%s/file", folder);
    assert_int_equal(stat(path, &about), -1); /* nothing is left of the session before */
    int file = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    assert_true(file >= 0);
    assert_int_equal(fsync(file), 0);
    assert_int_equal(close(file), 0);
    assert_int_equal(fsync(file), -1);
    assert_int_equal(errno, EBADF);
    return 1;
}

static void the_folder_is_empty_at_first(void **state)
{
    (void)state;
    expect(writes_a_file, "", "", 1);
}

static void a_plan_that_is_none_is_told(void **state)
{
    char text[TEXT_MAX];
    (void)state;
    assert_int_equal(vdifault_session("fault nonsense", text, sizeof text), -1);
    assert_non_null(strstr(text, "line 1"));
}

/* --- polling --- */

enum {
    POLL_MS = 20
};

/* Answers what comes, and looks again at once where nothing does: for longer than there is room for what it calls. */
static int polled(const char *name, bool for_ever)
{
    ClientVirtualDeviceSet set;
    ClientVirtualDevice *device;
    VDC_Command *command;
    VDConfig config = {.deviceCount = 1};
    char words[300];
    int result;
    snprintf(words, sizeof words, "sqlcmd -b -Q \"BACKUP DATABASE sales TO VIRTUAL_DEVICE='%s'\" &", name);
    vdi_set_init(&set);
    assert_int_equal(vdi_set_create(&set, (char *)name, &config), 0);
    assert_int_equal(system(words), 0);
    assert_int_equal(vdi_set_get_configuration(&set, -1, &config), 0);
    assert_int_equal(vdi_set_open_device(&set, (char *)name, &device), 0);
    while ((result = vdi_device_get_command(device, POLL_MS, &command)) != (int)VD_E_CLOSE || for_ever) {
        if (result == 0) {
            unsigned long done = command->commandCode == VDC_Write ? (unsigned long)command->size : 0;
            assert_int_equal(vdi_device_complete_command(device, command, ERROR_SUCCESS, done, 0), 0);
        }
    }
    vdi_set_close(&set);
    vdi_set_destroy(&set);
    return 1; /* nothing was stored */
}

static int polls_a_slow_server(const char *folder)
{
    (void)folder;
    return polled("slow", false);
}

static int polls_what_is_lost(const char *folder)
{
    (void)folder;
    return polled("lost", true);
}

static void polling_is_no_hang_while_commands_come(void **state)
{
    (void)state;
    expect(polls_a_slow_server, "fault server-slow(ms=1800000)@Write#1+\nserver size 512K\n", "", 1);
    expect(polls_what_is_lost, "fault lost-close@GetCommand\n", "VDI-OUT-002", -1);
}

/* --- what a session has not --- */

static int forks(const char *folder)
{
    (void)folder;
    return fork() == 0 ? 0 : 1;
}

int __real_pthread_create(pthread_t *thread, const pthread_attr_t *attributes, void *(*body)(void *),
                          void *argument);

static void *creates(void *context)
{
    ClientVirtualDeviceSet set;
    char name[] = "foreign";
    VDConfig config = {.deviceCount = 1};
    vdi_set_init(&set);
    vdi_set_create(&set, name, &config);
    return context;
}

static int creates_in_a_thread_of_the_system(const char *folder)
{
    pthread_t thread;
    (void)folder;
    if (__real_pthread_create(&thread, NULL, creates, NULL) == 0) {
        for (;;) {
            pause(); /* the program ends meanwhile */
        }
    }
    return 1;
}

static int exits_in_a_library(const char *folder)
{
    (void)folder;
    errx(4, "no way on");
}

static int starts_a_pipeline(const char *folder)
{
    (void)folder;
    return system("sqlcmd -Q 'SELECT 1' | tee log");
}

static void what_a_session_has_not_is_told(void **state)
{
    (void)state;
    expect_refusal(forks, "uses fork");
    expect_refusal(creates_in_a_thread_of_the_system, "a thread of the system's");
    expect_refusal(exits_in_a_library, "an exit within a library");
    expect_refusal(starts_a_pipeline, "a plain command line of sqlcmd");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ends_by_return_and_exit),
        cmocka_unit_test(a_set_left_behind_is_a_leak),
        cmocka_unit_test(threads_take_turns_and_lock_up),
        cmocka_unit_test(time_passes_at_once),
        cmocka_unit_test(sqlcmd_is_the_only_program),
        cmocka_unit_test(the_folder_is_empty_at_first),
        cmocka_unit_test(a_plan_that_is_none_is_told),
        cmocka_unit_test(what_a_session_has_not_is_told),
        cmocka_unit_test(polling_is_no_hang_while_commands_come),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
