/* lifecycle_states - what of the state machine scenarios reach: how often each function gave which result in which
 * state, and what no scenario did.
 *
 * usage: find corpus/lifecycle_fuzzer -type f | lifecycle_states [--dot]
 * Plays the scenarios, in either form, whose paths come on stdin, a line each (what is none is passed over), and prints
 * tables as Markdown; --dot: a graph for Graphviz, the edges that lead from one state to another, dashed where no
 * scenario went.
 * An outcome is told from another one of its cell by its result and by the state it leads to.
 * Exit status: 0; 1: a file could not be read, or a scenario deviates; 2: usage.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "play.h"

enum {
    INPUT_MAX = 1 << 17,
    PATH_BYTES = 4096
};

static uint32_t scenarios;
static uint64_t hits[MODEL_FUNCTION_COUNT][MODEL_STATE_COUNT][MODEL_OUTCOMES_MAX];

static enum model_state next_of(const struct model_outcome *outcome, enum model_state state)
{
    enum model_state next = model_next(outcome, MODEL_DEFAULTS);
    return next == MODEL_STAY ? state : next;
}

static void count(const struct play_transition *transition)
{
    const struct model_cell *cell = model_cell(transition->function, transition->state);
    for (size_t i = 0; i < model_outcome_count(cell); i++) {
        hits[transition->function][transition->state][i] +=
            model_result(&cell->outcomes[i], MODEL_DEFAULTS) == transition->result &&
            next_of(&cell->outcomes[i], transition->state) == transition->next;
    }
}

static int play_file(struct play *play, const char *path)
{
    static uint8_t bytes[INPUT_MAX];
    static struct scenario scenario;
    static struct play_outcome outcome;
    struct fault_error error;
    uint32_t line = 0;
    FILE *file = fopen(path, "rb");
    if (file == NULL) {
        fprintf(stderr, "lifecycle_states: %s: %s\n", path, strerror(errno));
        return 1;
    }
    size_t length = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    if (scenario_read(bytes, length, &scenario, NULL, &error, &line) != 0) {
        return 0; /* a fuzzing engine keeps such inputs, too */
    }
    scenarios++;
    play_scenario(play, &scenario, &outcome);
    if (outcome.deviation[0] != '\0') {
        fprintf(stderr, "lifecycle_states: %s: %s\n", path, outcome.deviation);
        return 1;
    }
    return 0;
}

/* --- tables --- */

/* "NOERROR -> Active 12, VD_E_TIMEOUT **never**": outcomes that look alike are one. */
static void print_cell(enum model_function function, enum model_state state)
{
    const struct model_cell *cell = model_cell(function, state);
    const char *separator = " ";
    for (size_t i = 0; i < model_outcome_count(cell); i++) {
        const struct model_outcome *outcome = &cell->outcomes[i];
        char name[MODEL_RESULT_TEXT];
        int32_t result = model_result(outcome, MODEL_DEFAULTS);
        size_t first = 0;
        while (model_result(&cell->outcomes[first], MODEL_DEFAULTS) != result ||
               next_of(&cell->outcomes[first], state) != next_of(outcome, state)) {
            first++;
        }
        if (first == i) {
            enum model_state next = next_of(outcome, state);
            printf("%s%s%s%s ", separator, model_outcome_name(function, result, name),
                   next != state ? " -> " : "", next != state ? model_state_name(next) : "");
            printf(hits[function][state][i] > 0 ? "%llu" : "**never**",
                   (unsigned long long)hits[function][state][i]);
            separator = ", ";
        }
    }
    printf(" |");
}

static void print_table(enum model_table table, const char *title)
{
    size_t columns;
    const enum model_state *states = model_states(table, &columns);
    printf("\n## %s\n\n| function |", title);
    for (size_t i = 0; i < columns; i++) {
        printf(" %s |", model_state_name(states[i]));
    }
    printf("\n|---|");
    for (size_t i = 0; i < columns; i++) {
        printf("---|");
    }
    for (int function = 0; function < MODEL_FUNCTION_COUNT; function++) {
        if (model_function_table((enum model_function)function) == table) {
            printf("\n| %s |", model_function_name((enum model_function)function));
            for (size_t i = 0; i < columns; i++) {
                print_cell((enum model_function)function, states[i]);
            }
        }
    }
    printf("\n");
}

/* How many there are in all; `lists`: prints those that are missing. */
static uint32_t count_outcomes(enum model_table table, const char *title, bool lists, uint32_t *missing)
{
    uint32_t all = 0;
    size_t columns;
    const enum model_state *states = model_states(table, &columns);
    for (int at = 0; at < MODEL_FUNCTION_COUNT * (int)columns; at++) {
        enum model_function function = (enum model_function)(at / (int)columns);
        enum model_state state = states[at % (int)columns];
        const struct model_cell *cell = model_cell(function, state);
        size_t outcomes = model_function_table(function) == table ? model_outcome_count(cell) : 0;
        all += (uint32_t)outcomes;
        for (size_t i = 0; i < outcomes; i++) {
            char name[MODEL_RESULT_TEXT];
            bool never = hits[function][state][i] == 0;
            *missing += never;
            if (never && lists) {
                printf("* %s, %s in %s: %s %s\n", title, model_function_name(function),
                       model_state_name(state),
                       model_outcome_name(function, model_result(&cell->outcomes[i], MODEL_DEFAULTS), name),
                       model_situation_text(cell->outcomes[i].situation));
            }
        }
    }
    return all;
}

static void print_tables(void)
{
    uint32_t missing = 0;
    uint32_t all = count_outcomes(MODEL_CLIENT, "Client", false, &missing) +
                   count_outcomes(MODEL_SERVER, "Server", false, &missing);
    printf("# States and transitions that %u scenarios reach\n\n%u of %u outcomes.\n", scenarios,
           all - missing, all);
    print_table(MODEL_CLIENT, "Client");
    print_table(MODEL_SERVER, "Server");
    printf("\n## Never\n\n");
    (void)count_outcomes(MODEL_CLIENT, "Client", true, &missing);
    (void)count_outcomes(MODEL_SERVER, "Server", true, &missing);
}

/* --- graph --- */

static void print_edges(enum model_table table, const char *side)
{
    size_t columns;
    const enum model_state *states = model_states(table, &columns);
    printf("  subgraph cluster_%s {\n    label=\"%s\";\n", side, side);
    for (size_t i = 0; i < columns; i++) {
        printf("    %s%d [label=\"%s\"];\n", side, states[i], model_state_name(states[i]));
    }
    for (int at = 0; at < MODEL_FUNCTION_COUNT * (int)columns; at++) {
        enum model_function function = (enum model_function)(at / (int)columns);
        enum model_state state = states[at % (int)columns];
        const struct model_cell *cell = model_cell(function, state);
        for (size_t i = 0; model_function_table(function) == table && i < model_outcome_count(cell); i++) {
            uint64_t number = hits[function][state][i];
            if (next_of(&cell->outcomes[i], state) != state) {
                printf("    %s%d -> %s%d [label=\"%s %llu\"%s];\n", side, state, side,
                       next_of(&cell->outcomes[i], state), model_function_name(function),
                       (unsigned long long)number, number == 0 ? ", style=dashed, color=red" : "");
            }
        }
    }
    printf("  }\n");
}

int main(int argc, char **argv)
{
    char path[PATH_BYTES];
    struct play_host host = play_in_simulation;
    int status = 0;
    bool dot = argc == 2 && strcmp(argv[1], "--dot") == 0;
    host.transition = count;
    struct play *play = play_new(&host);
    if (play == NULL || argc > 1 + dot) {
        fprintf(stderr, "usage: find FOLDER -type f | lifecycle_states [--dot]\n");
        play_free(play);
        return 2;
    }
    while (fgets(path, sizeof path, stdin) != NULL) {
        path[strcspn(path, "\n")] = '\0';
        status |= play_file(play, path);
    }
    play_free(play);
    if (dot) {
        printf("digraph states {\n  rankdir=LR;\n");
        print_edges(MODEL_CLIENT, "client");
        print_edges(MODEL_SERVER, "server");
        printf("}\n");
    } else {
        print_tables();
    }
    return status;
}
