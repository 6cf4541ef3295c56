/* What a sweep notes, what it tells while it runs, and which of its options a single run gets. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "sweep_journal.h"
#include "sweep_options.h"
#include "sweep_progress.h"

/* ---- the journal ---- */

static json_int_t noted;

static void note(void *context, json_t *object)
{
    (void)context;
    noted = noted * 10 + json_integer_value(json_object_get(object, "id"));
    json_decref(object);
}

static void a_journal_goes_on_after_what_is_whole(void **state)
{
    (void)state;
    struct sweep_journal journal;
    char path[] = "/tmp/vdifault-journal-XXXXXX";
    int file = mkstemp(path);
    assert_true(file >= 0);
    noted = 0;
    assert_int_equal(sweep_journal_open(&journal, path, json_pack("{s:i}", "sweep", 1), note, NULL), 0);
    for (int i = 1; i <= 3; i++) {
        json_t *run = json_pack("{s:i, s:s}", "id", i, "text", "a\nb");
        assert_int_equal(sweep_journal_add(&journal, run), 0);
        json_decref(run);
    }
    sweep_journal_close(&journal, false);
    assert_int_equal(noted, 0);
    off_t whole = lseek(file, 0, SEEK_END);
    assert_int_equal(write(file, "{\"id\": 4, \"te", 13), 13); /* cut short by a crash */
    assert_int_equal(sweep_journal_open(&journal, path, json_pack("{s:i}", "sweep", 1), note, NULL), 0);
    assert_int_equal(noted, 123);
    assert_int_equal(lseek(file, 0, SEEK_END), whole);
    sweep_journal_close(&journal, false);
    assert_int_equal(sweep_journal_open(&journal, path, json_pack("{s:i}", "sweep", 2), note, NULL), EEXIST);
    sweep_journal_close(&journal, false);
    assert_int_equal(lseek(file, 0, SEEK_END), whole); /* another sweep's is left alone */
    assert_int_equal(sweep_journal_open(&journal, path, json_pack("{s:i}", "sweep", 1), note, NULL), 0);
    sweep_journal_close(&journal, true);
    assert_int_not_equal(access(path, F_OK), 0);
    close(file);
}

static void a_journal_is_a_file_that_can_be_read_again(void **state)
{
    (void)state;
    struct sweep_journal journal;
    assert_int_equal(sweep_journal_open(&journal, "/dev/zero", json_object(), note, NULL), EINVAL);
    sweep_journal_close(&journal, false);
    assert_int_equal(sweep_journal_open(&journal, "/dev/null/x", json_object(), note, NULL), ENOTDIR);
    sweep_journal_close(&journal, false);
}

/* ---- progress ---- */

static void progress_says_rate_findings_and_time_left(void **state)
{
    (void)state;
    static const struct {
        struct sweep_progress progress;
        struct sweep_extent extent;
        double seconds;
        const char *text;
    } cases[] = {
        {{0}, {0, 100, 0}, 0, "0 of 100 runs, 0.0/s, 0 findings, ? left"},
        {{0}, {40, 100, 1}, 4, "40 of 100 runs, 10.0/s, 1 finding, 6 s left"},
        {{.before = 30}, {40, 100, 2}, 10, "40 of 100 runs, 1.0/s, 2 findings, 1:00 min left"},
        {{0}, {10, 73000, 0}, 1, "10 of 73000 runs, 10.0/s, 0 findings, 2:01 h left"},
        {{.color = true}, {1, 2, 0}, 1, "1 of 2 runs, 1.0/s, 0 findings, 1 s left"},
        {{.color = true}, {1, 2, 3}, 1, "1 of 2 runs, 1.0/s, \033[31m3 findings\033[0m, 1 s left"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char text[SWEEP_PROGRESS_MAX];
        sweep_progress_text(&cases[i].progress, &cases[i].extent, cases[i].seconds, text);
        assert_string_equal(text, cases[i].text);
    }
}

/* ---- options ---- */

static void a_run_gets_the_options_that_are_its(void **state)
{
    (void)state;
    char *argv[] = {"--size", "1M", "--jobs=3",  "--per-stack", "4", "--patience=5", "--json", "x",
                    "--pai",  "7",  "--hostile", "--see",       "9", "--verbose",    "--",     "--size"};
    static const char *const expected[] = {"--size", "1M", "--patience=5", "--see", "9", "--verbose"};
    char *kept[16];
    int found = option_pass_on(sweep_option_rows, run_option_rows, 16, argv, kept);
    assert_int_equal(found, 6);
    for (int i = 0; i < found; i++) {
        assert_string_equal(kept[i], expected[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_journal_goes_on_after_what_is_whole),
        cmocka_unit_test(a_journal_is_a_file_that_can_be_read_again),
        cmocka_unit_test(progress_says_rate_findings_and_time_left),
        cmocka_unit_test(a_run_gets_the_options_that_are_its),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
