/* What a sweep notes, what it tells while it runs, which of its options a single run gets, which runs are a shard's, and
 * in which order they are made. */
#include <errno.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "sweep_journal.h"
#include "sweep_options.h"
#include "sweep_plan.h"
#include "sweep_progress.h"

/* ---- the journal ---- */

static json_int_t noted;

static void note(void *context, size_t line, json_t *object)
{
    (void)context;
    assert_int_equal(line, json_integer_value(json_object_get(object, "id")) + 1); /* after the sweep's own */
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

/* Nothing of a file that is no journal is lost, whatever it looks like; of one cut short in its first line, all is. */
static void a_file_of_another_kind_is_left_alone(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int error;
    } rows[] = {
        {"", 0},
        {"{\"swe", 0},
        {"{\"sweep\":1}", 0},
        {"a letter without its last line end", EEXIST},
        {"a letter\n", EEXIST},
        {"{\"sweep\":1}{", EEXIST},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct sweep_journal journal;
        char path[] = "/tmp/vdifault-journal-XXXXXX";
        size_t length = strlen(rows[i].text);
        int file = mkstemp(path);
        assert_true(file >= 0);
        assert_int_equal(write(file, rows[i].text, length), length);
        assert_int_equal(sweep_journal_open(&journal, path, json_pack("{s:i}", "sweep", 1), note, NULL),
                         rows[i].error);
        sweep_journal_close(&journal, false);
        assert_int_equal(lseek(file, 0, SEEK_END), rows[i].error != 0 ? length : strlen("{\"sweep\":1}\n"));
        close(file);
        unlink(path);
    }
}

/* In a process of its own, which waits to be killed: says on `told` what came of opening the journal, once a child, with
 * all its descriptors, waits for the end of `stay`. */
static _Noreturn void write_journal(const char *path, int told, const int stay[2])
{
    struct sweep_journal journal;
    char byte = (char)sweep_journal_open(&journal, path, json_pack("{s:i}", "sweep", 1), note, NULL);
    pid_t child = fork();
    if (child == 0) {
        close(stay[1]);
        _exit(read(stay[0], &byte, 1) == 0 ? 0 : 1);
    }
    if (child < 0 || write(told, &byte, 1) != 1) {
        _exit(1);
    }
    for (;;) {
        pause();
    }
}

/* Free again when that one is killed, although what it started lives on. */
static void a_journal_is_one_sweeps_at_a_time(void **state)
{
    (void)state;
    struct sweep_journal journal;
    char path[] = "/tmp/vdifault-journal-XXXXXX", opened = 1;
    int told[2], stay[2], file = mkstemp(path);
    assert_true(file >= 0 && close(file) == 0);
    assert_int_equal(pipe(told), 0);
    assert_int_equal(pipe(stay), 0);
    pid_t writer = fork();
    if (writer == 0) {
        write_journal(path, told[1], stay);
    }
    close(told[1]);
    assert_int_equal(read(told[0], &opened, 1), 1);
    assert_int_equal(opened, 0);
    assert_int_equal(sweep_journal_open(&journal, path, json_pack("{s:i}", "sweep", 1), note, NULL), EBUSY);
    sweep_journal_close(&journal, false);
    assert_int_equal(kill(writer, SIGKILL), 0);
    assert_int_equal(waitpid(writer, NULL, 0), writer);
    assert_int_equal(sweep_journal_open(&journal, path, json_pack("{s:i}", "sweep", 1), note, NULL), 0);
    sweep_journal_close(&journal, true);
    close(told[0]);
    close(stay[0]);
    close(stay[1]);
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
        {{.before = 0}, {0, 100, 0}, 0, "0 of 100 runs, 0.0/s, 0 findings, ? left"},
        {{.before = 0}, {40, 100, 1}, 4, "40 of 100 runs, 10.0/s, 1 finding, 6 s left"},
        {{.before = 30}, {40, 100, 2}, 10, "40 of 100 runs, 1.0/s, 2 findings, 1:00 min left"},
        {{.before = 0}, {10, 73000, 0}, 1, "10 of 73000 runs, 10.0/s, 0 findings, 2:01 h left"},
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

/* ---- order ---- */

static void shards_are_the_whole_once(void **state)
{
    (void)state;
    for (uint32_t id = 0; id < 100; id++) {
        int in = 0;
        for (uint32_t i = 1; i <= 3; i++) {
            in += sweep_shard_has(&(struct sweep_shard){i, 3}, id);
        }
        assert_int_equal(in, 1);
        assert_true(sweep_shard_has(&(struct sweep_shard){0, 0}, id));
    }
}

static void a_seed_gives_one_order(void **state)
{
    (void)state;
    uint32_t plain[50], one[50], same[50], other[50];
    bool there[50] = {0};
    sweep_order(plain, 50, false, 7);
    sweep_order(one, 50, true, 7);
    sweep_order(same, 50, true, 7);
    sweep_order(other, 50, true, 8);
    for (uint32_t i = 0; i < 50; i++) {
        assert_int_equal(plain[i], i);
        there[one[i]] = true;
    }
    for (int i = 0; i < 50; i++) {
        assert_true(there[i]);
    }
    assert_memory_equal(one, same, sizeof one);
    assert_memory_not_equal(one, other, sizeof one);
    assert_memory_not_equal(one, plain, sizeof one);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_journal_goes_on_after_what_is_whole),
        cmocka_unit_test(a_journal_is_a_file_that_can_be_read_again),
        cmocka_unit_test(a_file_of_another_kind_is_left_alone),
        cmocka_unit_test(a_journal_is_one_sweeps_at_a_time),
        cmocka_unit_test(progress_says_rate_findings_and_time_left),
        cmocka_unit_test(a_run_gets_the_options_that_are_its),
        cmocka_unit_test(shards_are_the_whole_once),
        cmocka_unit_test(a_seed_gives_one_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
