/* test_html_browser.c - the page in headless Chromium: what its script draws, used by keyboard and by mouse at the
 * width of a phone and of a desk (html_probe.html does that and tells). Without Chromium it is skipped. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "results.h"
#include "sweep_fixture.h"

enum {
    PHONE = 360,
    DESK = 1280,
    SEEN_MAX = 1 << 16,
    SKIPPED = 77
};

static const char *browser; /* a command on PATH */
static char folder[64];
static char seen[SEEN_MAX];

static const char *find_browser(void)
{
    static const char *const names[] = {"chromium", "chromium-browser", "google-chrome"};
    char command[128];

    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", names[i]);
        if (system(command) == 0) {
            return names[i];
        }
    }
    return NULL;
}

static int set_up(void **state)
{
    (void)state;
    snprintf(folder, sizeof folder, "/tmp/vdifault-page-XXXXXX");
    return mkdtemp(folder) ? 0 : -1;
}

static int tear_down(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

/* What the script or the browser complains of; the rest of its log is about the machine. */
static void check_console(void)
{
    char path[96], line[1024];
    FILE *file;

    snprintf(path, sizeof path, "%s/log", folder);
    file = fopen(path, "r");
    assert_non_null(file);
    while (fgets(line, sizeof line, file)) {
        if (strstr(line, "CONSOLE")) {
            fail_msg("the console has: %s", line);
        }
    }
    fclose(file);
}

/* Opens the report's page at #run= (-1: none); what the probe tells is in `seen`. */
static void look(json_t *sweep, int width, int run)
{
    char path[96], command[1024], asked[32] = "";
    FILE *file;
    size_t length;

    snprintf(path, sizeof path, "%s/page.html", folder);
    file = fopen(path, "w");
    assert_non_null(file);
    assert_int_equal(report_html(file, sweep), 0);
    assert_int_equal(fclose(file), 0);
    if (run >= 0) {
        snprintf(asked, sizeof asked, "&run=%d", run);
    }
    snprintf(command, sizeof command,
             "exec timeout 50 %s --headless --no-sandbox --disable-gpu --no-first-run --disable-extensions "
             "--allow-file-access-from-files --user-data-dir=%s/profile --enable-logging=stderr "
             "--window-size=1400,900 --virtual-time-budget=20000 --dump-dom "
             "'file://%s?page=%s&width=%d%s' 2>%s/log",
             browser, folder, PROBE, path, width, asked, folder);
    file = popen(command, "r");
    assert_non_null(file);
    length = fread(seen, 1, sizeof seen - 1, file);
    seen[length] = '\0';
    assert_int_equal(pclose(file), 0);
    check_console();
}

/* The value of a line; it lasts until the next call. */
static const char *told(const char *name)
{
    static char value[4096];
    char start[64];
    const char *at;

    snprintf(start, sizeof start, "\n%s=", name);
    at = strstr(seen, start);
    if (!at) {
        fail_msg("nothing told of '%s' in:\n%s", name, seen);
    }
    at += strlen(start);
    snprintf(value, sizeof value, "%.*s", (int)strcspn(at, "\n"), at);
    return value;
}

static long number(const char *name)
{
    return strtol(told(name), NULL, 10);
}

static void assert_told(const char *name, const char *expected)
{
    if (strcmp(told(name), expected) != 0) {
        fail_msg("%s is '%s', expected '%s'", name, told(name), expected);
    }
}

/* Pairs of kind and site: what the matrix has a cell for, with every site on its own. */
static size_t cells_of(const json_t *sweep)
{
    json_t *cells = json_object(), *run;
    char key[256];
    size_t i, count;

    json_array_foreach(json_object_get(sweep, "runs"), i, run)
    {
        const char *site = results_text(run, "site");
        size_t plus = strcspn(site, "+");

        snprintf(key, sizeof key, "%s %.*s%s", results_text(run, "fault"), (int)plus, site,
                 site[plus] ? site + plus + 1 : "");
        json_object_set_new(cells, key, json_null());
    }
    count = json_object_size(cells);
    json_decref(cells);
    return count;
}

/* The first run that shows a finding of this rule. */
static int run_with(const json_t *sweep, const char *rule)
{
    json_t *finding;
    size_t i;

    json_array_foreach(json_object_get(sweep, "findings"), i, finding)
    {
        if (strcmp(results_text(finding, "rule"), rule) == 0) {
            return (int)json_integer_value(json_array_get(json_object_get(finding, "runs"), 0));
        }
    }
    fail_msg("no run shows %s", rule);
    return -1;
}

static void test_matrix(void **state)
{
    json_t *sweep = sweep_fixture(499);

    (void)state;
    look(sweep, DESK, -1);
    assert_told("start-panel", "false");
    assert_int_equal(number("cells"), cells_of(sweep));
    assert_told("named", "true");
    assert_told("stops", "1"); /* one stop of the Tab key, arrows within */
    assert_told("overflows", "false");
    assert_told("unfolded", "true");
    assert_true(number("dimmed") > 0);
    assert_told("lit", "0");
    assert_int_equal(number("findings"), json_array_size(json_object_get(sweep, "findings")));
    assert_true(number("picked") > 0 && number("picked") < number("cells"));
    json_decref(sweep);
}

static void test_keyboard(void **state)
{
    json_t *sweep = sweep_fixture(499);

    (void)state;
    look(sweep, DESK, -1);
    assert_told("moved", "true");
    assert_told("opened-panel", "true");
    assert_told("marked", "1");
    assert_told("focused", "panel-title");
    assert_told("returned", "true");
    assert_told("kept-focus", "true");
    json_decref(sweep);
}

/* An address names a run: its calls with the fault marked, who believed what, how to see it again. */
static void test_address_opens_a_run(void **state)
{
    json_t *sweep = sweep_fixture(499);
    int id = run_with(sweep, "VDI-CLOSE-001");
    const json_t *run = json_array_get(json_object_get(sweep, "runs"), (size_t)id);

    (void)state;
    look(sweep, DESK, id);
    assert_told("start-panel", "true");
    assert_non_null(strstr(told("start-title"), "early-close%40Write"));
    assert_int_equal(number("start-calls"), json_array_size(json_object_get(run, "calls")));
    assert_told("start-faults", "1");
    assert_told("start-broken", "1");
    assert_told("start-views", "3");
    assert_non_null(strstr(told("start-statement"), "VIRTUAL_DEVICE%3D'set-1'"));
    assert_told("start-backtrace", "3");
    assert_non_null(strstr(told("start-command"), "vdifault%20run%20--seed%201%20--fault"));
    assert_told("closed", "true");
    json_decref(sweep);
}

static void test_phone(void **state)
{
    json_t *sweep = sweep_fixture(499);

    (void)state;
    look(sweep, PHONE, run_with(sweep, "VDI-ABORT-002"));
    assert_told("start-panel", "true");
    assert_told("start-overflows", "false");
    assert_told("overflows", "false");
    assert_told("opened-overflows", "false");
    assert_told("details-overflow", "false");
    json_decref(sweep);
}

/* The longest names there are, of rows that unfold and of such that do not. */
static void test_names_are_whole(void **state)
{
    static const char *const longest[] = {"statement-refused", "statement-fails", "bufferarea-missing"};
    json_t *sweep = sweep_fixture(120), *run;
    size_t i;

    (void)state;
    json_array_foreach(json_object_get(sweep, "runs"), i, run)
    {
        json_object_set_new(run, "fault", json_string(longest[i < 100 ? i % 2 : 2]));
        if (i >= 100) {
            json_object_set_new(run, "key", json_string("bufferarea-missing@Write"));
            json_object_set_new(run, "persistent", json_false());
        }
    }
    look(sweep, PHONE, -1);
    assert_told("rows", "3");
    assert_told("cut-names", "0");
    assert_told("overflows", "false");
    look(sweep, DESK, -1);
    assert_told("cut-names", "0");
    json_decref(sweep);
}

/* Long groups start folded: no more elements than a person can look at. */
static void test_ten_thousand_runs(void **state)
{
    json_t *sweep = sweep_fixture(10000);

    (void)state;
    look(sweep, PHONE, 9000);
    assert_told("start-panel", "true");
    assert_true(number("cells") > 50 && number("cells") < 1000);
    assert_told("overflows", "false");
    assert_told("opened-overflows", "false");
    json_decref(sweep);
}

static void test_hostile_text(void **state)
{
    json_t *sweep = sweep_fixture_hostile();

    (void)state;
    for (int width = PHONE; width <= DESK; width += DESK - PHONE) {
        look(sweep, width, 1);
        assert_told("attacked", "false");
        assert_told("start-panel", "true");
        assert_non_null(strstr(told("start-title"), "%3C%2Fscript%3E"));
        assert_told("start-overflows", "false");
        assert_told("overflows", "false");
        assert_told("details-overflow", "false");
        assert_int_equal(number("cells") > 0, 1);
    }
    json_decref(sweep);
}

static void test_nothing_and_one(void **state)
{
    json_t *none =
        json_pack("{s:i, s:s, s:{s:[]}, s:[]}", "schema", 1, "outcome", "clean", "client", "argv", "runs");
    json_t *one = json_pack("{s:i, s:s, s:{s:[s]}, s:[], s:[], s:[]}", "schema", 1, "outcome", "clean",
                            "client", "argv", "./c", "operations", "faults", "findings");

    (void)state;
    look(none, PHONE, -1);
    assert_told("cells", "0");
    look(one, PHONE, 0);
    assert_told("start-panel", "true");
    assert_told("cells", "1");
    look(one, DESK, -1); /* there is nothing to choose from: it is open, and can be closed */
    assert_told("start-panel", "true");
    assert_told("start-facts", "clean%2C%20client%20did%20not%20end");
    assert_told("closed", "true");
    look(one, PHONE, -1);
    assert_told("start-panel", "false");
    json_decref(one);
    json_decref(none);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_matrix),
        cmocka_unit_test(test_keyboard),
        cmocka_unit_test(test_address_opens_a_run),
        cmocka_unit_test(test_phone),
        cmocka_unit_test(test_names_are_whole),
        cmocka_unit_test(test_ten_thousand_runs),
        cmocka_unit_test(test_hostile_text),
        cmocka_unit_test(test_nothing_and_one),
    };

    browser = find_browser();
    if (!browser) {
        fprintf(stderr, "skipped: no Chromium on PATH\n");
        return SKIPPED;
    }
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
