/* sweep_then.c - the faults that go second after one: where the run with that one alone got; see sweep_work.h. */
#include "sweep_work.h"
#include "vdierror.h"

static bool is_at_device(const struct event *event, const struct fault_site *site)
{
    return event->side == EVENT_SIDE_CLIENT && event->kind == EVENT_CALL_END &&
           event->function == VDI_FN_GET_COMMAND && event->device == site->device &&
           event->operation == site->operation;
}

/* Of a call that fires and goes on: its end, and what it delivers is not the next arrival. */
static uint64_t first_firing(const struct record *record)
{
    const struct event *fault = NULL;
    for (size_t i = 0; i < record->count; i++) {
        const struct event *event = &record->events[i].event;
        if (fault == NULL && event->kind == EVENT_FAULT) {
            fault = event;
        }
        if (fault != NULL && fault->call != 0 && event->kind == EVENT_CALL_END &&
            event->call == fault->call) {
            return event->sequence;
        }
    }
    return fault != NULL ? fault->sequence : 0;
}

/* The server is ahead of the client, so that what the client meets after a fault of the server's own may have been sent
 * before. What comes from the command of the site on, or with the device's end, certainly was not. */
static uint64_t first_sight(const struct record *record, const struct fault_site *site)
{
    uint64_t fired = first_firing(record);
    int32_t nth = 0;
    for (size_t i = 0; i < record->count; i++) {
        const struct event *event = &record->events[i].event;
        if (!is_at_device(event, site)) {
            continue;
        }
        bool ended = event->result == VD_E_CLOSE || event->result == VD_E_ABORT;
        bool delivered = event->result == 0 && event->arg[1] == site->command && ++nth == site->nth;
        if ((delivered || ended) && event->sequence > fired) {
            return event->sequence - 1;
        }
    }
    return UINT64_MAX;
}

json_t *sweep_work_then(const struct sweep_work *work, const struct sweep_run *run, const struct trial *trial)
{
    const struct record *record = &trial->session.record;
    const struct fault *first = &run->faults[0];
    bool ahead = fault_table[first->kind].place == FAULT_IN_SERVER && first->site.command != 0;
    uint64_t after = ahead ? first_sight(record, &first->site) : first_firing(record);
    struct sweep_sites later = {0};
    struct sweep_plan pairs = {0};
    json_t *value = json_array();
    if (sweep_sites_take(&later, record->events, record->count, trial->verdict.checker, after) == 0 &&
        sweep_plan_add_pairs(&pairs, run, &later, work->choice, work->singles, work->end) == 0) {
        for (size_t i = 0; i < pairs.count; i++) {
            char text[FAULT_TEXT_MAX];
            fault_format(&pairs.runs[i].faults[1], text, sizeof text);
            json_array_append_new(value, json_string(text));
        }
    }
    sweep_plan_free(&pairs);
    sweep_sites_free(&later);
    return value;
}
