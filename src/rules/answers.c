/* answers.c - what commands are completed with: VDI-CMD-004, 005, 006, 009, 010, VDI-IO-002, 003, 006,
 * VDI-SNAP-001 to 003, VDI-DATA-002.
 *
 * A completion is judged by its own arguments, at its begin; what it means for the device counts once it was
 * accepted. Nothing is said about a set that is aborted: nobody looks at its completions.
 */
#include <assert.h>
#include <stddef.h>
#include <stdio.h>

#include "codes.h"
#include "state.h"
#include "vdi.h"
#include "vdierror.h"

enum {
    /* Win32 codes that clients are known to use, and that only these rules name. */
    ERROR_NO_MORE_FILES = 18,
    ERROR_BAD_LENGTH = 24,
    ERROR_INVALID_PARAMETER = 87,
    ERROR_INSUFFICIENT_BUFFER = 122,
    ERROR_BUSY = 170,
    ERROR_MORE_DATA = 234,
    ERROR_NO_MORE_ITEMS = 259,
    ERROR_INVALID_BLOCK_LENGTH = 1106,
    ERROR_CANCELLED = 1223,
    ERROR_REQUEST_ABORTED = 1235,
    ERROR_REQUEST_REFUSED = 4320,
};

/* No document gives a figure for "promptly" (VDI-SNAP-001). A minute without writes to the database is long for
 * whatever copies or splits a mirror. */
#define SNAPSHOT_LONG_NS 60000000000u

bool answer_wants(const struct answer *answer, uint32_t features)
{
    return answer->configuration && (answer->configuration->features & features) != 0;
}

/* All of these are known to be clear. */
static bool lacks(const struct answer *answer, uint32_t features)
{
    return answer->configuration && (answer->configuration->features & features) == 0;
}

static bool has_code(const int32_t *codes, size_t count, int32_t code)
{
    for (size_t i = 0; i < count; i++) {
        if (codes[i] == code) {
            return true;
        }
    }
    return false;
}
#define HAS_CODE(codes, code) has_code(codes, sizeof(codes) / sizeof((codes)[0]), code)

static void report(const struct answer *answer, enum severity cap, const char *rule, const char *remark)
{
    const struct command *command = answer->command;
    bool transfer = command->code == VDC_Read || command->code == VDC_Write;
    char name[32], size[40] = "";

    if (transfer) {
        snprintf(size, sizeof size, " of %lld bytes", (long long)command->size);
    }
    finding_add_capped(answer->checker, cap, rule, answer->call, answer->call->operation, answer->index,
                       "%s%s on device %d was completed with code %d and %lld bytes: %s",
                       command_text(command->code, name), size, answer->index, command->answer_code,
                       (long long)command->answer_bytes, remark);
}

/* ---- bytes ---- */

static void judge_bytes(const struct answer *answer)
{
    const struct command *command = answer->command;
    uint64_t bytes = (uint64_t)command->answer_bytes;
    bool success = command->answer_code == ERROR_SUCCESS && command->size > 0;

    if (command->code != VDC_Read && command->code != VDC_Write) {
        if (bytes != 0) { /* that it must be 0 is derived (spec 15) */
            report(answer, SEVERITY_WARNING, "VDI-CMD-004", "only Read and Write move any");
        }
    } else if (bytes > (uint64_t)(command->size > 0 ? command->size : 0)) {
        report(answer, SEVERITY_ERROR, "VDI-CMD-005", "more than it has");
    } else if (success && bytes == 0 && command->code == VDC_Read) {
        report(answer, SEVERITY_ERROR, "VDI-IO-003", "nothing was read, and no code says that the data end");
    } else if (success && bytes == 0) {
        report(answer, SEVERITY_ERROR, "VDI-CMD-004", "the count is missing");
    } else if (success && bytes < (uint64_t)command->size) {
        report(answer, SEVERITY_ERROR, "VDI-CMD-006", "SUCCESS means all of them");
    }
}

/* ---- what a client supports ---- */

/* What every client must be able to receive, and for which kind of operation. */
static const struct {
    int32_t code;
    uint32_t features;
    bool transfers;
} basic[] = {
    {VDC_ClearError, VDF_WriteMedia | VDF_ReadMedia, false},
    {VDC_Flush, VDF_WriteMedia, false},
    {VDC_Write, VDF_WriteMedia, true},
    {VDC_Read, VDF_ReadMedia, true},
};

/* Of what was not announced, a client may well perform PrepareToFreeze or Complete unasked; no tape command. */
static void judge_support(const struct answer *answer)
{
    const struct command *command = answer->command;
    uint32_t needed = command_features(command->code);

    if (needed != 0 && command->answer_code == ERROR_SUCCESS && lacks(answer, needed)) {
        report(answer, SEVERITY_ERROR, "VDI-CMD-009", "the features announced do not have it");
    }
    if (command->answer_code != ERROR_NOT_SUPPORTED) {
        return;
    }
    for (size_t i = 0; i < sizeof basic / sizeof basic[0]; i++) {
        if (basic[i].code == command->code && answer_wants(answer, basic[i].features) &&
            (!basic[i].transfers || command->size > 0)) {
            report(answer, SEVERITY_ERROR, "VDI-CMD-010", "every client must serve it");
        }
    }
    if (command->code == VDC_PrepareToFreeze && answer_wants(answer, VDF_SnapshotPrepare)) {
        report(answer, SEVERITY_ERROR, "VDI-SNAP-003", "the client asked for it, with SnapshotPrepare");
    }
}

/* ---- ends of data and of media ---- */

static void judge_end(const struct answer *answer)
{
    static const int32_t never_of_a_read[] = {ERROR_NO_MORE_FILES, ERROR_NO_MORE_ITEMS};
    const struct command *command = answer->command;
    bool end_of_media = command->answer_code == ERROR_END_OF_MEDIA && lacks(answer, VDF_Removable);

    if (command->code == VDC_Write && end_of_media) {
        report(answer, SEVERITY_ERROR, "VDI-IO-006", "these media cannot be changed (no VDF_Removable)");
    } else if (command->code == VDC_Read &&
               (end_of_media || HAS_CODE(never_of_a_read, command->answer_code))) {
        report(answer, SEVERITY_ERROR, "VDI-IO-003", "the end of the data has other codes, 38 and 1104");
    }
}

/* ---- sizes ---- */

static bool was_served(const struct run_transfer *run, int64_t size)
{
    for (uint32_t i = 0; i < run->size_count; i++) {
        if (run->sizes[i] == size) {
            return true;
        }
    }
    return run->size_count == SIZES_MAX; /* who knows */
}

/* A Read that is refused for its size alone: none of its size was served before, though others were. */
static void judge_size(const struct answer *answer)
{
    static const int32_t codes[] = {ERROR_BAD_LENGTH, ERROR_INVALID_PARAMETER, ERROR_INSUFFICIENT_BUFFER,
                                    ERROR_MORE_DATA, ERROR_INVALID_BLOCK_LENGTH};
    const struct command *command = answer->command;
    const struct set_transfer *configuration = answer->configuration;

    if (command->code != VDC_Read || !answer_wants(answer, VDF_ReadMedia) || configuration->block_size == 0 ||
        command->size <= 0 || command->size > configuration->max_transfer ||
        command->size % configuration->block_size != 0) {
        return;
    }
    if (HAS_CODE(codes, command->answer_code) && answer->checker->transfer.size_count > 0 &&
        !was_served(&answer->checker->transfer, command->size)) {
        report(answer, SEVERITY_ERROR, "VDI-DATA-002",
               "refused for its size, which is a number of blocks like any other");
    }
}

static void note_size(struct run_transfer *run, const struct command *command)
{
    bool transfer = command->code == VDC_Write || command->code == VDC_Read;

    if (transfer && command->answer_code == ERROR_SUCCESS && !was_served(run, command->size)) {
        run->sizes[run->size_count++] = command->size;
    }
}

/* ---- snapshots ---- */

static void judge_snapshot(const struct answer *answer)
{
    const struct command *command = answer->command;
    uint64_t now = answer->call->time_ns;
    uint64_t took = now > command->fetched_ns ? now - command->fetched_ns : 0;

    if (command->code == VDC_Snapshot && took > SNAPSHOT_LONG_NS) {
        finding_add(
            answer->checker, "VDI-SNAP-001", answer->call, answer->call->operation, answer->index,
            "Snapshot on device %d was completed %.0f s after it had been fetched; nobody could write to the "
            "database meanwhile",
            answer->index, (double)took / 1e9);
    }
}

/* ---- answers that an abort would excuse ---- */

/* A code for "no" that is not the one for it: an error met while taking the snapshot has its own. */
static bool is_wrong_refusal(const struct command *command)
{
    static const int32_t codes[] = {ERROR_BUSY, ERROR_CANCELLED, ERROR_REQUEST_ABORTED,
                                    ERROR_REQUEST_REFUSED};

    return command->code == VDC_Snapshot && HAS_CODE(codes, command->answer_code);
}

/* NOT_SUPPORTED is VDI-CMD-010's. */
static bool is_wrong_clear_error(const struct command *command)
{
    return command->code == VDC_ClearError && command->answer_code != ERROR_SUCCESS &&
           command->answer_code != ERROR_NOT_SUPPORTED;
}

void answers_judge_held(struct checker *checker, const struct vdi_set *set)
{
    char name[32];

    if (set->client_aborted || set->abort_returned || set->fault_aborted || set->closed_by_fault) {
        return;
    }
    for (int16_t i = 0; i < DEVICES_MAX; i++) {
        const struct held_answer *held = &set->devices[i].transfer.answer;

        if (held->call.sequence) {
            finding_add(checker, held->command == VDC_Snapshot ? "VDI-SNAP-002" : "VDI-IO-002", &held->call,
                        set->operation, i,
                        "%s on device %d was completed with code %d, and no abort followed",
                        command_text(held->command, name), i, held->code);
        }
    }
}

/* ---- all of them ---- */

static struct answer make_answer(struct checker *checker, struct vdi_set *set, int16_t index,
                                 const struct command *command, const struct call *call)
{
    return (struct answer){.checker = checker,
                           .set = set,
                           .device = state_device(set, index),
                           .index = index,
                           .command = command,
                           .call = call,
                           .configuration = transfer_configuration(checker, set)};
}

void answers_judge(struct checker *checker, struct vdi_set *set, int16_t index, const struct command *command,
                   const struct call *call)
{
    struct answer answer = make_answer(checker, set, index, command, call);

    assert(answer.device);
    if (!set_is_live(set) || set_is_aborted(set) || command->code < VDC_Read ||
        command->code > VDC_Complete) {
        return; /* of a command nobody knows only VDI-CMD-008 speaks */
    }
    judge_bytes(&answer);
    judge_support(&answer);
    judge_end(&answer);
    judge_size(&answer);
    judge_snapshot(&answer);
    positions_judge(&answer);
}

static void note_read(const struct answer *answer)
{
    struct operation_state *operation = state_find_operation(answer->checker, answer->call->operation);
    const struct command *command = answer->command;

    if (!operation || command->code != VDC_Read || set_is_aborted(answer->set)) {
        return;
    }
    if (command->answer_code == ERROR_HANDLE_EOF || command->answer_code == ERROR_NO_DATA_DETECTED) {
        answer->device->transfer.ended = true;
    }
    if (answer->device->transfer.ended) {
        return; /* asked for before the end was known; whatever the client says of it */
    }
    if (code_is_io_error(command->answer_code)) {
        operation->transfer.read_error = (struct held_answer){
            .call = *answer->call, .command = command->code, .code = command->answer_code};
    } else if (command->answer_code == ERROR_SUCCESS) {
        operation->transfer.read_error.call.sequence = 0;
    }
}

void answers_apply(struct checker *checker, struct vdi_set *set, int16_t index, const struct command *command,
                   const struct call *call)
{
    struct answer answer = make_answer(checker, set, index, command, call);
    struct operation_state *operation = state_find_operation(checker, call->operation);
    struct device_transfer *device = &answer.device->transfer;

    note_size(&checker->transfer, command);
    note_read(&answer);
    positions_apply(&answer);
    if (operation && command->code == VDC_Load && command->answer_code != ERROR_SUCCESS) {
        operation->transfer.not_loaded = true;
    }
    if (code_is_io_error(command->answer_code)) {
        device->error_sequence = call->sequence;
        device->error_ns = call->time_ns;
    }
    if (command->code == VDC_ClearError && command->answer_code == ERROR_SUCCESS) {
        device->error_sequence = 0;
    }
    if (is_wrong_clear_error(command) || is_wrong_refusal(command)) {
        device->answer =
            (struct held_answer){.call = *call, .command = command->code, .code = command->answer_code};
    }
    if (operation && command->code == VDC_MountSnapshot && command->answer_code == ERROR_SUCCESS) {
        operation->transfer.mounted = *call;
    }
}
