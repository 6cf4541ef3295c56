/* libvdifault-play as its users have it: vdifault_play.h and the shared library, nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>
#include <vdifault_play.h>

static int begin(void **state)
{
    *state = vdifault_play_new();
    return *state != NULL ? 0 : -1;
}

static int end(void **state)
{
    vdifault_play_free(*state);
    return 0;
}

static void fine(struct vdifault_play *play, const char *lines)
{
    const char *wrong = vdifault_play_lines(play, lines);
    if (wrong != NULL) {
        fail_msg("'%s': %s", lines, wrong);
    }
}

static void wrong(struct vdifault_play *play, const char *lines, const char *sentence)
{
    const char *told = vdifault_play_lines(play, lines);
    assert_non_null(told);
    assert_string_equal(told, sentence);
}

static void lines_come_one_by_one(void **state)
{
    fine(*state, "# a comment");
    fine(*state, "devices 2");
    fine(*state, "client Create(set)                  -> NOERROR");
    fine(*state, "");
    fine(*state, "client.2 GetConfiguration(timeout forever) ...");
    fine(*state,
         "server Open(set) -> NOERROR\n"
         "server BeginConfiguration(block-size 512, transfer-size 65536) -> NOERROR\n"
         "server NameDevice(0)\nserver NameDevice(1, as 1)\nserver EndConfiguration() -> NOERROR\n");
    fine(*state, "client.2 ... GetConfiguration       -> NOERROR");
    fine(*state, "client OpenDevice(1)                -> NOERROR");
    assert_null(vdifault_play_end(*state));
    wrong(*state, "client Close()", "'client Close()': it comes after the end");
}

static void another_result_than_expected_is_told(void **state)
{
    fine(*state, "client Create(set)");
    wrong(*state, "client Close() -> VD_E_OPEN\nclient Create(set)",
          "line 2, client Close(): it gave NOERROR; the scenario expects VD_E_OPEN");
    wrong(*state, "client SignalAbort()", /* nothing is played any more */
          "line 2, client Close(): it gave NOERROR; the scenario expects VD_E_OPEN");
    assert_string_equal(vdifault_play_end(*state),
                        "line 2, client Close(): it gave NOERROR; the scenario expects VD_E_OPEN");
}

static void a_call_that_is_not_made_gives_nothing(void **state)
{
    fine(*state, "client GetCommand(0)");
    wrong(*state, "client GetCommand(0) -> NOERROR",
          "line 2, client GetCommand(0): there was nothing to call, or its actor waits; the scenario expects "
          "NOERROR");
}

static void a_call_that_waits_has_not_returned(void **state)
{
    fine(*state, "client Create(set)");
    fine(*state, "client GetConfiguration(timeout forever) ...");
    wrong(*state, "client ... GetConfiguration -> NOERROR",
          "line 3, client ... GetConfiguration: it has not returned; the scenario expects NOERROR");
}

static void what_is_no_line_is_told(void **state)
{
    wrong(*state, "client Creat(set)",
          "'client Creat(set)': column 8: found 'Creat': expected something that a client can do: did you "
          "mean 'Create'?");
}

static void settings_come_first(void **state)
{
    fine(*state, "client Create(set)");
    wrong(*state, "devices 2", "'devices 2': it is a setting, expected before the first call");
}

/* Each is a world of its own, and the environment's readings are nobody's. */
static void one_comes_after_another(void **state)
{
    assert_int_equal(setenv("VDI_DIALECT", "close-open:noerror", 1), 0);
    for (int i = 0; i < 3; i++) {
        fine(*state, "client Create(set) -> NOERROR\nserver Open(set) -> NOERROR");
        if (i == 1) {
            assert_null(vdifault_play_end(*state));
        }
        vdifault_play_free(*state);
        *state = vdifault_play_new();
        assert_non_null(*state);
    }
    assert_null(getenv("VDI_DIALECT"));
}

static void one_is_played_at_a_time(void **state)
{
    struct vdifault_play *other = vdifault_play_new();
    assert_non_null(other);
    fine(other, "client Create(set)");
    wrong(*state, "devices 1", "'devices 1': another play has not come to its end: expected one at a time");
    vdifault_play_free(other);
}

static void nothing_at_all_ends(void **state)
{
    assert_null(vdifault_play_end(*state));
    assert_null(vdifault_play_end(*state));
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_come_one_by_one),
        TEST(another_result_than_expected_is_told),
        TEST(a_call_that_is_not_made_gives_nothing),
        TEST(a_call_that_waits_has_not_returned),
        TEST(what_is_no_line_is_told),
        TEST(settings_come_first),
        TEST(one_comes_after_another),
        TEST(one_is_played_at_a_time),
        TEST(nothing_at_all_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
