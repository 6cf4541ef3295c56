/* sweep_steady.c - see sweep_steady.h. */
#include "sweep_steady.h"

#include <stdlib.h>
#include <string.h>

/* Who asks a device without waiting goes two ways, by whether the server was faster: all its calls there do. */
void sweep_steady_spread(struct sweep_sites *sites)
{
    for (size_t i = 0; i < sites->count; i++) {
        const struct sweep_site *asked = &sites->list[i];
        bool spreads = asked->unsteady && asked->function == VDI_FN_GET_COMMAND;
        for (size_t s = 0; spreads && s < sites->count; s++) {
            struct sweep_site *site = &sites->list[s];
            site->unsteady |= site->device == asked->device && site->operation == asked->operation;
        }
    }
}

/* What can be relied on of an arrival that may be the other one. */
static void take_less(struct sweep_arrival *arrival, const struct sweep_arrival *other)
{
    arrival->given_up |= other->given_up;
    arrival->io_error |= other->io_error;
    arrival->ends |= other->ends;
    arrival->poll |= other->poll;
    arrival->limited &= other->limited;
    arrival->secondary &= other->secondary;
    if (other->open_devices < arrival->open_devices) {
        arrival->open_devices = other->open_devices;
    }
    for (int r = 0; r < REACH_COUNT; r++) {
        arrival->reach[r] = other->reach[r] < arrival->reach[r] ? other->reach[r] : arrival->reach[r];
    }
}

/* Threads come there in any order: each arrival may be any other. */
static bool level_threads(struct sweep_site *site)
{
    bool by_several = false;
    for (size_t i = 1; i < site->count; i++) {
        by_several |= site->list[i].thread != site->list[0].thread;
    }
    for (size_t i = 1; by_several && i < site->count; i++) {
        take_less(&site->list[0], &site->list[i]);
    }
    for (size_t i = 1; by_several && i < site->count; i++) {
        take_less(&site->list[i], &site->list[0]);
    }
    return by_several;
}

/* From the first poll on, the n-th call is that arrival or one before it. */
static void level_polls(struct sweep_site *site)
{
    size_t poll = 0;
    while (poll < site->count && !site->unsteady && !site->list[poll].polled) {
        poll++;
    }
    bool limited = true;
    for (size_t i = poll + 1; i < site->count; i++) {
        limited &= site->list[i].limited;
    }
    for (size_t i = poll; i < site->count; i++) {
        memset(site->list[i].reach, 0, sizeof site->list[i].reach);
        site->list[i].limited &= i == poll || limited;
    }
}

static void level(struct sweep_site *site)
{
    site->unsteady |= level_threads(site);
    if (site->function == VDI_FN_GET_COMMAND || site->function == VDI_FN_GET_CONFIGURATION) {
        level_polls(site);
    }
}

/* The first poll from a stack that nothing else comes from; nothing is sampled of those. */
static bool is_poll_of_its_own(const struct sweep_site *site, size_t index)
{
    uint64_t from = site->list[index].polled_from;
    bool own = from != 0 && !site->unsteady;
    for (size_t i = 0; own && i < site->count; i++) {
        own = site->list[i].place != from && (i >= index || site->list[i].polled_from != from);
    }
    return own;
}

/* Which arrival of its stack each one is. Where the stacks are a matter of time, all are of one. */
static void settle(struct sweep_site *site)
{
    site->stacks = 0;
    for (size_t i = 0; i < site->count; i++) {
        struct sweep_arrival *arrival = &site->list[i];
        size_t first = 0;
        while (!site->unsteady && site->list[first].place != arrival->place) {
            first++;
        }
        arrival->first = first;
        arrival->before = first == i ? 0 : site->list[first].of_stack;
        arrival->of_stack = 0;
        site->list[first].of_stack = arrival->before + arrival->count;
        arrival->always = is_poll_of_its_own(site, i);
        site->stacks += (first == i) + arrival->always;
    }
    for (size_t i = 0; i < site->count; i++) {
        site->list[i].of_stack = site->list[site->list[i].first].of_stack;
    }
}

void sweep_steady_settle(struct sweep_sites *sites)
{
    for (size_t i = 0; i < sites->count; i++) {
        level(&sites->list[i]);
        settle(&sites->list[i]);
    }
}

static void cut(struct sweep_site *site, uint32_t arrivals)
{
    site->arrivals = arrivals;
    while (site->count > 0 && site->list[site->count - 1].nth > arrivals) {
        site->count--;
    }
    if (site->count > 0) {
        struct sweep_arrival *last = &site->list[site->count - 1];
        last->count = arrivals - last->nth + 1 < last->count ? arrivals - last->nth + 1 : last->count;
    }
}

/* The less of both runs. */
static void keep_less(struct sweep_site *site, const struct sweep_site *same)
{
    for (size_t i = 0, j = 0; i < site->count; i++) {
        while (j + 1 < same->count && same->list[j + 1].nth <= site->list[i].nth) {
            j++;
        }
        if (same->count > 0) {
            take_less(&site->list[i], &same->list[j]);
        }
    }
}

/* Both came there from the same stacks, in the same order. */
static bool is_alike(const struct sweep_site *a, const struct sweep_site *b)
{
    bool alike = true;
    for (size_t i = 0, j = 0; alike && i < a->count && j < b->count;) {
        uint32_t end_a = a->list[i].nth + a->list[i].count, end_b = b->list[j].nth + b->list[j].count;
        alike = a->list[i].place == b->list[j].place && a->list[i].polled_from == b->list[j].polled_from;
        i += end_a <= end_b;
        j += end_b <= end_a;
    }
    return alike;
}

void sweep_sites_keep_common(struct sweep_sites *sites, const struct sweep_sites *other)
{
    size_t kept = 0;
    for (size_t i = 0; i < sites->count; i++) {
        struct sweep_site *site = &sites->list[i];
        const struct sweep_site *same = sweep_sites_find(other, site);
        if (same == NULL) {
            free(site->list);
            continue;
        }
        site->unsteady = site->unsteady || same->unsteady || !is_alike(site, same);
        cut(site, same->arrivals < site->arrivals ? same->arrivals : site->arrivals);
        keep_less(site, same);
        site->sees_close = site->sees_close && same->sees_close;
        sites->list[kept++] = *site;
    }
    sites->count = kept;
    sweep_steady_settle(sites);
}
