/* test_redirect.c - what a client reaches by a fixed path goes to the run's own; what it starts is a part of the run, or
 * is told. */
#include <arpa/inet.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness.h"

/* ---- dlopen ---- */

static int open_library(const char *library, const char *path)
{
    struct harness h;
    char verb[160];
    setenv("VDIFAULT_LIBRARY", library, 1);
    snprintf(verb, sizeof(verb), "dlopen:%s", path);
    harness_run(&h, CLIENT_BARE, NULL, verb);
    int status = h.exit_status;
    harness_end(&h);
    unsetenv("VDIFAULT_LIBRARY");
    return status;
}

static void a_library_that_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(open_library(LIBRARY, "/opt/none/lib/libsqlvdi.so"), 0);
    assert_int_equal(open_library(LIBRARY, "none/libsqlvdi.so"), 0);
    assert_int_equal(open_library("", "/opt/none/lib/libsqlvdi.so"), 44);
    assert_int_equal(open_library(LIBRARY, "/opt/none/lib/libsqlvdi.so.1"), 44);
    assert_int_equal(open_library(LIBRARY, "/opt/none/lib/notlibsqlvdi.so"), 44);
}

/* It is the real one, even where it cannot be loaded. */
static void a_library_that_is_there(void **state)
{
    (void)state;
    char folder[] = "/tmp/vdifault-redirect-XXXXXX";
    char path[64];
    assert_non_null(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/libsqlvdi.so", folder);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fclose(file);
    assert_int_equal(open_library(LIBRARY, path), 44);
    unlink(path);
    rmdir(folder);
}

/* $ORIGIN is the caller's, as without us. */
static void the_loader_sees_the_caller(void **state)
{
    (void)state;
    assert_int_equal(open_library("/none", "$ORIGIN/../tests/inject/fake/libsqlvdi.so"), 0);
}

/* ---- what is started ---- */

struct folder {
    char path[32];
    char script[64];
    char out[64];
};

/* The script writes what it has of our variables. */
static void make_folder(struct folder *folder, const char *interpreter)
{
    strcpy(folder->path, "/tmp/vdifault-redirect-XXXXXX");
    assert_non_null(mkdtemp(folder->path));
    snprintf(folder->script, sizeof(folder->script), "%s/script", folder->path);
    snprintf(folder->out, sizeof(folder->out), "%s/out", folder->path);
    FILE *script = fopen(folder->script, "w");
    assert_non_null(script);
    fprintf(script, "#!%s\necho \"$LD_PRELOAD|$VDIFAULT_TRACE|$LD_LIBRARY_PATH|$ASAN_OPTIONS\" > %s\n",
            interpreter, folder->out);
    fclose(script);
    assert_int_equal(chmod(folder->script, 0700), 0);
}

static void remove_folder(const struct folder *folder)
{
    unlink(folder->script);
    unlink(folder->out);
    rmdir(folder->path);
}

static void read_out(const struct folder *folder, char line[512])
{
    FILE *file = fopen(folder->out, "r");
    assert_non_null(file);
    assert_non_null(fgets(line, 512, file));
    fclose(file);
}

/* execle gives the script PATH and this entry alone. */
static void start_with(const struct folder *folder, const char *entry, char expected[512])
{
    struct harness h;
    char verb[96];
    setenv("FAKE_OUT_ASSIGNMENT", entry, 1);
    snprintf(verb, sizeof(verb), "execle:%s", folder->script);
    harness_run(&h, CLIENT, NULL, verb);
    assert_int_equal(h.exit_status, 0);
    assert_int_equal(h.count, 0);
    for (char *at = strstr(expected, "TRACE"); at != NULL; at = NULL) {
        char rest[256];
        snprintf(rest, sizeof(rest), "%s", at + strlen("TRACE"));
        sprintf(at, "%s%s", h.folder, rest);
    }
    harness_end(&h);
}

static void a_cleaned_environment(void **state)
{
    (void)state;
    static const struct {
        const char *entry;
        const char *line; /* the script's */
    } rows[] = {
        {"NONE=1", PRELOAD "|TRACE|/opt/run/lib|verify=0\n"},
        {"LD_PRELOAD=libm.so.6", PRELOAD ":libm.so.6|TRACE|/opt/run/lib|verify=0\n"},
        {"LD_PRELOAD=" PRELOAD ":libm.so.6", PRELOAD ":libm.so.6|TRACE|/opt/run/lib|verify=0\n"},
        {"LD_LIBRARY_PATH=/x", PRELOAD "|TRACE|/x:/opt/run/lib|verify=0\n"},
        {"LD_LIBRARY_PATH=/opt/run/lib:/x", PRELOAD "|TRACE|/opt/run/lib:/x|verify=0\n"},
        {"ASAN_OPTIONS=mine=1", PRELOAD "|TRACE|/opt/run/lib|mine=1\n"},
    };
    setenv("LD_LIBRARY_PATH", "/y:/opt/run/lib", 1);
    setenv("VDIFAULT_LIBRARY", "/opt/run/lib/libsqlvdi.so", 1);
    setenv("ASAN_OPTIONS", "verify=0", 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct folder folder;
        char line[512], expected[512];
        make_folder(&folder, "/bin/sh");
        snprintf(expected, sizeof(expected), "%s", rows[i].line);
        start_with(&folder, rows[i].entry, expected);
        read_out(&folder, line);
        assert_string_equal(line, expected);
        remove_folder(&folder);
    }
    unsetenv("LD_LIBRARY_PATH");
    unsetenv("VDIFAULT_LIBRARY");
    unsetenv("ASAN_OPTIONS");
}

/* ... and one that nobody made longer than it was. */
static void an_environment_of_the_clients_own(void **state)
{
    (void)state;
    struct folder folder;
    char line[512], expected[512] = PRELOAD "|TRACE||\n";
    make_folder(&folder, "/bin/sh");
    setenv("LD_LIBRARY_PATH", "/y", 1);
    setenv("VDIFAULT_LIBRARY", "/opt/run/lib/libsqlvdi.so", 1);
    start_with(&folder, "NONE=1", expected);
    read_out(&folder, line);
    assert_string_equal(line, expected);
    unsetenv("LD_LIBRARY_PATH");
    unsetenv("VDIFAULT_LIBRARY");
    remove_folder(&folder);
}

/* The notes of a run, which must begin so; how many. */
static size_t start_and_count(const char *verb, const char *path, const char *says)
{
    struct harness h;
    char words[256], start[256];
    size_t count = 0;
    snprintf(words, sizeof(words), verb, path, path); /* of this file: at most two %s */
    snprintf(start, sizeof(start), "'%s', which the client starts, %s", path, says);
    harness_run(&h, CLIENT, NULL, words);
    assert_int_equal(h.exit_status, 0);
    for (size_t i = 0; i < h.count; i++) {
        if (h.events[i].event.kind == EVENT_NOTE) {
            assert_int_equal(h.events[i].event.arg[0], NOTE_INTERPOSER);
            assert_int_equal(strncmp(h.events[i].text, start, strlen(start)), 0);
            count++;
        }
    }
    harness_end(&h);
    return count;
}

static void a_static_program_is_told_once(void **state)
{
    (void)state;
    static const char *const verbs[] = {"execv:%s",
                                        "vfork:%s",
                                        "spawn:%s",
                                        "system:%s+x+y",
                                        "spawn:%s vfork:%s",
                                        "vfork:%s execl:%s",
                                        "vfork:%s init create config open close destroy"};
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        if (start_and_count(verbs[i], STATIC_PROGRAM, "is a static program") != 1) {
            fail_msg("%s: one note expected", verbs[i]);
        }
    }
    assert_int_equal(start_and_count("vfork:%s execvp:%s", "/bin/true", ""), 0);
}

/* ... whose connections are of interest only where they are to go somewhere else. */
static void a_go_program(void **state)
{
    (void)state;
    assert_int_equal(start_and_count("system:%s;+true", NET_CLIENT_GO, ""), 0);
    setenv("VDIFAULT_TDS", "127.0.0.1:4000", 1);
    assert_int_equal(start_and_count("system:%s;+true", NET_CLIENT_GO, "is a Go program"), 1);
    assert_int_equal(start_and_count("system:%s+any+localhost+4000;+true", NET_CLIENT_GO, ""), 0);
    assert_int_equal(start_and_count("system:%s;+true", NET_CLIENT, ""), 0);
    unsetenv("VDIFAULT_TDS");
}

static void a_script_of_a_static_program(void **state)
{
    (void)state;
    struct folder folder;
    char verb[96];
    make_folder(&folder, STATIC_PROGRAM);
    snprintf(verb, sizeof(verb), "spawnp:%s", folder.script);
    assert_int_equal(start_and_count(verb, STATIC_PROGRAM, "is a static program"), 1);
    remove_folder(&folder);
}

/* Only root can make what belongs to somebody else. */
static void a_program_with_rights_of_its_own(void **state)
{
    (void)state;
    struct folder folder;
    char command[160];
    if (geteuid() != 0) {
        skip();
    }
    make_folder(&folder, "/bin/sh");
    snprintf(command, sizeof(command), "cp /bin/true %s && chown 65534 %s && chmod 4755 %s", folder.script,
             folder.script, folder.script);
    assert_int_equal(system(command), 0);
    assert_int_equal(start_and_count("execv:%s", folder.script, "has rights of its own (set-user-ID"), 1);
    snprintf(command, sizeof(command), "chmod 755 %s", folder.script);
    assert_int_equal(system(command), 0);
    assert_int_equal(start_and_count("execv:%s", folder.script, ""), 0);
    remove_folder(&folder);
}

/* ---- connections ---- */

static void *answer(void *socket)
{
    int listening = *(int *)socket;
    for (int file; (file = accept(listening, NULL, NULL)) >= 0;) {
        assert_int_equal(write(file, "here\n", 5), 5);
        close(file);
    }
    return NULL;
}

/* Exit status of the client of `words`; a note of `says` is expected unless it is NULL. */
static int connect_by(const char *words, const char *says)
{
    struct harness h;
    bool said = false;
    harness_run(&h, NET_CLIENT, NULL, words);
    int status = h.exit_status;
    for (size_t i = 0; i < h.count; i++) {
        said = said || (says != NULL && strstr(h.events[i].text, says) != NULL);
    }
    assert_int_equal(h.count, said);
    assert_true(said == (says != NULL));
    harness_end(&h);
    return status;
}

static void connections(void **state)
{
    (void)state;
    static const struct {
        const char *servers, *words;
        int status;
        const char *note;
    } rows[] = {
        {NULL, "any 192.0.2.1 1433", 0, NULL},
        {NULL, "four-late 192.0.2.1 1433", 0, NULL},
        {NULL, "six ::1 1433", 0, NULL},
        {NULL, "six-late 2001:db8::1 1433", 0, NULL},
        {NULL, "host 192.0.2.1 1433", 0, NULL},
        {NULL, "any localhost 9", 3, NULL},
        {NULL, "any nowhere.invalid 1433", 2, "'nowhere.invalid', which is not known"},
        {NULL, "host nowhere.invalid 1433", 2, "'nowhere.invalid', which is not known"},
        {"sqlhost.invalid", "any sqlhost.invalid 1433", 0, NULL},
        {"sqlhost.invalid", "four SqlHost.Invalid 50000", 0, NULL},
        {"sqlhost.invalid", "six sqlhost.invalid 1433", 0, NULL},
        {"sqlhost.invalid", "six-late sqlhost.invalid 50000", 0, NULL},
        {"sqlhost.invalid", "named sqlhost.invalid 50000", 0, NULL},
        {"sqlhost.invalid", "host sqlhost.invalid 1433", 0, NULL},
        {"sqlhost.invalid", "host2 sqlhost.invalid 1433", 0, NULL},
        {"sqlhost.invalid", "host_r sqlhost.invalid 1433", 0, NULL},
        {"sqlhost.invalid", "host2_r-late sqlhost.invalid 1433", 0, NULL},
        {"sqlhost.invalid:1500", "any sqlhost.invalid 1500", 0, NULL},
        {"sqlhost.invalid:1500", "named sqlhost.invalid 9", 3, NULL},
        {"sqlhost.invalid:1500", "any localhost 9", 3, NULL},
        {"localhost:9", "any localhost 9", 0, NULL},
    };
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t length = sizeof(address);
    char tds[32];
    pthread_t thread;
    int listening = socket(AF_INET, SOCK_STREAM, 0);
    assert_int_equal(bind(listening, (struct sockaddr *)&address, length), 0);
    assert_int_equal(listen(listening, 8), 0);
    assert_int_equal(getsockname(listening, (struct sockaddr *)&address, &length), 0);
    assert_int_equal(pthread_create(&thread, NULL, answer, &listening), 0);
    snprintf(tds, sizeof(tds), "127.0.0.1:%u", ntohs(address.sin_port));
    setenv("VDIFAULT_TDS", tds, 1);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        setenv("VDIFAULT_SERVER", rows[i].servers != NULL ? rows[i].servers : "", 1);
        int status = connect_by(rows[i].words, rows[i].note);
        if (status != rows[i].status) {
            fail_msg("--server %s: %s: exit %d", rows[i].servers, rows[i].words, status);
        }
    }
    unsetenv("VDIFAULT_TDS");
    unsetenv("VDIFAULT_SERVER");
    shutdown(listening, SHUT_RDWR);
    pthread_join(thread, NULL);
    close(listening);
    connect_by("any 127.0.0.1 1433", "with --tds the simulated one answers");
    assert_int_equal(connect_by("any nowhere.invalid 1433", NULL), 2);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_library_that_is_not_there),
        cmocka_unit_test(a_library_that_is_there),
        cmocka_unit_test(the_loader_sees_the_caller),
        cmocka_unit_test(a_cleaned_environment),
        cmocka_unit_test(an_environment_of_the_clients_own),
        cmocka_unit_test(a_static_program_is_told_once),
        cmocka_unit_test(a_go_program),
        cmocka_unit_test(a_script_of_a_static_program),
        cmocka_unit_test(a_program_with_rights_of_its_own),
        cmocka_unit_test(connections),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
