/* The seeds of lifecycle fuzzing: each says what it expects and gets it, and together they make every call in every
 * state with every result that the tables (spec 2.3, 2.4) know for it. */
#include <dirent.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "play.h"
#include "seed.h"

/* By function, state, and the place of the result among the cell's outcomes. */
static bool reached[MODEL_FUNCTION_COUNT][MODEL_STATE_COUNT][MODEL_OUTCOMES_MAX];

static void note(const struct play_transition *transition)
{
    const struct model_cell *cell = model_cell(transition->function, transition->state);
    for (size_t i = 0; i < model_outcome_count(cell); i++) {
        enum model_state next = model_next(&cell->outcomes[i], MODEL_DEFAULTS);
        next = next == MODEL_STAY ? transition->state : next;
        if (model_result(&cell->outcomes[i], MODEL_DEFAULTS) == transition->result &&
            next == transition->next) {
            reached[transition->function][transition->state][i] = true;
        }
    }
}

/* How many of its promises it breaks; each is printed. */
static uint32_t play_seed(struct play *play, const char *path)
{
    uint32_t broken = 0;
    static struct scenario scenario;
    static struct play_outcome outcome;
    read_seed(path, &scenario);
    play_scenario(play, &scenario, &outcome);
    if (outcome.deviation[0] != '\0') {
        print_error("%s: %s\n", path, outcome.deviation);
        return 1;
    }
    for (uint32_t i = 0; i < scenario.line_count; i++) {
        int32_t expected = 0;
        char text[256], result[MODEL_RESULT_TEXT];
        bool expects = scenario_expected(&scenario.lines[i], &expected);
        if (expects && (!outcome.made[i] || outcome.results[i] != expected)) {
            scenario_print_line(&scenario.lines[i], text, sizeof text);
            print_error("%s: %s: %s\n", path, text,
                        outcome.made[i] ? model_result_name(outcome.results[i], result) : "no call was made");
            broken++;
        }
    }
    return broken;
}

static void test_seeds_do_what_they_say(void **state)
{
    struct play_host host = play_in_simulation;
    DIR *folder = opendir(LIFECYCLE_CORPUS);
    uint32_t broken = 0;
    (void)state;
    host.transition = note;
    struct play *play = play_new(&host);
    assert_non_null(play);
    assert_non_null(folder);
    for (const struct dirent *entry = readdir(folder); entry != NULL; entry = readdir(folder)) {
        char path[PATH_MAX];
        snprintf(path, sizeof path, "%s/%s", LIFECYCLE_CORPUS, entry->d_name);
        if (entry->d_name[0] != '.') {
            broken += play_seed(play, path);
        }
    }
    closedir(folder);
    play_free(play);
    assert_int_equal(broken, 0);
}

/* Prints the outcomes of a cell that no seed has; returns how many. */
static uint32_t check_cell(enum model_function function, enum model_state state)
{
    const struct model_cell *cell = model_cell(function, state);
    uint32_t wrong = 0;
    for (size_t i = 0; i < model_outcome_count(cell); i++) {
        const struct model_outcome *outcome = &cell->outcomes[i];
        char result[MODEL_RESULT_TEXT];
        if (!reached[function][state][i]) {
            wrong++;
            print_error("%s %s in %s: %s (%s) is not reached\n",
                        model_function_table(function) == MODEL_CLIENT ? "client" : "server",
                        model_function_name(function), model_state_name(state),
                        model_result_name(model_result(outcome, MODEL_DEFAULTS), result),
                        model_situation_text(outcome->situation));
        }
    }
    return wrong;
}

static void test_every_transition_is_reached(void **state)
{
    uint32_t wrong = 0;
    (void)state;
    for (int function = 0; function < MODEL_FUNCTION_COUNT; function++) {
        bool device = model_function_table((enum model_function)function) == MODEL_DEVICE;
        for (int column = 0; column < MODEL_STATE_COUNT && !device; column++) {
            wrong += check_cell((enum model_function)function, (enum model_state)column);
        }
    }
    assert_int_equal(wrong, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_seeds_do_what_they_say),
        cmocka_unit_test(test_every_transition_is_reached),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
