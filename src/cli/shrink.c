/* shrink.c - see shrink.h. */
#include "shrink.h"

#include <assert.h>
#include <string.h>

#include "runstate.h"

enum {
    PLAN_TEXT_MAX = PROFILE_TEXT_MAX + PLAN_FAULTS_MAX * (FAULT_TEXT_MAX + 8) +
                    PLAN_DATABASES_MAX * (PLAN_NAME_MAX + PLAN_PATH_MAX + 32) + 512
};

/* ---- steps: each changes a copy of the plan in its `which`-th way; false: there is no such way ---- */

/* One that changes nothing or gives what is no plan is passed over by who calls it; none makes a plan larger. */
typedef bool plan_step(struct plan *plan, uint32_t which);
typedef bool fault_step(struct fault *fault, uint32_t which);

static void cut_faults(struct plan *plan, uint32_t first, uint32_t count)
{
    memmove(plan->faults + first, plan->faults + first + count,
            (plan->fault_count - first - count) * sizeof plan->faults[0]);
    plan->fault_count -= count;
    if (plan->fault_count > 0 && plan->faults[0].site.nth == FAULT_NTH_NEXT) {
        plan->faults[0].site.nth = 1; /* there is none before it any more */
    }
}

/* Halves, then quarters, ... then each: of many faults most go at once. */
static bool drop_faults(struct plan *plan, uint32_t which)
{
    for (uint32_t chunk = plan->fault_count > 1 ? plan->fault_count / 2 : 1; chunk > 0; chunk /= 2) {
        uint32_t chunks = (plan->fault_count + chunk - 1) / chunk;
        if (which < chunks) {
            uint32_t first = which * chunk;
            uint32_t left = plan->fault_count - first;
            cut_faults(plan, first, left < chunk ? left : chunk);
            return true;
        }
        which -= chunks;
    }
    return false;
}

/* The first arrivals one by one; of later ones the middle and the one before. */
static bool move_earlier(struct fault *fault, uint32_t which)
{
    enum {
        ONE_BY_ONE = 8
    };
    int32_t nth = fault->site.nth;
    int32_t first = nth - 1 < ONE_BY_ONE ? nth - 1 : ONE_BY_ONE;
    if (nth <= 1) {
        return false;
    }
    if (which < (uint32_t)first) {
        fault->site.nth = (int32_t)which + 1;
        return true;
    }
    which -= (uint32_t)first;
    fault->site.nth = which == 0 ? nth / 2 : which == 1 ? nth - nth / 4 : nth - 1;
    return nth > ONE_BY_ONE + 1 && which < 3 && fault->site.nth < nth;
}

static bool make_once(struct fault *fault, uint32_t which)
{
    fault->site.and_later = false;
    return which == 0;
}

static bool take_first_operation(struct fault *fault, uint32_t which)
{
    fault->site.operation = 0;
    return which == 0;
}

static bool take_any_device(struct fault *fault, uint32_t which)
{
    if (which == 1 && fault->site.device == FAULT_DEVICE_ANY) {
        return false;
    }
    fault->site.device = which == 0 ? FAULT_DEVICE_ANY : 0;
    return which < 2;
}

static bool take_usual_argument(struct fault *fault, uint32_t which)
{
    const struct fault_arg_info *arg = &fault_table[fault->kind].args[which];
    if (which >= FAULT_ARGS_MAX || arg->type == 0) {
        return false;
    }
    fault->arg[arg->arg] = arg->fallback;
    return true;
}

static bool drop_database(struct plan *plan, uint32_t which)
{
    if (which >= plan->database_count) {
        return false;
    }
    plan->database_count--;
    memmove(plan->databases + which, plan->databases + which + 1,
            (plan->database_count - which) * sizeof plan->databases[0]);
    return true;
}

static bool drop_setting(struct plan *plan, uint32_t which)
{
    enum plan_choice *const choices[] = {&plan->clear_error, &plan->late_buffers, &plan->complete,
                                         &plan->backed_up, &plan->probe};
    uint32_t count = sizeof choices / sizeof choices[0];
    if (which == count) {
        plan->seed = PLAN_DEFAULT_SEED;
        return true;
    }
    if (which == count + 1) {
        plan->profile = (struct profile){0};
        return true;
    }
    if (which < count) {
        *choices[which] = PLAN_UNSET;
        return true;
    }
    return false;
}

/* The smallest has but a few transfers. */
static bool make_smaller(struct plan *plan, uint32_t which)
{
    static const uint64_t sizes[] = {64 << 10, 256 << 10, 1 << 20};
    uint64_t size = which < sizeof sizes / sizeof sizes[0] ? sizes[which] : plan->size / 2;
    if (plan->size <= sizes[0] || which > sizeof sizes / sizeof sizes[0]) {
        return false;
    }
    plan->size = size < plan->size ? size : plan->size;
    return true;
}

static const struct step {
    plan_step *of_plan; /* one of the two */
    fault_step *of_fault;
    bool of_server; /* other than its size */
} steps[] = {
    {drop_faults, NULL, false},          {NULL, take_usual_argument, false}, {NULL, make_once, false},
    {NULL, take_first_operation, false}, {NULL, take_any_device, false},     {NULL, move_earlier, false},
    {drop_database, NULL, true},         {drop_setting, NULL, true},         {make_smaller, NULL, false},
};

/* ---- the search ---- */

struct search {
    struct shrink *shrink;
    struct plan *plan;
    uint64_t current;                        /* of the plan's text */
    uint64_t refused[SHRINK_CANDIDATES_MAX]; /* ... of candidates' that did not show it */
    uint32_t refused_count;
    bool stopped;
};

static uint64_t text_hash(const struct plan *plan, char text[PLAN_TEXT_MAX])
{
    int length = plan_format(plan, text, PLAN_TEXT_MAX);
    assert(length < PLAN_TEXT_MAX);
    (void)length;
    return run_name_hash(text);
}

/* What steps make of a plan may be none that there is. */
static bool can_be_read(const char *text)
{
    struct plan plan;
    struct fault_error error;
    uint32_t line;
    plan_init(&plan);
    return plan_parse(text, strlen(text), &plan, &error, &line) == 0;
}

static bool is_known(const struct search *search, uint64_t hash)
{
    for (uint32_t i = 0; i < search->refused_count; i++) {
        if (search->refused[i] == hash) {
            return true;
        }
    }
    return hash == search->current;
}

/* Whether the candidate takes the plan's place. */
static bool take(struct search *search, const struct plan *candidate)
{
    struct shrink *shrink = search->shrink;
    char text[PLAN_TEXT_MAX];
    uint64_t hash = text_hash(candidate, text);
    if (is_known(search, hash) || !can_be_read(text)) {
        return false;
    }
    search->stopped = shrink->candidates >= shrink->most || shrink->candidates >= SHRINK_CANDIDATES_MAX;
    if (search->stopped) {
        return false;
    }
    shrink->candidates++;
    enum shrink_answer answer = shrink->ask(shrink->context, candidate);
    search->stopped = answer == SHRINK_STOP;
    if (answer == SHRINK_SHOWN) {
        *search->plan = *candidate;
        search->current = hash;
        shrink->smaller = true;
    } else if (answer == SHRINK_NOT_SHOWN) {
        search->refused[search->refused_count++] = hash;
    }
    return answer == SHRINK_SHOWN;
}

/* The step in all its ways, begun anew after each that is taken. Whether one was. */
static bool walk(struct search *search, const struct step *step, uint32_t fault)
{
    bool taken = false;
    for (uint32_t which = 0; !search->stopped; which++) {
        struct plan candidate = *search->plan;
        bool is_one = step->of_plan != NULL ? step->of_plan(&candidate, which)
                                            : step->of_fault(&candidate.faults[fault], which);
        if (!is_one) {
            break;
        }
        if (take(search, &candidate)) {
            taken = true;
            which = UINT32_MAX; /* 0 next */
        }
    }
    return taken;
}

static bool walk_all(struct search *search)
{
    bool taken = false;
    for (size_t i = 0; i < sizeof steps / sizeof steps[0]; i++) {
        const struct step *step = &steps[i];
        uint32_t count = step->of_plan != NULL ? 1 : search->plan->fault_count;
        for (uint32_t fault = 0; fault < count && !(step->of_server && search->shrink->faults_and_size);
             fault++) {
            taken = walk(search, step, fault) || taken;
        }
    }
    return taken;
}

void shrink_plan(struct shrink *shrink, struct plan *plan)
{
    char text[PLAN_TEXT_MAX];
    struct search search = {.shrink = shrink, .plan = plan, .current = text_hash(plan, text)};
    shrink->candidates = 0;
    shrink->smaller = false;
    /* A step may open the way for one before it; only a round that takes none is the last. */
    while (walk_all(&search) && !search.stopped) {
    }
    shrink->minimal = !search.stopped;
}
