/* A hundred scenarios, again and again: everything that happens is the same each time (sim_hash), whatever was played
 * before in the same process, and in a fresh one (`vdifault replay`) with other addresses.
 *
 * VDIFAULT_REPLAYS=1000 in the environment replays each so often, and all of them in fresh processes. */
#include <dirent.h>
#include <inttypes.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "mutate.h"
#include "play.h"
#include "seed.h"
#include "sim.h"

enum {
    SCENARIOS = 100,
    REPLAYS = 100, /* of each, without VDIFAULT_REPLAYS */
    SOME = 10,     /* one of so many then is replayed in a fresh process */
    MUTATIONS = 8, /* that make one out of a seed */
    LINES = 64,    /* at most, of what is made */
    REPORT_MAX = 1 << 20
};

static struct scenario scenarios[SCENARIOS]; /* seeds first */
static char seed_names[SCENARIOS][NAME_MAX + 1];
static uint32_t seed_count;
static uint64_t hashes[SCENARIOS];

static struct play *play;
static uint64_t last_hash;
static char file_path[] = "/tmp/test-repeat-XXXXXX";

/* ---- which scenarios ---- */

static void read_seeds(const char *folder)
{
    struct dirent **entries;
    int count = scandir(folder, &entries, NULL, alphasort);
    assert_true(count > 2);
    for (int i = 0; i < count; i++) {
        if (entries[i]->d_name[0] != '.' && seed_count < SCENARIOS) {
            char path[PATH_MAX];
            snprintf(path, sizeof path, "%s/%s", folder, entries[i]->d_name);
            snprintf(seed_names[seed_count], sizeof seed_names[0], "%s", entries[i]->d_name);
            read_seed(path, &scenarios[seed_count++]);
        }
        free(entries[i]);
    }
    free(entries);
}

/* Out of those, and then out of what was made out of them. */
static void make_the_others(void)
{
    const struct mutate_limits limits = {.lines = LINES, .scope = MUTATE_ALL};
    for (uint32_t made = seed_count; made < SCENARIOS; made++) {
        scenarios[made] = scenarios[made - seed_count];
        for (uint32_t i = 0; i < MUTATIONS; i++) {
            scenario_mutate(&scenarios[made], made * MUTATIONS + i, &limits);
        }
    }
}

static void print_difference(uint32_t at, uint64_t hash, const char *where)
{
    print_error("scenario %u, %s%s: %016" PRIx64 " in %s, %016" PRIx64 " at first\n", at,
                seed_names[at % seed_count], at < seed_count ? "" : " mutated", hash, where, hashes[at]);
}

/* ---- the player, as that of `vdifault replay` ---- */

static void note_result(const struct play_transition *transition)
{
    sim_note((uint64_t)transition->result);
}

static bool end(char *text, size_t size)
{
    last_hash = sim_hash();
    return play_in_simulation.end(text, size);
}

static int open_all(void **state)
{
    (void)state;
    struct play_host host = play_in_simulation;
    host.transition = note_result;
    host.end = end;
    play = play_new(&host);
    read_seeds(CORPUS "/lifecycle_fuzzer");
    read_seeds(CORPUS "/regressions/lifecycle_fuzzer");
    make_the_others();
    int fd = mkstemp(file_path);
    return fd < 0 || close(fd) != 0 || play == NULL;
}

static int close_all(void **state)
{
    (void)state;
    play_free(play);
    return unlink(file_path);
}

static uint32_t replays_asked_for(void)
{
    const char *replays = getenv("VDIFAULT_REPLAYS");
    uint32_t count = replays != NULL ? (uint32_t)strtoul(replays, NULL, 10) : REPLAYS;
    assert_true(count > 1);
    return count;
}

/* ---- the hashes ---- */

/* Each time in another order, so that each comes after many others. */
static void replays_in_one_process_are_the_same(void **state)
{
    static const uint32_t strides[] = {1, 99, 3, 7, 31, 57};
    static struct play_outcome outcome;
    uint32_t replays = replays_asked_for();
    uint32_t different = 0;
    (void)state;
    for (uint32_t replay = 0; replay < replays; replay++) {
        uint32_t stride = strides[replay % (sizeof strides / sizeof strides[0])];
        for (uint32_t i = 0; i < SCENARIOS; i++) {
            uint32_t at = (i * stride + replay) % SCENARIOS;
            play_scenario(play, &scenarios[at], &outcome);
            hashes[at] = replay == 0 ? last_hash : hashes[at];
            if (hashes[at] != last_hash) {
                print_difference(at, last_hash, "a later replay");
                different++;
            }
        }
    }
    assert_int_equal(different, 0);
}

/* The hash that `vdifault replay` tells. */
static uint64_t fresh_hash(const struct scenario *scenario)
{
    static const char field[] = "\"trace\": \"";
    static uint8_t bytes[SCENARIO_BYTES_MAX];
    static char report[REPORT_MAX];
    char command[2 * PATH_MAX];
    size_t length = scenario_encode(scenario, bytes, sizeof bytes);
    FILE *file = fopen(file_path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    assert_int_equal(fclose(file), 0);
    snprintf(command, sizeof command, "%s replay --in sim --json - '%s'", COMMAND, file_path);
    FILE *out = popen(command, "r");
    assert_non_null(out);
    report[fread(report, 1, sizeof report - 1, out)] = '\0';
    pclose(out); /* a mutated scenario may come to something that is not allowed */
    const char *at = strstr(report, field);
    if (at == NULL) {
        fail_msg("no \"trace\" in the report:\n%s", report);
    }
    return strtoull(at + strlen(field), NULL, 16);
}

static void fresh_processes_do_the_same(void **state)
{
    uint32_t different = 0;
    uint32_t step = replays_asked_for() > REPLAYS ? 1 : SOME;
    (void)state;
    for (uint32_t i = 0; i < SCENARIOS; i += step) {
        uint64_t fresh = fresh_hash(&scenarios[i]);
        if (fresh != hashes[i]) {
            print_difference(i, fresh, "a fresh process");
            different++;
        }
    }
    assert_int_equal(different, 0);
}

static int compare(const void *a, const void *b)
{
    uint64_t left = *(const uint64_t *)a, right = *(const uint64_t *)b;
    return (left > right) - (left < right);
}

/* A hash that did not see what happens would always be the same, too. */
static void scenarios_have_hashes_of_their_own(void **state)
{
    static uint64_t sorted[SCENARIOS];
    (void)state;
    memcpy(sorted, hashes, sizeof sorted);
    qsort(sorted, SCENARIOS, sizeof sorted[0], compare);
    for (uint32_t i = 1; i < SCENARIOS; i++) {
        assert_int_not_equal(sorted[i], sorted[i - 1]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(replays_in_one_process_are_the_same),
        cmocka_unit_test(fresh_processes_do_the_same),
        cmocka_unit_test(scenarios_have_hashes_of_their_own),
    };
    return cmocka_run_group_tests(tests, open_all, close_all);
}
