/* opening.c - what a client leaves unopened: VDI-OPEN-005, and VDI-CFG-008 if it is everything. */
#include "state.h"

/* Two objects have one operation's set open where a secondary joined it. */
static bool share_a_set(const struct vdi_set *set, const struct vdi_set *other)
{
    return other == set || (other->operation == set->operation && set->operation >= 0);
}

/* Devices opened by all objects that have this operation's set open: secondaries open theirs themselves. */
uint32_t opening_count(const struct checker *checker, const struct vdi_set *set)
{
    uint32_t opened = 0;

    for (const struct vdi_set *other = checker->sets; other; other = other->next) {
        opened += share_a_set(set, other) ? other->opened_count : 0;
    }
    return opened;
}

/* What a secondary was refused nobody else could have opened. */
static bool was_refused(const struct checker *checker, const struct vdi_set *set)
{
    for (const struct vdi_set *other = checker->sets; other; other = other->next) {
        if (share_a_set(set, other) && other->open_failed) {
            return true;
        }
    }
    return false;
}

/* A client may well abort because it cannot serve a device. One that first waited for commands on the devices
 * it did open took the opening for done. */
static bool waited_for_commands(const struct checker *checker, const struct vdi_set *set, uint64_t now)
{
    for (int i = 0; i < DEVICES_MAX; i++) {
        if (set->devices[i].waited) {
            return true;
        }
    }
    for (const struct thread_state *thread = checker->threads; thread; thread = thread->next) {
        const struct call *open = &thread->open;

        if (open->sequence > set->life_call.sequence && open->set == set->id &&
            open->function == VDI_FN_GET_COMMAND && now >= open->time_ns + PATIENCE_NS) {
            return true;
        }
    }
    return false;
}

static void report(struct checker *checker, const struct unopened *unopened, int32_t operation)
{
    static const char *const ends[] = {
        [OPENING_CLOSED] = "when the set was closed",
        [OPENING_ABORTED] = "when the client, which waited for commands in vain, called SignalAbort",
        [OPENING_EXITED] = "when the process ended",
        [OPENING_HUNG] = "when the client hung",
    };

    if (unopened->opened == 0 && (unopened->end == OPENING_CLOSED || unopened->end == OPENING_EXITED)) {
        finding_add(checker, "VDI-CFG-008", &unopened->call, operation, -1,
                    "no device of this configuration was opened, and SignalAbort had not been called %s",
                    ends[unopened->end]);
        return;
    }
    finding_add(checker, "VDI-OPEN-005", &unopened->call, operation, -1,
                "only %u of %u devices were opened %s", unopened->opened, unopened->count,
                ends[unopened->end]);
}

/* Told at the run's end: a statement that succeeded shows that somebody opened the rest, unseen. */
void opening_judge(struct checker *checker, const struct vdi_set *set, enum opening_end end, uint64_t now)
{
    struct operation_state *operation = state_find_operation(checker, set->operation);
    uint32_t opened = opening_count(checker, set);

    if (!operation || operation->bringup.unopened.count || set->state != SET_CONFIGURED || set->secondary ||
        was_refused(checker, set) || opened >= set->device_count) {
        return;
    }
    if (end == OPENING_ABORTED && !waited_for_commands(checker, set, now)) {
        return;
    }
    operation->bringup.unopened = (struct unopened){
        .call = set->life_call, .end = (int)end, .opened = opened, .count = set->device_count};
}

void opening_settle(struct checker *checker)
{
    for (const struct operation_state *operation = checker->operations; operation;
         operation = operation->next) {
        if (operation->bringup.unopened.count && operation->shown.outcome != OUTCOME_SUCCESS) {
            report(checker, &operation->bringup.unopened, operation->shown.id);
        }
    }
}
