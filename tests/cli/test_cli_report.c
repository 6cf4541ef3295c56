/* vdifault report and bundle: shards become one report, every format is written, and a bundle holds what is understood
 * and nothing else. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <archive.h>
#include <archive_entry.h>
#include <cmocka.h>

#include "cli.h"
#include "results.h"
#include "sweep_fixture.h"

enum {
    OUTPUT_MAX = 8192
};

static char output[OUTPUT_MAX]; /* of the last command, stdout and stderr */

/* Each test works in a folder of its own. */
static int set_up(void **state)
{
    char *folder = strdup("/tmp/vdifault-test-XXXXXX");

    assert_non_null(mkdtemp(folder));
    assert_int_equal(chdir(folder), 0);
    *state = folder;
    return 0;
}

static int tear_down(void **state)
{
    char command[128];

    snprintf(command, sizeof command, "rm -rf '%s'", (char *)*state);
    assert_int_equal(chdir("/"), 0);
    assert_int_equal(system(command), 0);
    free(*state);
    return 0;
}

/* The exit status of `vdifault ARGUMENTS`. */
static int vdifault(const char *arguments)
{
    char command[1024];
    FILE *pipe;
    size_t length;
    int status;

    snprintf(command, sizeof command, "'%s' %s 2>&1", COMMAND, arguments);
    pipe = popen(command, "r");
    assert_non_null(pipe);
    length = fread(output, 1, sizeof output - 1, pipe);
    output[length] = '\0';
    while (fgetc(pipe) != EOF) {
    }
    status = pclose(pipe);
    assert_true(WIFEXITED(status));
    return WEXITSTATUS(status);
}

static void assert_says(const char *part)
{
    if (strstr(output, part) == NULL) {
        fail_msg("'%s' expected in:\n%s", part, output);
    }
}

static void save(const char *path, const json_t *value)
{
    assert_int_equal(json_dump_file(value, path, 0), 0);
}

static void save_text(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

/* ---- report ---- */

static void shards_become_the_whole(void **state)
{
    json_t *sweep = sweep_fixture(200), *merged;

    (void)state;
    for (size_t i = 1; i <= 2; i++) {
        json_t *shard = sweep_fixture_shard(sweep, i, 2);

        save(i == 1 ? "1.json" : "2.json", shard);
        json_decref(shard);
    }
    assert_int_equal(
        vdifault("report --json all.json --junit all.xml --sarif all.sarif --html all.html 2.json 1.json"),
        CLI_CLEAN);
    assert_string_equal(output, "");
    merged = json_load_file("all.json", 0, NULL);
    json_object_set(json_object_get(merged, "client"), "wall_ms",
                    json_object_get(json_object_get(sweep, "client"), "wall_ms"));
    assert_true(json_equal(merged, sweep));
    assert_int_equal(access("all.xml", R_OK) | access("all.sarif", R_OK) | access("all.html", R_OK), 0);
    assert_int_equal(vdifault("report 1.json"), CLI_CLEAN);
    assert_says("\nerror VDI-"); /* as the sweep printed it: where, and how to repeat it */
    assert_says("\n  at ");
    assert_says("\n  repeat: vdifault run ");
    assert_says("\n100 runs at ");
    json_decref(merged);
    json_decref(sweep);
}

static void wrong_files_are_named(void **state)
{
    json_t *sweep = sweep_fixture(20), *shard = sweep_fixture_shard(sweep, 1, 3);

    (void)state;
    save("1.json", shard);
    save_text("cut.json", "{\"schema\": 1,\n");
    save_text("other.json", "{\"schema\": 7}");
    save_text("latin.json", "{\"schema\": 1, \"client\": {\"argv\": [\"\xe9\"]}}");
    assert_int_equal(vdifault("report"), CLI_USAGE);
    assert_int_equal(vdifault("report nowhere.json"), CLI_USAGE);
    assert_says("nowhere.json");
    assert_int_equal(vdifault("report cut.json"), CLI_USAGE);
    assert_says("'cut.json', line 2");
    assert_int_equal(vdifault("report other.json"), CLI_USAGE);
    assert_says("expected \"schema\": 1");
    assert_int_equal(vdifault("report latin.json"), CLI_USAGE);
    assert_says("unable to decode byte 0xe9");
    assert_int_equal(vdifault("report 1.json 1.json"), CLI_USAGE);
    assert_says("both shard 1 of 3");
    assert_int_equal(vdifault("report --html /nowhere/x.html 1.json"), CLI_USAGE);
    assert_says("cannot write '/nowhere/x.html'");
    assert_int_equal(vdifault("report --html - --json - 1.json"), CLI_USAGE);
    assert_says("stdout is where --json goes");
    assert_int_equal(vdifault("report --html /dev/full 1.json"), CLI_SETUP);
    assert_says("cannot write '/dev/full': No space left on device");
    assert_int_equal(vdifault("report --junit /dev/full 1.json"), CLI_SETUP);
    assert_says("cannot write '/dev/full': No space left on device");
    json_decref(shard);
    json_decref(sweep);
}

/* ---- bundle ---- */

/* All that a bundle holds, one after another; *names is a list of its files, a blank behind each. The caller's. */
static char *unpack(const char *path, char names[OUTPUT_MAX])
{
    struct archive *archive = archive_read_new();
    struct archive_entry *entry;
    char *text = NULL, buffer[4096];
    size_t size = 0;
    la_ssize_t got;
    FILE *out = open_memstream(&text, &size);

    names[0] = '\0';
    archive_read_support_filter_gzip(archive);
    archive_read_support_format_tar(archive);
    assert_int_equal(archive_read_open_filename(archive, path, 4096), ARCHIVE_OK);
    while (archive_read_next_header(archive, &entry) == ARCHIVE_OK) {
        size_t used = strlen(names);

        snprintf(names + used, OUTPUT_MAX - used, "%s ", archive_entry_pathname(entry));
        while ((got = archive_read_data(archive, buffer, sizeof buffer)) > 0) {
            fwrite(buffer, 1, (size_t)got, out);
        }
        assert_int_equal(got, 0);
    }
    archive_read_free(archive);
    assert_int_equal(fclose(out), 0);
    return text;
}

static void a_bundle_holds_no_password(void **state)
{
    json_t *sweep = sweep_fixture(120);
    json_t *argv = json_object_get(json_object_get(sweep, "client"), "argv");
    char names[OUTPUT_MAX], *text;

    (void)state;
    json_array_append_new(argv, json_string("-P"));
    json_array_append_new(argv, json_string("geheim1"));
    json_object_set_new(json_array_get(json_object_get(sweep, "runs"), 5), "repeat",
                        json_string("vdifault run -- ./c --password=geheim2"));
    save("sweep.json", sweep);
    save_text("used.plan", "# --password=geheim3\nfault lost-close\n");
    assert_int_equal(vdifault("bundle --plan used.plan --output b.tar.gz sweep.json"), CLI_CLEAN);
    assert_says("report.html");
    text = unpack("b.tar.gz", names);
    assert_null(strstr(text, "geheim"));
    assert_non_null(strstr(text, "fault lost-close"));
    assert_non_null(strstr(text, "\"glibc\""));
    assert_non_null(strstr(names, "vdifault-bundle/report.json "));
    assert_non_null(strstr(names, "vdifault-bundle/plans/finding-1.plan "));
    assert_non_null(strstr(names, "vdifault-bundle/plans/given-1.plan "));
    assert_non_null(strstr(names, "vdifault-bundle/manifest.json "));
    free(text);
    json_decref(sweep);
}

/* What is no plan and no trace could be anything, a backup for one. */
static void a_bundle_takes_no_stream(void **state)
{
    json_t *sweep = sweep_fixture(10);

    (void)state;
    save("sweep.json", sweep);
    save_text("sales.bak", "TAPE rows of a table\n");
    assert_int_equal(vdifault("bundle --output b.tar.gz sales.bak"), CLI_USAGE);
    assert_int_equal(vdifault("bundle --plan sales.bak --output b.tar.gz sweep.json"), CLI_USAGE);
    assert_says("plan 'sales.bak' line 1");
    assert_int_equal(vdifault("bundle --trace sales.bak --output b.tar.gz sweep.json"), CLI_USAGE);
    assert_says("trace 'sales.bak'");
    assert_int_equal(access("b.tar.gz", F_OK), -1);
    json_decref(sweep);
}

static void the_same_input_gives_the_same_bundle(void **state)
{
    json_t *sweep = sweep_fixture(30);

    (void)state;
    save("sweep.json", sweep);
    assert_int_equal(vdifault("bundle --output 1.tar.gz sweep.json"), CLI_CLEAN);
    assert_int_equal(vdifault("bundle --output 2.tar.gz sweep.json"), CLI_CLEAN);
    assert_int_equal(system("cmp 1.tar.gz 2.tar.gz"), 0);
    assert_int_equal(vdifault("bundle --output /nowhere/b.tar.gz sweep.json"), CLI_SETUP);
    assert_says("cannot write '/nowhere/b.tar.gz'");
    assert_int_equal(symlink("/dev/full", "full.tar.gz"), 0); /* a name that is not the bundle's own */
    assert_int_equal(vdifault("bundle --output full.tar.gz sweep.json"), CLI_SETUP);
    assert_int_equal(unlink("full.tar.gz"), 0);
    json_decref(sweep);
}

/* A trace goes in as it is, and as text. */
static void a_bundle_holds_a_trace(void **state)
{
    char names[OUTPUT_MAX];

    (void)state;
    /* It makes no VDI call, which is a finding about the run; what counts is that it was traced. */
    assert_int_equal(
        vdifault("run --timeout 5 --json run.json --trace run.vdt -- " QUIET_CLIENT " -P geheim"), CLI_SETUP);
    assert_int_equal(vdifault("bundle --trace run.vdt --output b.tar.gz run.json"), CLI_CLEAN);
    assert_says("traces/1.txt");
    free(unpack("b.tar.gz", names));
    assert_non_null(strstr(names, "traces/1.vdt "));
    assert_non_null(strstr(names, "traces/1.txt "));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(shards_become_the_whole, set_up, tear_down),
        cmocka_unit_test_setup_teardown(wrong_files_are_named, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bundle_holds_no_password, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bundle_takes_no_stream, set_up, tear_down),
        cmocka_unit_test_setup_teardown(the_same_input_gives_the_same_bundle, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_bundle_holds_a_trace, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
