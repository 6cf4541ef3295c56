/* test_inject_process.c - libvdifault.so among loaders, threads, forks and programs that a client starts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "harness.h"
#include "scenario_words.h"

static void other_ways_to_the_library(void **state)
{
    (void)state;
    static const char *const clients[] = {CLIENT_DLOPEN, CLIENT_PLUGIN};
    for (size_t i = 0; i < 2; i++) {
        struct harness h;
        harness_run(&h, clients[i], "fault early-close@Write#2",
                    OPENING COMMAND "get:0 touch:0 complete:0 close destroy");
        assert_string_equal(h.log, OPENED COMMAND_LOG
                            "fault0 *Close=VD_E_OPEN " GOT
                            "CompleteCommand:0=VD_E_PROTOCOL! Close=VD_E_PROTOCOL! Destroy=NOERROR");
        assert_int_equal(h.exit_status, 0);
        harness_end(&h);
    }
}

/* A plug-in that is closed takes its library along; when it comes back, what we know is still true. */
static void library_is_unloaded_and_loaded_again(void **state)
{
    (void)state;
    struct harness h;
    harness_run(&h, CLIENT_PLUGIN, NULL, "twice init create config open close destroy");
    assert_int_equal(h.exit_status, 0);
    assert_string_equal(h.log,
                        OPENED "Close=VD_E_OPEN Destroy=NOERROR " OPENED "Close=VD_E_OPEN Destroy=NOERROR");
    harness_end(&h);
}

/* While a thread is in the library, what its signal handler calls is still the client's; and when it jumps out,
 * so is everything after. */
static void signal_handlers_inside_the_library(void **state)
{
    (void)state;
    static const char *const clients[] = {CLIENT, CLIENT_DLOPEN, CLIENT_PLUGIN};
    setenv("FAKE_RAISE", "1", 1);
    for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
        struct harness h;
        harness_run(&h, clients[i], NULL, "on-signal:abort init create config close");
        assert_int_equal(h.exit_status, 0);
        assert_string_equal(h.log,
                            "Create=NOERROR SignalAbort=NOERROR GetConfiguration=VD_E_ABORT Close=NOERROR");
        harness_end(&h);
        harness_run(&h, clients[i], "fault early-close@Write",
                    "on-signal:jump init create config open get:0 close destroy");
        assert_string_equal(h.log, "Create=NOERROR OpenDevice:0=NOERROR fault0 *Close=VD_E_OPEN " GOT
                                   "Close=VD_E_PROTOCOL! Destroy=NOERROR");
        harness_end(&h);
    }
    unsetenv("FAKE_RAISE");
}

static void no_library(void **state)
{
    (void)state;
    struct harness h;
    harness_run(&h, CLIENT_BARE, NULL, "init create:1 config abort close destroy");
    assert_string_equal(h.log,
                        "Create=VD_E_UNEXPECTED GetConfiguration=VD_E_UNEXPECTED "
                        "SignalAbort=VD_E_UNEXPECTED Close=VD_E_UNEXPECTED Destroy=NOERROR");
    assert_int_equal(h.exit_status, 0);
    harness_end(&h);
}

/* Loaded, but neither plan nor trace: as if it were not there. */
static void nothing_asked_for(void **state)
{
    (void)state;
    static const char *const clients[] = {CLIENT, CLIENT_DLOPEN, CLIENT_PLUGIN};
    for (size_t i = 0; i < sizeof(clients) / sizeof(clients[0]); i++) {
        char command[512];
        snprintf(command, sizeof(command), "env -u VDIFAULT_TRACE -u VDIFAULT_PLAN LD_PRELOAD=%s %s %s",
                 PRELOAD, clients[i], OPENING ALL_COMMANDS "get:0 close gone:0 destroy");
        assert_int_equal(system(command), 0);
    }
}

/* Without the runner: the plan works, and one that does not parse is spoken of. */
static void plan_without_a_runner(void **state)
{
    (void)state;
    char plan[] = "/tmp/vdifault-plan-XXXXXX";
    char command[512];
    int file = mkstemp(plan);
    assert_true(file >= 0);
    assert_int_equal(write(file, "fault early-close@Write\n", 24), 24);
    snprintf(command, sizeof(command), "env -u VDIFAULT_TRACE VDIFAULT_PLAN=%s LD_PRELOAD=%s %s %s", plan,
             PRELOAD, CLIENT, OPENING "get:0 touch:0 complete:0 close destroy");
    assert_int_equal(system(command), 0);
    assert_int_equal(write(file, "falt\n", 5), 5);
    snprintf(command, sizeof(command),
             "env -u VDIFAULT_TRACE VDIFAULT_PLAN=%s LD_PRELOAD=%s %s init 2>&1 create:1 close | "
             "grep -q \"^vdifault: plan line 2: unknown plan item 'falt'\"",
             plan, PRELOAD, CLIENT);
    assert_int_equal(system(command), 0);
    close(file);
    unlink(plan);
}

/* Nothing is recorded or guarded, so calls that no fault is at go past us; each fault comes at its own all the same. */
static void plan_alone(void **state)
{
    (void)state;
    static const struct {
        const char *plan, *verbs;
    } runs[] = {
        {"fault abort(by=client)@Flush",
         OPENING COMMAND "aborted:0 " COMMAND COMMAND "aborted:0 get:0 complete:0 aborted:1 close destroy"},
        {"fault abort(by=client,at=complete)@Write#2",
         OPENING COMMAND "aborted:0 " COMMAND "aborted:1 get:0 aborted:1 close destroy"},
        {"fault abort(by=client,at=complete)@Write#1+",
         OPENING "get:0 aborted:0 complete:0 aborted:1 close destroy"},
    };
    for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
        char plan[] = "/tmp/vdifault-plan-XXXXXX";
        char command[512];
        int file = mkstemp(plan);
        assert_true(file >= 0);
        assert_int_equal(dprintf(file, "%s\n", runs[i].plan), strlen(runs[i].plan) + 1);
        snprintf(command, sizeof(command),
                 "env -u VDIFAULT_TRACE VDIFAULT_GUARD=off VDIFAULT_PLAN=%s LD_PRELOAD=%s %s %s", plan,
                 PRELOAD, CLIENT, runs[i].verbs);
        assert_int_equal(system(command), 0);
        close(file);
        unlink(plan);
    }
}

static void dlsym_is_transparent(void **state)
{
    (void)state;
    struct harness h;
    harness_run(&h, CLIENT, NULL, "next-execve no-symbol");
    assert_int_equal(h.exit_status, 0);
    harness_end(&h);
}

static void many_threads(void **state)
{
    (void)state;
    struct harness h;
    uint32_t begins = 0, ends = 0;
    harness_run(&h, CLIENT, "fault abort(by=client)@Write#2:*/3", "threads:32 threads:32");
    assert_int_equal(h.exit_status, 0);
    for (size_t i = 0; i < h.count; i++) {
        begins += h.events[i].event.kind == EVENT_CALL_BEGIN;
        ends += h.events[i].event.kind == EVENT_CALL_END;
        assert_int_equal(h.events[i].event.sequence, i + 1);
    }
    assert_int_equal(begins, 64 * 14 + 1); /* init is no event, the fault's SignalAbort is one */
    assert_int_equal(ends, begins);
    assert_int_equal(atomic_load(&h.state->operation_count), 64);
    assert_int_equal(atomic_load(&h.state->faults[0].fired), 1);
    assert_true(atomic_load(&h.state->ring_count) <= 33);
    harness_end(&h);
}

static void forks(void **state)
{
    (void)state;
    struct harness h;
    harness_run(&h, CLIENT, "fault abort(by=client)@Write#2",
                OPENING "get:0 complete:0 fork get:0 complete:0 close");
    assert_string_equal(h.log, OPENED COMMAND_LOG
                        "fault0 *SignalAbort=NOERROR GetCommand:0=NOERROR "
                        "CompleteCommand:0=VD_E_ABORT Close=NOERROR");
    const struct event *before = harness_find(&h, EVENT_CALL_END, VDI_FN_GET_COMMAND, 1);
    const struct event *after = harness_find(&h, EVENT_CALL_END, VDI_FN_GET_COMMAND, 2);
    assert_int_not_equal(before->process, after->process);
    /* Each process explains its own stacks. */
    bool explained = false;
    for (size_t i = 0; i < h.count; i++) {
        explained = explained ||
                    (h.events[i].event.kind == EVENT_STACK && h.events[i].event.process == after->process);
    }
    assert_true(explained);
    harness_end(&h);
}

/* ---- sqlcmd ---- */

static void write_stand_in(const struct harness *h, char *out, size_t size)
{
    char path[96];
    char assignment[128];
    snprintf(path, sizeof(path), "%s/stand-in", h->folder);
    snprintf(out, size, "%s/out", h->folder);
    FILE *script = fopen(path, "w");
    assert_non_null(script);
    fprintf(script, "#!/bin/sh\necho \"$1 $2$LD_PRELOAD\" >> \"${FAKE_OUT-%s}\"\n", out);
    fclose(script);
    assert_int_equal(chmod(path, 0700), 0);
    snprintf(assignment, sizeof(assignment), "FAKE_OUT=%s", out);
    setenv("VDIFAULT_SQLCMD", path, 1);
    setenv("FAKE_OUT", out, 1);
    setenv("FAKE_OUT_ASSIGNMENT", assignment, 1);
}

static void sqlcmd_goes_to_the_stand_in(void **state)
{
    (void)state;
    static const char *const verbs[] = {"system:/opt/none/sqlcmd+one+two",
                                        "popen:/opt/none/sqlcmd+one+two",
                                        "popen:exec+/opt/none/sqlcmd+one+two",
                                        "execl:/opt/none/sqlcmd",
                                        "execlp:/opt/none/sqlcmd",
                                        "execle:/opt/none/sqlcmd",
                                        "execv:/opt/none/sqlcmd",
                                        "execvp:/opt/none/sqlcmd",
                                        "execvpe:/opt/none/sqlcmd",
                                        "spawn:/opt/none/sqlcmd",
                                        "spawnp:/opt/none/sqlcmd",
                                        "execlp:sqlcmd",
                                        "spawn:/usr/none/osql",
                                        "execvp:osql"};
    for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
        struct harness h;
        char out[96];
        char line[32] = "";
        harness_start(&h, NULL);
        write_stand_in(&h, out, sizeof(out));
        harness_finish(&h, CLIENT, verbs[i]);
        if (h.exit_status != 0) {
            fail_msg("%s: exit %d", verbs[i], h.exit_status);
        }
        FILE *file = fopen(out, "r");
        assert_non_null(file);
        assert_non_null(fgets(line, sizeof(line), file));
        fclose(file);
        assert_string_equal(line, "one two\n");
        assert_int_equal(h.count, 0); /* nothing else is done in such processes */
        harness_end(&h);
    }
}

/* It is not looked at itself; what else was to be loaded into it still is. */
static void the_stand_in_is_not_wrapped(void **state)
{
    (void)state;
    static const struct {
        const char *preload;
        const char *line;
    } rows[] = {{"", "one two\n"},
                {"libvdifault.so", "one two\n"},
                {"/a/libvdifault-sys.so:/a b/libvdifault.so", "one two/a\n"},
                {"libm.so.6:/a/libvdifault.so /b/xlibvdifault.so", "one twolibm.so.6:/b/xlibvdifault.so\n"}};
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        struct harness h;
        char out[96];
        char assignment[128];
        char line[128] = "";
        harness_start(&h, NULL);
        write_stand_in(&h, out, sizeof(out));
        snprintf(assignment, sizeof(assignment), "LD_PRELOAD=%s", rows[i].preload);
        setenv("FAKE_OUT_ASSIGNMENT", assignment, 1);
        harness_finish(&h, CLIENT, "execle:/opt/none/sqlcmd");
        assert_int_equal(h.exit_status, 0);
        FILE *file = fopen(out, "r");
        assert_non_null(file);
        assert_non_null(fgets(line, sizeof(line), file));
        fclose(file);
        assert_string_equal(line, rows[i].line);
        harness_end(&h);
    }
}

static void other_programs_are_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *verb;
        int exit_status;
    } table[] = {{"execv:/opt/none/sqlcmd2", 44},
                 {"execvp:nosuchsqlcmd", 44},
                 {"execl:/bin/true", 0},
                 {"execlp:false", 1},
                 {"spawnp:true", 0},
                 {"system:exit+3", 3}};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        struct harness h;
        char out[96];
        harness_start(&h, NULL);
        write_stand_in(&h, out, sizeof(out));
        harness_finish(&h, CLIENT, table[i].verb);
        assert_int_equal(h.exit_status, table[i].exit_status);
        harness_end(&h);
    }
    unsetenv("VDIFAULT_SQLCMD");
    struct harness h;
    harness_run(&h, CLIENT, NULL, "execv:/opt/none/sqlcmd");
    assert_int_equal(h.exit_status, 44);
    harness_end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(other_ways_to_the_library),
        cmocka_unit_test(library_is_unloaded_and_loaded_again),
        cmocka_unit_test(signal_handlers_inside_the_library),
        cmocka_unit_test(no_library),
        cmocka_unit_test(nothing_asked_for),
        cmocka_unit_test(plan_without_a_runner),
        cmocka_unit_test(plan_alone),
        cmocka_unit_test(dlsym_is_transparent),
        cmocka_unit_test(many_threads),
        cmocka_unit_test(forks),
        cmocka_unit_test(sqlcmd_goes_to_the_stand_in),
        cmocka_unit_test(the_stand_in_is_not_wrapped),
        cmocka_unit_test(other_programs_are_left_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
