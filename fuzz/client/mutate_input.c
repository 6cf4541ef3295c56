/* mutate_input.c - from one plan to the next; see input.h. */
#include <string.h>

#include "event.h"
#include "input.h"
#include "random.h"

struct draft {
    struct input_header header;
    struct input_fault faults[INPUT_FAULTS_MAX];
    uint32_t count;
};

/* Text becomes records on its way. */
static bool read_draft(const uint8_t *bytes, size_t size, struct draft *draft)
{
    static struct plan plan;
    struct fault_error error;
    uint32_t line;
    uint8_t own[INPUT_MAX];
    memset(draft, 0, sizeof *draft);
    if (input_read(bytes, size, &plan, &error, &line) != 0) {
        return false;
    }
    size = input_write(&plan, own);
    memcpy(&draft->header, own, sizeof draft->header);
    draft->count = (uint32_t)((size - sizeof draft->header) / sizeof draft->faults[0]);
    memcpy(draft->faults, own + sizeof draft->header, size - sizeof draft->header);
    return true;
}

/* Where there is no room the last ones go: an engine begins with little of it. */
static size_t write_draft(const struct draft *draft, uint8_t *bytes, size_t most)
{
    size_t header = sizeof draft->header < most ? sizeof draft->header : most;
    size_t count = (most - header) / sizeof draft->faults[0];
    count = count < draft->count ? count : draft->count;
    memcpy(bytes, &draft->header, header);
    memcpy(bytes + header, draft->faults, count * sizeof draft->faults[0]);
    return header + count * sizeof draft->faults[0];
}

static uint32_t below(uint64_t *random, uint32_t limit)
{
    return (uint32_t)(random_next(random) % limit);
}

/* Sites near the beginning are reached; others mostly are not. */
static uint8_t some_nth(uint64_t *random)
{
    uint32_t most = below(random, 4) == 0 ? 40 : 6;
    return (uint8_t)(1 + below(random, most));
}

static int32_t some_value(uint64_t *random)
{
    static const int32_t values[] = {0,     1,       2,  3,   10,   1000, 29999, 30001,
                                     60000, 3600000, -1, 112, 1117, 995,  38,    13};
    bool any = below(random, 4) == 0;
    return any ? (int32_t)random_next(random) : values[below(random, sizeof values / sizeof values[0])];
}

static struct input_fault some_fault(uint64_t *random)
{
    struct input_fault fault = {
        .kind = (uint8_t)random_next(random),
        .site = (uint8_t)random_next(random),
        .nth = some_nth(random),
        .device = (uint8_t)(below(random, 4) == 0 ? below(random, 2 + INPUT_DEVICES) : 0),
        .operation = (uint8_t)(below(random, 8) == 0)};
    fault.how = (uint8_t)(below(random, 4) == 0 ? below(random, INPUT_HOW_COUNT) : INPUT_ONCE);
    for (uint32_t i = 0; i < FAULT_ARGS_MAX; i++) {
        fault.arg[i] = some_value(random);
    }
    return fault;
}

static void change_fault(struct input_fault *fault, uint64_t *random)
{
    struct input_fault other = some_fault(random);
    switch (below(random, 7)) {
    case 0:
        fault->kind = other.kind;
        break;
    case 1:
        fault->site = other.site;
        break;
    case 2:
        fault->nth = other.nth;
        break;
    case 3:
        fault->nth = (uint8_t)(fault->nth + (below(random, 2) == 0 ? 1 : -1));
        break;
    case 4:
        fault->how = (uint8_t)below(random, INPUT_HOW_COUNT);
        break;
    case 5:
        fault->device = other.device;
        fault->operation = other.operation;
        break;
    default:
        fault->arg[below(random, FAULT_ARGS_MAX)] = other.arg[0];
        break;
    }
}

static void insert(struct draft *draft, const struct input_fault *fault, uint64_t *random)
{
    if (draft->count < INPUT_FAULTS_MAX) {
        uint32_t at = below(random, draft->count + 1);
        memmove(&draft->faults[at + 1], &draft->faults[at], (draft->count - at) * sizeof *fault);
        draft->faults[at] = *fault;
        draft->count++;
    }
}

static void erase(struct draft *draft, uint32_t at)
{
    draft->count--;
    memmove(&draft->faults[at], &draft->faults[at + 1], (draft->count - at) * sizeof draft->faults[0]);
}

static void change_header(struct input_header *header, uint64_t *random)
{
    uint32_t what = below(random, 6);
    if (what == 0) {
        header->seed = (uint32_t)random_next(random);
    } else if (what == 1) {
        header->size = INPUT_SIZE_MIN << below(random, 7);
    } else {
        header->choices[what - 2] = (uint8_t)below(random, PLAN_NO + 1);
    }
}

static void mutate(struct draft *draft, uint64_t *random)
{
    struct input_fault fault = some_fault(random);
    uint32_t at = draft->count > 0 ? below(random, draft->count) : 0;
    uint32_t what = draft->count > 0 ? below(random, 10) : 0;
    if (what < 2) {
        insert(draft, &fault, random);
    } else if (what < 3) {
        fault = draft->faults[at];
        change_fault(&fault, random);
        insert(draft, &fault, random);
    } else if (what < 5) {
        erase(draft, at);
    } else if (what < 6) {
        uint32_t other = below(random, draft->count);
        fault = draft->faults[at];
        draft->faults[at] = draft->faults[other];
        draft->faults[other] = fault;
    } else if (what < 9) {
        change_fault(&draft->faults[at], random);
    } else {
        change_header(&draft->header, random);
    }
}

size_t input_mutate(uint8_t *bytes, size_t size, size_t most, uint32_t seed)
{
    static struct draft draft;
    uint64_t random = seed;
    if (!read_draft(bytes, size, &draft)) {
        memset(&draft, 0, sizeof draft);
    }
    uint32_t steps = 1 + below(&random, 3);
    for (uint32_t i = 0; i < steps; i++) {
        mutate(&draft, &random);
    }
    return write_draft(&draft, bytes, most);
}

size_t input_cross(const uint8_t *one, size_t one_size, const uint8_t *other, size_t other_size,
                   uint8_t *bytes, size_t most, uint32_t seed)
{
    static struct draft first, second;
    uint64_t random = seed;
    if (!read_draft(one, one_size, &first) || !read_draft(other, other_size, &second)) {
        return 0;
    }
    uint32_t keep = below(&random, first.count + 1), from = below(&random, second.count + 1);
    first.count = keep;
    for (uint32_t i = from; i < second.count && first.count < INPUT_FAULTS_MAX; i++) {
        first.faults[first.count++] = second.faults[i];
    }
    return write_draft(&first, bytes, most);
}
