/* sweep_sites.c - see sweep_sites.h. */
#include "sweep_sites.h"

#include <errno.h>
#include <stdlib.h>

#include "runstate.h"
#include "sweep_steady.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    SETS_MAX = 1024 /* beyond, they share a count */
};

/* What is known of the run so far. */
struct walk {
    struct sweep_sites *sites;
    const struct report_event *events;
    size_t count;
    const struct checker *checker;
    uint64_t after;
    int32_t open[SETS_MAX];   /* of a set object: devices opened, VD_E_CLOSE not delivered */
    bool given_up[SETS_MAX];  /* of a set object: it was aborted or closed */
    bool secondary[SETS_MAX]; /* of a set object: OpenInSecondary made it */
    struct {
        uint32_t features;
        uint32_t devices;
        uint32_t met;
    } operations[RUN_OPERATIONS_MAX];
};

const char *sweep_site_name(const struct sweep_site *site)
{
    return site->function != 0 ? vdi_function_names[site->function] : vdi_command_name(site->command);
}

/* A secondary is a set object of its own: the devices it did not open are none of its. */
static int32_t *open_devices(struct walk *walk, const struct event *event)
{
    return &walk->open[event->set % SETS_MAX];
}

static bool is_same(const struct sweep_site *a, const struct sweep_site *b)
{
    return a->function == b->function && a->command == b->command && a->device == b->device &&
           a->operation == b->operation;
}

struct sweep_site *sweep_sites_find(const struct sweep_sites *sites, const struct sweep_site *like)
{
    for (size_t i = 0; i < sites->count; i++) {
        if (is_same(&sites->list[i], like)) {
            return &sites->list[i];
        }
    }
    return NULL;
}

static struct sweep_site *find_or_add(struct sweep_sites *sites, const struct sweep_site *like)
{
    struct sweep_site *site = sweep_sites_find(sites, like);
    if (site != NULL) {
        return site;
    }
    struct sweep_site *list = realloc(sites->list, (sites->count + 1) * sizeof *list);
    if (list == NULL) {
        return NULL;
    }
    sites->list = list;
    list[sites->count] = *like;
    return &list[sites->count++];
}

static int by_sequence(const void *key, const void *element)
{
    uint64_t sequence = *(const uint64_t *)key;
    uint64_t other = ((const struct report_event *)element)->event.sequence;
    return sequence < other ? -1 : sequence > other;
}

static const struct event *find_event(const struct walk *walk, uint64_t sequence)
{
    const struct report_event *found =
        walk->count > 0 ? bsearch(&sequence, walk->events, walk->count, sizeof *walk->events, by_sequence)
                        : NULL;
    return found != NULL ? &found->event : NULL;
}

/* Room for twice as much whenever it is full. */
static int make_room(struct sweep_site *site)
{
    if (site->count > 0 && (site->count & (site->count - 1)) != 0) {
        return 0;
    }
    size_t room = site->count > 0 ? site->count * 2 : 1;
    struct sweep_arrival *list = realloc(site->list, room * sizeof *list);
    if (list == NULL) {
        return ENOMEM;
    }
    site->list = list;
    return 0;
}

static bool waits(uint16_t function)
{
    return function == VDI_FN_GET_COMMAND || function == VDI_FN_GET_CONFIGURATION;
}

static bool has_limit(const struct event *call)
{
    return waits(call->function) && call->arg[0] >= 0;
}

/* The next arrival's place in the list: a new one, or that of the poll that it goes on with. */
static struct sweep_arrival *add_arrival(struct sweep_site *site)
{
    if (site->count > 0 && site->list[site->count - 1].poll) {
        return &site->list[site->count - 1];
    }
    site->arrivals++;
    if (make_room(site) != 0) {
        return NULL;
    }
    site->list[site->count] = (struct sweep_arrival){0};
    return &site->list[site->count++];
}

static int arrive(struct walk *walk, struct sweep_site like, const struct event *event,
                  const struct event *begin)
{
    struct sweep_site *site = find_or_add(walk->sites, &like);
    if (site == NULL) {
        return ENOMEM;
    }
    if (event->sequence <= walk->after) {
        site->arrivals++;
        return 0;
    }
    struct sweep_arrival *arrival = add_arrival(site);
    if (arrival == NULL) {
        return ENOMEM;
    }
    const struct stack *stack = begin != NULL ? checker_stack(walk->checker, begin->stack) : NULL;
    *arrival = (struct sweep_arrival){
        .nth = site->arrivals,
        .count = 1,
        .place = stack != NULL ? stack->place : 0,
        .polled = arrival->polled || arrival->poll,
        .polled_from = arrival->polled_from != 0 ? arrival->polled_from : arrival->place,
        .thread = event->thread,
        .sequence = event->sequence,
        .call = begin != NULL ? begin->sequence : 0,
        .open_devices = *open_devices(walk, event),
        .given_up = walk->given_up[event->set % SETS_MAX],
        .limited = arrival->limited || (begin != NULL && has_limit(begin)),
        .secondary = walk->secondary[event->set % SETS_MAX] || event->function == VDI_FN_OPEN_IN_SECONDARY,
    };
    site->unsteady |= begin == event && has_limit(begin) && begin->arg[0] == 0;
    return 0;
}

/* Calls folded into one are told by its end. */
static void repeat(struct walk *walk, const struct sweep_site *like, const struct event *end)
{
    struct sweep_site *site = sweep_sites_find(walk->sites, like);
    for (size_t i = site != NULL ? site->count : 0; i-- > 0;) {
        if (site->list[i].sequence == end->call) {
            for (size_t later = i + 1; later < site->count; later++) {
                site->list[later].nth += end->repeat;
            }
            site->list[i].count += end->repeat;
            break;
        }
    }
    if (site != NULL) {
        site->arrivals += end->repeat;
    }
}

static bool is_device_function(uint16_t function)
{
    return function == VDI_FN_GET_COMMAND || function == VDI_FN_COMPLETE_COMMAND;
}

static struct sweep_arrival *find_arrival(struct sweep_site *site, uint64_t call)
{
    for (size_t i = site != NULL ? site->count : 0; i-- > 0;) {
        if (site->list[i].call == call) {
            return &site->list[i];
        }
    }
    return NULL;
}

/* Its time was over before anything came. */
static bool is_poll(const struct event *end)
{
    return waits(end->function) && end->result == VD_E_TIMEOUT && (end->flags & EVENT_FLAG_BY_FAULT) == 0;
}

static void note_poll(struct walk *walk, const struct sweep_site *like, const struct event *end)
{
    struct sweep_arrival *arrival = find_arrival(sweep_sites_find(walk->sites, like), end->call);
    if (arrival != NULL) {
        arrival->poll = true;
    }
}

/* A completion that is an I/O error by itself, of the command that its call fetched. */
static void note_answer(struct walk *walk, const struct event *begin)
{
    const struct sweep_site command = {
        .command = (uint16_t)begin->arg[5], .device = begin->device, .operation = begin->operation};
    struct sweep_arrival *arrival =
        find_arrival(sweep_sites_find(walk->sites, &command), (uint64_t)begin->arg[4]);
    if (arrival != NULL && fault_is_io_error((int32_t)begin->arg[1])) {
        arrival->io_error = true;
    }
}

/* A call that finds the set given up has come after that. */
static void note_end_of_set(struct walk *walk, const struct event *end, const struct sweep_site *function)
{
    bool joins = end->function == VDI_FN_CREATE || end->function == VDI_FN_OPEN_IN_SECONDARY;
    bool found = !joins && (end->result == VD_E_ABORT || end->result == VD_E_PROTOCOL);
    bool ends = end->function == VDI_FN_CLOSE || end->function == VDI_FN_SIGNAL_ABORT;
    struct sweep_arrival *arrival = find_arrival(sweep_sites_find(walk->sites, function), end->call);
    if (arrival != NULL) {
        arrival->given_up |= found;
        arrival->ends |= end->result == VD_E_CLOSE;
    }
    walk->given_up[end->set % SETS_MAX] |= found || ends;
}

static int take_end(struct walk *walk, const struct event *end, const struct sweep_site *function)
{
    int32_t *open = open_devices(walk, end);
    if (is_poll(end)) {
        note_poll(walk, function, end);
    } else if (end->repeat > 0) {
        repeat(walk, function, end);
    }
    if (end->function == VDI_FN_OPEN_DEVICE && end->result == 0) {
        ++*open;
        walk->operations[end->operation].devices++;
    }
    walk->secondary[end->set % SETS_MAX] |= end->function == VDI_FN_OPEN_IN_SECONDARY;
    if (end->function != VDI_FN_GET_COMMAND) {
        return 0;
    }
    if (end->result == VD_E_CLOSE) {
        struct sweep_site *site = sweep_sites_find(walk->sites, function);
        *open -= site == NULL || !site->sees_close;
        if (site != NULL) {
            site->sees_close = true;
        }
    }
    int32_t code =
        end->arg[1] > 0 && end->arg[1] <= VDC_Complete ? (int32_t)end->arg[1] : 0; /* a client's word */
    if (end->result != 0 || code == 0 || vdi_command_name(code) == NULL) {
        return 0;
    }
    walk->operations[end->operation].met |= 1u << code;
    const struct sweep_site command = {
        .command = (uint16_t)code, .device = end->device, .operation = end->operation};
    return arrive(walk, command, end, find_event(walk, end->call));
}

static void note_reach(struct sweep_arrival *arrival, const struct event *event)
{
    uint64_t *most = &arrival->reach[event->arg[0]];
    uint64_t how_far = event->arg[1] > 0 ? (uint64_t)event->arg[1] : 0;
    *most = how_far > *most ? how_far : *most;
}

/* Of a call: what it was in, and the command it delivered. Of a device: all before. */
static void take_reach(struct walk *walk, const struct event *event)
{
    if (event->arg[0] <= REACH_NOTHING || event->arg[0] >= REACH_COUNT) {
        return;
    }
    for (size_t s = 0; s < walk->sites->count; s++) {
        struct sweep_site *site = &walk->sites->list[s];
        bool same = event->call != 0 || (site->command != 0 && site->operation == event->operation &&
                                         site->device == event->device);
        for (size_t i = site->count; same && i-- > 0;) {
            if (event->call == 0 || site->list[i].call == event->call) {
                note_reach(&site->list[i], event);
            } else if (site->list[i].call < event->call) {
                break;
            }
        }
    }
}

static int take(struct walk *walk, const struct event *event)
{
    if (event->kind == EVENT_REACH) {
        take_reach(walk, event);
        return 0;
    }
    bool is_call = event->kind == EVENT_CALL_BEGIN || event->kind == EVENT_CALL_END;
    if (!is_call || event->side != EVENT_SIDE_CLIENT || event->operation < 0 ||
        event->operation >= RUN_OPERATIONS_MAX || event->function == VDI_FN_NONE) {
        return 0;
    }
    if (event->kind == EVENT_CALL_END && event->function == VDI_FN_CLOSE) {
        *open_devices(walk, event) = 0;
    }
    const struct sweep_site function = {
        .function = event->function,
        .device = is_device_function(event->function) ? event->device : -1,
        .operation = event->operation,
    };
    if (event->kind == EVENT_CALL_END) {
        note_end_of_set(walk, event, &function);
    }
    if ((event->flags & EVENT_FLAG_BY_FAULT) != 0) {
        return 0;
    }
    if (event->kind == EVENT_CALL_END) {
        return take_end(walk, event, &function);
    }
    if (event->function == VDI_FN_CREATE) {
        walk->operations[event->operation].features = (uint32_t)event->arg[1];
        walk->given_up[event->set % SETS_MAX] = false;
    }
    if (event->function == VDI_FN_COMPLETE_COMMAND) {
        note_answer(walk, event);
    }
    return arrive(walk, function, event, event);
}

/* Where in a set's life. */
static int rank_of(const struct sweep_site *site)
{
    static const uint8_t ranks[VDI_FN_COUNT] = {[VDI_FN_CREATE] = 1,
                                                [VDI_FN_OPEN_IN_SECONDARY] = 2,
                                                [VDI_FN_GET_CONFIGURATION] = 3,
                                                [VDI_FN_OPEN_DEVICE] = 4,
                                                [VDI_FN_REGISTER_DEVICE_CLOSED] = 5,
                                                [VDI_FN_GET_COMMAND] = 6,
                                                [VDI_FN_GET_BUFFER_HANDLE] = 8,
                                                [VDI_FN_MAP_BUFFER_HANDLE] = 9,
                                                [VDI_FN_COMPLETE_COMMAND] = 10,
                                                [VDI_FN_SIGNAL_ABORT] = 11,
                                                [VDI_FN_CLOSE] = 12,
                                                [VDI_FN_DESTROY] = 13};
    enum {
        COMMANDS = 7
    };
    return site->function != 0 ? ranks[site->function] : COMMANDS;
}

static int by_place(const void *left, const void *right)
{
    const struct sweep_site *a = left, *b = right;
    const int64_t difference[] = {a->operation - b->operation, rank_of(a) - rank_of(b),
                                  a->command - b->command, a->device - b->device};
    int order = 0;
    for (size_t i = 0; i < sizeof difference / sizeof difference[0] && order == 0; i++) {
        order = difference[i] < 0 ? -1 : difference[i] > 0;
    }
    return order;
}

int sweep_sites_take(struct sweep_sites *sites, const struct report_event *events, size_t count,
                     const struct checker *checker, uint64_t after)
{
    struct walk walk = {.sites = sites, .events = events, .count = count, .checker = checker, .after = after};
    int error = 0;
    *sites = (struct sweep_sites){0};
    for (size_t i = 0; i < count && error == 0 && !event_begins_again(&events[i].event); i++) {
        error = take(&walk, &events[i].event);
    }
    for (size_t i = 0; i < sites->count; i++) {
        struct sweep_site *site = &sites->list[i];
        site->features = walk.operations[site->operation].features;
        site->devices = walk.operations[site->operation].devices;
        site->met = walk.operations[site->operation].met;
    }
    sweep_steady_spread(sites);
    sweep_steady_settle(sites);
    if (sites->count > 0) {
        qsort(sites->list, sites->count, sizeof *sites->list, by_place);
    }
    return error;
}

void sweep_sites_free(struct sweep_sites *sites)
{
    for (size_t i = 0; i < sites->count; i++) {
        free(sites->list[i].list);
    }
    free(sites->list);
    *sites = (struct sweep_sites){0};
}
