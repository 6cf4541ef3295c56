/* test_merge.c - the shards of a sweep put together again: the same report as of the whole, or a refusal that says what
 * does not belong together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "results.h"
#include "sweep_fixture.h"

enum {
    SHARDS = 3
};
static const char *const names[SHARDS] = {"one.json", "two.json", "three.json"};

static void make_shards(const json_t *sweep, json_t *shards[SHARDS])
{
    for (size_t i = 0; i < SHARDS; i++) {
        shards[i] = sweep_fixture_shard(sweep, i + 1, SHARDS);
    }
}

static void free_shards(json_t *shards[SHARDS])
{
    for (size_t i = 0; i < SHARDS; i++) {
        json_decref(shards[i]);
    }
}

static void test_merge_gives_the_unsharded_report(void **state)
{
    json_t *sweep = sweep_fixture(400), *shards[SHARDS], *merged = NULL;
    json_t *shuffled[SHARDS];
    char why[RESULTS_WHY_MAX] = "";

    (void)state;
    make_shards(sweep, shards);
    for (size_t i = 0; i < SHARDS; i++) {
        shuffled[i] = shards[(i + 1) % SHARDS];
    }
    assert_int_equal(results_merge(shuffled, names, SHARDS, &merged, why), 0);
    /* The time of three machines is no one's wish to compare. */
    json_object_set(json_object_get(merged, "client"), "wall_ms",
                    json_object_get(json_object_get(sweep, "client"), "wall_ms"));
    assert_true(json_equal(merged, sweep));
    json_decref(merged);
    free_shards(shards);
    json_decref(sweep);
}

/* What one shard's clean runs did in two ways, no shard does in one. */
static void test_merge_keeps_what_is_unsteady(void **state)
{
    json_t *sweep = sweep_fixture(90), *shards[SHARDS], *merged = NULL, *site;
    char why[RESULTS_WHY_MAX] = "";

    (void)state;
    make_shards(sweep, shards);
    site = json_array_get(json_object_get(shards[1], "sites"), 0);
    assert_true(json_is_false(json_object_get(site, "unsteady")));
    json_object_set_new(site, "unsteady", json_true());
    assert_int_equal(results_merge(shards, names, SHARDS, &merged, why), 0);
    site = json_array_get(json_object_get(merged, "sites"), 0);
    assert_true(json_is_true(json_object_get(site, "unsteady")));
    json_decref(merged);
    free_shards(shards);
    json_decref(sweep);
}

/* The formats take what a merge gives. */
static void check_formats(json_t *merged)
{
    static int (*const formats[])(FILE *, json_t *) = {report_junit, report_html};

    for (size_t i = 0; i < sizeof formats / sizeof formats[0]; i++) {
        char *text = NULL;
        size_t size = 0;
        FILE *out = open_memstream(&text, &size);

        assert_non_null(out);
        assert_int_equal(formats[i](out, merged), 0);
        assert_int_equal(fclose(out), 0);
        free(text);
    }
}

/* Numbers of a report may be any. */
static void test_merge_adds_what_it_is_given(void **state)
{
    json_t *sweep = sweep_fixture(90), *shards[SHARDS], *merged = NULL, *run;
    char why[RESULTS_WHY_MAX] = "";

    (void)state;
    make_shards(sweep, shards);
    for (size_t i = 0; i < SHARDS; i++) {
        json_object_set_new(
            shards[i], "client",
            json_pack("{s:O, s:I}", "argv", json_object_get(json_object_get(sweep, "client"), "argv"),
                      "wall_ms", (json_int_t)INT64_MAX));
        run = json_array_get(json_object_get(shards[i], "runs"), 0);
        json_object_set_new(run, "client", json_pack("{s:I}", "wall_ms", (json_int_t)INT64_MAX));
        json_object_set_new(
            run, "calls",
            json_pack("[{s:I}, {s:I}]", "n", (json_int_t)INT64_MAX, "n", (json_int_t)INT64_MIN));
    }
    assert_int_equal(results_merge(shards, names, SHARDS, &merged, why), 0);
    check_formats(merged);
    json_decref(merged);
    free_shards(shards);
    json_decref(sweep);
}

static void refuse_merge(json_t **shards, size_t count, const char *word)
{
    char why[RESULTS_WHY_MAX] = "";
    json_t *merged = NULL;

    assert_int_equal(results_merge(shards, names, count, &merged, why), EINVAL);
    assert_null(merged);
    if (!strstr(why, word)) {
        fail_msg("'%s' does not say '%s'", why, word);
    }
}

static void test_merge_refuses_what_does_not_belong_together(void **state)
{
    json_t *sweep = sweep_fixture(90), *shards[SHARDS];

    (void)state;
    make_shards(sweep, shards);
    refuse_merge(shards, 2, "1 of 3 shards are missing: 3");
    refuse_merge((json_t *[]){shards[0], shards[1], shards[1]}, 3, "both shard 2 of 3");
    refuse_merge((json_t *[]){shards[0], sweep, shards[1]}, 3, "'two.json' is no shard");
    json_object_set_new(shards[1], "seed", json_integer(8));
    refuse_merge(shards, 3, "the seed is 8, expected 1");
    json_object_set_new(shards[1], "seed", json_integer(1));
    json_object_set_new(shards[2], "client", json_pack("{s:[s]}", "argv", "./other"));
    refuse_merge(shards, 3, "the client is [\"./other\"]");
    json_object_set(shards[2], "client", json_object_get(sweep, "client"));
    json_array_remove(json_object_get(shards[1], "runs"), 3);
    refuse_merge(shards, 3, "runs 10 to 10 are in no shard");
    json_array_append(json_object_get(shards[1], "runs"),
                      json_array_get(json_object_get(shards[0], "runs"), 0));
    refuse_merge(shards, 3, "run 0 is in");
    json_array_remove(json_object_get(shards[1], "runs"),
                      json_array_size(json_object_get(shards[1], "runs")) - 1);
    json_array_remove(json_object_get(shards[0], "runs"), 0);
    refuse_merge(shards, 3, "runs 0 to 0 are in no shard");
    free_shards(shards);
    json_decref(sweep);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_merge_gives_the_unsharded_report),
        cmocka_unit_test(test_merge_keeps_what_is_unsteady),
        cmocka_unit_test(test_merge_adds_what_it_is_given),
        cmocka_unit_test(test_merge_refuses_what_does_not_belong_together),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
