/* transfer.c - what the transfer as a whole shows once its outcome is known: VDI-DATA-001, VDI-COMP-002,
 * VDI-IO-003 (an error taken for the end), VDI-IO-004, VDI-SNAP-004, VDI-SNAP-005.
 */
#include "codes.h"
#include "state.h"
#include "vdi.h"

enum {
    MESSAGE_ONE_DEVICE = 3277, /* WITH SNAPSHOT only with one virtual device */
};

/* ---- what events tell ---- */

const struct set_transfer *transfer_configuration(const struct checker *checker, const struct vdi_set *set)
{
    if (set->transfer.known) {
        return &set->transfer;
    }
    /* A secondary need not ask: the primary's answer holds for all. */
    for (const struct vdi_set *other = checker->sets; other; other = other->next) {
        if (set->operation >= 0 && other->operation == set->operation && other->transfer.known) {
            return &other->transfer;
        }
    }
    return NULL;
}

void transfer_configured(struct checker *checker, struct vdi_set *set, const struct event *event)
{
    struct operation_state *operation = state_find_operation(checker, set->operation);

    set->transfer = (struct set_transfer){.known = true,
                                          .features = (uint32_t)event->arg[0],
                                          .block_size = (uint32_t)event->arg[1],
                                          .max_transfer = (uint32_t)event->arg[2]};
    if (operation) {
        operation->configured = true;
        operation->transfer.complete_enabled = (set->transfer.features & VDF_CompleteEnabled) != 0;
    }
}

void transfer_created(struct operation_state *operation, const struct call *call)
{
    operation->transfer.create = *call;
    operation->transfer.device_count = call->device_count;
}

void transfer_fetched(struct checker *checker, const struct call *call, int16_t device, int32_t code)
{
    struct operation_state *operation = state_find_operation(checker, call->operation);

    if (operation && code == VDC_Complete && device >= 0) {
        operation->transfer.completes_seen |= UINT64_C(1) << device;
    }
}

void transfer_stream(struct operation_state *operation, const struct event *event)
{
    if (operation && event->device >= 0 && event->device < DEVICES_MAX) {
        operation->transfer.streams[event->device] = (struct device_stream){.known = true,
                                                                            .bytes = (uint64_t)event->arg[1],
                                                                            .hash = (uint64_t)event->arg[2],
                                                                            .complete = event->arg[4]};
    }
}

/* Messages about what a RESTORE was given: errors on a page, damage, an end too early, no backup at all. */
static bool tells_damage(int32_t number)
{
    static const int32_t numbers[] = {3183, 3189, 3208, 3241, 3242, 3256};

    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        if (numbers[i] == number) {
            return true;
        }
    }
    return false;
}

void transfer_message(struct operation_state *operation, int32_t number, uint64_t sequence)
{
    struct operation_transfer *transfer = operation ? &operation->transfer : NULL;

    if (transfer && tells_damage(number) && !transfer->damage) {
        transfer->damage = number;
        transfer->damage_sequence = sequence;
    }
}

/* Once the files are mounted nothing is read any more: the message speaks of them. The server may tell it before the
 * client's call has returned. */
static bool speaks_of_files(const struct operation_transfer *transfer)
{
    return transfer->damage && transfer->mounted.sequence &&
           transfer->damage_sequence > transfer->mounted.sequence;
}

static void judge_mounted_files(struct checker *checker, struct operation_state *operation)
{
    const struct operation_transfer *transfer = &operation->transfer;

    if (speaks_of_files(transfer)) {
        finding_add(checker, "VDI-SNAP-005", &transfer->mounted, operation->shown.id,
                    transfer->mounted.device,
                    "MountSnapshot on device %d was completed with SUCCESS, but the files are not what was "
                    "frozen (message %d)",
                    transfer->mounted.device, transfer->damage);
    }
}

/* ---- VDI-DATA-001 and VDI-IO-004 ---- */

static bool is_backup_of(const struct checker *checker, const struct operation_state *operation,
                         const struct operation_state *restore)
{
    return operation->shown.is_backup && operation->shown.id < restore->shown.id &&
           !operation_is_verify(checker, operation) && same_database(&operation->shown, &restore->shown);
}

/* The last backup of the restore's database in this run, if it succeeded: what a later one left half written is
 * no stream that anyone promised. */
static const struct operation_state *last_backup(const struct checker *checker,
                                                 const struct operation_state *restore)
{
    const struct operation_state *last = NULL;

    for (const struct operation_state *other = checker->operations; other; other = other->next) {
        if (is_backup_of(checker, other, restore) && (!last || other->shown.id > last->shown.id)) {
            last = other;
        }
    }
    return last && last->shown.outcome == OUTCOME_SUCCESS ? last : NULL;
}

enum comparison {
    STREAMS_UNKNOWN,
    STREAMS_EQUAL,
    STREAMS_DIFFER
};

static enum comparison compare_streams(const struct operation_transfer *stored,
                                       const struct operation_transfer *returned)
{
    enum comparison result = STREAMS_EQUAL;

    if (stored->device_count == 0 || stored->device_count != returned->device_count) {
        return STREAMS_UNKNOWN;
    }
    for (uint32_t i = 0; i < stored->device_count; i++) {
        const struct device_stream *a = &stored->streams[i], *b = &returned->streams[i];

        if (!a->known || !b->known) {
            return STREAMS_UNKNOWN;
        }
        if (a->bytes != b->bytes || a->hash != b->hash) {
            result = STREAMS_DIFFER;
        }
    }
    return result;
}

/* What --prove-durability put there in place of the client's files: what it returns is no answer to what was stored. */
static bool is_of_proof(const struct checker *checker, const struct operation_state *restore)
{
    return checker->proof && restore->first_sequence > checker->proof;
}

static void judge_streams(struct checker *checker, const struct operation_state *restore)
{
    const struct operation_transfer *transfer = &restore->transfer;
    const struct operation_state *backup = last_backup(checker, restore);
    enum comparison comparison = backup ? compare_streams(&backup->transfer, transfer) : STREAMS_UNKNOWN;
    uint32_t effects = restore->effects | (backup ? backup->effects : 0);
    bool altered = (effects & FAULT_ALTERS_DATA) != 0; /* whose damage it is, nobody can tell */
    bool damaged = !altered && transfer->damage && !speaks_of_files(transfer) &&
                   restore->shown.outcome == OUTCOME_FAILED;
    /* Not another stream but the beginning of this one, and everybody was told that. */
    bool cut_short = transfer->read_error.call.sequence || transfer->not_loaded ||
                     (restore->effects & FAULT_FAILS_COMMAND);

    if (damaged && comparison == STREAMS_DIFFER && !cut_short) {
        finding_add(
            checker, "VDI-DATA-001", NULL, restore->shown.id, -1,
            "operation %d stored %llu bytes, and operation %d returned another stream (%llu bytes before "
            "message %d)",
            backup->shown.id, (unsigned long long)backup->shown.bytes, restore->shown.id,
            (unsigned long long)restore->shown.bytes, transfer->damage);
    }
    if (transfer->mark_missed.sequence && (damaged || comparison == STREAMS_EQUAL)) {
        finding_add(
            checker, "VDI-IO-004", &transfer->mark_missed, restore->shown.id, 0,
            "a Read on device 0 that goes beyond the filemark after byte %llu was completed with code %d",
            (unsigned long long)transfer->mark_missed_at, transfer->mark_missed_code);
    }
}

/* ---- what a claim of success denies ---- */

static void judge_complete(struct checker *checker, const struct operation_state *operation)
{
    const struct operation_transfer *transfer = &operation->transfer;

    for (int16_t i = 0; transfer->complete_enabled && i < (int16_t)transfer->device_count; i++) {
        bool seen = (transfer->completes_seen >> i & 1) != 0;

        if (!seen && transfer->streams[i].known && transfer->streams[i].complete == -1) {
            finding_add(checker, "VDI-COMP-002", &transfer->create, operation->shown.id, i,
                        "the client, which asked for VDC_Complete and was promised it, says success, though "
                        "device %d got none",
                        i);
            return;
        }
    }
}

static void judge_read_error(struct checker *checker, const struct operation_state *operation)
{
    const struct held_answer *error = &operation->transfer.read_error;

    if (error->call.sequence && operation->shown.outcome != OUTCOME_SUCCESS) {
        finding_add(
            checker, "VDI-IO-003", &error->call, operation->shown.id, error->call.device,
            "the last Read of device %d was completed with code %d, and the client takes that for the end "
            "of the data: it says success",
            error->call.device, error->code);
    }
}

/* ---- VDI-SNAP-004 ---- */

static void judge_device_count(struct checker *checker, const struct operation_state *operation)
{
    const struct operation_transfer *transfer = &operation->transfer;

    for (uint32_t i = 0; i < operation->shown.message_count; i++) {
        if (operation->shown.messages[i].number == MESSAGE_ONE_DEVICE) {
            finding_add(checker, "VDI-SNAP-004", transfer->create.sequence ? &transfer->create : NULL,
                        operation->shown.id, -1, "a statement WITH SNAPSHOT was given a set of %u devices",
                        transfer->device_count);
            return;
        }
    }
}

void transfer_settle(struct checker *checker, struct operation_state *operation, bool success)
{
    bool attached = operation->statement && operation->statement->operation >= 0;

    judge_device_count(checker, operation);
    if (!attached) {
        return;
    }
    if (!operation->shown.is_backup) {
        judge_mounted_files(checker, operation);
        if (!is_of_proof(checker, operation)) {
            judge_streams(checker, operation);
        }
    }
    if (success && operation->shown.is_backup) {
        judge_complete(checker, operation);
    } else if (success) {
        judge_read_error(checker, operation);
    }
}
