/* Random walks: calls of both sides in any order, made on the core and on the reference model, which must
 * allow each result. The walks are the same at every run; WALK_SEED and WALK_COUNT in the environment make
 * others. */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "walk.h"

enum {
    WALKS = 400
};

/* --- walking --- */

static void tell(const struct walk *walk)
{
    char text[MODEL_RESULT_TEXT];
    for (uint32_t i = 0; i < walk->length; i++) {
        const struct model_call *call = &walk->history[i];
        print_error("  %s %s device %u code %d order %u (%s): %s\n",
                    model_function_table(call->function) == MODEL_CLIENT ? "client" : "server",
                    model_function_name(call->function), call->device, call->code, call->order,
                    model_situation_text(call->argument), model_result_name(walk->results[i], text));
    }
}

static size_t draw_row(struct walk *walk)
{
    uint32_t total = 0;
    for (size_t i = 0; i < walk_row_count; i++) {
        total += walk_rows[i].weight;
    }
    uint32_t left = walk_draw(walk, total);
    size_t row = 0;
    while (left >= walk_rows[row].weight) {
        left -= walk_rows[row++].weight;
    }
    return row;
}

/* The agent's round: what the model takes as done, the server has called back for, and the other way round.
 */
static void deliver(struct walk *walk)
{
    enum server_set_state state;
    if (walk->model.server != MODEL_DOES_NOT_EXIST) {
        server_set_run_completions(walk->server, &state);
        model_set_deliver(&walk->model);
    }
}

/* How often each cell was called. */
static uint64_t visits[MODEL_FUNCTION_COUNT][MODEL_STATE_COUNT];

/* A model that allowed everything would prove nothing: how many results it allows for a call. */
static uint32_t count_allowed(const struct walk *walk, const struct model_call *call)
{
    static const int32_t results[] = {
        0,           1,         MODEL_VOID,      VD_E_IO_ERROR, VD_E_TIMEOUT, VD_E_ABORT, VD_E_INVALID,
        VD_E_MEMORY, VD_E_OPEN, VD_E_QUEUE_FULL, VD_E_PROTOCOL, VD_E_CLOSE,   VD_E_BUSY,  VD_E_NOTSUPPORTED,
        VD_E_NOTOPEN};
    uint32_t count = 0;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        count += model_set_allows(&walk->model, call, results[i]);
    }
    return count;
}

/* False: the model does not allow what the core did. */
static bool step(struct walk *walk, size_t row, uint32_t device)
{
    struct model_call call = {
        .function = walk_rows[row].function, .device = device, .argument = MODEL_ALWAYS};
    if ((walk_rows[row].device == WALK_OF_CLIENT && walk->client_devices[call.device] == NULL) ||
        (walk_rows[row].device == WALK_OF_SERVER && walk->server_devices[call.device] == NULL)) {
        return true;
    }
    int32_t result = walk_rows[row].make(walk, &call);
    visits[call.function][model_set_state(&walk->model, model_function_table(call.function))]++;
    assert_in_range(count_allowed(walk, &call), 1,
                    3); /* room for buffers, and whether the peer's end was seen */
    bool allowed = model_step(&walk->model, &call, result);
    walk->history[walk->length] = call;
    walk->results[walk->length++] = result;
    if (walk_draw(walk, 3) == 0) {
        deliver(walk);
    }
    return allowed;
}

/* The client's Close is the end; the same objects could begin another life, which is another walk's. */
static bool is_over(const struct walk *walk)
{
    for (uint32_t i = 0; i < walk->length; i++) {
        if (walk->results[i] != VD_E_PROTOCOL && walk->history[i].function == MODEL_CLIENT_Close) {
            return true;
        }
    }
    return false;
}

/* The way from the beginning to the end, so that walks begin everywhere on it. */
static const enum model_function way[] = {
    MODEL_CLIENT_Create,
    MODEL_SERVER_Open,
    MODEL_SERVER_BeginConfiguration,
    MODEL_SERVER_RequestBuffers,
    MODEL_SERVER_EndConfiguration,
    MODEL_CLIENT_GetConfiguration,
    MODEL_CLIENT_OpenDevice,
    MODEL_SERVER_OpenDevice,
    MODEL_SERVER_CloseDevice,
    MODEL_CLIENT_GetCommand,
};
enum {
    WAY_LENGTH = sizeof way / sizeof way[0]
};

static size_t row_of(enum model_function function)
{
    size_t row = 0;
    while (walk_rows[row].function != function) {
        row++;
    }
    return row;
}

static uint32_t walk_once(uint64_t seed, uint32_t dialects)
{
    struct walk *walk = calloc(1, sizeof *walk);
    assert_non_null(walk);
    walk->random = seed;
    walk->client = client_set_new();
    walk->server = server_set_new();
    model_set_init(&walk->model, WALK_DEVICES, dialects);
    uint32_t led = WALK_DEVICES * walk_draw(walk, WAY_LENGTH + 1); /* each once for each device */
    for (uint32_t i = 0; walk->length < WALK_STEPS && !is_over(walk); i++) {
        bool on_the_way = i < led;
        if (!step(walk, on_the_way ? row_of(way[i / WALK_DEVICES]) : draw_row(walk),
                  on_the_way ? i % WALK_DEVICES : walk_draw(walk, WALK_DEVICES))) {
            tell(walk);
            fail_msg("walk %llu: the model does not allow the last result", (unsigned long long)seed);
        }
    }
    server_set_free(walk->server);
    client_set_free(walk->client);
    uint32_t length = walk->length;
    free(walk);
    return length;
}

static uint64_t number(const char *name, uint64_t fallback)
{
    const char *text = getenv(name);
    return text != NULL ? strtoull(text, NULL, 0) : fallback;
}

static void walk_all(uint32_t dialects)
{
    uint64_t first = number("WALK_SEED", 1);
    uint64_t walks = number("WALK_COUNT", WALKS);
    uint64_t calls = 0;
    for (uint64_t i = 0; i < walks; i++) {
        calls += walk_once(first + i, dialects);
    }
    print_message("%llu walks, %llu calls\n", (unsigned long long)walks, (unsigned long long)calls);
    assert_true(calls > walks * 10);
}

/* Walks that never come to a cell prove nothing about it: all are visited but those that need a device object
 * before there is one, and what a server cannot do once its client has ended the walk. */
static void test_walks_come_everywhere(void **unused)
{
    (void)unused;
    for (size_t i = 0; i < walk_row_count; i++) {
        size_t columns;
        const enum model_state *states = model_states(model_function_table(walk_rows[i].function), &columns);
        for (size_t j = 0; j < columns; j++) {
            if (visits[walk_rows[i].function][states[j]] == 0 &&
                (walk_rows[i].device == WALK_NONE || states[j] >= MODEL_ACTIVE)) {
                fail_msg("no walk came to %s in %s", model_function_name(walk_rows[i].function),
                         model_state_name(states[j]));
            }
        }
    }
}

static int name_the_space(void **unused)
{
    (void)unused;
    char space[32];
    snprintf(space, sizeof space, "modeltest-%d", (int)getpid());
    return setenv("VDI_NAMESPACE", space, 1);
}

static void test_walks(void **unused)
{
    (void)unused;
    walk_all(MODEL_DEFAULTS);
}

static void test_walks_in_each_dialect(void **unused)
{
    (void)unused;
    for (enum model_dialect dialect = MODEL_NO_DIALECT + 1; dialect < MODEL_DIALECT_UNOFFERED; dialect++) {
        setenv("VDI_DIALECT", model_dialect_word(dialect), 1);
        walk_all(1u << dialect);
    }
    unsetenv("VDI_DIALECT");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_walks),
        cmocka_unit_test(test_walks_come_everywhere),
        cmocka_unit_test(test_walks_in_each_dialect),
    };
    return cmocka_run_group_tests(tests, name_the_space, NULL);
}
