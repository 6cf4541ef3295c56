/* What `vdifault replay` and `minimize` write beside each other: told before anything is played, and never over one another
 * or what is read. */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "replay_command.h"

#define WRONG "client Create(set) -> VD_E_OPEN\n"

static char folder[] = "/tmp/test-cli-replay-files-XXXXXX";

static int make(void **state)
{
    (void)state;
    return mkdtemp(folder) == NULL || chdir(folder) != 0 || make_file() != 0;
}

static int take_away(void **state)
{
    char command[64];
    (void)state;
    snprintf(command, sizeof command, "rm -r %s", folder);
    return unlink(file_path) + system(command);
}

static void outputs_are_told_before_anything_is_played(void **state)
{
    (void)state;
    expect(2, "--to-c nowhere/test.c", WRONG, "replay: --to-c: cannot write 'nowhere/test.c': No such file");
    assert_null(strstr(said, "client Create"));
    expect(2, "--gdb /tmp", WRONG, "replay: --gdb: cannot write '/tmp': Is a directory");
    assert_null(strstr(said, "client Create"));
    expect_of("minimize", 2, "--to-c nowhere/test.c", WRONG,
              "minimize: --to-c: cannot write 'nowhere/test.c'");
    assert_null(strstr(said, "candidates"));
    expect(3, "--to-c /dev/full", WRONG, "replay: --to-c: cannot write '/dev/full': No space left on device");
}

static void no_output_is_written_over_another(void **state)
{
    (void)state;
    expect(2, "--trace one --json ./one", WRONG, "--trace and --json: expected two files, './one' is one");
    expect(2, "--to-c two --gdb two", WRONG, "--to-c and --gdb: expected two files, 'two' is one");
    expect_of("minimize", 2, "--output three --to-c three", WRONG, "--output and --to-c: expected two files");
    expect(1, "--to-c /dev/null --gdb /dev/null", WRONG, "1 calls");
}

static void what_is_read_stays(void **state)
{
    char options[64];
    (void)state;
    snprintf(options, sizeof options, "--trace %s", file_path);
    expect(2, options, WRONG, "is the file that is read: expected another one");
    expect(1, "", WRONG, "VD_E_OPEN"); /* the file is written anew */
    assert_int_equal(symlink(file_path, "alias"), 0);
    expect_of("minimize", 2, "--to-c alias", WRONG, "--to-c: 'alias' is the file that is read");
    assert_int_equal(run("replay", "", file_path), 1);
    snprintf(options, sizeof options, "--output %s", file_path);
    expect_of("minimize", 0, options, "client Close()\n" WRONG, "1 of 2 lines are left");
}

/* A test and a script are of the simulation, whatever else was played. */
static void a_test_and_a_script_play_in_the_simulation(void **state)
{
    char options[64];
    (void)state;
    expect(2, "--in shm --to-c t.c", WRONG, "--to-c: it plays in the simulation: expected that among");
    expect(2, "--in shm,preload --gdb t.gdb", WRONG, "--gdb: it plays in the simulation: expected that");
    expect(2, "--in all --to-c t.c", "fault lost-close\n" WRONG, "expected a scenario without faults");
    expect(1, "--in all --to-c t.c --gdb t.gdb", WRONG, "3 worlds agree");
    snprintf(options, sizeof options, "--gdb t.gdb <%s", file_path);
    assert_int_equal(run("replay", options, "-"), 2);
    assert_non_null(strstr(said, "expected one with a scenario, not stdin"));
    expect(1, "--trace t.vdt", WRONG, "1 calls");
    assert_int_equal(run("replay", "--gdb t.gdb", "t.vdt"), 2);
    assert_non_null(
        strstr(said, "--gdb: the script plays the file: expected one with a scenario, not a trace"));
    assert_int_equal(run("replay", "--to-c t.c", "t.vdt"), 0);
    assert_non_null(strstr(said, "t.vdt: trace, devices "));
    assert_int_equal(system("grep -q 'replay --to-c t.c t.vdt' t.c"), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(outputs_are_told_before_anything_is_played),
        cmocka_unit_test(no_output_is_written_over_another),
        cmocka_unit_test(what_is_read_stays),
        cmocka_unit_test(a_test_and_a_script_play_in_the_simulation),
    };
    return cmocka_run_group_tests(tests, make, take_away);
}
