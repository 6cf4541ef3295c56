/* durability.c - see durability.h. */
#include "durability.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "files.h"
#include "vdi.h"

enum {
    VOLUME_MIN = 65536,
    WHY_MAX = 320,
};

enum verdict {
    VERDICT_UNKNOWN, /* not observable */
    VERDICT_CLEAN,
    VERDICT_DIRTY
};

/* One Flush or VDC_Complete that was completed with SUCCESS. */
struct acknowledgement {
    struct acknowledgement *next; /* of the same device, newest first */
    struct call call;
    int32_t code;
    uint64_t nth; /* of its code on the device */
    enum verdict verdict;
    bool covers_all;        /* every device, by volume */
    char why[WHY_MAX];      /* dirty: what, and how it is known */
    char unnamed[WHY_MAX];  /* clean, but a name is not durable: which; "" none */
    char leftover[WHY_MAX]; /* stale bytes behind the end: which; "" none */
    char changed[WHY_MAX];  /* the content changed afterwards: how; "" it did not */
};

struct transfer_device {
    uint64_t handed_out; /* bytes of Writes */
    int64_t end;         /* behind the last byte of any, by their positions */
    uint64_t last_fetch; /* sequence of the newest Write's GetCommand */
    uint64_t counts[2];  /* acknowledged: Flush, Complete */
    struct acknowledgement *acks;
};

struct transfer {
    struct transfer *next;
    int32_t operation;
    uint32_t features;
    bool proof; /* --verify ran on the files as they were on disk */
    struct transfer_device devices[DEVICES_MAX];
};

struct durability {
    struct files files;
    struct transfer *transfers; /* newest first */
    uint32_t transfer_count;
    bool blind; /* a witness says that it may have missed something */
};

/* ---- state ---- */

static struct durability *state(struct checker *checker)
{
    if (!checker->durability) {
        checker->durability = calloc(1, sizeof *checker->durability);
        checker->out_of_memory = checker->out_of_memory || !checker->durability;
    }
    return checker->durability;
}

static struct transfer *find_transfer(const struct durability *durability, int32_t operation)
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
    struct transfer *transfer = find_transfer(durability, operation);

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
    }
    transfer->devices[event->device].handed_out += event->arg[2] > 0 ? (uint64_t)event->arg[2] : 0;
    if (event->arg[3] >= 0 && event->arg[2] >= 0 && event->arg[3] <= INT64_MAX - event->arg[2] &&
        transfer->devices[event->device].end < event->arg[3] + event->arg[2]) {
        transfer->devices[event->device].end = event->arg[3] + event->arg[2];
    }
    transfer->devices[event->device].last_fetch = call->sequence;
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

/* Bytes of no known command count for every operation that is under way: which one they are of is not known. */
static void count_volume(struct durability *durability, struct stored_file *file, const struct event *event)
{
    for (struct transfer *transfer = durability->transfers; transfer; transfer = transfer->next) {
        struct file_use *use =
            has_begun(transfer) ? files_use(&durability->files, file, transfer->operation, -1) : NULL;

        if (use) {
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
    struct file_source source = find_source(checker, event->call);
    struct stored_file *file;

    if (!durability || event->side != EVENT_SIDE_CLIENT) {
        return;
    }
    file = files_take(&durability->files, event, text, &source);
    if (file && !source.known && files_is_write(event)) {
        count_volume(durability, file, event);
        note_change(file, event);
    }
    checker->out_of_memory = checker->out_of_memory || durability->files.out_of_memory;
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
    struct transfer *transfer = durability ? find_transfer(durability, event->operation) : NULL;

    (void)text;
    if (durability && event->arg[0] == NOTE_FILES) {
        durability->blind = true;
    } else if (transfer && event->arg[0] == NOTE_PROOF) {
        transfer->proof = true;
    }
}

/* ---- at an acknowledgement ---- */

static bool is_dirty(const struct files *files, const struct stored_file *file, const struct file_use *use,
                     bool shared)
{
    uint64_t synced = files_synced(files, file);

    return use->last_write > synced || (!shared && (file->last_loose > synced || files_buffered(file) > 0));
}

static void say_dirty(const struct files *files, const struct stored_file *file, const struct file_use *use,
                      uint64_t handed_out, char why[WHY_MAX])
{
    const char *path = file->path ? file->path : "(a file opened before)";
    int64_t waiting = files_buffered(file);
    char how[96];

    if (use->device >= 0) {
        snprintf(how, sizeof how, "it took its bytes from the command buffers");
    } else {
        snprintf(how, sizeof how, "it had received %" PRIu64 " of the %" PRIu64 " bytes handed out",
                 use->bytes, handed_out);
    }
    if (waiting > 0) {
        snprintf(why, WHY_MAX, "%" PRId64 " bytes for '%.160s' still waited in a stdio buffer (%s)", waiting,
                 path, how);
    } else if (files_synced(files, file) == 0) {
        snprintf(why, WHY_MAX, "nothing had synced '%.160s' (%s)", path, how);
    } else {
        snprintf(why, WHY_MAX, "'%.160s' had been written to since its last sync began (%s)", path, how);
    }
}

/* A regular file of no known command that holds about as much, all of it durable: the client may have put the
 * stream there by a way of its own. */
static bool is_kept_elsewhere(const struct durability *durability, const struct transfer *transfer,
                              uint64_t handed_out)
{
    for (const struct stored_file *file = durability->files.list; file; file = file->next) {
        const struct file_use *use = files_find_use(file, transfer->operation, -1);

        if (use && file->type == FILE_REGULAR && !file->gone && use->bytes >= handed_out / 2 &&
            !is_dirty(&durability->files, file, use, false)) {
            return true;
        }
    }
    return false;
}

static bool is_name_durable(const struct durability *durability, const struct stored_file *file)
{
    const struct stored_file *folder = files_find(&durability->files, file->folder);

    return !file->folder || file->named < durability->files.all_synced ||
           (folder && file->named < files_synced(&durability->files, folder));
}

/* VDI-FLUSH-002: only where the file is the device, byte for byte. */
static bool has_leftover(const struct transfer *transfer, const struct stored_file *file,
                         const struct file_use *use, int16_t device, bool shared)
{
    bool same = use->device >= 0 ? !use->misplaced : file->written_end == transfer->devices[device].end;

    return (transfer->features & VDF_RandomAccess) && !shared && same && file->places_known &&
           file->size > file->written_end && file->written_end > 0;
}

/* What goes for one sink: the first dirty one is told. */
static void judge_sink(const struct durability *durability, const struct transfer *transfer,
                       struct stored_file *file, struct file_use *use, uint64_t handed_out,
                       struct acknowledgement *ack)
{
    bool shared = files_is_shared(file, use->operation, use->device);

    use->watched = ack;
    if (is_dirty(&durability->files, file, use, shared)) {
        if (ack->verdict != VERDICT_DIRTY) {
            say_dirty(&durability->files, file, use, handed_out, ack->why);
        }
        ack->verdict = VERDICT_DIRTY;
        return;
    }
    if (!is_name_durable(durability, file)) {
        snprintf(ack->unnamed, WHY_MAX, "'%.160s'", file->path ? file->path : "?");
    }
    if (has_leftover(transfer, file, use, ack->call.device, shared)) {
        snprintf(ack->leftover, WHY_MAX,
                 "'%.160s' is %" PRId64 " bytes long, the last byte written is byte %" PRId64,
                 file->path ? file->path : "?", file->size, file->written_end);
    }
}

/* False: no file is known exactly. */
static bool judge_exactly(const struct durability *durability, const struct transfer *transfer,
                          int16_t device, struct acknowledgement *ack)
{
    bool found = false, carried_away = false, mapped = false;
    uint64_t handed_out = transfer->devices[device].handed_out;

    ack->verdict = VERDICT_CLEAN;
    for (struct stored_file *file = durability->files.list; file; file = file->next) {
        struct file_use *use = files_find_use(file, transfer->operation, device);

        if (!use) {
            continue;
        }
        if (file->type != FILE_REGULAR) {
            carried_away = carried_away || file->type != FILE_PIPE;
        } else if (!file->gone) {
            judge_sink(durability, transfer, file, use, handed_out, ack);
            mapped = mapped || file->mapped;
            found = true;
        }
    }
    if (carried_away || (mapped && ack->verdict == VERDICT_CLEAN) ||
        (ack->verdict == VERDICT_DIRTY && is_kept_elsewhere(durability, transfer, handed_out))) {
        ack->verdict = VERDICT_UNKNOWN;
    }
    return found || carried_away;
}

/* Every other device has come as far: no file's bytes, and no name, are still on their way for good reason. */
static bool is_last_of_all(const struct transfer *transfer, int16_t device, int32_t code)
{
    for (int i = 0; i < DEVICES_MAX; i++) {
        const struct transfer_device *other = &transfer->devices[i];

        if (i != device && other->handed_out &&
            (!other->acks || other->acks->code != code || other->acks->call.sequence < other->last_fetch)) {
            return false;
        }
    }
    return true;
}

static void judge_by_volume(const struct durability *durability, const struct transfer *transfer,
                            int16_t device, struct acknowledgement *ack)
{
    uint64_t total = 0;
    uint32_t devices = 0, clean = 0, dirty = 0;

    for (int i = 0; i < DEVICES_MAX; i++) {
        total += transfer->devices[i].handed_out;
        devices += transfer->devices[i].handed_out > 0;
    }
    ack->verdict = VERDICT_UNKNOWN;
    ack->covers_all = is_last_of_all(transfer, device, ack->code);
    if (!ack->covers_all) {
        return;
    }
    for (struct stored_file *file = durability->files.list; file; file = file->next) {
        struct file_use *use = files_find_use(file, transfer->operation, -1);

        if (use && file->type == FILE_REGULAR && !file->gone && use->bytes >= VOLUME_MIN &&
            use->bytes >= total / devices / 2 && use->bytes <= total + total / 2) {
            ack->verdict = VERDICT_UNKNOWN;
            judge_sink(durability, transfer, file, use, total, ack);
            dirty += ack->verdict == VERDICT_DIRTY;
            clean += ack->verdict != VERDICT_DIRTY && !file->mapped;
        }
    }
    /* More files than devices: a spool and what became of it, a copy; which one counts is the client's secret. */
    ack->verdict = dirty && (!clean || clean + dirty <= devices) ? VERDICT_DIRTY
                   : clean && !dirty                             ? VERDICT_CLEAN
                                                                 : VERDICT_UNKNOWN;
}

void durability_acknowledged(struct checker *checker, int32_t code, const struct call *call)
{
    bool counts =
        (code == VDC_Flush || code == VDC_Complete) && call->device >= 0 && call->device < DEVICES_MAX;
    struct transfer *transfer =
        counts && !checker->client_exit_sequence ? find_transfer(checker->durability, call->operation) : NULL;
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
    if (!judge_exactly(checker->durability, transfer, call->device, ack)) {
        judge_by_volume(checker->durability, transfer, call->device, ack);
    }
    device->acks = ack;
}

/* ---- at the end ---- */

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
    if (ack->changed[0] && last && !may_wait && ack->verdict == VERDICT_CLEAN) {
        finding_add(checker, ack->code == VDC_Complete ? "VDI-COMP-001" : "VDI-FLUSH-004", call,
                    call->operation, call->device,
                    "%s #%" PRIu64 " of device %d was completed with SUCCESS, then %s",
                    command_text(ack->code, name), ack->nth, call->device, ack->changed);
    }
}

void durability_settle(struct checker *checker)
{
    const struct durability *durability = checker->durability;
    bool sighted = durability && !durability->blind && !durability->files.overflow;

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
    const struct transfer *transfer = find_transfer(durability, operation);
    const struct acknowledgement *newest = NULL;
    bool all_clean = true;

    if (!transfer || durability->blind || durability->files.overflow) {
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
    const struct transfer *transfer = find_transfer(checker->durability, operation->shown.id);

    return transfer && transfer->proof && operation->restored == DURABLE_NO;
}
