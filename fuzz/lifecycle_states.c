/* lifecycle_states - what of the state machine scenarios reach: how often each function gave which result in which
 * state, what of the world's faults came in which state, and what no scenario did.
 *
 * usage: find corpus/lifecycle_fuzzer -type f | lifecycle_states [--dot]
 * Plays the scenarios, in either form, whose paths come on stdin, a line each (what is none is passed over), and prints
 * tables as Markdown; --dot: a graph for Graphviz, an arrow from each state to each that calls lead to, red and dashed
 * where no scenario went.
 * An outcome is told from another one of its cell by its result and by the state it leads to.
 * Exit status: 0; 1: a file could not be read, or a scenario deviates; 2: usage.
 */
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "play.h"

enum {
    INPUT_MAX = 1 << 17,
    PATH_BYTES = 4096
};

static uint32_t scenarios;
static uint64_t hits[MODEL_FUNCTION_COUNT][MODEL_STATE_COUNT][MODEL_OUTCOMES_MAX];
static uint64_t deeds[SCENARIO_VERB_COUNT][MODEL_TABLE_COUNT][MODEL_STATE_COUNT]; /* the world's */
/* Of each side, after its last call. */
static enum model_state stands[MODEL_TABLE_COUNT];
static uint32_t line_at; /* 0: none, the scenario is over */

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
    stands[model_function_table(transition->function)] = transition->next;
}

static void note_line(uint32_t line)
{
    line_at = line;
}

static bool count_world(const struct scenario_line *line)
{
    for (int side = MODEL_CLIENT; side <= MODEL_SERVER && line_at != 0; side++) {
        deeds[line->verb][side][stands[side]]++;
    }
    return play_in_simulation.world(line);
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
    stands[MODEL_CLIENT] = MODEL_DOES_NOT_EXIST;
    stands[MODEL_SERVER] = MODEL_DOES_NOT_EXIST;
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

static void print_head(enum model_table table, const char *title, const char *rows)
{
    size_t columns;
    const enum model_state *states = model_states(table, &columns);
    printf("\n## %s\n\n| %s |", title, rows);
    for (size_t i = 0; i < columns; i++) {
        printf(" %s |", model_state_name(states[i]));
    }
    printf("\n|---|");
    for (size_t i = 0; i < columns; i++) {
        printf("---|");
    }
}

static void print_table(enum model_table table, const char *title)
{
    size_t columns;
    const enum model_state *states = model_states(table, &columns);
    print_head(table, title, "function");
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

/* Faults of the world around the calls: how often each came while a side stood so. */
static void print_world(enum model_table side, const char *title)
{
    size_t columns;
    const enum model_state *states = model_states(side, &columns);
    print_head(side, title, "world");
    for (int verb = 0; verb < SCENARIO_VERB_COUNT; verb++) {
        const struct scenario_verb_info *info = scenario_verb_info((enum scenario_verb)verb);
        if (info->process == SCENARIO_WORLD) {
            printf("\n| %s |", info->name);
            for (size_t i = 0; i < columns; i++) {
                uint64_t number = deeds[verb][side][states[i]];
                printf(number > 0 ? " %llu |" : " never |", (unsigned long long)number);
            }
        }
    }
    printf("\n");
}

/* How many there are of functions in a state; `title`, unless it is NULL: prints those that are missing. */
static uint32_t count_outcomes_of(enum model_table table, enum model_state state, const char *title,
                                  uint32_t *missing)
{
    uint32_t all = 0;
    for (int at = 0; at < MODEL_FUNCTION_COUNT; at++) {
        enum model_function function = (enum model_function)at;
        const struct model_cell *cell = model_cell(function, state);
        size_t outcomes = model_function_table(function) == table ? model_outcome_count(cell) : 0;
        all += (uint32_t)outcomes;
        for (size_t i = 0; i < outcomes; i++) {
            char name[MODEL_RESULT_TEXT];
            bool never = hits[function][state][i] == 0;
            *missing += never;
            if (never && title != NULL) {
                printf("* %s, %s in %s: %s %s\n", title, model_function_name(function),
                       model_state_name(state),
                       model_outcome_name(function, model_result(&cell->outcomes[i], MODEL_DEFAULTS), name),
                       model_situation_text(cell->outcomes[i].situation));
            }
        }
    }
    return all;
}

static uint32_t count_outcomes(enum model_table table, const char *title, uint32_t *missing)
{
    uint32_t all = 0;
    size_t columns;
    const enum model_state *states = model_states(table, &columns);
    for (size_t i = 0; i < columns; i++) {
        all += count_outcomes_of(table, states[i], title, missing);
    }
    return all;
}

static void print_tables(void)
{
    uint32_t missing = 0;
    uint32_t all =
        count_outcomes(MODEL_CLIENT, NULL, &missing) + count_outcomes(MODEL_SERVER, NULL, &missing);
    printf("# States and transitions that %u scenarios reach\n\n%u of %u outcomes.\n", scenarios,
           all - missing, all);
    print_table(MODEL_CLIENT, "Client");
    print_table(MODEL_SERVER, "Server");
    print_world(MODEL_CLIENT, "World, by the state of the client that called last");
    print_world(MODEL_SERVER, "World, by the server's state");
    printf("\n## Never\n\n");
    (void)count_outcomes(MODEL_CLIENT, "Client", &missing);
    (void)count_outcomes(MODEL_SERVER, "Server", &missing);
}

/* --- graph --- */

/* A life ends where it began; as one node it would lead every arrow of Close back across the picture. */
static const char *node_of(enum model_state next)
{
    return next == MODEL_DOES_NOT_EXIST ? "_again" : "";
}

static void print_nodes(enum model_table table, const char *side)
{
    size_t columns;
    const enum model_state *states = model_states(table, &columns);
    for (size_t i = 0; i < columns; i++) {
        uint32_t missing = 0;
        uint32_t all = count_outcomes_of(table, states[i], NULL, &missing);
        printf("    %s%d [label=\"%s\\n%u of %u\"%s];\n", side, states[i], model_state_name(states[i]),
               all - missing, all, missing > 0 ? ", color=red, fillcolor=mistyrose" : "");
    }
    printf("    %s%d_again [label=\"%s\", style=\"rounded,dashed\"];\n", side, MODEL_DOES_NOT_EXIST,
           model_state_name(MODEL_DOES_NOT_EXIST));
}

/* A line of an arrow's label for each outcome of the function that leads there; how often they did. */
static uint64_t print_ways(enum model_function function, enum model_state state, enum model_state next,
                           const char **separator)
{
    const struct model_cell *cell = model_cell(function, state);
    uint64_t total = 0;
    for (size_t i = 0; i < model_outcome_count(cell); i++) {
        uint64_t number = hits[function][state][i];
        int32_t result = model_result(&cell->outcomes[i], MODEL_DEFAULTS);
        char name[MODEL_RESULT_TEXT];
        if (next_of(&cell->outcomes[i], state) == next) {
            printf("%s%s%s%s%s ", *separator, number == 0 ? "<font color=\"red\">" : "",
                   model_function_name(function), result != 0 ? " " : "",
                   result != 0 ? model_outcome_name(function, result, name) : "");
            printf(number == 0 ? "never</font>" : "%llu", (unsigned long long)number);
            *separator = "<br/>";
            total += number;
        }
    }
    return total;
}

/* One arrow from a state to another one, for all that leads there. */
static void print_arrow(enum model_table table, const char *side, enum model_state state,
                        enum model_state next)
{
    const char *separator = "";
    uint64_t total = 0;
    printf("    %s%d -> %s%d%s [label=<", side, state, side, next, node_of(next));
    for (int function = 0; function < MODEL_FUNCTION_COUNT; function++) {
        if (model_function_table((enum model_function)function) == table) {
            total += print_ways((enum model_function)function, state, next, &separator);
        }
    }
    /* Ten times as often: as much thicker again. */
    printf(">, penwidth=%.1f%s];\n", 1 + log10(1 + (double)total),
           total == 0 ? ", style=dashed, color=red" : "");
}

static bool leads_to(enum model_table table, enum model_state state, enum model_state next)
{
    for (int function = 0; function < MODEL_FUNCTION_COUNT; function++) {
        const struct model_cell *cell = model_cell((enum model_function)function, state);
        size_t outcomes =
            model_function_table((enum model_function)function) == table ? model_outcome_count(cell) : 0;
        for (size_t i = 0; i < outcomes; i++) {
            if (next_of(&cell->outcomes[i], state) == next) {
                return true;
            }
        }
    }
    return false;
}

static void print_side(enum model_table table, const char *side)
{
    size_t columns;
    const enum model_state *states = model_states(table, &columns);
    printf("  subgraph cluster_%s {\n    label=\"%s\";\n", side, side);
    print_nodes(table, side);
    for (size_t at = 0; at < columns * columns; at++) {
        enum model_state state = states[at / columns];
        enum model_state next = states[at % columns];
        if (state != next && leads_to(table, state, next)) {
            print_arrow(table, side, state, next);
        }
    }
    printf("  }\n");
}

static void print_graph(void)
{
    printf(
        "digraph states {\n  rankdir=LR; fontname=Helvetica; labelloc=t; nodesep=0.3;\n"
        "  label=\"Where %u scenarios went. In a state: how many of the outcomes of calls in it were seen; "
        "at an arrow: how often. Red: not all, or never.\";\n"
        "  node [shape=box, style=\"rounded,filled\", fillcolor=aliceblue, fontname=Helvetica];\n"
        "  edge [color=steelblue, fontname=Helvetica, fontsize=11];\n",
        scenarios);
    print_side(MODEL_CLIENT, "client");
    print_side(MODEL_SERVER, "server");
    printf("}\n");
}

int main(int argc, char **argv)
{
    char path[PATH_BYTES];
    struct play_host host = play_in_simulation;
    int status = 0;
    bool dot = argc == 2 && strcmp(argv[1], "--dot") == 0;
    host.transition = count;
    host.line = note_line;
    host.world = count_world;
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
        print_graph();
    } else {
        print_tables();
    }
    return status;
}
