/* durability.c - see durability.h: what the events tell. */
#include "durability.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "durability_internal.h"
#include "vdi.h"

/* ---- state ---- */

static struct durability *state(struct checker *checker)
{
    if (!checker->durability) {
        checker->durability = calloc(1, sizeof *checker->durability);
        checker->out_of_memory = checker->out_of_memory || !checker->durability;
    }
    return checker->durability;
}

struct transfer *durability_transfer(const struct durability *durability, int32_t operation)
{
    struct transfer *transfer = durability ? durability->transfers : NULL;

    while (transfer && transfer->operation != operation) {
        transfer = transfer->next;
    }
    return transfer;
}

static struct transfer *get_transfer(struct checker *checker, int32_t operation)
{
    struct durability *durability = checker->client_exit_sequence ? NULL : state(checker);
    struct transfer *transfer = durability_transfer(durability, operation);

    if (transfer || !durability || operation < 0 || durability->transfer_count == OPERATIONS_MAX) {
        return transfer;
    }
    transfer = calloc(1, sizeof *transfer);
    if (!transfer) {
        checker->out_of_memory = true;
        return NULL;
    }
    *transfer = (struct transfer){.next = durability->transfers, .operation = operation};
    durability->transfers = transfer;
    durability->transfer_count++;
    return transfer;
}

void durability_free(struct checker *checker)
{
    struct durability *durability = checker->durability;

    while (durability && durability->transfers) {
        struct transfer *transfer = durability->transfers;

        durability->transfers = transfer->next;
        for (int i = 0; i < DEVICES_MAX; i++) {
            while (transfer->devices[i].acks) {
                struct acknowledgement *ack = transfer->devices[i].acks;

                transfer->devices[i].acks = ack->next;
                free(ack);
            }
        }
        free(transfer);
    }
    if (durability) {
        files_free(&durability->files);
        free(durability);
        checker->durability = NULL;
    }
}

/* ---- what the events tell ---- */

void durability_configured(struct checker *checker, int32_t operation, uint32_t features)
{
    struct transfer *transfer = get_transfer(checker, operation);

    if (transfer) {
        transfer->features = features;
    }
}

/* A later operation may write to the same files for reasons of its own. */
static void stop_watching(struct durability *durability, int32_t but_operation)
{
    for (struct stored_file *file = durability->files.list; file; file = file->next) {
        for (struct file_use *use = file->uses; use; use = use->next) {
            use->watched = use->operation == but_operation ? use->watched : NULL;
        }
    }
}

static bool has_begun(const struct transfer *transfer)
{
    for (int i = 0; i < DEVICES_MAX; i++) {
        if (transfer->devices[i].handed_out) {
            return true;
        }
    }
    return false;
}

void durability_fetched(struct checker *checker, const struct event *event, const struct call *call)
{
    bool counts = event->arg[1] == VDC_Write && event->device >= 0 && event->device < DEVICES_MAX;
    struct transfer *transfer = counts ? get_transfer(checker, call->operation) : NULL;

    if (!transfer) {
        return;
    }
    if (!has_begun(transfer)) {
        stop_watching(checker->durability, transfer->operation);
        files_forgive_all(&checker->durability->files); /* it may be what makes good for them */
    }
    transfer->devices[event->device].handed_out += event->arg[2] > 0 ? (uint64_t)event->arg[2] : 0;
    if (event->arg[3] >= 0 && event->arg[2] >= 0 && event->arg[3] <= INT64_MAX - event->arg[2] &&
        transfer->devices[event->device].end < event->arg[3] + event->arg[2]) {
        transfer->devices[event->device].end = event->arg[3] + event->arg[2];
    }
    transfer->devices[event->device].last_fetch = event->sequence;
}

/* The command in the client's hands that this GetCommand fetched. */
static struct file_source find_source(const struct checker *checker, uint64_t fetch)
{
    for (const struct vdi_set *set = fetch ? checker->sets : NULL; set; set = set->next) {
        for (int16_t i = 0; i < DEVICES_MAX; i++) {
            for (const struct command *command = set->devices[i].commands; command; command = command->next) {
                if (command->fetch.sequence == fetch) {
                    return (struct file_source){.known = true,
                                                .operation = set->operation,
                                                .device = i,
                                                .position = command->position,
                                                .size = command->size};
                }
            }
        }
    }
    return (struct file_source){.known = false};
}

/* It has bytes that were not acknowledged yet, on any device. */
static bool is_under_way(const struct transfer *transfer)
{
    for (int i = 0; i < DEVICES_MAX; i++) {
        const struct transfer_device *device = &transfer->devices[i];

        if (device->handed_out && (!device->acks || device->acks->call.sequence < device->last_fetch)) {
            return true;
        }
    }
    return false;
}

/* Bytes of no known command count for every operation that is under way: which one they are of is not known. */
static void count_volume(struct durability *durability, struct stored_file *file, const struct event *event)
{
    uint32_t under_way = 0;

    for (const struct transfer *transfer = durability->transfers; transfer; transfer = transfer->next) {
        under_way += !transfer->over && is_under_way(transfer);
    }
    for (struct transfer *transfer = durability->transfers; transfer; transfer = transfer->next) {
        struct file_use *use =
            has_begun(transfer) ? files_use(&durability->files, file, transfer->operation, -1) : NULL;

        if (use) {
            use->doubtful = use->doubtful || under_way > 1;
            use->open_bytes +=
                !transfer->over && event->arg[0] != FILE_TRUNCATE ? (uint64_t)event->arg[5] : 0;
            use->bytes += event->arg[0] != FILE_TRUNCATE ? (uint64_t)event->arg[5] : 0;
            use->last_write = event->arg[0] != FILE_WRITE_SYNCED ? event->sequence : use->last_write;
        }
    }
}

static void note_change(struct stored_file *file, const struct event *event)
{
    for (struct file_use *use = file->uses; use; use = use->next) {
        if (use->watched && !use->watched->changed[0] &&
            !files_is_shared(file, use->operation, use->device)) {
            use->watched->changed_file = file;
            snprintf(use->watched->changed, WHY_MAX, "%s of %" PRId64 " bytes changed '%s'",
                     event->arg[0] == FILE_TRUNCATE ? "a cut to a length" : "a write",
                     event->arg[0] == FILE_TRUNCATE ? event->arg[4] : event->arg[5],
                     file->path ? file->path : "?");
        }
    }
}

void durability_file(struct checker *checker, const struct event *event, const char *text)
{
    struct durability *durability = checker->client_exit_sequence ? NULL : state(checker);
    bool carries =
        event->arg[0] == FILE_WRITE || event->arg[0] == FILE_WRITE_SYNCED || event->arg[0] == FILE_BUFFERED;
    struct file_source source = find_source(checker, carries ? event->call : 0);
    struct stored_file *file;

    if (!durability || event->side != EVENT_SIDE_CLIENT) {
        return;
    }
    if (event->arg[5] < 0 && event->arg[5] != -EAGAIN && event->arg[5] != -EINTR) {
        checker->file_error = event->sequence;
    }
    file = files_take(&durability->files, event, text, &source);
    if (file && !source.known && files_is_write(event)) {
        count_volume(durability, file, event);
        note_change(file, event);
    }
    checker->out_of_memory = checker->out_of_memory || durability->files.out_of_memory;
}

void durability_refused(struct checker *checker, uint64_t fetch)
{
    if (checker->durability) {
        files_forgive(&checker->durability->files, fetch);
    }
}

void durability_closed(struct checker *checker, int32_t operation)
{
    struct transfer *transfer = durability_transfer(checker->durability, operation);

    if (transfer) {
        transfer->over = true;
    }
}

void durability_process_exit(struct checker *checker, const struct event *event)
{
    if (checker->durability) {
        files_flush_process(&checker->durability->files, event->process, event->sequence);
    }
}

void durability_note(struct checker *checker, const struct event *event, const char *text)
{
    struct durability *durability = state(checker);
    struct transfer *transfer = durability ? durability_transfer(durability, (int32_t)event->arg[1]) : NULL;

    (void)text;
    if (durability && event->arg[0] == NOTE_FILES) {
        durability->blind = true;
    } else if (transfer && event->arg[0] == NOTE_PROOF) {
        transfer->proof = true;
        checker->proof = event->sequence;
        checker->stored_is_verified = checker->verify_succeeded;
    }
}

void durability_acknowledged(struct checker *checker, int32_t code, const struct call *call)
{
    bool counts =
        (code == VDC_Flush || code == VDC_Complete) && call->device >= 0 && call->device < DEVICES_MAX;
    struct transfer *transfer = counts && !checker->client_exit_sequence
                                    ? durability_transfer(checker->durability, call->operation)
                                    : NULL;
    struct transfer_device *device = transfer ? &transfer->devices[call->device] : NULL;
    struct acknowledgement *ack;

    if (!device || !device->handed_out) {
        return; /* nothing to make durable: a RESTORE */
    }
    ack = calloc(1, sizeof *ack);
    if (!ack) {
        checker->out_of_memory = true;
        return;
    }
    *ack = (struct acknowledgement){.next = device->acks, .call = *call, .code = code};
    ack->nth = ++device->counts[code == VDC_Complete];
    durability_judge(checker->durability, transfer, ack);
    device->acks = ack;
}
