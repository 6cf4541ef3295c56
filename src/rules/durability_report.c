/* durability_report.c - see durability.h: what is told at the end. */
#include <inttypes.h>
#include <stdlib.h>

#include "durability_internal.h"
#include "vdi.h"

/* No Write has come since: what changes afterwards is no later Write's. */
static bool is_last_word(const struct transfer *transfer, const struct acknowledgement *ack)
{
    bool last = ack == transfer->devices[ack->call.device].acks;

    for (int i = 0; i < DEVICES_MAX; i++) {
        last = last && ((i != ack->call.device && !ack->covers_all) ||
                        transfer->devices[i].last_fetch < ack->call.sequence);
    }
    return last;
}

/* What --prove-durability showed. */
static const char *proof_text(struct checker *checker, const struct transfer *transfer, bool last)
{
    const struct operation_state *operation = state_find_operation(checker, transfer->operation);

    if (!transfer->proof || !last || !operation || !checker->verify_ended) {
        return "";
    }
    return operation->restored == DURABLE_NO
               ? "; proved: with the files as they were on disk then, --verify fails or restores something "
                 "else"
               : "; not proved: with the files as they were on disk then, --verify succeeds";
}

/* A file that goes on to hold another backup: what was written may be that one's header. */
static bool holds_another(const struct stored_file *file, int32_t operation)
{
    for (const struct file_use *use = file->uses; use; use = use->next) {
        if (use->operation > operation) {
            return true;
        }
    }
    return false;
}

static void report_ack(struct checker *checker, const struct transfer *transfer,
                       const struct acknowledgement *ack)
{
    bool last = is_last_word(transfer, ack);
    const char *rule = ack->code == VDC_Complete ? "VDI-COMP-001" : "VDI-FLUSH-001";
    bool may_wait = ack->code == VDC_Flush && (transfer->features & VDF_CompleteEnabled);
    const struct call *call = &ack->call;
    char name[32];

    if (ack->verdict == VERDICT_DIRTY) {
        finding_add_capped(checker, may_wait ? SEVERITY_WARNING : SEVERITY_ERROR, rule, call, call->operation,
                           call->device,
                           "%s #%" PRIu64 " of device %d was completed with SUCCESS, though %s%s",
                           command_text(ack->code, name), ack->nth, call->device, ack->why,
                           proof_text(checker, transfer, last));
        return;
    }
    if (ack->unnamed[0]) {
        finding_add_capped(checker, SEVERITY_INFO, rule, call, call->operation, call->device,
                           "%s #%" PRIu64
                           " of device %d was completed with SUCCESS while the name of %s was not "
                           "durable: its folder had not been synced",
                           command_text(ack->code, name), ack->nth, call->device, ack->unnamed);
    }
    if (ack->leftover[0] && ack->code == VDC_Flush) {
        finding_add(checker, "VDI-FLUSH-002", call, call->operation, call->device,
                    "Flush #%" PRIu64 " of device %d was completed with SUCCESS, though %s", ack->nth,
                    call->device, ack->leftover);
    }
    if (ack->changed[0] && last && !may_wait && ack->verdict == VERDICT_CLEAN &&
        !holds_another(ack->changed_file, transfer->operation)) {
        finding_add(checker, ack->code == VDC_Complete ? "VDI-COMP-001" : "VDI-FLUSH-004", call,
                    call->operation, call->device,
                    "%s #%" PRIu64 " of device %d was completed with SUCCESS, then %s",
                    command_text(ack->code, name), ack->nth, call->device, ack->changed);
    }
}

void durability_look_back(struct checker *checker)
{
    const struct durability *durability = checker->durability;

    for (const struct transfer *transfer = durability ? durability->transfers : NULL; transfer;
         transfer = transfer->next) {
        for (int i = 0; i < DEVICES_MAX; i++) {
            struct acknowledgement *newest = transfer->devices[i].acks;

            if (newest && is_last_word(transfer, newest)) {
                durability_judge_late(durability, transfer, newest);
            }
        }
    }
}

void durability_settle(struct checker *checker)
{
    const struct durability *durability = checker->durability;
    bool sighted = durability && !checker->incomplete && !durability->blind && !durability->files.overflow;

    for (const struct transfer *transfer = sighted ? durability->transfers : NULL; transfer;
         transfer = transfer->next) {
        for (int i = 0; i < DEVICES_MAX; i++) {
            for (const struct acknowledgement *ack = transfer->devices[i].acks; ack; ack = ack->next) {
                report_ack(checker, transfer, ack);
            }
        }
    }
}

enum durable durability_of(const struct checker *checker, int32_t operation)
{
    const struct durability *durability = checker->durability;
    const struct transfer *transfer = durability_transfer(durability, operation);
    const struct acknowledgement *newest = NULL;
    bool all_clean = true;

    if (!transfer || checker->incomplete || durability->blind || durability->files.overflow) {
        return DURABLE_NOT_OBSERVABLE;
    }
    for (int i = 0; i < DEVICES_MAX; i++) {
        const struct acknowledgement *ack = transfer->devices[i].acks;

        if (ack && ack->verdict == VERDICT_DIRTY) {
            return DURABLE_NO;
        }
        if (transfer->devices[i].handed_out) {
            all_clean = all_clean && ack && ack->verdict == VERDICT_CLEAN;
        }
        newest = ack && (!newest || ack->call.sequence > newest->call.sequence) ? ack : newest;
    }
    return newest && newest->verdict == VERDICT_CLEAN && (all_clean || newest->covers_all)
               ? DURABLE_YES
               : DURABLE_NOT_OBSERVABLE;
}

bool durability_is_disproved(const struct checker *checker, const struct operation_state *operation)
{
    const struct transfer *transfer = durability_transfer(checker->durability, operation->shown.id);

    return transfer && transfer->proof && operation->restored == DURABLE_NO;
}

static bool is_sink_of(const struct stored_file *file, const struct transfer *transfer)
{
    for (const struct file_use *use = file->uses; use; use = use->next) {
        if (use->operation == transfer->operation && use->judged) {
            return file->type == FILE_REGULAR && file->path && !file->gone;
        }
    }
    return false;
}

void durability_show_sinks(struct checker *checker, struct operation *shown)
{
    const struct durability *durability = checker->durability;
    const struct transfer *transfer = durability_transfer(durability, shown->id);

    if (!transfer) {
        return;
    }
    shown->sinks = calloc(durability->files.count, sizeof *shown->sinks);
    if (!shown->sinks) {
        checker->out_of_memory = true;
        return;
    }
    for (const struct stored_file *file = durability->files.list; file; file = file->next) {
        if (is_sink_of(file, transfer)) {
            shown->sinks[shown->sink_count++] = (struct sink){file->identity, file->path};
        }
    }
    for (int i = 0; i < DEVICES_MAX; i++) {
        const struct acknowledgement *ack = transfer->devices[i].acks;

        if (ack && ack->call.sequence > shown->acknowledged) {
            shown->acknowledged = ack->call.sequence;
        }
    }
}
