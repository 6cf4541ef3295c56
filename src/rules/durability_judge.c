/* durability_judge.c - see durability.h: what is durable at an acknowledgement. */
#include <inttypes.h>
#include <stdio.h>

#include "durability_internal.h"
#include "vdi.h"

enum {
    VOLUME_MIN = 65536
};

static bool is_dirty(const struct files *files, const struct stored_file *file, const struct file_use *use,
                     bool shared)
{
    uint64_t synced = files_synced(files, file);

    return use->last_write > synced || files_refused(file) > 0 ||
           (!shared && (file->last_loose > synced || files_buffered(file) > 0));
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
    if (files_refused(file) > 0) {
        snprintf(why, WHY_MAX,
                 "a write to '%.160s' took %" PRIu64
                 " bytes less than it was given, and nobody has written them since (%s)",
                 path, files_refused(file), how);
    } else if (waiting > 0) {
        snprintf(why, WHY_MAX, "%" PRId64 " bytes for '%.160s' still waited in a stdio buffer (%s)", waiting,
                 path, how);
    } else if (files_synced(files, file) == 0) {
        snprintf(why, WHY_MAX, "nothing had synced '%.160s' (%s)", path, how);
    } else {
        snprintf(why, WHY_MAX, "'%.160s' had been written to since its last sync began (%s)", path, how);
    }
}

/* Another file got every byte from the buffers: one of several copies that failed is no loss. */
static bool has_whole_copy(const struct durability *durability, const struct transfer *transfer,
                           int16_t device, uint64_t handed_out)
{
    for (const struct stored_file *file = durability->files.list; file; file = file->next) {
        const struct file_use *use = files_find_use(file, transfer->operation, device);

        if (use && file->type == FILE_REGULAR && !file->gone && use->bytes >= handed_out &&
            !is_dirty(&durability->files, file, use, files_is_shared(file, use->operation, device))) {
            return true;
        }
    }
    return false;
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
    use->judged = true;
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
    bool found = false, carried_away = false, mapped = false, refused = false;
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
            refused = refused || files_refused(file) > 0;
            found = true;
        }
    }
    if (carried_away || (mapped && ack->verdict == VERDICT_CLEAN) ||
        (ack->verdict == VERDICT_DIRTY &&
         (is_kept_elsewhere(durability, transfer, handed_out) ||
          (refused && has_whole_copy(durability, transfer, device, handed_out))))) {
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

/* What a file must have received to hold a device's stream, or a part of it. */
static bool is_enough(uint64_t bytes, uint64_t total, uint32_t devices)
{
    return bytes >= VOLUME_MIN && bytes >= total / devices / 2 && bytes <= total + total / 2;
}

static uint32_t count_devices(const struct transfer *transfer, uint64_t *total)
{
    uint32_t devices = 0;

    *total = 0;
    for (int i = 0; i < DEVICES_MAX; i++) {
        *total += transfer->devices[i].handed_out;
        devices += transfer->devices[i].handed_out > 0;
    }
    return devices;
}

static void judge_by_volume(const struct durability *durability, const struct transfer *transfer,
                            int16_t device, struct acknowledgement *ack)
{
    uint64_t total;
    uint32_t devices = count_devices(transfer, &total), clean = 0, dirty = 0;
    bool doubtful = false;

    ack->verdict = VERDICT_UNKNOWN;
    ack->covers_all = is_last_of_all(transfer, device, ack->code);
    if (!ack->covers_all) {
        return;
    }
    for (struct stored_file *file = durability->files.list; file; file = file->next) {
        struct file_use *use = files_find_use(file, transfer->operation, -1);

        if (!use || file->type != FILE_REGULAR || file->gone) {
            continue;
        }
        doubtful = doubtful || (use->doubtful && use->bytes >= VOLUME_MIN);
        if (is_enough(use->bytes, total, devices)) {
            ack->verdict = VERDICT_UNKNOWN;
            judge_sink(durability, transfer, file, use, total, ack);
            dirty += ack->verdict == VERDICT_DIRTY;
            clean += ack->verdict != VERDICT_DIRTY && !file->mapped;
        } else {
            use->unfinished = ack;
            use->unfinished_bytes = use->open_bytes;
        }
    }
    ack->nothing_judged = !dirty && !clean && !doubtful;
    /* More files than devices: a spool and what became of it, a copy; which one counts is the client's secret. So it is
     * when another operation was under way: the file may be that one's. */
    ack->verdict = doubtful && dirty                               ? VERDICT_UNKNOWN
                   : dirty && (!clean || clean + dirty <= devices) ? VERDICT_DIRTY
                   : clean && !dirty                               ? VERDICT_CLEAN
                                                                   : VERDICT_UNKNOWN;
}

/* Told by what came later: a file that was being written to at the acknowledgement, and went on to receive what was
 * missing before the set was closed. A writer of the client's own lagged behind. */
void durability_judge_late(const struct durability *durability, const struct transfer *transfer,
                           struct acknowledgement *ack)
{
    uint64_t total;
    uint32_t devices = count_devices(transfer, &total);

    for (const struct stored_file *file = ack->nothing_judged ? durability->files.list : NULL; file;
         file = file->next) {
        const struct file_use *use = files_find_use(file, transfer->operation, -1);

        if (use && use->unfinished == ack && use->unfinished_bytes > 0 && !use->doubtful && !file->mapped &&
            file->type == FILE_REGULAR && !file->gone && is_enough(use->open_bytes, total, devices) &&
            use->open_bytes >= 2 * use->unfinished_bytes) {
            ack->verdict = VERDICT_DIRTY;
            snprintf(ack->why, WHY_MAX,
                     "'%.160s' had received %" PRIu64 " of the %" PRIu64
                     " bytes handed out, and got more of them afterwards",
                     file->path ? file->path : "(a file opened before)", use->unfinished_bytes, total);
        }
    }
}

void durability_judge(const struct durability *durability, const struct transfer *transfer,
                      struct acknowledgement *ack)
{
    if (!judge_exactly(durability, transfer, ack->call.device, ack)) {
        judge_by_volume(durability, transfer, ack->call.device, ack);
    }
}
