/* The scratch folder, its token, and what a dead runner leaves (design 4.3). */
#include <fcntl.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "cleanup.h"
#include "machine.h"
#include "parts.h"
#include "rundir.h"

static char base[] = "/tmp/test-cli-rundir-XXXXXX";
static const struct parts parts = {
    .stand_in = "/x/sqlcmd", .interposer = "/x/libvdifault.so", .files = "/x/libvdifault-sys.so"};

static int make_base(void **state)
{
    (void)state;
    return mkdtemp(base) == NULL;
}

static int remove_base(void **state)
{
    (void)state;
    return folder_remove(base);
}

static bool exists(const char *format, const char *a, const char *b)
{
    char path[RUN_PATH_MAX];
    struct stat info;
    snprintf(path, sizeof path, format, a, b);
    return lstat(path, &info) == 0;
}

static void folder_is_private_and_complete(void **state)
{
    (void)state;
    struct rundir dir;
    struct stat info;
    assert_int_equal(rundir_create(base, &parts, &dir), 0);
    assert_int_equal(stat(dir.path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_true(exists("%s/%s", dir.path, "tmp"));
    assert_true(exists("%s/%s", dir.path, "trace"));
    assert_true(exists("%s/%s", dir.path, "client"));
    char target[64] = "";
    char link[RUN_PATH_MAX + 16];
    snprintf(link, sizeof link, "%s/bin/sqlcmd", dir.path);
    assert_int_equal(readlink(link, target, sizeof target - 1), 9);
    assert_string_equal(target, "/x/sqlcmd");
    assert_int_equal(run_name_state(strrchr(dir.path, '/') + 1), TOKEN_LIVE);
    assert_int_equal(folder_remove(dir.path), 0);
    assert_false(exists("%s%s", dir.path, ""));
}

/* A message names files as the client's command does, whichever run it is of. */
static void paths_in_a_message_begin_with_run(void **state)
{
    (void)state;
    struct rundir dir;
    char text[RUN_PATH_MAX + 64];
    assert_int_equal(rundir_create(base, &parts, &dir), 0);
    snprintf(text, sizeof text, "nothing had synced '%s/client/a.bak', nor '/b', nor '%s/client'", dir.path,
             dir.path);
    rundir_contract(text);
    assert_string_equal(text, "nothing had synced '{run}/a.bak', nor '/b', nor '{run}'");
    snprintf(text, sizeof text, "'/x/vdifault-tests/vdifault-1-2-abcdef/client/a'");
    rundir_contract(text);
    assert_string_equal(text, "'{run}/a'");
    assert_int_equal(folder_remove(dir.path), 0);
}

static void paths_elsewhere_stay(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "'/",
        "'/tmp/a.bak'",
        "'/tmp/client/a.bak'",
        "'/tmp/vdifault-1-2-abcdef/tmp/a'",
        "'/tmp/vdifault-1-2-abcdef/clients/a'",
        "'/tmp/vdifault-1-2-abcdefg/client/a'",
        "'/tmp/vdifault-1-2/client/a'",
        "'/tmp/vdifault-mine/client/a'",
        "'/tmp/vdifault-1-2-abcdef/client/a", /* cut off */
        "/tmp/vdifault-1-2-abcdef/client/a",
        "'/tmp/a' /tmp/vdifault-1-2-abcdef/client/a",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char text[128];
        snprintf(text, sizeof text, "%s", texts[i]);
        rundir_contract(text);
        assert_string_equal(text, texts[i]);
    }
}

static void folder_that_cannot_be_made(void **state)
{
    (void)state;
    struct rundir dir;
    assert_int_not_equal(rundir_create("/nonexistent", &parts, &dir), 0);
}

static void tokens_tell_whether_the_runner_lives(void **state)
{
    (void)state;
    char token[RUN_TOKEN_MAX];
    char name[RUN_TOKEN_MAX + 32];
    run_token(token);
    assert_int_equal(run_token_state(token), TOKEN_LIVE);
    snprintf(name, sizeof name, "vdifault-%s-0123abcd", token);
    assert_int_equal(run_name_state(name), TOKEN_LIVE);
    /* the number is in use, by a process that started at another time */
    snprintf(name, sizeof name, "vdifault-%d-1-0123abcd", (int)getpid());
    assert_int_equal(run_name_state(name), TOKEN_STALE);
    const char *const none[] = {"vdifault-",
                                "vdifault-0-1-x",
                                "vdifault-1-2",
                                "vdifault-e2e-x",
                                "other-1-2-x",
                                "vdifault--1-2-x",
                                "vdifault-99999999999999999999-2-x",
                                "vdifault-1-x-2"};
    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        assert_int_equal(run_name_state(none[i]), TOKEN_NONE);
    }
}

static void stale_folders_go_and_others_stay(void **state)
{
    (void)state;
    char path[RUN_PATH_MAX];
    struct rundir live;
    char stale[64];
    snprintf(stale, sizeof stale, "vdifault-%d-1-abcdef", (int)getpid());
    assert_int_equal(rundir_create(base, &parts, &live), 0);
    snprintf(path, sizeof path, "%s/%s", base, stale);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/vdifault-keep-me", base);
    assert_int_equal(mkdir(path, 0700), 0);
    cleanup_stale(base, false, NULL);
    assert_true(exists("%s/%s", base, stale));
    assert_true(cleanup_stale(base, true, NULL) >= 1);
    assert_false(exists("%s/%s", base, stale));
    assert_true(exists("%s%s", live.path, ""));
    assert_true(exists("%s/%s", base, "vdifault-keep-me"));
    assert_int_equal(folder_remove(live.path), 0);
}

/* A container that shares the folder has process numbers of its own: its runner only looks dead from here. */
static void runs_of_another_pid_namespace_stay(void **state)
{
    (void)state;
    const struct {
        const char *space;
        bool stays;
    } rows[] = {{"pid:[1]", true}, {NULL, false}};
    for (size_t i = 0; i < 2; i++) {
        char own[64] = "";
        char name[64];
        struct rundir dir = {.token = ""};
        assert_true(readlink("/proc/self/ns/pid", own, sizeof own - 1) > 0);
        snprintf(name, sizeof name, "vdifault-%d-%d-abcdef", (int)getpid(), (int)i + 1);
        snprintf(dir.path, sizeof dir.path, "%s/%s", base, name);
        assert_int_equal(mkdir(dir.path, 0700), 0);
        const char *space = rows[i].space != NULL ? rows[i].space : own;
        assert_int_equal(rundir_write(&dir, "namespace", space, strlen(space)), 0);
        char object[RUN_PATH_MAX];
        snprintf(object, sizeof object, SHM_FOLDER "/vdifault-%d-%d-0123", (int)getpid(), (int)i + 1);
        int fd = open(object, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
        assert_true(fd >= 0);
        close(fd);
        cleanup_stale(base, true, NULL);
        assert_int_equal(exists("%s%s", dir.path, ""), rows[i].stays);
        (void)folder_remove(dir.path);
        bool object_stays = unlink(object) == 0;
        assert_int_equal(object_stays, rows[i].stays);
    }
}

static void a_new_folder_tells_its_namespace(void **state)
{
    (void)state;
    struct rundir dir;
    char own[64] = "";
    char text[64] = "";
    char path[RUN_PATH_MAX + 16];
    assert_int_equal(rundir_create(base, &parts, &dir), 0);
    snprintf(path, sizeof path, "%s/namespace", dir.path);
    FILE *file = fopen(path, "re");
    assert_non_null(file);
    assert_true(fread(text, 1, sizeof text - 1, file) > 0);
    fclose(file);
    assert_true(readlink("/proc/self/ns/pid", own, sizeof own - 1) > 0);
    assert_string_equal(text, own);
    assert_false(rundir_is_foreign(base, strrchr(dir.path, '/') + 1));
    assert_int_equal(folder_remove(dir.path), 0);
}

/* Root sees the runs of all users; they are theirs to clean up. */
static void processes_of_other_users_stay(void **state)
{
    (void)state;
    int started[2];
    char token[64];
    char byte = 0;
    if (geteuid() != 0) {
        skip();
    }
    snprintf(token, sizeof token, "VDI_NAMESPACE=%d-1", (int)getpid());
    assert_int_equal(pipe2(started, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        char *const argv[] = {(char *)"sleep", (char *)"600", NULL};
        char *const environment[] = {token, NULL};
        if (setgid(65534) == 0 && setuid(65534) == 0) {
            execve("/bin/sleep", argv, environment);
        }
        _exit(1);
    }
    close(started[1]);
    assert_int_equal(read(started[0], &byte, 1), 0); /* closed by exec */
    close(started[0]);
    cleanup_stale(base, true, NULL);
    assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
}

static void removal_follows_no_links_and_opens_locked_folders(void **state)
{
    (void)state;
    char path[RUN_PATH_MAX];
    char other[RUN_PATH_MAX];
    snprintf(other, sizeof other, "%s/outside", base);
    int fd = open(other, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    close(fd);
    snprintf(path, sizeof path, "%s/tree", base);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/tree/locked", base);
    assert_int_equal(mkdir(path, 0700), 0);
    snprintf(path, sizeof path, "%s/tree/locked/link", base);
    assert_int_equal(symlink(base, path), 0);
    snprintf(path, sizeof path, "%s/tree/locked", base);
    assert_int_equal(chmod(path, 0), 0);
    snprintf(path, sizeof path, "%s/tree", base);
    assert_int_equal(folder_remove(path), 0);
    assert_false(exists("%s%s", path, ""));
    assert_true(exists("%s%s", other, ""));
    assert_int_equal(folder_remove(path), 0); /* what is not there needs no removal */
}

/* Each kernel that the tests run on has it: mremap with an old length of 0. */
static void guard_of_this_machine(void **unused)
{
    (void)unused;
    char why[256] = "";
    if (machine_check_guard(why, sizeof why) != 0) {
        fail_msg("%s", why);
    }
    assert_string_equal(why, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(folder_is_private_and_complete),
        cmocka_unit_test(paths_in_a_message_begin_with_run),
        cmocka_unit_test(paths_elsewhere_stay),
        cmocka_unit_test(folder_that_cannot_be_made),
        cmocka_unit_test(tokens_tell_whether_the_runner_lives),
        cmocka_unit_test(stale_folders_go_and_others_stay),
        cmocka_unit_test(runs_of_another_pid_namespace_stay),
        cmocka_unit_test(a_new_folder_tells_its_namespace),
        cmocka_unit_test(processes_of_other_users_stay),
        cmocka_unit_test(guard_of_this_machine),
        cmocka_unit_test(removal_follows_no_links_and_opens_locked_folders),
    };
    return cmocka_run_group_tests(tests, make_base, remove_base);
}
