/* sweep_plan.c - see sweep_plan.h. */
#include "sweep_plan.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "codes.h"
#include "dialect.h"
#include "random.h"
#include "vdi.h"

/* A run that may be made, before it has a place. */
struct candidate {
    struct fault fault;
    uint32_t tier;  /* how fine it is: 0 for a site's first arrival with the kind's first arguments */
    size_t made_at; /* keeps the order of sites */
    uint32_t turn;  /* its place among those of its kind */
};

enum {
    LONG_MS = 20000,     /* of a run of 60 s by default, most of which may be waited for in full */
    UNSTEADY_SAMPLES = 4 /* of a site whose stacks are not told apart: more, so that each has its chance */
};

_Static_assert(FAULT_KIND_COUNT <= 64, "a bit per kind");

struct candidates {
    struct candidate *list;
    size_t count;
    const struct sweep_choice *choice;
    const struct fault *first; /* NULL: of one fault; else of pairs that begin with this one */
};

/* ---- what can be tried where ---- */

/* The call that the fault is to hit came, and carried enough. */
static bool is_reached(const struct fault *fault, const struct sweep_arrival *arrival)
{
    int32_t nth = fault->arg[FAULT_ARG_NTH];
    uint64_t before = (uint64_t)fault->arg[FAULT_ARG_BYTES] + (nth > 0 ? (uint64_t)nth - 1 : 0);
    uint32_t reach = fault_table[fault->kind].reach;
    return reach == REACH_NOTHING || before < arrival->reach[reach];
}

/* It takes a set that nobody has given up. */
static bool needs_set(enum fault_kind kind)
{
    const struct fault_info *info = &fault_table[kind];
    return kind != FAULT_DELAY && info->reach == REACH_NOTHING && (info->effects & FAULT_KILLS_PROCESS) == 0;
}

/* ... and a server that acts. */
static bool needs_server(enum fault_kind kind)
{
    const struct fault_info *info = &fault_table[kind];
    return info->place == FAULT_IN_SERVER || (info->effects & (FAULT_ABORTS_SET | FAULT_STALLS_SERVER)) != 0;
}

/* It takes its time again and again: a run that does little else shows nothing that one with less of it does not, and
 * comes to the end of --timeout. */
static bool lasts_too_long(const struct fault *fault, const struct sweep_site *site)
{
    int64_t times = (int64_t)site->arrivals - (fault->site.nth > 0 ? fault->site.nth : 1) + 1;
    return fault->site.and_later && times * fault->arg[FAULT_ARG_MS] > LONG_MS;
}

/* What the clean run shows beyond what the catalogue can know. */
static bool can_happen(const struct fault *fault, const struct sweep_site *site,
                       const struct sweep_arrival *arrival, const struct sweep_choice *choice)
{
    const struct fault_info *info = &fault_table[fault->kind];
    if ((info->features != 0 && (info->features & site->features) == 0) || site->devices < info->devices ||
        (site->met & info->without) != 0 || ((info->effects & FAULT_MEETS_CLOSE) != 0 && !site->sees_close) ||
        !is_reached(fault, arrival) || lasts_too_long(fault, site)) {
        return false;
    }
    bool of_server =
        fault->kind == FAULT_ABORT ? fault->arg[FAULT_ARG_BY] == FAULT_BY_SERVER : needs_server(fault->kind);
    if ((arrival->given_up && needs_set(fault->kind)) || (arrival->ends && of_server)) {
        return false;
    }
    switch (fault->kind) {
    case FAULT_EARLY_CLOSE:
        return arrival->open_devices > 0;
    case FAULT_TIMEOUT:
        return arrival->limited;
    case FAULT_STALE_CONFIG: /* a success that is none: not where nothing ever came */
        return !arrival->poll;
    case FAULT_SECONDARY_CRASH:
        return arrival->secondary;
    case FAULT_IO_ERROR:
        return !arrival->io_error;
    case FAULT_ABORT:
        return arrival->open_devices > 0 && (choice->guard || fault->arg[FAULT_ARG_AT] != FAULT_AT_TOUCH);
    case FAULT_UNKNOWN_COMMAND: /* nobody sends a client a command of its own model as an unknown one */
        return (site->features & command_features(fault->arg[FAULT_ARG_CODE])) == 0;
    default:
        return true;
    }
}

static int add(struct candidates *candidates, const struct fault *fault, uint32_t tier)
{
    struct candidate *list = candidates->list;
    if ((candidates->count & (candidates->count - 1)) == 0) {
        size_t room = candidates->count > 0 ? candidates->count * 2 : 1;
        list = realloc(list, room * sizeof *list);
        if (list == NULL) {
            return ENOMEM;
        }
        candidates->list = list;
    }
    list[candidates->count] = (struct candidate){.fault = *fault, .tier = tier, .made_at = candidates->count};
    candidates->count++;
    return 0;
}

/* A kind with some of its arguments: an entry of its row's `sweep`. */
struct pattern {
    enum fault_kind kind;
    char arguments[FAULT_TEXT_MAX]; /* "(by=client)" or "" */
    uint32_t variant;               /* which entry */
};

/* False: not legal there. */
static bool place(const struct pattern *pattern, const struct fault_site *site, struct fault *fault)
{
    char where[FAULT_TEXT_MAX];
    char text[2 * FAULT_TEXT_MAX];
    struct fault_error error;
    sweep_site_text(site, where, sizeof where);
    snprintf(text, sizeof text, "%s%s@%s", fault_table[pattern->kind].name, pattern->arguments, where);
    return fault_parse(text, fault, &error) == 0;
}

static struct fault_site place_of(const struct sweep_site *site, int32_t nth)
{
    return (struct fault_site){
        .function = site->function,
        .command = site->command,
        .nth = nth,
        .device = site->device >= 0 ? site->device : FAULT_DEVICE_ANY,
        .operation = site->operation,
    };
}

/* One pattern at one arrival: once, and from there on. */
static int add_at(struct candidates *candidates, const struct pattern *pattern, const struct sweep_site *site,
                  const struct sweep_arrival *arrival, int32_t nth, uint32_t tier, bool also_later)
{
    struct fault_site where = place_of(site, nth);
    struct fault fault;
    int error = 0;
    if (place(pattern, &where, &fault) && can_happen(&fault, site, arrival, candidates->choice)) {
        error = add(candidates, &fault, tier);
    }
    where.and_later = true;
    if (error == 0 && also_later && !fault_table[pattern->kind].once && place(pattern, &where, &fault) &&
        can_happen(&fault, site, arrival, candidates->choice)) {
        error = add(candidates, &fault, tier + 1);
    }
    return error;
}

/* Of `all` arrivals of a stack, those tried: the first, the last and others evenly between. Which of them the arrival
 * with so many before it is, or -1. */
static int64_t sample_of(uint32_t before, uint32_t all, uint32_t per_stack)
{
    if (per_stack >= all) {
        return before;
    }
    for (uint32_t i = 0; i < per_stack; i++) {
        uint64_t tried = per_stack == 1 ? 0 : (uint64_t)i * (all - 1) / (per_stack - 1);
        if (tried == before) {
            return i;
        }
    }
    return -1;
}

static int add_arrival(struct candidates *candidates, const struct pattern *pattern,
                       const struct sweep_site *site, size_t at)
{
    const struct sweep_arrival *arrival = &site->list[at];
    uint32_t per_stack = candidates->choice->per_stack;
    struct fault_site first = place_of(site, (int32_t)site->list[arrival->first].nth);
    struct fault fault;
    /* What the catalogue refuses at the first, as with nothing to lose yet, is tried at the next instead. */
    uint32_t refused = place(pattern, &first, &fault) ? 0 : 1;
    int error = 0;
    if (site->unsteady && per_stack < UNSTEADY_SAMPLES) {
        per_stack = UNSTEADY_SAMPLES;
    }
    for (uint32_t i = 0; i < arrival->count && error == 0; i++) {
        uint32_t before = arrival->before + i;
        int64_t sample =
            before < refused ? -1 : sample_of(before - refused, arrival->of_stack - refused, per_stack);
        bool last = arrival->nth + i == site->arrivals;
        if (sample < 0 && !last && !(arrival->always && i == 0)) {
            continue;
        }
        uint32_t finer = sample < 0 ? per_stack : (uint32_t)sample;
        error = add_at(candidates, pattern, site, arrival, (int32_t)(arrival->nth + i),
                       pattern->variant + finer, sample == 0);
    }
    return error;
}

/* Not where other threads happen to be by then, nor what the first one was already. */
static bool can_follow(const struct fault *first, enum fault_kind kind, const struct sweep_site *site)
{
    if (site->operation != first->site.operation) {
        return true;
    }
    bool known = site->device < 0 || site->device == first->site.device;
    bool same_close = (fault_table[kind].effects & fault_table[first->kind].effects & FAULT_MEETS_CLOSE) != 0;
    uint32_t ends = fault_table[first->kind].effects; /* when the client notices is a matter of time */
    if (((ends & FAULT_ABORTS_SET) != 0 && needs_set(kind)) ||
        ((ends & FAULT_STALLS_SERVER) != 0 && needs_server(kind))) {
        return false;
    }
    return known && !same_close && (kind != first->kind || !fault_table[kind].once);
}

/* As a second fault at the next arrival after the first one: how many came before, as by polling, is a matter of time.
 * The server is ahead of the client: its own faults are at the last command, which it sends in any case. */
static int add_second(struct candidates *candidates, const struct pattern *pattern,
                      const struct sweep_site *site)
{
    const struct fault_info *info = &fault_table[pattern->kind];
    bool by_server = info->place == FAULT_IN_SERVER && site->command != 0;
    bool meets_close = (info->effects & FAULT_MEETS_CLOSE) != 0;
    if (!can_follow(candidates->first, pattern->kind, site)) {
        return 0;
    }
    const struct sweep_arrival *arrival = by_server ? &site->list[site->count - 1] : &site->list[0];
    int32_t nth = by_server ? (int32_t)site->arrivals : meets_close ? 1 : FAULT_NTH_NEXT;
    return add_at(candidates, pattern, site, arrival, nth, pattern->variant, !by_server);
}

/* A kind that is at no site but at every call. */
static int add_everywhere(struct candidates *candidates, const struct pattern *pattern)
{
    char text[2 * FAULT_TEXT_MAX];
    struct fault fault;
    struct fault_error error;
    snprintf(text, sizeof text, "%s%s", fault_table[pattern->kind].name, pattern->arguments);
    return fault_parse(text, &fault, &error) == 0 ? add(candidates, &fault, pattern->variant) : 0;
}

static int add_pattern(struct candidates *candidates, const struct pattern *pattern,
                       const struct sweep_sites *sites)
{
    const struct fault_info *info = &fault_table[pattern->kind];
    int error = 0;
    if (info->everywhere) { /* it cannot be second: it is there from the start */
        return candidates->first == NULL ? add_everywhere(candidates, pattern) : 0;
    }
    for (size_t s = 0; s < sites->count && error == 0; s++) {
        const struct sweep_site *site = &sites->list[s];
        bool legal = site->function != 0 ? (info->functions >> site->function) & 1
                                         : (info->commands >> site->command) & 1;
        if (legal && candidates->first != NULL && site->count > 0) {
            error = add_second(candidates, pattern, site);
            continue;
        }
        for (size_t i = 0; legal && i < site->count && error == 0; i++) {
            error = add_arrival(candidates, pattern, site, i);
        }
    }
    return error;
}

/* The arguments of the row, each in turn. */
static int add_kind(struct candidates *candidates, enum fault_kind kind, const struct sweep_sites *sites)
{
    const struct fault_info *info = &fault_table[kind];
    struct pattern pattern = {.kind = kind};
    int error = 0;
    bool chosen = candidates->choice->kinds == 0 || (candidates->choice->kinds >> kind & 1) != 0;
    if (!chosen || info->sweep == NULL ||
        (info->class == FAULT_CLASS_HOSTILE && !candidates->choice->hostile)) {
        return 0;
    }
    for (const char *at = info->sweep; *at != '\0' && error == 0; pattern.variant++) {
        int length = (int)strcspn(at, " ");
        snprintf(pattern.arguments, sizeof pattern.arguments, "%.*s", length == 2 ? 0 : length, at);
        error = add_pattern(candidates, &pattern, sites);
        at += length;
        at += strspn(at, " ");
    }
    return error;
}

/* ---- order ---- */

static int by_kind(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    if (a->fault.kind != b->fault.kind) {
        return a->fault.kind < b->fault.kind ? -1 : 1;
    }
    if (a->tier != b->tier) {
        return a->tier < b->tier ? -1 : 1;
    }
    return a->made_at < b->made_at ? -1 : a->made_at > b->made_at;
}

static int by_turn(const void *left, const void *right)
{
    const struct candidate *a = left, *b = right;
    uint32_t weight_a = fault_table[a->fault.kind].weight, weight_b = fault_table[b->fault.kind].weight;
    if (a->turn != b->turn) {
        return a->turn < b->turn ? -1 : 1;
    }
    if (weight_a != weight_b) {
        return weight_a > weight_b ? -1 : 1;
    }
    return by_kind(left, right);
}

static void settle_order(struct candidates *candidates)
{
    if (candidates->count == 0) {
        return;
    }
    struct candidate *list = candidates->list;
    qsort(list, candidates->count, sizeof *list, by_kind);
    for (size_t i = 0; i < candidates->count; i++) {
        list[i].turn = i > 0 && list[i].fault.kind == list[i - 1].fault.kind ? list[i - 1].turn + 1 : 0;
    }
    qsort(list, candidates->count, sizeof *list, by_turn);
}

static int find_candidates(struct candidates *candidates, const struct sweep_sites *sites)
{
    int error = 0;
    for (int kind = 0; kind < FAULT_KIND_COUNT && error == 0; kind++) {
        error = add_kind(candidates, (enum fault_kind)kind, sites);
    }
    settle_order(candidates);
    return error;
}

/* ---- the plan ---- */

static int make_room(struct sweep_plan *plan, size_t more)
{
    struct sweep_run *runs = realloc(plan->runs, (plan->count + more + 1) * sizeof *runs);
    if (runs == NULL) {
        return ENOMEM;
    }
    plan->runs = runs;
    return 0;
}

int sweep_plan_add(struct sweep_plan *plan, const struct sweep_sites *sites,
                   const struct sweep_choice *choice, int32_t dialect)
{
    struct candidates candidates = {.choice = choice};
    int error = find_candidates(&candidates, sites);
    if (error == 0) {
        error = make_room(plan, candidates.count);
    }
    for (size_t i = 0; i < candidates.count && error == 0; i++) {
        plan->runs[plan->count] = (struct sweep_run){.id = (uint32_t)plan->count,
                                                     .fault_count = 1,
                                                     .faults = {candidates.list[i].fault},
                                                     .dialect = dialect};
        plan->count++;
    }
    free(candidates.list);
    return error;
}

int sweep_plan_add_dialect(struct sweep_plan *plan, int32_t dialect)
{
    int error = make_room(plan, 1);
    if (error == 0) {
        plan->runs[plan->count] = (struct sweep_run){.id = (uint32_t)plan->count, .dialect = dialect};
        plan->count++;
    }
    return error;
}

void sweep_plan_free(struct sweep_plan *plan)
{
    free(plan->runs);
    *plan = (struct sweep_plan){0};
}

int sweep_plan_add_pairs(struct sweep_plan *pairs, const struct sweep_run *first,
                         const struct sweep_sites *later, const struct sweep_choice *choice, uint32_t singles,
                         uint32_t end)
{
    struct candidates candidates = {.choice = choice, .first = &first->faults[0]};
    assert(first->fault_count == 1 && first->id < singles);
    int error = find_candidates(&candidates, later);
    if (error == 0) {
        error = make_room(pairs, candidates.count);
    }
    uint64_t id = first->id;
    for (size_t i = 0; i < candidates.count && error == 0; i++) {
        id += singles;
        if (id >= end) {
            break;
        }
        struct sweep_run *run = &pairs->runs[pairs->count++];
        *run = *first;
        run->id = (uint32_t)id;
        run->faults[run->fault_count++] = candidates.list[i].fault;
    }
    free(candidates.list);
    return error;
}

bool sweep_shard_has(const struct sweep_shard *shard, uint32_t id)
{
    return shard->count == 0 || id % shard->count == shard->index - 1;
}

void sweep_order(uint32_t *order, size_t count, bool shuffle, uint64_t seed)
{
    for (size_t i = 0; i < count; i++) {
        order[i] = (uint32_t)i;
    }
    for (size_t i = count; shuffle && i > 1; i--) {
        size_t other = (size_t)(random_next(&seed) % i);
        uint32_t kept = order[i - 1];
        order[i - 1] = order[other];
        order[other] = kept;
    }
}
