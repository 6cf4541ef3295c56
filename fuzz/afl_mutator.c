/* afl_mutator.c - the mutator as AFL++ loads it: AFL_CUSTOM_MUTATOR_LIBRARY=libvdifault_afl_mutator.so, best with
 * AFL_CUSTOM_MUTATOR_ONLY=1, because bytes changed one by one seldom make a scenario that leads anywhere.
 *
 * Written against AFL++'s documented interface, without its headers: the first argument of afl_custom_init, the fuzzer's
 * own state, is not looked at. VDIFAULT_MUTATE says what else than calls may be put in: a list of "world", "writes" and
 * "schedule" by commas; without it, all of them.
 */
#include <stdlib.h>
#include <string.h>

#include "mutate.h"

#define EXPORTED __attribute__((visibility("default")))

EXPORTED void *afl_custom_init(void *afl, unsigned int seed);
EXPORTED size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf,
                                uint8_t *add_buf, size_t add_buf_size, size_t max_size);
/* Inputs are trimmed line by line: bytes cut out anywhere would make other calls of those behind them. */
EXPORTED int32_t afl_custom_init_trim(void *data, uint8_t *buf, size_t buf_size);
EXPORTED size_t afl_custom_trim(void *data, uint8_t **out_buf);
EXPORTED int32_t afl_custom_post_trim(void *data, unsigned char success);
EXPORTED void afl_custom_deinit(void *data);

enum {
    CROSSES = 4 /* one time in so many two inputs make one, if there are two */
};

struct afl_mutator {
    uint64_t seed; /* of the next one */
    uint32_t scope;
    struct scenario trimmed; /* what is left of the input being trimmed */
    uint32_t lines;          /* of it that were not yet tried to do without: the first so many */
    uint32_t steps, step;
    uint8_t out[SCENARIO_BYTES_MAX];
};

static uint32_t scope_of(const char *list)
{
    static const struct {
        const char *word;
        uint32_t scope;
    } words[] = {{"world", MUTATE_WORLD}, {"writes", MUTATE_WRITES}, {"schedule", MUTATE_SCHEDULE}};
    uint32_t scope = 0;
    while (list != NULL && *list != '\0') {
        size_t length = strcspn(list, ",");
        for (size_t i = 0; i < sizeof words / sizeof words[0]; i++) {
            bool is = strlen(words[i].word) == length && memcmp(words[i].word, list, length) == 0;
            scope |= is ? words[i].scope : 0;
        }
        list += length + (list[length] == ',');
    }
    return list == NULL ? MUTATE_ALL : scope;
}

void *afl_custom_init(void *afl, unsigned int seed)
{
    struct afl_mutator *mutator = calloc(1, sizeof *mutator);
    (void)afl;
    if (mutator != NULL) {
        mutator->seed = (uint64_t)seed << 32;
        mutator->scope = scope_of(getenv("VDIFAULT_MUTATE"));
    }
    return mutator;
}

size_t afl_custom_fuzz(void *data, uint8_t *buf, size_t buf_size, uint8_t **out_buf, uint8_t *add_buf,
                       size_t add_buf_size, size_t max_size)
{
    struct afl_mutator *mutator = data;
    size_t most = max_size < sizeof mutator->out ? max_size : sizeof mutator->out;
    uint64_t seed = mutator->seed++;
    *out_buf = mutator->out;
    if (add_buf != NULL && add_buf_size != 0 && seed % CROSSES == 0) {
        return scenario_cross_bytes(buf, buf_size, add_buf, add_buf_size, mutator->out, most, seed,
                                    mutator->scope);
    }
    size_t length = buf_size < most ? buf_size : most;
    memcpy(mutator->out, buf, length);
    return scenario_mutate_bytes(mutator->out, length, most, seed, mutator->scope);
}

int32_t afl_custom_init_trim(void *data, uint8_t *buf, size_t buf_size)
{
    struct afl_mutator *mutator = data;
    struct fault_error error;
    uint32_t line = 0;
    if (scenario_read(buf, buf_size, &mutator->trimmed, NULL, &error, &line) != 0) {
        return 0; /* no scenario: nothing to trim by */
    }
    mutator->lines = mutator->steps = mutator->trimmed.line_count;
    mutator->step = 0;
    return (int32_t)mutator->steps;
}

static void without_line(const struct scenario *from, uint32_t at, struct scenario *to)
{
    *to = *from;
    memmove(&to->lines[at], &to->lines[at + 1], (to->line_count - at - 1) * sizeof to->lines[0]);
    to->line_count--;
}

/* Without the last of the lines not yet tried: what comes late rests on what comes early. */
size_t afl_custom_trim(void *data, uint8_t **out_buf)
{
    struct afl_mutator *mutator = data;
    struct scenario shorter;
    without_line(&mutator->trimmed, mutator->lines - 1, &shorter);
    *out_buf = mutator->out;
    return scenario_encode(&shorter, mutator->out, sizeof mutator->out);
}

int32_t afl_custom_post_trim(void *data, unsigned char success)
{
    struct afl_mutator *mutator = data;
    mutator->lines--;
    if (success != 0) {
        struct scenario longer = mutator->trimmed;
        without_line(&longer, mutator->lines, &mutator->trimmed);
    }
    return (int32_t)++mutator->step;
}

void afl_custom_deinit(void *data)
{
    free(data);
}
