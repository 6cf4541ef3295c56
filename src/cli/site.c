/* site.c - counting arrivals. */
#include "site.h"

#include <errno.h>
#include <stdbool.h>

enum {
    DEVICES_MAX = 64
};

/* A function is counted on entry, a command on delivery (design 4.4). Folded calls are told by their end. */
static uint64_t arrivals(const struct event *event, const struct fault_site *site)
{
    if (event->side != EVENT_SIDE_CLIENT || event->operation != site->operation ||
        (event->flags & EVENT_FLAG_BY_FAULT) != 0) {
        return 0;
    }
    if (site->function != 0) {
        if (event->function != site->function) {
            return 0;
        }
        return event->kind == EVENT_CALL_BEGIN ? 1 : event->kind == EVENT_CALL_END ? event->repeat : 0;
    }
    return event->kind == EVENT_CALL_END && event->function == VDI_FN_GET_COMMAND && event->result == 0 &&
           event->arg[1] == site->command;
}

void site_count(const struct record *record, const struct fault_site *site, struct site_count *count)
{
    *count = (struct site_count){0};
    for (size_t i = 0; i < record->count && !event_begins_again(&record->events[i].event); i++) {
        const struct event *event = &record->events[i].event;
        uint64_t more = arrivals(event, site);
        count->total += more;
        if (event->device >= 0 && event->device < DEVICES_MAX) {
            count->device[event->device] += more;
        } else {
            count->none += more;
        }
    }
}

/* The device that gets there most often is the one that can reach the last arrival. */
static uint64_t most(const struct site_count *count)
{
    uint64_t most = count->none;
    for (int i = 0; i < DEVICES_MAX; i++) {
        most = count->device[i] > most ? count->device[i] : most;
    }
    return most;
}

static int resolve_each(const struct site_count *count, struct plan *plan, uint32_t index)
{
    struct fault pattern = plan->faults[index];
    bool used = false;
    for (int i = 0; i < DEVICES_MAX; i++) {
        if (count->device[i] == 0) {
            continue;
        }
        if (used && plan->fault_count == PLAN_FAULTS_MAX) {
            return E2BIG;
        }
        struct fault *fault = used ? &plan->faults[plan->fault_count++] : &plan->faults[index];
        *fault = pattern;
        fault->site.device = i;
        fault->site.nth = (int32_t)count->device[i];
        used = true;
    }
    return used ? 0 : EINVAL;
}

int site_resolve_last(const struct record *record, struct plan *plan, uint32_t *failed)
{
    uint32_t given = plan->fault_count;
    for (uint32_t i = 0; i < given; i++) {
        struct fault_site *site = &plan->faults[i].site;
        struct site_count count;
        if (site->nth != FAULT_NTH_LAST) {
            continue;
        }
        *failed = i;
        site_count(record, site, &count);
        if (site->device == FAULT_DEVICE_EACH && count.none == 0) {
            int error = resolve_each(&count, plan, i);
            if (error != 0) {
                return error;
            }
            continue;
        }
        uint64_t last = site->device >= 0 && site->device < DEVICES_MAX && count.none == 0
                            ? count.device[site->device]
                            : most(&count);
        if (last == 0 || last > INT32_MAX) {
            return EINVAL;
        }
        site->nth = (int32_t)last;
    }
    return 0;
}
